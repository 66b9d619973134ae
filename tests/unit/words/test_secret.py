"""No key, password or dialled digit leaves in foreign text, by its name or by its form; the rest stays as it was."""

from __future__ import annotations

import json
import time
from itertools import count
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.words.secret import (
    MAX_TEXT,
    NOT_SENT,
    data_without_secrets,
    headers_without_secrets,
    holds_digits,
    is_secret,
    text_without_secrets,
    without_secrets,
)
from tests.unit.synthetic import RECORDINGS, recorded

KEY = "83+VunlCGDNtseafj0uYxTWBp0o2n5gwnp8gGBmb"
S = "s3cr3t"

# --- names ------------------------------------------------------------------------------------------------------------

SECRET_NAMES = """
    variable_rtp_last_audio_local_crypto_key variable_rtp_last_video_local_crypto_key
    variable_rtp_last_text_local_crypto_key variable_rtp_last_audio_remote_crypto_key
    variable_srtp_remote_audio_crypto_key variable_srtp_remote_video_crypto_key variable_srtp_remote_text_crypto_key
    variable_srtp_local_crypto_key variable_srtp_remote_crypto_key variable_srtp_local_audio_crypto_key
    variable_srtp_local_video_crypto_key
    variable_sip_auth_password sip_auth_password variable_sip_auth_response sip_auth_nonce sip_auth_cnonce
    variable_sip_nonce variable_sip_i_authorization variable_sip_i_proxy_authorization variable_sip_h_Authorization
    variable_sip_h_Proxy-Authorization sip_h_proxy-authorization variable_sip_h_WWW-Authenticate
    variable_sip_rh_Proxy-Authenticate variable_sip_h_Authentication-Info variable_sip_acl_token
    variable_sip_h_X-Auth-Token variable_sip_i_x_api_key variable_sip_h_X-Api-Key variable_sip_h_Cookie
    password variable_password variable_vm-password variable_vm_password VM-User-Password variable_a1-hash
    variable_vm-a1-hash a1_hash variable_reverse-auth-pass reverse_auth_pass user_supplied_pass auth-pass
    variable_userPassword variable_http_passwd passwd root-password jsonrpc-password esl-password db-password
    ssl-key-password variable_passphrase variable_ice-pwd variable_ice_pwd variable_client_secret variable_access_token
    variable_cred gateway-credentials secret-access-key variable_private_key variable_apiKey variable_apikey
    variable_pin variable_conference_moderator_pin supplied_pin moderator-pin variable_voicemail_pin
    variable_pin_code variable_pincode variable_card_cvv variable_otp PASSWORD Variable_SIP_Auth_Password
    variable_turn_password variable_ha1 variable_jwt
""".split()
PLAIN_NAMES = """
    Event-Name Unique-ID variable_sip_call_id variable_bypass_media variable_pass_rfc2833 variable_rtp_has_crypto
    variable_rtp_secure_media variable_rtp_secure_media_confirmed variable_srtp_remote_audio_crypto_tag
    variable_srtp_remote_audio_crypto_type variable_sip_auth_username variable_sip_auth_realm variable_sip_auth_method
    variable_sip_authorized variable_sip_acl_authed_by variable_voicemail_authorized Ping-Status
    variable_rtp_local_sdp_str variable_switch_r_sdp variable_rtp_use_codec_name variable_sip_full_via
    variable_hangup_cause variable_spinning Caller-Caller-ID-Name Application-Data Application-Response
    variable_verto_user variable_rtp_audio_in_dtmf_packet_count variable_compass variable_sip_invite_response
""".split()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_header_that_holds_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_secret(name)
    assert headers_without_secrets({name: S, "x": "y"}, masks_digits=False) == {name: NOT_SENT, "x": "y"}
    assert headers_without_secrets({name: [S, S]}, masks_digits=False) == {name: NOT_SENT}


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_header_that_holds_none_stays(name: str) -> None:
    assert not is_secret(name)
    assert headers_without_secrets({name: S}, masks_digits=True) == {name: S}


