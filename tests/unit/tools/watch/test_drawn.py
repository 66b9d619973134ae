"""What is drawn of a call: who stands where, which way a message went, and the values of the plots."""

from __future__ import annotations

import json
from typing import Any, Optional

import pytest

from fs_hepipe.hep import decode, encode
from fs_hepipe.tools.watch.look import call_as_seen
from fs_hepipe.tools.watch.store import Store
from tests.unit.messages import SPEC_MESSAGE
from tests.watching import story

CALLER, SWITCH, CALLEE = ("192.0.2.1", 5060), ("192.0.2.10", 5060), ("192.0.2.2", 5070)
A, B = "a-leg", "b-leg"
IN, OUT, BACK = (CALLER, SWITCH), (SWITCH, CALLEE), (SWITCH, CALLER)


def message(
    call_id: str, protocol_type: int, payload: str, way: tuple[tuple[str, int], tuple[str, int]], time: int = 1
) -> bytes:
    (src_ip, src_port), (dst_ip, dst_port) = way
    return encode(SPEC_MESSAGE._replace(
        timestamp=time * 1_000_000, protocol_type=protocol_type, payload=payload.encode(), correlation_id=call_id,
        src_ip=src_ip, src_port=src_port, dst_ip=dst_ip, dst_port=dst_port,
    ))  # fmt: skip


def seen(*datagrams: bytes) -> dict[str, Any]:
    store = Store(10, 100_000_000)
    for datagram in datagrams:
        assert store.add(datagram) is None
    found = store.find(store.view().rows[0]["key"])
    assert found is not None
    return call_as_seen(found)


def sip(first: str, call_id: str, *headers: str) -> str:
    return "\r\n".join([first, f"Call-ID: {call_id}", "From: <sip:1001@x>", "To: <sip:1234@x>", "CSeq: 1 INVITE",
                        *headers, "", ""])  # fmt: skip


def ways(call: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(step["title"], step["way"]) for step in call["steps"]]


def test_callers_stand_left_of_the_switch_and_the_called_right_of_it() -> None:
    call = seen(*story("failover_486_then_answer"))
    found = [(each["role"], each["title"]) for each in call["participants"]]
    assert found == [("caller", "1008"), ("switch", "switch"), ("callee", "8486"), ("callee", "9888")]
    assert call["switch"] == 1
    assert ways(call)[:3] == [("CREATE", [0, 1]), ("CREATE", [1, 2]), ("HANGUP COMPLETE", [2, 1])]


def test_sip_of_both_legs_stands_between_the_lines() -> None:
    call = seen(
        message(A, 1, sip("INVITE sip:1234@x SIP/2.0", A), (CALLER, SWITCH), 1),
        message(A, 100, "CHANNEL_CREATE direction=inbound caller=1001 callee=1234 leg=u1 call-id=a-leg", IN, 2),
        message(B, 1, sip("INVITE sip:9@x SIP/2.0", B, "X-CID: a-leg"), (SWITCH, CALLEE), 3),
        message(B, 100, "CHANNEL_CREATE direction=outbound callee=9 leg=u2 other-leg=u1 call-id=b-leg", OUT, 4),
        message(B, 1, sip("SIP/2.0 180 Ringing", B), (CALLEE, SWITCH), 5),
        message(A, 1, sip("SIP/2.0 486 Busy Here", A), (SWITCH, CALLER), 6),
        message(A, 100, 'WARNING text="nobody" leg=u1 call-id=a-leg', (SWITCH, CALLER), 7),
    )  # fmt: skip
    assert ways(call) == [
        ("INVITE", [0, 1]), ("CREATE", [0, 1]), ("INVITE", [1, 2]), ("CREATE", [1, 2]), ("180 Ringing", [2, 1]),
        ("486 Busy Here", [1, 0]), ("WARNING", None),
    ]  # fmt: skip
    assert [(step["kind"], step["tone"]) for step in call["steps"]][-2:] == [("sip", "bad"), ("line", "fair")]
    assert call["steps"][-1]["at"] == 1


def test_sip_alone_is_a_ladder_too() -> None:
    call = seen(
        message(A, 1, sip("INVITE sip:1234@x SIP/2.0", A), (CALLER, SWITCH), 1),
        message(B, 1, sip("INVITE sip:9@x SIP/2.0", B, "X-CID: a-leg"), (SWITCH, CALLEE), 2),
        message(B, 1, sip("SIP/2.0 200 OK", B), (CALLEE, SWITCH), 3),
    )
    assert ways(call) == [("INVITE", [0, 1]), ("INVITE", [1, 2]), ("200 OK", [2, 1])]
    assert call["row"]["legs"] == 2


def test_messages_are_in_the_order_of_their_times() -> None:
    late, early = message(A, 100, "B x=1", (CALLER, SWITCH), 9), message(A, 100, "A x=1", (CALLER, SWITCH), 3)
    assert [step["title"] for step in seen(late, early)["steps"]] == ["A", "B"]


def test_whose_report_it_is_nobody_guesses() -> None:
    report = json.dumps({"type": 200, "ssrc": 5, "report_blocks": [{"source_ssrc": 6, "fraction_lost": 64}]})
    call = seen(message(A, 5, report, (("192.0.2.7", 4001), ("192.0.2.8", 4003))))
    assert call["steps"][0]["way"] is None
    assert [(each["direction"], each["way"]) for each in call["streams"]] == [
        ("unknown", "192.0.2.8:4003 → 192.0.2.7:4001")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["lossy_media", "bridged_answered", "srtp", "ipv6_echo", "dtmf_hold_transfer"])
