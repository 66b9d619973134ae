"""Quality at hangup: what was measured, in the unit that is read, and nothing else."""

from __future__ import annotations

import random
from typing import Any, Optional

import pytest

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import Medium
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.stream import Reception
from fs_hepipe.reports.quality import measured, qos
from fs_hepipe.words.counters import Counts
from tests.unit.synthetic import ENCODERS, T0, body, json_by, leg_with, statistics


def medium(kind: str = "audio", heard: Optional[Reception] = None, said: Optional[Reception] = None) -> Medium:
    """A medium whose RTCP said so much, if anything."""
    made = Medium(kind)
    made.local_ip, made.local_port = "192.0.2.2", 20_000
    made.remote_ip, made.remote_port = "198.51.100.7", 30_000
    made.sent.ssrc, made.received.ssrc = 0x0A0A0A0A, 0xFAFA
    made.clock, made.codec, made.payload_type, made.ptime = 8000, "PCMU", 0, 20
    if heard:
        made.received.add(*heard)
    if said:
        made.sent.add(*said)
    return made


def report(
    leg: Leg, variables: dict[str, str], types: tuple[int, ...] = (34,), left_out: Optional[Counts[str]] = None
) -> list[Record]:
    """The reports, received first: see `test_the_report_that_heplify_server_keeps_is_that_of_received_audio`."""
    records = qos(measured(variables.get, leg, Counts() if left_out is None else left_out), leg, leg.call_id, T0, types)
    return sorted(records, key=lambda record: not record.received)


def received(leg: Leg, **other: str) -> dict[str, Any]:
    return body(report(leg, statistics(**other))[0])


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_what_the_switch_received_is_told_in_full(encoder: str) -> None:
    with json_by(encoder):
        (record,) = report(leg_with(medium(heard=Reception(1, 5, 1000, 16))), statistics())
    assert (record.protocol_type, record.received, record.plane, record.medium) == (34, True, Plane.RTP, "audio")
    assert (record.timestamp, record.mos) == (T0, 436)
    assert body(record) == {
        "CORRELATION_ID": "call-a", "RTP_SIP_CALL_ID": "call-a", "REPORT_TS": T0 / 1e6, "TYPE": "HANGUP", "DIR": 0,
        "MEDIUM": "audio", "SSRC": 0xFAFA, "CODEC_NAME": "PCMU", "CODEC_BAND": "narrow", "CODEC_PT": 0, "CLOCK": 8000,
        "PTIME": 20,
        "SRC_IP": "198.51.100.7", "SRC_PORT": 30_000, "DST_IP": "192.0.2.2", "DST_PORT": 20_000, "LEG": "leg-a",
        "TOTAL_PK": 795, "EXPECTED_PK": 800, "PACKET_LOSS": 5, "JITTER": 2.0, "MIN_DEVIATION": 4.0,
        "MAX_DEVIATION": 15.0, "DELTA": 20.03, "TL_BYTE": 136_740, "SWITCH_RFACTOR": 97.0, "SWITCH_MOS": 4.42,
        "RFACTOR": 90.9, "MOS": 4.36, "MOS_SOURCE": "G.107", "MOS_KIND": "LQ", "MOS_LQ": 4.36,
    }  # fmt: skip


def test_what_the_far_end_said_it_received_is_told_in_full() -> None:
    sound = medium(heard=Reception(1, 5, 1000, 16), said=Reception(1, 7, 1000, 24, 0.0401312))
    _, record = report(leg_with(sound), statistics())
    assert (record.received, record.mos, record.medium) == (False, 429, "audio")
    assert body(record) == {
        "CORRELATION_ID": "call-a", "RTP_SIP_CALL_ID": "call-a", "REPORT_TS": T0 / 1e6, "TYPE": "HANGUP", "DIR": 1,
        "MEDIUM": "audio", "SSRC": 0x0A0A0A0A, "CODEC_NAME": "PCMU", "CODEC_BAND": "narrow", "CODEC_PT": 0,
        "CLOCK": 8000, "PTIME": 20,
        "SRC_IP": "192.0.2.2", "SRC_PORT": 20_000, "DST_IP": "198.51.100.7", "DST_PORT": 30_000, "LEG": "leg-a",
        "TOTAL_PK": 787, "EXPECTED_PK": 794, "PACKET_LOSS": 7, "JITTER": 3.0, "RTT": 40.131, "TL_BYTE": 136_568,
        "RFACTOR": 88.3, "MOS": 4.29, "MOS_SOURCE": "G.107", "MOS_KIND": "CQ", "MOS_LQ": 4.34,
    }  # fmt: skip


