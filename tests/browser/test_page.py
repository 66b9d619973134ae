"""The page as a person uses it, in a real browser."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from fs_hepipe.hep import decode, encode
from fs_hepipe.tools import main
from fs_hepipe.tools.demo import RECORDINGS, STORIES
from tests.browser.conftest import Seen
from tests.unit.messages import SPEC_MESSAGE
from tests.watching import Watch, story, watching

pytestmark = pytest.mark.browser

LOSSY_A = "13ed7d0a-618c-1240-d1b8-96a756392f48"
XSS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(2)>", '"><svg onload=alert(3)>', "javascript:alert(4)",
    "'-alert(5)-'", "</script><script>alert(6)</script>", "${alert(7)}", "{{constructor.constructor('alert(8)')()}}",
    "<a href=javascript:alert(9)>x</a>", "]]><script>alert(10)</script>", "&lt;script&gt;alert(11)&lt;/script&gt;",
]  # fmt: skip


def open_call(page: Page, text: str) -> None:
    page.locator("#rows button", has_text=text).first.click()
    expect(page.locator(".step").first).to_be_visible()


def plotted(page: Page) -> dict[str, set[tuple[float, float]]]:
    """What uPlot itself has of each measure: times in seconds, and values."""
    found: dict[str, Any] = page.evaluate("""() => Object.fromEntries(
        [...document.querySelectorAll(".plot")].map((figure) => {
            const data = figure.querySelector(".canvas")?.plot.data ?? [[]];
            const points = [];
            data.slice(1).forEach((values) => values.forEach((value, at) => {
                if (value !== null && value !== undefined) points.push([data[0][at], value]);
            }));
            return [figure.dataset.metric, points];
        }))""")
    return {metric: {(round(time, 6), value) for time, value in points} for metric, points in found.items()}


def reported(datagrams: list[bytes]) -> dict[str, set[tuple[float, float]]]:
    """The same of the messages, read here by itself."""
    found: dict[str, set[tuple[float, float]]] = {"loss": set(), "jitter": set(), "rtt": set(), "mos": set()}
    for message in map(decode, datagrams):
        time = round(message.timestamp / 1e6, 6)
        report = json.loads(message.payload) if message.protocol_type in {5, 34} else {}
        for block in report.get("report_blocks", []):
            found["loss"].add((time, round(block["fraction_lost"] / 2.56, 3)))
            found["jitter"].add((time, block["ia_jitter"]))
        if report.get("EXPECTED_PK"):
            found["loss"].add((time, round(100 * report["PACKET_LOSS"] / report["EXPECTED_PK"], 3)))
        for metric, key in (("jitter", "JITTER"), ("rtt", "RTT"), ("rtt", "rtt_avg_ms"), ("mos", "MOS")):
            if key in report:
                found[metric].add((time, report[key]))
    return found


@pytest.mark.parametrize("name", [name for name in STORIES if name != "load_150_calls"])
def test_a_story_is_seen_with_every_message_and_every_value(name: str, page: Page, watch: Watch) -> None:
    datagrams = story(name)
    watch.send(datagrams)
    expect(page.locator("#foot")).to_contain_text(f"{len(datagrams)} messages")
    steps, values = 0, {metric: set[Any]() for metric in ("loss", "jitter", "rtt", "mos")}
    for row in page.locator("#rows button").all():
        before = page.locator("#about").element_handle() if page.locator("#about").count() else None
        row.click()
        expect(row).to_have_attribute("aria-current", "true")
        if before is not None:  # the call before is shown until this one has come
            page.wait_for_function("before => !before.isConnected", arg=before)
        expect(page.locator(".step").first).to_be_visible()
        steps += page.locator(".step").count()
        for metric, points in plotted(page).items():
            values[metric] |= points
    assert steps == len(datagrams)
    assert values == reported(datagrams)


def test_a_message_is_opened_with_its_payload_and_all_its_chunks(page: Page, watch: Watch) -> None:
    datagrams = story("busy_486")
    watch.send(datagrams)
    open_call(page, "1003")
    page.locator(".step button").last.click()
    message = max(map(decode, datagrams), key=lambda each: each.timestamp)
    expect(page.locator(".payload")).to_have_text(message.payload.decode())
    rows = page.locator(".chunks tbody tr").all_inner_texts()
    assert len(rows) == 13
    assert any("0x0011" in row and str(message.correlation_id) in row for row in rows)
    page.keyboard.press("Escape")
    expect(page.locator("#message")).to_be_hidden()


def test_a_call_grows_while_it_is_open(page: Page, watch: Watch) -> None:
    datagrams = sorted(story("lossy_media"), key=lambda each: decode(each).timestamp)
    watch.send(datagrams[:6])
    open_call(page, "1016")
    expect(page.locator(".step")).to_have_count(6)
    watch.send(datagrams[6:20])
    expect(page.locator(".step")).to_have_count(20)
    watch.send(datagrams[20:])
    expect(page.locator(".step")).to_have_count(len(datagrams))
    expect(page.locator(".about")).to_contain_text("bad quality")
    expect(page.locator(".moments")).to_contain_text("worst loss 11.7 %")
    assert plotted(page) == reported(datagrams)


def test_the_worst_moment_leads_to_its_message(page: Page, watch: Watch) -> None:
    watch.send(story("lossy_media"))
    open_call(page, "1016")
    page.locator(".moments button", has_text="worst loss").click()
    expect(page.locator(".payload")).to_contain_text('"fraction_lost": 30')
    expect(page.locator(".step button.open .worst")).to_have_text("worst loss")


def test_hovering_shows_the_values(page: Page, watch: Watch) -> None:
    watch.send(story("lossy_media"))
    open_call(page, "1016")
    over = page.locator('.plot[data-metric="loss"] .u-over')
    over.scroll_into_view_if_needed()
    over.hover(position={"x": 100, "y": 40})
    expect(page.locator('.plot[data-metric="loss"] .tip')).to_contain_text(re.compile(r"audio from 1016\s*[0-9.]+ %"))


def test_calls_are_searched_and_filtered(page: Page, watch: Watch) -> None:
    for name in ("lossy_media", "busy_486", "bridged_answered"):
        watch.send(story(name))
    expect(page.locator("#rows li")).to_have_count(3)
    page.fill("#words", "user_busy 486")
    expect(page.locator("#rows li")).to_have_count(1)
    page.fill("#words", LOSSY_A)
    expect(page.locator("#rows button")).to_contain_text(["1016"])
    page.fill("#words", "")
    page.select_option("#quality", "bad")
    expect(page.locator("#rows li")).to_have_count(1)


def test_the_keyboard_is_enough(page: Page, watch: Watch) -> None:
    for name in ("lossy_media", "busy_486"):
        watch.send(story(name))
    expect(page.locator("#rows li")).to_have_count(2)
    page.keyboard.press("/")
    page.keyboard.type("1016")
    expect(page.locator("#rows li")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".step").first).to_be_visible()
    page.locator(".step button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_contain_text("direction=outbound")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#message")).to_contain_text("CHANNEL_ANSWER")
    for _ in range(2):
        page.keyboard.press("Escape")
    expect(page.locator(".step")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_nothing_that_a_message_says_is_run(page: Page, watch: Watch) -> None:
    def message(protocol_type: int, payload: str, **more: Any) -> bytes:
        return encode(SPEC_MESSAGE._replace(protocol_type=protocol_type, payload=payload.encode(), **more))

    for number, text in enumerate(XSS):
        leg = f"{text} {number}"
        word, names = text.replace('"', '\\"'), {"correlation_id": f"{text} {number}", "node_name": text}
        line = (f'CHANNEL_CREATE direction=inbound caller="{word}" caller-name="{word}" callee="{word}" '
                f'leg="{word} {number}" x="{word}"')  # fmt: skip
        report = {"TYPE": text, "DIR": 0, "MEDIUM": text, "CODEC_NAME": text, "MOS": 2.0, "MOS_SOURCE": text,
                  "LEG": leg, "TOTAL_PK": 5, "EXPECTED_PK": 9, "PACKET_LOSS": 4, "JITTER": 40}  # fmt: skip
        rtcp = {"type": 200, "medium": text, "leg": leg, "report_blocks": [{"fraction_lost": 99}]}
        lines = [f"INVITE sip:{text} SIP/2.0", f"Call-ID: {leg}", f"From: <sip:{text}@x>", f"Reason: {text}", "", text]
        sip = "\r\n".join(lines)
        end = f'{line.replace("CREATE", "HANGUP_COMPLETE")} cause="{word}" sip-status="{word}"'
        watch.send([
            message(100, line, **names), message(34, json.dumps(report), **names),
            message(5, json.dumps(rtcp), **names), message(100, end, **names),
            message(1, sip, **names), message(100, text, **names), message(77, text, **names),
            message(100, f'{text}::{text} Gateway="{word}" State="{word}"', **names),
        ])  # fmt: skip
    expect(page.locator("#rows li")).to_have_count(len(XSS))
    for row in page.locator("#rows button").all():
        row.click()
        expect(row).to_have_attribute("aria-current", "true")
        expect(page.locator(".step")).to_have_count(8)
        for step in page.locator(".step button").all():
            step.click()
            expect(page.locator(".payload")).to_be_visible()
        page.keyboard.press("Escape")
    assert page.locator("body script, body img, body svg, [onerror], [onload], [onclick]").count() == 0


def test_the_page_comes_back_when_the_server_does(chromium: Browser) -> None:
    with watching() as first:
        page = chromium.new_page()
        page.goto(first.url)
        first.send(story("busy_486"))
        open_call(page, "1003")
        places = {"bind": first.hep, "web": first.web}
        assert first.stop()[0] == 0
    expect(page.locator("#connection")).to_contain_text("no connection")
    expect(page.locator(".step")).to_have_count(4)
    with watching(**places) as second:
        expect(page.locator("#connection")).to_have_text("live", timeout=15_000)
        second.send(story("lossy_media"))
        expect(page.locator("#rows button")).to_contain_text(["1016"])
        expect(page.locator(".step")).to_have_count(4)  # what was read stays
    page.context.close()


def test_a_token_is_brought_once(chromium: Browser) -> None:
    with watching("--token", "0123456789abcdef") as watch:
        context = chromium.new_context()
        page = context.new_page()
        answer = page.goto(watch.url)
        assert answer is not None
        assert answer.status == 401
        page.goto(f"{watch.url}?token=0123456789abcdef")
        assert page.url == watch.url
        watch.send(story("busy_486"))
        open_call(page, "1003")
        assert page.evaluate("document.cookie") == ""
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_nothing_is_wider_than_the_screen_and_all_text_has_contrast(
    chromium: Browser, watch: Watch, width: int, height: int, theme: str
) -> None:
    for name in ("lossy_media", "failover_486_then_answer", "gateway_states"):
        watch.send(story(name))
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(watch.url)
    expect(page.locator("#rows li")).to_have_count(4)
    assert too_pale(page) == []
    open_call(page, "1016")
    for opened in (False, True):
        if opened:
            page.locator(".step button").nth(3).click()
            expect(page.locator(".payload")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("""() => [...document.querySelectorAll(".about, .label, .ladder, .quality, .message")]
            .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
            .map((each) => each.className)""") == []
        assert too_pale(page) == []
    context.close()


def too_pale(page: Page) -> list[str]:
    """Texts whose contrast to their ground is less than 4.5 (WCAG 2.1, 1.4.3)."""
    found: list[str] = page.evaluate(r"""() => {
        const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
        const linear = (c) => c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
        const light = (colour) => colour.slice(0, 3).map(linear)
            .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
        const ground = (each) => {
            for (; each; each = each.parentElement) {
                const colour = parts(getComputedStyle(each).backgroundColor);
                if (colour.length === 3) return colour;
            }
            return [255, 255, 255];
        };
        const pale = [];
        for (const each of document.querySelectorAll("body *")) {
            const says = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
            if (!says || !each.checkVisibility() || each.closest("[aria-pressed=false]")) continue;
            const both = [light(parts(getComputedStyle(each).color)), light(ground(each))].sort((a, b) => b - a);
            const ratio = (both[0] + 0.05) / (both[1] + 0.05);
            if (ratio < 4.5) pale.push(`${each.className} ${ratio.toFixed(2)} ${each.textContent.slice(0, 30)}`);
        }
        return pale;
    }""")
    return found


@pytest.fixture
def one_file(tmp_path: Path) -> Path:
    file = tmp_path / "call.html"
    assert main(["report", str(RECORDINGS / "lossy_media.jsonl.gz"), "-o", str(file)]) == 0
    return file


def test_a_report_needs_nothing_but_itself(chromium: Browser, one_file: Path) -> None:
    context = chromium.new_context(offline=True, timezone_id="UTC")
    page = context.new_page()
    seen = Seen(page, one_file.as_uri())
    page.goto(one_file.as_uri())
    datagrams = story("lossy_media")
    expect(page.locator(".step")).to_have_count(len(datagrams))
    assert plotted(page) == reported(datagrams)
    page.locator(".step button").first.click()
    expect(page.locator(".payload")).to_contain_text("CHANNEL_CREATE")
    assert (seen.foreign, seen.errors) == ([], [])
    assert len(page.pdf(format="A4")) > 20_000
    context.close()


def test_the_demo_is_one_page_of_all_calls(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "demo.html"
    assert main(["demo", "busy_486", "lossy_media", "gateway_states", "--html", str(file)]) == 0
    page = chromium.new_page()
    page.goto(file.as_uri())
    expect(page.locator("#rows li")).to_have_count(4)
    page.fill("#words", "busy")
    expect(page.locator("#rows li")).to_have_count(1)
    open_call(page, "1003")
    page.context.close()


def test_a_call_is_saved_from_the_page(page: Page, watch: Watch, tmp_path: Path) -> None:
    watch.send(story("busy_486"))
    open_call(page, "1003")
    with page.expect_download() as waiting:
        page.get_by_text("Save as a file").click()
    saved = tmp_path / "saved.html"
    waiting.value.save_as(saved)
    assert b"6e25a172-618b-1240-d1b8-96a756392f48" in saved.read_bytes()


def test_garbage_is_counted(page: Page, watch: Watch) -> None:
    host, _, port = watch.hep.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for octets in (b"", b"GET / HTTP/1.1", b"HEP3\0\6", b"\xff" * 60_000):
            sender.sendto(octets, (host, int(port)))
    expect(page.locator("#foot")).to_contain_text("4 that were no HEP")


def test_the_ladder_lets_go_of_messages_that_are_no_longer_kept(page: Page) -> None:
    kept: list[int] = page.evaluate("""async () => {
        const { Ladder } = await import("/page/ladder.js");
        const ladder = new Ladder(() => {});
        const participant = { role: "switch", title: "", address: "", call_id: "", leg: "" };
        const step = (n) => ({ n, t: n, kind: "log", way: null, at: 0, title: "", text: "", tone: "", remarks: 0 });
        for (const from of [0, 5]) {
            const steps = [...Array(10).keys()].map((each) => step(from + each));
            ladder.show({ participants: [participant], switch: 0, steps, worst: [], dropped: from });
        }
        return [...ladder.drawn.keys()];
    }""")
    assert sorted(kept) == list(range(5, 15))
