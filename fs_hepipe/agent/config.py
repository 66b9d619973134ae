"""
fs_hepipe.conf.xml and the startup-script's arguments -> Config, or a ConfigError with every problem in it.

Rules:
1. An argument `name=value` of the startup-script overrides the same parameter of the XML; the first one of a parameter
   that may be given several times replaces them all.
2. Everything is checked before anything is used.
3. An event name that we don't know is a warning and is left out; anything else that is wrong is a problem.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Callable, NamedTuple, Optional
from xml.etree import ElementTree  # noqa: ICN001

from fs_hepipe.words import names
from fs_hepipe.words.errors import ConfigError
from fs_hepipe.words.settings import CALL_LOG_FORMATS, CORRELATIONS, JITTER_UNITS, QOS_TYPES, Settings

CONFIGURATION = "fs_hepipe.conf"
"""The name FreeSWITCH knows the configuration by."""

LOG_LEVELS = ("debug", "info", "notice", "warning", "err", "crit", "alert")
"""FreeSWITCH's, the chattiest first."""

MAX_QUEUE = 100_000
"""SWITCH_CORE_QUEUE_LEN of switch_types.h: the switch's own event queue is no longer."""

MAX_LEGS = 1_000_000
MAX_PORT = 65_535
MAX_UINT32 = 0xFFFFFFFF
MAX_TEXT = 255
"""Characters of node name and password."""


class Address(NamedTuple):
    """Where a collector listens."""

    host: str
    """A name or an IP address, without brackets."""
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"udp:{host}:{self.port}"


@dataclass(frozen=True)
class Config:
    """All that the agent runs by."""

    settings: Settings = field(default_factory=Settings)
    collectors: tuple[Address, ...] = (Address("127.0.0.1", 9060),)
    event_queue_length: int = 5000
    """Events that FreeSWITCH keeps for us before it drops the newest."""
    log_level: str = "info"
    warnings: tuple[str, ...] = ()
    """What was left out, one line each."""


# --- one parser per kind of value: text -> value, or ValueError whose text is what an operator should read ---


def _switch(text: str) -> bool:
    """FreeSWITCH's notion of true (switch_utils.h:switch_true), but what is neither is an error."""
    word = text.strip().lower()
    if word in {"yes", "on", "true", "t", "enabled", "active", "allow", "1"}:
        return True
    if word in {"no", "off", "false", "f", "disabled", "inactive", "deny", "0"}:
        return False
    raise ValueError("is neither yes nor no")


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is none of {', '.join(choices)}")
        return text

    return parse


def _word(text: str) -> Optional[str]:
    """Text that collectors write into JSON without escaping it (heplify-server database/header.go); empty is none."""
    if any(char in '"\\' or not char.isprintable() for char in text):
        raise ValueError('has a ", a \\ or a control character in it, which would break the rows of a collector')
    if len(text) > MAX_TEXT:
        raise ValueError(f"has {len(text)} characters, {MAX_TEXT} are the most")
    return text or None


def _list(text: str) -> tuple[str, ...]:
    """Words between commas or blanks, each once, in their order."""
    words = tuple(dict.fromkeys(word for word in re.split(r"[,\s]+", text) if word))
    if not all(word.isprintable() for word in words):
        raise ValueError("has a control character or invalid UTF-8 in it")
    return words


def _qos_types(text: str) -> tuple[int, ...]:
    words = _list(text)
    allowed = [str(number) for number in QOS_TYPES]
    if not words or any(word not in allowed for word in words):
        raise ValueError(f"is not a list of {', '.join(allowed)}")
    return tuple(int(word) for word in words)


def address(text: str) -> Address:
    """
    A collector, `udp:host:port` or `udp:[v6]:port`.

    Raises:
        ValueError: it is none; the text says why.
    """
    host = r"(?:\[(?P<v6>[0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|(?P<host>[^:\[\]\s;/]+))"
    found = re.fullmatch(rf"(?P<transport>[a-z]+):{host}:(?P<port>[0-9]{{1,5}})", text)
    if found is None or not text.isprintable():
        raise ValueError("is not udp:host:port or udp:[v6]:port")
    if found["transport"] != "udp":
        raise ValueError(f"asks for {found['transport']}: udp is what there is")
    port = int(found["port"])
    if not 0 < port <= MAX_PORT:
        raise ValueError(f"has no port from 1 to {MAX_PORT}")
    host = found["v6"] or found["host"]
    if found["v6"] or re.fullmatch(r"[0-9.]+", host):
        try:
            ip_address(host.partition("%")[0])
        except ValueError:
            raise ValueError(f"{host} is no IP address") from None
    return Address(host, port)


class Parameter(NamedTuple):
    """One parameter of the configuration."""

    name: str
    parse: Callable[[str], Any]
    default: str
    """As it would be written in the XML."""
    attribute: str
    """Of Config, or of Config.settings."""
    several: bool = False
    """Whether it may be given more than once."""


