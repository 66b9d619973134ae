"""
Unique-ID -> Leg: the legs that are remembered, what their events tell of them, and for how long.

Rules:
1. A leg's records are filed under its own Call-ID. It is read from the leg's own variables only, newest first; nothing
   is guessed.
2. The other leg is the one that the leg's own events name. As long as they name none, or one that is gone, it is the
   leg that names this one: of several that ring, the one that made progress last. It is held as an object: a rename
   changes nothing about it, and a Unique-ID that is used again is another leg. Other-Leg-Unique-ID names who is or will
   be the other leg when the event is fired; the end of a bridge is about the one that was, and says nothing new.
3. CHANNEL_CREATE begins a leg, whatever its Unique-ID was before.
4. A destroyed leg is remembered `LINGER` seconds more, for reports that were still on their way; the former Unique-ID
   of a renamed one too.
5. A leg of which only CUSTOM events came may have ended long ago (modules keep a copy of its headers): it is dropped
   after `STRANGE` seconds. If it lives, its next event begins it anew, and the switch is asked when RTCP comes.
6. Bounded: beyond `max_legs` the leg unseen longest is dropped, and any leg after `SILENCE` seconds without an event.

Pure: `now` is an argument, seconds of any clock that does not go back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Optional

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.media import joined, observe_media
from fs_hepipe.calls.profiles import Profiles
from fs_hepipe.calls.signalling import observe_signalling
from fs_hepipe.calls.waiting import Waiting
from fs_hepipe.words import names
from fs_hepipe.words.event import Get
from fs_hepipe.words.secret import beginning, without_secrets

LINGER = 5.0
"""Seconds: RTCP read by the media thread reaches the queue after CHANNEL_DESTROY or CHANNEL_UUID at times."""

MAX_UNIQUE_ID = 65_536
"""Characters: no datagram holds more; FreeSWITCH keeps 256 (switch_apr.h:SWITCH_UUID_FORMATTED_LENGTH)."""

SILENCE = 24 * 3600.0
"""Seconds: a leg of which nothing was heard for a day has ended, and its CHANNEL_DESTROY was lost."""

STRANGE = 15.0
"""Seconds that a leg known from CUSTOM events alone is remembered: longer than a record waits for its Call-ID."""

CHANGES_MEDIA = frozenset({
    names.CHANNEL_PROGRESS_MEDIA, names.CHANNEL_ANSWER, names.CALL_UPDATE, names.CHANNEL_HOLD, names.CHANNEL_UNHOLD,
})  # fmt: skip
"""Events that come with a new SDP: soon afterwards FreeSWITCH may correct its addresses."""

TELLS_MEDIA = CHANGES_MEDIA | {
    names.CHANNEL_BRIDGE, names.CHANNEL_UNBRIDGE, names.CHANNEL_UUID, names.CHANNEL_EXECUTE,
    names.CHANNEL_EXECUTE_COMPLETE, names.CHANNEL_HANGUP, names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DATA,
    names.CUSTOM, "CHANNEL_PARK", "CHANNEL_UNPARK", "SESSION_HEARTBEAT", "RECORD_START", "RECORD_STOP",
    "PLAYBACK_START", "PLAYBACK_STOP", "MEDIA_BUG_START", "MEDIA_BUG_STOP",
}  # fmt: skip
"""
Events that have variables (switch_channel.c:switch_channel_event_set_extended_data) while there are media. Where media
are can be learned from each.
"""

TELLS_SIP = frozenset({
    names.CHANNEL_CREATE, names.CHANNEL_PROGRESS, names.CHANNEL_PROGRESS_MEDIA, names.CHANNEL_ANSWER,
    names.CHANNEL_BRIDGE, names.CALL_UPDATE, names.CHANNEL_HOLD, names.CHANNEL_UNHOLD, names.CHANNEL_UUID,
    names.CHANNEL_DATA,
})  # fmt: skip
"""Events after which a leg's Call-ID or signalling address may be known for the first time, or anew."""

LAST_CHANCE = frozenset({
    names.CHANNEL_UNBRIDGE, names.CHANNEL_HANGUP, names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DESTROY,
    names.CHANNEL_EXECUTE, names.CHANNEL_EXECUTE_COMPLETE, names.CUSTOM,
})  # fmt: skip
"""Other events with variables: read only for what is still unknown, by an agent that came in the middle of a call."""


TELLS_PARTNER = frozenset({names.CHANNEL_BRIDGE, names.CHANNEL_UNBRIDGE, names.CALL_UPDATE})
"""Events that name the two legs they are about beside Other-Leg-Unique-ID, which may be another already."""


