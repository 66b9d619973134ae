"""
What is largest, smallest, foreign or hostile in a message arrives as it is, made by our own encoder and mappers.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Optional
from xml.sax.saxutils import quoteattr

import pytest

from fs_hepipe.agent.config import parse
from fs_hepipe.hep import MAX_UDP_LENGTH, IpProtocol, Message, ProtocolType, encode
from fs_hepipe.words.event import RecordedEvent
from fs_hepipe.words.numbers import MAX_PORT
from fs_hepipe.words.parameters import MAX_TEXT
from fs_hepipe.words.settings import CALL_LOG_FORMATS, MAX_UINT32, Settings
from fs_hepipe.words.text import MAX_SHOWN, shown

from .judge import Judge, send
from .judges import JUDGES, HepJs, KamailioChunks, KamailioStore, Sngrep, objections
from .running import Shared, Starter
from .stage import Stage, recorded

pytestmark = pytest.mark.collectors

STORY = "bridged_answered"
CALLER_NAME = "Caller-Caller-ID-Name"
CALL_ID = "variable_sip_call_id"

LINE = Message(
    timestamp=1_795_400_878_645_275,
    payload=b"call up",
    protocol_type=ProtocolType.LOG,
    src_ip="192.0.2.10",
    dst_ip="198.51.100.20",
    src_port=5060,
    dst_port=5080,
    capture_id=2001,
    correlation_id="call-1@fs.example.invalid",
    node_name="ci-node",
    auth_key="s3cret",
)
# fmt: off
NAMES = {
    "accents":           "Zoë Crèmé",
    "Japanese":          "日本 太郎",
    "emoji":             "📞 👩\u200d🚀 🇩🇪",
    "quotes":            "\"O'Neill\" 'and' \"co\"",
    "backslashes":       "C:\\new\\table \\\\ \\u0041 \\",
    "newlines":          "one\ntwo\r\nthree\ttab\x1b[31mred",
    "a forged line":     "x\nCHANNEL_HANGUP_COMPLETE cause=NORMAL_CLEARING",
    "for a formatter":   "%s %d %n ${x} $(x) {0} `x`",
    "for a database":    "'); drop table logs_capture; --",
    "for a browser":     "<script>alert(1)</script>&amp;",
    "no UTF-8":          "caf\udce9",
    "right to left":     "\u202eevil\u202c \ufeff",
    "longer than shown": "é" * (MAX_SHOWN + 100),
    "one blank":         " ",
}
CALL_IDS = {
    "255 octets":        "c" * 242 + "@fs.example.i",
    "one octet":         "c",
    "each RFC 3261 has": "-.!%*_+`'~()<>:\\\"/[]?{}@aZ9",
}
KEYS = {
    "blanks":            "two words  and more",
    "punctuation":       "!#$%&'()*+,-./:;<=>?@[]^_`{|}~",
    "foreign letters":   "clé-日本-📞",
    "XML":               "<key value='&amp;'/>",
    "a Kamailio one":    "$ru$var(x)#!define",
    "100 octets":        "k" * 100,  # of a longer one sngrep dies
}
# fmt: on


def octets(count: int) -> bytes:
    """So many octets of text, each piece of them different."""
    return b"".join(b"%07d " % number for number in range(count // 8 + 1))[:count]


def sent(judge: Judge, *messages: Message) -> list[str]:
    """What a judge has against these messages."""
    send(judge.address, *map(encode, messages))
    return objections(messages, judge)


class AsTheSwitchWrites(RecordedEvent):
    """Its JSON is UTF-8, as cJSON writes it, where Python's would be ASCII."""

    def serialize(self, format: str = "json", /) -> str:
        return json.dumps(self.headers, ensure_ascii=False)


def as_the_switch_writes(recording: Iterable[RecordedEvent]) -> list[RecordedEvent]:
    return [AsTheSwitchWrites({**event.headers}) for event in recording]


def read_by_sqlite(payload: bytes, key: str) -> Optional[str]:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        row: tuple[Optional[str]] = database.execute(
            "select json_extract(cast(? as text), ?)", (payload, f'$."{key}"')
        ).fetchone()
    return row[0]


