"""Where the RTP and RTCP of a leg go, out of its variables and its SDPs."""

from __future__ import annotations

from typing import Optional
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.calls import media
from fs_hepipe.calls import sdp as sdp_module
from fs_hepipe.calls.endpoint import MAX_ADDRESS, Endpoint, endpoint, ip_literal
from fs_hepipe.calls.media import Medium, observe_media
from fs_hepipe.calls.sdp import media_lines
from fs_hepipe.words.numbers import integer
from tests.unit.synthetic import audio, video

LOCAL, REMOTE = "192.0.2.2", "198.51.100.7"


def sdp(ip: str, *sections: str) -> str:
    family = "IP6" if ":" in ip else "IP4"
    return "\r\n".join([f"v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0", *sections, ""])


def sdps(ours: str, theirs: str, local: str = LOCAL, remote: str = REMOTE) -> dict[str, str]:
    """Variables that say where media goes by SDP alone."""
    return {"variable_rtp_local_sdp_str": sdp(local, ours), "variable_switch_r_sdp": sdp(remote, theirs)}


def of(variables: dict[str, str], before: Optional[Medium] = None) -> Medium:
    """The audio of a leg with these variables."""
    medium, _ = observe_media(before, None, variables.get)
    assert medium is not None
    return medium


def test_variables_alone_tell_a_medium() -> None:
    medium = of(audio())
    assert (medium.kind, medium.local, medium.remote) == ("audio", Endpoint(LOCAL, 20_000), Endpoint(REMOTE, 30_000))
    assert (medium.sent.ssrc, medium.codec, medium.clock) == (0x0A0A0A0A, "PCMU", 8000)
    assert (medium.payload_type, medium.ptime) == (0, 20)


@pytest.mark.parametrize("name", ["token: s3cr3t", "http://user:s3cr3t" + "x" * 60 + "@host"])
def test_a_codec_whose_name_is_a_secret_is_not_told(name: str) -> None:
    assert "s3cr3t" not in (of(audio(variable_rtp_use_codec_name=name)).codec or "")


def test_rtcp_goes_to_the_port_behind_rtp() -> None:
    medium = of(audio())
    assert (medium.local_rtcp, medium.remote_rtcp) == (Endpoint(LOCAL, 20_001), Endpoint(REMOTE, 30_001))


def test_rtcp_behind_the_last_port_stays_a_port() -> None:
    assert of(audio(remote=65_535)).remote_rtcp == Endpoint(REMOTE, 65_535)


def test_the_variable_tells_the_rtcp_port_where_there_is_no_sdp() -> None:
    assert of(audio(variable_rtp_remote_audio_rtcp_port="30007")).remote_rtcp == Endpoint(REMOTE, 30_007)


def test_a_rtcp_of_either_side_tells_that_sides_rtcp_port() -> None:
    announced = sdps("m=audio 20000 RTP/AVP 0\r\na=rtcp:20011", "m=audio 30000 RTP/AVP 0\r\na=rtcp:30013")
    medium = of({**audio(), **announced})
    assert (medium.local_rtcp, medium.remote_rtcp) == (Endpoint(LOCAL, 20_011), Endpoint(REMOTE, 30_013))


def test_rtcp_mux_of_both_sides_puts_rtcp_on_the_rtp_port() -> None:
    both = sdps("m=audio 20000 RTP/AVP 0\r\na=rtcp-mux", "m=audio 30000 RTP/AVP 0\r\na=rtcp-mux\r\na=rtcp:30001")
    medium = of({**audio(variable_rtp_remote_audio_rtcp_port="30001"), **both})
    assert (medium.local_rtcp, medium.remote_rtcp) == (medium.local, medium.remote)


@pytest.mark.parametrize("ours, theirs", [("\r\na=rtcp-mux", ""), ("", "\r\na=rtcp-mux")])
def test_rtcp_mux_of_one_side_is_no_rtcp_mux(ours: str, theirs: str) -> None:
    medium = of(sdps(f"m=audio 20000 RTP/AVP 0{ours}", f"m=audio 30000 RTP/AVP 0{theirs}"))
    assert (medium.local_rtcp, medium.remote_rtcp) == (Endpoint(LOCAL, 20_001), Endpoint(REMOTE, 30_001))


