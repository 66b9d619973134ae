"""
The judges themselves are proven: what they see is what was sent, what is wrong they catch, and nothing outlives them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Optional

import pytest

from .foreign import Packet, Sabotage, build
from .judge import PATIENCE_S, Judge, JudgeError, send
from .judges import HERE, JUDGES, HepJs, KamailioChunks, KamailioStore, Sngrep, expected, objections
from .running import Shared, Starter, require
from .seen import Seen

pytestmark = pytest.mark.collectors


def named(*kinds: type[Judge]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=[kind.__name__ for kind in kinds])


INVITE = b"\r\n".join(
    (
        b"INVITE sip:bob@fs.example.invalid SIP/2.0",
        b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds",
        b"Max-Forwards: 70",
        b"From: <sip:alice@fs.example.invalid>;tag=1928301774",
        b"To: <sip:bob@fs.example.invalid>",
        b"Call-ID: call-1@fs.example.invalid",
        b"CSeq: 1 INVITE",
        b"Contact: <sip:alice@192.0.2.10>",
        b"Content-Length: 0",
        b"",
        b"",
    )
)
RTCP = b'{"sender_information":{"packets":250,"octets":40000},"ssrc":286331153,"type":200,"report_count":0}'
QOS = b'{"CORRELATION_ID":"call-1@fs.example.invalid","MOS":4.31,"PACKET_LOSS":0}'
NAMES = 'café 日本 📞 "quoted" \\ back\nnew line, it\'s %d ${x} \x00 end'.encode()


def of_length(octets: int) -> bytes:
    """So many octets, each piece of them different."""
    return b"".join(b"%07d " % number for number in range(octets // 8 + 1))[:octets]


PACKETS = {
    "SIP": Packet(1, INVITE, src_port=5060, dst_port=5060),
    "RTCP": Packet(5, RTCP),
    "quality 32": Packet(32, QOS, mos=431),
    "quality 34": Packet(34, QOS, mos=431),
    "quality 35": Packet(35, QOS, mos=431),
    "quality 99": Packet(99, QOS),
    "call log": Packet(100),
    "over TCP": Packet(ip_protocol=6),
    "RTCP over IPv6": Packet(5, RTCP, src_ip="2001:db8::10", dst_ip="2001:db8::20"),
    "call log over IPv6": Packet(src_ip="2001:db8::10", dst_ip="2001:db8::20"),
    "UTF-8": Packet(payload=NAMES, correlation_id="日本é-1@fs.example.invalid", node_name="nœud"),
    "JSON of one value": Packet(payload=b' "call up" '),
    "JSON with a lone surrogate": Packet(payload=rb'{"name":"\ud83d"}'),
    "JSON but for NaN": Packet(payload=b'{"mos":NaN}'),
    "JSON but for a control character": Packet(payload=b'{"name":"a\nb"}'),
    "JSON but for its end": Packet(payload=b'{"name":"a"'),
    "no key, no name": Packet(auth_key=None, node_name=None),
    "least numbers": Packet(capture_id=0, src_port=0, dst_port=0, timestamp=1_795_400_878_000_000),
    "greatest numbers": Packet(capture_id=2**32 - 1, src_port=65535, dst_port=65535, timestamp=1_795_400_878_999_999),
    "long Call-ID": Packet(correlation_id="c" * 255),
    **{f"{octets} octets": Packet(payload=of_length(octets)) for octets in (1, 1400, 1500, 4096, 20_000)},
}

CATCHES = {
    Sabotage.SECONDS_LITTLE_ENDIAN: (KamailioStore, KamailioChunks, Sngrep, HepJs),
    Sabotage.CHUNK_LENGTH_WITHOUT_HEADER: (KamailioStore, KamailioChunks, Sngrep, HepJs),
    Sabotage.TOTAL_LENGTH_WITHOUT_HEADER: (HepJs,),
    Sabotage.CORRELATION_ID_IN_CHUNK_16: (KamailioStore, KamailioChunks, HepJs),
    Sabotage.CAPTURE_ID_TWO_OCTETS: (KamailioStore, KamailioChunks, HepJs),
}


def port_is_free(judge: Judge) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(judge.address)
        except OSError:
            return False
    return True


def port_becomes_free(judge: Judge) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not port_is_free(judge) and time.monotonic() < deadline:
        time.sleep(0.01)
    return port_is_free(judge)


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS.keys())
def test_each_judge_holds_a_good_packet_field_by_field(judge: Judge, packet: Packet) -> None:
    send(judge.address, build(packet))
    assert objections([packet], judge) == []


@pytest.mark.parametrize("octets", (30_000, 32_000, 32_001, 60_000, 64_001, 65_300))
@named(KamailioStore, KamailioChunks, HepJs)
def test_all_but_sngrep_hold_a_great_packet(shared: Shared, kind: type[Judge], octets: int) -> None:
    judge = shared.get(kind)
    packet = Packet(payload=of_length(octets))
    send(judge.address, build(packet))
    assert objections([packet], judge) == []


def test_sngrep_holds_a_packet_of_its_greatest_size(sngrep: Sngrep) -> None:
    packet = Packet(payload=of_length(sngrep.largest - len(build(Packet(payload=b"")))))
    send(sngrep.address, build(packet))
    assert objections([packet], sngrep) == []


def test_each_judge_holds_exactly_as_many_as_were_sent(judge: Judge) -> None:
    packets = [Packet(payload=b"call %d" % number) for number in range(100)]
    send(judge.address, *map(build, packets), build(packets[0]))
    assert objections([*packets, packets[0]], judge) == []


def test_kamailio_as_store_tells_all_but_version_key_name_and_mos(kamailio_store: KamailioStore) -> None:
    send(kamailio_store.address, build(Packet(5, RTCP, mos=431)))
    assert kamailio_store.wait_for(1) == [
        Seen(
            ip_family=2,
            ip_protocol=17,
            src_ip="192.0.2.10",
            dst_ip="198.51.100.20",
            src_port=16385,
            dst_port=30001,
            seconds=1795400878,
            microseconds=645275,
            protocol_type=5,
            capture_id=2001,
            correlation_id="call-1@fs.example.invalid",
            payload=RTCP,
            json=True,
        )
    ]


def test_kamailio_as_recorder_tells_all_but_name_and_mos(kamailio_chunks: KamailioChunks) -> None:
    send(kamailio_chunks.address, build(Packet(34, QOS, mos=431)))
    assert kamailio_chunks.wait_for(1) == [
        Seen(
            version=3,
            ip_family=2,
            ip_protocol=17,
            src_ip="192.0.2.10",
            dst_ip="198.51.100.20",
            src_port=16385,
            dst_port=30001,
            seconds=1795400878,
            microseconds=645275,
            protocol_type=34,
            capture_id=2001,
            auth_key="s3cret",
            correlation_id="call-1@fs.example.invalid",
            payload=QOS,
        )
    ]


def test_sngrep_tells_addresses_ports_time_and_payload(sngrep: Sngrep) -> None:
    send(sngrep.address, build(Packet(34, QOS)))
    assert sngrep.wait_for(1) == [
        Seen(
            src_ip="192.0.2.10",
            dst_ip="198.51.100.20",
            src_port=16385,
            dst_port=30001,
            seconds=1795400878,
            microseconds=645275,
            payload=QOS,
        )
    ]


def test_hepjs_tells_everything(hepjs: HepJs) -> None:
    send(hepjs.address, build(Packet(34, QOS, mos=431)))
    assert hepjs.wait_for(1) == [
        Seen(
            version=3,
            ip_family=2,
            ip_protocol=17,
            src_ip="192.0.2.10",
            dst_ip="198.51.100.20",
            src_port=16385,
            dst_port=30001,
            seconds=1795400878,
            microseconds=645275,
            protocol_type=34,
            capture_id=2001,
            auth_key="s3cret",
            correlation_id="call-1@fs.example.invalid",
            payload=QOS,
            node_name="ci-node",
            mos=431,
            json=True,
        )
    ]


@pytest.mark.parametrize("packet", (PACKETS["RTCP"], PACKETS["call log"]), ids=("RTCP", "call log"))
@pytest.mark.parametrize(
    ("sabotage", "kind"),
    [(sabotage, kind) for sabotage, kinds in CATCHES.items() for kind in kinds],
    ids=lambda value: str(value.value if isinstance(value, Sabotage) else value.__name__),
)
def test_a_sabotaged_packet_is_caught(shared: Shared, kind: type[Judge], sabotage: Sabotage, packet: Packet) -> None:
    judge = shared.get(kind)
    send(judge.address, build(packet, sabotage))
    assert objections([packet], judge) != []


def test_no_sabotage_goes_uncaught() -> None:
    assert set(CATCHES) == set(Sabotage)


@named(KamailioStore, KamailioChunks)
def test_kamailio_listens_on_ipv6_too(start: Starter, kind: type[Judge]) -> None:
    judge = start(kind, host="::1")
    send(judge.address, build(Packet()))
    assert objections([Packet()], judge) == []


@named(KamailioChunks, Sngrep)
@pytest.mark.parametrize("wrong", ("other", "s3cre", "S3CRET", "", None))
def test_a_keyed_judge_takes_only_its_key(start: Starter, kind: type[Judge], wrong: Optional[str]) -> None:
    judge = start(kind, auth_key="s3cret")
    right = Packet(auth_key="s3cret")
    send(judge.address, build(replace(right, auth_key=wrong)), build(right))
    assert objections([right], judge) == []


def test_kamailio_keeps_what_it_refused(start: Starter) -> None:
    judge = start(KamailioChunks, auth_key="s3cret")
    wrong = Packet(auth_key="other")
    send(judge.address, build(wrong))
    judge.settle()
    assert judge.refused == [expected(wrong, judge)]


@named(*JUDGES)
def test_a_judge_comes_back_on_its_port_and_remembers(start: Starter, kind: type[Judge]) -> None:
    judge = start(kind)
    before, lost, after = (Packet(payload=text) for text in (b"before", b"lost", b"after"))
    send(judge.address, build(before))
    judge.settle()
    judge.stop()
    assert not judge.alive()
    send(judge.address, build(lost))
    judge.start()
    send(judge.address, build(after))
    assert objections([before, after], judge) == []


@named(*JUDGES)
def test_a_judge_that_was_killed_is_noticed_and_leaves_nothing(start: Starter, kind: type[Judge]) -> None:
    judge = start(kind)
    assert judge._process is not None
    os.kill(judge._process.pid, signal.SIGKILL)
    judge._process.wait()
    assert not judge.alive()
    assert judge.wait_for(1) == []
    judge.stop()
    assert port_becomes_free(judge)


@pytest.mark.parametrize("ending", (signal.SIGINT, signal.SIGKILL), ids=lambda ending: str(ending.name))
@named(*JUDGES)
def test_a_judge_ends_with_the_tests_that_started_it(kind: type[Judge], ending: signal.Signals, tmp_path: Path) -> None:
    require(kind)
    program = f"""
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from {HERE.name}.judges import {kind.__name__}
with {kind.__name__}(pathlib.Path(sys.argv[1])) as judge:
    print(judge.address[1], flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as tests:
        assert tests.stdout is not None
        judge = kind(tmp_path)
        judge.address = ("127.0.0.1", int(tests.stdout.readline()))
        assert not port_is_free(judge)
        tests.send_signal(ending)
        tests.wait(PATIENCE_S)
    assert port_becomes_free(judge)


def test_only_a_judge_that_checks_keys_is_given_one(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="HepJs checks no key"):
        HepJs(tmp_path, auth_key="s3cret")


@pytest.mark.parametrize(
    ("required", "outcome"), (("", pytest.skip.Exception), ("1", pytest.fail.Exception)), ids=("skipped", "failed")
)
def test_without_its_package_a_test_is_left(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[Exception]
) -> None:
    monkeypatch.setenv("FS_HEPIPE_REQUIRE_COLLECTORS", required)
    monkeypatch.setattr(Sngrep, "missing", lambda: "Sngrep needs the Debian package sngrep")
    with pytest.raises(outcome, match="Sngrep needs the Debian package sngrep"):
        require(Sngrep)
