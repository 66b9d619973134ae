"""What a registration's Contact tells of the way to the phone."""

from __future__ import annotations

from typing import Optional
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.calls.contact import Contact, read_contact
from fs_hepipe.calls.endpoint import Endpoint

PHONE = Endpoint("198.51.100.7", 5062)
NAT = Endpoint("203.0.113.9", 62_000)


def behind_nat(own: str, path: str) -> str:
    """As sofia_reg.c writes it: the whole URI that the request came from is encoded."""
    return f'"Bob" <{own};fs_nat=yes;fs_path={quote(path, safe="")}>'


@pytest.mark.parametrize(
    "contact, status, transport, remote",
    [
        ('"" <sip:1000@198.51.100.7:5062>', "Registered(UDP)", "udp", PHONE),
        ("<sip:1000@198.51.100.7:5062>", None, "udp", PHONE),
        ("sip:198.51.100.7:5062", None, "udp", PHONE),
        ("<sip:1000@198.51.100.7:5062;transport=TCP>", "Registered(TCP)", "tcp", PHONE),
        ("<sip:1000@198.51.100.7:5062;ob;transport=tls>", "Registered(TLS)", "tls", PHONE),
        ("<sips:1000@198.51.100.7:5062>", "Registered(TLS)", "tls", PHONE),
        ("<sips:1000@198.51.100.7:5062;transport=tcp>", "Registered(TLS)", "tls", PHONE),
        ("<sip:1000@198.51.100.7:5062;transport=sctp>", None, "sctp", PHONE),
        ("<sip:1000@198.51.100.7>", None, "udp", Endpoint("198.51.100.7", 0)),
        ("<sip:1000@[2001:db8::7]:5062;transport=tls>", None, "tls", Endpoint("2001:db8::7", 5062)),
        ("<sip:x@host.invalid;transport=ws>", "Registered(WS-NAT)", "ws", None),
        ("<sip:x@host.invalid;transport=ws>", "Registered(WSS-NAT)", "wss", None),
        ("<sips:x@host.invalid;transport=ws>", None, "wss", None),
        ("<sip:1000@198.51.100.7:5062;transport=carrier-pigeon>", None, "udp", PHONE),
        ("<sip:1000@198.51.100.7:5062?transport=tls>", None, "udp", PHONE),
        (None, "Registered(TLS)", "tls", None),
        (None, None, None, None),
        (None, "unknown", None, None),
    ],
)
def test_the_transport_is_what_the_uri_says(
    contact: Optional[str], status: Optional[str], transport: Optional[str], remote: Optional[Endpoint]
) -> None:
    assert read_contact(contact, status) == Contact(transport, remote)


@pytest.mark.parametrize(
    "own, path, status, transport",
    [
        ("sip:1000@192.168.1.50:5062;transport=tls", "sip:1000@203.0.113.9:62000;transport=tls", None, "tls"),
        ("sip:1000@192.168.1.50:5062", "sip:1000@203.0.113.9:62000", "Registered(UDP-NAT)", "udp"),
        ("sip:x@y.invalid;transport=ws", "sip:x@203.0.113.9:62000;transport=wss", None, "wss"),
        ("sip:x@y.invalid;transport=ws", "sip:x@203.0.113.9:62000;transport=ws", "Registered(WSS-NAT)", "wss"),
        ("sip:1000@192.168.1.50;transport=tcp", "sip:1000@203.0.113.9:62000", None, "tcp"),
    ],
)
def test_a_phone_behind_nat_is_where_its_request_came_from(
    own: str, path: str, status: Optional[str], transport: str
) -> None:
    assert read_contact(behind_nat(own, path), status) == Contact(transport, NAT)


def test_by_a_proxy_the_way_is_the_proxys_and_not_the_phones() -> None:
    contact = f"<sip:1000@198.51.100.7:5062;transport=tls;fs_path={quote('<sip:203.0.113.9:62000;lr>', safe='')}>"
    assert read_contact(contact, "Registered(TLS)") == Contact("udp", NAT)


@given(st.text(), st.text() | st.none())
def test_any_text_is_read(contact: str, status: Optional[str]) -> None:
    for text in (contact, f"<sip:{contact}>", f"<sip:1@h;fs_path={contact}>"):
        read_contact(text, status)
