"""
fs_hepipe.conf.xml and the startup-script's arguments -> Config, or a ConfigError with its problems.

Rules:
1. An argument `name=value` of the startup-script overrides the same parameter of the XML; the first one of a parameter
   that may be given several times replaces them all.
2. Everything is checked before anything is used, and how much there is of it before anything else.
3. An event name that we don't know is a warning and is left out; anything else that is wrong is a problem.
4. The password is in no problem, warning or repr. A missing or stray quote or comma makes it part of a word before or
   behind its name, or puts it into another parameter. So nothing is repeated of arguments that have the word password
   anywhere, nor of an XML that has it anywhere but in an empty `capture-password`; and another parameter's value that
   has that name in it is refused.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, Optional
from xml.etree import ElementTree  # noqa: ICN001
from xml.parsers.expat import ErrorString

from fs_hepipe.agent.scrape import Listening, listening
from fs_hepipe.delivery.group import Destination, all_addresses, destination
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.words import names
from fs_hepipe.words.errors import ConfigError
from fs_hepipe.words.parameters import Parameter, one_of, parameter, parameters, repeated, whole
from fs_hepipe.words.settings import LOG_LEVELS, Settings
from fs_hepipe.words.text import shown

CONFIGURATION = "fs_hepipe.conf"
"""The name FreeSWITCH knows the configuration by."""

MAX_QUEUE = 100_000
"""SWITCH_CORE_QUEUE_LEN of switch_types.h: the switch's own event queue is no longer."""

MAX_COLLECTORS = 64
"""Every message goes to each of them, one after the other and in the one thread, and each has a socket of its own."""

MAX_XML = 1_000_000
"""Characters; the file that is installed has 5,000."""

MAX_PARAMS = 10_000
"""`<param>` elements."""

MAX_ARGUMENTS = 65_536
"""Characters."""

MAX_VALUE = 10_000
"""Characters of one value; the longest that makes sense is a list of 94 event names."""

MAX_PROBLEMS = 20
"""Problems that are told one by one: what a screen holds."""

MAX_REPEATED = 120
"""Characters of an operator's own text in a problem."""


@dataclass(frozen=True)
class Config:
    """All that the agent runs by."""

    collectors: tuple[Destination, ...] = repeated(
        "udp:127.0.0.1:9060", destination,
        "where messages go, `udp:host:port`, `tcp:host:port` or "
        "`tls:host:port[;verify=no][;ca=FILE][;cert=FILE;key=FILE][;name=NAME]`, an IPv6 address in brackets; several "
        "with bars between them: the first that works; `by=call-id A, B`: each call to one of them; given several "
        "times: each gets every message",
        name="capture-server", most=MAX_COLLECTORS,
    )  # fmt: skip
    delivery: Delivery = field(default_factory=Delivery)
    settings: Settings = field(default_factory=Settings)
    event_queue_length: int = parameter(
        "5000", whole(10, MAX_QUEUE),
        "events that wait in the switch before the newest are dropped; changes at the next restart",
    )  # fmt: skip
    metrics_listen: Optional[Listening] = parameter(
        "", listening,
        "address and port where Prometheus asks for the metrics by HTTP, as `127.0.0.1:9064`; whoever can reach it "
        "may; empty: nowhere",
    )  # fmt: skip
    log_level: str = parameter(
        "info", one_of(LOG_LEVELS), f"the least that goes to the switch's log, of `{'`, `'.join(LOG_LEVELS)}`"
    )
    warnings: tuple[str, ...] = ()
    """What was left out, one line each."""

    @property
    def cautions(self) -> tuple[str, ...]:
        """What is not safe, one line each: told once, when the configuration is used."""
        everyone = all_addresses(self.collectors)
        unsafe = [str(each) for each in everyone if each.transport != "tls" and not each.is_here]
        unchecked = [str(each) for each in everyone if not each.tls.verify]
        found = []
        if self.settings.capture_password is not None and unsafe:
            found.append(f"capture-password: goes over the network in clear text to {', '.join(unsafe)}: use tls:")
        if unchecked:
            found.append(f"capture-server: {', '.join(unchecked)} may be anybody: its certificate is not checked")
        return tuple(found)


