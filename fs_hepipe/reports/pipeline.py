"""
The heart: an event in, HEP datagrams out. No I/O, no clock, no logging; `now` is an argument (seconds of any clock that
does not go back), what asks FreeSWITCH about a channel and what shows the wall clock are arguments too, and everything
that happened is in `counters`.

The way of an event: its leg learns what it tells -> a mapper makes records of it -> `reports.datagrams` addresses and
encodes them, or lets them wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable, Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.legs import MAX_UNIQUE_ID, Legs, partner
from fs_hepipe.calls.media import VIDEO
from fs_hepipe.calls.profiles import Question
from fs_hepipe.calls.record import Record
from fs_hepipe.calls.registrations import Registrations
from fs_hepipe.calls.waiting import Waiting
from fs_hepipe.reports import rtcp
from fs_hepipe.reports.bindings import LEARNED_FROM
from fs_hepipe.reports.call_log import call_log
from fs_hepipe.reports.custom import NOTIFY_REFER, custom
from fs_hepipe.reports.datagrams import Datagrams
from fs_hepipe.reports.flows import Flows
from fs_hepipe.reports.known_events import is_logged, leg_header
from fs_hepipe.reports.log_line import LogLine
from fs_hepipe.reports.log_lines import LogLines
from fs_hepipe.reports.order import happened
from fs_hepipe.reports.periodic import periodic
from fs_hepipe.reports.polling import Polling
from fs_hepipe.reports.quality import measured, qos
from fs_hepipe.reports.tally import Tally
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.errors import MappingError
from fs_hepipe.words.event import Event, Get
from fs_hepipe.words.numbers import event_time
from fs_hepipe.words.settings import Settings

ENDS = frozenset({names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DESTROY})
"""Events that carry the statistics of a leg's media; the second in case the first was lost."""

MAX_QUESTIONS = 50
"""
To FreeSWITCH about channels, from one `tick` to the next; 0.3 ms each. Reports beyond that carry the addresses that are
known.
"""


