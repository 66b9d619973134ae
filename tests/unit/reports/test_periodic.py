"""Quality while a stream flows: what an interval says, when it ends, and how intervals add up."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Optional

import pytest

from fs_hepipe.hep import Message
from fs_hepipe.tools.recorded import Fault, events
from fs_hepipe.words import names
from tests.unit.reports.test_packets_lost import RECORDINGS
from tests.unit.synthetic import (
    ANSWER,
    HANGUP,
    OURS,
    T0,
    Channel,
    Ear,
    audio,
    block,
    body,
    flow,
    received_rtcp,
    sent_rtcp,
    sip,
    statistics,
    video,
)

LOST, SEQ = "Lost", "Highest_Sequence_Number_Received"


class Call:
    """A leg whose far end reports on what we send, or of which we report on what it sends."""

    def __init__(self, variables: Optional[dict[str, str]] = None, **settings: Any) -> None:
        self.ear = Ear(**settings)
        self.a = Channel()
        self.ear.hear(self.a.event(ANSWER, variables or {**sip(), **audio()}))
        self.turn = 0

    def hears(
        self, at: float, lost: int, seq: int, jitter: int = 80, rtt: Optional[float] = None, ssrc: int = OURS
    ) -> list[Message]:
        """The far end says that it received so much of our stream; the periodic reports that this gave."""
        self.turn += 1
        about = block(ssrc, **{LOST: lost & 0xFFFFFFFF, SEQ: seq, "Jitter": jitter, "DLSR": 0})
        rtcp = received_rtcp(ntp=(1, self.turn), blocks=[about], rtts=[] if rtt is None else [rtt])
        return self._periodic(self.a.hears(rtcp, at=at))

    def says(self, at: float, lost: int, seq: int, jitter: int = 80) -> list[Message]:
        """We say that we received so much of its stream."""
        numbers: dict[str, Any] = {LOST: lost, SEQ: seq, "Jitter": jitter}
        return self._periodic(self.a.says(sent_rtcp(**numbers), at=at))

    def ends(self, **counted: str) -> dict[int, dict[str, Any]]:
        """The reports at hangup, by direction."""
        found = self.ear.hear(self.a.event(HANGUP, {**sip(), **audio(), **statistics(**counted)}, at=100))
        return {body(each)["DIR"]: body(each) for each in found if each.protocol_type == 34}

    def _periodic(self, heard: Any) -> list[Message]:
        return [message for message in self.ear.hear(heard, now=0.0) if message.protocol_type == 34]


def test_an_interval_is_told_in_full() -> None:
    call = Call()
    assert call.hears(5, 1, 1_000, 40, 0.04) == call.hears(10, 6, 1_250, 80, 0.05) == []
    (message,) = call.hears(15, 11, 1_500, 120, 0.07)
    assert (message.mos, message.timestamp) == (414, T0 + 15_001_235)
    assert (message.src_ip, message.src_port, message.dst_ip, message.dst_port) == (
        "192.0.2.2", 20_000, "198.51.100.7", 30_000,
    )  # fmt: skip
    assert body(message) == {
        "CORRELATION_ID": "call-a", "RTP_SIP_CALL_ID": "call-a", "REPORT_TS": (T0 + 15_001_235) / 1e6,
        "TYPE": "PERIODIC", "DIR": 1, "MEDIUM": "audio", "SSRC": OURS, "CODEC_NAME": "PCMU", "CODEC_BAND": "narrow",
        "CODEC_PT": 0, "CLOCK": 8000, "PTIME": 20, "SRC_IP": "192.0.2.2", "SRC_PORT": 20_000,
        "DST_IP": "198.51.100.7", "DST_PORT": 30_000, "LEG": "leg-a",
        "INTERVAL": 10.0, "TOTAL_PK": 490, "EXPECTED_PK": 500, "PACKET_LOSS": 10, "JITTER": 12.5, "MAX_JITTER": 15.0,
        "DELTA": 20.408, "RTT": 60.0, "RFACTOR": 83.3, "MOS": 4.14, "MOS_SOURCE": "G.107", "MOS_KIND": "CQ",
        "MOS_LQ": 4.22,
        "CUMULATIVE_TOTAL_PK": 490, "CUMULATIVE_EXPECTED_PK": 500, "CUMULATIVE_PACKET_LOSS": 10,
    }  # fmt: skip
    assert call.hears(20, 11, 1_750, 40) == []
    (message,) = call.hears(25, 36, 2_000, 40)
    told = body(message)
    assert (told["TOTAL_PK"], told["EXPECTED_PK"], told["PACKET_LOSS"], told["INTERVAL"]) == (475, 500, 25, 10.0)
    assert (told["CUMULATIVE_TOTAL_PK"], told["CUMULATIVE_EXPECTED_PK"]) == (965, 1000)
    assert told["CUMULATIVE_PACKET_LOSS"] == 35
    assert (told["MOS_KIND"], told["MOS"], message.mos) == ("LQ", told["MOS_LQ"], round(100 * told["MOS"]))
    assert "RTT" not in told


def test_what_we_received_has_the_round_trip_of_the_path() -> None:
    call = Call()
    call.says(5, 0, 1_000)
    call.hears(6, 0, 500, rtt=0.2)
    call.says(10, 0, 1_250)
    (message,) = call.says(15, 0, 1_500)
    told = body(message)
    assert (told["DIR"], told["SSRC"], told["RTT"], told["MOS_KIND"]) == (0, 0xFAFA, 200.0, "CQ")
    assert flow(message) == ("198.51.100.7", 30_000, "192.0.2.2", 20_000)


@pytest.mark.parametrize("every, ends", [(5, [15, 20]), (10, [20]), (11, []), (0, [])])
def test_an_interval_ends_with_the_first_report_after_so_long(every: int, ends: list[int]) -> None:
    call = Call(qos_interval=every)
    assert [at for at in (10, 15, 20) if call.hears(at, 0, at * 50)] == ends


def test_rtcp_that_is_not_reported_is_measured_all_the_same() -> None:
    call = Call(report_rtcp_events=False)
    call.hears(5, 0, 1_000)
    assert len(call.hears(15, 0, 1_500)) == 1
    assert {message.protocol_type for message in call.ear.hear(call.a.hears(received_rtcp(), at=16))} == set()


def test_where_quality_is_not_reported_nothing_is_periodic() -> None:
    call = Call(report_qos_events=False)
    call.hears(5, 0, 1_000)
    assert call.hears(15, 0, 1_500) == []


def test_each_type_has_its_message() -> None:
    call = Call(qos_type=(34, 35))
    call.hears(5, 0, 1_000)
    found = call.ear.hear(call.a.hears(received_rtcp(ntp=(9, 9), blocks=[block(OURS, **{SEQ: 1_500})]), at=15))
    assert [message.protocol_type for message in found] == [5, 34, 35]


def test_a_stream_that_stands_still_has_a_report_without_quality_and_lowers_none() -> None:
    call = Call()
    call.hears(5, 0, 1_000)
    call.hears(15, 0, 1_500)
    (message,) = call.hears(25, 0, 1_500)
    told = body(message)
    assert (told["TOTAL_PK"], told["EXPECTED_PK"], message.mos) == (0, 0, None)
    assert not {"MOS", "DELTA"} & set(told)
    assert call.ends()[1]["INTERVALS"] == 1


def test_duplicates_are_a_negative_loss_and_no_better_quality() -> None:
    call = Call()
    call.hears(5, 0, 1_000, 0)
    (message,) = call.hears(15, -3, 1_500, 0)
    assert (body(message)["PACKET_LOSS"], body(message)["TOTAL_PK"], body(message)["MOS"]) == (-3, 503, 4.41)


def test_more_lost_than_expected_is_left_out_and_counted() -> None:
    call = Call()
    call.hears(5, 0, 1_000)
    call.hears(10, 300, 1_250)
    assert call.hears(15, 302, 1_500) == []
    (message,) = call.hears(20, 302, 1_750)
    assert (body(message)["EXPECTED_PK"], body(message)["PACKET_LOSS"]) == (500, 2)
    assert call.ear.counters.left_out == {"contradicted": 1}


def test_of_video_and_of_wideband_there_is_no_mos() -> None:
    for variables in ({**sip(), **audio(variable_rtp_use_codec_name="opus")}, {**sip(), **audio(), **video()}):
        call = Call(variables)
        ssrc = OURS if "variable_rtp_use_video_ssrc" not in variables else 0x0B0B0B0B
        call.hears(5, 0, 1_000, ssrc=ssrc)
        (message,) = call.hears(15, 5, 1_500, ssrc=ssrc)
        assert (message.mos, body(message).get("MOS")) == (None, None)
        assert (body(message)["EXPECTED_PK"], body(message)["PACKET_LOSS"]) == (500, 5)
        assert call.ends()[1]["WORST_PACKET_LOSS"] == 5 if ssrc == OURS else True
        assert "MEAN_MOS" not in call.ends().get(1, {})


def test_an_older_report_that_comes_last_ends_no_interval() -> None:
    call = Call()
    call.hears(5, 5, 1_000)
    assert call.hears(16, 4, 900) == []


def test_a_report_whose_medium_is_not_known_ends_none() -> None:
    call = Call({**sip(), **audio(), **video()})
    for at in (5, 15):
        rtcp = received_rtcp(0xABCD, (1, at), [block(0xDEAD, **{SEQ: at * 50})], rate=None)
        assert [message.protocol_type for message in call.ear.hear(call.a.hears(rtcp, at=at))] == [5]


def test_rtcp_of_a_leg_without_media_ends_none() -> None:
    call = Call(sip())
    for at in (5, 15):
        assert call.hears(at, 0, at * 50) == []


# --- the sum, at hangup -----------------------------------------------------------------------------------------------


def test_the_report_at_hangup_has_the_mean_the_least_and_the_worst() -> None:
    call = Call()
    call.hears(5, 0, 1_000, 80, 0.05)
    (good,) = call.hears(15, 0, 1_500, 80, 0.05)
    (bad,) = call.hears(25, 50, 2_000, 160, 0.15)
    call.hears(30, 50, 2_250, 80, 0.05)  # an interval that has not ended
    told = call.ends()[1]
    assert (told["INTERVALS"], told["MIN_MOS"], told["MEAN_MOS_KIND"]) == (3, body(bad)["MOS"], "CQ")
    expected = (500 * body(good)["MOS"] + 500 * body(bad)["MOS"] + 250 * body(good)["MOS"]) / 1250
    assert told["MEAN_MOS"] == pytest.approx(expected, abs=0.011)
    assert (told["MEAN_JITTER"], told["MAX_JITTER"], told["MEAN_RTT"]) == (14.0, 20.0, 90.0)
    assert (told["WORST_BEGIN"], told["WORST_END"]) == ((T0 + 15_001_234) / 1e6, (T0 + 25_001_234) / 1e6)
    assert (told["WORST_EXPECTED_PK"], told["WORST_PACKET_LOSS"]) == (500, 50)


def test_one_interval_without_a_round_trip_makes_all_of_it_listening() -> None:
    """An estimate with the delay must not be averaged with one without."""
    call = Call()
    call.hears(5, 0, 1_000, 0)
    call.hears(15, 0, 1_500, 0, 0.8)
    (deaf,) = call.hears(25, 25, 2_000, 0)
    told = call.ends()[1]
    assert body(deaf)["MOS_KIND"] == "LQ"
    assert (told["MEAN_MOS_KIND"], told["MIN_MOS"]) == ("LQ", body(deaf)["MOS"])
    assert told["MEAN_MOS"] == pytest.approx((4.41 + body(deaf)["MOS"]) / 2, abs=0.011)
    assert told["MOS_KIND"] == "LQ", "nor is that of the whole"


def test_a_moment_of_jitter_at_the_end_is_not_taken_for_the_whole() -> None:
    call = Call()
    for at in range(5, 100, 5):
        call.hears(at, 0, at * 50, 0)
    call.hears(100, 0, 5_000, 8_000)
    told = call.ends()[1]
    assert (told["JITTER"], told["MAX_JITTER"]) == (1000.0, 1000.0)
    assert told["MEAN_JITTER"] < 60
    assert told["MOS"] > 3.5 > told["MIN_MOS"]


def test_without_a_clock_there_is_no_jitter() -> None:
    variables = {**sip(), **audio()}
    del variables["variable_rtp_use_codec_rate"]
    call = Call(variables)
    call.hears(5, 0, 1_000)
    (message,) = call.hears(15, 0, 1_500)
    assert not {"JITTER", "MAX_JITTER"} & set(body(message))
    assert body(message)["MOS"] == 4.41
    assert not {"MEAN_JITTER", "MAX_JITTER"} & set(call.ends()[1])


def test_without_periodic_reports_nothing_is_summed_up() -> None:
    call = Call(qos_interval=0)
    call.hears(5, 0, 1_000)
    call.hears(15, 0, 1_500)
    assert not {"INTERVALS", "MEAN_MOS", "MEAN_JITTER", "WORST_BEGIN"} & set(call.ends()[1])


def test_a_stream_of_one_report_has_no_interval() -> None:
    call = Call()
    call.hears(5, 0, 1_000)
    assert "INTERVALS" not in call.ends()[1]


# --- recorded calls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [5, 10])
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_intervals_add_up_to_what_is_cumulative(recording: Any, every: int) -> None:
    """Each report's counts are the sum of its stream's until then, and those are what RTCP's own counts say."""
    ear = Ear(qos_interval=every)
    sums: defaultdict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    highest: dict[tuple[str, str, int], list[tuple[int, int, int]]] = defaultdict(list)
    for event in events(str(recording)):
        assert not isinstance(event, Fault)
        for message in ear.hear(event):
            told = body(message) if message.protocol_type in {5, 34} else {}
            if message.protocol_type == 5 and "medium" in told:
                is_ours = event.getHeader(names.EVENT_NAME) == names.SEND_RTCP_MESSAGE
                for each in told["report_blocks"]:
                    key = told["leg"], told["medium"], int(not is_ours)
                    numbers = each["source_ssrc"], each["highest_seq_no"], each["cumulative_lost"]
                    highest[key].append(numbers)
            if told.get("TYPE") != "PERIODIC":
                continue
            key = told["LEG"], told["MEDIUM"], told["DIR"]
            total = sums[key]
            for place, name in enumerate(("TOTAL_PK", "EXPECTED_PK", "PACKET_LOSS")):
                total[place] += told[name]
                assert told["CUMULATIVE_" + name] == total[place]
            assert told["EXPECTED_PK"] - told["TOTAL_PK"] == told["PACKET_LOSS"]
            assert 1.0 <= told.get("MOS", 1.0) <= 4.5
            assert told["INTERVAL"] >= every
            seen = [each for each in highest[key] if each[0]]
            if len({ssrc for ssrc, _, _ in seen}) == 1 and seen == sorted(seen):  # counts did not begin anew
                assert total[1] == seen[-1][1] - seen[0][1]
                assert total[2] == seen[-1][2] - seen[0][2]
    assert ear.counters.failed == {}