def test_the_directions_are_two_reports_and_not_one_sum() -> None:
    """hepipe.js adds up what was received and what was sent."""
    records = report(leg_with(medium(said=Reception(1, 0, 1000, None))), statistics())
    assert [(body(record)["DIR"], body(record)["TOTAL_PK"]) for record in records] == [(0, 795), (1, 794)]


def test_the_report_that_heplify_server_keeps_is_that_of_received_audio() -> None:
    """Its gauges have no label for the direction or the medium: what comes last stays."""
    picture = medium(heard=Reception(1, 0, 9, None), said=Reception(2, 0, 9, None))
    picture.kind = "video"
    sound = medium(heard=Reception(1, 0, 9, None), said=Reception(2, 0, 9, None))
    leg = leg_with(sound, picture)
    variables = {**statistics(), **statistics("video")}
    records = qos(measured(variables.get, leg, Counts()), leg, leg.call_id, T0, (34, 35))
    assert [(record.medium, record.received) for record in records[::2]] == [
        ("video", False), ("audio", False), ("video", True), ("audio", True),
    ]  # fmt: skip


# --- the estimated MOS ----------------------------------------------------------------------------------------


def mos_sent(codec: Optional[str] = "PCMU", lost: int = 0, rtt: Optional[float] = None, kind: str = "audio") -> Any:
    sound = medium(said=Reception(1, lost, 1000, 24, rtt))
    sound.codec, sound.kind = codec, kind
    told = body(report(leg_with(sound), statistics(kind))[-1])
    assert told["DIR"] == 1
    return told.get("MOS"), told.get("MOS_SOURCE"), told.get("MOS_KIND")


def test_the_mos_of_what_we_sent_is_an_estimate_and_says_so() -> None:
    assert mos_sent() == (4.41, "G.107", "LQ")
    assert mos_sent(rtt=0.04) == (4.37, "G.107", "CQ")
    assert mos_sent(lost=40) == (3.92, "G.107", "LQ")
    assert mos_sent(lost=79) < mos_sent(lost=40)


def test_the_mos_of_what_we_received_is_an_estimate_too_and_the_switchs_own_stands_beside_it() -> None:
    sound = medium(heard=Reception(1, 40, 1000, 24))
    told = received(leg_with(sound), in_flaw_total="60")
    assert (told["MOS"], told["MOS_SOURCE"], told["MOS_KIND"], told["SWITCH_MOS"]) == (3.95, "G.107", "LQ", 4.42)
    sound.sent.add(*Reception(2, 0, 1000, 24, 0.4))  # the round trip of the path
    assert received(leg_with(sound))["MOS_KIND"] == "CQ"
    assert received(leg_with(sound))["MOS"] < received(leg_with(sound))["MOS_LQ"] == 3.95


@pytest.mark.parametrize("codec", ["opus", "G722", None])
def test_where_there_is_no_estimate_the_mos_is_the_switchs_own_and_says_so(codec: Optional[str]) -> None:
    sound = medium(heard=Reception(1, 5, 1000, 16))
    sound.codec = codec
    told = received(leg_with(sound))
    assert (told["MOS"], told["RFACTOR"], told["MOS_SOURCE"]) == (4.42, 97.0, "switch")
    assert (told["SWITCH_MOS"], told["SWITCH_RFACTOR"]) == (4.42, 97.0)
    assert not {"MOS_KIND", "MOS_LQ"} & set(told)
    assert told.get("CODEC_BAND") == {"opus": "full", "G722": "wide", None: None}[codec]


def test_a_receiver_that_conceals_nothing_has_a_lower_mos() -> None:
    leg = leg_with(medium(heard=Reception(1, 40, 1000, 24)))
    (record,) = qos(measured(statistics().get, leg, Counts(), conceals=False), leg, leg.call_id, T0, (34,))
    assert body(record)["MOS"] < 2.7 < received(leg)["MOS"]


def test_a_codec_that_the_e_model_does_not_know_has_no_mos() -> None:
    assert mos_sent("opus") == mos_sent("G722") == mos_sent(None) == (None, None, None)


def test_video_has_no_mos_of_speech() -> None:
    assert mos_sent(kind="video") == (None, None, None)


