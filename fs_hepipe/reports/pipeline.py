"""
The heart: an event in, HEP datagrams out. No I/O, no clock, no logging; `now` is an argument (seconds of any clock that
does not go back), what asks FreeSWITCH about a channel is one too, and everything that happened is in `counters`.

The way of an event: its leg learns what it tells -> a mapper makes records of it -> each record gets its leg's Call-ID
and addresses and is encoded. What can't be addressed yet waits on its leg (`waiting`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable, Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.legs import Legs
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.waiting import Waiting
from fs_hepipe.hep import MAX_UDP_LENGTH, Flow, IpProtocol
from fs_hepipe.reports import rtcp
from fs_hepipe.reports.bindings import LEARNED_FROM
from fs_hepipe.reports.call_log import call_log
from fs_hepipe.reports.custom import custom
from fs_hepipe.reports.flows import Flows
from fs_hepipe.reports.quality import qos
from fs_hepipe.words import names
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.errors import HepError, MappingError, TooLongError
from fs_hepipe.words.event import Event
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
        self, settings: Settings, counters: Counters, ask: Callable[[str], Optional[Event]] = lambda _unique_id: None
    ) -> None:
        """
        Args:
            ask: returns a channel as an event with its variables (CHANNEL_DATA), None if there is no answer.
        """
        self.counters = counters
        self._ask = ask
        self._questions = MAX_QUESTIONS
        self._waiting = Waiting(counters)
        self.legs = Legs(settings.max_legs, self._waiting)
        self.unsent: list[bytes] = []
        """Datagrams that had been built when a fault of ours got out; they leave with the next ones."""
        self._faults: dict[type[Exception], Exception] = {}
        self._settings = settings
        self._flows = Flows(settings)
        self._logged: frozenset[str] = frozenset()
        self._own = True
        """Whether each leg is filed under its own Call-ID."""
        self._no_leg = Leg("")  # keeps the order of records that belong to none
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

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from the next event on; the legs are kept."""
        self._settings = settings
        self._logged = frozenset(settings.call_events if settings.report_call_events else ())
        self._own = settings.correlation == "own"
        self._flows.reconfigure(settings)
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
        datagrams, self.unsent = self.unsent, []
        before = counters.recorded
        try:
            try:
                reason = self._ways.get(name, self._channel)(event, name, now, datagrams)
            except MappingError as error:
                outcome, word = counters.failed, error.reason
            else:
                outcome, word = (counters.mapped, name) if counters.recorded > before else (counters.ignored, reason)
            if self.legs.has_old:
                self._drop_old(now, datagrams)
        except Exception:
            self.unsent = datagrams
            raise
        outcome[word] += 1
        return datagrams

    def tick(self, now: float) -> list[bytes]:
        """What leaves or ends by the mere passing of time. `take_faults` gives what went wrong with a leg."""
        datagrams, self.unsent = self.unsent, []
        self._questions = MAX_QUESTIONS

        def end_what_is_due(leg: Leg) -> None:
            while leg.held is not None and leg.held[0][0] <= now:
                self._end(leg, self._waiting.take(leg), "waited_too_long", datagrams)
            self._release(leg, datagrams)
            if leg.channel is None and leg.held is None:  # only RTCP came, after the leg had ended
                self.legs.drop(leg)

        self._each(self._waiting.due(now), end_what_is_due)
        self._drop_old(now, datagrams)
        return datagrams

    def take_faults(self) -> list[Exception]:
        """What went wrong with legs since it was asked last, one of each kind."""
        faults, self._faults = self._faults, {}
        return list(faults.values())

    def finish(self) -> list[bytes]:
        """Everything that still waits leaves as it is, or is counted as dropped: the agent stops."""
        datagrams, self.unsent = self.unsent, []
        self._each(self._waiting, lambda leg: self._end_all(leg, "stopped", datagrams))
        return datagrams

    # --- events ---

    def _channel(self, event: Event, name: str, now: float, datagrams: list[bytes]) -> str:
        settings = self._settings
        get = event.getHeader
        is_logged = name in self._logged
        if not is_logged and name not in LEARNED_FROM and name != names.CHANNEL_DATA:
            return "not_wanted"
        unique_id = get(names.UNIQUE_ID)
        if not unique_id:
            return "no_unique_id"
        if name == names.CHANNEL_CREATE or not self._flows.switch_name:
            self._flows.observe_switch(get)
        leg = self.legs.observe(name, unique_id, get, now)
        records: list[Record] = []
        ends = name in ENDS and settings.report_qos_events and not leg.reported
        try:
            if is_logged or ends:
                timestamp = event_time(get)
                if is_logged:
                    records.append(self._line(event, name, timestamp, leg))
                if ends:
                    correlation_id, left_out = self._correlation(leg), self.counters.left_out
                    records.extend(qos(get, timestamp, leg, correlation_id, settings.qos_type, left_out))
                    leg.reported = True
        finally:  # a statistic that is no number must not cost the line, nor leave the leg behind
            if name == names.CHANNEL_DESTROY:
                self.legs.destroy(leg, now)
            self._emit(leg, records, now, datagrams)
        return "only_learned_from"

    def _rtcp(self, event: Event, name: str, now: float, datagrams: list[bytes]) -> str:
        get = event.getHeader
        unique_id = get(names.UNIQUE_ID)
        if not unique_id:
            return "no_unique_id"
        if not self._flows.switch_name:
            self._flows.observe_switch(get)
        leg = self.legs.get(unique_id, now)
        mapper = rtcp.received if name == names.RECV_RTCP_MESSAGE else rtcp.sent
        try:
            if now >= leg.ask_at:
                self._ask_about(leg, now, datagrams)
            record = mapper(get, leg, self._settings.rtcp_jitter_unit)
            if now >= leg.ask_at:  # it told that media have changed
                self._ask_about(leg, now, datagrams)
            if record is None:
                return "empty_report"
            if not self._settings.report_rtcp_events:
                return "only_learned_from"
            self._emit(leg, [record], now, datagrams)
        finally:
            if leg.is_early and leg.channel is None and leg.held is None:
                self.legs.drop(leg)  # else RTCP that comes after the end of its leg would leave one behind
        return ""

    def _ask_about(self, leg: Leg, now: float, datagrams: list[bytes]) -> None:
        """Learns from FreeSWITCH where a leg's media are now, before its RTCP is reported."""
        if leg.destroyed is not None or not self._questions or not self._settings.report_rtcp_events:
            return
        self._questions -= 1
        leg.was_asked(now)
        try:
            answer = self._ask(leg.unique_id)
            if answer is not None:
                self.counters.received[names.CHANNEL_DATA] += 1
                self.counters.ignored["only_learned_from"] += 1
                self.legs.observe(names.CHANNEL_DATA, leg.unique_id, answer.getHeader, now)
                self._emit(leg, [], now, datagrams)
        except Exception as error:  # the report is sent with what is known
            self._faults[type(error)] = error

    def _custom(self, event: Event, _name: str, now: float, datagrams: list[bytes]) -> str:
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
        if not is_ours and not (settings.report_custom_events and subclass in settings.custom_events):
            return "not_wanted"
        if not self._flows.switch_name:
            self._flows.observe_switch(get)
        unique_id = get(names.UNIQUE_ID)
        timestamp = event_time(get)
        if is_ours and unique_id:
            leg = self.legs.observe(names.CUSTOM, unique_id, get, now)
            self._emit(leg, [self._line(event, names.CUSTOM, timestamp, leg)], now, datagrams)
            return ""
        found = custom(event, subclass, timestamp, self._flows.switch_name, settings.call_log_format)
        if unique_id:
            leg = self.legs.observe(names.CUSTOM, unique_id, get, now)
            self._emit(leg, [found.record._replace(timestamp=leg.stamp(timestamp))], now, datagrams)
        else:
            self.counters.recorded += 1
            record = found.record._replace(timestamp=self._no_leg.stamp(timestamp))
            ends = None, found.remote, IpProtocol.UDP
            self._encode(lambda: self._flows.between(ends, record, found.correlation_id), record, datagrams)
        return ""

    def _line(self, event: Event, name: str, timestamp: int, leg: Leg) -> Record:
        return call_log(event, name, timestamp, leg, self.legs.other(leg), self._settings.call_log_format)

    # --- records ---

    def _emit(self, leg: Leg, records: list[Record], now: float, datagrams: list[bytes]) -> None:
        """Sends a leg's records on their way, after all that they or their other leg had waiting for this event."""
        counters = self.counters
        if counters.waiting:
            if leg.held is not None:
                self._release(leg, datagrams)
            other = self.legs.other(leg)
            if other is not None and other.held is not None:
                self._release(other, datagrams)
        correlation_id = self._correlation(leg)
        for record in records:
            counters.recorded += 1
            if leg.held is None and correlation_id is not None and _is_addressed(leg, record):
                self._address(leg, record, correlation_id, datagrams)
            elif not self._waiting.add(leg, record, now):
                counters.dropped["no_room_to_wait"] += 1
        if leg.destroyed is not None and leg.held is not None:
            self._end_all(leg, "no_call_id", datagrams)

    def _drop_old(self, now: float, datagrams: list[bytes]) -> None:
        self._each(self.legs.drop_old(now), lambda leg: self._end_all(leg, "leg_forgotten", datagrams))

    def _each(self, legs: Iterable[Leg], act: Callable[[Leg], None]) -> None:
        """Does it with each leg. A fault of ours with one of them is remembered, and costs no other one its turn."""
        for leg in legs:
            try:
                act(leg)
            except Exception as error:
                self._faults[type(error)] = error

    def _release(self, leg: Leg, datagrams: list[bytes]) -> None:
        correlation_id = self._correlation(leg)
        while leg.held is not None and correlation_id is not None and _is_addressed(leg, leg.held[0][1]):
            self._address(leg, self._waiting.take(leg), correlation_id, datagrams)

    def _end_all(self, leg: Leg, reason: str, datagrams: list[bytes]) -> None:
        while leg.held is not None:
            self._end(leg, self._waiting.take(leg), reason, datagrams)

    def _end(self, leg: Leg, record: Record, reason: str, datagrams: list[bytes]) -> None:
        """A record that waits no longer: it leaves with what is known, under the other leg's Call-ID at the worst."""
        other = self.legs.other(leg)
        correlation_id = self._correlation(leg) or (other.call_id if other else None)
        if correlation_id is None:
            self.counters.dropped[reason] += 1
        else:
            self._address(leg, record, correlation_id, datagrams)

    def _correlation(self, leg: Leg) -> Optional[str]:
        """The Call-ID a leg's records are filed under; None as long as it may still become known."""
        if leg.call_id and (self._own or not leg.outbound):
            return leg.call_id
        other = self.legs.other(leg)
        if not self._own and leg.outbound and other is not None and other.outbound is False and other.call_id:
            return other.call_id
        if leg.call_id or (leg.is_sip and leg.destroyed is None):
            return leg.call_id
        return other.call_id if other is not None else None

    def _address(self, leg: Leg, record: Record, correlation_id: str, datagrams: list[bytes]) -> None:
        """A record becomes a datagram, with the addresses of its leg's flow in the direction it went."""
        self._encode(lambda: self._flows.of(leg, record, correlation_id), record, datagrams)

    def _encode(self, flow: Callable[[], Flow], record: Record, datagrams: list[bytes]) -> None:
        """A record becomes a datagram of a flow, or is counted as dropped."""
        counters = self.counters
        try:
            datagram = flow().encode(record.timestamp, record.payload)
        except TooLongError:
            counters.dropped["too_long"] += 1
        except HepError:
            counters.dropped["not_encodable"] += 1
        except Exception as error:  # a fault of ours: the record is lost, and that has to be counted too
            counters.dropped[type(error).__name__] += 1
            raise
        else:
            if len(datagram) > MAX_UDP_LENGTH:
                counters.dropped["too_long"] += 1
            else:
                counters.built[record.protocol_type] += 1
                datagrams.append(datagram)


def _is_addressed(leg: Leg, record: Record) -> bool:
    """Whether the addresses of a record's flow are known, or will never be."""
    return record.plane is Plane.SIGNALLING or bool(leg.all_media) or leg.destroyed is not None
