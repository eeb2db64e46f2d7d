"""Serve the desk."""

import errno
import socket
import ssl

import uvicorn

from sklearn_ecg.review.desk._addresses import is_loopback
from sklearn_ecg.review.desk._connection import Connection

_KEEP_ALIVE_S = 30
_SHUTDOWN_S = 5
_LONGEST_HEAD = 32 * 1024


def listen(host, port):
    """Return a socket that listens.

    Raises
    ------
    OSError
        If the port is taken, or the address does not belong to this machine.
    """
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise OSError(
            f"There is no address {host!r}: {error.strerror}. Use another one."
        ) from error
    # With the protocol, asyncio knows that it is TCP, and sends short messages at once.
    sock = socket.socket(family, kind, protocol)
    try:
        # The port of a killed desk can be used again at once.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1024)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            text = "is taken, perhaps by another desk. Use another one, or 0 for any free port."
        else:
            text = f"cannot be used: {error.strerror}. Use another address or port."
        raise OSError(f"Port {port} of {host} {text}") from error
    return sock


def serve(app, sock, *, ssl_certfile=None, ssl_keyfile=None, trusted_proxies=()) -> None:
    """Serve an application on a socket until the process is stopped.

    Parameters
    ----------
    app : ASGI application
        From `create_app`.
    sock : socket
        A listening socket.
    ssl_certfile : path, default=None
        Certificate in a PEM file, for https.
    ssl_keyfile : path, default=None
        Key of the certificate, in a PEM file.
    trusted_proxies : sequence of str, default=()
        Addresses of proxies whose X-Forwarded headers are trusted.

    Raises
    ------
    TypeError
        If `app` is not an application, `sock` not a socket, or `trusted_proxies` a text.
    ValueError
        If other machines can reach the socket and readers need no tokens; if one of certificate and
        key is missing, or they do not belong together.
    OSError
        If a file cannot be read.

    See Also
    --------
    create_app : Makes the application.

    Examples
    --------
    >>> import socket
    >>> from sklearn_ecg.review import ReviewQueue, create_app, serve
    >>> with socket.create_server(("127.0.0.1", 8765)) as sock:  # doctest: +SKIP
    ...     serve(create_app(ReviewQueue("queue.sqlite")), sock)
    """
    if not callable(app):
        raise TypeError(f"app must come from create_app; got {type(app).__name__}.")
    if not isinstance(sock, socket.socket):
        raise TypeError(f"sock must be a listening socket; got {type(sock).__name__}.")
    if isinstance(trusted_proxies, str):
        raise TypeError(f"trusted_proxies must be a list; got the text {trusted_proxies!r}.")
    sessions = getattr(getattr(app, "state", None), "sessions", None)
    if sessions is not None and not sessions.with_tokens and _is_reached_by_others(sock):
        raise ValueError(
            f"sock listens on {sock.getsockname()[0]}, so other machines can reach the desk, and "
            "the application lets anybody in. Call create_app with "
            "with_tokens=True, or listen on 127.0.0.1."
        )
    if (ssl_certfile is None) != (ssl_keyfile is None):
        raise ValueError("ssl_certfile and ssl_keyfile need each other; pass both, or neither.")
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",  # the guard logs errors, without the content of requests
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        ssl_certfile=ssl_certfile,
        ssl_keyfile=ssl_keyfile,
    )
    try:
        config.load()
    except ssl.SSLError as error:
        raise ValueError(
            f"ssl_certfile {ssl_certfile} and ssl_keyfile {ssl_keyfile} must be a certificate and "
            f"its own key in PEM files; {error.reason or error}."
        ) from error
    except OSError as error:
        raise type(error)(
            f"ssl_certfile {ssl_certfile} or ssl_keyfile {ssl_keyfile} cannot be read: "
            f"{error.strerror}. Pass the paths of PEM files."
        ) from error
    uvicorn.Server(config).run(sockets=[sock])


def _is_reached_by_others(sock):
    is_of_network = sock.family in (socket.AF_INET, socket.AF_INET6)
    return is_of_network and not is_loopback(sock.getsockname()[0])