DIGIT_NAMES = """
    DTMF-Digit DTMF-Key DTMF-String digits variable_digits_dialed variable_last_matching_digits
    variable_last_non_matching_digits variable_conference_last_matching_digits variable_modem_digits
    variable_null_channel_dtmf_queued variable_digits_received variable_digits
""".split()
NO_DIGIT_NAMES = """
    DTMF-Duration DTMF-Source DTMF-Conversion variable_dtmf_type variable_last_dtmf_duration variable_drop_dtmf
    variable_rtp_audio_in_dtmf_packet_count variable_lcr_query_digits variable_digit_timeout
    variable_bind_digit_digit_timeout Caller-Destination-Number
""".split()


@pytest.mark.parametrize("name", DIGIT_NAMES)
def test_digits_are_masked_unless_they_are_to_be_shown(name: str) -> None:
    assert holds_digits(name)
    assert headers_without_secrets({name: "4711"}, masks_digits=True) == {name: NOT_SENT}
    assert headers_without_secrets({name: "4711"}, masks_digits=False) == {name: "4711"}


@pytest.mark.parametrize("name", NO_DIGIT_NAMES)
def test_what_is_no_digit_is_not_masked(name: str) -> None:
    assert headers_without_secrets({name: "160"}, masks_digits=True) == {name: "160"}


def test_the_headers_of_recorded_calls_stay_as_they_are_but_for_the_keys_and_the_digits() -> None:
    hidden, cut = set(), set()
    for story in sorted(path.name.partition(".")[0] for path in RECORDINGS.glob("*.gz") if "load" not in path.name):
        for event in recorded(story):
            headers = json.loads(event.serialize())
            sent = headers_without_secrets(headers, masks_digits=True)
            hidden |= {name for name in headers if sent[name] == NOT_SENT}
            cut |= {name for name in headers if sent[name] not in (headers[name], NOT_SENT)}
    assert hidden == {
        "DTMF-Digit", "variable_digits_dialed", "variable_rtp_last_audio_local_crypto_key",
        "variable_rtp_last_text_local_crypto_key", "variable_rtp_last_video_local_crypto_key",
        "variable_srtp_remote_audio_crypto_key",
    }  # fmt: skip
    assert cut == {"variable_rtp_local_sdp_str", "variable_switch_r_sdp", "variable_switch_m_sdp"}


def test_a_header_may_be_called_by_a_secret() -> None:
    headers = {f"1 AES_CM_128_NULL_AUTH inline:{S}": "x", f"password={S}": "y"}
    assert headers_without_secrets(headers, masks_digits=True) == {
        "1 AES_CM_128_NULL_AUTH (not sent)": "x",
        "password=(not sent)": NOT_SENT,
    }


# --- SDP --------------------------------------------------------------------------------------------------------------

BEFORE = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\nm=audio 4000 RTP/SAVP 0\r\n"
AFTER = "a=rtpmap:0 PCMU/8000\r\na=ice-ufrag:abcd\r\na=fingerprint:sha-256 AA:BB\r\n"


@pytest.mark.parametrize(
    "line",
    [
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31|1:1",
        f"A=CRYPTO:1 aes_cm_128_hmac_sha1_80 INLINE:{KEY}",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline: {KEY}",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}",
        f"  a=crypto:2 F8_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}",
        f"a=ice-pwd:{KEY}",
        f"a=Ice-Pwd:{KEY}",
        f"a=key-mgmt:mikey {KEY}",
        f"k=base64:{KEY}",
        f"k=clear:{KEY}",
    ],
)
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_line_of_an_sdp_that_holds_a_secret_goes_whole(line: str, end: str) -> None:
    sdp = BEFORE + AFTER
    assert without_secrets(f"{BEFORE}{line}\r\n{AFTER}".replace("\r\n", end)) == sdp.replace("\r\n", end)
    assert KEY not in without_secrets(f"{BEFORE}{AFTER}{line}")


def test_an_sdp_without_a_secret_stays() -> None:
    assert without_secrets(BEFORE + AFTER) == BEFORE + AFTER


