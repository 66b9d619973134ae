"""fs_hepipe.conf.xml and the startup-script's arguments: what is taken, and what is said of what is not."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Optional
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.agent import config as config_module
from fs_hepipe.agent.config import (
    CONFIGURATION,
    MAX_ARGUMENTS,
    MAX_COLLECTORS,
    MAX_PARAMS,
    MAX_PROBLEMS,
    MAX_VALUE,
    MAX_XML,
    PARAMETERS,
    Config,
    examine,
    parse,
)
from fs_hepipe.delivery.address import Address, Tls, address
from fs_hepipe.words.errors import ConfigError
from fs_hepipe.words.parameters import MAX_EVENTS, MAX_TEXT
from fs_hepipe.words.settings import CALL_EVENTS, CUSTOM_EVENTS, Settings

CONF = Path(__file__).resolve().parents[3] / "conf" / "autoload_configs"


def xml(*pairs: tuple[str, str]) -> str:
    root = ET.Element("configuration", name="fs_hepipe.conf")
    settings = ET.SubElement(root, "settings")
    for name, value in pairs:
        ET.SubElement(settings, "param", name=name, value=value)
    return ET.tostring(root, encoding="unicode")


def problems(text: Optional[str], arguments: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, arguments)
    return caught.value.problems


def value_of(config: Config, attribute: str) -> Any:
    (holder,) = [each for each in (config, config.settings, config.delivery) if hasattr(each, attribute)]
    return getattr(holder, attribute)


# --- the files that are installed ------------------------------------------------------------------------------------


def test_installed_file_has_every_parameter_with_its_default() -> None:
    params = ET.parse(CONF / "fs_hepipe.conf.xml").getroot().iter("param")
    assert [(param.get("name"), param.get("value")) for param in params] == [
        (parameter.name, parameter.default) for parameter in PARAMETERS
    ]


def test_installed_file_changes_nothing() -> None:
    assert parse((CONF / "fs_hepipe.conf.xml").read_text()) == Config() == parse(None)


def test_installed_file_starts_the_agent_with_the_switch() -> None:
    root = ET.parse(CONF / "python.conf.xml").getroot()
    assert root.get("name") == "python.conf"
    assert [(param.get("name"), param.get("value")) for param in root.iter("param")] == [
        ("startup-script", "fs_hepipe")
    ]


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("capture-server", "udp:homer.example.com:9060", "collectors", (Address("homer.example.com", 9060),)),
        ("capture-server", "udp:[2001:db8::1]:1", "collectors", (Address("2001:db8::1", 1),)),
        ("capture-server", "udp:[fe80::1%eth0]:65535", "collectors", (Address("fe80::1%eth0", 65535),)),
        ("capture-server", "tcp:[2001:db8::1]:1", "collectors", (Address("2001:db8::1", 1, "tcp"),)),
        ("capture-server", "tls:homer:9061", "collectors", (Address("homer", 9061, "tls"),)),
        (
            "capture-server", "tls:homer:9061;ca=/my ca.pem;cert=/c.pem;key=/k.pem;name=n.example", "collectors",
            (Address("homer", 9061, "tls", Tls(True, "/my ca.pem", "/c.pem", "/k.pem", "n.example")),),
        ),
        ("capture-server", "tls:h:9061;verify=no", "collectors", (Address("h", 9061, "tls", Tls(verify=False)),)),
        ("lookup-interval", "1", "lookup_interval", 1),
        ("buffer-size", "64000", "buffer_size", 64_000),
        ("buffer-size", "500 kB", "buffer_size", 500_000),
        ("buffer-size", "1gb", "buffer_size", 1_000_000_000),
        ("buffer-drop", "newest", "buffer_drop", "newest"),
        ("capture-id", "0", "capture_id", 0),
        ("capture-id", "4294967295", "capture_id", 4294967295),
        ("capture-password", "", "capture_password", None),
        ("capture-password", "pass word é", "capture_password", "pass word é"),
        ("node-name", "", "node_name", None),
        ("node-name", "edge <1> & 'two'", "node_name", "edge <1> & 'two'"),
        ("report-call-events", "FALSE", "report_call_events", False),
        ("report-rtcp-events", "off", "report_rtcp_events", False),
        ("report-qos-events", "0", "report_qos_events", False),
        ("report-custom-events", "Enabled", "report_custom_events", True),
        ("call-events", "", "call_events", ()),
        ("call-events", "DTMF, CHANNEL_ANSWER\n\tDTMF,", "call_events", ("DTMF", "CHANNEL_ANSWER")),
        ("custom-events", "conference::maintenance", "custom_events", ("conference::maintenance",)),
        ("report-log-lines", "yes", "report_log_lines", True),
        ("log-file", "/var/log/freeswitch/freeswitch.log", "log_file", "/var/log/freeswitch/freeswitch.log"),
        ("log-lines-level", "notice", "log_lines_level", "notice"),
        ("log-lines-per-call", "10000", "log_lines_per_call", 10_000),
        ("log-lines-per-second", "1", "log_lines_per_second", 1),
        ("log-lines-without-call", "on", "log_lines_without_call", True),
        ("call-log-format", "full", "call_log_format", "full"),
        ("qos-type", "34,35 32;99".replace(";", ","), "qos_type", (34, 35, 32, 99)),
        ("rtcp-jitter-unit", "rtp", "rtcp_jitter_unit", "rtp"),
        ("rtcp-packets-lost", "interval", "rtcp_packets_lost", "interval"),
        ("correlation", "a-leg", "correlation", "a-leg"),
        ("event-queue-length", "100000", "event_queue_length", 100_000),
        ("max-legs", "1", "max_legs", 1),
        ("log-level", "debug", "log_level", "debug"),
    ],
)
def test_good_value_is_taken_from_file_and_arguments(name: str, text: str, attribute: str, value: object) -> None:
    assert value_of(parse(xml((name, f" {text} "))), attribute) == value
    quoted = '"' + text.replace('"', '\\"') + '"'
    assert value_of(parse(None, f"{name}={quoted}"), attribute) == value


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("capture-server", "", "is not udp:host:port"),
        ("capture-server", "homer:9060", "is not udp:host:port"),
        ("capture-server", "udp:homer", "is not udp:host:port"),
        ("capture-server", "udp::9060", "is not udp:host:port"),
        ("capture-server", "udp:ho mer:9060", "is not udp:host:port"),
        ("capture-server", "udp:homer:9060/x", "is not udp:host:port"),
        ("capture-server", "udp:homer\x1b:9060", "is not udp:host:port"),
        ("capture-server", "udp:caf\udce9:9060", "is not udp:host:port"),
        ("capture-server", "udp:2001:db8::1:9060", "is not udp:host:port"),
        ("capture-server", "udp:homer:٩٠٦٠", "is not udp:host:port"),
        ("capture-server", "UDP:homer:9060", "is not udp:host:port"),
        ("capture-server", "http://homer:9060", "is not udp:host:port"),
        ("capture-server", "sctp:homer:9060", "asks for another transport: udp, tcp, tls are what there is"),
        ("capture-server", "ws:[2001:db8::1]:9061", "asks for another transport"),
        ("capture-server", "tcp:homer:9060;verify=no", "has options, which only tls: has, not tcp:"),
        ("capture-server", "udp:homer:9060;name=x", "has options, which only tls: has, not udp:"),
        ("capture-server", "tcp:224.0.0.1:9060", "is a multicast address, which udp: can reach, but not tcp:"),
        ("capture-server", "tls:[ff05::1]:9060", "is a multicast address"),
        ("capture-server", "tls:homer:9061;", "has an option that is none of verify=no, ca=FILE"),
        ("capture-server", "tls:homer:9061;ca", "has an option that is none of verify=no, ca=FILE"),
        ("capture-server", "tls:homer:9061;ca=", "has an option that is none of verify=no, ca=FILE"),
        ("capture-server", "tls:homer:9061;sni=x", "has an option that is none of verify=no, ca=FILE"),
        ("capture-server", "tls:homer:9061;verify=maybe", "has a verify that is neither yes nor no"),
        ("capture-server", "tls:homer:9061;key=/k.pem", "has a key without its cert"),
        ("capture-server", "tls:homer:9061;ca=/a.pem;ca=/b.pem", "has ca twice"),
        ("capture-server", "tls:homer:9061;ca=/a.pem;verify=no", "has a ca and verify=no"),
        ("buffer-size", "16 parsecs", "is not a size from 64 kB to 4000 MB"),
        ("buffer-size", "63kB", "is not a size from 64 kB to 4000 MB"),
        ("buffer-size", "5GB", "is not a size from 64 kB to 4000 MB"),
        ("buffer-drop", "none", "is none of oldest, newest"),
        ("capture-server", "udp:homer:0", "has no port from 1 to 65535"),
        ("capture-server", "udp:homer:65536", "has no port from 1 to 65535"),
        ("capture-server", "udp:192.0.2.256:9060", "has a host that is no IP address"),
        ("capture-server", "udp:192.0.2:9060", "has a host that is no IP address"),
        ("capture-server", "udp:[2001:db8:::1]:9060", "has a host that is no IP address"),
        ("capture-server", "udp:[abc]:9060", "has a host that is no IP address"),
        ("capture-server", "udp:[fe80::1]:9060", "without its interface: write [fe80::1%eth0]"),
        ("capture-server", "udp:[febf:ffff::1]:9060", "without its interface"),
        ("capture-server", "udp:[ff02::1]:9060", "without its interface"),
        ("capture-server", "udp:[ff11::1]:9060", "without its interface"),
        ("capture-server", "udp:255.255.255.255:9060", "is the broadcast address"),
        ("capture-server", "udp:homer:9060;hep=3;capture_id=1", "is what sofia's own capture-server takes: write"),
        ("capture-server", "udp:homer:9060;capture_id=100", "is what sofia's own capture-server takes: write"),
        ("capture-server", "udp:192.0.2.1:9060;hep=2", "is what sofia's own capture-server takes: write"),
        ("capture-server", "udp:homer:9060;ttl=3", "has options, which only tls: has"),
        ("lookup-interval", "0", "is not a whole number from 1 to 86400"),
        ("capture-id", "", "is not a whole number from 0 to 4294967295"),
        ("capture-id", "4294967296", "is not a whole number"),
        ("capture-id", "-1", "is not a whole number"),
        ("capture-id", "1.0", "is not a whole number"),
        ("capture-id", "0x10", "is not a whole number"),
        ("capture-id", "²", "is not a whole number"),
        ("capture-id", "9" * 5000, "is not a whole number"),
        ("node-name", 'a"b', 'has a "'),
        ("node-name", "a\\b", "has a "),
        ("node-name", "a\nb", "a control character"),
        ("node-name", "caf\udce9", "a control character"),
        ("node-name", "x" * (MAX_TEXT + 1), f"has {MAX_TEXT + 1} characters"),
        ("report-call-events", "maybe", "is neither yes nor no"),
        ("report-rtcp-events", "", "is neither yes nor no"),
        ("report-qos-events", "2", "is neither yes nor no"),
        ("report-custom-events", "yes no", "is neither yes nor no"),
        ("custom-events", "caf\udce9::x", "invalid UTF-8"),
        ("custom-events", "sofia::*", "FreeSWITCH knows no patterns of subclasses"),
        ("custom-events", "sofia::register,conference::m?intenance", "FreeSWITCH knows no patterns of subclasses"),
        ("call-events", "DTMF,\x1b", "a control character"),
        ("log-file", "freeswitch.log", "is not the full path of a file"),
        ("log-file", "/var/\x1b", "is not the full path of a file"),
        ("log-lines-level", "error", "is none of debug, info"),
        ("log-lines-per-second", "1001", "from 1 to 1000"),
        ("call-log-format", "xml", "is none of text, json, full"),
        ("qos-type", "", "is not a list of 32, 34, 35, 99"),
        ("qos-type", "34,33", "is not a list of 32, 34, 35, 99"),
        ("qos-type", "034", "is not a list of 32, 34, 35, 99"),
        ("rtcp-jitter-unit", "s", "is none of ms, rtp"),
        ("correlation", "b-leg", "is none of own, a-leg"),
        ("event-queue-length", "9", "is not a whole number from 10 to 100000"),
        ("event-queue-length", "100001", "is not a whole number from 10 to 100000"),
        ("max-legs", "0", "is not a whole number from 1 to 1000000"),
        ("log-level", "error", "is none of debug, info, notice, warning, err, crit, alert"),
    ],
)
def test_bad_value_is_named_with_its_parameter(name: str, text: str, complaint: str) -> None:
    quoted = "'" + text + "'"
    (problem,) = problems(None, f"{name}={quoted}")
    assert problem.startswith(f"{name}: {text!r:.120}")
    assert complaint in problem
    assert len(problem) < 300


STREAMS = (
    "tcp:homer:9060",
    "tls:[2001:db8::1]:9061",
    "tls:homer:9061;verify=no",
    "tls:homer:9061;ca=/a.pem;cert=/c.pem;key=/k.pem;name=n",
)


def test_address_reads_back_as_it_was_written() -> None:
    for text in ("udp:homer:9060", "udp:[2001:db8::1]:9060", "udp:192.0.2.1:9060", "udp:[fe80::1%eth0]:1", *STREAMS):
        assert str(address(text)) == text


# --- the whole -------------------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once() -> None:
    text = xml(("capture-id", "x"), ("nonsense", "1"), ("max-legs", "0"), ("capture-server", "udp:homer:9060"))
    assert [problem.partition(":")[0] for problem in problems(text, "log-level=loud stray qos-type=1")] == [
        "arguments",
        "capture-id",
        "nonsense",
        "max-legs",
        "log-level",
        "qos-type",
    ]


def test_several_collectors_each_get_every_message() -> None:
    config = parse(xml(("capture-server", "udp:one:1"), ("capture-server", "udp:two:2")))
    assert config.collectors == (Address("one", 1), Address("two", 2))


def test_arguments_replace_all_collectors_of_the_file() -> None:
    text = xml(("capture-server", "udp:one:1"), ("capture-server", "udp:two:2"), ("capture-id", "7"))
    config = parse(text, "capture-server=udp:three:3 capture-server=udp:four:4")
    assert config.collectors == (Address("three", 3), Address("four", 4))
    assert config.settings.capture_id == 7


def test_arguments_override_even_a_bad_value_of_the_file() -> None:
    assert parse(xml(("capture-id", "x")), "capture-id=8").settings.capture_id == 8


def test_parameter_given_twice_is_a_problem() -> None:
    assert problems(xml(("capture-id", "1"), ("capture-id", "2"))) == ["capture-id: is given more than once"]
    assert problems(None, "capture-id=1 capture-id=1") == ["capture-id: is given more than once"]
    twice = ("capture-server", "udp:homer:9060")
    assert problems(xml(twice, twice)) == ["capture-server: 'udp:homer:9060' is given twice"]


def test_arguments_are_quoted_as_in_a_shell() -> None:
    settings = parse(None, """node-name="my node" capture-password='it is' call-log-format=j"so"n""").settings
    assert (settings.node_name, settings.capture_password, settings.call_log_format) == ("my node", "it is", "json")
    assert problems(None, 'node-name="my node') == ["arguments: No closing quotation"]
    assert problems(None, "node-name") == ["arguments: 'node-name' is not name=value"]
    assert problems(None, "=x") == [": there is no such parameter"]


def test_unknown_event_is_a_warning_and_left_out() -> None:
    config = parse(xml(("call-events", "CHANNEL_CREATE,NO_SUCH,channel_answer")))
    assert config.settings.call_events == ("CHANNEL_CREATE",)
    assert config.warnings == ("call-events: 'NO_SUCH', 'channel_answer' can't be logged and is left out",)


@pytest.mark.parametrize(
    ("password", "servers", "cautions"),
    [
        ("x", ["udp:homer:9060", "tcp:192.0.2.1:9060", "tls:homer:9061"], ["in clear text to udp:homer:9060, tcp:192"]),
        ("x", ["tls:homer:9061"], []),
        ("x", ["udp:127.0.0.1:9060", "tcp:[::1]:9060", "tcp:localhost:9060"], []),
        ("", ["udp:homer:9060"], []),
        ("", ["tls:homer:9061;verify=no"], ["tls:homer:9061;verify=no may be anybody"]),
    ],
)
def test_what_is_not_safe_is_a_caution_and_no_hint(password: str, servers: list[str], cautions: list[str]) -> None:
    config = parse(xml(("capture-password", password), *(("capture-server", server) for server in servers)))
    assert len(config.cautions) == len(cautions)
    assert all(words in caution for words, caution in zip(cautions, config.cautions))
    assert config.warnings == ()


def test_lists_have_their_defaults_when_not_given() -> None:
    settings = parse(xml()).settings
    assert settings.call_events == CALL_EVENTS
    assert settings.custom_events == CUSTOM_EVENTS
    assert parse(xml()).warnings == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<configuration", "fs_hepipe.conf: is not XML: "),
        ("", "fs_hepipe.conf: is not XML: "),
        ("\udce9", "fs_hepipe.conf: is not XML: "),
        ("<a/>", 'fs_hepipe.conf: has no <configuration name="fs_hepipe.conf">'),
        ('<configuration name="python.conf"/>', 'fs_hepipe.conf: has no <configuration name="fs_hepipe.conf">'),
        (
            '<configuration name="fs_hepipe.conf"><param name="capture-id"/></configuration>',
            "fs_hepipe.conf: a <param> without name or value",
        ),
    ],
)
def test_text_that_is_no_configuration_is_told(text: str, complaint: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(complaint)


def test_configuration_is_found_inside_a_whole_document() -> None:
    text = f'<document><section name="configuration">{xml(("capture-id", "7"))}</section></document>'
    assert parse(text).settings.capture_id == 7
    assert parse(f'<?xml version="1.0"?>\n<!-- x -->{xml(("capture-id", "7"))}').settings.capture_id == 7


def test_examine_gives_the_rest_beside_the_problems() -> None:
    config, found = examine(xml(("capture-id", "7"), ("max-legs", "0")))
    assert config.settings.capture_id == 7
    assert config.settings.max_legs == Settings().max_legs
    assert len(found) == 1


@pytest.mark.parametrize("value", ['s3cr"t', "s3cr\\t", "s3cr\nt", "s3cr" * 100])
def test_bad_password_is_not_in_its_problem(value: str) -> None:
    (problem,) = problems(xml(("capture-password", value.replace("\n", "\x7f"))))
    assert problem.startswith("capture-password: has ")
    assert "s3cr" not in problem


@given(st.text(), st.text())
def test_any_text_is_a_configuration_or_a_list_of_problems(text: str, arguments: str) -> None:
    config, found = examine(text, arguments)
    assert isinstance(config, Config)
    assert found
    assert all(isinstance(problem, str) for problem in found)


@given(st.sampled_from([parameter.name for parameter in PARAMETERS]), st.text(max_size=40))
def test_any_value_is_taken_or_named(name: str, value: str) -> None:
    _, found = examine(None, f"{name}='{value.replace(chr(39), '')}'")
    assert all(problem.startswith((name, "arguments")) for problem in found)


# --- bounds ----------------------------------------------------------------------------------------------------------


def refuse_to_run(*_: object) -> None:
    raise AssertionError("it was looked into")


def test_file_that_is_too_long_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ET, "fromstring", refuse_to_run)
    assert problems("x" * (MAX_XML + 1)) == ["fs_hepipe.conf: has more than 1000000 characters"]
    with pytest.raises(AssertionError, match="looked into"):
        parse("x" * MAX_XML)


def test_arguments_that_are_too_long_are_not_even_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shlex, "split", refuse_to_run)
    assert problems(None, "x" * (MAX_ARGUMENTS + 1)) == ["arguments: more than 65536 characters"]
    with pytest.raises(AssertionError, match="looked into"):
        parse(None, "x" * MAX_ARGUMENTS)


def test_file_with_too_many_parameters_is_refused_before_any_is_looked_at() -> None:
    many = [("nonsense", "1")] * MAX_PARAMS
    assert len(problems(xml(*many))) == 1
    assert problems(xml(*many, ("capture-id", "x"))) == ["fs_hepipe.conf: has more than 10000 <param>"]


def test_file_with_a_document_type_is_refused_before_its_entities_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ET, "fromstring", refuse_to_run)
    (problem,) = problems('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + xml(("node-name", "&b;")))
    assert problem.startswith("fs_hepipe.conf: has a document type")


def test_more_collectors_than_can_be_served_are_one_problem() -> None:
    servers = [("capture-server", f"udp:homer{number}:9060") for number in range(MAX_COLLECTORS + 1)]
    assert len(parse(xml(*servers[:-1])).collectors) == MAX_COLLECTORS
    assert problems(xml(*servers)) == ["capture-server: is given 65 times, 64 are the most"]


def test_parameter_given_too_often_is_not_parsed_once() -> None:
    def counted(text: str) -> Address:
        parsed.append(text)
        return address(text)

    parsed: list[str] = []
    found = config_module._BY_NAME["capture-server"]._replace(parse=counted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(config_module._BY_NAME, "capture-server", found)
        parse(xml(("capture-server", "udp:one:1"), ("capture-server", "udp:two:2")))
        assert parsed == ["udp:one:1", "udp:two:2"]
        assert len(problems(xml(*[("capture-server", "udp:one:1")] * MAX_PARAMS))) == 1
    assert parsed == ["udp:one:1", "udp:two:2"]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (xml(*[(f"nonsense-{number}", "x") for number in range(100)]), ""),
        (None, " ".join(f"word-{number}" for number in range(100))),
        (None, " ".join(f"nonsense-{number}=x" for number in range(100))),
        ('<configuration name="fs_hepipe.conf">' + "<param/>" * 100 + "</configuration>", ""),
    ],
)
def test_problems_are_as_many_as_a_person_reads(text: Optional[str], arguments: str) -> None:
    found = problems(text, arguments)
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1] == "fs_hepipe.conf: and 80 more problems"


def test_problems_and_warnings_are_short_however_long_the_text() -> None:
    long = "x" * 60_000
    for arguments in (long, f"{long}=1", f"capture-id={long}", f"capture-server={long}", f"call-events={long}"):
        assert all(len(problem) < 300 for problem in problems(None, arguments))
    assert len(parse(None, f"call-events={long[:MAX_VALUE]}").warnings[0]) < 300


@pytest.mark.parametrize("name", [parameter.name for parameter in PARAMETERS])
def test_value_that_is_too_long_is_refused(name: str) -> None:
    (problem,) = problems(xml((name, "," * (MAX_VALUE + 1))))
    assert problem.endswith(" has 10001 characters, 10000 are the most")


def test_more_events_than_the_switch_binds_are_refused() -> None:
    events = [f"x::{number}" for number in range(MAX_EVENTS + 1)]
    assert len(parse(None, f"custom-events={','.join(events[:-1])}").settings.custom_events) == MAX_EVENTS
    (problem,) = problems(None, f"custom-events={','.join(events)}")
    assert problem.endswith(" names 95 events, 94 are the most")


def test_elements_a_hundred_thousand_deep_are_no_harm() -> None:
    deep = 100_000
    (problem,) = problems("<a>" * deep + "</a>" * deep)
    assert "has no <configuration" in problem


# --- the password ----------------------------------------------------------------------------------------------------

SECRET = "ЖЩЮ"
"""No character of it is in anything that we say ourselves."""


def shown(text: Optional[str], arguments: str = "") -> str:
    """All that anybody gets to see of a configuration."""
    config, found = examine(text, arguments)
    return "\n".join([*found, *config.warnings, repr(config), str(ConfigError(found)), repr(ConfigError(found))])


@pytest.mark.parametrize(
    "arguments",
    [
        f" capture-password {SECRET} a=b ",
        f"' capture-password {SECRET} a=b '",
        f"capture-id=7,capture-password={SECRET}",
        f"node-name=edge,capture-password={SECRET}",
        f"node-name='edge capture_password={SECRET}'",
        f"custom-events=x::y,capture-password={SECRET}",
        f"call-events=DTMF,Capture-Password={SECRET}",
        f"call-events='DTMF password {SECRET}'",
        f"capture-server=udp:homer:9060,CAPTURE_PASSWORD={SECRET}",
        f"capture-password=x capture-server={SECRET}:homer:9060",
        f"capture-password=x capture-server=udp:{SECRET}/:9060",
        f"capture-password=x capture-server=udp:[{SECRET}]:9060",
        f"capture-password=my {SECRET}=x",
        f"capture-password=my {SECRET}",
        f"Capture_Password={SECRET}",
        f'capture-pass"word {SECRET}"',
        f"capture-pass'word' {SECRET}",
        f"capture-password={SECRET} capture-password={SECRET}",
        f'capture-password="{SECRET}',
        f"capture-password='{SECRET}\"'",
        f"{SECRET}=capture-password",
        f"capture-pass {SECRET} a=b",
        f"capture-pwd={SECRET} {SECRET}",
        f"secret={SECRET} {SECRET}",
        f"pass_word {SECRET}",
        f"pass\u200bword {SECRET}",
        f"capture-\uff50\uff41\uff53\uff53word {SECRET}",
        f"p a s s w o r d {SECRET}",
        f"node-name='capture password {SECRET}'",
        f"node-name='capturePassword:{SECRET}'",
        f"custom-events=capture.password.{SECRET}",
        f"call-events='DTMF,capture password,{SECRET}'",
    ],
)
def test_password_in_the_arguments_is_not_shown(arguments: str) -> None:
    assert not set(SECRET) & set(shown(None, arguments))


@pytest.mark.parametrize(
    "params",
    [
        f'<param name="capture-id" value="7 capture-password={SECRET}"/>',
        f'<param name="node-name" value="edge capture-password={SECRET}"/>',
        f'<param name="node-name" value="edge capture&#45;password={SECRET}"/>',
        f'<param name="node-name" value="edge capture&#95;password={SECRET}"/>',
        f'<param name="capture-id" value="&lt;param name=&quot;CAPTURE-PASSWORD&quot; value=&quot;{SECRET}"/>',
        f'<param name="Capture_Password" value="{SECRET}"/>',
        f'<param name="capture-password {SECRET}" value=""/>',
        f'<param name="capture-password={SECRET}" value=""/>',
        f'<param name="{SECRET}" value="capture-password"/>',
        f'<param name="capture-password" value="{SECRET}&quot;"/>',
        f'<param name="capture-password" value="{SECRET}"/><param name="capture-password" value="{SECRET}"/>',
        f'<param name="capture-password" text="{SECRET}"/>',
        f'<param name="capture-password" value="{SECRET}>',
        f'<param name="capture-password" value={SECRET}/>',
        f'<param name="capture-password" value="&{SECRET};"/>',
        f'<param name="capture-password" {SECRET}:value="x"/>',
        f'<{SECRET}><param name="capture-password" value="x"/>',
        f'<param name="capture-password" value="{SECRET}\udce9"/>',
        f'<param name="capture-password" value="{SECRET}"/><param name="capture-id" value="{SECRET}"/>',
        f'<param name="capture-password" value="{SECRET}"/><param name="{SECRET}" value="1"/>',
        f'<param name="capture-password" value="{SECRET}"/><param name="call-events" value="{SECRET}"/>',
        f'<param name="capture-password" value="" text="{SECRET}"/><param name="capture-id" value="{SECRET}"/>',
        f'<param name="capture-password"/><param name="capture-id" value="{SECRET}"/>',
        f'<param value="{SECRET}" name="capture-password"/><param name="capture-id" value="{SECRET}"/>',
        f'<capture-password>{SECRET}</capture-password><param name="capture-id" value="{SECRET}"/>',
        f'<param name="capture-p&#97;ssword" value="{SECRET}"/><param name="capture-id" value="{SECRET}"/>',
        f'<param name="node-name" value="capture password {SECRET}"/>',
        f'<param name="capture-pwd" value="{SECRET}"/><param name="capture-id" value="{SECRET}"/>',
    ],
)
def test_password_in_the_file_is_not_shown(params: str) -> None:
    text = f'<configuration name="fs_hepipe.conf">{params}</configuration>'
    assert not set(SECRET) & set(shown(text))


def test_value_with_the_passwords_name_in_it_is_refused_and_why() -> None:
    complaint = "has capture-password in it: a quote or a blank is missing"
    assert problems(None, f"node-name=edge,Capture_Password={SECRET}") == [f"node-name: {complaint}"]
    assert problems(xml(("capture-id", f"7 capture-password={SECRET}"))) == [f"capture-id: {complaint}"]


def test_problems_beside_the_password_name_their_parameter_all_the_same() -> None:
    assert problems(None, "capture-password=x capture-id=many sum=1 stray call-events=NO,DTMF") == [
        "arguments: a word is not name=value",
        "capture-id: is not a whole number from 0 to 4294967295",
        "arguments: has a parameter that there is not (not repeated: it may be part of the password)",
    ]
    assert problems(None, "Capture_Password=x") == ["capture-password: is spelled with small letters and hyphens"]
    assert parse(None, "capture-password=x call-events=NO,DTMF").warnings == (
        "call-events: 1 of them can't be logged and is left out",
    )


def test_file_with_a_password_has_none_of_its_values_repeated() -> None:
    text = xml(("capture-password", SECRET), ("capture-id", "many"), ("sum", "1"))
    assert problems(text) == [
        "capture-id: is not a whole number from 0 to 4294967295",
        f"{CONFIGURATION}: has a parameter that there is not (not repeated: it may be part of the password)",
    ]


@pytest.mark.parametrize("comment", ["", "<!-- capture-password: our password -->"])
def test_file_without_a_password_has_its_values_repeated(comment: str) -> None:
    text = xml(("capture-password", ""), ("capture-id", "many"), ("sum", "1"))
    text = text.replace("</configuration>", f"{comment}</configuration>")
    assert problems(text) == [
        "capture-id: 'many' is not a whole number from 0 to 4294967295",
        "sum: there is no such parameter",
    ]


def test_the_delivered_file_with_an_error_has_its_values_repeated() -> None:
    delivered = (CONF / "fs_hepipe.conf.xml").read_text(encoding="utf-8")
    assert problems(delivered.replace('value="2001"', 'value="many"')) == [
        "capture-id: 'many' is not a whole number from 0 to 4294967295"
    ]


secrets = st.text("ЖЩЮЯ", min_size=1, max_size=8)
spelled = st.sampled_from(["capture-password", "Capture-Password", "CAPTURE_PASSWORD", "capture_password"])
between = st.sampled_from(["=", " ", " = ", ": ", "='", '="', "=\\", "=my ", ",", '" value="', "' value='", "=x "])
pieces = [*"""'"\\ ,=<>/&;:x1\n""", *(f" {each.name}=" for each in PARAMETERS)]
noise = st.lists(st.sampled_from(pieces), max_size=12).map("".join)


