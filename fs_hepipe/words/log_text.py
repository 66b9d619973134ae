"""
What FreeSWITCH's log says -> the same without secrets and dialled digits.

The log names digits by words, not by headers (`RECV DTMF 1:2080`, `digits '1234'`): behind such a word everything goes
that could be digits, durations too. In doubt more goes than has to.
"""

from __future__ import annotations

import re

from fs_hepipe.words.secret import NOT_SENT, data_without_secrets, text_without_secrets

# fmt: off
DIGIT_WORDS = (
    # RECV DTMF 1:2080, RTP RECV DTMF 1:2080        switch_channel.c:switch_channel_queue_dtmf, switch_rtp.c
    # Queue dtmf\ndigit=1 ms=100, SHORT DTMF DIGIT  switch_channel.c:switch_channel_dequeue_dtmf, switch_core_io.c
    # Early Queuing digit 1:100                     switch_rtp.c:handle_rfc2833
    # INFO DTMF(1), Enqueuing RFC2833 DTMF 1        sofia.c:sofia_handle_sip_i_info, mod_sofia's rtp.c
    # Digit match binding [realm][1]                mod_dptools.c:digit_action_callback
    # digits '1234', rejecting digits '1234'        switch_ivr_menu.c:play_and_collect
    r"dtmf", r"digit",
    # ACCEPT TERMINATOR #                           switch_ivr_play_say.c:gentones_on_dtmf, switch_ivr_async.c
    r"terminator",
    # Test Regex [1234][\d+], action regex [1] [2]  switch_ivr_play_say.c:switch_play_and_get_digits, switch_ivr_menu.c
    r"(?:test|action) regex \[",
    # IVR menu 'main' caught invalid input '1234'   switch_ivr_menu.c:switch_ivr_menu_execute
    r"caught ",
    # Signal=1, of an INFO that is traced           RFC 6086's application/dtmf-relay
    r"signal\s*=",
)
# fmt: on

_digits_follow = re.compile("|".join(DIGIT_WORDS), re.IGNORECASE).search
_digits = re.compile(r"(?<![\w.:/@-])[0-9*#A-D]+(?![\w.@])(?:[:,][0-9]+)?").sub
_execute = re.compile(r"(EXECUTE \[depth=\d+\] .*? (\w+))\((.*?)\)?", re.DOTALL).fullmatch


def log_text_without_secrets(text: str, *, masks_digits: bool) -> str:
    """A message of FreeSWITCH's log as it may be sent."""
    executed = _execute(text)  # switch_core_session.c:switch_core_session_exec
    if executed is not None:
        application, data = executed[2], executed[3]
        sent = data_without_secrets(application, data, masks_digits=masks_digits)
        return f"{text_without_secrets(executed[1], masks_digits=masks_digits)}({sent})"
    text = text_without_secrets(text, masks_digits=masks_digits)
    found = _digits_follow(text) if masks_digits else None
    if found is None:
        return text
    return text[: found.start()] + _digits(NOT_SENT, text[found.start() :])