def log_lines(stage: Stage) -> list[Message]:
    return [message for message in stage.messages if message.protocol_type == ProtocolType.LOG]


# --- lengths ---


@pytest.mark.parametrize("length", (1, 1400, 1500))
def test_a_payload_of_any_length_that_sngrep_takes_arrives(judge: Judge, length: int) -> None:
    assert sent(judge, LINE._replace(payload=octets(length))) == []


@pytest.mark.parametrize("length", (30_000, 60_000))
@pytest.mark.parametrize("kind", (KamailioStore, KamailioChunks, HepJs))
def test_a_great_payload_arrives_at_all_but_sngrep(shared: Shared, kind: type[Judge], length: int) -> None:
    assert sent(shared.get(kind), LINE._replace(payload=octets(length))) == []


@pytest.mark.parametrize("kind", (KamailioStore, KamailioChunks, HepJs))
def test_the_largest_datagram_there_is_arrives(shared: Shared, kind: type[Judge]) -> None:
    room = MAX_UDP_LENGTH - len(encode(LINE._replace(payload=b"")))
    message = LINE._replace(payload=octets(room))
    assert len(encode(message)) == MAX_UDP_LENGTH
    assert sent(shared.get(kind), message) == []


@pytest.mark.parametrize("family", ("192.0.2.10", "2001:db8::10"))
def test_lengths_of_all_kinds_arrive_in_their_order(judge: Judge, family: str) -> None:
    messages = [
        LINE._replace(payload=octets(length), src_ip=family, dst_ip=family, timestamp=LINE.timestamp + length)
        for length in (1, 2, 3, 1399, 1400, 1401, 1472, 1473, 1499, 1500, 1501, 4096, 8192, 16_384, 1)
    ]
    assert sent(judge, *messages) == []


@pytest.mark.parametrize("kind", (KamailioStore, KamailioChunks, HepJs))
def test_an_event_with_a_variable_of_50_kB_arrives_whole(shared: Shared, kind: type[Judge]) -> None:
    judge = shared.get(kind)
    stage = Stage([judge], Settings(call_log_format="full"))
    stage.play(recorded(STORY, {"variable_switch_r_sdp": "x" * 50_000}))
    assert stage.faults() == []
    assert max(len(line.payload) for line in log_lines(stage)) > 50_000
    assert objections(stage.messages, judge) == []


# --- foreign text ---


@pytest.mark.parametrize("log_format", CALL_LOG_FORMATS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_whatever_a_caller_is_called_arrives(shared: Shared, name: str, log_format: str) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges, Settings(call_log_format=log_format))
    stage.play(as_the_switch_writes(recorded(STORY, {CALLER_NAME: name})))
    assert stage.faults() == []
    assert [line for judge in judges for line in objections(stage.messages, judge)] == []


@pytest.mark.parametrize("log_format", ("json", "full"))
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_the_consumers_own_tools_read_a_callers_name_in_our_json(
    kamailio_store: KamailioStore, hepjs: HepJs, name: str, log_format: str
) -> None:
    judges: tuple[Judge, ...] = (kamailio_store, hepjs)
    stage = Stage(judges, Settings(call_log_format=log_format))
    stage.play(as_the_switch_writes(recorded(STORY, {CALLER_NAME: name})))
    for judge in judges:
        judge.settle()
        assert [seen for seen in judge.received() if not seen.json] == []
    key, due = ("caller-name", shown(name)) if log_format == "json" else (CALLER_NAME, name.replace("\udce9", "?"))
    payloads = [seen.payload or b"" for seen in kamailio_store.received() if seen.protocol_type == ProtocolType.LOG]
    assert {read_by_sqlite(payload, key) for payload in payloads} - {None} == {due}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_callers_name_forges_no_line(hepjs: HepJs, name: str) -> None:
    stage = Stage([hepjs])
    stage.play(recorded(STORY, {CALLER_NAME: name}))
    hepjs.settle()
    lines = [seen.payload or b"" for seen in hepjs.received() if seen.protocol_type == ProtocolType.LOG]
    assert len(lines) == len(log_lines(stage)) > 0
    assert [line for line in lines if not line.decode().isprintable()] == []
    assert [line for line in lines if not line.startswith((b"CHANNEL_", b"CALL_"))] == []


