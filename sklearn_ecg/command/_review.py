"""``sklearn-ecg review``: the page on which readers answer what the cleaner cannot decide."""

import logging
import os
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import click

from sklearn_ecg.command._parameters import names_of
from sklearn_ecg.command._run import options_of_run
from sklearn_ecg.command._settings import without_password

_FILE = click.Path(path_type=Path, dir_okay=False)
_EVERYWHERE = ("", "0.0.0.0", "::")


@click.command("review")
@click.argument("queue", metavar="QUEUE")
@click.option(
    "--reader",
    "--readers",
    "readers",
    multiple=True,
    metavar="NAMES",
    help="Who may answer, separated by commas; by default anybody at this machine.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. With another than this machine's own, such as 0.0.0.0, the "
    "command prints a link for each reader, who can enter by this link alone.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="0 for any that is free.",
)
@click.option("--tokens", is_flag=True, help="Readers at this machine need their links, too.")
@click.option(
    "--token-file",
    type=_FILE,
    help="Write the links into this file, which only you can read, and do not print them.",
)
@click.option(
    "--new-links",
    is_flag=True,
    help="Make new links. Links that were given before lead nowhere then, and all readers have to "
    "enter again. A desk that is running must be started again to know the new ones.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which browsers reach the desk, such as that of a proxy in front of it.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="The address of a proxy in front of the desk; its X-Forwarded headers are believed.",
)
@click.option(
    "--ssl-certfile",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A certificate (PEM), by which the desk speaks https.",
)
@click.option(
    "--ssl-keyfile",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The key of the certificate.",
)
@click.option("--show-ids", is_flag=True, help="Show the ids of records, not their numbers.")
@click.option("--patient", is_flag=True, help="Show age and sex.")
@click.option("--language", help="Of the pages: en, de or zh; by default that of the browser.")
@click.option(
    "--refit-every",
    type=click.IntRange(min=0),
    default=25,
    show_default=True,
    metavar="ANSWERS",
    help="After so many answers the cleaner is fitted again, while reading goes on; 0 for never.",
)
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
@options_of_run
def review(
    run,
    queue,
    readers,
    host,
    port,
    tokens,
    token_file,
    new_links,
    allowed_hosts,
    trusted_proxies,
    ssl_certfile,
    ssl_keyfile,
    no_browser,
    **options,
):
    """Open the review desk on QUEUE, a file or the URL of a database.

    `sklearn-ecg clean` and `ReviewQueue.from_cleaner` make one. Each answer is stored as it is
    given; Ctrl-C ends the desk, and the same command opens it again.

    \b
    Other machines cannot reach the desk, unless --host says so. For a department:
      sklearn-ecg review queue.sqlite --host 0.0.0.0 --readers anna,ben \\
        --ssl-certfile desk.pem --ssl-keyfile desk.key --token-file links.txt

    Example: sklearn-ecg review queue.sqlite --reader anna
    """
    from sklearn_ecg.review import ReviewQueue, create_app, serve
    from sklearn_ecg.review._server import is_loopback, listen
    from sklearn_ecg.review._sessions import void_links

    readers = list(dict.fromkeys(name for names in readers for name in names_of(names))) or None
    is_open = bool(trusted_proxies) or not all(map(is_loopback, (host, *allowed_hosts)))
    if (is_open or tokens) and readers is None:
        raise click.UsageError("Name who may answer by --readers: each needs a link of their own.")
    if (ssl_certfile is None) != (ssl_keyfile is None):
        raise click.UsageError("--ssl-certfile and --ssl-keyfile go together.")
    opened = ReviewQueue(queue)
    if new_links:
        void_links(opened)
    app = create_app(
        opened,
        readers=readers,
        with_tokens=is_open or tokens,
        hosts=[*allowed_hosts, *_names_of(host, is_open)],
        **options,
    )
    with listen(host, port) as sock, _logged(run):
        scheme = "http" if ssl_certfile is None else "https"
        port = sock.getsockname()[1]
        site = _site(scheme, host, port, allowed_hosts, trusted_proxies)
        if is_open and scheme == "http" and not trusted_proxies:
            text = "Links and ECGs cross the network for all to read: give --ssl-certfile and "
            click.echo(f"Warning: {text}--ssl-keyfile.", err=True)
        address = f"{site}/enter"
        if readers is not None and len(readers) == 1 and not app.state.sessions.with_tokens:
            address += f"#{urlencode({'reader': readers[0]})}"
        click.echo(f"Open {address}")
        if app.state.sessions.with_tokens:
            _hand_out(app.state.sessions, site, token_file)
        run.conclude("Ctrl-C ends the desk; each answer is stored as it is given.")
        if not no_browser:
            _open_browser(address)
        with suppress(KeyboardInterrupt):  # which tells it to end
            serve(
                app,
                sock,
                ssl_certfile=ssl_certfile,
                ssl_keyfile=ssl_keyfile,
                trusted_proxies=trusted_proxies,
            )
    run.conclude(f"Ended. All answers are in {without_password(queue)}.")


def _names_of(host, is_open):
    """Return the names that lead to an address to listen on."""
    own = [socket.gethostname()] if is_open else []
    return [*own, "127.0.0.1", "::1", "localhost", *([] if host in _EVERYWHERE else [host])]


def _site(scheme, host, port, allowed_hosts, trusted_proxies):
    """Return where browsers find the desk."""
    if trusted_proxies and allowed_hosts:
        return f"https://{allowed_hosts[0]}"
    if allowed_hosts:
        host = allowed_hosts[0]
    elif host in _EVERYWHERE:
        host = socket.gethostname()
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _hand_out(sessions, site, token_file):
    """Print a link for each reader, or write them into a file for nobody else's eyes."""
    links = [
        f"{site}/enter#{urlencode({'reader': name, 'token': sessions.token_of(name)})}"
        for name in sessions.readers
    ]
    if token_file is None:
        click.echo("\n".join(links))
        return
    # Whoever makes the file says who may read it; one that stands there may be open to all.
    token_file.unlink(missing_ok=True)
    with open(os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(links) + "\n")
    click.echo(f"The links of {', '.join(sessions.readers)} are in {token_file}.")


def _open_browser(address):
    """Open a browser that has a window of its own; one of the terminal would take it away."""
    has_windows = sys.platform in ("win32", "darwin") or any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    )
    if has_windows:
        opening = {"target": webbrowser.open, "args": (address,), "name": "browser"}
        threading.Thread(**opening, daemon=True).start()


class _logged(logging.Handler):
    """Hand what the desk tells to the log of a run, and what is amiss to standard error."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def __enter__(self):
        logger = logging.getLogger("sklearn_ecg.review")
        logger.addHandler(self)
        logger.setLevel(logging.INFO)
        self.run.log("listening")

    def __exit__(self, *error):
        logging.getLogger("sklearn_ecg.review").removeHandler(self)

    def emit(self, record):
        self.run.log(record.levelname.lower(), message=record.getMessage())
        if record.levelno >= logging.WARNING:
            click.echo(f"Warning: {record.getMessage()}", err=True)
