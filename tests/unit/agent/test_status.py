"""What an operator sees of a running agent, as text, JSON and metrics."""

from __future__ import annotations

import json
import time
from typing import Any, Optional

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from fs_hepipe.agent.config import Config
from fs_hepipe.agent.loop import Agent
from fs_hepipe.agent.metrics import as_prometheus
from fs_hepipe.agent.status import GLANCES, as_json, as_text, glance, hints, status
from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.delivery.address import Address
from fs_hepipe.delivery.answers import REFUSED, UNREACHABLE
from fs_hepipe.delivery.collector import LastError
from fs_hepipe.delivery.udp import Trouble, UdpCollector
from fs_hepipe.reports.stream_report import Measured
from fs_hepipe.version import VERSION
from fs_hepipe.words.counters import Counters, Counts
from fs_hepipe.words.event import Event
from fs_hepipe.words.settings import Settings

SECRET = "s3cret"
STARTED = 1_700_000_000.0


class NoInlet:
    def bind(self, name: str, subclass: str = "") -> bool:
        return True

    def pop(self, wait_ms: int) -> Optional[Event]:
        return None

    def close(self) -> None:
        """There is nothing to close."""


def agent_of(**settings: Any) -> Agent:
    addresses = (Address("127.0.0.1", 9060), Address("2001:db8::1", 9061))
    config = Config(settings=Settings(**{"capture_password": SECRET, **settings}), collectors=addresses)
    agent = Agent(config, lambda _: NoInlet(), "fs_hepipe.conf.xml and its arguments", wall=lambda: STARTED)
    agent._configure_collectors(config)
    return agent


def busy_agent() -> Agent:
    """As after a long time of everything."""
    agent = agent_of(node_name="edge-1.example.com")
    counters = agent.counters
    names = [*Settings().call_events, "RECV_RTCP_MESSAGE", "SEND_RTCP_MESSAGE", "CUSTOM", "CALL_UPDATE", "SHUTDOWN"]
    counters.received = Counts(dict.fromkeys(names, 2_345_678_901))
    counters.mapped = Counts(dict.fromkeys(names, 1_345_678_901))
    counters.ignored = Counts(not_wanted=900_000_000, only_learned_from=90_000_000, no_unique_id=5, empty_report=7)
    faults = ("not_a_number", "no_time", "RecursionError", "MemoryError", "ZeroDivisionError", "UnicodeEncodeError")
    counters.failed = Counts(dict.fromkeys(faults, 123_456))
    counters.recorded = 5_000_000_000
    counters.built = Counts({5: 2_000_000_000, 34: 900_000_000, 35: 900_000_000, 32: 1, 99: 1, 100: 1_999_999_999})
    reasons = "no_room_to_wait no_call_id waited_too_long leg_forgotten stopped not_encodable too_long".split()
    counters.dropped = Counts(dict.fromkeys(reasons, 1_234_567))
    for collector in agent.collectors:
        collector.outcomes = Counts(sent=4_999_000_000, refused=1, buffer_full=99_999, unreachable=88_888, forbidden=7)
        collector.outcomes["unresolved"] = 12
        collector.last_error = LastError("[Errno 113] No route to host", STARTED + 1000)
    agent.watermark, agent.saturated, agent.busiest_event = 5000, 3, ("CHANNEL_HANGUP_COMPLETE", 0.123456)
    agent._bound = {("DTMF", ""): False, ("CUSTOM", "sofia::gateway_state"): False}
    agent.ended.set()  # these numbers don't balance, and nobody is there to look again
    return agent


# --- text ------------------------------------------------------------------------------------------------------------


def test_everything_an_operator_asks_for_is_there() -> None:
    text = as_text(status(busy_agent()))
    for words in (
        f"fs_hepipe {VERSION}, running since 2023-11-1",
        "configured by fs_hepipe.conf.xml and its arguments",
        "node edge-1.example.com, capture id 2001",
        "udp:127.0.0.1:9060  sent 4999000000, errors buffer_full 99999, forbidden 7",
        "udp:[2001:db8::1]:9061",
        "last error 2023-11-1",
        "No route to host",
        "CHANNEL_CREATE               2345678901 1345678901",
        "not_a_number 123456",
        "100 log 1999999999",
        "no_call_id 1234567",
        "0 known (of 20000), 0 evicted, 0 expired",
        "5000 long, 5000 events in a row, 3 times full",
        "CHANNEL_HANGUP_COMPLETE 123456 us",
    ):
        assert words in " ".join(text.split()) or words in text, words


@pytest.mark.parametrize("agent", [agent_of(), busy_agent()], ids=["fresh", "busy"])
def test_every_line_fits_a_hundred_columns(agent: Agent) -> None:
    lines = as_text(status(agent)).splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() for line in lines)
    labels = "collectors events ignored failed left-out messages dropped waiting legs queue slowest ledger hint"
    assert {line.split()[0] for line in lines if line[0] != " "} <= {"fs_hepipe", *labels.split()}