# fmt: off
PARAMETERS = (
    Parameter("capture-server",       address,                  "udp:127.0.0.1:9060", "collectors", several=True),
    Parameter("capture-id",           _whole(0, MAX_UINT32),    "2001",               "capture_id"),
    Parameter("capture-password",     _word,                    "",                   "capture_password"),
    Parameter("node-name",            _word,                    "",                   "node_name"),
    Parameter("report-call-events",   _switch,                  "yes",                "report_call_events"),
    Parameter("report-rtcp-events",   _switch,                  "yes",                "report_rtcp_events"),
    Parameter("report-qos-events",    _switch,                  "yes",                "report_qos_events"),
    Parameter("report-custom-events", _switch,                  "yes",                "report_custom_events"),
    Parameter("call-events",          _list,                    ",".join(Settings.call_events),   "call_events"),
    Parameter("custom-events",        _list,                    ",".join(Settings.custom_events), "custom_events"),
    Parameter("call-log-format",      _one_of(CALL_LOG_FORMATS), "text",              "call_log_format"),
    Parameter("qos-type",             _qos_types,               "34",                 "qos_type"),
    Parameter("rtcp-jitter-unit",     _one_of(JITTER_UNITS),    "ms",                 "rtcp_jitter_unit"),
    Parameter("correlation",          _one_of(CORRELATIONS),    "own",                "correlation"),
    Parameter("event-queue-length",   _whole(10, MAX_QUEUE),    "5000",               "event_queue_length"),
    Parameter("max-legs",             _whole(1, MAX_LEGS),      "20000",              "max_legs"),
    Parameter("log-level",            _one_of(LOG_LEVELS),      "info",               "log_level"),
)
# fmt: on

_BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
_SECRET = "capture-password"  # noqa: S105  the name of it


def parse(xml: Optional[str], arguments: str = "") -> Config:
    """
    The configuration of an XML text (None: there is none, the defaults hold) and the startup-script's arguments.

    Raises:
        ConfigError: with every problem, each naming its parameter.
    """
    config, problems = examine(xml, arguments)
    if problems:
        raise ConfigError(problems)
    return config


def examine(xml: Optional[str], arguments: str = "") -> tuple[Config, list[str]]:
    """What `parse` would make of it, and the problems that would keep it from that; what has one is at its default."""
    problems: list[str] = []
    given = _from_xml(xml, problems) if xml is not None else []
    overrides = _from_arguments(arguments, problems)
    replaced = {name for name, _ in overrides}
    values: dict[str, list[Any]] = {}
    for name, text in [pair for pair in given if pair[0] not in replaced] + overrides:
        parameter = _BY_NAME.get(name)
        if parameter is None:
            problems.append(f"{name}: there is no such parameter")
            continue
        try:
            value = parameter.parse(text)
        except ValueError as error:
            shown = "" if name == _SECRET else f" {text!r:.120}"
            problems.append(f"{name}:{shown} {error}")
            continue
        known = values.setdefault(parameter.attribute, [])
        if known and not parameter.several:
            problems.append(f"{name}: is given twice")
        elif value in known:
            problems.append(f"{name}: {text!r} is given twice")
        known.append(value)
    return _config(values), problems


def _config(values: dict[str, list[Any]]) -> Config:
    warnings: list[str] = []
    own: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for parameter in PARAMETERS:
        known = values.get(parameter.attribute)
        if known:
            fields = own if parameter.attribute in Config.__dataclass_fields__ else settings
            fields[parameter.attribute] = tuple(known) if parameter.several else known[0]
    events = settings.get("call_events", ())
    unknown = [name for name in events if name not in names.LOGGABLE]
    if unknown:
        settings["call_events"] = tuple(name for name in events if name in names.LOGGABLE)
        warnings.append(f"call-events: {', '.join(map(repr, unknown))} can't be logged and is left out")
    return Config(settings=Settings(**settings), warnings=tuple(warnings), **own)


def _from_xml(xml: str, problems: list[str]) -> list[tuple[str, str]]:
    """The `<param name="…" value="…"/>` of the configuration element, wherever it is in the text."""
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as error:
        problems.append(f"{CONFIGURATION}: is not XML: {error}")
        return []
    element = root if root.tag == "configuration" else root.find(f".//configuration[@name='{CONFIGURATION}']")
    if element is None or element.get("name", CONFIGURATION) != CONFIGURATION:
        problems.append(f'{CONFIGURATION}: has no <configuration name="{CONFIGURATION}">')
        return []
    pairs: list[tuple[str, str]] = []
    for parameter in element.iter("param"):
        name, value = parameter.get("name"), parameter.get("value")
        if name is None or value is None:
            problems.append(f"{CONFIGURATION}: a <param> without name or value")
        else:
            pairs.append((name.strip(), value.strip()))
    return pairs


def _from_arguments(arguments: str, problems: list[str]) -> list[tuple[str, str]]:
    """`name=value` words; a value with blanks is quoted as in a shell. What may be part of a password is not shown."""
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        problems.append(f"arguments: {error}")
        return []
    pairs: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            pairs.append((name, value))
        else:
            shown = "a word" if "password" in arguments else repr(word)
            problems.append(f"arguments: {shown:.120} is not name=value")
    return pairs
