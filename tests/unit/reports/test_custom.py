"""Registrations, gateways and whatever else was asked for: a line, and where it is to be found."""

from __future__ import annotations

import json
from typing import Any, Optional

import pytest

from fs_hepipe.calls.endpoint import Endpoint
from fs_hepipe.calls.record import Plane
from fs_hepipe.reports.custom import MAX_FIELDS, Custom, custom
from fs_hepipe.words.event import RecordedEvent
from tests.unit.synthetic import ENCODERS, T0, brief, event, fields, json_by

REGISTER = {
    "profile-name": "internal", "from-user": "1000", "from-host": "example.invalid", "presence-hosts": "n/a",
    "contact": '"" <sip:1000@198.51.100.7:5062>', "call-id": "reg-1", "rpid": "unknown",
    "status": "Registered(UDP)", "expires": "60", "to-user": "1000", "to-host": "example.invalid",
    "network-ip": "198.51.100.7", "network-port": "5062", "username": "1000", "realm": "example.invalid",
    "user-agent": "A phone/1.0",
}  # fmt: skip
FAILURE = {
    "profile-name": "internal", "to-user": "1000", "to-host": "example.invalid", "network-ip": "203.0.113.66",
    "network-port": "5099", "user-agent": "friendly-scanner", "registration-type": "REGISTER",
}  # fmt: skip
EXPIRE = {
    "profile-name": "internal", "call-id": "reg-1", "user": "1000", "host": "example.invalid", "expires": "1795402200",
    "user-agent": "A phone/1.0", "realm": "example.invalid", "network-ip": "198.51.100.7", "network-port": "5062",
}  # fmt: skip
GATEWAY = {"Gateway": "carrier", "State": "FAILED", "Ping-Status": "DOWN", "Phrase": "Timeout", "Status": "503"}


def line(subclass: str, headers: dict[str, str], log_format: str = "text") -> Custom:
    heard = event("CUSTOM", {"Event-Subclass": subclass, **headers})
    return custom(heard, subclass, T0, "fs1", log_format)


def words(found: Custom) -> dict[str, str]:
    return fields(found.record)


def test_a_registration_says_who_and_from_where_under_its_own_call_id() -> None:
    found = line("sofia::register", REGISTER)
    assert found.correlation_id == "reg-1"
    assert found.remote == Endpoint("198.51.100.7", 5062)
    assert found.record.received
    assert (found.record.protocol_type, found.record.plane, found.record.timestamp) == (100, Plane.SIGNALLING, T0)
    assert found.record.payload.startswith(b"sofia::register status=")
    told = words(found)
    assert (told["from-user"], told["expires"], told["contact"]) == ("1000", "60", '"" <sip:1000@198.51.100.7:5062>')
    assert told["seq"] == "1"
    assert "rpid" not in told


@pytest.mark.parametrize("subclass", [f"sofia::{word}" for word in ("register", "unregister", "expire")])
def test_the_whole_family_of_registrations_is_filed_under_the_call_id(subclass: str) -> None:
    assert line(subclass, EXPIRE).correlation_id == "reg-1"
    told = words(line(subclass, {**EXPIRE, "rpid": "away"}))
    assert told["user"] == "1000"
    assert "rpid" not in told


def test_a_refused_registration_has_no_call_id_and_is_filed_under_its_user() -> None:
    found = line("sofia::register_failure", FAILURE)
    assert found.correlation_id == "fs1/registration/1000@example.invalid"
    assert found.remote == Endpoint("203.0.113.66", 5099)
    assert words(found)["user-agent"] == "friendly-scanner"


def test_a_user_without_a_host_is_filed_all_the_same() -> None:
    assert line("sofia::register_failure", {"to-user": "1000"}).correlation_id == "fs1/registration/1000@"


