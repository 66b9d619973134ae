"""
What the lanes are fed with: the recording `load_150_calls`, retold under other names where a lane needs fresh flows.

`python -m bench.story` prints one call of it as JSON, for a process that is to hold nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fs_hepipe.words import names

ROOT = Path(__file__).resolve().parent.parent
RECORDING = ROOT / "fs_hepipe/tools/recordings/load_150_calls.jsonl.gz"

RTCP = frozenset({names.RECV_RTCP_MESSAGE, names.SEND_RTCP_MESSAGE})
BEGIN = frozenset({names.CHANNEL_CREATE, names.CHANNEL_ANSWER, names.CHANNEL_BRIDGE, names.CALL_UPDATE})
"""Events that make a leg and tell all of it."""

LOGGED = frozenset({
    names.CHANNEL_CREATE, names.CHANNEL_ANSWER, names.CHANNEL_BRIDGE, names.CHANNEL_UNBRIDGE,
    names.CHANNEL_HANGUP_COMPLETE,
})  # fmt: skip
"""The events of the recording that are a line of the call log by default."""

IDENTITIES = (names.UNIQUE_ID, names.OTHER_LEG_UNIQUE_ID, names.SIP_CALL_ID)

Headers = dict[str, Any]


def _events() -> Iterator[Headers]:
    import gzip  # noqa: PLC0415  not in the process whose memory is measured

    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def recorded(wanted: frozenset[str]) -> list[Headers]:
    """The recording's events of these names, in their order."""
    return [event for event in _events() if event[names.EVENT_NAME] in wanted]


def retold(events: list[Headers], number: int) -> Iterator[Headers]:
    """The same events of other legs and calls: nothing that was kept of another telling helps with this one."""
    return (
        {**event, **{header: f"{event[header]}-{number}" for header in IDENTITIES if header in event}}
        for event in events
    )


class Call(NamedTuple):
    """One call, told again and again."""

    identities: list[str]
    """Unique-IDs and Call-IDs: what another call has others of."""
    begin: list[str]
    """The events that make its two legs, JSON each."""
    reports: list[str]
    """Its RTCP events: received and sent of the caller's leg, then of the callee's."""

    @classmethod
    def first(cls) -> Call:
        """The recording's first."""
        begin: list[str] = []
        reports: dict[tuple[int, str], str] = {}
        legs: list[str] = []
        call_ids: set[str] = set()
        for event in _events():
            name, leg = event[names.EVENT_NAME], event.get(names.UNIQUE_ID, "")
            if name == names.CHANNEL_CREATE and (not legs or event.get(names.OTHER_LEG_UNIQUE_ID) == legs[0]):
                legs.append(leg)
            if leg not in legs:
                continue
            if name in BEGIN:
                begin.append(json.dumps(event))
                call_ids.add(str(event.get(names.SIP_CALL_ID, leg)))
            elif name in RTCP:
                reports[legs.index(leg), name] = json.dumps(event)
        return cls(sorted({*legs, *call_ids}), begin, [reports[key] for key in sorted(reports)])

    def events(self, number: int) -> Iterator[Headers]:
        """The two legs of call `number` come to life."""
        return (self._told(text, number) for text in self.begin)

    def report(self, leg: int, turn: int) -> Headers:
        """RTCP number `turn` of leg number `leg`, two legs to a call; received and sent by turns, each NTP time new."""
        call = leg // 2
        report = self._told(self.reports[leg % 2 * 2 + (call + turn) % 2], call)
        report[names.NTP_LSW] = str(turn + 1)
        return report

    def _told(self, text: str, number: int) -> Headers:
        for identity in self.identities:
            text = text.replace(identity, f"{number:08x}{identity[8:]}")
        told: Headers = json.loads(text)
        return told


if __name__ == "__main__":
    print(json.dumps(Call.first()))
