"""
The page and what it asks for: files, JSON, and server-sent events. Everything is read only; every answer has
`guard.HEADERS`.

| path | answer |
|---|---|
| `/`, `/page/…` | the page, its scripts and styles |
| `/api/calls?q=&quality=&limit=` | the newest calls that match |
| `/api/call?id=` | one call, by a Call-ID or Unique-ID |
| `/api/message?id=&n=` | one message of it |
| `/api/live?q=&quality=&limit=&id=` | `calls`: what changed of the list; `call`: that this call has new messages |
| `/report?id=` | the call as one file |
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Optional

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from fs_hepipe.tools.watch.look import call_as_seen, message_as_seen
from fs_hepipe.tools.watch.single import PAGE, single_file
from fs_hepipe.tools.watch.store import MAX_ROWS, Store

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

TICK = 0.25
"""Seconds between two looks for what changed."""
SILENCE = 15.0
"""Seconds after which a comment is sent: a connection whose page is gone ends then."""
MAX_LIVE = 32
"""Pages that are open at once."""


class Pages:
    """The answers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._live = 0
        self.ends = False
        """Whether the server ends; open pages do not keep it."""
        self._files = {
            path.relative_to(PAGE).as_posix(): (path.read_bytes(), TYPES[path.suffix])
            for path in PAGE.rglob("*") if path.suffix in TYPES
        }  # fmt: skip

    def app(self) -> Starlette:
        """All of it as an application."""
        return Starlette(routes=[
            Route("/", self.page), Route("/page/{name:path}", self.file), Route("/api/calls", self.calls),
            Route("/api/call", self.call), Route("/api/message", self.message), Route("/api/live", self.live),
            Route("/report", self.report),
        ])  # fmt: skip

    async def page(self, _: Request) -> Response:
        return self._file("index.html")

    async def file(self, request: Request) -> Response:
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        found = self._files.get(name)
        return _missing("file") if found is None else Response(found[0], media_type=found[1])

    async def calls(self, request: Request) -> Response:
        return _json(self._calls(*_asked(request)))

    def _calls(self, words: str, quality: str, limit: int) -> dict[str, Any]:
        rows, matched, revision = self._store.view(words, quality, limit)
        return {"rows": rows, "matched": matched, "revision": revision, "totals": self._store.totals()}

    def call(self, request: Request) -> Response:  # not async: it runs in a thread, as it may take a while
        found = self._store.find(request.query_params.get("id", ""))
        return _missing("call") if found is None else _json(call_as_seen(found))

    def message(self, request: Request) -> Response:
        found = self._store.find(request.query_params.get("id", ""))
        asked = request.query_params.get("n", "")
        for kept in found.messages if found is not None else []:
            if str(kept.number) == asked:
                return _json(message_as_seen(kept))
        return _missing("message")

    def report(self, request: Request) -> Response:
        found = self._store.find(request.query_params.get("id", ""))
        if found is None:
            return _missing("call")
        headers = {"content-disposition": 'attachment; filename="call.html"'}
        return Response(single_file([found]), media_type="text/html", headers=headers)

    async def live(self, request: Request) -> Response:
        if self._live >= MAX_LIVE:
            return PlainTextResponse(f"{MAX_LIVE} pages are open already\n", 503)
        headers = {"x-accel-buffering": "no"}
        events = self._events(*_asked(request), request.query_params.get("id"))
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def _events(self, words: str, quality: str, limit: int, call: Optional[str]) -> AsyncIterator[str]:
        """What changed, a few times a second; ends with the server or with the connection."""
        known: dict[int, int] = {}
        revision = call_revision = -2
        silent = 0.0
        self._live += 1
        try:
            yield "retry: 1000\n\n"
            while not self.ends:
                silent += TICK
                if self._store.revision != revision:
                    seen = self._calls(words, quality, limit)
                    revision = seen["revision"]
                    rows = seen.pop("rows")
                    changed = [row for row in rows if known.get(row["id"]) != row["revision"]]
                    known = {row["id"]: row["revision"] for row in rows}
                    yield _event("calls", {**seen, "order": list(known), "rows": changed})
                    silent = 0.0
                if call is not None and (now := self._store.revision_of(call)) != call_revision:
                    call_revision = now
                    yield _event("call", {"revision": now})
                    silent = 0.0
                if silent >= SILENCE:
                    silent = 0.0
                    yield ": nothing new\n\n"
                await asyncio.sleep(TICK)
        finally:
            self._live -= 1


def _asked(request: Request) -> tuple[str, str, int]:
    asked = request.query_params
    limit = asked.get("limit", "")
    return asked.get("q", "")[:500], asked.get("quality", ""), min(int(limit), MAX_ROWS) if _is_number(limit) else 100


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5  # noqa: PLR2004


def _missing(what: str) -> Response:
    return PlainTextResponse(f"there is no such {what}\n", 404)


def _json(value: Any) -> Response:
    return Response(json.dumps(value, separators=(",", ":")), media_type="application/json")  # ASCII


def _event(name: str, value: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n"


class _Server(uvicorn.Server):
    """uvicorn, which tells the open pages when it ends."""

    def __init__(self, config: uvicorn.Config, pages: Pages) -> None:
        super().__init__(config)
        self._pages = pages

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._pages.ends = True
        super().handle_exit(sig, frame)


def serve(app: Any, listener: socket.socket, pages: Pages) -> None:
    """Serves the page until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, limit_concurrency=256, ws="none", lifespan="off",
        timeout_graceful_shutdown=2, proxy_headers=False,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises again what ended it
    with suppress(KeyboardInterrupt):
        _Server(config, pages).run(sockets=[listener])
