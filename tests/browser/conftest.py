"""One Chromium for all tests of this folder: the system's own, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Playwright, Request, sync_playwright

from tests.watching import Watch, watching

REQUIRED = "FS_HEPIPE_REQUIRE_COLLECTORS"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser all of this is skipped, in one line; where it has to be there, it fails."""
    if shutil.which("chromium") or os.environ.get(REQUIRED):
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="no chromium (apt-get install chromium)"))


@pytest.fixture(scope="module")  # it has an event loop in this thread, in which other tests could have none
def playwright_() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(playwright_: Playwright) -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "no chromium: tests/collectors/install installs it"
    browser = playwright_.chromium.launch(executable_path=path, args=["--no-sandbox"])
    yield browser
    browser.close()


class Seen:
    """What a page must not do: ask anybody else, log an error, break its own policy."""

    def __init__(self, page: Page, origin: str) -> None:
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self._origin = origin
        page.on("request", self._requested)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._asked)

    def _requested(self, request: Request) -> None:
        if not request.url.startswith(self._origin):
            self.foreign.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _asked(self, dialog: Dialog) -> None:
        self.errors.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


@pytest.fixture
def page(chromium: Browser, watch: Watch) -> Iterator[Page]:
    """The page, which did nothing that it must not do."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, timezone_id="UTC")
    found = context.new_page()
    seen = Seen(found, watch.url)
    found.goto(watch.url)
    yield found
    context.close()
    assert (seen.foreign, seen.errors) == ([], [])