def test_sdp_fills_in_what_the_variables_do_not_say() -> None:
    medium = of(sdps("m=audio 20000 RTP/AVP 0", "m=audio 30000 RTP/AVP 0"))
    assert (medium.local, medium.remote) == (Endpoint(LOCAL, 20_000), Endpoint(REMOTE, 30_000))
    assert (medium.sent.ssrc, medium.clock, medium.codec) == (None, None, None)


def test_variables_are_right_where_the_sdp_says_otherwise() -> None:
    """Behind NAT the far end's SDP names an address it can't be reached at."""
    medium = of({**audio(), **sdps("m=audio 1 RTP/AVP 0", "m=audio 2 RTP/AVP 0", remote="10.0.0.1")})
    assert (medium.local, medium.remote) == (Endpoint(LOCAL, 20_000), Endpoint(REMOTE, 30_000))


def test_ipv6_media_keeps_its_addresses() -> None:
    medium = of(sdps("m=audio 20000 RTP/AVP 0", "m=audio 30000 RTP/AVP 0", "2001:db8::2", "2001:db8::7"))
    assert (medium.local, medium.remote_rtcp) == (Endpoint("2001:db8::2", 20_000), Endpoint("2001:db8::7", 30_001))


@pytest.mark.parametrize("refused", ["m=audio 0 RTP/AVP 0", "m=image 30000 udptl t38"])
def test_audio_that_was_refused_is_no_medium(refused: str) -> None:
    assert observe_media(None, None, sdps("m=audio 20000 RTP/AVP 0", refused).get) == (None, None)


# --- a medium ends, and begins again ---

SOUND = "m=audio {} RTP/AVP 0".format
PICTURE = "m=video {} RTP/AVP 99".format


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_video_that_a_re_invite_drops_has_ended_and_audio_goes_on(side: str) -> None:
    sound, picture = observe_media(None, None, {**audio(), **video()}.get)
    both, dropped = f"{SOUND(20_000)}\r\n{PICTURE(22_000)}", f"{SOUND(20_000)}\r\n{PICTURE(0)}"
    now = sdps(dropped, both) if side == "ours" else sdps(both, dropped)
    assert observe_media(sound, picture, {**audio(), **now}.get) == (sound, picture)
    assert sound is not None
    assert picture is not None
    assert (sound.active, picture.active) == (True, False)
    assert picture.remote == Endpoint(REMOTE, 32_000), "what it had is what its report on quality says"
    observe_media(sound, picture, {**audio(), **video(remote=36_000)}.get)
    assert (picture.active, picture.remote) == (True, Endpoint(REMOTE, 36_000))


@pytest.mark.parametrize("answer", ["m=image 40000 udptl t38", "m=audio 0 RTP/AVP 0\r\nm=image 40000 udptl t38"])
def test_audio_keeps_its_ports_when_t38_takes_over(answer: str) -> None:
    """The variables are UDPTL's then: switch_core_media.c sets them for whatever was negotiated."""
    medium = of({**audio(), **sdps(SOUND(20_000), SOUND(30_000))})
    t38 = {**audio(local=21_000, remote=40_000), **sdps("m=image 21000 udptl t38", answer)}
    assert of(t38, medium) is medium
    assert not medium.active
    assert (medium.local, medium.remote) == (Endpoint(LOCAL, 20_000), Endpoint(REMOTE, 30_000))


# --- what is not read again ---

LINES = ["m=audio 20000 RTP/AVP 0", "m=audio 20002 RTP/AVP 0\r\na=rtcp:20013", "m=audio 30000 RTP/AVP 0\r\na=rtcp-mux",
         "m=audio 0 RTP/AVP 0", "m=audio 30000 RTP/AVP 0\r\na=ice-ufrag:x", "m=image 4000 udptl t38",
         "m=audio 30000 RTP/AVP 0\r\nm=video 30002 RTP/AVP 96"]  # fmt: skip
