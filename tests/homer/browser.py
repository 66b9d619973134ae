"""
A call in a real Homer 7 -> its tabs as Chromium shows them, and pictures of them.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Playwright, ViewportSize

from .app import PASSWORD, USER

SIZE: ViewportSize = {"width": 1400, "height": 820}
PATIENCE_MS = 30_000
SETTLE_MS = 2_500
"""A chart moves for a second, and a tab asks its end point first."""


class Browser:
    """One page of Chromium, logged in."""

    def __init__(self, playwright: Playwright, chromium: Path, url: str, pictures: Path) -> None:
        self._browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        self._pictures = pictures
        self._url = url
        self._page = self._browser.new_page(viewport=SIZE)
        self._page.set_default_timeout(PATIENCE_MS)
        self._page.goto(url, wait_until="domcontentloaded")
        self._page.fill("input[name=username]", USER)
        self._page.fill("input[type=password]", PASSWORD)
        self._page.keyboard.press("Enter")
        self._page.wait_for_url("**/dashboard/**", wait_until="domcontentloaded")

    def close(self) -> None:
        self._browser.close()

    def open(self, call_id: str) -> list[str]:
        """Opens a call from the list of the start page; the names of its tabs."""
        self._page.goto(f"{self._url}/dashboard/home", wait_until="domcontentloaded")
        self._page.get_by_text(call_id, exact=True).first.click()
        self._page.mouse.move(1, 1)
        self._page.locator("[role=tab]").filter(has_text="Flow").first.wait_for()
        self._page.wait_for_timeout(SETTLE_MS)
        return [tab.inner_text() for tab in self._page.query_selector_all("[role=tab]")]

    def tab(self, name: str, element: str) -> str:
        """Opens a tab; the text of an element in it."""
        self._page.get_by_role("tab", name=name, exact=True).first.dispatch_event("click")  # under a tooltip
        self._page.locator(element).first.wait_for()
        self._page.wait_for_timeout(SETTLE_MS)
        return str(self._page.locator(element).first.inner_text())

    def press(self, text: str) -> None:
        """Presses each button that can be seen and says this."""
        for button in self._page.get_by_text(text).all():
            if button.is_visible():
                button.dispatch_event("click")
        self._page.wait_for_timeout(SETTLE_MS)

    def unfold(self, element: str) -> None:
        """Unfolds what a click on each of these elements unfolds."""
        for each in self._page.locator(element).all():
            each.dispatch_event("click")

    def count(self, element: str) -> int:
        return int(self._page.locator(element).count())

    def text(self, element: str) -> str:
        return str(self._page.locator(element).first.inner_text())

    def picture(self, name: str) -> None:
        """Keeps what the page shows as NAME.png."""
        self._page.screenshot(path=str(self._pictures / f"{name}.png"))