def test_one_packet_lost_at_the_start_costs_no_mos() -> None:
    """FreeSWITCH counts one in nearly every stream; of a short call it is more than one percent."""
    assert mos_sent(lost=1) == mos_sent(lost=0)
    sound = medium(heard=Reception(1, 1, 1000, 16))
    told = received(leg_with(sound), in_packet_count="40", in_flaw_total="0", in_mos="4.5", in_quality_percentage="100")
    assert (told["PACKET_LOSS"], told["MOS"], told["SWITCH_MOS"]) == (1, 4.41, 4.5)


# --- loss -------------------------------------------------------------------------------------------------------------


def test_loss_is_rtcps_count_and_not_frames_of_comfort_noise_or_flaws() -> None:
    """hepipe.js gives skip_packet_count for loss."""
    leg = leg_with(medium(heard=Reception(1, 5, 1000, None)))
    told = received(leg, in_skip_packet_count="420", in_flaw_total="170")
    assert told["PACKET_LOSS"] == 5


def test_without_rtcp_there_is_no_loss_but_the_switchs_own_rate() -> None:
    told = received(leg_with(medium()))
    assert "PACKET_LOSS" not in told
    assert "EXPECTED_PK" not in told
    assert "JITTER" not in told
    assert told["LOSS_RATE"] == 0.02


@pytest.mark.parametrize("rate", ["1.01", "116.67", "663.43", "-0.01"])
def test_a_loss_rate_that_is_no_share_is_left_out_and_counted(rate: str) -> None:
    left_out = Counts[str]()
    (record,) = report(leg_with(medium()), statistics(in_jitter_loss_rate=rate), left_out=left_out)
    assert "LOSS_RATE" not in body(record)
    assert left_out["off_scale"] == 1


@pytest.mark.parametrize("heard, said", [(0, 0), (5, 7), (-2, -3), (795, 794)])
def test_what_was_expected_is_what_came_and_what_was_lost(heard: int, said: int) -> None:
    leg = leg_with(medium(heard=Reception(1, heard, 1000, None), said=Reception(1, said, 1000, None)))
    told = [body(record) for record in report(leg, statistics())]
    assert [(each["TOTAL_PK"], each["PACKET_LOSS"]) for each in told] == [(795, heard), (794 - said, said)]
    assert all(each["EXPECTED_PK"] - each["TOTAL_PK"] == each["PACKET_LOSS"] for each in told)


def test_a_loss_that_the_packets_contradict_is_left_out_and_counted() -> None:
    leg = leg_with(medium(heard=Reception(1, -796, 1000, None), said=Reception(1, 795, 1000, None)))
    left_out = Counts[str]()
    received_report, sent_report = (body(record) for record in report(leg, statistics(), left_out=left_out))
    assert (received_report["TOTAL_PK"], sent_report["EXPECTED_PK"]) == (795, 794)
    assert not {"PACKET_LOSS"} & (set(received_report) | set(sent_report))
    assert ("EXPECTED_PK" in received_report, "TOTAL_PK" in sent_report) == (False, False)
    assert left_out["contradicted"] == 2


def test_losses_of_a_stream_that_changed_its_ssrc_are_added_up() -> None:
    sound = medium()
    sound.received.add(*Reception(1, 5, 1000, 80))
    sound.received.add(*Reception(2, 3, 1000, 8))
    told = received(leg_with(sound))
    assert (told["PACKET_LOSS"], told["EXPECTED_PK"], told["JITTER"]) == (8, 803, 1.0)


def test_duplicates_are_a_negative_loss() -> None:
    told = received(leg_with(medium(heard=Reception(1, -2, 1000, None))))
    assert (told["PACKET_LOSS"], told["EXPECTED_PK"]) == (-2, 793)


def test_nothing_is_told_of_our_stream_that_the_far_end_did_not_say() -> None:
    assert len(report(leg_with(medium(heard=Reception(1, 0, 1000, None))), statistics())) == 1


def test_a_stream_of_ours_that_was_never_sent_is_not_reported() -> None:
    leg = leg_with(medium(said=Reception(0x0A0A0A0A, 0, None, None)))
    assert len(report(leg, statistics())) == 2
    assert len(report(leg, statistics(out_packet_count="0"))) == 1


def test_a_far_end_that_never_received_us_leaves_out_what_it_did_not_measure() -> None:
    sound = medium(said=Reception(1, 0, 1000, None))
    sound.clock = None
    variables = statistics()
    del variables["variable_rtp_audio_out_raw_bytes"]
    _, record = report(leg_with(sound), variables)
    assert not {"JITTER", "RTT", "CLOCK", "TL_BYTE"} & set(body(record))


