"""
The heart: an event in, HEP datagrams out. No I/O, no clock, no logging; `now` is an argument (seconds of any clock that
does not go back) and everything that happened is in `counters`.

The way of an event: its leg learns what it tells -> a mapper makes records of it -> each record gets its leg's Call-ID
and addresses and is encoded. What can't be addressed yet waits on its leg (`waiting`).
"""

from __future__ import annotations

import math
from typing import Optional

from fs_hepipe import names
from fs_hepipe.counters import Counters
from fs_hepipe.errors import HepError, MappingError, TooLongError
from fs_hepipe.event import Event
from fs_hepipe.hep import MAX_UDP_LENGTH, IpProtocol, Message, encode
from fs_hepipe.legs import Leg, Legs
from fs_hepipe.mapping import rtcp
from fs_hepipe.mapping.call_log import call_log
from fs_hepipe.mapping.custom import custom
from fs_hepipe.mapping.numbers import event_time
from fs_hepipe.mapping.qos import qos
from fs_hepipe.media import VIDEO, Endpoint, ip_literal
from fs_hepipe.record import Plane, Record
from fs_hepipe.settings import Settings
from fs_hepipe.waiting import WaitingRoom

NOWHERE = {4: "0.0.0.0", 6: "::"}  # noqa: S104  an address that says it is none
"""What stands for an address that nobody told us."""

ENDS = frozenset({names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DESTROY})
"""Events that carry the statistics of a leg's media; the second in case the first was lost."""

RTCP = frozenset({names.RECV_RTCP_MESSAGE, names.SEND_RTCP_MESSAGE})
"""Reports, received and sent: also where the quality reports have their loss from."""

LEARNED_FROM = frozenset({
    names.CHANNEL_CREATE, names.CHANNEL_PROGRESS, names.CHANNEL_PROGRESS_MEDIA, names.CHANNEL_ANSWER,
    names.CHANNEL_BRIDGE, names.CALL_UPDATE, names.CHANNEL_HOLD, names.CHANNEL_UNHOLD, names.CHANNEL_UUID,
    names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DESTROY,
})  # fmt: skip
"""Events that any report of a leg needs, logged or not."""


def bindings(settings: Settings) -> list[tuple[str, str]]:
    """The events to bind, as (name, subclass): no more than the enabled reports need."""
    wanted: set[str] = set()
    if settings.report_call_events:
        wanted.update(settings.call_events)
    if settings.report_rtcp_events:
        wanted |= RTCP
    if wanted or settings.report_qos_events:
        wanted |= LEARNED_FROM
    if settings.report_qos_events:
        wanted |= RTCP
    subclasses = [names.LOG_SUBCLASS] if settings.report_call_events else []
    if settings.report_custom_events:
        subclasses.extend(settings.custom_events)
    return [(name, "") for name in sorted(wanted)] + [(names.CUSTOM, subclass) for subclass in subclasses]