CHOICES: dict[str, list[Optional[str]]] = {
    "variable_rtp_local_sdp_str": [None, *(sdp(LOCAL, line) for line in LINES)],
    "variable_switch_r_sdp": [None, *(sdp(REMOTE, line) for line in LINES)],
    "variable_local_media_ip": [None, LOCAL, LOCAL],
    "variable_local_media_port": [None, "20000", "20000", "20002"],
    "variable_remote_media_ip": [None, REMOTE, REMOTE],
    "variable_remote_media_port": [None, "30000", "30000", "30004"],
    "variable_remote_audio_ip": [None, "203.0.113.5", "203.0.113.6"],
    "variable_remote_audio_port": ["40000"],
    "variable_remote_audio_ip_reported": [None, REMOTE, REMOTE],
    "variable_remote_audio_port_reported": ["30000"],
    "variable_remote_audio_rtcp_ip": [None, REMOTE],
    "variable_remote_audio_rtcp_port": ["50001", "50003"],
    "variable_rtp_remote_audio_rtcp_port": [None, "30007", "30009"],
    "variable_rtp_use_ssrc": [None, "7"],
    "variable_rtp_use_codec_name": ["PCMU", "opus"],
    "variable_rtp_use_codec_rate": ["8000", "48000"],
    "variable_rtp_use_codec_ptime": ["20", "40"],
    "variable_local_video_ip": [None, LOCAL],
    "variable_local_video_port": ["20006"],
}


@st.composite
def stories(draw: st.DrawFn) -> list[dict[str, str]]:
    """A leg's variables from event to event: most stay what they were."""
    now = {header: draw(st.sampled_from(choices)) for header, choices in CHOICES.items()}
    told = [now]
    for changed in draw(st.lists(st.lists(st.sampled_from(sorted(CHOICES)), max_size=2), max_size=8)):
        now = {**now, **{header: draw(st.sampled_from(CHOICES[header])) for header in changed}}
        told.append(now)
    return [{header: value for header, value in each.items() if value is not None} for each in told]


def known(medium: Optional[Medium]) -> Optional[list[object]]:
    if medium is None:
        return None
    codec = [medium.sent.ssrc, medium.codec, medium.clock, medium.payload_type, medium.ptime]
    return [medium.active, medium.local, medium.remote, medium.local_rtcp, medium.remote_rtcp, *codec]


@given(stories())
def test_media_whose_variables_did_not_change_are_what_they_would_be_if_all_was_read(
    story: list[dict[str, str]],
) -> None:
    first: tuple[Optional[Medium], Optional[Medium]] = None, None
    second = first
    for variables in story:
        first = observe_media(*first, variables.get)
        if second[0] is not None:
            second[0].told = None
        second = observe_media(*second, variables.get)
        assert list(map(known, first)) == list(map(known, second))


def test_the_sdps_of_the_event_before_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = mock.Mock(side_effect=media_lines)
    monkeypatch.setattr(media, "media_lines", reads)
    variables = {**audio(), **sdps("m=audio 20000 RTP/AVP 0", "m=audio 30000 RTP/AVP 0")}
    medium = of(variables)
    assert reads.call_count == 2
    of(dict(variables), medium)
    assert reads.call_count == 2
    of({**variables, **sdps("m=audio 20000 RTP/AVP 0", "m=audio 30000 RTP/AVP 8")}, medium)
    assert reads.call_count == 4


def test_the_sdps_of_a_leg_with_video_are_parsed_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    parses = mock.Mock(side_effect=sdp_module._sections)
    monkeypatch.setattr(sdp_module, "_sections", parses)
    variables = {**audio(), **video(local=22_222)}  # SDPs that no other test has
    audio_of_leg, video_of_leg = observe_media(None, None, variables.get)
    for _ in range(20):
        observe_media(audio_of_leg, video_of_leg, variables.get)
    assert parses.call_count <= 4
    assert (audio_of_leg is not None, video_of_leg is not None) == (True, True)


def test_a_ptime_that_changes_without_any_sdp_is_learned() -> None:
    variables = {**audio(), **sdps("m=audio 20000 RTP/AVP 0", "m=audio 30000 RTP/AVP 0")}
    assert of({**variables, "variable_rtp_use_codec_ptime": "40"}, of(variables)).ptime == 40


# --- where media really come from ---


def adjusted(ip: str, port: int, *, announced: str = REMOTE, announced_port: int = 30_000) -> dict[str, str]:
    """What the switch adds when media come from somewhere else than announced (switch_rtp.c, "Auto Changing")."""
    return {
        "variable_remote_audio_ip": ip, "variable_remote_audio_port": str(port),
        "variable_remote_audio_ip_reported": announced, "variable_remote_audio_port_reported": str(announced_port),
        "variable_rtp_auto_adjust_audio": "true",
    }  # fmt: skip


