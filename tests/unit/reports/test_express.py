"""RTCP's short way is the long one in less time: same messages, same counters, same memory of the leg."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_hepipe.calls.legs import Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.hep import Message
from fs_hepipe.reports.express import RECEIVED, RECEIVED_OTHERS
from fs_hepipe.words import names
from fs_hepipe.words.event import RecordedEvent, Reread
from fs_hepipe.words.settings import Settings
from tests.unit.synthetic import (
    ANSWER,
    CREATE,
    DESTROY,
    OURS,
    RECORDINGS,
    UPDATE,
    Channel,
    Ear,
    audio,
    block,
    body,
    callee,
    received_rtcp,
    recorded,
    sent_rtcp,
    sip,
    video,
)

THEIRS = 0xFAFA
RTCP = (names.RECV_RTCP_MESSAGE, names.SEND_RTCP_MESSAGE)


class Both:
    """A pipeline, and one without the short way; whatever they hear, they say and remember the same."""

    def __init__(self, **wanted: Any) -> None:
        self.short, self.long = Ear(**wanted), Ear(**wanted)
        self.long.pipeline._short_ways.clear()
        self.taken = 0
        """Events that took the short way."""
        for name, way in self.short.pipeline._short_ways.items():
            self.short.pipeline._short_ways[name] = self._counted(way)

    def hear(self, *events: RecordedEvent, now: float = 0.0) -> list[Message]:
        messages: list[Message] = []
        for event in events:
            said = self.short.hear(event, now=now)
            assert told(said) == told(self.long.hear(event, now=now))
            self.compare()
            messages += said
        return messages

    def compare(self) -> None:
        assert vars(self.short.counters) == vars(self.long.counters)
        short, long = self.short.pipeline.legs, self.long.pipeline.legs
        assert [remembered(leg) for leg in short._all()] == [remembered(leg) for leg in long._all()]

    def tick(self, now: float) -> None:
        assert told(self.short.wait(now)) == told(self.long.wait(now))
        self.compare()

    def reconfigure(self, wanted: dict[str, Any]) -> None:
        self.short.pipeline.reconfigure(Settings(**wanted))
        self.long.pipeline.reconfigure(Settings(**wanted))

    def _counted(self, way: Any) -> Any:
        def counted(event: RecordedEvent, now: float) -> Any:
            done = way(event, now)
            self.taken += isinstance(done, bytes)
            return done

        return counted


def told(messages: list[Message]) -> list[tuple[Message, Any]]:
    """The messages, and what their JSON says instead of how it is written."""
    said = [json.loads(each.payload) if each.protocol_type != 100 else each.payload for each in messages]
    return [(message._replace(payload=b""), payload) for message, payload in zip(messages, said)]


def remembered(leg: Leg) -> dict[str, Any]:
    """All that is known of a leg, but the flows that are kept."""
    return {
        slot: slots(value) if isinstance(value, Medium) else value
        for slot, value in slots(leg).items()
    }


def slots(thing: object) -> dict[str, Any]:
    return {slot: getattr(thing, slot) for slot in vars(type(thing))["__slots__"] if not slot.endswith("_flow")}


def talking(both: Both, channel: Channel, call_id: str = "call-a", ntp: int = 1) -> None:
    """A leg that has answered and reported once both ways: from here on its reports are regular."""
    both.hear(
        channel.event(ANSWER, {**sip(call_id), **audio()}),
        channel.hears(heard(ntp)),
        channel.says(sent_rtcp(THEIRS, ntp=(ntp, 0))),
    )


def heard(ntp: int, **other: Any) -> dict[str, str]:
    return received_rtcp(THEIRS, ntp=(ntp, 5), **{"blocks": [block(OURS)], "rtts": [0.0], **other})


# --- the recordings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["ms", "rtp"])
@pytest.mark.parametrize("story", sorted(path.name.partition(".")[0] for path in RECORDINGS.glob("*.jsonl.gz")))
def test_a_recorded_story_is_told_the_same_either_way(story: str, unit: str) -> None:
    both = Both(rtcp_jitter_unit=unit)
    events = recorded(story)
    if story == "load_150_calls":  # comparing what 300 legs remember takes time
        calls = {event.headers["Unique-ID"] for event in events if event.headers.get("Event-Name") == CREATE}
        few = set(sorted(calls)[:20])
        events = [event for event in events if event.headers.get("Unique-ID") in few]
    for event in events:
        both.hear(event, now=event.time)


def test_all_reports_of_a_call_but_the_first_ones_take_the_short_way() -> None:
    both = Both()
    events = [event for event in recorded("lossy_media") if event.headers["Event-Name"] in (*RTCP, ANSWER, CREATE)]
    for event in events:
        both.hear(event, now=event.time)
    reports = [event for event in events if event.headers["Event-Name"] in RTCP]
    firsts = {(event.headers["Event-Name"], event.headers["Unique-ID"]) for event in reports}
    assert len(reports) > 2 * len(firsts) > 0
    assert both.taken == len(reports) - len(firsts), "all but the first of each leg and direction"


# --- what is regular, and what is not ---------------------------------------------------------------------------------


def test_reports_that_go_on_take_the_short_way() -> None:
    both, a = Both(), Channel()
    talking(both, a)
    assert both.taken == 0
    received, sent = both.hear(a.hears(heard(2), at=5.0), a.says(sent_rtcp(THEIRS, ntp=(2, 0)), at=6.0))
    assert both.taken == 2
    assert (body(received)["type"], body(received)["ssrc"], body(sent)["ssrc"]) == (200, THEIRS, OURS)
    assert (received.src_port, sent.src_port) == (30_001, 20_001)


@pytest.mark.parametrize("unit", ["ms", "rtp"])
@pytest.mark.parametrize("rtt", [0.0, 0.0400001, 1.2345678])
@pytest.mark.parametrize("lost", ["0", "3", "8388607", "8388608", "16777215", "4294967295", "4294967290"])
def test_numbers_are_told_as_on_the_long_way(unit: str, rtt: float, lost: str) -> None:
    both, a = Both(rtcp_jitter_unit=unit), Channel()
    talking(both, a)
    for jitter in ("0", "1", "7", "80", "4294967295"):
        number = int(jitter) % 1000 + 2
        both.hear(
            a.hears(heard(number, blocks=[block(OURS, Lost=lost, Jitter=jitter)], rtts=[rtt], rate=48_000)),
            a.says(sent_rtcp(THEIRS, ntp=(number, 0), Lost=lost, Jitter=jitter)),
        )
    assert both.taken == 10


OF_NO_MATTER_TO_WHAT_IS_SENT = {"Source1-SSRC", "RTP-Rate", "Rtt0-Avg", "NTP-Most-Significant-Word"}


def irregular(name: str, value: str) -> Any:
    return pytest.param({name: value}, id=f"{name} {value[:20]}")


@pytest.mark.parametrize(
    "change",
    [
        irregular("SSRC", "0xfafa"), irregular("SSRC", " 0000fafa"), irregular("SSRC", "0000fafa\n"),
        irregular("SSRC", "0000_fafa"), irregular("SSRC", "00000000fafa"),
        irregular("Capture-Time", "4294967295999999"),
        irregular("SSRC", "0000fafb"), irregular("SSRC", "00000000"), irregular("SSRC", "xyz"), irregular("SSRC", "-1"),
        irregular("Source0-SSRC", "0a0a0a0b"), irregular("Source0-SSRC", ""), irregular("Source1-SSRC", "0a0a0a0a"),
        irregular("NTP-Most-Significant-Word", "0"), irregular("Capture-Time", "0"),
        irregular("Capture-Time", "9007199254740992"), irregular("Capture-Time", "x"), irregular("RTP-Rate", "0"),
        irregular("Source0-Jitter", "-1"), irregular("Source0-Jitter", ""), irregular("Source0-DLSR", "1_0"),
        irregular("Source0-LSR", "٣"), irregular("Rtt0-Avg", "nan"), irregular("Rtt0-Avg", "inf"),
        irregular("Rtt0-Avg", "1e3"), irregular("Rtt0-Avg", ".5"), irregular("Rtt0-Avg", "5."),
        irregular("Rtt0-Avg", "12.500000"), irregular("Rtt0-Avg", "12345678"), irregular("Rtt0-Avg", "1.23.456"),
        irregular("Rtt0-Avg", "-0.1"), irregular("Source0-Lost", "4294967296"), irregular("RTP-Rate", "8000.0"),
        irregular("Sender-Packet-Count", "9" * 30), irregular("Octect-Packet-Count", "9" * 5000),
        irregular("RTP-Timestamp", b"\xff".decode("utf-8", "surrogateescape")),
    ],
)  # fmt: skip
def test_what_is_not_regular_takes_the_long_way(change: dict[str, str]) -> None:
    both, a = Both(), Channel()
    talking(both, a)
    both.hear(a.hears({**heard(2), **change}))
    change = {header.replace("Source0", "Source"): value for header, value in change.items()}
    both.hear(a.says({**sent_rtcp(THEIRS, ntp=(2, 0)), **change}))
    assert both.taken == (1 if change.keys() <= OF_NO_MATTER_TO_WHAT_IS_SENT else 0)


@pytest.mark.parametrize("header", ["Unique-ID", *RECEIVED, *RECEIVED_OTHERS[:-1]])
def test_a_report_with_a_gap_takes_the_long_way(header: str) -> None:
    both, a = Both(), Channel()
    talking(both, a)
    headers = dict(a.hears(heard(2)).headers)
    del headers[header]
    both.hear(RecordedEvent(dict(headers)))
    assert both.taken == 0


def test_a_receiver_report_takes_the_long_way() -> None:
    both, a = Both(), Channel()
    talking(both, a)
    (report,) = both.hear(a.hears(heard(1)))
    assert (body(report)["type"], both.taken) == (201, 0)


def test_a_leg_with_video_takes_the_long_way() -> None:
    both, a = Both(), Channel()
    both.hear(a.event(ANSWER, {**sip(), **audio(), **video()}))
    both.hear(*[a.hears(heard(ntp)) for ntp in range(1, 4)])
    assert both.taken == 0


def test_the_reports_of_a_renamed_leg_bear_its_new_name() -> None:
    both, old, new = Both(), Channel("old"), Channel("new")
    talking(both, old)
    both.hear(new.event(names.CHANNEL_UUID, {**sip(), "Old-Unique-ID": "old"}))
    (report,) = both.hear(new.hears(heard(2)))
    assert (body(report)["leg"], both.taken) == ("new", 1)


def test_a_source_that_changed_its_ssrc_takes_the_long_way() -> None:
    both, a = Both(), Channel()
    talking(both, a)
    both.hear(a.event(UPDATE, {**sip(), **audio(ssrc=77)}))
    both.hear(*[a.hears(heard(ntp, blocks=[block(77)])) for ntp in range(2, 5)])
    both.hear(*[a.hears({**heard(ntp, blocks=[block(77)]), "SSRC": "0000fbfb"}) for ntp in range(5, 8)])
    both.hear(*[a.says(sent_rtcp(0xFBFB, 0xFBFB, ntp=(ntp, 0))) for ntp in range(2, 5)])
    sound = both.short.pipeline.legs.living["leg-a"].audio
    assert sound is not None
    assert [reception.source for reception in sound.said] == [OURS, 77]
    assert [reception.source for reception in sound.heard] == [THEIRS, 0xFBFB]


def test_a_leg_takes_the_short_way_again_after_another_ssrc_was_heard() -> None:
    both, a = Both(), Channel()
    talking(both, a)
    for ntp in range(2, 6):
        both.hear(a.hears({**heard(ntp), "SSRC": "0000fbfb"}))
    assert both.taken == 3


def test_a_leg_takes_the_short_way_again_after_its_call_id_was_another_for_a_while() -> None:
    both, a = Both(), Channel()
    talking(both, a)
    for letter in "ba":
        both.hear(a.event(UPDATE, {**sip(f"call-{letter}"), **audio()}))
    both.hear(*[a.hears(heard(ntp)) for ntp in (2, 3)])
    assert both.taken == 1


def test_the_far_ends_rtp_and_rtcp_may_have_ssrcs_of_their_own() -> None:
    both, a = Both(), Channel()
    talking(both, a)
    both.hear(a.says(sent_rtcp(0xFCFC, 0xFCFC, ntp=(2, 0))))
    both.hear(*[a.hears(heard(2)), a.says(sent_rtcp(0xFCFC, 0xFCFC, ntp=(3, 0))), a.hears(heard(3))])
    assert both.taken == 3


def test_what_a_fault_left_unsent_leaves_with_the_next_report() -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.hears(heard(1)))
    left = Ear().pipeline.handle(callee("b", None).event(ANSWER, sip("call-b")), 0.0)
    ear.pipeline.unsent = list(left)
    assert ear.pipeline.handle(a.hears(heard(2)), 0.0)[:1] == left
    assert ear.pipeline.unsent == []


def test_the_last_words_of_a_leg_that_is_gone_take_the_long_way() -> None:
    both, a = Both(), Channel()
    talking(both, a)
    both.hear(a.event(DESTROY, sip()))
    assert len(both.hear(a.hears(heard(2)))) == 1
    assert both.taken == 0


@pytest.mark.parametrize("correlation, short", [("own", 4), ("a-leg", 2)])
def test_a_leg_that_may_be_filed_under_the_other_ones_call_id_takes_the_long_way(correlation: str, short: int) -> None:
    both, a, b = Both(correlation=correlation), Channel(), callee()
    talking(both, a)
    talking(both, b, "call-b")
    both.taken = 0
    messages = both.hear(*[leg.hears(heard(ntp)) for ntp in (2, 3) for leg in (a, b)])
    assert both.taken == short
    assert [message.correlation_id for message in messages] == ["call-a", "call-b" if short == 4 else "call-a"] * 2


def test_reports_that_are_only_learned_from_take_the_long_way() -> None:
    both, a = Both(report_rtcp_events=False), Channel()
    talking(both, a)
    assert both.hear(a.hears(heard(2))) == []
    assert both.taken == 0


# --- whatever comes ---------------------------------------------------------------------------------------------------

texts = st.sampled_from([
    "0", "1", "80", "8000", "4294967295", "0000fafa", "0a0a0a0a", "0000fbfb", "0.020000", "", "x", "-1", "07", "٣",
    "9" * 20, "0xfafa", " 0000fafa", "FAFA", "fafa", "00000000fafa", "4294967295999999",
])  # fmt: skip
changes = st.dictionaries(st.sampled_from(sorted({**heard(1), **sent_rtcp(), "Capture-Time": ""})), texts, max_size=2)
steps = st.lists(
    st.tuples(
        st.sampled_from([
            "hears", "says", "hears", "says", "hears", "says", "tick", "settings",
            ANSWER, UPDATE, names.CHANNEL_UUID, DESTROY, CREATE,
        ]),
        st.sampled_from(["a", "b"]),
        st.integers(1, 4),
        st.just({}) | changes,
        st.sampled_from([
            {}, audio(), audio(remote=40_000), audio(ssrc=9), video(), sip("call-x"), sip("call-y"),
            {"Old-Unique-ID": "a"}, {"Old-Unique-ID": "b"},
        ]),
    ),
    max_size=30,
)


SETTINGS: list[dict[str, Any]] = [
    {}, {"correlation": "a-leg"}, {"rtcp_jitter_unit": "rtp", "capture_id": 7}, {"report_rtcp_events": False},
]  # fmt: skip


@settings(max_examples=150)
@given(st.sampled_from(["ms", "rtp"]), st.sampled_from(["own", "a-leg"]), steps)
def test_whatever_comes_both_ways_say_the_same(unit: str, correlation: str, steps: list[Any]) -> None:
    both = Both(rtcp_jitter_unit=unit, correlation=correlation)
    legs = {"a": Channel("a"), "b": callee("b", "a")}
    talking(both, legs["a"])
    talking(both, legs["b"], "call-b")
    for at, (kind, leg, ntp, change, variables) in enumerate(steps):
        channel = legs[leg]
        if kind == "hears":
            both.hear(channel.hears({**heard(ntp), **change}, at=at))
        elif kind == "says":
            both.hear(channel.says({**sent_rtcp(THEIRS, ntp=(ntp, 0)), **change}, at=at))
        elif kind == "tick":
            both.tick(float(at))
        elif kind == "settings":
            both.reconfigure(SETTINGS[ntp - 1])
        else:
            both.hear(channel.event(kind, variables, at=at))


def test_a_header_that_was_read_is_not_read_again() -> None:
    event = RecordedEvent({"A": "1", "B": "2"})
    again = Reread(event, {"A": "read", "C": None})
    assert [again.getHeader(name) for name in "ABCD"] == ["read", "2", None, None]
    assert again.serialize("json") == event.serialize("json")


def test_a_fault_of_ours_on_the_short_way_is_counted_as_received(monkeypatch: pytest.MonkeyPatch) -> None:
    ear, a = Ear(), Channel()
    ear.hear(a.event(ANSWER, {**sip(), **audio()}), a.hears(heard(1)))
    monkeypatch.setattr(Leg, "stamp", lambda _leg, _time: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ear.pipeline.handle(a.hears(heard(2)), 0.0)
    ear.counters.failed["ZeroDivisionError"] += 1
    assert ear.counters.ledger().balances
