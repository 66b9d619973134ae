"""
An event -> the side that did it: the far end of the leg, or the switch. It is the direction of the line.

Most events have one cause only. Where an event has two, FreeSWITCH tells them apart by other headers; each rule below
names the C that it was read from. All of it is the same in 1.10.12 and 1.11.2.

| event | the far end did it | C |
|---|---|---|
| CHANNEL_CREATE | on a leg that called us | mod_sofia.c, sofia.c:sofia_handle_sip_i_invite |
| PROGRESS, PROGRESS_MEDIA, ANSWER | on a leg that we called | switch_channel.c:switch_channel_perform_mark_* |
| CHANNEL_HOLD | its re-INVITE; `switch_ivr_hold` is ours | switch_core_media.c:switch_core_media_toggle_hold |
| CHANNEL_UNHOLD | the same, or it hung up | as above, and switch_channel.c:switch_channel_perform_hangup |
| CALL_UPDATE | it told another name or number | sofia.c:sofia_update_callee_id |
| CHANNEL_HANGUP | its BYE, CANCEL or final response | sofia.c:sofia_handle_sip_i_bye, sofia_handle_sip_i_state |
| HANGUP_COMPLETE, DESTROY | by `sip_hangup_disposition` | mod_sofia.c:sofia_on_hangup |
| DTMF | any digit that no application made up | switch_channel.c:switch_channel_dequeue_dtmf |
| TALK, NOTALK, DETECTED_* | always: they are about what it says | switch_rtp.c, switch_ivr_async.c |
| CUSTOM | those of `CUSTOM_OF_LEG`; others that name an address, but `CUSTOM_BY_SWITCH` | sofia.c, sofia_reg.c |
| all others | never: they happen inside the switch | |
"""

from __future__ import annotations

from typing import Callable

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.sdp import flows_both_ways
from fs_hepipe.words import names
from fs_hepipe.words.event import Get

FAR_END_DISPOSITIONS = ("recv_bye", "recv_cancel", "recv_refuse")
"""Of `sip_hangup_disposition`, where the far end ended the leg; `send_...` where the switch did."""

INJECTED = "APP"
"""DTMF-Source of a digit that an application of the switch made up."""

CUSTOM_OF_LEG = frozenset({
    "sofia::reinvite", "sofia::transferor", "sofia::error", "sofia::notify_refer", "sofia::notify_watched_header",
    "sofia::bye_response",
})  # fmt: skip
"""
CUSTOM events of a leg that its far end did: re-INVITE, REFER (`error`: one that was refused), NOTIFY, a response.
`transferee`, `replaced` and `intercepted` happen to a leg by somebody else.
"""

CUSTOM_BY_SWITCH = frozenset({"sofia::expire"})
"""CUSTOM events that name an address from which nothing came: the switch's own timer."""

CUSTOM_BY_RESPONSE = frozenset({"sofia::gateway_state", "sofia::sip_user_state"})
"""Fired for a response, which is then their `Status`, and for what the switch does by itself."""


def is_by_far_end(name: str, get: Get, leg: Leg) -> bool:
    """
    Whether the far end did it.

    Args:
        name: of the event.
        get: its headers.
        leg: whose event it is; who holds it is remembered.
    """
    rule = _RULES.get(name)
    return rule is not None and rule(get, leg)


def is_custom_by_far_end(subclass: str, get: Get, *, of_leg: bool, has_remote: bool) -> bool:
    """
    The same of a CUSTOM event.

    Args:
        subclass: of the event.
        get: its headers.
        of_leg: whether it is the event of a leg.
        has_remote: whether it names the address of a far end.
    """
    if of_leg:
        return subclass in CUSTOM_OF_LEG
    if subclass in CUSTOM_BY_RESPONSE and not get(names.STATUS):
        return False
    return has_remote and subclass not in CUSTOM_BY_SWITCH


def _by_caller(_get: Get, leg: Leg) -> bool:
    return leg.outbound is False


def _by_callee(_get: Get, leg: Leg) -> bool:
    return bool(leg.outbound)


def _always(_get: Get, _leg: Leg) -> bool:
    return True


def _hold(get: Get, leg: Leg) -> bool:
    by_far_end = _is_marked(get)
    leg.held_by_us = not by_far_end
    return by_far_end


def _unhold(get: Get, leg: Leg) -> bool:
    """
    The switch ends a hold by the same function when it hangs up or transfers, its own too. The far end's SDP tells
    them apart: if it resumed, media flow both ways.
    """
    held_by_us, leg.held_by_us = leg.held_by_us, False
    if not _is_marked(get):
        return False
    if get(names.SIP_TERM_STATUS):  # it hung up
        return True
    return not held_by_us and flows_both_ways(get(names.REMOTE_SDP))


def _is_marked(get: Get) -> bool:
    return get(names.CALLING_FUNCTION) == "switch_channel_mark_hold"


def _update(get: Get, _leg: Leg) -> bool:
    return get(names.CALLING_FUNCTION) == "sofia_update_callee_id"


def _hangup(get: Get, _leg: Leg) -> bool:
    """
    Before mod_sofia has said its last word: a BYE and a final response leave their status first, a CANCEL its
    disposition. `recv_refuse` can be older: of a challenge (401, 407), or of a refused re-INVITE.
    """
    return bool(get(names.SIP_TERM_STATUS)) or get(names.SIP_HANGUP_DISPOSITION) == "recv_cancel"


def _ended(get: Get, _leg: Leg) -> bool:
    return get(names.SIP_HANGUP_DISPOSITION) in FAR_END_DISPOSITIONS


def _digit(get: Get, _leg: Leg) -> bool:
    return get(names.DTMF_SOURCE) != INJECTED


_RULES: dict[str, Callable[[Get, Leg], bool]] = {
    names.CHANNEL_CREATE: _by_caller,
    names.CHANNEL_PROGRESS: _by_callee,
    names.CHANNEL_PROGRESS_MEDIA: _by_callee,
    names.CHANNEL_ANSWER: _by_callee,
    names.CHANNEL_HOLD: _hold,
    names.CHANNEL_UNHOLD: _unhold,
    names.CALL_UPDATE: _update,
    names.CHANNEL_HANGUP: _hangup,
    names.CHANNEL_HANGUP_COMPLETE: _ended,
    names.CHANNEL_DESTROY: _ended,
    names.DTMF: _digit,
    "TALK": _always,
    "NOTALK": _always,
    "DETECTED_SPEECH": _always,
    "DETECTED_TONE": _always,
}
