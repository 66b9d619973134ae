"""Transport and both addresses of what is about SIP: calls, registrations, gateways."""

from __future__ import annotations

from typing import Optional
from unittest import mock
from urllib.parse import quote

import pytest

from fs_hepipe.calls.endpoint import Endpoint
from fs_hepipe.calls.profiles import EVERY_PROFILE
from fs_hepipe.calls.registrations import KEPT, Registrations
from fs_hepipe.hep import Flow, IpProtocol, Message
from fs_hepipe.words.settings import CUSTOM_EVENTS
from tests.unit.calls.test_profiles import ALL, GATEWAY
from tests.unit.synthetic import ANSWER, CREATE, Channel, Ear, callee, event, flow, sip

UDP, TCP = IpProtocol.UDP, IpProtocol.TCP
PHONE = ("198.51.100.7", 5062)
EVERY = (*CUSTOM_EVENTS, "sofia::register_attempt", "sofia::pre_register", "sofia::sip_user_state")
UNKNOWN = ("192.0.2.2", 0)

Headers = dict[str, str]
LISTENERS = {
    "UDP": ("192.0.2.2", 5060), "TCP": ("192.0.2.2", 5060), "TLS": ("192.0.2.2", 5061), "WS": ("192.0.2.2", 5066),
    "WSS": ("192.0.2.3", 7443),
}  # fmt: skip


def informed(answer: str = ALL) -> Ear:
    """An agent that has asked the switch about its profiles."""
    ear = Ear(custom_events=EVERY)
    ear.pipeline.legs.profiles.can_be_asked = True
    assert ear.pipeline.answer(EVERY_PROFILE, answer, 0.0) == []
    return ear


def registration(subclass: str, transport: Optional[str], *, nat: bool = False) -> Headers:
    """The headers of sofia_reg.c for a phone that came by this transport."""
    said = "ws" if transport == "WSS" else (transport or "udp").lower()
    own = f"sip:1000@{'192.168.1.50' if nat else PHONE[0]}:5062;transport={said}"
    path = quote(f"sip:1000@{PHONE[0]}:{PHONE[1]};transport={(transport or 'udp').lower()}", safe="")
    contact = f'"" <{own};fs_nat=yes;fs_path={path}>' if nat or transport in {"WS", "WSS"} else f'"" <{own}>'
    headers = {
        "Event-Subclass": f"sofia::{subclass}", "profile-name": "internal", "call-id": "reg-1", "contact": contact,
        "network-ip": PHONE[0], "network-port": str(PHONE[1]),
    }  # fmt: skip
    if subclass in {"register", "register_attempt", "pre_register"}:
        headers["status"] = f"Registered({transport}{'-NAT' if nat or transport in {'WS', 'WSS'} else ''})"
    return headers


def one(ear: Ear, headers: Headers) -> Message:
    (message,) = ear.hear(event("CUSTOM", headers))
    return message


# --- registrations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nat", [False, True])
@pytest.mark.parametrize("transport", LISTENERS)
@pytest.mark.parametrize("subclass", ["register", "unregister", "register_attempt", "pre_register"])
def test_a_phone_registers_at_the_address_that_its_transport_has(subclass: str, transport: str, nat: bool) -> None:
    message = one(informed(), registration(subclass, transport, nat=nat))
    assert flow(message) == (*PHONE, *LISTENERS[transport])
    assert message.ip_protocol == (UDP if transport == "UDP" else TCP)


@pytest.mark.parametrize("transport", LISTENERS)
def test_an_expiry_goes_from_the_switch_to_the_phone(transport: str) -> None:
    message = one(informed(), registration("expire", transport, nat=True))
    assert flow(message) == (*LISTENERS[transport], *PHONE)
    assert message.ip_protocol == (UDP if transport == "UDP" else TCP)


@pytest.mark.parametrize("transport", ["TLS", "WS", "WSS"])
def test_a_transport_is_told_where_the_port_is_not_known(transport: str) -> None:
    message = one(Ear(), registration("register", transport))
    assert flow(message) == (*PHONE, *UNKNOWN)
    assert message.ip_protocol == TCP


def test_a_call_teaches_the_address_of_its_profile() -> None:
    ear = Ear()
    ear.hear(Channel().event(CREATE, {**sip(), "variable_sofia_profile_name": "internal"}))
    assert flow(one(ear, registration("register", "UDP"))) == (*PHONE, "192.0.2.2", 5060)
    assert flow(one(ear, registration("register", "TLS"))) == (*PHONE, *UNKNOWN)
    assert flow(one(ear, {**registration("register", "UDP"), "profile-name": "external"})) == (*PHONE, *UNKNOWN)


def test_a_phone_of_ipv6_registers_at_an_address_of_ipv6() -> None:
    headers = {**registration("register", "UDP"), "profile-name": "internal-ipv6", "network-ip": "2001:db8::7"}
    assert flow(one(informed(), headers)) == ("2001:db8::7", 5062, "2001:db8::2", 5060)