def test_a_gateway_is_filed_under_its_name_and_says_its_state() -> None:
    found = line("sofia::gateway_state", GATEWAY)
    assert found.correlation_id == "fs1/gateway/carrier"
    assert (found.remote, found.record.received) == (None, False)
    told = words(found)
    assert (told["State"], told["Status"], told["Phrase"]) == ("FAILED", "503", "Timeout")


def test_a_gateway_that_registered_has_the_address_it_registered_at() -> None:
    address = {"Register-Network-IP": "203.0.113.9", "Register-Network-Port": "5060"}
    found = line("sofia::gateway_state", {**GATEWAY, **address})
    assert found.remote == Endpoint("203.0.113.9", 5060)


@pytest.mark.parametrize(
    "ip, port, remote",
    [
        ("2001:db8::7", "5062", Endpoint("2001:db8::7", 5062)),
        ("198.51.100.7", "x", Endpoint("198.51.100.7", 0)),
        ("198.51.100.7", "65535", Endpoint("198.51.100.7", 65_535)),
        ("198.51.100.7", "65536", Endpoint("198.51.100.7", 0)),
        ("host.example.invalid", "5062", None),
        ("", "5062", None),
    ],
)
def test_an_address_that_is_none_is_left_out(ip: str, port: str, remote: Optional[Endpoint]) -> None:
    assert line("sofia::register", {**REGISTER, "network-ip": ip, "network-port": port}).remote == remote


def test_an_unknown_subclass_says_all_that_is_its_own() -> None:
    found = line("my::event", {"color": "blue", "Event-Calling-File": "mod_my.c", "size": "7"})
    assert found.correlation_id == "fs1/event/my::event"
    assert words(found) == {"color": "blue", "size": "7", "seq": "1"}


@pytest.mark.parametrize("subclass", ["my::register", "my::expire", "sofia::notify_refer"])
def test_a_subclass_of_another_family_says_all_that_is_its_own(subclass: str) -> None:
    assert words(line(subclass, {"rpid": "away"}))["rpid"] == "away"


def test_an_unknown_subclass_with_a_call_id_is_filed_under_it() -> None:
    assert line("my::event", {"call-id": "call-7"}).correlation_id == "call-7"


def test_an_unknown_subclass_says_so_much_and_no_more() -> None:
    found = line("my::event", {f"key-{number}": str(number) for number in range(500)})
    assert len(words(found)) == MAX_FIELDS + 1


def test_a_header_with_several_values_is_shown_as_the_switch_would() -> None:
    heard = RecordedEvent({"Event-Name": "CUSTOM", "list": ["a", "b"]})
    found = custom(heard, "my::event", T0, "fs1", "text")
    assert found.record.payload == b"my::event list=ARRAY::a|:b"


def test_an_event_that_can_not_be_serialised_is_a_line_without_fields() -> None:
    class Broken(RecordedEvent):
        def serialize(self, format: str = "json", /) -> str:
            return "{"

    found = custom(Broken({"Event-Sequence": "7"}), "my::event", T0, "fs1", "text")
    assert found.record.payload == b"my::event seq=7"


@pytest.mark.parametrize("subclass, headers", [("sofia::register", REGISTER), ("my::event", {"a": "b"})])
@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_json_has_the_same_keys_as_text(encoder: str, subclass: str, headers: dict[str, str]) -> None:
    with json_by(encoder):
        loaded = json.loads(line(subclass, headers, "json").record.payload)
    assert loaded.pop("event") == subclass
    assert loaded == words(line(subclass, headers))


def test_full_is_the_event_as_the_switch_serialises_it() -> None:
    loaded: dict[str, Any] = json.loads(line("sofia::register", {**REGISTER, "x": "caf\udce9"}, "full").record.payload)
    assert (loaded["rpid"], loaded["x"]) == ("unknown", "caf?")


@pytest.mark.parametrize(
    "key, value",
    [
        ("user-agent", 'x" status="Registered'),
        ("user-agent", "a\nsofia::register"),
        ("contact", "caf\udce9 =\\"),
        ("from-user", "x" * 60_000),
    ],
    ids=brief,
)
def test_a_phone_can_not_forge_a_line_or_a_key(key: str, value: str) -> None:
    told = words(line("sofia::register", {**REGISTER, key: value}))
    assert set(told) == set(words(line("sofia::register", REGISTER)))
    assert told["status"] == "Registered(UDP)"