_no_letter = re.compile(r"[\W_]+").sub
_named_secret = re.compile("pass|pwd|secret").search
_comments = re.compile(r"<!--.*?-->", re.DOTALL).sub
_empty_password = re.compile(r"""<param\s+name=(["'])capture-password\1\s+value=(["'])\2\s*(?:/>|>\s*</param>)""").sub

PARAMETERS = tuple(parameters(Config))

_BY_NAME = {each.name: each for each in PARAMETERS}
_SECRETS = tuple(each.name for each in PARAMETERS if each.secret)
_GROUPS = {"delivery": Delivery, "settings": Settings}
"""The fields of Config that have parameters of their own."""


def parse(xml: Optional[str], arguments: str = "") -> Config:
    """
    The configuration of an XML text (None: there is none, the defaults hold) and the startup-script's arguments.

    Raises:
        ConfigError: with its problems, each naming its parameter.
    """
    config, problems = examine(xml, arguments)
    if problems:
        raise ConfigError(problems)
    return config


def examine(xml: Optional[str], arguments: str = "") -> tuple[Config, list[str]]:
    """What `parse` would make of it, and the problems that would keep it from that; what has one is at its default."""
    problems = _Problems()
    file = _from_xml(xml, problems) if xml is not None else _Given(CONFIGURATION)
    line = _from_arguments(arguments, problems)
    overridden = {name for name, _ in line.pairs}
    file = file._replace(pairs=[pair for pair in file.pairs if pair[0] not in overridden])
    values: dict[str, Any] = {}
    warnings: list[str] = []
    for given in (file, line):
        for name, texts in _grouped(given.pairs).items():
            found = _BY_NAME.get(name)
            if found is None:
                problems.add(_unknown(name, given))
                continue
            good = _values(found, texts, given, problems)
            if good:
                values[found.attribute] = tuple(good) if found.most > 1 else good[0]
            if good and found.attribute == "call_events":
                values[found.attribute] = _loggable(good[0], given, warnings)
    for group, kind in _GROUPS.items():
        own = {each.attribute for each in parameters(kind)} & set(values)
        values[group] = kind(**{attribute: values.pop(attribute) for attribute in own})
    return Config(warnings=tuple(warnings), **values), problems.lines()


class _Problems:
    """What is wrong, as many as a person reads."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._more = 0

    def add(self, problem: str) -> None:
        if len(self._told) < MAX_PROBLEMS:
            self._told.append(problem)
        else:
            self._more += 1

    def lines(self) -> list[str]:
        return [*self._told, f"{CONFIGURATION}: and {self._more} more problems"] if self._more else self._told


class _Given(NamedTuple):
    """What was written in one place: in the XML, or in the arguments."""

    where: str
    pairs: Sequence[tuple[str, str]] = ()
    """Names and values, in their order."""
    repeatable: bool = True
    """Whether a problem may repeat what was written: the password is surely not in it."""


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Name -> its values."""
    groups: dict[str, list[str]] = {}
    for name, text in pairs:
        groups.setdefault(name, []).append(text)
    return groups


def _values(found: Parameter, texts: list[str], given: _Given, problems: _Problems) -> list[Any]:
    """The values of a parameter that can be used."""
    if len(texts) > found.most:
        times = f"{len(texts)} times, {found.most} are the most" if found.most > 1 else "more than once"
        problems.add(f"{found.name}: is given {times}")
        return []
    good: dict[Any, None] = {}
    for text in texts:
        repeated = f" {text[:MAX_REPEATED]!r:.{MAX_REPEATED}}" if given.repeatable and not found.secret else ""
        try:
            value = _value(found, text)
        except ValueError as error:
            problems.add(f"{found.name}:{repeated} {error}")
            continue
        if value in good:
            problems.add(f"{found.name}:{repeated} is given twice")
        good[value] = None
    return list(good)


def _value(found: Parameter, text: str) -> Any:
    if len(text) > MAX_VALUE:
        raise ValueError(f"has {len(text)} characters, {MAX_VALUE} are the most")
    inside = None if found.secret else _secret_in(text)
    if inside:
        raise ValueError(f"has {inside} in it: a quote or a blank is missing")
    return found.parse(text)


