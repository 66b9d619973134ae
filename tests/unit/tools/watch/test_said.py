"""What a message says, whoever sent it and whatever it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.hep import Message, encode
from fs_hepipe.tools.watch.call import Call, Kept
from fs_hepipe.tools.watch.look import call_as_seen, message_as_seen
from fs_hepipe.tools.watch.said import LOG, OTHER, REPORT, RTCP, SIP, Said, said
from fs_hepipe.tools.watch.store import Store
from tests.unit.messages import SPEC_MESSAGE
from tests.unit.tools.hostile import SEQUENCES, TEXTS, harmless


def of(protocol_type: int, payload: str, **more: object) -> Said:
    return said(encode(message(protocol_type, payload.encode(), **more)))


def message(protocol_type: int, payload: bytes, **more: object) -> Message:
    return SPEC_MESSAGE._replace(protocol_type=protocol_type, payload=payload, **{"correlation_id": "call-1", **more})  # type: ignore[arg-type]


def test_a_line_is_its_event_and_its_fields() -> None:
    found = of(100, 'CHANNEL_CREATE direction=inbound caller=1001 caller-name="A \\"quoted\\" name=x" leg=u1 '
                    'other-leg=u2 other-call-id=call-2 call-id=call-1')  # fmt: skip
    assert (found.kind, found.name, found.leg, found.other_leg) == (LOG, "CHANNEL_CREATE", "u1", "u2")
    assert found.fields["caller-name"] == 'A "quoted" name=x'
    assert found.names == ["call-1", "call-2", "u1", "u2"]


def test_a_line_as_json_says_the_same() -> None:
    text = of(100, "CHANNEL_ANSWER direction=outbound codec=PCMU leg=u1 other-call-id=call-2")
    fields = {"event": "CHANNEL_ANSWER", "direction": "outbound", "codec": "PCMU", "leg": "u1"}
    fields["other-call-id"] = "call-2"
    as_json = of(100, json.dumps(fields))
    assert (as_json.name, as_json.names) == (text.name, text.names)
    assert as_json.fields["codec"] == text.fields["codec"] == "PCMU"


def test_a_whole_event_is_read_by_its_headers() -> None:
    found = of(100, json.dumps({"Event-Name": "CHANNEL_CREATE", "Unique-ID": "u1", "Caller-Caller-ID-Number": "1001",
                                "Call-Direction": "inbound", "Other-Leg-Unique-ID": "u2"}))  # fmt: skip
    assert (found.name, found.leg, found.other_leg) == ("CHANNEL_CREATE", "u1", "u2")
    assert found.fields["caller"] == "1001"


def test_a_line_of_another_sender_is_its_text() -> None:
    found = of(100, "route[42]: forwarding to 192.0.2.1 with t_relay()=1")
    assert (found.kind, found.name) == (LOG, "")
    assert found.fields["text"].startswith("route[42]")


def test_a_log_line_of_the_switch_is_of_its_level() -> None:
    found = of(100, 'WARNING text="No such file" file=switch_core_file.c:12 leg=u1 call-id=call-1')
    assert (found.name, found.fields["text"], found.leg) == ("WARNING", "No such file", "u1")


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize(("call_id", "from_"), [("Call-ID", "From"), ("i", "f")])
def test_sip_is_filed_under_its_own_call_id_and_names_the_other_leg(line_end: str, call_id: str, from_: str) -> None:
    lines = ["INVITE sip:1234@192.0.2.1 SIP/2.0", f"{from_}: <sip:1001@192.0.2.2>;tag=1", "To: sip:1234@192.0.2.1",
             f"{call_id}: call-9", "CSeq: 1 INVITE", "X-CID: call-0", "", "v=0", "m=audio 4000 RTP/AVP 0"]  # fmt: skip
    found = of(1, line_end.join(lines), correlation_id=None)
    assert (found.kind, found.name, found.call_id, found.other_id) == (SIP, "INVITE", "call-9", "call-0")
    assert (found.fields["from-user"], found.fields["to-user"], found.fields["has-sdp"]) == ("1001", "1234", True)


def test_a_response_is_its_status_and_of_its_method() -> None:
    found = of(1, "SIP/2.0 486 Busy Here\r\nCall-ID: x\r\nCSeq: 7 INVITE\r\n\r\n")
    assert (found.name, found.fields["status"], found.fields["phrase"], found.fields["method"]) == (
        "486", 486, "Busy Here", "INVITE",
    )  # fmt: skip


def test_reports_are_of_their_leg() -> None:
    rtcp, report = of(5, '{"type":201,"leg":"u1"}'), of(34, '{"TYPE":"PERIODIC","LEG":"u1","RTP_SIP_CALL_ID":"own"}')
    assert (rtcp.kind, rtcp.name, rtcp.leg) == (RTCP, "RR", "u1")
    assert (report.kind, report.name, report.leg, report.own_id, report.call_id) == (
        REPORT, "PERIODIC", "u1", "own", "call-1",
    )  # fmt: skip


@pytest.mark.parametrize("payload", ["", "[]", "nonsense", "{", "[" * 5000, '{"type": NaN}', '{"a":' * 3000])
@pytest.mark.parametrize("protocol_type", [1, 5, 34, 100, 77])
def test_what_is_none_of_these_is_kept_as_it_is(protocol_type: int, payload: str) -> None:
    found = of(protocol_type, payload)
    assert found.call_id == "call-1"
    assert found.kind in {LOG, RTCP, REPORT, OTHER}


PIECES = ["x", "x=", 'x="', 'x="\\', "\\", '"', "= ", 'a="\\" ', "@", "sip:", "SIP/2.0 ", "A ", "\n", "{", "\t:"]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("protocol_type", [1, 100])
def test_no_payload_is_read_again_and_again(protocol_type: int, piece: str) -> None:
    """Whatever is quadratic takes minutes here."""
    datagram = encode(message(protocol_type, (piece * 60_000)[:60_000].encode()))
    for number in range(5):
        call = Call(1)
        call.add(Kept(number, datagram), said(datagram))
    message_as_seen(Kept(1, datagram))
    store = Store(1, 1_000_000)
    store.add(datagram)
    found = store.find("call-1")
    assert found is not None
    call_as_seen(found)


def texts(value: object) -> list[str]:
    """Every text in what JSON can hold."""
    if isinstance(value, dict):
        return [*map(str, value), *(text for each in value.values() for text in texts(each))]
    if isinstance(value, (list, tuple)):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("text", [*TEXTS, *SEQUENCES], ids=lambda text: f"{ord(text[0]):04x}")
def test_nothing_that_is_shown_has_a_character_that_nobody_sees(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    store = Store(100, 10_000_000)
    name = raw.decode("utf-8", "surrogateescape")
    for payload in (
        raw,
        b"CHANNEL_CREATE direction=inbound caller=" + raw + b' caller-name="' + raw + b'" leg=' + raw + b" x=" + raw,
        json.dumps({"event": text, "caller": text, "leg": text, text: text}).encode(),
        b"INVITE sip:a SIP/2.0\r\nCall-ID: " + raw + b"\r\nFrom: <sip:" + raw + b"@x>\r\nX-CID: " + raw + b"\r\n\r\n",
        json.dumps({"type": 200, "medium": text, "leg": text, "report_blocks": [{"fraction_lost": text}]}).encode(),
        json.dumps({"DIR": 0, "MOS": 4.0, "MEDIUM": text, "LEG": text, "CODEC_NAME": text, "TYPE": text}).encode(),
    ):
        for protocol_type in (1, 5, 34, 100, 200):
            whole = message(protocol_type, payload, correlation_id=name, node_name=name)
            assert store.add(encode(whole)) is None
    assert store.view().rows
    for row in store.view().rows:
        found = store.find(row["key"])
        assert found is not None
        for seen in [row, call_as_seen(found), *map(message_as_seen, found.messages)]:
            for each in texts(seen):
                assert harmless(each)
                each.encode("utf-8")


@given(payload=st.binary(max_size=300), protocol_type=st.sampled_from([1, 5, 34, 100, 8]))
def test_any_payload_is_shown(payload: bytes, protocol_type: int) -> None:
    datagram = encode(message(protocol_type, payload))
    call = Call(1)
    call.add(Kept(1, datagram), said(datagram))
    json.dumps([call.row, message_as_seen(Kept(1, datagram))], allow_nan=False)


def test_what_is_secret_is_not_shown() -> None:
    sip = (b'REGISTER sip:x SIP/2.0\r\nCall-ID: c\r\nAuthorization: Digest username="u", response="deadbeef"\r\n\r\n'
           b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n")  # fmt: skip
    event = b'{"Event-Name": "CHANNEL_CREATE", "variable_sip_auth_password": "hunter2"}'
    for payload, protocol_type in ((sip, 1), (event, 100)):
        seen = message_as_seen(Kept(1, encode(message(protocol_type, payload, auth_key="s3cret"))))
        for secret in ("deadbeef", "c2VjcmV0", "hunter2", "s3cret"):
            assert secret not in json.dumps(seen)
    assert "Call-ID: c" in message_as_seen(Kept(1, encode(message(1, sip))))["payload"]
