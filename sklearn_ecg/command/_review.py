"""``sklearn-ecg review``: opens the review desk for readers."""

import logging
import os
import re
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode, urlsplit

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
    help="Names of those who may answer, separated by commas; by default anybody at this machine.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. If it is not this machine's own, for example 0.0.0.0, the "
    "command prints a link for each reader, and readers can enter only by their link.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="0 takes any free port.",
)
@click.option("--tokens", is_flag=True, help="Readers at this machine need links, too.")
@click.option(
    "--token-file",
    type=_FILE,
    help="Write the links into this file, which only you can read, and do not print them.",
)
@click.option(
    "--new-links",
    is_flag=True,
    help="Make new links. Earlier links stop working, and all readers have to enter again.",
)
@click.option(
    "--url",
    "urls",
    multiple=True,
    callback=lambda ctx, param, urls: [_check_url(url) for url in urls],
    help="The address of the desk for browsers, such as https://ecg.hospital.org/desk, if a proxy "
    "or another name leads to it. Links begin with the first.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="The address of a proxy in front of the desk; its X-Forwarded headers are trusted.",
)
@click.option(
    "--ssl-certfile",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A certificate (PEM) for https.",
)
@click.option(
    "--ssl-keyfile",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The key of the certificate.",
)
@click.option("--show-ids", is_flag=True, help="Show the ids of records, not their numbers.")
@click.option("--patient", is_flag=True, help="Show age and sex.")
@click.option("--language", help="Language of the pages: en, de or zh; by default the browser's.")
@click.option(
    "--refit-every",
    type=click.IntRange(min=0),
    default=25,
    show_default=True,
    metavar="ANSWERS",
    help="Fit the cleaner again after this many answers, while reading goes on; 0 for never.",
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
    urls,
    trusted_proxies,
    ssl_certfile,
    ssl_keyfile,
    no_browser,
    **options,
):
    """Open the review desk on QUEUE, a file or the URL of a database.

    `sklearn-ecg clean` and `ReviewQueue.from_cleaner` make a queue. Each answer is stored at once.
    Ctrl-C ends the desk; the same command opens it again.

    \b
    Other machines cannot reach the desk without --host. For a department:
      sklearn-ecg review queue.sqlite --host 0.0.0.0 --readers anna,ben \\
        --ssl-certfile desk.pem --ssl-keyfile desk.key --token-file links.txt

    Example: sklearn-ecg review queue.sqlite --reader anna
    """
    from sklearn_ecg.review import ReviewQueue, create_app, serve
    from sklearn_ecg.review.desk._addresses import is_loopback
    from sklearn_ecg.review.desk._server import listen
    from sklearn_ecg.review.desk._sessions import void_links

    readers = list(dict.fromkeys(name for names in readers for name in names_of(names))) or None
    names = [urlsplit(url).hostname for url in urls]
    is_open = bool(trusted_proxies) or not all(map(is_loopback, (host, *names)))
    if (is_open or tokens) and readers is None:
        raise click.UsageError("Name the readers by --readers: each needs a link.")
    if (ssl_certfile is None) != (ssl_keyfile is None):
        raise click.UsageError("--ssl-certfile and --ssl-keyfile need each other.")
    opened = ReviewQueue(queue)
    with listen(host, port) as sock, _logged(run):
        if new_links:
            void_links(opened)
        app = create_app(
            opened,
            readers=readers,
            with_tokens=is_open or tokens,
            hosts=[*names, *_names_of(host, is_open)],
            **options,
        )
        scheme = "http" if ssl_certfile is None else "https"
        site = urls[0] if urls else _site(scheme, host, sock.getsockname()[1])
        if is_open and site.startswith("http:"):
            text = "Links and ECGs cross the network unencrypted: give --ssl-certfile and "
            text += "--ssl-keyfile, or the --url of a proxy with https."
            click.echo(f"Warning: {text}", err=True)
        address = f"{site}/enter"
        if readers is not None and len(readers) == 1 and not app.state.sessions.with_tokens:
            address += f"#{urlencode({'reader': readers[0]})}"
        click.echo(f"Open {address}")
        if app.state.sessions.with_tokens:
            _hand_out(app.state.sessions, site, token_file)
        run.conclude("Ctrl-C ends the desk. Each answer is stored at once.")
        if not no_browser:
            _open_browser(address)
        with suppress(KeyboardInterrupt):  # Ctrl-C ends the desk
            serve(
                app,
                sock,
                ssl_certfile=ssl_certfile,
                ssl_keyfile=ssl_keyfile,
                trusted_proxies=trusted_proxies,
            )
    run.conclude(f"Ended. All answers are in {without_password(queue)}.")


def _names_of(host, is_open):
    """Return the host names for an address to listen on."""
    from sklearn_ecg.review.desk._app import LOOPBACK

    own = [socket.gethostname()] if is_open else []
    return [*own, *LOOPBACK, *([] if host in _EVERYWHERE else [host])]


def _site(scheme, host, port):
    """Return the URL of the desk for browsers, as far as this machine knows it."""
    host = socket.gethostname() if host in _EVERYWHERE else host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _check_url(url):
    """Return a URL without a slash at its end."""
    if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
        raise click.BadParameter(f"{url!r} is no address such as https://ecg.hospital.org/desk.")
    return url.rstrip("/")


def _hand_out(sessions, site, token_file):
    """Print a link for each reader, or write the links into a file that only the user can read."""
    links = [
        f"{site}/enter#{urlencode({'reader': name, 'token': sessions.token_of(name)})}"
        for name in sessions.readers
    ]
    if token_file is None:
        click.echo("\n".join(links))
        return
    # The file is made anew: an existing one may be readable for all.
    token_file.unlink(missing_ok=True)
    with open(os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(links) + "\n")
    click.echo(f"The links of {', '.join(sessions.readers)} are in {token_file}.")


def _open_browser(address):
    """Open a browser with its own window; one in the terminal would take the terminal over."""
    has_windows = sys.platform in ("win32", "darwin") or any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    )
    if has_windows:
        opening = {"target": webbrowser.open, "args": (address,), "name": "browser"}
        threading.Thread(**opening, daemon=True).start()


class _logged(logging.Handler):
    """Pass the desk's messages to the log of a run, and its warnings to standard error."""

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