def test_every_value_of_the_plots_is_one_of_a_report(name: str) -> None:
    """Values are compared with what the JSON of the messages says, read here once more and by itself."""
    datagrams = story(name)
    call = seen(*datagrams)
    expected: dict[tuple[str, int], set[tuple[float, str]]] = {}
    ours = {}
    for found in map(decode, datagrams):
        if found.protocol_type == 34:
            report = json.loads(found.payload)
            ours[report["SSRC"]] = report["DIR"] == 1
            stream = "sent" if report["DIR"] else "received"
            for metric, key in (("jitter", "JITTER"), ("rtt", "RTT"), ("mos", "MOS")):
                if key in report:
                    expected.setdefault((metric, found.timestamp), set()).add((report[key], stream))
            if report.get("EXPECTED_PK"):
                share = round(100 * report["PACKET_LOSS"] / report["EXPECTED_PK"], 3)
                expected.setdefault(("loss", found.timestamp), set()).add((share, stream))
    for found in map(decode, datagrams):
        if found.protocol_type == 5:
            report = json.loads(found.payload)
            (block,) = report["report_blocks"]
            stream = "sent" if ours[block["source_ssrc"]] else "received"
            expected.setdefault(("loss", found.timestamp), set()).add((round(block["fraction_lost"] / 2.56, 3), stream))
            expected.setdefault(("jitter", found.timestamp), set()).add((block["ia_jitter"], stream))
            if "rtt_avg_ms" in report:
                expected.setdefault(("rtt", found.timestamp), set()).add((report["rtt_avg_ms"], stream))
    drawn: dict[tuple[str, int], set[tuple[float, str]]] = {}
    for stream in call["streams"]:
        for metric in ("loss", "jitter", "rtt", "mos"):
            for time, value, _ in stream[metric]:
                drawn.setdefault((metric, time), set()).add((value, stream["direction"]))
    assert expected
    assert drawn == expected


def test_the_worst_moment_is_the_worst_interval() -> None:
    call = seen(*story("lossy_media"))
    worst, least = call["worst"]
    assert (worst["metric"], worst["value"]) == ("loss", round(30 / 2.56, 3))
    assert (least["metric"], least["value"]) == ("mos", 3.49)
    step = next(each for each in call["steps"] if each["n"] == worst["n"])
    assert "lost 11.7%" in step["text"]
    assert seen(*story("bridged_answered"))["worst"] == []


def quality(kind: str, sent: int, **more: float) -> str:
    return json.dumps({"TYPE": kind, "DIR": sent, "MEDIUM": "audio", "LEG": "u1", "SSRC": 10 + sent, **more})


def test_periodic_reports_are_intervals_and_can_be_the_worst() -> None:
    way = CALLER, SWITCH
    call = seen(
        message(A, 34, quality("PERIODIC", 0, MOS=4.4, EXPECTED_PK=250, PACKET_LOSS=0, JITTER=3.5), way, 5),
        message(A, 34, quality("PERIODIC", 0, MOS=2.1, EXPECTED_PK=250, PACKET_LOSS=50, JITTER=70.0, RTT=400), way, 10),
        message(A, 34, quality("HANGUP", 0, MOS=3.9, EXPECTED_PK=500, PACKET_LOSS=50), way, 12),
    )
    interval, whole = sorted(call["streams"], key=lambda each: str(each["source"]))
    assert [point[:2] for point in interval["mos"]] == [[5_000_000, 4.4], [10_000_000, 2.1]]
    assert [point[1] for point in interval["loss"]] == [0, 20]
    assert [point[:2] for point in whole["mos"]] == [[12_000_000, 3.9]]
    assert whole["total"]["mos"] == 3.9
    worst = {each["metric"]: each["value"] for each in call["worst"]}
    assert worst == {"loss": 20, "jitter": 70, "rtt": 400, "mos": 2.1}


@pytest.mark.parametrize(("clock", "drawn"), [(8000, [20.0]), (48000, [3.333]), (None, [])])
def test_a_jitter_in_timestamp_units_needs_the_clock(clock: Optional[int], drawn: list[float]) -> None:
    report = json.dumps({"type": 201, "ssrc": 10, "leg": "u1", "medium": "audio",
                         "report_blocks": [{"source_ssrc": 11, "ia_jitter": 160, "fraction_lost": 0}]})  # fmt: skip
    more = {} if clock is None else {"CLOCK": clock}
    call = seen(message(A, 5, report, IN, 5), message(A, 34, quality("HANGUP", 1, **more), BACK, 9))
    (rtcp,) = [each for each in call["streams"] if each["source"] == "RTCP"]
    assert rtcp["direction"] == "sent"
    assert [point[1] for point in rtcp["jitter"]] == drawn


@pytest.mark.parametrize("fields", [
    {"MOS": 9.9}, {"MOS": float("nan")}, {"MOS": "4.2"}, {"JITTER": -1}, {"EXPECTED_PK": 10, "PACKET_LOSS": 11},
    {"EXPECTED_PK": 0, "PACKET_LOSS": 0}, {"RTT": 10**400}, {"RTT": True},
    {"DIR": []}, {"DIR": {}, "SSRC": [], "MEDIUM": [], "TYPE": {}}, {"DIR": True},
])  # fmt: skip
def test_what_no_report_can_have_is_not_drawn(fields: dict[str, Any]) -> None:
    call = seen(message(A, 34, quality("HANGUP", 0, **fields), (CALLER, SWITCH)))
    assert [stream[metric] for stream in call["streams"] for metric in ("loss", "jitter", "rtt", "mos")] == [[]] * 4
