"""Who may see the page."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, Optional

import pytest

from fs_hepipe.tools.watch.guard import HEADERS, Guard, Receive, Scope, Send

TOKEN = "0123456789abcdef"


async def page(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the page"})


def asked(
    *headers: tuple[str, str],
    path: str = "/",
    query: str = "",
    method: str = "GET",
    token: Optional[str] = None,
    names: tuple[str, ...] = (),
    only_loopback: bool = True,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {}

    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(),
             "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers]}  # fmt: skip
    guard = Guard(page, token=token, names=names, only_loopback=only_loopback)
    asyncio.run(guard(scope, receive, send))
    start, body = sent
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


OURS = ["localhost", "localhost:9063", "LOCALHOST:1", "127.0.0.1:9063", "127.0.0.1", "127.9.9.9", "[::1]:9063", "[::1]",
        "localhost."]  # fmt: skip
OTHERS = ["evil.example", "evil.example:9063", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1:9063",
          "", "127.0.0.1:9063@evil.example", "127.0.0.1:x", "[::1", "2130706433", "0x7f000001", "127.1",
          "[::2]:1"]  # fmt: skip


@pytest.mark.parametrize("host", OURS)
def test_the_host_has_to_be_this_machine(host: str) -> None:
    assert asked(("host", host))[0] == 200


@pytest.mark.parametrize("host", OTHERS)
def test_a_name_of_somebody_else_that_resolves_to_us_gets_nothing(host: str) -> None:
    status, headers, body = asked(("host", host))
    assert (status, b"the page" in body) == (421, False)
    assert headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_no_host_and_two_hosts_are_none() -> None:
    assert asked()[0] == asked(("host", "localhost"), ("host", "localhost"))[0] == 421


def test_names_of_this_machine_can_be_given() -> None:
    assert asked(("host", "watch.example.com:9063"), names=("Watch.example.com",))[0] == 200


def test_an_address_is_enough_where_the_page_is_for_others() -> None:
    assert asked(("host", "192.0.2.1:9063"), only_loopback=False, token=TOKEN)[0] == 401
    assert asked(("host", "evil.example"), only_loopback=False, token=TOKEN)[0] == 421


def test_the_page_is_only_read() -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert asked(("host", "localhost"), method=method)[0] == 405


HOST = ("host", "localhost")


@pytest.mark.parametrize(("header", "status"), [
    (("authorization", f"Bearer {TOKEN}"), 200), (("authorization", f"bearer {TOKEN}"), 200),
    (("cookie", f"fs_hepipe_watch={TOKEN}"), 200), (("cookie", f"a=b; fs_hepipe_watch={TOKEN}; c=d"), 200),
    (("authorization", TOKEN), 401), (("authorization", f"Basic {TOKEN}"), 401), (("authorization", "Bearer "), 401),
    (("authorization", f"Bearer {TOKEN}x"), 401), (("authorization", "Bearer \xe9"), 401),
    (("cookie", "fs_hepipe_watch="), 401),
    (("cookie", f"other={TOKEN}"), 401), (("cookie", "\xe9;=;;\x00"), 401),
])  # fmt: skip
def test_a_token_is_asked_for(header: tuple[str, str], status: int) -> None:
    assert asked(HOST, header, path="/api/calls", token=TOKEN)[0] == status


def test_a_browser_brings_it_once_and_it_is_gone_from_the_address() -> None:
    status, headers, body = asked(HOST, query=f"token={TOKEN}", token=TOKEN)
    assert (status, headers["location"], body) == (303, "/", b"")
    assert headers["set-cookie"] == f"fs_hepipe_watch={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert asked(HOST, query="token=wrong", token=TOKEN)[0] == 401
    assert asked(HOST, query=f"{'a=1&' * 30}token={TOKEN}", token=TOKEN)[0] == 401
    assert asked(HOST, path="/api/calls", query=f"token={TOKEN}", token=TOKEN)[0] == 401


def test_every_answer_allows_only_what_is_ours() -> None:
    headers = asked(HOST)[1]
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in headers["content-security-policy"]