def test_long_and_strange_names_are_wrapped_and_escaped() -> None:
    agent = agent_of(node_name="n" * 255)
    agent.counters.received["\x1b[2J\udce9"] = agent.counters.ignored["not_wanted"] = 1
    lines = as_text(status(agent)).splitlines()
    assert max(map(len, lines)) <= 100
    assert all(line.isprintable() for line in lines)
    assert "n" * 255 in "".join(line.strip() for line in lines)


def test_fresh_agent_has_nothing_to_complain_of() -> None:
    text = as_text(status(agent_of()))
    assert text.count("none") == 7
    assert "node (the switch name)" in text
    assert "ledger    balances\n" in text
    assert "hint" not in text


def test_ledger_that_does_not_balance_is_said() -> None:
    agent = agent_of()
    agent.counters.recorded += 1
    agent.ended.set()  # nobody to ask again
    report = status(agent)
    assert report["ledger"]["balances"] is False
    assert "DOES NOT BALANCE" in as_text(report)
    assert "fs_hepipe_ledger_balances 0\n" in as_prometheus(report)


def test_ledger_is_that_of_the_collectors_too() -> None:
    agent = agent_of()
    agent.collectors.offered += 1
    agent.ended.set()
    assert status(agent)["ledger"]["balances"] is False


def test_json_is_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    report = status(busy_agent())
    line = as_json(report)
    assert json.loads(line) == report
    assert line.count("\n") == 1
    assert line.isascii()


def test_password_is_nowhere() -> None:
    report = status(busy_agent())
    for text in (as_text(report), as_json(report), as_prometheus(report)):
        assert SECRET not in text


def test_node_name_is_the_switchs_unless_it_is_set() -> None:
    agent = agent_of()
    assert status(agent)["node_name"] is None
    agent.pipeline._flows.switch_name = "switch-7"
    assert status(agent)["node_name"] == "switch-7"
    assert "node switch-7, " in as_text(status(agent))


# --- hints -----------------------------------------------------------------------------------------------------------


def counted(agent: Agent, *, received: Optional[dict[str, int]] = None, quality: int = 0) -> list[str]:
    agent.counters = Counters()
    agent.counters.received.update(received or {})
    agent.counters.built.update(dict.fromkeys(agent.config.settings.qos_type, quality))
    return hints(agent)


def test_media_without_rtcp_is_a_hint() -> None:
    (hint,) = counted(agent_of(), received={"CHANNEL_HANGUP_COMPLETE": 4}, quality=4)
    assert hint.startswith("4 streams ended and no RTCP came")
    assert "rtcp-audio-interval-msec" in hint
    (hint,) = counted(agent_of(qos_type=(34, 35)), quality=4)
    assert hint.startswith("4 streams"), "each of them told twice is still one"


@pytest.mark.parametrize(
    ("received", "quality", "settings"),
    [
        ({}, 0, {}),
        ({"CHANNEL_HANGUP_COMPLETE": 100}, 0, {}),  # refused calls have no media
        ({"RECV_RTCP_MESSAGE": 4, "SEND_RTCP_MESSAGE": 1}, 4, {}),
        ({"SEND_RTCP_MESSAGE": 4}, 4, {}),  # the far ends don't, the switch does
        ({"RECV_RTCP_MESSAGE": 1}, 2, {}),  # ours may be about to come
        ({}, 100, {"report_rtcp_events": False}),
        ({"RECV_RTCP_MESSAGE": 100}, 100, {"report_rtcp_events": False}),
    ],
)
def test_no_hint_about_rtcp_without_a_reason(
    received: dict[str, int], quality: int, settings: dict[str, object]
) -> None:
    assert counted(agent_of(**settings), received=received, quality=quality) == []


def test_reports_of_the_far_ends_alone_are_a_hint() -> None:
    (hint,) = counted(agent_of(), received={"RECV_RTCP_MESSAGE": 10}, quality=2)
    assert "fire_rtcp_events=true" in hint


def test_what_is_wrong_with_a_collector_is_a_hint() -> None:
    agent = agent_of()
    first, _ = agent.collectors
    assert isinstance(first, UdpCollector)
    first.trouble = Trouble(REFUSED, "port unreachable", first.target, 1000.0)
    first.sent_at = 1000.0
    assert hints(agent) == [
        "udp:127.0.0.1:9060: nobody listens there, it refuses what is sent: 127.0.0.1:9060 port unreachable"
    ]
    first.sent_at = 1100.0
    assert hints(agent) == []


def test_what_was_answered_stands_beside_what_was_sent() -> None:
    agent = agent_of()
    first, second = agent.collectors
    first.outcomes, first.answers = Counts(sent=12), Counts({REFUSED: 11, UNREACHABLE: 1})
    first.refusals = 11
    second.outcomes, second.answers = Counts(sent=3, buffer_full=2), Counts({REFUSED: 3})
    report = status(agent)
    assert report["collectors"][0]["answers"] == {REFUSED: 11, UNREACHABLE: 1}
    assert report["collectors"][0]["refusals"] == 11
    assert "udp:127.0.0.1:9060  sent 12, answered with refused 11, unreachable 1\n" in as_text(report)
    assert "sent 3, errors buffer_full 2, answered with refused 3\n" in as_text(report)