# --- any text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"inline:{KEY}",
        f"INLINE:{KEY}",
        f"Inline : \t{KEY}",
        f"spinline:{KEY}",
        f"11 AES_CM_128_NULL_AUTH inline:{KEY}",
        f"3 AEAD_AES_256_GCM_8 inlin:{KEY}",
        f"inline%3A{KEY}",
        f"inline%253a{KEY}",
        f"%69nline%3A{KEY}".replace("+", "%2B"),
        rf"inline\u003a{KEY}",
        rf"inline\x3a{KEY}",
        f"inline&#58;{KEY}",
        f"inline&colon;{KEY}",
        rf"rtp_local_sdp_str=v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n",
        f"sdp=v%3D0%0D%0Aa%3Dice-pwd%3A{KEY}%0D%0A",
        json.dumps({"sdp": f"{BEFORE}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n{AFTER}"}),
        json.dumps({"sdp": f"{BEFORE}a=ice-pwd:{KEY}\r\n{AFTER}"}),
        f'Digest username="1001", realm="r", nonce="n", response="{KEY}"',
        f'DIGEST realm="r",\r\n response="{KEY}"',
        f"Authorization: Basic {KEY}",
        f"x=1 Basic {KEY}",
        f"h=Bearer {KEY}",
        f"Proxy-Authorization: {KEY}",
        f"http://user:{KEY}@host/path?x=1",
        f"http_cache://http://user:{KEY}@host/sound.wav",
        f"https://:{KEY}@host/",
        f"sip:alice:{KEY}@192.0.2.7:5060;transport=tcp",
        f"<sip:alice:{KEY}@192.0.2.7>",
        f"sofia/external/sip:alice:{KEY}@192.0.2.7",
        f"turn:user:{KEY}@turn.example.com",
        f"redis://:{KEY}@127.0.0.1/0",
        f"odbc://freeswitch:user:{KEY}@host",
        f"pgsql://hostaddr=127.0.0.1 dbname=x user=y password='{KEY}'",
        f"{{sip_auth_username=bob,sip_auth_password={KEY}}}sofia/gateway/x/1234",
        f"[sip_auth_password={KEY},leg_timeout=5]sofia/gateway/x/1234",
        f"<sip_auth_password={KEY}>sofia/gateway/x/1234",
        f"{{x=[y=z],SIP_AUTH_PASSWORD={KEY}}}sofia/gateway/x/1234",
        f"{{^^:sip_auth_password={KEY}:x=y}}sofia/gateway/x/1234",
        f"{{sip_auth_password='a,b {KEY}',x=y}}sofia/gateway/x/1234",
        f"{{sip_auth_password={KEY}",
        f"sip_auth_password={KEY}",
        f"nolocal:sip_auth_password={KEY}",
        f"sip_h_Authorization=x {KEY}",
        f"^^:a=b:sip_auth_password={KEY}:c=d",
        f"sip_auth_password = {KEY}",
        f'"password" : "{KEY}"',
        f"'api_key': '{KEY}'",
        f'<param name="password" value="{KEY}"/>',
        f"<param name='a1-hash' value='{KEY}'/>",
        f"name=&quot;password&quot; value=&quot;{KEY}&quot;",
        f"https://example.com/x?token={KEY}&y=1",
        f"set sip_auth_password=my, odd}} {KEY}",
        f"execute_on_answer=set rtp_secret_key={KEY}",
        f"{'=' * 2_000}x=password={KEY}",
        f"{'x' * 300}_password={KEY}",
        f"uuid_setvar 3f1c sip_auth_password {KEY}",
        f"<user><password>{KEY}</password></user>",
        f"<vm-password type='plain'>{KEY}</vm-password>",
        f"odbc://freeswitch:fs:{KEY}",
        f"https://files.example.com/a.wav?X-Amz-Signature={KEY}",
        f"https://files.example.com/a.wav?sv=2019&sig={KEY}",
        f"Bearer {KEY}",
    ],
)  # fmt: skip
def test_no_text_lets_a_secret_out(text: str) -> None:
    sent = without_secrets(text)
    assert KEY not in sent
    assert KEY.replace("+", "%2B") not in sent
    assert NOT_SENT in sent
    assert without_secrets(sent) == sent


@pytest.mark.parametrize(
    "text, sent",
    [
        (f"{{sip_auth_username=bob,sip_auth_password={S}}}sofia/gateway/x/1234",
         "{sip_auth_username=bob,sip_auth_password=(not sent)}sofia/gateway/x/1234"),
        (f"[a_pass={S}]sofia/x/1,[b_pass={S}]sofia/x/2", "[a_pass=(not sent)]sofia/x/1,[b_pass=(not sent)]sofia/x/2"),
        (f"sip:alice:{S}@192.0.2.7:5060", "sip:alice:(not sent)@192.0.2.7:5060"),
        (f"http://user:{S}@host/path", "http://user:(not sent)@host/path"),
        (f"11 AES_CM_128_NULL_AUTH inline:{S}", "11 AES_CM_128_NULL_AUTH (not sent)"),
    ],
)  # fmt: skip
def test_what_stands_around_a_secret_stays(text: str, sent: str) -> None:
    assert without_secrets(text) == sent