@pytest.mark.parametrize("call_id", CALL_IDS.values(), ids=CALL_IDS.keys())
def test_a_call_id_arrives_whole(shared: Shared, call_id: str) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges)
    stage.play(recorded(STORY, {CALL_ID: call_id}))
    assert stage.faults() == []
    assert {message.correlation_id for message in stage.messages} == {call_id}
    assert [line for judge in judges for line in objections(stage.messages, judge)] == []


# --- numbers ---


@pytest.mark.parametrize("capture_id", (0, MAX_UINT32))
def test_a_capture_id_at_its_limit_arrives(shared: Shared, capture_id: int) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges, Settings(capture_id=capture_id))
    stage.play(recorded(STORY))
    assert stage.faults() == []
    assert {message.capture_id for message in stage.messages} == {capture_id}
    assert [line for judge in judges for line in objections(stage.messages, judge)] == []


@pytest.mark.parametrize("port", (0, MAX_PORT))
def test_a_port_at_its_limit_arrives(shared: Shared, port: int) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges)
    stage.play(recorded(STORY, {"variable_sip_network_port": str(port), "variable_remote_media_port": str(port)}))
    assert stage.faults() == []
    assert {port} < {number for message in stage.messages for number in (message.src_port, message.dst_port)}
    assert [line for judge in judges for line in objections(stage.messages, judge)] == []


@pytest.mark.parametrize(
    "changes",
    (
        {"src_port": 0, "dst_port": MAX_PORT},
        {"src_port": MAX_PORT, "dst_port": 0},
        {"src_ip": "0.0.0.0", "dst_ip": "255.255.255.255"},
        {"src_ip": "::", "dst_ip": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"src_ip": "::ffff:192.0.2.10", "dst_ip": "2001:db8:1:2:3:4:5:6"},
        {"timestamp": 1_000_000},
        {"timestamp": MAX_UINT32 * 1_000_000 + 999_999},
        {"ip_protocol": IpProtocol.TCP},
        {"mos": 0, "protocol_type": 34},
        {"mos": 65_535, "protocol_type": 34},
    ),
    ids=str,
)
def test_every_number_at_its_limit_arrives(judge: Judge, changes: dict[str, Any]) -> None:
    assert sent(judge, LINE._replace(**changes)) == []


@pytest.mark.parametrize("kind", (KamailioChunks, Sngrep, HepJs))
def test_sctp_arrives_at_all_but_the_store(shared: Shared, kind: type[Judge]) -> None:
    assert sent(shared.get(kind), LINE._replace(ip_protocol=IpProtocol.SCTP)) == []  # the store is built without it


# --- keys ---


def keyed(key: str) -> Settings:
    """Settings by an operator who wrote this key into the configuration."""
    parameter = f'<param name="capture-password" value={quoteattr(key)}/>'
    return parse(f'<configuration name="fs_hepipe.conf"><settings>{parameter}</settings></configuration>').settings


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_key_arrives_as_it_was_configured(shared: Shared, key: str) -> None:
    judges = [shared.get(kind) for kind in JUDGES]
    stage = Stage(judges, keyed(key))
    stage.play(recorded(STORY))
    assert stage.faults() == []
    assert {message.auth_key for message in stage.messages} == {key}
    assert [line for judge in judges for line in objections(stage.messages, judge)] == []


@pytest.mark.parametrize("kind", (KamailioStore, KamailioChunks, HepJs))
def test_the_longest_key_arrives_at_all_but_sngrep(shared: Shared, kind: type[Judge]) -> None:
    judge = shared.get(kind)
    stage = Stage([judge], keyed("鍵" * MAX_TEXT))
    stage.play(recorded(STORY))
    assert stage.faults() == []
    assert objections(stage.messages, judge) == []


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_consumer_with_the_same_key_takes_it(start: Starter, key: str) -> None:
    judges = [start(kind, auth_key=key) for kind in (KamailioChunks, Sngrep)]
    stage = Stage(judges, keyed(key))
    stage.play(recorded(STORY))
    assert stage.faults() == []
    assert [line for judge in judges for line in objections(stage.messages, judge)] == []
