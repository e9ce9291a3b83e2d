"""The way to an endpoint: its address, and the connections that are kept."""

import base64
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

# Servers drop idle connections (vLLM after 5 s). One that is dropped as it is used again loses a
# call, so that it must not be kept as long.
IDLE_S = 4.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    content: bytes


class Address:
    """A base URL taken apart: `url` may be shown; `login` (user:password) and `query` may not."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        login, _, self._host = parts.netloc.rpartition("@")
        self.url = urlunsplit((parts.scheme, self._host, parts.path.rstrip("/"), "", ""))
        self.login, self.query = unquote(login), parts.query

    def at(self, path: str) -> str:
        return f"{self.url}{path}?{self.query}" if self.query else self.url + path

    def authorization(self, key: str | None) -> str | None:
        """The header of that name; a login in the URL comes before the key."""
        if self.login:
            return f"Basic {base64.b64encode(self.login.encode()).decode()}"
        return f"Bearer {key}" if key else None

    def hide(self, text: str, key: str | None) -> str:
        """`text` without what may not be shown."""
        header = self.authorization(key) or ""
        password = self.login.partition(":")[2]
        for secret in (header.partition(" ")[2], self.login, password, self.query):
            text = text.replace(secret, "***") if secret else text
        return text

    def proxy(self) -> str | None:
        """As the environment says: https_proxy, all_proxy, no_proxy. What runs on this machine is
        reached directly: a proxy would look for it on its own."""
        known, parts = getproxies(), urlsplit(self.url)
        proxy = known.get(parts.scheme) or known.get("all")
        if not proxy or parts.hostname in LOOPBACK or proxy_bypass(self._host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def session(address: Address, key: str | None, connect_s: float) -> ClientSession:
    """As many connections as there are calls at a time. Calls have deadlines of their own."""
    headers = {"Accept": "application/json"}
    if who := address.authorization(key):
        headers["Authorization"] = who
    return ClientSession(
        headers=headers,
        connector=TCPConnector(limit=0, keepalive_timeout=IDLE_S),
        timeout=ClientTimeout(total=None, connect=connect_s),
        cookie_jar=DummyCookieJar(),
        # trust_env would look at the environment, and for a ~/.netrc, in a thread at every call.
        proxy=address.proxy(),
    )


async def exchange(client: ClientSession, url: str, body: object) -> Answer:
    """GET without a body, POST with one. Raises aiohttp.ClientError."""
    method = "GET" if body is None else "POST"
    async with client.request(method, url, json=body) as response:
        return Answer(response.status, response.headers, await response.read())
