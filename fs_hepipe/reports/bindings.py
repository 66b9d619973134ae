"""
Settings -> the events to ask the switch for: no more than the enabled reports need.
"""

from __future__ import annotations

from fs_hepipe.reports.known_events import subclass_of
from fs_hepipe.words import names
from fs_hepipe.words.settings import Settings

RTCP = frozenset({names.RECV_RTCP_MESSAGE, names.SEND_RTCP_MESSAGE})
"""Reports, received and sent: also where the quality reports have their loss from."""

LEARNED_FROM = frozenset({
    names.CHANNEL_CREATE, names.CHANNEL_PROGRESS, names.CHANNEL_PROGRESS_MEDIA, names.CHANNEL_ANSWER,
    names.CHANNEL_BRIDGE, names.CALL_UPDATE, names.CHANNEL_HOLD, names.CHANNEL_UNHOLD, names.CHANNEL_UUID,
    names.CHANNEL_HANGUP_COMPLETE, names.CHANNEL_DESTROY,
})  # fmt: skip
"""Events that any report of a leg needs, logged or not."""


def bindings(settings: Settings) -> list[tuple[str, str]]:
    """The events to bind, as (name, subclass)."""
    wanted: set[str] = set()
    if settings.report_call_events:
        wanted.update(settings.call_events)
    if settings.report_rtcp_events:
        wanted |= RTCP
    if wanted or settings.report_qos_events or settings.report_log_lines:
        wanted |= LEARNED_FROM
    if settings.report_qos_events:
        wanted |= RTCP
    subclasses = [names.LOG_SUBCLASS] if settings.report_call_events else []
    if settings.report_rtcp_events:
        subclasses.append(names.REINVITE_SUBCLASS)
    if settings.report_custom_events:
        subclasses.extend(map(subclass_of, settings.custom_events))
    return [(name, "") for name in sorted(wanted)] + [
        (names.CUSTOM, subclass) for subclass in dict.fromkeys(subclasses)
    ]