def test_a_refused_registration_says_no_transport_and_so_no_port_of_several() -> None:
    headers = {
        "Event-Subclass": "sofia::register_failure", "profile-name": "internal", "to-user": "1000", "to-host": "h",
        "network-ip": PHONE[0], "network-port": str(PHONE[1]),
    }  # fmt: skip
    ear = informed()
    assert flow(one(ear, headers)) == (*PHONE, *UNKNOWN)
    assert flow(one(ear, {**headers, "profile-name": "plain"})) == (*PHONE, "192.0.2.2", 5080)
    one(ear, registration("register", "TLS"))
    refused = one(ear, headers)
    assert flow(refused) == (*PHONE, *LISTENERS["TLS"])
    assert refused.ip_protocol == TCP


def test_a_phone_whose_connection_broke_is_where_it_registered() -> None:
    """sofia.c:our_sofia_event_callback says the Call-ID alone."""
    broken = {
        "Event-Subclass": "sofia::unregister", "profile-name": "internal", "call-id": "reg-1", "from-user": "1000",
        "reason": "socket-disconnection",
    }  # fmt: skip
    ear = informed()
    assert flow(one(ear, broken))[:2] == UNKNOWN
    one(ear, registration("register", "WSS"))
    message = one(ear, broken)
    assert flow(message) == (*PHONE, *LISTENERS["WSS"])
    assert message.ip_protocol == TCP
    assert b"reason=socket-disconnection" in message.payload


def test_a_phone_that_answers_options_is_at_its_contact() -> None:
    headers = {
        "Event-Subclass": "sofia::sip_user_state", "profile-name": "internal", "call-id": "other", "Status": "200",
        "Ping-Status": "REACHABLE", "sip_contact": registration("register", "TLS", nat=True)["contact"],
    }  # fmt: skip
    message = one(informed(), headers)
    assert flow(message) == (*PHONE, *LISTENERS["TLS"])
    assert message.ip_protocol == TCP


def test_registrations_are_remembered_as_long_as_there_is_room() -> None:
    seen = Registrations()
    for number in range(5 * KEPT):
        seen.learn(f"reg-{number}", Endpoint("198.51.100.7", number % 65_536), "tls")
        assert len(seen) <= 4 * KEPT + 2
    assert seen.of_call_id(f"reg-{4 * KEPT + 1}") is not None
    assert seen.of_call_id("reg-0") is None


# --- questions --------------------------------------------------------------------------------------------------------


def test_a_registration_waits_for_the_first_answer_about_its_profile() -> None:
    ear = informed("")
    assert ear.hear(event("CUSTOM", registration("register", "TLS"))) == []
    assert ear.counters.waiting == 1
    (question,) = ear.pipeline.legs.profiles.take_questions(9)
    (message,) = ear._settled(ear.pipeline.answer(question, ALL, 0.5))
    assert flow(message) == (*PHONE, *LISTENERS["TLS"])
    assert ear.counters.waiting == 0


@pytest.mark.parametrize("ending", ["answer", "wait", "end"])
def test_a_registration_of_a_profile_that_the_switch_does_not_tell_leaves_all_the_same(ending: str) -> None:
    ear = informed("")
    assert ear.hear(event("CUSTOM", registration("register", "TLS"))) == []
    (question,) = ear.pipeline.legs.profiles.take_questions(9)
    if ending == "answer":
        messages = ear._settled(ear.pipeline.answer(question, "-ERR\n", 0.5))
    else:
        messages = ear.wait(10.0) if ending == "wait" else ear.end()
    assert [flow(message) for message in messages] == [(*PHONE, *UNKNOWN)]


def test_a_registration_waits_for_its_own_answer_and_no_other() -> None:
    """Also behind a gateway that is not told; and a second that passes ends no wait."""
    ear = informed("")
    for headers in (REGED, registration("register", "TLS")):
        assert ear.hear(event("CUSTOM", headers)) == []
    assert ear.wait(1.0) == []
    _, profile = ear.pipeline.legs.profiles.take_questions(9)
    (message,) = ear._settled(ear.pipeline.answer(profile, ALL, 2.0))
    assert (message.correlation_id, flow(message)) == ("reg-1", (*PHONE, *LISTENERS["TLS"]))
    assert (ear.counters.waiting, ear.wait(9.9)) == (1, [])
    (message,) = ear.wait(10.0)
    assert message.correlation_id == "fs1/gateway/carrier"


def test_a_fault_of_ours_with_one_registration_costs_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ear = informed("")
    for number in range(3):
        ear.hear(event("CUSTOM", {**registration("register", "TLS"), "call-id": f"reg-{number}"}))
    (question,) = ear.pipeline.legs.profiles.take_questions(9)
    encode = Flow.encode
    with monkeypatch.context() as patched:
        patched.setattr(Flow, "encode", mock.Mock(side_effect=RuntimeError("a fault of ours")))
        with pytest.raises(RuntimeError):
            ear.pipeline.answer(question, ALL, 0.5)
    assert Flow.encode is encode
    assert ear.counters.ledger().balances
    assert (ear.counters.waiting, ear.counters.dropped) == (2, {"RuntimeError": 1})
    assert [message.correlation_id for message in ear.wait(1.0)] == ["reg-1", "reg-2"]