@pytest.mark.parametrize(
    "text",
    [
        "sofia/internal/1001@192.0.2.10:5060",
        "sofia/internal/9234@127.0.0.1:5080,sofia/internal/sip:9235@127.0.0.1:5080",
        "{call_timeout=6,origination_caller_id_name='Zoë & Co'}user/1001@example.com",
        "sip:1001@[2001:db8::1]:5060",
        '"Alice" <sip:1001@192.0.2.10;transport=udp>;tag=abc',
        "SIP/2.0/UDP 192.0.2.10:5060;rport=5060;branch=z9hG4bK-1:a@b",
        "hangup_after_bridge=true",
        "http://example.com:8080/path?user=a@b",
        "12:30:15 100 % done \\ & more: x=y",
        "Basic Plumbing: a=b",
        "api_hangup_hook=lua bye.lua ${uuid}",
        "Fo%20o:bar%2",
    ],
)
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


def test_a_text_that_is_encoded_again_and_again_is_not_sent() -> None:
    text = "x:y"
    for _ in range(2):
        text = text.replace("%", "%25").replace("x", "%78")
    assert without_secrets(text) == text
    assert without_secrets("%" + "25" * 9 + "78:y") == NOT_SENT


def test_a_long_text_is_cut_before_half_a_secret() -> None:
    head = "a=b " + "x" * (MAX_TEXT - 40)
    assert KEY[:8] not in without_secrets(f"{head} http://user:{KEY * 9}@host")
    assert without_secrets("x" * 1_000_000) == "x" * 1_000_000  # there is no sign of a secret in it


# --- applications -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "application, data, sent",
    [
        ("set", f"sip_auth_password={S}", "sip_auth_password=(not sent)"),
        ("export", f"nolocal:sip_auth_password={S}", "nolocal:sip_auth_password=(not sent)"),
        ("bridge", f"[sip_auth_password={S}]sofia/x/1", "[sip_auth_password=(not sent)]sofia/x/1"),
        ("conference", "3000@default+4711", "3000@default+(not sent)"),
        ("conference", "3000@default+4711+flags{mute}", "3000@default+(not sent)+flags{mute}"),
        ("conference", "3000@default", "3000@default"),
        ("db", f"insert/passwords/1001/{S}", "insert/passwords/1001/(not sent)"),
        ("hash", f"insert/users/1001_pin/{S}", "insert/users/1001_pin/(not sent)"),
        ("hash", "insert/users/1001/x", "insert/users/1001/x"),
        ("playback", f"http://u:{S}@h/a.wav", "http://u:(not sent)@h/a.wav"),
        ("answer", "", ""),
    ],
)
@pytest.mark.parametrize("masks_digits", [True, False])
def test_what_an_application_was_given_has_no_secret(
    application: str, data: str, sent: str, masks_digits: bool
) -> None:
    assert data_without_secrets(application, data, masks_digits=masks_digits) == sent


@pytest.mark.parametrize(
    "application, data, masked",
    [
        ("send_dtmf", "4711#", NOT_SENT),
        ("queue_dtmf", "W4711@200", NOT_SENT),
        ("set", "execute_on_answer=send_dtmf 4711#", "execute_on_answer=send_dtmf (not sent)"),
        ("bridge", "{exec_on_answer='queue_dtmf::4711'}user/1", "{exec_on_answer='queue_dtmf::(not sent)'}user/1"),
        ("start_dtmf", "", ""),
    ],
)
def test_what_an_application_dials_is_masked(application: str, data: str, masked: str) -> None:
    assert data_without_secrets(application, data, masks_digits=True) == masked
    assert data_without_secrets(application, data, masks_digits=False) == data


