"""
Switches A and B and a collector -> calls, and what the switches and the kernel know of them.

Rules:
1. B calls A, and A bridges to B again: of every leg of A's there is a far end that we can ask.
2. The Call-ID of the call into A is chosen here; that of the leg out of A is what B says it got.
"""

from __future__ import annotations

import time
import uuid
from typing import NamedTuple, Optional

from fs_hepipe.hep import Message
from fs_hepipe.hep.registry import ProtocolType

from .collector import Collector, eventually
from .switch import Endpoint, Switch

RTCP_S = 12.0
"""How long to wait for RTCP: the first report comes 4 s after the media."""


class Leg(NamedTuple):
    """A leg of a living call on A, as told by others than the agent."""

    unique_id: str
    call_id: str
    rtp: Endpoint
    """A's end."""
    far_rtp: Endpoint
    """B's end, as B tells it."""
    rtcp: Endpoint
    far_rtcp: Endpoint
    secured: bool


class Lab:
    """Both switches. What happens on A is what the collector gets."""

    def __init__(self, a: Switch, b: Switch, collector: Collector) -> None:
        self.a = a
        self.b = b
        self.collector = collector

    # --- calls ---

    def dial(
        self, extension: str, seconds: Optional[int] = None, *, transport: str = "udp", **variables: str
    ) -> str:
        """Begins a call from B to an extension of A's, for so many seconds or until `hang_up`; gives its Call-ID."""
        call_id = f"{uuid.uuid4()}@live"
        told = {
            "sip_invite_call_id": call_id,
            "origination_uuid": call_id.partition("@")[0],
            "origination_caller_id_number": "1001",
            "ignore_early_media": "true",
            "originate_timeout": "20",
            **variables,
        }
        if seconds is not None:
            told["execute_on_answer"] = f"'sched_hangup +{seconds}'"
        words = ",".join(f"{name}={value}" for name, value in told.items())
        port = self.a.ports.tls if transport == "tls" else self.a.ports.sip
        to = f"sofia/live/{extension}@127.0.0.1:{port};transport={transport}"
        answer = self.b.api(f"bgapi originate {{{words}}}{to} caller XML live")
        assert answer.startswith("+OK"), answer
        return call_id

    def dial_steadily(self, count: int, a_second: float, extension: str, seconds: Optional[int] = None) -> list[str]:
        """The Call-IDs of so many calls, begun at this rate."""
        began = time.monotonic()
        call_ids = []
        for number in range(count):
            time.sleep(max(0.0, began + number / a_second - time.monotonic()))
            call_ids.append(self.dial(extension, seconds))
        return call_ids

    def refused(self, *collectors: Collector, **variables: str) -> str:
        """A call that B refuses, whole: the quickest that there is. Its Call-ID, when the collectors have its end."""
        call_id = self.dial("refused", None, **variables)
        for collector in collectors or [self.collector]:
            collector.line(call_id, "CHANNEL_HANGUP_COMPLETE")
        return call_id

    def hang_up(self, *call_ids: str) -> None:
        """Ends these calls, or all, and waits until A knows no call any more."""
        for call_id in call_ids:
            self.b.api(f"uuid_kill {call_id.partition('@')[0]}")
        if not call_ids:
            self.b.api("hupall")
        eventually("end of the calls", lambda: not self.a.channels())

    def legs(self, call_id: str, patience: float = 10.0) -> tuple[Leg, Leg]:
        """Both legs of a call on A, as soon as both are answered."""
        found = eventually(f"answer of {call_id}", self._legs, call_id, patience=patience)
        assert isinstance(found, tuple)
        return found

    def _legs(self, call_id: str) -> Optional[tuple[Leg, Leg]]:
        dumps = [dump for dump in map(self.a.dump, self.a.channels()) if dump]
        incoming = next((dump for dump in dumps if dump.get("variable_sip_call_id") == call_id), None)
        if incoming is None:
            return None
        other_id = incoming.get("variable_bridge_uuid")
        outgoing = next((dump for dump in dumps if dump.get("Unique-ID") == other_id), None)
        if outgoing is None or {incoming["Answer-State"], outgoing["Answer-State"]} != {"answered"}:
            return None
        far_ends = {dump.get("variable_sip_call_id"): dump for dump in map(self.b.dump, self.b.channels())}
        held = {local for local, _ in self.a.udp_sockets()}
        legs = [
            leg(dump, far_ends[dump["variable_sip_call_id"]], held)
            for dump in (incoming, outgoing)
            if dump["variable_sip_call_id"] in far_ends
        ]
        return (legs[0], legs[1]) if len(legs) == 2 else None

    # --- what the collector has of them ---

    def rtcp(self, leg: Leg) -> tuple[list[Message], list[Message]]:
        """A leg's RTCP messages that came from the far end, and those that went to it."""
        messages = self.collector.of(leg.call_id, ProtocolType.RTCP_JSON)
        return (
            [message for message in messages if source(message) == leg.far_rtcp],
            [message for message in messages if source(message) == leg.rtcp],
        )

    def both_ways(self, leg: Leg, patience: float = RTCP_S) -> tuple[list[Message], list[Message]]:
        """The same, once there are some of both."""
        eventually(f"RTCP both ways of {leg}", lambda: all(self.rtcp(leg)), patience=patience)
        return self.rtcp(leg)

    def quality(self, leg: Leg) -> list[Message]:
        """The reports at hangup."""
        found = self.collector.of(leg.call_id, ProtocolType.MOS_FULL_REPORT)
        return [message for message in found if b'"TYPE":"HANGUP"' in message.payload]

    def quality_of(self, leg: Leg) -> list[Message]:
        """The quality reports of a leg that has had RTCP, once there are those of both directions."""
        eventually(f"quality of {leg}", lambda: len(self.quality(leg)) >= 2)
        return self.quality(leg)


def leg(dump: dict[str, str], far: dict[str, str], held: set[Endpoint]) -> Leg:
    """A leg out of A's and B's own words; its RTCP is on a port of its own if A holds one."""
    rtp, far_rtp = media_end(dump), media_end(far)
    apart = int((rtp[0], rtp[1] + 1) in held)
    return Leg(
        dump["Unique-ID"],
        dump["variable_sip_call_id"],
        rtp,
        far_rtp,
        (rtp[0], rtp[1] + apart),
        (far_rtp[0], far_rtp[1] + apart),
        "variable_rtp_has_crypto" in dump,
    )


def media_end(dump: dict[str, str]) -> Endpoint:
    return dump["variable_local_media_ip"], int(dump["variable_local_media_port"])


def source(message: Message) -> Endpoint:
    return message.src_ip, message.src_port


def destination(message: Message) -> Endpoint:
    return message.dst_ip, message.dst_port