# --- MOS --------------------------------------------------------------------------------------------------------------


def test_a_stream_that_lost_8_percent_is_not_called_flawless() -> None:
    """The switch sets its flaws back to none when they outnumber the packets."""
    (record,) = report(
        leg_with(medium(heard=Reception(1, 69, 1000, None))), statistics(in_quality_percentage="100.00", in_mos="4.50")
    )
    assert not {"SWITCH_MOS", "SWITCH_RFACTOR"} & set(body(record))
    assert (body(record)["PACKET_LOSS"], body(record)["MOS"], record.mos) == (69, 3.61, 361)


@pytest.mark.parametrize("lost", [0, 1, 8])
def test_a_flawless_stream_that_lost_next_to_nothing_is_believed(lost: int) -> None:
    leg = leg_with(medium(heard=Reception(1, lost, None, None)))
    told = body(report(leg, statistics(in_quality_percentage="100.00", in_mos="4.50"))[0])
    assert (told["SWITCH_MOS"], told["SWITCH_RFACTOR"], told["MOS_SOURCE"]) == (4.5, 100.0, "G.107")


@pytest.mark.parametrize("rate, believed", [(None, True), ("0.00", True), ("0.01", True), ("0.02", False)])
def test_without_rtcp_the_switchs_own_loss_tells_whether_a_flawless_mos_is_believed(
    rate: Optional[str], believed: bool
) -> None:
    """Most switches are not told to fire RTCP events."""
    variables = statistics(in_quality_percentage="100.00", in_mos="4.50", in_jitter_loss_rate=rate or "")
    if rate is None:
        del variables["variable_rtp_audio_in_jitter_loss_rate"]
    (record,) = report(leg_with(medium()), variables)
    assert record.mos == (450 if believed else None)
    assert ("RFACTOR" in body(record)) is believed


def test_a_mos_that_shows_the_loss_is_believed() -> None:
    told = received(leg_with(medium(heard=Reception(1, 69, 1000, None))), in_mos="3.91", in_flaw_total="69")
    assert (told["SWITCH_MOS"], told["MOS"]) == (3.91, 3.61)


def test_mos_made_of_fewer_flaws_than_lost_packets_is_left_out_and_counted() -> None:
    """The flaws were set back on the way, and some more were counted since: no 100 and no 4.5."""
    variables, left_out = statistics(in_mos="4.02", in_quality_percentage="80.00", in_flaw_total="68"), Counts[str]()
    (record,) = report(leg_with(medium(heard=Reception(1, 69, 1000, None))), variables, left_out=left_out)
    assert not {"SWITCH_MOS", "SWITCH_RFACTOR"} & set(body(record))
    assert (body(record)["MOS"], left_out) == (3.61, {"contradicted": 2})


@pytest.mark.parametrize(
    "packets, rate, flaws, mos, believed",
    [
        ("549", "248.01", "103", "4.02", False),  # every second packet was missing
        ("2737", "663.43", "0", "4.50", False),
        ("4772", "116.67", "103", "4.02", False),
        ("7226", "0.46", "3795", "2.52", True),
        ("978", "0.08", "191", "4.02", True),
    ],
)
def test_without_rtcp_mos_is_believed_if_its_flaws_can_be_all_that_the_loss_rate_makes_necessary(
    packets: str, rate: str, flaws: str, mos: str, believed: bool
) -> None:
    """Real ones: the first is of a call of ours, the next three were published, the last is of lossy_media."""
    counted = {"in_packet_count": packets, "in_jitter_loss_rate": rate, "in_flaw_total": flaws, "in_mos": mos}
    (record,) = report(leg_with(medium()), statistics(**counted))
    assert ("MOS" in body(record)) is ("RFACTOR" in body(record)) is believed
    assert ("LOSS_RATE" in body(record)) is (float(rate) <= 1)


