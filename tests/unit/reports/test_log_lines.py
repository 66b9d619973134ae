"""FreeSWITCH's log lines in their calls."""

from __future__ import annotations

import json
from typing import Any, Optional

import pytest

from fs_hepipe.calls.waiting import MAX_PER_LEG
from fs_hepipe.hep import Message
from fs_hepipe.reports import log_lines as module
from fs_hepipe.reports.log_line import LogLine
from fs_hepipe.reports.log_lines import MAX_SHOWN, PATIENCE
from tests.unit.synthetic import ANSWER, CREATE, DESTROY, HANGUP, PROGRESS, T0, Channel, Ear, callee, fields, flow, sip


def line(
    text: str = "the text", unique_id: Optional[str] = "leg-a", level: str = "WARNING", at: float = 0.0
) -> LogLine:
    return LogLine(unique_id, T0 + round(at * 1e6), level, "sofia.c:12", text)


class Listener(Ear):
    """An ear that reads the log too."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(report_log_lines=True, **settings)
        self.asked_for: list[tuple[str, Optional[int]]] = []
        self.pipeline.log_lines.ask_for_more = lambda unique_id, level: self.asked_for.append((unique_id, level))

    def log(self, *lines: LogLine, now: float = 0.0) -> list[Message]:
        return self._settled(self.pipeline.log(lines, now))

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.counters.log_lines)


def test_a_line_is_in_the_log_of_its_call() -> None:
    ear = Listener()
    ear.hear(Channel().event(CREATE, sip()))
    (message,) = ear.log(line(at=1.5))
    assert message.correlation_id == "call-a"
    assert message.timestamp == T0 + 1_500_000
    assert message.protocol_type == 100
    assert flow(message) == ("192.0.2.2", 5060, "198.51.100.7", 5062)
    assert message.payload.startswith(b"WARNING text=")
    assert fields(message) == {
        "text": "the text",
        "file": "sofia.c:12",
        "channel": "sofia/internal/1001@192.0.2.10",
        "leg": "leg-a",
        "call-id": "call-a",
    }
    assert ear.counts == {"reported": 1}


def test_a_leg_without_a_name_yet_has_none_in_its_line() -> None:
    ear, channel = Listener(), Channel()
    del channel.basic["Channel-Name"]
    ear.hear(channel.event(CREATE, sip()))
    assert "channel" not in fields(ear.log(line())[0])


@pytest.mark.parametrize("log_format", ["json", "full"])
def test_the_same_as_json(log_format: str) -> None:
    ear = Listener(call_log_format=log_format)
    ear.hear(Channel().event(CREATE, sip()))
    (message,) = ear.log(line("EXECUTE [depth=0] x")._replace(where=""))
    assert json.loads(message.payload) == {
        "event": "WARNING",
        "text": "EXECUTE [depth=0] x",
        "channel": "sofia/internal/1001@192.0.2.10",
        "leg": "leg-a",
        "call-id": "call-a",
    }


def test_its_time_is_its_own_but_not_before_the_first_line_of_its_leg() -> None:
    """Both are stamped by the same clock, which is late; when the event was seen is known, and so when it happened."""
    ear = Listener()
    ear.pipeline._wall = lambda: T0 / 1e6 + 0.004
    (create,) = ear.hear(Channel().event(CREATE, sip()))
    first, next_one, later, old = ear.log(line(), line(), line(at=0.02), line(at=-1))
    times = [message.timestamp for message in (create, first, next_one)]
    assert times == [T0 + 6_000, T0 + 6_001, T0 + 6_002]
    assert later.timestamp == T0 + 20_000
    assert old.timestamp == T0 - 1_000_000


def test_a_line_that_is_read_late_does_not_change_the_order_of_the_events() -> None:
    ear, channel = Listener(), Channel()
    messages = ear.hear(channel.event(CREATE, sip()), channel.event(PROGRESS, at=0.02))
    logged = ear.log(line(), line("next"))
    messages += ear.hear(channel.event(ANSWER, at=0.02))
    assert [message.timestamp - T0 for message in messages] == [0, 20_000, 20_001]
    assert [message.timestamp - T0 for message in logged] == [0, 1]


def test_a_line_waits_for_the_call_id_of_its_leg() -> None:
    ear, channel = Listener(), callee()
    ear.hear(channel.event(CREATE))
    assert ear.log(line(unique_id="leg-b")) == []
    messages = ear.hear(channel.event(PROGRESS, sip("call-b"), at=1))
    assert [message.correlation_id for message in messages] == ["call-b"] * 3
    assert fields(messages[1])["call-id"] == "call-b"


def test_the_first_lines_of_a_leg_come_before_it_is_known() -> None:
    ear = Listener()
    assert ear.log(line("first"), now=1.0) == []
    ear.hear(Channel().event(CREATE, sip()), now=1.1)
    (message,) = ear.log(now=1.5)
    assert fields(message)["text"] == "first"
    assert ear.pipeline.log_lines.early == 0


def test_a_line_of_nobody_is_waited_for_and_counted() -> None:
    """As one is that a caller has forged."""
    ear = Listener()
    ear.hear(Channel().event(CREATE, sip()))
    assert ear.log(line(unique_id="forged")) == []
    assert ear.log(now=PATIENCE) == []
    assert ear.counts == {"unknown_leg": 1}


def test_as_many_wait_for_their_leg_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EARLY", 2)
    ear = Listener()
    ear.log(line(), line(), line())
    assert ear.counts == {"no_room_to_wait": 1}
    ear.end()
    assert ear.counts == {"no_room_to_wait": 1, "unknown_leg": 2}


def test_a_leg_has_so_many_lines_and_the_others_are_counted() -> None:
    ear = Listener(log_lines_per_call=3)
    ear.hear(Channel().event(CREATE, sip()), Channel("leg-b").event(CREATE, sip("call-b")))
    assert len(ear.log(*[line(str(number)) for number in range(5)], line(unique_id="leg-b"))) == 4
    assert ear.counts == {"reported": 4, "per_call": 2}


def test_lines_that_wait_leave_room_for_what_else_is_told_of_a_leg() -> None:
    ear, channel = Listener(), callee()
    ear.hear(channel.event(CREATE))
    ear.log(*[line(unique_id="leg-b")] * MAX_PER_LEG)
    assert ear.counts == {"reported": MAX_PER_LEG // 2 - 1, "no_room_to_wait": MAX_PER_LEG // 2 + 1}
    messages = ear.hear(channel.event(HANGUP, at=1), channel.event(PROGRESS, sip("call-b"), at=1))
    assert ear.counters.dropped == {}
    assert len(messages) == MAX_PER_LEG // 2 + 2


def test_lines_without_a_leg_are_filed_under_the_switch() -> None:
    ear = Listener()
    assert ear.log(line(unique_id=None)) == []  # nothing has named the switch
    ear.hear(Channel().event(CREATE, sip()))
    (message,) = ear.log(line("fs_hepipe: our own", unique_id=None))
    assert message.correlation_id == "fs1/log"
    assert flow(message) == ("192.0.2.2", 0, "192.0.2.2", 0)
    assert fields(message) == {"text": "the text", "file": "sofia.c:12"}
    assert ear.counts == {"reported": 1, "own": 1}


def test_a_line_is_cut_escaped_and_without_secrets_and_digits() -> None:
    ear = Listener()
    ear.hear(Channel().event(CREATE, sip()))
    (long, odd, secret, digit) = ear.log(
        line("x" * 3_000), line("a\nb\x1b\udce9"), line("password=hunter2"), line("RECV DTMF 5:800")
    )
    assert len(fields(long)["text"]) == MAX_SHOWN
    assert b'text="a\\\\nb\\\\x1b\\\\xe9"' in odd.payload
    assert b"hunter2" not in secret.payload
    assert fields(digit)["text"] == "RECV DTMF (not sent)"
    shown = Listener(dtmf_digits="shown")
    shown.hear(Channel().event(CREATE, sip()))
    assert fields(shown.log(line("RECV DTMF 5:800"))[0])["text"] == "RECV DTMF 5:800"


def test_a_leg_says_how_many_lines_it_wants_and_when_it_has_ended() -> None:
    ear, channel = Listener(), Channel()
    wish = {"variable_fs_hepipe_log_level": " Debug"}
    ear.hear(channel.event(CREATE, sip()), channel.event(ANSWER, wish, at=1), channel.event(DESTROY, wish, at=2))
    ear.hear(Channel("leg-b").event(CREATE, {**sip("call-b"), "variable_fs_hepipe_log_level": "all"}))
    assert ear.asked_for == [("leg-a", 7), ("leg-a", None)]


def test_events_are_not_asked_for_a_level_unless_lines_are_reported() -> None:
    ear = Ear()
    ear.hear(Channel().event(CREATE, {**sip(), "variable_fs_hepipe_log_level": "debug"}))
    ear.pipeline.log_lines.ask_for_more("leg-a", 7)  # nobody hears it
    assert ear.counters.log_lines == {}
