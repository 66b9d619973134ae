"""Where no RTCP comes, the switch is asked: whom, how often, and what is made of its answer."""

from __future__ import annotations

from typing import Any, Optional, Union

import pytest

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.polls import Counted, Polls
from fs_hepipe.hep import Message, decode
from fs_hepipe.reports.pipeline import Pipeline
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.event import Event
from fs_hepipe.words.settings import Settings
from tests.unit.synthetic import (
    ANSWER,
    DESTROY,
    HANGUP,
    Channel,
    audio,
    body,
    flow,
    sent_rtcp,
    sip,
    statistics,
)


class Polled:
    """A leg without RTCP, and a switch that answers what it has counted of it."""

    def __init__(self, **settings: Any) -> None:
        self.counters = Counters()
        self.asked: list[str] = []
        self.counted: Union[dict[str, str], Exception, None] = {}
        self.at = 0.0
        self.a = Channel()
        asked = {"qos_poll": 20, **settings}
        self.pipeline = Pipeline(Settings(**asked), self.counters, measure=self._measure)
        self.hear(self.a.event(ANSWER, {**sip(), **audio()}))

    def hear(self, event: Event, now: float = 0.0) -> list[Message]:
        return self._settled(self.pipeline.handle(event, now))

    def wait(self, now: float, **counted: str) -> list[Message]:
        """Time goes on, and the switch has counted so much by then."""
        if self.counted is not None and not isinstance(self.counted, Exception):
            self.counted = statistics(**counted)
        self.at = now
        return self._settled(self.pipeline.tick(now))

    def _measure(self, unique_id: str) -> Optional[Event]:
        self.asked.append(unique_id)
        if isinstance(self.counted, Exception):
            raise self.counted
        if self.counted is None:
            return None
        return self.a.event(names.CHANNEL_DATA, {**sip(), **audio(), **self.counted}, at=self.at)

    def _settled(self, datagrams: list[bytes]) -> list[Message]:
        assert self.counters.ledger().balances, self.counters.ledger()
        return [decode(datagram) for datagram in datagrams]


def test_the_second_answer_tells_of_the_time_since_the_first() -> None:
    play = Polled()
    assert play.wait(9.9) == []
    assert play.asked == []
    assert play.wait(10.0, in_packet_count="500", in_flaw_total="10", in_mos="4.44") == []
    assert play.wait(19.9) == []
    (message,) = play.wait(20.0, in_packet_count="990", in_flaw_total="20", in_mos="4.42", in_quality_percentage="97.0")
    assert (message.protocol_type, message.mos, flow(message)) == (
        34, 447, ("198.51.100.7", 30_000, "192.0.2.2", 20_000),
    )  # fmt: skip
    told = body(message)
    assert {key: told[key] for key in told if key not in {"CORRELATION_ID", "RTP_SIP_CALL_ID", "LEG", "REPORT_TS"}} == {
        "TYPE": "PERIODIC", "DIR": 0, "MEDIUM": "audio", "CODEC_NAME": "PCMU", "CODEC_BAND": "narrow", "CODEC_PT": 0,
        "CLOCK": 8000, "PTIME": 20, "SRC_IP": "198.51.100.7", "SRC_PORT": 30_000, "DST_IP": "192.0.2.2",
        "DST_PORT": 20_000, "INTERVAL": 10.0, "TOTAL_PK": 490, "CUMULATIVE_TOTAL_PK": 990, "DELTA": 20.408,
        "RFACTOR": 97, "MOS": 4.47, "MOS_SOURCE": "switch", "SWITCH_RFACTOR": 97.0, "SWITCH_MOS": 4.42,
    }  # fmt: skip
    assert (play.counters.received[names.CHANNEL_DATA], play.counters.mapped[names.CHANNEL_DATA]) == (2, 1)


@pytest.mark.parametrize("flaws", ["9", "600", "many"])
def test_flaws_that_were_set_back_or_are_more_than_packets_make_no_mos(flaws: str) -> None:
    play = Polled()
    play.wait(10.0, in_packet_count="500", in_flaw_total="10")
    (message,) = play.wait(20.0, in_packet_count="1000", in_flaw_total=flaws)
    assert (message.mos, body(message)["TOTAL_PK"]) == (None, 500)
    assert not {"MOS", "RFACTOR", "MOS_SOURCE"} & set(body(message))


def test_silence_is_a_report_of_no_packets() -> None:
    play = Polled()
    play.wait(10.0, in_packet_count="500")
    (message,) = play.wait(20.0, in_packet_count="500", in_mos="nan", in_quality_percentage="101")
    assert body(message)["TOTAL_PK"] == 0
    assert not {"DELTA", "MOS", "SWITCH_MOS", "SWITCH_RFACTOR"} & set(body(message))
    assert play.counters.left_out == {"not_a_number": 1, "off_scale": 1}


def test_counts_that_began_anew_or_are_none_tell_nothing_until_the_next() -> None:
    play = Polled()
    play.wait(10.0, in_packet_count="500")
    assert play.wait(20.0, in_packet_count="30") == []
    assert play.wait(30.0, in_packet_count="many") == []
    assert play.wait(40.0, in_packet_count="530") == []
    (message,) = play.wait(50.0, in_packet_count="1030")
    assert body(message)["TOTAL_PK"] == 500


def test_who_has_rtcp_is_not_asked() -> None:
    play = Polled()
    play.hear(play.a.says(sent_rtcp(), at=5))
    play.wait(10.0)
    assert play.asked == []


@pytest.mark.parametrize("settings", [{"qos_poll": 0}, {"qos_interval": 0}, {"report_qos_events": False}])
def test_nobody_is_asked_unless_it_is_wanted(settings: dict[str, Any]) -> None:
    play = Polled(**settings)
    play.wait(100.0)
    assert play.asked == []


def test_a_leg_that_has_ended_is_asked_about_no_more() -> None:
    play = Polled()
    play.hear(play.a.event(HANGUP, {**sip(), **audio()}), 5.0)
    play.hear(play.a.event(DESTROY, {**sip(), **audio()}), 5.0)
    play.wait(10.0)
    assert play.asked == []


def test_no_answer_ends_it_until_the_leg_is_heard_of_again() -> None:
    play = Polled()
    play.counted = None
    play.wait(10.0)
    play.wait(30.0)
    assert play.asked == ["leg-a"]
    play.hear(play.a.event(ANSWER, {**sip(), **audio()}), 40.0)
    play.wait(50.0)
    assert play.asked == ["leg-a"] * 2


def test_a_question_that_fails_costs_nothing_else() -> None:
    play = Polled()
    play.counted = ValueError("no")
    assert play.wait(10.0) == []
    assert [type(fault) for fault in play.pipeline.take_faults()] == [ValueError]


def test_other_settings_end_the_questions() -> None:
    play = Polled()
    play.pipeline.reconfigure(Settings())
    play.pipeline.reconfigure(Settings(qos_poll=1))
    play.wait(10.0)
    assert play.asked == []


def test_no_more_than_so_many_are_asked_in_a_second_first_come_first_served() -> None:
    polls, legs = Polls(), [Leg(f"leg-{number}") for number in range(50)]
    for leg in legs:
        polls.add(leg, 1.0)
        polls.add(leg, 99.0, Counted(0, 0, 0))
    asked: list[Leg] = []
    for tick in range(20):
        found = [leg for leg, _ in polls.take(1.0 + tick / 2, 10)]
        assert len(found) <= (10 if tick == 0 else 5)
        asked += found
    assert asked == legs
    assert len(polls) == 0
