"""Checks of every request before a page gets it, and headers of every reply."""

import asyncio
import logging
import traceback

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from sklearn_ecg.review.desk._addresses import address_of, is_loopback, name_of, network_of
from sklearn_ecg.review.desk._rates import RateLimit
from sklearn_ecg.review.desk._refusal import Refusal

LOG = logging.getLogger("sklearn_ecg.review")
# A reader answers at most once a second, with a few requests per answer. A page that was offline
# for long sends all waiting answers at once.
_PER_SESSION = {"per_second": 200, "at_once": 2000}
# Whoever is not signed in needs about eight requests for that; fifty readers may share an address.
_PER_NETWORK = {"per_second": 50, "at_once": 1000}
_TOO_MANY_S = 1
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
    sessions : Sessions
        The session of a request becomes its ``state.session``, None without a valid one.
    """

    def __init__(self, app, hosts, sessions):
        self.app = app
        self.hosts = {host.lower() if host.count(":") > 1 else name_of(host) for host in hosts}
        self.sessions = sessions
        self._per_session = RateLimit(**_PER_SESSION)
        self._per_network = RateLimit(**_PER_NETWORK)

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
            request = HTTPConnection(scope)
            request.state.session = session = self.sessions.read(request)
            self._limit(request.client, session)
            self._check(request)
            await self.app(scope, receive, send_with_headers)
        except Refusal as refusal:
            if refusal.status == 429:
                # Who does not wait is made to: refusals at once would keep the server busy, too.
                await asyncio.sleep(_TOO_MANY_S)
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

    def _limit(self, client, session):
        if session is None:
            wait = self._per_network.take(network_of(client))
        else:
            wait = self._per_session.take(session.key)
        if wait:
            raise too_many(wait)

    def _check(self, request):
        scope, headers = request.scope, request.headers
        host = headers.get("host", "")
        name = name_of(host)
        if not name or name not in {*self.hosts, address_of(scope.get("server"))}:
            raise Refusal(
                403,
                "The desk is not reached under this name.",
                "Open it as the command has printed it, or start it with --url.",
            )
        if not self.sessions.with_tokens and not _is_of_this_machine(request):
            raise Refusal(
                403,
                "This desk has no tokens, and lets in nobody but its own machine.",
                "Start it with --tokens, or --trusted-proxy for a proxy in front of it.",
            )
        if len(scope["path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            raise Refusal(414, "The address is too long.", "Open the desk as it was printed.")
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy may take another of the two for the end of this request.
            raise Refusal(400, "The request has two lengths.", "Send one.", {"Connection": "close"})
        reads = scope["method"] in ("GET", "HEAD")
        if not (_may_read(headers) if reads else _may_send(headers, host)):
            raise Refusal(
                403,
                "This was sent from a page of others.",
                "Open the desk by itself. A proxy in front of it must pass on the header Host.",
            )


def _is_of_this_machine(request):
    """Whether a request is of this machine, and did not come to it through a proxy."""
    is_passed_on = any(name in request.headers for name in ("forwarded", "via", "x-forwarded-for"))
    # A Unix socket has no address.
    is_near = request.client is None or is_loopback(address_of(request.client))
    return is_near and not is_passed_on


def _may_read(headers):
    """Whether the browser says that our page asks, or that somebody follows a link."""
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == (
        "navigate",
        "document",
    )
    return is_link or headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _may_send(headers, host):
    """Whether the browser does not deny that our page sends the request."""
    origin = headers.get("origin", f"http://{host}").lower()
    scheme, _, site = origin.partition("://")
    # Proxies write it, browsers leave it out.
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    # A form of a page without a referrer has the origin "null"; it carries a token.
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    is_ours = site.removesuffix(default) == host.lower().removesuffix(default)
    is_ours = is_ours or (origin == "null" and is_form)
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
