"""Our own address of a profile or a gateway: told by calls, or asked."""

from __future__ import annotations

from typing import Optional

import pytest

from fs_hepipe.calls import profiles as module
from fs_hepipe.calls.endpoint import Endpoint
from fs_hepipe.calls.profiles import AGE, EVERY_PROFILE, MAX_KEPT, Profiles, Question, read_url

ROW = "<profile>\n<name>{}</name>\n<type>profile</type>\n<data>{}</data>\n<state>RUNNING (0){}</state>\n</profile>\n"
ALL = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>\n<profiles>\n'
    "<alias>\n<name>example.com</name>\n<type>alias</type>\n<data>internal</data>\n<state>ALIASED</state>\n</alias>\n"
    + ROW.format("internal", "sip:mod_sofia@192.0.2.2:5060", "")
    + ROW.format("internal", "sip:mod_sofia@192.0.2.2:5061", " (TLS)")
    + ROW.format("internal", "sip:mod_sofia@0.0.0.0:5066;transport=ws", " (WS)")
    + ROW.format("internal", "sips:mod_sofia@192.0.2.3:7443;transport=wss", " (WSS)")
    + "<gateway>\n<name>carrier</name>\n<type>gateway</type>\n<data>sip:u@h</data>\n<state>REGED</state>\n</gateway>\n"
    + ROW.format("plain", "sip:mod_sofia@192.0.2.2:5080", "")
    + ROW.format("tls-only", "sip:mod_sofia@192.0.2.2:5091", " (TLS)")
    + ROW.format("internal-ipv6", "sip:mod_sofia@[2001:db8::2]:5060", "")
    + "</profiles>\n"
)  # as mod_sofia.c:cmd_xml_status writes it
GATEWAY = (
    "<gateway>\n<name>carrier</name>\n<profile>external</profile>\n<password>yes</password>\n"
    "<contact>&lt;sip:gw+carrier@192.0.2.2:5080;transport={};gw=carrier&gt;</contact>\n</gateway>\n"
)


def asked(answer: str = ALL) -> Profiles:
    profiles = Profiles()
    profiles.can_be_asked = True
    profiles.learn(EVERY_PROFILE, answer, 0.0)
    return profiles


@pytest.mark.parametrize(
    "name, transport, local",
    [
        ("internal", "udp", ("192.0.2.2", 5060)),
        ("internal", "tcp", ("192.0.2.2", 5060)),
        ("internal", "tls", ("192.0.2.2", 5061)),
        ("internal", "ws", ("192.0.2.2", 5066)),
        ("internal", "wss", ("192.0.2.3", 7443)),
        ("internal", None, ("192.0.2.2", 0)),
        ("plain", None, ("192.0.2.2", 5080)),
        ("plain", "tls", None),
        ("tls-only", "tls", ("192.0.2.2", 5091)),
        ("tls-only", "udp", None),
        ("internal-ipv6", "udp", ("2001:db8::2", 5060)),
        ("unknown", "udp", None),
        ("", "udp", None),
        (None, "udp", None),
    ],
)
def test_each_transport_of_a_profile_has_its_own_address(
    name: Optional[str], transport: Optional[str], local: Optional[tuple[str, int]]
) -> None:
    assert asked().local(name, transport, 0.0) == (Endpoint(*local) if local else None)


def test_of_a_profile_that_only_calls_have_told_the_other_ports_are_unknown() -> None:
    profiles = Profiles()
    profiles.tell("internal", "sip:mod_sofia@192.0.2.2:5060")
    assert profiles.local("internal", "udp", 0.0) == profiles.local("internal", "tcp", 0.0) == ("192.0.2.2", 5060)
    assert profiles.local("internal", "tls", 0.0) is None
    assert profiles.local("internal", None, 0.0) == ("192.0.2.2", 0)
    assert profiles.take_questions(9) == []


