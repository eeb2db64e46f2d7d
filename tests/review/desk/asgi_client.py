"""A browser, as far as the server can tell: it keeps cookies and says where a page is from."""

import asyncio
import json
import re
import uuid
from http.cookies import SimpleCookie
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

SITE = "http://127.0.0.1:8765"


class Client:
    """Sends requests to an ASGI application of this process.

    Parameters
    ----------
    app : ASGI application
    site : str
        Under which it is reached.
    address, server : str
        Of the browser, and where its connection came to.
    """

    def __init__(self, app, site=SITE, address="127.0.0.1", server="127.0.0.1"):
        self.app = app
        self.server = server
        self.site = urlsplit(site)
        self.address = address
        self.cookies = {}
        self.token = ""

    def send(self, method, path, body=b"", headers=()):
        """Return the reply: status, headers, cookies (as they were set), body, text and json()."""
        path, _, query = path.partition("?")
        own = {
            "host": self.site.netloc,
            "sec-fetch-site": "same-origin",
            "content-length": str(len(body)),
            "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if method == "POST":
            own["origin"] = f"{self.site.scheme}://{self.site.netloc}"
        own |= {name.lower(): value for name, value in dict(headers).items()}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": self.site.scheme,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(n.encode(), v.encode("latin-1")) for n, v in own.items() if v is not None],
            "client": (self.address, 50_000),
            "server": (self.server, self.site.port or 80),
        }
        return asyncio.run(self._send(scope, body))

    async def _send(self, scope, body):
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        sent = []

        async def receive():
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        headers = [(n.decode().lower(), v.decode("latin-1")) for n, v in sent[0]["headers"]]
        content = b"".join(message.get("body", b"") for message in sent[1:])
        cookies = [value for name, value in headers if name == "set-cookie"]
        for cookie in cookies:
            for name, morsel in SimpleCookie(cookie).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return SimpleNamespace(
            status=sent[0]["status"],
            headers=dict(headers),
            cookies=cookies,
            body=content,
            text=content.decode(errors="replace"),
            json=lambda: json.loads(content),
        )

    def get(self, path, **headers):
        reply = self.send("GET", path, headers=headers)
        found = re.search('name="csrf-token" content="([^"]+)"', reply.text)
        self.token = found[1] if found else self.token
        return reply

    def post(self, path, sent, headers=()):
        """Send JSON, as the page does."""
        own = {"content-type": "application/json", "x-csrf-token": self.token}
        body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        return self.send("POST", path, body, own | dict(headers))

    def submit(self, path, headers=(), **fields):
        """Send a form."""
        own = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode({"csrf": self.token} | fields).encode()
        return self.send("POST", path, body, own | dict(headers))

    def sign_in(self, reader, token=None):
        """Fill in the form, and open the desk."""
        self.get("/enter")
        reply = self.submit("/enter", reader=reader, **({} if token is None else {"token": token}))
        if reply.status == 303:
            self.get("/desk")
        return reply


def asked(client, n=1, **parameters):
    """Return the questions that come next."""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    reply = client.get(f"/api/questions?n={n}&{query}".rstrip("&"))
    assert reply.status == 200, reply.text
    return reply.json()["questions"]


def an_answer(question, answer="present", **about):
    """Return an answer as the page sends it."""
    number = question if isinstance(question, int) else question["question"]
    return {"key": str(uuid.uuid4()), "question": number, "answer": answer} | about