def test_no_more_registrations_wait_than_there_is_room_for() -> None:
    ear = informed("")
    sent = sum(len(ear.hear(event("CUSTOM", registration("register", "TLS")))) for _ in range(300))
    assert (sent, ear.counters.waiting) == (44, 256)
    assert len(ear.end()) == 256


# --- gateways ---------------------------------------------------------------------------------------------------------

REGED = {
    "Event-Subclass": "sofia::gateway_state", "Gateway": "carrier", "State": "REGISTER", "Status": "200",
    "Register-Network-IP": "203.0.113.9", "Register-Network-Port": "5061",
}  # fmt: skip


@pytest.mark.parametrize("transport, port, ip_protocol", [("udp", 5080, UDP), ("tcp", 0, TCP), ("tls", 0, TCP)])
def test_a_gateway_is_between_its_registrar_and_our_side(transport: str, port: int, ip_protocol: IpProtocol) -> None:
    ear = informed()
    assert ear.hear(event("CUSTOM", REGED)) == []
    (question,) = ear.pipeline.legs.profiles.take_questions(9)
    (answered,) = ear._settled(ear.pipeline.answer(question, GATEWAY.format(transport), 0.5))
    assert flow(answered) == ("203.0.113.9", 5061, "192.0.2.2", port)
    assert answered.ip_protocol == ip_protocol
    own = {key: value for key, value in REGED.items() if key != "Status"}
    assert flow(one(ear, own)) == ("192.0.2.2", port, "203.0.113.9", 5061)


def test_a_registrar_of_ipv6_is_read() -> None:
    message = one(Ear(), {**REGED, "Register-Network-IP": "[2001:db8::9]"})
    assert flow(message)[:2] == ("2001:db8::9", 5061)


# --- calls ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", LISTENERS)
def test_a_call_comes_in_at_the_address_that_its_transport_has(transport: str) -> None:
    ear = informed()
    headers = {**sip(transport=transport.lower()), "variable_sofia_profile_name": "internal"}
    for call in ("a", "b", "c"):  # the profile's URL is known from the first one
        (message,) = ear.hear(Channel(call).event(CREATE, headers))
        assert flow(message) == (*PHONE, *LISTENERS[transport])
        assert message.ip_protocol == (UDP if transport == "UDP" else TCP)


@pytest.mark.parametrize(
    "via, port",
    [
        ("SIP/2.0/TLS 192.0.2.2:5061;rport=40123;branch=z9hG4bK1", 40_123),
        ("SIP/2.0/TCP 192.0.2.2;branch=z9hG4bK1;rport=40123", 40_123),
        ("SIP/2.0/TLS 192.0.2.2;rport=40123;received=192.0.2.2;branch=z9hG4bK1", 40_123),
        ("SIP/2.0/TLS 192.0.2.2;rport=40123;received=203.0.113.1;branch=z9hG4bK1", 0),
        ("SIP/2.0/TLS 192.0.2.2;branch=z9hG4bK1", 0),
        ("SIP/2.0/TLS 192.0.2.2;rport;branch=z9hG4bK1", 0),
        ("SIP/2.0/TLS 192.0.2.2;rport=99999;branch=z9hG4bK1", 0),
        ("SIP/2.0/TLS 198.51.100.7:5062;rport=5062;branch=z9hG4bK1", 0),
        ("SIP/2.0/TLS phone.invalid;rport=5062;branch=z9hG4bK1", 0),
        ("SIP/2.0/TLS", 0),
    ],
)
def test_a_call_out_over_tcp_has_the_port_that_it_was_seen_to_come_from(via: str, port: int) -> None:
    """The profile's port is where it listens; a connection that we made has another."""
    variables = {**sip(), "variable_sip_full_via": via, "variable_sofia_profile_name": "internal"}
    del variables["variable_sip_via_protocol"]
    (message,) = informed().hear(callee("b", None).event(ANSWER, variables))
    assert flow(message) == (*PHONE, "192.0.2.2", port)
    assert message.ip_protocol == TCP


def test_the_via_of_a_far_end_at_our_own_address_does_not_tell_our_port() -> None:
    variables = {**sip(remote="192.0.2.2:40999"), "variable_sip_full_via": "SIP/2.0/TCP 192.0.2.2;rport=40999"}
    del variables["variable_sip_via_protocol"]
    (message,) = informed().hear(callee("b", None).event(ANSWER, variables))
    assert flow(message) == ("192.0.2.2", 40_999, "192.0.2.2", 0)


def test_a_call_out_over_udp_leaves_from_the_profiles_port() -> None:
    variables = {**sip(), "variable_sip_full_via": "SIP/2.0/UDP 192.0.2.2;rport=61000;received=203.0.113.1"}
    del variables["variable_sip_via_protocol"]
    (message,) = Ear().hear(callee("b", None).event(ANSWER, variables))
    assert flow(message) == (*PHONE, "192.0.2.2", 5060)