class Pipeline:
    """Events to datagrams for one agent."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self.settings = settings
        self.counters = counters
        self.legs = Legs(settings.max_legs)
        self.unsent: list[bytes] = []
        """Datagrams that had been built when a fault of ours got out; they leave with the next ones."""
        self._waiting = WaitingRoom(counters)
        self._no_leg = Leg("")  # keeps the order of records that belong to none
        self._switch_name = ""
        self._switch_ip: dict[int, Optional[str]] = {4: None, 6: None}

    @property
    def node_name(self) -> Optional[str]:
        """What our messages call this agent; None until an event has told the switch's name."""
        return self.settings.node_name or self._switch_name or None

    def handle(self, event: Event, now: float) -> list[bytes]:
        """
        The datagrams that can leave now that this event has come; each event is counted as mapped, ignored or failed.

        Raises nothing of its own. An exception that gets out is a fault of ours; the event is then counted received
        and it is for the caller to count it failed.
        """
        counters = self.counters
        name = event.getHeader(names.EVENT_NAME) or ""
        counters.received[name] += 1
        datagrams, self.unsent = self.unsent, []
        before = counters.recorded
        try:
            try:
                if name in RTCP:
                    reason = self._rtcp(event, name, now, datagrams)
                elif name == names.CUSTOM:
                    reason = self._custom(event, now, datagrams)
                else:
                    reason = self._channel(event, name, now, datagrams)
            except MappingError as error:
                outcome, word = counters.failed, error.reason
            else:
                outcome, word = (counters.mapped, name) if counters.recorded > before else (counters.ignored, reason)
            if self.legs.crowded:
                self._forget(now, datagrams)
        except Exception:
            self.unsent = datagrams
            raise
        outcome[word] += 1
        return datagrams

    def tick(self, now: float) -> list[bytes]:
        """What leaves or ends by the mere passing of time."""
        datagrams, self.unsent = self.unsent, []
        try:
            for leg in self._waiting.due(now):
                while leg.held and leg.held[0][0] <= now:
                    self._end(leg, self._waiting.take(leg), "waited_too_long", datagrams)
                self._release(leg, datagrams)
                if leg.channel is None and not leg.held:  # never introduced: RTCP that came after all was over
                    self.legs.drop(leg)
            self._forget(now, datagrams)
        except Exception:
            self.unsent = datagrams
            raise
        return datagrams

    def strangers(self, most: int) -> list[str]:
        """Unique-IDs of which nothing is known but that they wait, each once: the switch can be asked about them."""
        strangers = [leg for leg in self._waiting.strangers() if not leg.asked][:most]
        for leg in strangers:
            leg.asked = True
        return [leg.unique_id for leg in strangers]

    def finish(self) -> list[bytes]:
        """Everything that still waits leaves as it is, or is counted as dropped: the agent stops."""
        datagrams, self.unsent = self.unsent, []
        try:
            for leg in self._waiting.due(math.inf):
                self._end_all(leg, "stopped", datagrams)
        except Exception:
            self.unsent = datagrams
            raise
        return datagrams

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from the next event on; the legs are kept."""
        self.settings = settings
        self.legs.max_legs = settings.max_legs

    # --- events ---

    def _channel(self, event: Event, name: str, now: float, datagrams: list[bytes]) -> str:
        settings = self.settings
        get = event.getHeader
        is_logged = settings.report_call_events and name in settings.call_events
        if not is_logged and name not in LEARNED_FROM and name != names.CHANNEL_DATA:
            return "not_wanted"
        unique_id = get(names.UNIQUE_ID)
        if not unique_id:
            return "no_unique_id"
        if name == names.CHANNEL_CREATE or not self._switch_name:
            self._observe_switch(event)
        leg = self.legs.observe(name, unique_id, get, now)
        records: list[Record] = []
        ends = name in ENDS and settings.report_qos_events and not leg.reported
        try:
            if is_logged or ends:
                timestamp = event_time(get)
                if is_logged:
                    records.append(self._line(event, name, timestamp, leg))
                if ends:
                    records.extend(qos(get, timestamp, leg, self._correlation(leg), settings.qos_type))
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
        if not self._switch_name:
            self._observe_switch(event)
        leg = self.legs.get(unique_id, now)
        mapper = rtcp.received if name == names.RECV_RTCP_MESSAGE else rtcp.sent
        record = mapper(get, leg, self.settings.rtcp_jitter_unit)
        if record is None:
            return "empty_report"
        if not self.settings.report_rtcp_events:
            return "only_learned_from"
        self._emit(leg, [record], now, datagrams)
        return ""

    def _custom(self, event: Event, now: float, datagrams: list[bytes]) -> str:
        settings = self.settings
        get = event.getHeader
        subclass = get(names.EVENT_SUBCLASS) or ""
        is_ours = subclass == names.LOG_SUBCLASS and settings.report_call_events
        if not is_ours and not (settings.report_custom_events and subclass in settings.custom_events):
            return "not_wanted"
        if not self._switch_name:
            self._observe_switch(event)
        unique_id = get(names.UNIQUE_ID)
        timestamp = event_time(get)
        if is_ours and unique_id:
            leg = self.legs.observe(names.CUSTOM, unique_id, get, now)
            self._emit(leg, [self._line(event, names.CUSTOM, timestamp, leg)], now, datagrams)
            return ""
        found = custom(event, subclass, timestamp, self._switch_name, settings.call_log_format)
        if unique_id:
            leg = self.legs.observe(names.CUSTOM, unique_id, get, now)
            self._emit(leg, [found.record._replace(timestamp=leg.stamp(timestamp))], now, datagrams)
        else:
            self.counters.recorded += 1
            remote, local = found.remote, Endpoint(self._own_address(found.remote), 0)
            source, destination = (remote, local) if remote else (local, local)
            record = found.record._replace(timestamp=self._no_leg.stamp(timestamp))
            self._build(record, found.correlation_id, source, destination, IpProtocol.UDP, datagrams)
        return ""

    def _line(self, event: Event, name: str, timestamp: int, leg: Leg) -> Record:
        return call_log(event, name, timestamp, leg, self.legs.other(leg), self.settings.call_log_format)

    # --- records ---

    def _emit(self, leg: Leg, records: list[Record], now: float, datagrams: list[bytes]) -> None:
        """Sends a leg's records on their way, after all that they or their other leg had waiting for this event."""
        if leg.held:
            self._release(leg, datagrams)
        other = self.legs.other(leg)
        if other is not None and other.held:
            self._release(other, datagrams)
        correlation_id = self._correlation(leg)
        for record in records:
            self.counters.recorded += 1
            if not leg.held and correlation_id is not None and _is_addressed(leg, record):
                self._address(leg, record, correlation_id, datagrams)
            elif not self._waiting.add(leg, record, now):
                self.counters.dropped["no_room_to_wait"] += 1
        if leg.destroyed is not None and leg.held:
            self._end_all(leg, "no_call_id", datagrams)

    def _forget(self, now: float, datagrams: list[bytes]) -> None:
        for leg in self.legs.forget(now):
            self._end_all(leg, "leg_forgotten", datagrams)

    def _release(self, leg: Leg, datagrams: list[bytes]) -> None:
        correlation_id = self._correlation(leg)
        while leg.held and correlation_id is not None and _is_addressed(leg, leg.held[0][1]):
            self._address(leg, self._waiting.take(leg), correlation_id, datagrams)

    def _end_all(self, leg: Leg, reason: str, datagrams: list[bytes]) -> None:
        while leg.held:
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
        if self.settings.correlation == "a-leg" and leg.outbound:
            other = self.legs.other(leg)
            if other is not None and other.outbound is False and other.call_id:
                return other.call_id
        if leg.call_id:
            return leg.call_id
        if leg.is_sip and leg.destroyed is None:
            return None
        other = self.legs.other(leg)
        return other.call_id if other is not None else None

    def _address(self, leg: Leg, record: Record, correlation_id: Optional[str], datagrams: list[bytes]) -> None:
        """A record with the addresses of its leg's flow, in the direction it went."""
        local, remote, ip_protocol = self._flow(leg, record)
        known = local or remote
        local = local or Endpoint(self._own_address(known), 0)
        remote = remote or Endpoint(self._own_address(known), 0)
        source, destination = (remote, local) if record.received else (local, remote)
        self._build(record, correlation_id, source, destination, ip_protocol, datagrams)

    def _flow(self, leg: Leg, record: Record) -> tuple[Optional[Endpoint], Optional[Endpoint], int]:
        if record.plane is Plane.SIGNALLING:
            return leg.local, leg.remote, leg.ip_protocol
        medium = leg.video if record.medium == VIDEO else leg.audio or leg.video
        if medium is None:
            return None, None, IpProtocol.UDP
        if record.medium is None and leg.video not in {None, medium}:  # can't be told: the address, but not the port
            local, remote = (point and Endpoint(point.ip, 0) for point in (medium.local, medium.remote))
            return local, remote, IpProtocol.UDP
        if record.plane is Plane.RTP:
            return medium.local, medium.remote, IpProtocol.UDP
        return medium.local_rtcp, medium.remote_rtcp, IpProtocol.UDP

    def _build(
        self,
        record: Record,
        correlation_id: Optional[str],
        source: Endpoint,
        destination: Endpoint,
        ip_protocol: int,
        datagrams: list[bytes],
    ) -> None:
        settings = self.settings
        if (":" in source.ip) != (":" in destination.ip):  # two families in one message can't be
            destination = Endpoint(NOWHERE[6 if ":" in source.ip else 4], 0)
        try:
            datagram = encode(Message(
                record.timestamp,
                record.payload,
                record.protocol_type,
                source.ip,
                destination.ip,
                source.port,
                destination.port,
                ip_protocol,
                settings.capture_id,
                correlation_id,
                self.node_name,
                settings.capture_password,
                record.mos,
            ))
        except TooLongError:
            self.counters.dropped["too_long"] += 1
            return
        except HepError:
            self.counters.dropped["not_encodable"] += 1
            return
        except Exception as error:  # a fault of ours: the record is lost, and that has to be counted too
            self.counters.dropped[type(error).__name__] += 1
            raise
        if len(datagram) > MAX_UDP_LENGTH:
            self.counters.dropped["too_long"] += 1
            return
        self.counters.built[record.protocol_type] += 1
        datagrams.append(datagram)

    # --- the switch ---

    def _observe_switch(self, event: Event) -> None:
        self._switch_name = event.getHeader(names.SWITCH_NAME) or self._switch_name
        for version, header in ((4, names.SWITCH_IPV4), (6, names.SWITCH_IPV6)):
            ip = event.getHeader(header)
            if ip:
                self._switch_ip[version] = ip_literal(ip)

    def _own_address(self, peer: Optional[Endpoint]) -> str:
        """The switch's own address, of the family of its peer."""
        version = 6 if peer is not None and ":" in peer.ip else 4
        return self._switch_ip[version] or NOWHERE[version]


def _is_addressed(leg: Leg, record: Record) -> bool:
    """Whether the addresses of a record's flow are known, or will never be."""
    return record.plane is Plane.SIGNALLING or bool(leg.audio or leg.video) or leg.destroyed is not None