def test_the_address_that_media_come_from_is_the_far_ends() -> None:
    announced = sdps(SOUND(20_000), f"{SOUND(30_000)}\r\na=rtcp:30009")
    medium = of({**audio(), **announced, **adjusted("203.0.113.9", 62_000)})
    assert (medium.remote, medium.remote_rtcp) == (Endpoint("203.0.113.9", 62_000), Endpoint("203.0.113.9", 62_001))


def test_an_address_that_was_seen_before_another_one_was_announced_is_not_believed() -> None:
    seen = adjusted("203.0.113.9", 62_000)
    medium = of({**audio(), **seen})
    assert of({**audio(remote=31_000), **seen}, medium).remote == Endpoint(REMOTE, 31_000)


@pytest.mark.parametrize("nowhere", ["0.0.0.0", "::"])
def test_a_stream_on_hold_keeps_the_address_it_had(nowhere: str) -> None:
    """RFC 2543's hold, which phones still send: `c=IN IP4 0.0.0.0`."""
    medium = of({**audio(), **sdps(SOUND(20_000), SOUND(30_000))})
    held = {**audio(), "variable_remote_media_ip": nowhere, **sdps(SOUND(20_000), SOUND(30_000), remote=nowhere)}
    assert of(held, medium).remote == Endpoint(REMOTE, 30_000)
    assert of({**held, **adjusted("198.51.100.8", 30_000, announced=nowhere)}, medium).remote == Endpoint(
        "198.51.100.8", 30_000
    )


# --- which line, and which RTCP port ---


def test_the_line_of_the_port_that_is_used_is_the_one_that_was_taken() -> None:
    offer = f"m=audio 30100 RTP/SAVP 0\r\na=rtcp:30109\r\n{SOUND(30_000)}\r\na=rtcp:30005"
    assert of({**audio(), **sdps(SOUND(20_000), offer)}).remote_rtcp == Endpoint(REMOTE, 30_005)


def test_with_ice_rtcp_goes_where_its_candidate_is() -> None:
    ice = {**audio(), **sdps(SOUND(20_000), f"{SOUND(30_000)}\r\na=ice-ufrag:x\r\na=rtcp:9")}
    assert of(ice).remote_rtcp == Endpoint(REMOTE, 30_001), "the switch ignores a=rtcp then: it says port 9"
    candidate = {"variable_remote_audio_rtcp_ip": "203.0.113.7", "variable_remote_audio_rtcp_port": "40001"}
    assert of({**ice, **candidate}).remote_rtcp == Endpoint("203.0.113.7", 40_001)
    plain = sdps(SOUND(20_000), SOUND(30_000))
    assert of({**audio(), **plain, **candidate}).remote_rtcp == Endpoint(REMOTE, 30_001), "of an earlier SDP"


def test_a_host_name_is_looked_up_by_nobody_but_its_port_is_known() -> None:
    medium = of(sdps("m=audio 20000 RTP/AVP 0", "m=audio 30000 RTP/AVP 0", remote="media.example.invalid"))
    assert (medium.remote, medium.remote_rtcp) == (Endpoint("0.0.0.0", 30_000), Endpoint("0.0.0.0", 30_001))
    told = {**audio(), "variable_remote_media_ip": "media.example.invalid"}
    assert of(told).remote == Endpoint("0.0.0.0", 30_000)
    seen = {"variable_remote_audio_ip": "203.0.113.9", "variable_remote_audio_port": "62000",
            "variable_remote_audio_ip_reported": "media.example.invalid",
            "variable_remote_audio_port_reported": "30000"}  # fmt: skip
    assert of({**told, **seen}).remote == Endpoint("203.0.113.9", 62_000)
    assert of({**told, "variable_local_media_ip": "2001:db8::2"}).remote == Endpoint("::", 30_000)


@pytest.mark.parametrize("nonsense", ["198.51.100.300", "a b", "-", "%s%n", "x" * 300, "198.51.100.7:5060"])
def test_what_is_neither_an_address_nor_a_host_name_is_nothing(nonsense: str) -> None:
    assert of({**audio(), "variable_remote_media_ip": nonsense}).remote is None


