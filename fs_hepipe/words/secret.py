r"""
Which headers of an event hold secrets or dialled digits, and text without the secrets in it.

Rules:
1. A header is judged by its name first: `NAMES` and `DIGITS` say which hold such a value, and where FreeSWITCH writes
   them. It is not sent at all.
2. Every other value may hold a secret too: an SDP, an originate string, the data of an application, a URL. A line of an
   SDP that holds one goes as a whole; after `name=`, whose name is a secret's, all goes up to the end of the brackets
   that it stands in (`{sip_auth_password=…}`), or else up to the end of the text.
3. A value that shows a secret only after it was decoded (`inline%3A`, `\u003a`, `&#58;`) is not sent at all.
4. In doubt more goes than has to.
5. The ids of channels and calls are sent as they are: they are what everything is filed under.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from fs_hepipe.words.event import header_text

NOT_SENT = "(not sent)"
"""What stands where a secret was."""

# fmt: off
# Parts of a header's or variable's name, in small letters and with `_` between the words; what has them; who writes it.
NAMES = (
    # --- SRTP master keys, with `rtp_retain_crypto_keys` even without `inline:` ---
    # rtp_last_audio_local_crypto_key ...   switch_core_media.c:switch_core_media_build_crypto
    # srtp_remote_audio_crypto_key ...      switch_core_media.c:switch_core_session_check_incoming_crypto
    # srtp_local_crypto_key ...             switch_rtp.c:switch_rtp_add_crypto_key
    # api-key, secret-access-key, ...       mod_cidlookup.c, mod_http_cache's aws.c; and the user's own names
    r"(?<!^dtmf_)(?<!_dtmf_)keys?$",
    # --- passwords ---
    # sip_auth_password                     sofia_reg.c:sofia_reg_handle_sip_r_challenge
    # password, vm-password, allow-...      sofia_reg.c:sofia_reg_parse_auth, mod_voicemail.c, mod_xml_rpc.c
    # passwd, root-password                 mod_verto.c:check_auth
    # auth_password                         switch_core_file.c:switch_core_perform_file_open
    # VM-User-Password                      mod_voicemail.c:voicemail_check_main
    r"passw", r"passphrase", r"passcode",
    # reverse-auth-pass                     sofia_reg.c:sofia_reg_handle_sip_r_challenge
    # user_supplied_pass, auth-pass         mod_verto.c:check_auth, mod_xml_rpc.c
    r"(?<!by)(?<!com)pass$",
    # ice-pwd                               switch_core_media.c:check_ice
    r"(?:^|_)pwd?$", r"icepwd$",
    # cred, gateway-credentials             mod_json_cdr.c, mod_xml_curl.c, mod_httapi.c
    r"(?:^|_)creds?$", r"credential",
    # a1-hash, vm-a1-hash                   sofia_reg.c:sofia_reg_parse_auth, mod_verto.c, mod_voicemail.c
    r"a1_?hash", r"(?:^|_)ha1(?:_|$)",
    # conference_moderator_pin, supplied_pin, pin    mod_conference.c:conference_function, mod_httapi.c
    r"pin$", r"(?:^|_)pin_", r"pin_?(?:code|number)", r"(?:^|_)(?:cvv2?|cvc2?|otp|psk)(?:_|$)",
    # --- what proves who one is, and what it can be computed from ---
    # sip_i_authorization, sip_i_proxy_authorization, sip_h_Authorization    sofia.c:sofia_parse_all_invite_headers
    r"authori[sz]ation", r"authenticate$", r"authenticat(?:e|ion)_info",
    # sip_auth_response, sip_auth_nonce, sip_auth_cnonce    sofia_reg.c:sofia_reg_parse_auth
    r"nonce", r"(?:auth|digest)_response", r"rsp_?auth", r"(?:^|_)auth$",
    # sip_acl_token                         sofia.c:sofia_handle_sip_i_invite (apply-inbound-acl-x-token)
    # token, secret                         mod_signalwire.c, mod_cidlookup.c; and the user's own names
    r"token", r"secret", r"cookie", r"(?:^|_)(?:jwt|bearer)(?:_|$)",
    # X-Amz-Signature, Signature, sig: URLs that open a file to whoever has them (mod_http_cache's aws.c, azure.c)
    r"signature$", r"(?:^|_)sig$",
)
# The same, of digits that somebody dialled.
DIGITS = (
    # DTMF-Digit                            switch_channel.c:switch_channel_dequeue_dtmf, switch_ivr_async.c
    # digits_dialed: all of a call          switch_channel.c:switch_channel_set_timestamps
    # last_matching_digits, digits          mod_dptools.c:digit_action_callback; conference_loop.c; mod_spandsp_modem.c
    r"^(?!lcr_)(?!.*timeout$).*(?:^|_)digits?(?:_|$)",
    # DTMF-Key                              conference_loop.c:conference_loop_output
    # null_channel_dtmf_queued              mod_loopback.c:null_channel_send_dtmf
    r"(?:^|_)dtmf_(?:key|queued|string)$",
)
# Lines of an SDP, or what stands for one of a body in another form.
SDP_LINES = (
    r"a=crypto:",           # RFC 4568: SRTP master keys
    r"a=ice-pwd:",          # RFC 8839
    r"a=key-mgmt:",         # RFC 4567: MIKEY
    r"k=(?:clear|base64|uri|prompt)",  # RFC 8866 §5.12
)
# The data of an application that is a secret or digits without saying so.
DATA_OF = (
    # who runs it                   what it was given           who writes it
    ("Application",                 "Application-Data"),      # switch_core_session.c:switch_core_session_exec
    ("variable_current_application", "variable_current_application_data"),  # the same function
    ("variable_last_app",           "variable_last_arg"),     # switch_channel.c:switch_channel_set_timestamps
)
# fmt: on

DIALS = frozenset({"send_dtmf", "queue_dtmf"})
"""Applications whose data are digits (mod_dptools.c)."""

MAX_TEXT = 65_536
"""Characters of a value that are looked through: no datagram has more."""

MAX_LINE = 2_048
"""Characters of a value that are looked through for a line; it shows a quarter of them."""

MAX_SHORT = 256
"""Characters of a text that is kept with what is left of it: the names of channels come with every event."""

MAX_SIGNS = 2_000
"""`=` and `:` of a text that are looked at; an SDP of 10,000 characters has 400."""

MAX_DECODED = 3
"""How often a text may be encoded in itself."""

MAX_KEPT = 4_096
"""Names, and short texts, whose judgement is kept: FreeSWITCH has some 500 names, and dialplans add theirs."""

_secret_name = re.compile("|".join(NAMES)).search
_digits_name = re.compile("|".join(DIGITS)).search
_humps = re.compile(r"(?<=[a-z0-9])(?=[A-Z])").sub
_no_word = re.compile(r"[^a-z0-9]+").sub

_sdp_line = re.compile(rf"(?:^|(?<=[\r\n]))[ \t]*(?:{'|'.join(SDP_LINES)})[^\r\n]*[\r\n]*", re.IGNORECASE).sub
_inline = re.compile(rf"inline\s*:\s*(?!{re.escape(NOT_SENT)})\S+", re.IGNORECASE).sub
_suite = re.compile(r"\b((?:AES_(?:CM|192|256)|AEAD_AES|F8_128)\w*)[ \t]+[^\r\n]+", re.IGNORECASE).sub  # RFC 4568 §6.2
_scheme = re.compile(r"\b(?:Digest\s+\w+\s*=|(?:Basic|Bearer)\s+[\w+/=.~-]{12,}).*", re.IGNORECASE | re.DOTALL).sub
_between_urls = re.compile(r"([\s/<>\"]+)").split
_user = re.compile(r"(?<![\w.@-])[a-z]{1,16}:[^@:,;]*:", re.IGNORECASE).search
_dialled = re.compile(
    r"(uuid_send_dtmf\s+\S+\s+|(?:send|queue)_dtmf\W{1,9})[^\s,'\"}\]]+", re.IGNORECASE
).sub  # mod_dptools.c; uuid_send_dtmf <uuid> <digits>: mod_commands.c:uuid_send_dtmf_function
# uuid_setvar <uuid> <name> <value>: mod_commands.c:uuid_setvar_function
_set = re.compile(r"(uuid_setvar\s+\S+\s+([\w.-]+)\s)[^\r\n]+", re.IGNORECASE).sub
_element = re.compile(r"(<([\w.:-]{1,256})(?:\s[^<>]*)?>)[^<]+").sub  # of XML
# odbc://DSN:user:password: switch_core_sqldb.c
_dsn = re.compile(rf"odbc://(?!{re.escape(NOT_SENT)})[^\s}}\]]+", re.IGNORECASE).sub
_conference_pin = re.compile(r"\+[^+]*").sub  # mod_conference.c:conference_function: conference+pin+flags{}
_sign = re.compile(r"[=:{}\[\]<>]").finditer
# Of a text that is reversed. `[name]=[value]`: mod_dptools.c:base_set, switch_channel.c:switch_channel_export_variable.
_name_before = re.compile(r"[\s\"'\]]*(?:eulav\s+[\"']*)?([\w.-]{1,256})").match
_escape = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\\/\"']))").sub

# What a text without a secret does not have: three searches, so that none hides the words of another.
_of_sdp = re.compile(r"inline|crypto|ice-pwd|key-mgmt|k=|aes_|aead|f8_128").search
_of_schemes = re.compile(r"digest|basic|bearer").search
_of_names = re.compile(r"pass|pw|key|secret|cred|a1|pin|cv[vc]|otp|psk|auth|nonce|token|cookie|jwt|bearer|sig").search

_LOOK_BACK = 300
"""Characters before a `=` in which a name is looked for."""

_CLOSING = {"{": "}", "[": "]", "<": ">"}


def is_secret(name: str) -> bool:
    """Whether a header of this name, or a variable, holds a secret."""
    return _judge(name)[0]


def holds_digits(name: str) -> bool:
    """Whether a header of this name, or a variable, holds digits that somebody dialled."""
    return _judge(name)[1]


@lru_cache(maxsize=MAX_KEPT)
def _judge(name: str) -> tuple[bool, bool, str]:
    """Whether it holds a secret, whether digits, and the name as it may be sent: it may be a text like any other."""
    words = _no_word("_", _humps("_", name[-256:]).lower()).strip("_")
    words = words.removeprefix("variable_")
    return _secret_name(words) is not None, _digits_name(words) is not None, without_secrets(name)


def beginning(text: str) -> str:
    """As much of a text as a line can show, without half a word that may be half a secret."""
    if len(text) <= MAX_LINE:
        return text
    text = text[:MAX_LINE]
    return f"{text.rpartition(' ')[0]}…" if may_hold_secret(text) else text


def without_secrets(text: str) -> str:
    """The text without the secrets in it. One with a sign of a secret is cut at `MAX_TEXT` characters."""
    if not may_hold_secret(text):
        return text
    if len(text) > MAX_TEXT:  # half a word may be the half of a secret that nothing tells any more
        text = text[: MAX_TEXT - 1].rpartition(" ")[0] + "…"
    return _kept(text) if len(text) <= MAX_SHORT else _looked_through(text)


def may_hold_secret(text: str) -> bool:
    """Without a sign or a word that a value follows, or the mark of an encoding, there is no secret."""
    if text.isalnum():
        return False
    return (  # fmt: skip
        "=" in text or ":" in text or "%" in text or "\\" in text or "&" in text or ">" in text
        or "earer " in text or "asic " in text or "_setvar" in text
    )


def _looked_through(text: str) -> str:
    sent = decoded = _without(text)
    for _ in range(MAX_DECODED):
        before, decoded = decoded, _decoded(decoded)
        if decoded == before:
            return sent
        if _without(decoded) != decoded:
            break
    return NOT_SENT


_kept = lru_cache(maxsize=MAX_KEPT)(_looked_through)


def _without(text: str) -> str:
    """The text without the secrets that it shows as it is. What this gives stays the same when it is given again."""
    small = text.lower()
    if _of_sdp(small):
        text = _sdp_line("", text)
        text = _inline(f"inline:{NOT_SENT}", text)
        text = _suite(rf"\1 {NOT_SENT}", text)
    if _of_schemes(small):
        text = _scheme(NOT_SENT, text)
    if "odbc://" in small:
        text = _dsn(f"odbc://{NOT_SENT}", text)
    if "@" in small:
        text = _without_userinfo(text)
    if not _of_names(small):
        return text
    if "uuid_setvar" in small:
        text = _set(lambda found: found[1] + NOT_SENT if is_secret(found[2]) else found[0], text)
    if "</" in small:
        text = _element(lambda found: found[1] + NOT_SENT if is_secret(found[2]) else found[0], text)
    return _without_values(text)


def _without_userinfo(text: str) -> str:
    """The text without the passwords of URLs: `http://user:password@host`, `sip:user:password@host`."""
    words = _between_urls(text)
    for place in range(0, len(words), 2):
        head, at, tail = words[place].rpartition("@")
        if not at:
            continue
        if place >= 2 and words[place - 1].startswith("//") and words[place - 2].endswith(":"):  # noqa: PLR2004
            user, colon, _ = head.partition(":")
        else:
            found = _user(head)
            user, colon = (head[: found.end() - 1], ":") if found else (head, "")
        words[place] = f"{user}:{NOT_SENT}@{tail}" if colon else words[place]
    return "".join(words)


def _without_values(text: str) -> str:
    """The text without what follows `name=` or `name:` of a secret."""
    sent: list[str] = []
    closing: list[str] = []
    start = signs = 0
    for found in _sign(text):
        sign, place = found[0], found.start()
        if place < start:  # in what is not sent
            continue
        if sign in _CLOSING:
            closing.append(_CLOSING[sign])
        elif sign not in "=:":
            if closing and closing[-1] == sign:
                closing.pop()
        elif signs == MAX_SIGNS:
            return "".join([*sent, text[start:place], NOT_SENT])
        else:
            signs += 1
            name = _name_before(text[max(start, place - _LOOK_BACK) : place][::-1])
            if name and is_secret(name[1][::-1]):
                sent += text[start : place + 1], NOT_SENT
                start = _end_of_brackets(text, place + 1, closing)
    return "".join([*sent, text[start:]])


def _end_of_brackets(text: str, place: int, closing: list[str]) -> int:
    """
    Where the innermost brackets end that are open at a place of the text; its end if none are, or if they do not.
    Counted as switch_utils.c:switch_find_end_paren does, which knows no quotes.
    """
    if not closing:
        return len(text)
    close = closing[-1]
    opening = next(sign for sign, end in _CLOSING.items() if end == close)
    depth = 1
    for found in _sign(text, place):
        depth += (found[0] == opening) - (found[0] == close)
        if depth == 0:
            return found.start()
    return len(text)


def _decoded(text: str) -> str:
    """The text with one level of each encoding undone."""
    if "%" in text:
        text = unquote(text)
    if "\\" in text:
        text = _escape(lambda found: found[3] or chr(int(found[1] or found[2], 16)), text)
    return html.unescape(text) if "&" in text else text


def data_without_secrets(application: str, data: str, *, masks_digits: bool) -> str:
    """The same for what an application was given."""
    if masks_digits and application in DIALS:
        return NOT_SENT
    if application == "conference" and "+" in data:
        data = _conference_pin(f"+{NOT_SENT}", data[:MAX_TEXT], count=1)
    elif application in {"db", "hash", "redis"}:  # insert/realm/key/value
        *words, _ = data[:MAX_TEXT].split("/")
        if any(map(is_secret, words)):
            data = f"{'/'.join(words)}/{NOT_SENT}"
    return text_without_secrets(data, masks_digits=masks_digits)


def text_without_secrets(text: str, *, masks_digits: bool) -> str:
    """The same for any text."""
    text = without_secrets(text)
    return _dialled(rf"\1{NOT_SENT}", text) if masks_digits and "_dtmf" in text.lower() else text


def headers_without_secrets(headers: Mapping[str, object], *, masks_digits: bool) -> dict[str, object]:
    """Headers as they may be sent: texts, and lists of texts for a header that has several values."""
    data = {header: headers.get(application) for application, header in DATA_OF if header in headers}
    is_dialled = masks_digits and any("dtmf" in str(headers.get(header, "")) for header in _CONTENT_TYPES)

    def value_of(name: str, value: str) -> str:
        if name in data:
            return data_without_secrets(str(data[name]), value, masks_digits=masks_digits)
        return text_without_secrets(value, masks_digits=masks_digits)

    sent: dict[str, object] = {}
    for name, value in headers.items():
        secret, digits, key = _judge(name)
        if secret or (digits and masks_digits) or (is_dialled and name == "_body"):
            sent[key] = NOT_SENT
        elif isinstance(value, list):
            sent[key] = [value_of(name, header_text(each)) for each in value]
        else:
            sent[key] = value_of(name, header_text(value))
    return sent


_CONTENT_TYPES = ("Content-Type", "content-type", "SIP-Content-Type", "variable_sip_content_type")