def names_secret(text: str) -> bool:
    """Whether a text names a secret, so that nothing of it must be shown."""
    return not _may_repeat(text)


def _secret_in(text: str) -> Optional[str]:
    """The secret parameter whose name is in the text, however it is spelled."""
    plain = _letters(text)
    return next((name for name in _SECRETS if _letters(name) in plain), None)


def _may_repeat(*texts: str) -> bool:
    """Whether no secret is named in any of the texts, however it is spelled or abbreviated."""
    return not any(_named_secret(_letters(text)) for text in texts)


def _letters(text: str) -> str:
    """What a person reads of it: small letters and digits."""
    return _no_letter("", text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()


def _unknown(name: str, given: _Given) -> str:
    """The problem of a name that is no parameter's."""
    if given.repeatable:
        return f"{shown(name, MAX_REPEATED)}: there is no such parameter"
    meant = name.casefold().replace("_", "-")
    if meant in _SECRETS:
        return f"{meant}: is spelled with small letters and hyphens"
    return f"{given.where}: has a parameter that there is not (not repeated: it may be part of the password)"


def _loggable(events: tuple[str, ...], given: _Given, warnings: list[str]) -> tuple[str, ...]:
    """The events that can be logged, and a warning about the others."""
    unknown = [event for event in events if event not in names.LOGGABLE]
    if unknown:
        which = f"{len(unknown)} of them"
        if given.repeatable:
            which = ", ".join(repr(event[:MAX_REPEATED]) for event in unknown)
        warnings.append(f"call-events: {which} can't be logged and is left out")
    return tuple(event for event in events if event in names.LOGGABLE)


def _from_xml(xml: str, problems: _Problems) -> _Given:
    """The `<param name="…" value="…"/>` of the configuration element, wherever it is in the text."""
    nothing = _Given(CONFIGURATION)
    if len(xml) > MAX_XML:
        problems.add(f"{CONFIGURATION}: has more than {MAX_XML} characters")
        return nothing
    if "<!DOCTYPE" in xml:  # a few of its entities can be any amount of text
        problems.add(f"{CONFIGURATION}: has a document type (<!DOCTYPE), which no configuration needs")
        return nothing
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:  # its own text may repeat what was written
        line, column = error.position
        problems.add(f"{CONFIGURATION}: is not XML: {ErrorString(error.code)}: line {line}, column {column}")
        return nothing
    except ValueError:
        problems.add(f"{CONFIGURATION}: is not XML: it is not valid UTF-8")
        return nothing
    element = root if root.tag == "configuration" else root.find(f".//configuration[@name='{CONFIGURATION}']")
    if element is None or element.get("name", CONFIGURATION) != CONFIGURATION:
        problems.add(f'{CONFIGURATION}: has no <configuration name="{CONFIGURATION}">')
        return nothing
    params = list(islice(element.iter("param"), MAX_PARAMS + 1))
    if len(params) > MAX_PARAMS:
        problems.add(f"{CONFIGURATION}: has more than {MAX_PARAMS} <param>")
        return nothing
    pairs: list[tuple[str, str]] = []
    for param in params:
        name, value = param.get("name"), param.get("value")
        if name is None or value is None:
            problems.add(f"{CONFIGURATION}: a <param> without name or value")
        else:
            pairs.append((name.strip(), value.strip()))
    written = (text for pair in pairs if pair[0] not in _SECRETS or pair[1] for text in pair)
    return _Given(CONFIGURATION, pairs, _may_repeat(_empty_password("", _comments("", xml)), *written))


def _from_arguments(arguments: str, problems: _Problems) -> _Given:
    """`name=value` words; a value with blanks is quoted as in a shell."""
    where = "arguments"
    if len(arguments) > MAX_ARGUMENTS:
        problems.add(f"{where}: more than {MAX_ARGUMENTS} characters")
        return _Given(where)
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        problems.add(f"{where}: {error}")
        return _Given(where)
    repeatable = _may_repeat(arguments, "".join(words))
    pairs: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            pairs.append((name, value))
        else:
            which = f"{word[:MAX_REPEATED]!r:.{MAX_REPEATED}}" if repeatable else "a word"
            problems.add(f"{where}: {which} is not name=value")
    return _Given(where, pairs, repeatable)