def test_a_hold_keeps_the_host_name_of_the_far_end() -> None:
    medium = of({**audio(), "variable_remote_media_ip": "media.example.invalid"})
    assert of({**audio(), "variable_remote_media_ip": "0.0.0.0"}, medium).remote == Endpoint("0.0.0.0", 30_000)


def test_one_side_is_enough_for_a_medium() -> None:
    medium = of({"variable_remote_media_ip": REMOTE, "variable_remote_media_port": "30000"})
    assert (medium.local, medium.local_rtcp, medium.remote) == (None, None, Endpoint(REMOTE, 30_000))


def test_the_sdp_is_right_where_a_variable_of_an_earlier_one_is_left_over() -> None:
    left_over = audio(variable_rtp_remote_audio_rtcp_port="30007")
    medium = of({**left_over, **sdps("m=audio 20000 RTP/AVP 0", "m=audio 30000 RTP/AVP 0")})
    assert medium.remote_rtcp == Endpoint(REMOTE, 30_001)


def test_a_clock_that_an_event_does_not_tell_stays() -> None:
    medium = of(audio())
    assert of({"variable_rtp_use_ssrc": "7"}, medium).clock == 8000
    assert medium.sent.ssrc == 7


def test_without_any_port_there_is_no_medium() -> None:
    assert observe_media(None, None, dict[str, str]().get) == (None, None)
    assert observe_media(None, None, {"variable_local_media_ip": LOCAL}.get) == (None, None)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "", "99999999999999999999"])
def test_a_port_that_is_none_is_not_known(port: str) -> None:
    assert of({**audio(), "variable_remote_media_port": port}).remote is None


def test_a_re_invite_moves_the_media() -> None:
    medium = of({**audio(), **sdps("m=audio 20000 RTP/AVP 0\r\na=rtcp-mux", "m=audio 30000 RTP/AVP 0\r\na=rtcp-mux")})
    moved = {**audio(remote=31_000), "variable_remote_media_ip": "198.51.100.8"}
    assert of(moved, medium) is medium
    assert (medium.remote, medium.remote_rtcp) == (Endpoint("198.51.100.8", 31_000), Endpoint("198.51.100.8", 31_001))


def test_an_event_that_says_nothing_of_media_changes_nothing() -> None:
    medium = of(audio())
    assert of({}, medium) is medium
    assert (medium.remote, medium.sent.ssrc, medium.codec) == (Endpoint(REMOTE, 30_000), 0x0A0A0A0A, "PCMU")


def test_a_changed_ssrc_replaces_ours() -> None:
    medium = of(audio())
    assert of(audio(ssrc=0x0C0C0C0C), medium).sent.ssrc == 0x0C0C0C0C


def test_video_has_its_own_ports_ssrc_and_clock() -> None:
    sound, picture = observe_media(None, None, {**audio(), **video()}.get)
    assert sound is not None
    assert picture is not None
    assert (sound.local, picture.local) == (Endpoint(LOCAL, 20_000), Endpoint(LOCAL, 22_000))
    assert (picture.kind, picture.remote_rtcp) == ("video", Endpoint(REMOTE, 32_001))
    assert (picture.sent.ssrc, picture.clock, picture.codec, picture.ptime) == (0x0B0B0B0B, 90_000, "VP8", None)


def test_video_that_the_far_end_refused_is_no_medium() -> None:
    """Else a leg with audio alone would have two media, and no report could be told to be of the one it has."""
    offer, answer = "m=audio {} RTP/AVP 0\r\nm=video {} RTP/AVP 99".format, (30_000, 0)
    refused = sdps(offer(20_000, 22_000), offer(*answer))
    sound, picture = observe_media(None, None, {**audio(), **refused}.get)
    assert sound is not None
    assert picture is None
    refused = sdps(offer(20_000, 0), offer(30_000, 32_000))
    assert observe_media(None, None, {**audio(), **refused}.get)[1] is None


def test_video_that_was_there_can_move() -> None:
    sound, picture = observe_media(None, None, {**audio(), **video()}.get)
    assert observe_media(sound, picture, {**audio(), **video(remote=33_000)}.get)[1] is picture
    assert picture is not None
    assert picture.remote == Endpoint(REMOTE, 33_000)
    moved = {"variable_remote_video_ip": "198.51.100.8", "variable_remote_video_port": "34000"}
    observe_media(sound, picture, moved.get)
    assert picture.remote == Endpoint("198.51.100.8", 34_000)