class Pipeline:
    """Events to datagrams for one agent."""

    def __init__(
        self,
        settings: Settings,
        counters: Counters,
        ask: Callable[[str], Optional[Event]] = lambda _unique_id: None,
        wall: Callable[[], Optional[float]] = lambda: None,
        measure: Callable[[str], Optional[Event]] = lambda _unique_id: None,
    ) -> None:
        """
        Args:
            ask: returns a channel as an event with its variables (CHANNEL_DATA), None if there is no answer.
            wall: returns the seconds since 1970, by the clock that events happen by; None for what has been recorded.
            measure: as `ask`, after the switch has written down what it counted of the channel's media.
        """
        self.counters = counters
        self.tally = Tally()
        self._ask = ask
        self._wall = wall
        self._questions = MAX_QUESTIONS
        self._waiting = Waiting(counters)
        self.legs = Legs(settings.max_legs, self._waiting)
        self._flows = Flows(settings)
        self._datagrams = Datagrams(settings, counters, self.legs, self._waiting, self._flows)
        self._polling = Polling(counters, self.legs, self._datagrams, measure, self._time)
        self.log_lines = LogLines(counters.log_lines, self.legs, self._datagrams)
        self._settings = settings
        self._logged: frozenset[str] = frozenset()
        self._registrations = Registrations()
        self._last_stamp: Optional[int] = None
        self._masks_digits = True
        self._ways = {
            names.RECV_RTCP_MESSAGE: self._rtcp,
            names.SEND_RTCP_MESSAGE: self._rtcp,
            names.CUSTOM: self._custom,
        }
        """Who handles an event by its name; `_channel` every other one."""
        self.reconfigure(settings)

    @property
    def node_name(self) -> Optional[str]:
        """What our messages call this agent; None until an event has named the switch."""
        return self._flows.node_name

    @property
    def unsent(self) -> list[bytes]:
        """Datagrams that had been built when a fault of ours got out; they leave with the next ones."""
        return self._datagrams.built

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from the next event on; the legs are kept."""
        self._settings = settings
        self._logged = frozenset(settings.call_events if settings.report_call_events else ())
        self._masks_digits = settings.dtmf_digits == "masked"
        self._datagrams.reconfigure(settings)
        self._polling.reconfigure(settings)
        learn_media = settings.report_rtcp_events or settings.report_qos_events
        self.legs.reconfigure(settings.max_legs, learn_media=learn_media)

    def handle(self, event: Event, now: float, name: Optional[str] = None) -> list[bytes]:
        """
        The datagrams that can leave now that this event has come; each event is counted as mapped, ignored or failed.

        Raises nothing of its own. An exception that gets out is a fault of ours; the event is then counted received
        and it is for the caller to count it failed.

        Args:
            name: the event's, where the caller has read it already.
        """
        counters = self.counters
        if name is None:
            name = event.getHeader(names.EVENT_NAME) or ""
        counters.received[name] += 1
        before = counters.recorded
        try:
            reason = self._ways.get(name, self._channel)(event, name, now)
        except MappingError as error:
            outcome, word = counters.failed, error.reason
        else:
            outcome, word = (counters.mapped, name) if counters.recorded > before else (counters.ignored, reason)
        if self.legs.has_old:
            self._datagrams.drop_old(now)
        outcome[word] += 1
        return self._datagrams.take()

    def tick(self, now: float) -> list[bytes]:
        """What leaves or ends by the mere passing of time. `take_faults` gives what went wrong with a leg."""
        self._questions = MAX_QUESTIONS
        self._datagrams.end_due(now)
        self._datagrams.drop_old(now)
        self._polling.tick(now)
        return self._datagrams.take()

    def take_faults(self) -> list[Exception]:
        """What went wrong with legs since it was asked last, one of each kind."""
        return self._datagrams.take_faults()

    def answer(self, question: Question, text: str, now: float) -> list[bytes]:
        """What leaves now that the switch has answered a question about a profile or a gateway."""
        self.legs.profiles.learn(question, text, now)
        self._datagrams.release_apart(now)
        return self._datagrams.take()

    def log(self, lines: Iterable[LogLine], now: float) -> list[bytes]:
        """What leaves of these lines of FreeSWITCH's log, and of those that came too early."""
        self.log_lines.take(lines, self._settings, self._flows.switch_name, now)
        return self._datagrams.take()

    def finish(self) -> list[bytes]:
        """Everything that still waits leaves as it is, or is counted as dropped: the agent stops."""
        self.log_lines.finish()
        self._datagrams.finish()
        return self._datagrams.take()

    # --- events ---

    def _channel(self, event: Event, name: str, now: float) -> str:
        settings = self._settings
        get = event.getHeader
        is_logged = name in self._logged
        if not is_logged and name not in LEARNED_FROM and name != names.CHANNEL_DATA:
            return "not_wanted"
        unique_id = get(names.UNIQUE_ID)
        if not unique_id or len(unique_id) > MAX_UNIQUE_ID:
            return "no_unique_id"
        if name == names.CHANNEL_CREATE or not self._flows.switch_name:
            self._flows.observe_switch(get)
        leg = self.legs.observe(name, unique_id, get, now)
        self._polling.add(leg, now)
        if settings.report_log_lines:
            self.log_lines.learn(name, unique_id, get)
        records: list[Record] = []
        ends = name in ENDS and settings.report_qos_events and not leg.reported
        try:
            if is_logged or ends:
                timestamp = self._time(get)
                if not leg.first_at and settings.report_log_lines:
                    leg.first_at = timestamp
                if is_logged:
                    records.append(self._line(event, name, timestamp, leg))
                if ends:
                    sums_up = settings.qos_interval > 0
                    found = measured(get, leg, self.counters.left_out, conceals=settings.qos_plc, sums_up=sums_up)
                    self.tally.note(get, leg, found)
                    records += qos(found, leg, self._datagrams.correlation(leg), timestamp, settings.qos_type)
                    leg.reported = True
        finally:  # a statistic that is no number must not cost the line, nor leave the leg behind
            if name == names.CHANNEL_DESTROY:
                self.legs.destroy(leg, now)
            self._datagrams.emit(leg, records, now)
        return "only_learned_from"

    def _rtcp(self, event: Event, name: str, now: float) -> str:
        get = event.getHeader
        unique_id = get(names.UNIQUE_ID)
        if not unique_id or len(unique_id) > MAX_UNIQUE_ID:
            return "no_unique_id"
        if not self._flows.switch_name:
            self._flows.observe_switch(get)
        leg = self.legs.get(unique_id, now)
        settings = self._settings
        mapper = rtcp.received if name == names.RECV_RTCP_MESSAGE else rtcp.sent
        try:
            if now >= leg.ask_at:
                self._ask_about(leg, now)
            record = mapper(
                get, leg, settings.rtcp_jitter_unit, self.counters.left_out, settings.rtcp_packets_lost
            )
            if now >= leg.ask_at:  # it told that media have changed
                self._ask_about(leg, now)
            if record is None:
                return "empty_report"
            records = [record] if settings.report_rtcp_events else []
            if settings.report_qos_events and settings.qos_interval:
                records += self._periodic(leg, record)
            if not records:
                return "only_learned_from"
            self._datagrams.emit(leg, records, now)
        finally:
            if leg.channel is None and leg.is_early and leg.held is None:
                self.legs.drop(leg)  # else RTCP that comes after the end of its leg would leave one behind
        return ""

    def _periodic(self, leg: Leg, told: Record) -> list[Record]:
        """The report on the stream that this RTCP told of, if an interval of it has ended."""
        medium = leg.video if told.medium == VIDEO else leg.audio
        if medium is None or told.medium is None:
            return []
        settings = self._settings
        return periodic(
            leg,
            medium,
            settings.qos_interval,
            self._datagrams.correlation(leg),
            settings.qos_type,
            is_received=not told.received,  # by us: what we say is of what we received
            conceals=settings.qos_plc,
        )

    def _ask_about(self, leg: Leg, now: float) -> None:
        """Learns from FreeSWITCH where a leg's media are now, before its RTCP is reported."""
        if leg.destroyed is not None or not self._questions or not self._settings.report_rtcp_events:
            return
        self._questions -= 1
        leg.was_asked(now)
        self._datagrams.each((leg,), lambda leg: self._learn(leg, now))

    def _learn(self, leg: Leg, now: float) -> None:
        answer = self._ask(leg.unique_id)
        if answer is not None:
            self.counters.received[names.CHANNEL_DATA] += 1
            self.counters.ignored["only_learned_from"] += 1
            self.legs.observe(names.CHANNEL_DATA, leg.unique_id, answer.getHeader, now)
            self._datagrams.emit(leg, (), now)

    def _custom(self, event: Event, _name: str, now: float) -> str:
        settings = self._settings
        get = event.getHeader
        subclass = get(names.EVENT_SUBCLASS) or ""
        if subclass == names.REINVITE_SUBCLASS:
            leg = self.legs.find(get(names.UNIQUE_ID))
            if leg is not None:
                leg.media_may_change()
            if subclass not in settings.custom_events or not settings.report_custom_events:
                return "only_learned_from"
        is_ours = subclass == names.LOG_SUBCLASS and settings.report_call_events
        if not is_ours and not (settings.report_custom_events and is_logged(subclass, get, settings.custom_events)):
            return "not_wanted"
        if not self._flows.switch_name:
            self._flows.observe_switch(get)
        unique_id = get(names.UNIQUE_ID if subclass != NOTIFY_REFER else names.UNIQUEID) or _named_leg(subclass, get)
        if unique_id is not None and len(unique_id) > MAX_UNIQUE_ID:
            unique_id = None
        timestamp = self._time(get)
        if is_ours and unique_id:
            leg = self.legs.observe(names.CUSTOM, unique_id, get, now)
            self._datagrams.emit(leg, [self._line(event, names.CUSTOM, timestamp, leg)], now)
            return ""
        found = custom(
            event,
            subclass,
            timestamp,
            self._flows.switch_name,
            settings.call_log_format,
            of_leg=bool(unique_id),
            masks_digits=self._masks_digits,
            registrations=self._registrations,
        )
        if unique_id:
            leg = self.legs.observe(names.CUSTOM, unique_id, get, now)
            self._datagrams.emit(leg, [found.record], now)
        else:
            self._datagrams.emit_apart(found, now)
        return ""

    def _time(self, get: Get) -> int:
        """
        When the event happened, microseconds; from the stamp of the event before it where it has none: a bad number
        costs a step of the event clock, and not the line.

        Raises:
            MappingError: it has none, and no event had one before.
        """
        try:
            self._last_stamp = event_time(get)
        except MappingError:
            if self._last_stamp is None:
                raise
        return happened(self._last_stamp, self._wall())

    def _line(self, event: Event, name: str, timestamp: int, leg: Leg) -> Record:
        other_id = None
        if name == names.CHANNEL_UNBRIDGE:  # about the bridge that was, whoever is the other leg by now
            other_id = partner(name, leg.unique_id, event.getHeader)
        is_its_own = other_id is None or leg.names_as_before(other_id)  # it may have been renamed since
        other = self.legs.other(leg) if is_its_own else self.legs.find(other_id)
        return call_log(
            event,
            name,
            timestamp,
            leg,
            other,
            self._settings.call_log_format,
            masks_digits=self._masks_digits,
            other_id=other.unique_id if other is not None and other_id is not None else other_id,
        )


def _named_leg(subclass: str, get: Get) -> Optional[str]:
    """The leg that an event without a Unique-ID names otherwise."""
    header = leg_header(subclass)
    return None if header is None else get(header)
