"""
SIP profiles and gateways -> our own address, by transport.

No event of a registration or a gateway says at which of the switch's addresses it came in, and none of a call over TLS
or WebSocket at which port. The switch tells it (`sofia xmlstatus`); of UDP and TCP, the URL of the profile in any call.

Rules:
1. Pure: who asks the switch takes the questions (`take_questions`) and brings the answers (`learn`).
2. A question is asked once; again after `AGE` seconds, if it is still of use.
3. Bounded: beyond `MAX_KEPT` names nothing is asked.
4. What is not known is None. A profile that listens on several ports, and an event that does not say which transport,
   give the address with port 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple, Optional

from fs_hepipe.calls.contact import TRANSPORTS, read_contact
from fs_hepipe.calls.endpoint import UNSPECIFIED, Endpoint, endpoint

AGE = 300.0
"""Seconds: a profile that was started anew may have other ports."""

MAX_KEPT = 4096
"""Profiles and gateways, 400 octets each."""

MAX_NAME = 256
"""Characters of a name."""

MAX_ANSWER = 8_000_000
"""Characters of an answer; a switch with 10,000 gateways lists them in 2,000,000."""

_row = re.compile(
    r"<profile>\s*<name>([^<]*)</name>\s*<type>profile</type>\s*<data>sips?:[^<@]*@(\[[^\]<]*\]|[^:<]*):(\d{1,5})[^<]*</data>"
    r"\s*<state>[^<]*?(?:\((TLS|WS|WSS)\))?</state>"
).finditer
_name = re.compile(r"[^\s'\"\\]+").fullmatch
_contact = re.compile(r"<contact>([^<]*)</contact>").search
_url = re.compile(r"[^@]*@(\[[^\]]*\]|[^:]*):(\d{1,5})").match


class Question(NamedTuple):
    """What the switch can be asked."""

    kind: str
    """`profile` or `gateway`."""
    name: str

    @property
    def words(self) -> str:
        """What follows `sofia xmlstatus`: all profiles are told at once, without a look into a database."""
        return "" if self.kind == "profile" else f"gateway {self.name}"


EVERY_PROFILE = Question("profile", "")
"""For an agent that begins: before any event has named one."""


class Addresses(NamedTuple):
    """Our own addresses of a profile, or the one of a gateway, by transport."""

    by_transport: Mapping[str, Endpoint]
    asked: float
    """When it was asked."""


class Profiles:
    """What is known of the profiles and gateways of a switch."""

    def __init__(self) -> None:
        self.can_be_asked = False
        """Whether somebody takes the questions."""
        self._known: dict[Question, Addresses] = {}
        self._told: dict[str, tuple[str, Optional[Endpoint]]] = {}  # by name: URL and address, as calls tell them
        self._urls: frozenset[str] = frozenset()
        self.questions: dict[Question, None] = {}
        """What the switch is to be asked."""

    def tell(self, name: Optional[str], url: str) -> None:
        """A call of a profile has told the profile's URL."""
        if not name or (name not in self._told and len(self._told) >= MAX_KEPT):
            return
        before = self._told.get(name)
        if before is not None:
            if before[0] == url:  # as nearly every event of a call tells it
                return
            self._known.pop(Question("profile", name), None)  # it was started anew
        self._told[name] = url, read_url(url)
        self._urls = frozenset(url for url, _ in self._told.values())

    def knows_url(self, url: str) -> bool:
        """Whether a call has told this URL."""
        return url in self._urls

    def local(self, name: Optional[str], transport: Optional[str], now: float) -> Optional[Endpoint]:
        """Our own address of a profile; `transport` is None where it is not known."""
        if not name:
            return None
        known = self._ask(Question("profile", name), now)
        _, told = self._told.get(name, ("", None))
        if known:
            if transport is not None:
                return known.get(transport)
            ends = {*known.values()}
            first = known.get("udp") or min(ends)
            return first if len(ends) == 1 else Endpoint(first.ip, 0)
        if told is None or transport in {"udp", "tcp"}:
            return told
        return Endpoint(told.ip, 0) if transport is None else None

    def gateway(self, name: str, now: float) -> tuple[Optional[str], Optional[Endpoint]]:
        """The transport of a gateway, and the address from which we register there."""
        known = self._ask(Question("gateway", name), now)
        return next(iter(known.items()), (None, None))

    def awaits(self, kind: str, name: Optional[str]) -> bool:
        """Whether the first answer about it is still to come."""
        question = Question(kind, name or "")
        return question in self.questions and question not in self._known

    def take_questions(self, most: int) -> list[Question]:
        """The questions to be asked now; each has to be answered with `learn`."""
        questions = list(self.questions)[:most]
        if any(question.kind == "profile" for question in questions):  # one answer is for all of them
            questions = [question for question in questions if question.kind == "gateway"]
            questions.append(next(question for question in self.questions if question.kind == "profile"))
        return questions

    def learn(self, question: Question, answer: str, now: float) -> None:
        """What the switch answered; a text that tells nothing is an answer too."""
        answer = answer[:MAX_ANSWER]
        if question.kind == "gateway":
            self.questions.pop(question, None)
            self._known[question] = Addresses(_read_gateway(answer), now)
            return
        found: dict[str, dict[str, Endpoint]] = {}
        for name, host, port, kind in (row.groups() for row in _row(answer)):
            address = endpoint(host, port)
            if address is None:
                continue
            by_transport = found.setdefault(unescape(name), {})
            for transport in (kind.lower(),) if kind else ("udp", "tcp", "sctp"):
                by_transport[transport] = address
        for by_transport in found.values():
            sip = by_transport.get("udp") or by_transport.get("tls")
            for transport, address in by_transport.items():  # a WebSocket may be bound to all addresses
                if sip is not None and address.ip in UNSPECIFIED:
                    by_transport[transport] = Endpoint(sip.ip, address.port)
        asked = [other for other in self.questions if other.kind == "profile"]
        for other in [question, *asked, *(Question("profile", name) for name in found)]:
            self.questions.pop(other, None)
            if other != EVERY_PROFILE and (other in self._known or len(self._known) < MAX_KEPT):
                self._known[other] = Addresses(found.get(other.name, {}), now)

    def _ask(self, question: Question, now: float) -> Mapping[str, Endpoint]:
        """What is known of it; the question is noted if it is new or old."""
        known = self._known.get(question)
        is_new = known is None and len(self._known) + len(self.questions) < MAX_KEPT
        if (
            self.can_be_asked
            and (is_new or (known is not None and now - known.asked >= AGE))
            and len(question.name) <= MAX_NAME
            and _name(question.name)
        ):
            self.questions[question] = None
        return known.by_transport if known is not None else {}


def read_url(url: str) -> Optional[Endpoint]:
    """The address of `sip:mod_sofia@192.0.2.1:5060`."""
    found = _url(url)
    return None if found is None else endpoint(found[1], found[2])


def _read_gateway(answer: str) -> dict[str, Endpoint]:
    """
    Our side of a gateway by its transport, from the contact that it registers. Over TCP we connect from any port: only
    over UDP it is the profile's (sofia.c:parse_gateways).
    """
    found = _contact(answer)
    if found is None:
        return {}
    transport, local = read_contact(unescape(found[1]))
    if transport not in TRANSPORTS or local is None:
        return {}
    return {transport: local if transport == "udp" else Endpoint(local.ip, 0)}