@st.composite
def around_a_secret(draw: st.DrawFn) -> str:
    parts = [noise, spelled, between, secrets, noise]
    return "".join(draw(part) for part in parts)


@given(around_a_secret())
def test_secret_behind_its_name_is_shown_by_no_arguments(arguments: str) -> None:
    assert not set("ЖЩЮЯ") & set(shown(None, arguments))


@given(around_a_secret(), st.sampled_from([parameter.name for parameter in PARAMETERS]) | noise, st.booleans())
def test_secret_behind_its_name_is_shown_by_no_file(text: str, name: str, escaped: bool) -> None:
    if escaped:
        assert not set("ЖЩЮЯ") & set(shown(xml((name, text))))
        assert not set("ЖЩЮЯ") & set(shown(xml((text, name))))
    else:
        assert not set("ЖЩЮЯ") & set(shown(f'<configuration><param name="{name}" value="{text}"/></configuration>'))
        assert not set("ЖЩЮЯ") & set(shown(f"<configuration>{text}</configuration>"))


@given(secrets, noise)
def test_secret_in_its_place_is_shown_by_nothing_that_stands_beside_it(secret: str, beside: str) -> None:
    assert not set(secret) & set(shown(xml(("capture-password", secret), ("node-name", beside))))
    assert not set(secret) & set(shown(None, f"capture-password={secret} {beside}"))


@pytest.mark.parametrize("end", ["/>", " />", "></param>", ">\n</param>"])
def test_an_empty_password_as_the_switch_writes_it_hides_nothing(end: str) -> None:
    """switch_xml.c:switch_xml_toxml_r closes every element by a tag of its own."""
    given = f'<settings><param name="capture-password" value=""{end}<param name="qos-type" value="36"{end}</settings>'
    _, problems = examine(f'<configuration name="fs_hepipe.conf">{given}</configuration>')
    assert problems == ["qos-type: '36' is not a list of 32, 34, 35, 99"]
