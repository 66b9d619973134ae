"""What a person sees of a real call in Homer 7: the tabs of its pages, and pictures of them."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.live.lab import Lab

from .browser import Browser
from .conftest import MAPPING, PICTURES, Homer
from .parts import parts
from .test_calls import ended

pytestmark = pytest.mark.homer

CALL_S = 25


@pytest.fixture
def browser(homer: Homer, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Browser]:
    found = parts()
    if found.lacking_for_pages:
        pytest.skip(found.lacking_for_pages)
    assert found.chromium is not None
    pictures = PICTURES if pytestconfig.getoption("--pictures", default=False) else tmp_path
    pictures.mkdir(exist_ok=True)
    with sync_playwright() as playwright, contextlib.ExitStack() as stack:
        page = Browser(playwright, found.chromium, homer.app.url, pictures)
        stack.callback(page.close)
        yield page


def test_either_leg_shows_flow_logs_and_quality_of_both(homer: Homer, lab: Lab, browser: Browser) -> None:
    call_id = lab.dial("logged", seconds=CALL_S)
    outgoing = lab.legs(call_id)[1].call_id
    ended(homer, lab, 2)
    before = homer.app.mapping()["correlation_mapping"]
    homer.app.correlate(json.loads(MAPPING.read_text()))
    try:
        for leg in (outgoing, call_id):
            assert {"Flow", "Session Info", "Logs", "QoS"} <= set(browser.open(leg))
            shows_flow(browser, first="INVITE")
            shows_session(browser, call_id, outgoing)
            shows_logs(homer, browser, call_id, outgoing)
            shows_quality(homer, browser)
    finally:
        homer.app.correlate(before)


def shows_flow(browser: Browser, first: str) -> None:
    """The first arrow is the INVITE; lines of calls and SIP stand in one picture."""
    text = browser.tab("Flow", "app-tab-flow")
    arrows = re.findall(r"^(INVITE|ACK|BYE|HEP-LOG|[1-6]\d\d)(?: \(SDP\))?$", text, re.MULTILINE)
    assert arrows[0] == first, text
    assert arrows.count("INVITE") >= 2
    assert "CHANNEL_CREATE" in text
    browser.picture("homer-flow")


def shows_session(browser: Browser, *call_ids: str) -> None:
    """Both legs are there, as calls."""
    text = browser.tab("Session Info", "app-tab-callinfo")
    for each in call_ids:
        assert each in text
    browser.picture("homer-session-info")


def shows_logs(homer: Homer, browser: Browser, *call_ids: str) -> None:
    """Every line of both legs is an entry; unfolded it tells the line."""
    browser.tab("Logs", "app-tab-logs")
    lines = [row for row in homer.database.rows("100_default") if row["sid"] in call_ids]
    assert browser.count("app-tab-logs ngx-json-viewer") == len(lines)
    browser.unfold("app-tab-logs ngx-json-viewer .segment-main")
    text = browser.text("app-tab-logs")
    assert "CHANNEL_HANGUP_COMPLETE" in text
    assert "customer chose billing" in text
    browser.picture("homer-logs")


def shows_quality(homer: Homer, browser: Browser) -> None:
    """The labels under both charts are the extremes of the stored numbers."""
    browser.tab("QoS", "app-tab-qos")
    browser.press("show labels")
    moses = [each["MOS"] for each in homer.reports("35_default")]
    reports = homer.reports("35_default")
    browser.picture("homer-qos-rtp")
    text = browser.text("app-tab-qos")
    assert f"{max(each['TOTAL_PK'] for each in reports)}" in text
    assert f"{max(moses):.2f}".rstrip("0") in text
    browser.tab("RTCP", "app-tab-qos")
    browser.press("show labels")
    browser.picture("homer-qos-rtcp")
    packets = max(each["sender_information"]["packets"] for each in homer.reports("5_default"))
    assert f"{packets}" in browser.text("app-tab-qos")
