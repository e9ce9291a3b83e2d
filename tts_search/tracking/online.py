"""Whether W&B can be used online, found out in seconds instead of its own 100."""

import netrc
import os
import socket
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

HOST = "https://api.wandb.ai"


def logged_in() -> bool:
    """A key in WANDB_API_KEY, or a netrc entry as `wandb login` writes it."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    named = os.environ.get("NETRC")
    for path in [Path(named)] if named else [Path("~/.netrc"), Path("~/_netrc")]:
        try:
            if netrc.netrc(str(path.expanduser())).authenticators(_address()[0]):
                return True
        except (OSError, netrc.NetrcParseError, RuntimeError):
            continue
    return False


def reachable(timeout: float = 3.0) -> bool:
    """Whether the server, or the proxy before it, takes a connection. Never takes longer."""
    host, port, secure = _address()
    proxy = getproxies().get("https" if secure else "http")
    if proxy and not proxy_bypass(host):
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        host, port = parts.hostname or host, parts.port or 8080
    answer: list[bool] = []

    def connect() -> None:
        try:
            with socket.create_connection((host, port), timeout):
                answer.append(True)
        except OSError:
            pass

    # In a thread, because the timeout of a connection does not cover the look-up of the name.
    thread = Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout)
    return bool(answer)


def _address() -> tuple[str, int, bool]:
    parts = urlsplit(os.environ.get("WANDB_BASE_URL") or HOST)
    secure = parts.scheme != "http"
    return parts.hostname or "", parts.port or (443 if secure else 80), secure