def test_flaws_of_any_run_of_gaps_are_at_least_what_is_asked_of_them() -> None:
    """switch_rtp.c:check_jitter, burstr_calculate and do_mos, played with gaps at random."""
    chance = random.Random(18)
    for _ in range(2000):
        packets = flaws = weighted = in_a_row = 0
        for _ in range(chance.randrange(1, 60)):
            packets += 1
            lost = chance.choice([0, 0, 1, 1, 2, 5, 20])
            if lost:
                in_a_row += 1
                weighted += in_a_row * lost
                flaws += lost + (in_a_row if in_a_row > 1 else 0)
            else:
                in_a_row = 0
        packets += flaws  # so that they are not set back
        counted = {"in_packet_count": packets, "in_jitter_loss_rate": weighted / packets, "in_flaw_total": flaws}
        variables = statistics(**{name: str(number) for name, number in counted.items()})
        assert "MOS" in body(report(leg_with(medium()), variables)[0]), (packets, weighted, flaws)


def test_either_of_mos_and_r_tells_that_no_flaw_was_seen() -> None:
    """However many flaws were counted before they were set back."""
    for only in ("in_mos", "in_quality_percentage"):
        variables = statistics(in_quality_percentage="100.00", in_mos="4.50", in_flaw_total="500")
        other = "in_quality_percentage" if only == "in_mos" else "in_mos"
        del variables[f"variable_rtp_audio_{other}"]
        (record,) = report(leg_with(medium(heard=Reception(1, 69, 1000, None))), variables)
        assert not {"SWITCH_MOS", "SWITCH_RFACTOR"} & set(body(record))


def test_a_loss_of_one_percent_is_none_that_mos_has_to_show() -> None:
    for lost, believed in ((8, True), (9, False)):
        variables = statistics(in_packet_count=str(800 - lost), in_quality_percentage="100.00", in_mos="4.50")
        (record,) = report(leg_with(medium(heard=Reception(1, lost, None, None))), variables)
        assert ("SWITCH_MOS" in body(record)) == believed


def test_a_leg_that_received_nothing_has_no_mos() -> None:
    """The switch starts with a MOS of 4.50."""
    nothing = statistics(in_packet_count="0", in_quality_percentage="100.00", in_mos="4.50")
    assert report(leg_with(medium()), nothing) == []
    (sent,) = report(leg_with(medium(said=Reception(1, 0, 1000, None))), nothing)
    assert (body(sent)["DIR"], body(sent)["MOS_SOURCE"]) == (1, "G.107"), "what it heard of us is another matter"


@pytest.mark.parametrize("mos", ["0.00", "0.99", "5.01", "-3.00", "99999.00"])
def test_a_number_that_is_not_on_the_scale_is_no_mos(mos: str) -> None:
    (record,) = report(leg_with(medium()), statistics(in_mos=mos))
    assert record.mos is None
    assert "MOS" not in body(record)
    assert body(record)["RFACTOR"] == 97.0


@pytest.mark.parametrize("mos, chunk", [("4.42", 442), ("4.38", 438), ("1.00", 100), ("5.00", 500), ("2.675", 268)])
def test_the_mos_chunk_is_a_hundred_times_the_mos(mos: str, chunk: int) -> None:
    """hepipe.js: 4.5 would be 4."""
    (record,) = report(leg_with(medium()), statistics(in_mos=mos))
    assert record.mos == chunk


# --- what was not measured --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header, key",
    [("in_raw_bytes", "TL_BYTE"), ("in_mean_interval", "DELTA"), ("in_jitter_min_variance", "MIN_DEVIATION"),
     ("in_jitter_max_variance", "MAX_DEVIATION"), ("in_jitter_loss_rate", "LOSS_RATE"), ("in_mos", "MOS"),
     ("in_quality_percentage", "RFACTOR")],
)  # fmt: skip
def test_a_statistic_that_is_missing_is_an_absent_key(header: str, key: str) -> None:
    variables = statistics()
    assert key in body(report(leg_with(medium()), variables)[0])
    del variables[f"variable_rtp_audio_{header}"]
    assert key not in body(report(leg_with(medium()), variables)[0])


@pytest.mark.parametrize(
    "header, key",
    [("in_mean_interval", "DELTA"), ("in_jitter_min_variance", "MIN_DEVIATION"),
     ("in_jitter_max_variance", "MAX_DEVIATION")],
)
def test_the_zero_that_a_statistic_starts_with_is_no_measurement(header: str, key: str) -> None:
    assert key not in received(leg_with(medium()), **{header: "0.00"})


def test_a_variance_below_zero_is_no_measurement() -> None:
    assert "MAX_DEVIATION" not in received(leg_with(medium()), in_jitter_max_variance="-0.01")