def partner(name: str, unique_id: str, get: Get) -> Optional[str]:
    """
    Unique-ID of the other leg that an event is about: of a bridge who is bridged with this one, or was until then.

    The end of a bridge does not always name both (switch_ivr_bridge.c:hanguphook, mod_spandsp_fax.c).
    """
    if name not in TELLS_PARTNER:
        return get(names.OTHER_LEG_UNIQUE_ID)
    if name == names.CALL_UPDATE:
        return get(names.BRIDGED_TO) or get(names.OTHER_LEG_UNIQUE_ID)
    pair = get(names.BRIDGE_A_UNIQUE_ID), get(names.BRIDGE_B_UNIQUE_ID)
    if unique_id in pair:
        other = pair[1] if pair[0] == unique_id else pair[0]
        if other and other != unique_id:
            return other
    before = get(names.LAST_BRIDGE_TO) if name == names.CHANNEL_UNBRIDGE else None
    return before or get(names.OTHER_LEG_UNIQUE_ID)


class Legs:
    """The legs that are remembered."""

    def __init__(self, max_legs: int, waiting: Waiting) -> None:
        self.learns_media = True
        self.waiting = waiting
        self.profiles = Profiles()
        self.evicted = 0
        """Legs dropped because there were too many."""
        self.expired = 0
        """Legs dropped because nothing was heard of them for a day."""
        self._max_legs = max_legs
        self._live: OrderedDict[str, Leg] = OrderedDict()  # by Unique-ID, the one unseen longest first
        self._gone: OrderedDict[str, Leg] = OrderedDict()  # destroyed, the first to be dropped first
        self._strange: dict[Leg, float] = {}  # known from CUSTOM events alone, since when
        self._renamed: OrderedDict[str, tuple[float, Leg]] = OrderedDict()  # by the former Unique-ID, since when
        self._replaced: list[Leg] = []  # by another channel of the same Unique-ID, and not yet given by `drop_old`

    def __len__(self) -> int:
        """How many are alive."""
        return len(self._live)

    @property
    def lingering(self) -> int:
        """How many were destroyed a moment ago."""
        return len(self._gone)

    @property
    def has_old(self) -> bool:
        """Whether some must be dropped now, and not at the next `drop_old` that comes with time."""
        return len(self._live) > self._max_legs or len(self._gone) > self._max_legs or bool(self._replaced)

    def reconfigure(self, max_legs: int, *, learn_media: bool) -> None:
        """Other settings from now on; what was known of media before they are not looked at any more is dropped."""
        self._max_legs = max_legs
        if self.learns_media and not learn_media:
            for leg in [*self._live.values(), *self._gone.values()]:
                leg.audio = leg.video = None
                leg.media_may_change()
        self.learns_media = learn_media

    def find(self, unique_id: Optional[str]) -> Optional[Leg]:
        """The leg of this Unique-ID, alive or just gone, or just renamed."""
        if unique_id is None:
            return None
        leg = self._live.get(unique_id) or self._gone.get(unique_id)
        if leg is None and unique_id in self._renamed:
            leg = self._renamed[unique_id][1]
            return None if leg.dropped else leg
        return leg

    def other(self, leg: Leg) -> Optional[Leg]:
        """The other leg of this one."""
        other = leg.other
        if other is None and leg.other_id is not None and not leg.other_is_gone:  # it was named before it was there
            other = self.find(leg.other_id)
            if other is not None:
                leg.join(other, other.unique_id)
        return other

    def get(self, unique_id: str, now: float) -> Leg:
        """The leg of this Unique-ID, made when there is none."""
        leg = self._live.get(unique_id)
        if leg is not None:
            self._live.move_to_end(unique_id)
        else:
            leg = self.find(unique_id)
            if leg is None:
                leg = self._live[unique_id] = Leg(unique_id)
                leg.began = now
        leg.seen = now
        return leg

    def observe(self, name: str, unique_id: str, get: Get, now: float) -> Leg:
        """The leg of a channel's event, after what the event tells of it was learned."""
        if name == names.CHANNEL_CREATE:
            leg = self._create(unique_id, now)
        else:
            if name == names.CHANNEL_UUID:
                self._rename((get(names.OLD_UNIQUE_ID) or "")[:MAX_UNIQUE_ID], unique_id, now)
            self._renamed.pop(unique_id, None)  # only RTCP is late; this may be another channel, whose CREATE was lost
            leg = self.get(unique_id, now)
        if leg.channel is None or leg.outbound is None or self._strange:
            self._learn_name(leg, name, get, now)
        if name == names.CHANNEL_UNBRIDGE and leg.other_id is not None:
            other_id = None
        else:
            other_id = partner(name, unique_id, get)
        tells_sip = name in TELLS_SIP
        if other_id and other_id != unique_id and len(other_id) <= MAX_UNIQUE_ID:
            self._introduce(leg, other_id, makes_progress=tells_sip)
        if not tells_sip and (leg.call_id is None or leg.remote is None):
            tells_sip = name in LAST_CHANCE
        if tells_sip and leg.is_sip:
            observe_signalling(leg, get, self.profiles, now)
        if self.learns_media and (
            name in TELLS_MEDIA
            or (name == names.CHANNEL_DESTROY and not leg.reported)  # CHANNEL_HANGUP_COMPLETE was lost
        ):
            leg.audio, leg.video = observe_media(leg.audio, leg.video, get)
            if name in CHANGES_MEDIA:
                leg.media_may_change()
        return leg

    def _learn_name(self, leg: Leg, name: str, get: Get, now: float) -> None:
        if name == names.CUSTOM:
            if leg.channel is None and leg.destroyed is None:
                self._strange.setdefault(leg, now)
        elif self._strange:
            self._strange.pop(leg, None)
        if leg.outbound is None:
            direction = get(names.CALL_DIRECTION)
            leg.outbound = None if direction is None else direction == "outbound"
        if leg.channel is None:
            leg.channel = without_secrets(beginning(get(names.CHANNEL_NAME) or "")) or None

    def destroy(self, leg: Leg, now: float) -> None:
        """The leg's channel is gone; it can be found for `LINGER` seconds more."""
        if leg.destroyed is None:
            leg.destroyed = now
        if self._live.get(leg.unique_id) is leg:
            del self._live[leg.unique_id]
            before = self._gone.pop(leg.unique_id, None)
            if before is not None:  # another one, of the Unique-ID that this one was renamed to
                before.drop()
            self._gone[leg.unique_id] = leg

    def drop(self, leg: Leg) -> None:
        """Drops a leg at once."""
        if self._live.get(leg.unique_id) is leg:
            del self._live[leg.unique_id]
        self._strange.pop(leg, None)
        leg.drop()

    def drop_old(self, now: float) -> Iterator[Leg]:
        """Drops the legs whose time is over, and gives those that had not been destroyed."""
        while self._replaced:
            leg = self._replaced.pop()
            yield leg
            leg.drop()
        while self._gone:
            leg = next(iter(self._gone.values()))
            if len(self._gone) <= self._max_legs and now - (leg.destroyed or 0.0) < LINGER:
                break
            del self._gone[leg.unique_id]
            leg.drop()
        while self._renamed:
            unique_id, (since, leg) = next(iter(self._renamed.items()))
            if len(self._renamed) <= self._max_legs and now - since < LINGER:
                break
            del self._renamed[unique_id]
        while self._strange:
            leg, since = next(iter(self._strange.items()))
            if now - since < STRANGE:
                break
            del self._strange[leg]
            if self._live.get(leg.unique_id) is leg:
                del self._live[leg.unique_id]
                yield leg
                leg.drop()
        while self._live:
            leg = next(iter(self._live.values()))
            too_many = len(self._live) > self._max_legs
            if not too_many and now - leg.seen < SILENCE:
                break
            del self._live[leg.unique_id]
            self._strange.pop(leg, None)
            self.evicted += too_many
            self.expired += not too_many
            yield leg
            leg.drop()

    def _create(self, unique_id: str, now: float) -> Leg:
        """CHANNEL_CREATE: a Unique-ID used again (origination_uuid) is another channel, even if the old one lives."""
        self._renamed.pop(unique_id, None)
        before = self._live.pop(unique_id, None) or self._gone.pop(unique_id, None)
        if before is not None and before.is_early:
            leg = self._live[unique_id] = before  # its RTCP, or another event, had come before its CREATE
        else:
            if before is not None:
                before.destroyed = now if before.destroyed is None else before.destroyed
                self._replaced.append(before)
            leg = self._live[unique_id] = Leg(unique_id)
            leg.began = now
        leg.created = True
        leg.seen = now
        return leg

    def _introduce(self, leg: Leg, other_id: str, *, makes_progress: bool) -> None:
        """A leg to the one it names, which may know of none, or of one that did not get as far."""
        leg.names_other = True
        if leg.names_as_before(other_id):
            other = leg.other
        else:
            other = self.find(other_id)
            leg.join(other, other_id)
        if other is None:
            return
        known = self.other(other)
        if known is None:
            is_free = makes_progress or other.other_id is None
        else:
            is_free = makes_progress and (known.destroyed is not None or not other.names_other)
        if is_free:
            other.join(leg, leg.unique_id)

    def _rename(self, old_id: Optional[str], new_id: str, now: float) -> None:
        """CHANNEL_UUID: the same channel under another Unique-ID. What had come under the new one before is its own."""
        leg = self._live.pop(old_id, None) if old_id else None
        if leg is None:
            return
        early = self._live.pop(new_id, None)
        self._renamed[leg.unique_id] = now, leg
        self._renamed.pop(new_id, None)
        leg.rename(new_id)
        self._live[new_id] = leg
        if early is not None and not early.created and early.call_id in {None, leg.call_id}:
            leg.sender_reports += early.sender_reports
            leg.audio, leg.video = joined(leg.audio, early.audio), joined(leg.video, early.video)
            self.waiting.move(early, leg)
            early.merged_into = leg
            early.drop()
        elif early is not None:  # a channel of its own, whose end was lost
            early.destroyed = now
            self._replaced.append(early)