@pytest.mark.parametrize("key", ["a b", 'a"b', "a=b", "a\nb", "caf\udce9"])
def test_a_header_can_not_forge_a_key(key: str) -> None:
    payload = line("my::event", {key: "value", "status": "real"}).record.payload.decode()
    assert payload.isprintable()
    assert payload.endswith("=value status=real seq=1")
    assert payload.startswith(('my::event "', r"my::event a\n", r"my::event caf\xe9")) or "a\\nb" in payload


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("subclass", ["sofia::register", "my::event"])
@pytest.mark.parametrize("key", ["user-agent", "Event-Sequence"])
def test_no_header_of_a_custom_event_tells_a_secret(key: str, subclass: str, log_format: str) -> None:
    payload = line(subclass, {**REGISTER, key: "token: s3cr3t"}, log_format).record.payload
    assert b"s3cr3t" not in payload
    assert (b"(not sent)" in payload) is (key != "Event-Sequence")  # which is a number, or is left out


def test_a_call_id_is_filed_exactly_as_it_is() -> None:
    assert line("sofia::register", {**REGISTER, "call-id": 'caf\udce9"\n'}).correlation_id == 'caf\udce9"\n'


# --- an event of a channel --------------------------------------------------------------------------------------------

CHANNEL = {
    **{f"Caller-Channel-{step}-Time": "0" for step in ("Created", "Answered", "Progress", "Hangup", "Bridged")},
    **{f"Other-Leg-{number}": "x" for number in range(25)}, **{f"PD-{number}": "x" for number in range(5)},
    "Channel-State": "CS_EXECUTE", "Unique-ID": "leg-a", "Answer-State": "answered", "Presence-Data-Cols": "a:b",
}  # fmt: skip
VARIABLES = {f"variable_{number}": "x" for number in range(200)}


@pytest.mark.parametrize(
    "subclass, own",
    [
        ("sofia::transferor", {"att_xfer_destination_call_id": "call-7"}),
        ("sofia::replaced", {"att_xfer_replaced_by": "call-8"}),
        ("my::event", {"Action": "start", "Channel-Presence": "own"}),
    ],
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_events_own_headers_are_never_cut_for_the_channels(
    subclass: str, own: dict[str, str], log_format: str
) -> None:
    """Whether a module puts its own first or last."""
    for headers in ({**VARIABLES, **CHANNEL, **own}, {**own, **VARIABLES, **CHANNEL}):
        found = line(subclass, headers, log_format)
        told = words(found) if log_format == "text" else json.loads(found.record.payload)
        assert own.items() <= told.items()
        assert told["Unique-ID"] == "leg-a"
        assert len(told) == MAX_FIELDS + (1 if log_format == "text" else 2)


def test_variables_come_after_all_else() -> None:
    told = list(words(line("my::event", {"variable_a": "1", "Channel-State": "2", "color": "blue"})))
    assert told == ["color", "Channel-State", "variable_a", "seq"]


def test_a_value_that_is_cut_says_so() -> None:
    assert words(line("my::event", {"long": "x" * 600}))["long"] == "x" * 511 + "…"


@pytest.mark.parametrize(
    "subclass, own",
    [
        ("sofia::register_attempt", {"auth-result": "STALE"}),
        ("sofia::unregister", {"reason": "socket-disconnection"}),
        ("sofia::register", {"update-reg": "true"}),
        ("sofia::gateway_invalid_digest_req", {"realm": "example.invalid"}),
    ],
)
def test_what_only_this_kind_of_registration_says_is_said(subclass: str, own: dict[str, str]) -> None:
    assert own.items() <= words(line(subclass, {**REGISTER, **own})).items()