def test_full_queue_and_unbound_events_are_hints() -> None:
    agent = agent_of()
    agent.saturated = 2
    agent._bound = {("DTMF", ""): False, ("CUSTOM", "a::b"): False, ("CODEC", ""): True}
    assert hints(agent) == [
        "the event queue may have been full 2 times, and events may be lost: raise event-queue-length",
        "the switch would not bind DTMF, CUSTOM a::b",
    ]


# --- metrics ---------------------------------------------------------------------------------------------------------


def samples(agent: Agent) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = list(text_string_to_metric_families(as_prometheus(status(agent))))
    assert len({family.name for family in families}) == len(families)
    assert all(family.documentation and family.type in {"counter", "gauge", "histogram"} for family in families)
    each = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in each}
    assert len(found) == len(each)
    return found


def test_openmetrics_has_the_same_samples() -> None:
    agent = busy_agent()
    text = as_prometheus(status(agent), is_open=True)
    families = list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    each = [sample for family in families for sample in family.samples]
    assert {(sample.name, frozenset(sample.labels.items())): sample.value for sample in each} == samples(agent)
    units = {family.name: family.unit for family in families if family.unit}
    assert units["fs_hepipe_start_time_seconds"] == "seconds"
    assert units["fs_hepipe_sent_octets"] == "octets"
    assert text.endswith("\n# EOF\n")


def test_a_scraper_never_waits_for_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the numbers do not agree yet, it looks again, a few times."""
    agent = agent_of()
    agent.counters.received["CODEC"] += 1  # and nothing became of it
    monkeypatch.setattr(agent, "run_between_events", lambda _act: pytest.fail("it asked the loop"))
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    assert glance(agent)["ledger"]["balances"] is False
    assert len(waits) == GLANCES
    agent.counters.ignored["not_wanted"] += 1
    assert glance(agent)["ledger"]["balances"] is True
    assert len(waits) == GLANCES


def test_quality_is_a_histogram_by_gateway() -> None:
    agent = agent_of()
    found_of = Measured(Medium("audio"), True, {"MOS": 4.25, "JITTER": 12.0})
    for _ in range(2):
        agent.pipeline.tally.note({"variable_sip_gateway_name": 'carr"ier'}.get, Leg("u1"), [found_of])
    found = samples(agent)
    labels = {("gateway", 'carr"ier'), ("profile", ""), ("direction", "received")}
    assert found["fs_hepipe_call_mos_count", frozenset(labels)] == 2
    assert found["fs_hepipe_call_mos_sum", frozenset(labels)] == 8.5
    assert found["fs_hepipe_call_mos_bucket", frozenset({*labels, ("le", "4.2")})] == 0
    assert found["fs_hepipe_call_mos_bucket", frozenset({*labels, ("le", "4.3")})] == 2
    assert found["fs_hepipe_call_mos_bucket", frozenset({*labels, ("le", "+Inf")})] == 2
    assert found["fs_hepipe_call_jitter_seconds_sum", frozenset(labels)] == pytest.approx(0.024)
    assert not [name for name, _ in found if "rtt" in name]
    text = as_prometheus(status(agent), is_open=True)
    assert list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


def test_metrics_say_what_status_says() -> None:
    agent = busy_agent()
    found, report = samples(agent), status(agent)

    def value(name: str, **labels: str) -> float:
        return found["fs_hepipe_" + name, frozenset(labels.items())]

    first = report["collectors"][0]
    assert value("info", version=VERSION) == 1
    assert value("start_time_seconds") == STARTED
    assert value("events_received_total", event="CHANNEL_UUID") == 2_345_678_901
    assert value("events_failed_total", reason="no_time") == 123_456
    assert value("messages_total", type="100") == 1_999_999_999
    assert value("records_dropped_total", reason="too_long") == 1_234_567
    assert value("sent_total", collector=first["name"]) == first["sent"]
    assert value("offered_total", collector=first["name"]) == first["offered"] == 0
    assert value("buffered", collector=first["name"]) == first["buffered"] == 0
    assert value("up", collector=first["name"]) == first["up"] == 1
    assert value("send_errors_total", collector=first["name"], reason="refused") == 1
    assert value("last_error_time_seconds", collector=first["name"]) == STARTED + 1000
    assert value("legs_forgotten_total", reason="evicted") == 0
    assert value("queue_full_total") == 3
    assert value("busiest_event_seconds") == pytest.approx(0.123456)
    assert value("unbound_events") == 2
    assert value("hints") == len(report["hints"]) > 0


def test_metrics_of_a_fresh_agent_are_valid_too() -> None:
    assert samples(agent_of())["fs_hepipe_ledger_balances", frozenset()] == 1


def test_labels_are_escaped() -> None:
    agent = agent_of()
    agent.counters.received['a"b\\c\nd'] = 1
    agent.counters.ignored["x"] = 1
    assert samples(agent)["fs_hepipe_events_received_total", frozenset({("event", 'a"b\\c\\nd')})] == 1