def test_jitter_is_a_deviation_in_milliseconds_and_no_variance() -> None:
    """hepipe.js gives the mean of two variances, in ms squared."""
    told = received(leg_with(medium()), in_jitter_min_variance="15.83", in_jitter_max_variance="207.43")
    assert (told["MIN_DEVIATION"], told["MAX_DEVIATION"]) == (3.979, 14.402)


def test_the_time_of_a_report_is_in_seconds() -> None:
    """hepipe.js: in microseconds."""
    assert received(leg_with(medium()))["REPORT_TS"] == pytest.approx(1_795_402_159.0)


def test_a_leg_without_statistics_has_no_report() -> None:
    assert report(leg_with(), {}) == []
    assert report(leg_with(medium()), {}) == []


def test_a_leg_whose_media_nobody_saw_is_reported_without_addresses() -> None:
    told = received(leg_with(call_id=None))
    assert told["TOTAL_PK"] == 795
    assert not {"SRC_IP", "SRC_PORT", "DST_IP", "DST_PORT", "SSRC", "CLOCK", "CORRELATION_ID"} & set(told)


STATISTICS = {
    "in_packet_count": "TOTAL_PK", "in_mos": "SWITCH_MOS", "in_quality_percentage": "SWITCH_RFACTOR",
    "in_mean_interval": "DELTA", "in_raw_bytes": "TL_BYTE", "in_jitter_min_variance": "MIN_DEVIATION",
    "in_jitter_max_variance": "MAX_DEVIATION", "out_packet_count": "TOTAL_PK", "out_raw_bytes": "TL_BYTE",
    "in_jitter_loss_rate": None, "in_flaw_total": None,
}  # fmt: skip


@pytest.mark.parametrize("text", ["-nan", "nan", "inf", "-inf", "many", "", "1e5", "12,5", "\udce9", "9" * 400])
@pytest.mark.parametrize("header", sorted(STATISTICS))
def test_a_statistic_that_is_not_a_number_costs_no_other_one(header: str, text: str) -> None:
    leg = leg_with(medium(heard=Reception(1, 5, 1000, 16), said=Reception(1, 7, 1000, 24, 0.04)))
    good = [body(record) for record in report(leg_with(*leg.media), statistics())]
    left_out = Counts[str]()
    bad = [body(record) for record in report(leg, statistics(**{header: text}), left_out=left_out)]
    assert left_out == {"not_a_number": 1}
    direction, missing = (0 if header.startswith("in_") else 1), {STATISTICS[header]}
    if header.endswith("packet_count"):
        missing |= {"EXPECTED_PK", "RFACTOR", "MOS", "MOS_SOURCE", "MOS_KIND", "MOS_LQ"}
        if not direction:  # there is the switch's own
            good[0].update(RFACTOR=97.0, MOS=4.42, MOS_SOURCE="switch")
            missing -= {"RFACTOR", "MOS", "MOS_SOURCE"}
    assert [each["DIR"] for each in bad] == [0, 1]
    assert {key: value for key, value in good[direction].items() if key not in missing} == bad[direction]
    assert bad[1 - direction] == good[1 - direction]


# --- media and types --------------------------------------------------------------------------------------------------


def test_audio_and_video_are_reported_each() -> None:
    leg = leg_with(medium(), medium("video", said=Reception(1, 1, 1000, None)))
    records = report(leg, {**statistics(), **statistics("video", in_packet_count="3000", in_mos="4.10")})
    assert [(record.medium, record.received, body(record)["TOTAL_PK"], record.mos) for record in records] == [
        ("video", True, 3000, 410),
        ("audio", True, 795, 442),
        ("video", False, 793, None),
    ]


def test_a_report_is_sent_once_per_type() -> None:
    leg = leg_with(medium(said=Reception(1, 0, 1000, None)))
    records = report(leg, statistics(), (34, 35, 32, 99))
    assert [record.protocol_type for record in records] == [34, 35, 32, 99] * 2
    assert len({record.payload for record in records}) == 2
    assert {record.timestamp for record in records} == {T0}
    assert [record.mos for record in records] == [442] * 4 + [441] * 4


def test_a_hostile_call_id_is_shown_in_the_report() -> None:
    for encoder in ENCODERS:
        with json_by(encoder):
            told = received(leg_with(medium(), unique_id="\udce9", call_id="caf\udce9\n" + "x" * 60_000))
        assert told["CORRELATION_ID"].startswith("caf\\xe9\\nxx")
        assert len(told["RTP_SIP_CALL_ID"]) < 600
        assert told["LEG"] == "\\xe9"
