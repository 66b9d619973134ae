"""
Who may see the page: requests whose Host names this machine (another one is a page of somebody else that was made to
resolve to us), and, where the page is bound elsewhere than loopback, that have the token.

A browser gets the token once, as `/?token=…`, and keeps it in a cookie that no script can read. Programs send it as
`Authorization: Bearer …`.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Callable, Optional
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "fs_hepipe_watch"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Only our own files; no inline script, no inline style, no text that becomes HTML."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """In front of the application: refuses what may not come in, and adds the headers to every answer."""

    def __init__(self, app: App, *, token: Optional[str], names: Iterable[str], only_loopback: bool) -> None:
        """
        Args:
            app: what is guarded.
            token: what requests have to have; None: nothing.
            names: of this machine, beside `localhost` and addresses.
            only_loopback: whether an address in Host has to be of loopback.
        """
        self._app = app
        self._token = token
        self._names = {"localhost", *(name.lower().rstrip(".") for name in names)}
        self._only_loopback = only_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # uvicorn's lifespan; there are no web sockets
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message.get("headers", [])}
                more = [(name, value) for name, value in _HEADERS if name not in given]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        status, headers = self._refusal(scope)
        if status:
            await send_with_headers({"type": "http.response.start", "status": status, "headers": headers})
            body = b"" if status == SEE_OTHER else WHY[status]
            await send_with_headers({"type": "http.response.body", "body": body})
            return
        await self._app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, list[tuple[bytes, bytes]]]:
        """The status of the answer to what may not come in, with its headers; 0 for what may."""
        text = [(b"content-type", b"text/plain; charset=utf-8")]
        if scope["method"] not in {"GET", "HEAD"}:
            return 405, text
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._is_ours(hosts[0].decode("latin-1")):
            return 421, text
        if self._token is None:
            return 0, []
        if scope["path"] == "/" and self._is_token(_asked(scope)):
            cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            return SEE_OTHER, [(b"location", b"/"), (b"set-cookie", cookie.encode("latin-1"))]
        return (0, []) if self._has_token(scope) else (401, text)

    def _is_ours(self, host: str) -> bool:
        name, _, port = host.rpartition(":") if host[-1:] != "]" and ":" in host else (host, "", "")
        if port and not port.isdecimal():
            return False
        name = name.lower().rstrip(".")
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
        except ValueError:
            return False
        return address.is_loopback or not self._only_loopback

    def _has_token(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            text = value.decode("latin-1")
            if name == b"authorization" and text[:7].lower() == "bearer " and self._is_token(text[7:].strip()):
                return True
            if name == b"cookie":
                try:
                    found = SimpleCookie(text).get(COOKIE)
                except CookieError:
                    continue
                if found is not None and self._is_token(found.value):
                    return True
        return False

    def _is_token(self, text: str) -> bool:
        return self._token is not None and hmac.compare_digest(text.encode(), self._token.encode())


def _asked(scope: Scope) -> str:
    """The token in the address."""
    try:
        found = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    except ValueError:  # more fields
        return ""
    return str(found.get("token", [""])[0])


SEE_OTHER = 303
WHY = {
    401: b"this page needs its token: open /?token=... once, or send Authorization: Bearer ...\n",
    405: b"this page is only read\n",
    421: b"the Host of this request does not name this machine: see fs-hepipe watch --help, --name\n",
}
