"""Registrations that A accepts, and gateways by which A registers."""

from __future__ import annotations

from contextlib import closing

import pytest

from fs_hepipe.hep import IpProtocol, Message

from .collector import eventually
from .configuration import has_ipv6
from .lab import Lab, destination, source
from .phone import Phone

pytestmark = pytest.mark.live


def test_a_registration_is_filed_under_its_call_id(lab: Lab) -> None:
    had = len(list(lab.collector))
    for command in ("unregister", "register"):
        lab.b.api(f"sofia profile live {command} neighbour")
        message = eventually(f"message of sofia::{command}", told, lab, f"sofia::{command} ".encode(), had)[0]
        assert source(message) == ("127.0.0.1", lab.b.ports.sip)
        assert " from-user=live " in message.payload.decode()
        is_listed = message.correlation_id in lab.a.api("sofia status profile live reg")
        assert is_listed is (command == "register")


def told(lab: Lab, beginning: bytes, had: int) -> list[Message]:
    """The messages that came after the first so many and begin so."""
    return [message for message in list(lab.collector)[had:] if message.payload.startswith(beginning)]


def test_a_gateways_states_are_filed_under_its_name(lab: Lab) -> None:
    gateway = "live-a/gateway/neighbour"
    had = len(lab.collector.lines(gateway))
    lab.a.api("sofia profile live unregister neighbour")
    lab.a.api("sofia profile live register neighbour")
    eventually("state REGED", lambda: " State=REGED " in " ".join(lab.collector.lines(gateway)[had:]))


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "ws", "wss"])
def test_a_registration_carries_its_transport_and_both_addresses(lab: Lab, transport: str) -> None:
    ports = lab.a.ports
    listener = "127.0.0.1", {"tls": ports.tls, "ws": ports.ws, "wss": ports.wss}.get(transport, ports.sip)
    with closing(Phone(transport, listener)) as phone:
        for expires, subclass in ((60, b"sofia::register "), (0, b"sofia::unregister ")):
            assert phone.register(expires) == "200 OK"
            (message,) = eventually("its message", of_phone, lab, phone, subclass)
            assert (source(message), destination(message)) == (phone.address, listener)
            assert message.ip_protocol == (IpProtocol.UDP if transport == "udp" else IpProtocol.TCP)


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6: ::1 can't be bound")
def test_a_registration_by_ipv6_is_between_addresses_of_ipv6(lab: Lab) -> None:
    listener = "::1", lab.a.ports.sip
    with closing(Phone("udp", listener)) as phone:
        assert phone.register() == "200 OK"
        (message,) = eventually("its message", of_phone, lab, phone, b"sofia::register ")
        assert (source(message), destination(message)) == (phone.address, listener)


@pytest.mark.parametrize("transport", ["tls", "wss"])
def test_a_phone_whose_connection_breaks_is_where_it_registered(lab: Lab, transport: str) -> None:
    listener = "127.0.0.1", lab.a.ports.tls if transport == "tls" else lab.a.ports.wss
    with closing(Phone(transport, listener)) as phone:
        assert phone.register() == "200 OK"
        address = phone.address
    (message,) = eventually("its end", of_phone, lab, phone, b"sofia::unregister ")
    assert b" reason=socket-disconnection " in message.payload
    assert (source(message), destination(message)) == (address, listener)
    assert message.ip_protocol == IpProtocol.TCP


def test_a_phone_behind_nat_has_the_address_that_it_came_from(lab: Lab) -> None:
    listener = "127.0.0.1", lab.a.ports.tls
    with closing(Phone("tls", listener, "<sip:phone@192.168.1.50:5061;transport=tls>")) as phone:
        assert phone.register() == "200 OK"
        (message,) = eventually("its message", of_phone, lab, phone, b"sofia::register ")
        assert (source(message), destination(message)) == (phone.address, listener)
        lab.a.api(f"sofia profile live flush_inbound_reg {phone.call_id}")
        (message,) = eventually("its end", of_phone, lab, phone, b"sofia::expire ")
        assert (source(message), destination(message)) == (listener, phone.address)
        assert message.ip_protocol == IpProtocol.TCP


def of_phone(lab: Lab, phone: Phone, beginning: bytes) -> list[Message]:
    return [message for message in lab.collector.of(phone.call_id) if message.payload.startswith(beginning)]


def test_a_gateway_is_between_the_profile_and_the_other_switch(lab: Lab) -> None:
    had = len(list(lab.collector))
    lab.a.api("sofia profile live unregister neighbour")
    lab.a.api("sofia profile live register neighbour")
    message = eventually("answer", answered, lab, had)[0]
    assert source(message) == ("127.0.0.1", lab.b.ports.sip)
    assert destination(message) == ("127.0.0.1", lab.a.ports.sip)
    assert message.ip_protocol == IpProtocol.UDP


def answered(lab: Lab, had: int) -> list[Message]:
    return [each for each in told(lab, b"sofia::gateway_state ", had) if b" Status=200 " in each.payload]
