"""Checks of every request before a page gets it, and headers of every reply."""

import asyncio
import ipaddress
import logging
import traceback

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from sklearn_ecg.review._rates import RateLimit
from sklearn_ecg.review._refusal import Refusal

LOG = logging.getLogger("sklearn_ecg.review")
# Fifty fast readers behind one address stay far below.
_PER_ADDRESS = {"per_second": 2000, "at_once": 20_000}
_MOST_BYTES = 64 * 1024
_BODY_S = 20
_LONGEST_TARGET = 4000
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """An ASGI application around another.

    It stops pages of other sites from sending requests with the reader's cookie, and from reading
    replies, also by a host name that they point to this machine (DNS rebinding).

    Parameters
    ----------
    app : ASGI application
    hosts : sequence of str
        Host names of the desk; the address of the connection is always allowed.
    """

    def __init__(self, app, hosts):
        self.app = app
        self.hosts = {host.lower() if host.count(":") > 1 else _name_of(host) for host in hosts}
        self._per_address = RateLimit(**_PER_ADDRESS)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        has_started = False

        async def send_with_headers(message):
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, receive, send_with_headers)
        except Refusal as refusal:
            await as_response(refusal)(scope, receive, send_with_headers)
        except Exception as error:
            # An error's text may hold data of a record or a reader; its place is enough.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error("%s in line %d of %s", type(error).__name__, frame.lineno, frame.name)
            if has_started:
                return
            mistake = Refusal(
                500,
                "The server made a mistake.",
                "Try again; if it happens again, tell who started the desk to look at its log.",
            )
            await as_response(mistake)(scope, receive, send_with_headers)

    def _check(self, scope):
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        own = _unmapped((scope.get("server") or ("",))[0])
        name = _name_of(host)
        if not name or name not in {*self.hosts, own}:
            raise Refusal(
                403,
                "The desk is not reached under this name.",
                "Open it as the command has printed it, or start it with --allowed-host.",
            )
        wait = self._per_address.take(_network_of(scope))
        if wait:
            raise too_many(wait)
        if len(scope["path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            raise Refusal(414, "The address is too long.", "Open the desk as it was printed.")
        reads = scope["method"] in ("GET", "HEAD")
        if not (_may_read(headers) if reads else _may_send(headers, host)):
            raise Refusal(403, "This was sent from a page of others.", "Open the desk by itself.")


def _may_read(headers):
    """Whether the browser says that our page asks, or that somebody follows a link."""
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == (
        "navigate",
        "document",
    )
    return is_link or headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _may_send(headers, host):
    """Whether the browser does not deny that our page sends the request."""
    origin = headers.get("origin", f"http://{host}")
    # A form of a page without a referrer has the origin "null"; it carries a token.
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    is_ours = origin.partition("://")[2].lower() == host.lower() or (origin == "null" and is_form)
    return is_ours and headers.get("sec-fetch-site", "same-origin") == "same-origin"


async def read_body(request):
    """Return the body of a request, which must be short and arrive soon."""
    too_long = Refusal(
        413, f"More than {_MOST_BYTES // 1024} kB were sent.", "Write a shorter note."
    )
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _MOST_BYTES:
        raise too_long
    body = b""
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise too_long
    except TimeoutError:
        raise Refusal(408, "What was sent did not arrive.", "Send it again.") from None
    return body


def as_response(refusal):
    """Return a refusal as JSON."""
    return JSONResponse(refusal.content, refusal.status, headers=refusal.headers)


def too_many(wait):
    """Return the refusal of too many requests."""
    return Refusal(
        429,
        "Too many requests came at once.",
        f"Wait {wait} s.",
        headers={"Retry-After": str(wait)},
        seconds=wait,
    )


def address_of(request):
    """Return the address of a request's machine, as a key for limits."""
    return _network_of(request.scope)


def _network_of(scope):
    address = _unmapped((scope.get("client") or ("",))[0])
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    # A user of IPv6 has a whole network of addresses.
    return address if parsed.version == 4 else str(ipaddress.ip_network((address, 64), False))


def _unmapped(address):
    """Return an IPv4 address in its own form, also if an IPv6 socket received it."""
    return address.removeprefix("::ffff:")


def _name_of(host):
    """Return the name in a Host header, without its port."""
    name, bracket, port = host.partition("]") if host.startswith("[") else host.partition(":")
    is_port = (port.lstrip(":") if bracket == "]" else port).isdigit()
    return name.lstrip("[").lower() if is_port or not port else ""
