"""
rtpengine, another producer of RTCP as JSON: we read its datagrams, and say of the same report what it says.

Its datagrams were recorded once, see tests/data/rtpengine/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fs_hepipe.hep import IpFamily, IpProtocol, Message, ProtocolType, decode
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.settings import Settings

from .judge import Judge, send
from .judges import objections
from .stage import Stage, recorded

Report = dict[str, Any]

DATA = Path(__file__).parents[1] / "data" / "rtpengine"
REPORTS: dict[str, Report] = json.loads((DATA / "reports.json").read_text())

OURS_ALONE = {"medium", "leg"}
"""What we add: whose stream it was."""
THEIRS_ALONE = {"sdes_report_count", "sdes_information"}
"""The source description, of which the switch tells nothing."""

SENDER = ("rtp_timestamp", "packets", "octets")
# fmt: off
BLOCK = {  # its key: ours in reports.json
    "source_ssrc":    "source",
    "fraction_lost":  "fraction",
    "packets_lost":   "lost",
    "highest_seq_no": "highest",
    "ia_jitter":      "jitter",
    "lsr":            "lsr",
    "dlsr":           "dlsr",
}
# fmt: on

each_report = pytest.mark.parametrize("name", REPORTS)


def datagram(name: str) -> bytes:
    return bytes.fromhex((DATA / f"{name}.hex").read_text())


def event(report: Report, sender_report: Report) -> dict[str, str]:
    """
    The headers of RECV_RTCP_MESSAGE for a report, as FreeSWITCH writes them.

    Of a receiver report it repeats what the last sender report said of the sender.
    """
    seconds, fraction = sender_report["ntp"]
    headers = {
        "Event-Name": "RECV_RTCP_MESSAGE",
        "SSRC": f"{sender_report['sender']:08x}",
        "NTP-Most-Significant-Word": str(seconds),
        "NTP-Least-Significant-Word": str(fraction),
        "RTP-Timestamp": str(sender_report["rtp_timestamp"]),
        "Sender-Packet-Count": str(sender_report["packets"]),
        "Octect-Packet-Count": str(sender_report["octets"]),  # sic
        "RTP-Rate": "8000",
    }
    for number, block in enumerate(report["blocks"]):
        about = {
            "SSRC": f"{block['source']:08x}",
            "Fraction": block["fraction"],
            "Lost": block["lost"] & 0xFFFFFFFF,
            "Highest-Sequence-Number-Received": block["highest"],
            "Jitter": block["jitter"],
            "LSR": block["lsr"],
            "DLSR": block["dlsr"],
        }
        headers.update((f"Source{number}-{name}", str(value)) for name, value in about.items())
        headers[f"Rtt{number}-Avg"] = "0.000000"  # not measured yet
    return headers


def told_by_us(name: str) -> Report:
    """The JSON that the agent sends when the switch receives this report in a call, after a sender report."""
    call = recorded("bridged_answered")
    media = next(number for number, each in enumerate(call) if "RTCP" in each.headers["Event-Name"])
    call, first = call[:media], call[media]
    about = {header: first.headers[header] for header in ("Unique-ID", "Event-Date-Timestamp", "FreeSWITCH-Switchname")}
    report, sender_report = REPORTS[name], REPORTS["sender_report"]
    events = [event(sender_report, sender_report)]
    if name != "sender_report":
        events.append(event(report, report if "ntp" in report else sender_report))
    stage = Stage((), Settings(rtcp_jitter_unit="rtp", rtcp_packets_lost="cumulative"))
    stage.play([*call, *(RecordedEvent({**about, **headers}) for headers in events)])
    assert stage.faults() == []
    reports = [message for message in stage.messages if message.protocol_type == ProtocolType.RTCP_JSON]
    assert len(reports) == len(events)
    told = dict(json.loads(reports[-1].payload))
    for block in told["report_blocks"]:
        assert block.pop("cumulative_lost") == block["packets_lost"]
    return told


def told_by_rtpengine(name: str) -> Report:
    return dict(json.loads(decode(datagram(name)).payload))


def signed(report: Report) -> Report:
    """rtpengine prints the 24 bits of packets_lost unsigned; RFC 3550 §6.4.1 has them signed, and so have we."""
    blocks = [{**block, "packets_lost": signed24(block["packets_lost"])} for block in report["report_blocks"]]
    return {**report, "report_blocks": blocks}


def signed24(number: int) -> int:
    return int.from_bytes(number.to_bytes(3, "big"), "big", signed=True)


@each_report
def test_our_decoder_reads_what_rtpengine_sent(name: str) -> None:
    message = decode(datagram(name))
    is_ipv6 = name.startswith("ipv6")
    host = "::1" if is_ipv6 else "127.0.0.1"
    assert (message.ip_family, message.ip_protocol) == (IpFamily.IPV6 if is_ipv6 else IpFamily.IPV4, IpProtocol.UDP)
    assert (message.src_ip, message.src_port, message.dst_ip) == (host, 12_001, host)
    assert 11_000 < message.dst_port < 12_000
    assert (message.protocol_type, message.capture_id) == (ProtocolType.RTCP_JSON, 2001)
    assert message.correlation_id == f"{name}@fs.example.invalid"
    assert (message.auth_key, message.node_name, message.mos, message.other) == (None, None, None, ())


@pytest.mark.collectors
def test_each_judge_reads_of_rtpengine_what_our_decoder_reads(judge: Judge) -> None:
    datagrams = list(map(datagram, REPORTS))
    send(judge.address, *datagrams)
    messages: list[Message] = list(map(decode, datagrams))
    assert objections(messages, judge) == []


@each_report
def test_our_report_has_rtpengines_keys(name: str) -> None:
    ours, theirs = told_by_us(name), told_by_rtpengine(name)
    assert (ours.keys() - theirs.keys(), theirs.keys() - ours.keys()) == (OURS_ALONE, THEIRS_ALONE)
    assert ("sender_information" in ours) == ("ntp" in REPORTS[name])
    assert ours.get("sender_information", {}).keys() == theirs.get("sender_information", {}).keys()
    assert [block.keys() for block in ours["report_blocks"]] == [block.keys() for block in theirs["report_blocks"]]


@each_report
def test_our_report_says_what_rtpengine_says_field_by_field(name: str) -> None:
    ours, theirs = told_by_us(name), signed(told_by_rtpengine(name))
    shared = ours.keys() & theirs.keys()
    assert {key: ours[key] for key in shared} == {key: theirs[key] for key in shared}


@each_report
def test_our_numbers_are_of_rtpengines_kind(name: str) -> None:
    ours, theirs = told_by_us(name), told_by_rtpengine(name)
    shared = ours.keys() & theirs.keys()
    assert {key: kinds(ours[key]) for key in shared} == {key: kinds(theirs[key]) for key in shared}


@each_report
def test_rtpengine_said_what_it_was_told(name: str) -> None:
    """The numbers that were fed in, so that an error of the recording is not taken for a rule."""
    report, theirs = REPORTS[name], signed(told_by_rtpengine(name))
    assert (theirs["ssrc"], theirs["report_count"]) == (report["sender"], len(report["blocks"]))
    assert [tuple(block[key] for key in BLOCK) for block in theirs["report_blocks"]] == [
        tuple(block[number] for number in BLOCK.values()) for block in report["blocks"]
    ]
    if "ntp" in report:
        about = theirs["sender_information"]
        assert [about["ntp_timestamp_sec"], about["ntp_timestamp_usec"]] == report["ntp"]
        assert [about[key] for key in SENDER] == [report[key] for key in SENDER]


def kinds(value: Any) -> Any:
    """A value with the type of each number and text in its place."""
    if isinstance(value, dict):
        return {key: kinds(each) for key, each in value.items()}
    if isinstance(value, list):
        return [kinds(each) for each in value]
    return type(value)
