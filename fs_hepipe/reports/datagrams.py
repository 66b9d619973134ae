"""
Records -> datagrams: a record gets its leg's Call-ID and addresses, is encoded, and is counted.

What can't be addressed yet waits on its leg (`calls.waiting`), and leaves before whatever comes after it. Every record
becomes a datagram, or is counted as dropped by a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Callable, Optional, Union

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.legs import Legs
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.signalling import IP_PROTOCOLS
from fs_hepipe.calls.waiting import PATIENCE, Waiting
from fs_hepipe.hep import MAX_UDP_LENGTH, IpProtocol
from fs_hepipe.reports.call_log import naming
from fs_hepipe.reports.custom import Custom
from fs_hepipe.reports.flows import Ends, Flows
from fs_hepipe.reports.order import Order
from fs_hepipe.words.counters import Counters
from fs_hepipe.words.errors import HepError, TooLongError
from fs_hepipe.words.settings import Settings

SIGNALLING = Plane.SIGNALLING

MAX_APART = 256
"""Records of registrations and gateways that wait for an answer of FreeSWITCH, which comes within a tick."""


class Datagrams:
    """The datagrams of a pipeline, as its records make them."""

    def __init__(self, settings: Settings, counters: Counters, legs: Legs, waiting: Waiting, flows: Flows) -> None:
        self.built: list[bytes] = []
        """Those that nobody has taken yet. After a fault of ours there are some; they leave with the next ones."""
        self._counters = counters
        self._legs = legs
        self._waiting = waiting
        self._flows = flows
        self._faults: dict[type[Exception], Exception] = {}
        self._own = True
        """Whether each leg is filed under its own Call-ID."""
        self._order = Order()
        self._apart: list[tuple[float, Custom]] = []  # wait until FreeSWITCH has told our side of them
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """Other settings from the next record on."""
        self._own = settings.correlation == "own"
        self._flows.reconfigure(settings)

    def take(self) -> list[bytes]:
        """What has been built since it was taken last."""
        built, self.built = self.built, []
        return built

    def take_faults(self) -> list[Exception]:
        """What went wrong with legs since it was asked last, one of each kind."""
        faults, self._faults = self._faults, {}
        return list(faults.values())

    def correlation(self, leg: Leg) -> Optional[str]:
        """The Call-ID a leg's records are filed under; None as long as it may still become known."""
        if leg.call_id and (self._own or not leg.outbound):
            return leg.call_id
        other = self._legs.other(leg)
        if not self._own and leg.outbound and other is not None and other.outbound is False and other.call_id:
            return other.call_id
        if leg.call_id or (leg.is_sip and leg.destroyed is None):
            return leg.call_id
        return other.call_id if other is not None else None

    # --- records that come ---

    def emit(self, leg: Leg, records: Sequence[Record], now: float) -> None:
        """Sends a leg's records on their way, after all that they or their other leg had waiting for this event."""
        counters = self._counters
        if counters.waiting:
            if leg.held is not None:
                self._release(leg)
            other = self._legs.other(leg)
            if other is not None and other.held is not None:
                self._release(other)
        correlation_id = self.correlation(leg)  # without a record too: it learns who the other leg is while that lives
        for record in records:
            counters.recorded += 1
            if leg.held is None and correlation_id is not None and _is_addressed(leg, record):
                self._encode(record, correlation_id, leg)
            elif not self._waiting.add(leg, record, now):
                counters.dropped["no_room_to_wait"] += 1
        if leg.destroyed is not None and leg.held is not None:
            self._end_all(leg, "no_call_id")

    def emit_apart(self, found: Custom, now: float) -> None:
        """Sends a record on its way that belongs to no leg."""
        self._counters.recorded += 1
        ends = self._ends(found, now)  # asks for them, where they are not known
        if self._is_awaited(found) and len(self._apart) < MAX_APART:
            self._apart.append((now + PATIENCE, found))
            self._counters.waiting += 1
        else:
            self._encode(found.record, found.correlation_id, ends)

    def _ends(self, found: Custom, now: float) -> Ends:
        """Both ends of the SIP message that a CUSTOM event is about."""
        transport, profiles = found.transport, self._legs.profiles
        if found.gateway is not None:
            transport, local = profiles.gateway(found.gateway, now)
        else:
            local = profiles.local(found.profile, transport, now)
        return local, found.remote, IP_PROTOCOLS.get(transport or "", IpProtocol.UDP)

    def _is_awaited(self, found: Custom) -> bool:
        """Whether FreeSWITCH is still to be asked for our side of it."""
        profiles = self._legs.profiles
        if found.gateway is not None:
            return profiles.awaits("gateway", found.gateway)
        return profiles.awaits("profile", found.profile)

    # --- records that wait ---

    def end_due(self, now: float) -> None:
        """What has waited long enough leaves; what has its Call-ID by now does too."""

        def end_what_is_due(leg: Leg) -> None:
            while leg.held is not None and leg.held[0][0] <= now:
                self._end(leg, self._waiting.take(leg), "waited_too_long")
            self._release(leg)
            if leg.is_early and leg.channel is None and leg.held is None:  # only RTCP came, after the leg had ended
                self._legs.drop(leg)

        self.each(self._waiting.due(now), end_what_is_due)
        if self._apart:
            self.release_apart(now)

    def release_apart(self, now: float, *, all_of_them: bool = False) -> None:
        """Registrations whose profile is known by now leave, and those that have waited long enough."""
        waiting, self._apart = self._apart, []
        for number, (due, found) in enumerate(waiting):
            if not all_of_them and due > now and self._is_awaited(found):
                self._apart.append((due, found))
                continue
            self._counters.waiting -= 1
            try:
                self._encode(found.record, found.correlation_id, self._ends(found, now))
            except Exception:
                self._apart.extend(waiting[number + 1 :])
                raise

    def drop_old(self, now: float) -> None:
        """The legs whose time is over are dropped; what waits on them leaves."""
        self.each(self._legs.drop_old(now), lambda leg: self._end_all(leg, "leg_forgotten"))

    def finish(self) -> None:
        """Everything that still waits leaves as it is, or is counted as dropped: the agent stops."""
        self.release_apart(0.0, all_of_them=True)
        self.each(self._waiting, lambda leg: self._end_all(leg, "stopped"))

    def each(self, legs: Iterable[Leg], act: Callable[[Leg], None]) -> None:
        """Does it with each leg. A fault of ours with one of them is remembered, and costs no other one its turn."""
        for leg in legs:
            try:
                act(leg)
            except Exception as error:
                self._faults[type(error)] = error

    def _release(self, leg: Leg) -> None:
        correlation_id = self.correlation(leg)
        while leg.held is not None and correlation_id is not None and _is_addressed(leg, leg.held[0][1]):
            self._encode(self._waiting.take(leg), correlation_id, leg)

    def _end_all(self, leg: Leg, reason: str) -> None:
        while leg.held is not None:
            self._end(leg, self._waiting.take(leg), reason)

    def _end(self, leg: Leg, record: Record, reason: str) -> None:
        """A record that waits no longer: it leaves with what is known, under the other leg's Call-ID at the worst."""
        other = self._legs.other(leg)
        correlation_id = self.correlation(leg) or (other.call_id if other else None)
        if correlation_id is None:
            self._counters.dropped[reason] += 1
        else:
            self._encode(record, correlation_id, leg)

    # --- a datagram ---

    def _encode(self, record: Record, correlation_id: str, of: Union[Leg, Ends]) -> None:
        """
        A record becomes a datagram, or is counted as dropped. A line names the Call-ID of its leg, or what it is filed
        under if that has none.

        Args:
            of: the leg whose record it is, or both ends where it belongs to none.
        """
        counters = self._counters
        timestamp, protocol_type, payload, _, _, _, _, is_logged, lacks_call_id = record
        if lacks_call_id:
            payload = naming(payload, (isinstance(of, Leg) and of.call_id) or correlation_id)
        try:
            if isinstance(of, Leg):
                flow = self._flows.of(of, record, correlation_id)
            else:
                flow = self._flows.between(of, record, correlation_id)
            timestamp = self._order.time(correlation_id, protocol_type, timestamp, is_logged=is_logged)
            datagram = flow.encode(timestamp, payload)
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
                counters.built[protocol_type] += 1
                self.built.append(datagram)


def _is_addressed(leg: Leg, record: Record) -> bool:
    """Whether the addresses of a record's flow are known, or will never be."""
    return (
        record.plane is SIGNALLING or leg.audio is not None or leg.video is not None or leg.destroyed is not None
    )