@pytest.mark.parametrize(
    "application, data",
    [("Application", "Application-Data"), ("variable_current_application", "variable_current_application_data"),
     ("variable_last_app", "variable_last_arg")],
)  # fmt: skip
def test_the_data_of_an_application_are_known_in_every_header_that_has_them(application: str, data: str) -> None:
    sent = headers_without_secrets({application: "send_dtmf", data: "4711"}, masks_digits=True)
    assert sent == {application: "send_dtmf", data: NOT_SENT}
    sent = headers_without_secrets({data: "1+4711", application: "conference"}, masks_digits=False)
    assert sent[data] == "1+(not sent)"
    assert headers_without_secrets({data: "a b"}, masks_digits=True) == {data: "a b"}


@pytest.mark.parametrize("kind", ["application/dtmf-relay", "application/dtmf"])
def test_the_body_of_a_dialled_digit_is_masked(kind: str) -> None:
    headers = {"Content-Type": kind, "_body": "Signal=5\r\nDuration=160"}
    assert headers_without_secrets(headers, masks_digits=True)["_body"] == NOT_SENT
    assert headers_without_secrets(headers, masks_digits=False) == headers


@pytest.mark.parametrize("value, sent", [(None, "null"), (True, "true"), (["a", None], ["a", "null"]), ({}, "{}")])
def test_a_value_that_is_no_text_becomes_one(value: Optional[object], sent: object) -> None:
    assert headers_without_secrets({"x": value}, masks_digits=True) == {"x": sent}


# --- any text at all --------------------------------------------------------------------------------------------------

PIECES = st.sampled_from([
    "a=crypto:1 AES_CM_128 ", "inline:", "inline", "password", "pass", "=", ":", "{", "}", "[", "]", "<", ">", "@",
    "sip:", "http://", "user", "\r\n", " ", "%3A", "%", "\\u003a", "\\", "&#58;", "&", "Digest ", "Basic ", "Bearer ",
    "k=clear", NOT_SENT, "token", 'name="password" value=', "'", '"', ",", "x" * 300, "\udce9", "…",
])  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=4), max_size=30).map("".join))
def test_what_is_left_of_a_text_has_no_secret_any_more(text: str) -> None:
    sent = without_secrets(text)
    assert without_secrets(sent) == sent
    assert text_without_secrets(text, masks_digits=False) == sent


@pytest.mark.parametrize(
    "piece",
    ["a=", "=:", "password=", "passw", "Digest ", "Digest x=", "Basic ", "sip:", "sip:a:", "sip:a:b@", "%25", "%",
     "\\", "&", "<", "{", "{password=", "[{<", "inline", "inline:", "AES_CM", "AES_CM ", "a=crypto:", "\na=crypto:",
     " ", 'pin"', "-_", "\\u0041", "&#58;", "send_dtmf", "k=", "@", "/@", ":@"],
)  # fmt: skip
def test_no_text_takes_longer_than_its_length_allows(piece: str) -> None:
    """Twice the text takes about twice the time, never four times."""

    def seconds(text: str) -> float:
        def once() -> float:
            started = time.process_time()
            text_without_secrets(text, masks_digits=True)
            return time.process_time() - started

        return min(once() for _ in range(3))

    def texts(length: int) -> list[str]:
        body = piece * (length // len(piece))
        return [f"{body}=", f"x={body}", f"inline {body}@password=:"]

    for number, short, long in zip(count(), texts(4_000), texts(32_000)):
        assert seconds(long) < 0.5, number
        assert seconds(long) < 24 * seconds(short) + 0.002, number


def test_digits_that_an_api_command_dials_are_masked() -> None:
    text = "uuid_send_dtmf 0a1b-2c3d 4711#"
    assert text_without_secrets(text, masks_digits=True) == f"uuid_send_dtmf 0a1b-2c3d {NOT_SENT}"
    assert text_without_secrets(text, masks_digits=False) == text


@pytest.mark.parametrize(
    "name",
    ["variable_dbpass", "variable_userpin", "variable_cvv2", "variable_sip_h_X-Auth", "variable_sip_h_X-Signature"],
)
def test_further_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["variable_media_bypass", "variable_compass", "variable_sip_acl_authed_by"])
def test_names_that_only_look_so(name: str) -> None:
    assert not is_secret(name)


def test_a_bracket_that_closes_nothing_ends_nothing() -> None:
    assert text_without_secrets("a] b} password=V", masks_digits=True) == f"a] b}} password={NOT_SENT}"