@pytest.mark.parametrize(
    "text, address",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("host.example.invalid", None),
        ("192.0.2", None),
        ("192.0.2.1.", None),
        ("", None),
        ("１９２.0.2.1", None),
        ("1" * 60_000, None),
    ],
)
def test_an_address_is_an_address_or_none(text: str, address: Optional[str]) -> None:
    assert ip_literal(text) == address


def test_an_address_is_no_longer_than_one_with_its_zone_can_be() -> None:
    longest = "fe80::1%".ljust(MAX_ADDRESS, "z")
    assert (ip_literal(longest), ip_literal(longest + "z")) == ("fe80::1", None)
    assert endpoint(longest, "0000005060") == Endpoint("fe80::1", 5060)
    assert endpoint(longest + "z", "5060") is None


@pytest.mark.parametrize(
    "text, number",
    [
        ("0", 0),
        ("5060", 5060),
        ("4294967295", 2**32 - 1),
        ("4294967296", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        (None, None),
        ("²", None),
        ("9" * 60_000, None),
    ],
)
def test_a_number_of_32_bits_is_one_or_none(text: Optional[str], number: Optional[int]) -> None:
    assert integer(text) == number


# --- ICE candidates ---


def ice(port: int, rtcp: int, address: str = REMOTE) -> str:
    return (
        f"m=%s {port} RTP/AVP 0\r\na=ice-ufrag:x\r\na=rtcp:9\r\n"
        f"a=candidate:1 1 UDP 99 {address} {port} typ host\r\na=candidate:1 2 udp 98 {address} {rtcp} typ host\r\n"
        f"a=candidate:2 2 tcp 97 {address} 9 typ host"
    )


def test_the_candidate_says_the_port_of_rtcp_where_no_variable_does() -> None:
    answer = sdps("m=audio 20000 RTP/AVP 0", ice(30_000, 30_055) % "audio")
    assert of({**audio(), **answer}).remote_rtcp == Endpoint(REMOTE, 30_055)
    elsewhere = sdps("m=audio 20000 RTP/AVP 0", ice(30_000, 30_055, "10.0.0.9") % "audio")
    assert of({**audio(), **elsewhere}).remote_rtcp == Endpoint(REMOTE, 30_001)


@pytest.mark.parametrize("line", ["a=candidate:", "a=candidate:1 2", "a=candidate:1 2 udp 98 198.51.100.7 99999 typ x"])
def test_a_candidate_that_is_none_is_passed_over(line: str) -> None:
    answer = sdps("m=audio 20000 RTP/AVP 0", f"m=audio 30000 RTP/AVP 0\r\na=ice-ufrag:x\r\n{line}")
    assert of({**audio(), **answer}).remote_rtcp == Endpoint(REMOTE, 30_001)


def test_a_candidate_of_video_that_ice_chose_does_not_move_audio() -> None:
    ours = "m=audio 20000 RTP/AVP 0\r\nm=video 22000 RTP/AVP 99"
    theirs = f"{ice(30_000, 30_055) % 'audio'}\r\n{ice(32_000, 32_055) % 'video'}"
    told = {
        **audio(), **sdps(ours, theirs), "variable_remote_media_port": "32000",
        "variable_remote_audio_ip": REMOTE, "variable_remote_audio_port": "30000",
        "variable_remote_video_ip": "10.0.0.9", "variable_remote_video_port": "32000",
    }  # fmt: skip
    sound, picture = observe_media(None, None, told.get)
    assert sound is not None
    assert picture is not None
    assert (sound.remote, picture.remote) == (Endpoint(REMOTE, 30_000), Endpoint(REMOTE, 32_000))


def test_after_a_refused_offer_of_t38_the_variables_tell_where_audio_is() -> None:
    """An agent that starts after it: `switch_r_sdp` has no audio any more."""
    medium = of({**sdps("m=audio 20000 RTP/AVP 0", "m=image 4000 udptl t38"), **audio()})
    assert (medium.active, medium.local, medium.remote) == (
        True, Endpoint("192.0.2.2", 20_000), Endpoint("198.51.100.7", 30_000),
    )  # fmt: skip