def test_a_profile_is_asked_about_once_and_again_when_the_answer_is_old() -> None:
    profiles = asked()
    assert profiles.take_questions(9) == []
    profiles.local("new", "udp", 1.0)
    profiles.local("other", "udp", 1.0)
    assert profiles.awaits("profile", "new")
    (question,) = profiles.take_questions(9)
    assert question.words == ""
    profiles.learn(question, ALL, 2.0)
    assert not profiles.awaits("profile", "new")
    assert not profiles.awaits("profile", "other")
    profiles.local("new", "udp", 1.0 + AGE)
    assert profiles.take_questions(9) == []
    profiles.local("internal", "udp", 2.0 + AGE)
    assert profiles.take_questions(9) == [Question("profile", "internal")]
    assert not profiles.awaits("profile", "internal")
    assert profiles.local("internal", "udp", 2.0 + AGE) == ("192.0.2.2", 5060)


def test_a_profile_whose_calls_repeat_its_url_keeps_its_answer() -> None:
    profiles = asked()
    for now in (0.0, 1.0, 2.0):
        profiles.tell("internal", "sip:mod_sofia@192.0.2.2:5060")
        assert profiles.local("internal", "tls", now) == ("192.0.2.2", 5061)
    assert profiles.knows_url("sip:mod_sofia@192.0.2.2:5060")
    assert profiles.take_questions(9) == []


def test_a_profile_that_was_started_at_another_address_is_asked_about_again() -> None:
    profiles = asked()
    profiles.tell("internal", "sip:mod_sofia@192.0.2.2:5060")
    assert profiles.local("internal", "tls", 1.0) == ("192.0.2.2", 5061)
    profiles.tell("internal", "sip:mod_sofia@192.0.2.9:5060")
    assert profiles.local("internal", "tls", 1.0) is None
    assert profiles.take_questions(9) == [Question("profile", "internal")]


@pytest.mark.parametrize(
    "transport, ours", [("udp", ("192.0.2.2", 5080)), ("tcp", ("192.0.2.2", 0)), ("tls", ("192.0.2.2", 0))]
)
def test_a_gateway_registers_from_the_profiles_port_over_udp_and_from_any_other_over_tcp(
    transport: str, ours: tuple[str, int]
) -> None:
    profiles = asked()
    assert profiles.gateway("carrier", 0.0) == (None, None)
    (question,) = profiles.take_questions(9)
    assert question.words == "gateway carrier"
    profiles.learn(question, GATEWAY.format(transport), 0.0)
    assert profiles.gateway("carrier", 1.0) == (transport, Endpoint(*ours))


@pytest.mark.parametrize("answer", ["", "Invalid Gateway!\n", "<contact></contact>", "<contact>sip:gw@host</contact>"])
def test_a_gateway_of_which_nothing_is_told_stays_unknown(answer: str) -> None:
    profiles = asked()
    profiles.gateway("carrier", 0.0)
    profiles.learn(Question("gateway", "carrier"), answer, 0.0)
    assert profiles.gateway("carrier", 1.0) == (None, None)
    assert profiles.take_questions(9) == []


@pytest.mark.parametrize("name", ["two words", 'a"b', "a'b", "a\\b", "x" * 300, "a\nb"])
def test_a_name_that_would_be_another_question_is_not_asked(name: str) -> None:
    profiles = asked()
    profiles.gateway(name, 0.0)
    profiles.local(name, "udp", 0.0)
    assert profiles.take_questions(9) == []


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 10)
    profiles = Profiles()
    profiles.can_be_asked = True
    for number in range(50):
        profiles.gateway(f"gw{number}", 0.0)
        profiles.tell(f"p{number}", f"sip:mod_sofia@192.0.2.2:{number}")
    questions = profiles.take_questions(99)
    assert len(questions) == 10
    for question in questions:
        profiles.learn(question, "", 0.0)
    profiles.gateway("one-more", 0.0)
    assert profiles.take_questions(99) == []
    assert len(profiles._told) == 10
    assert MAX_KEPT > 10


@pytest.mark.parametrize("url, address", [("sip:mod_sofia@[::1]:5060", ("::1", 5060)), ("sip:x", None), ("", None)])
def test_an_url_is_read(url: str, address: Optional[tuple[str, int]]) -> None:
    assert read_url(url) == (Endpoint(*address) if address else None)


def test_an_address_that_is_none_is_passed_over() -> None:
    profiles = asked(ROW.format("internal", "sip:mod_sofia@host.example.invalid:5060", ""))
    assert profiles.local("internal", "udp", 1.0) is None
