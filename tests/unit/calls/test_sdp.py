"""Where an SDP sends media."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.calls.sdp import Stream, streams

HEAD = "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"


def audio(section: str, head: str = HEAD) -> Stream:
    return streams(f"{head}m=audio {section}\r\n")["audio"]


def test_a_stream_has_the_sessions_address_and_its_own_port() -> None:
    assert audio("30000 RTP/AVP 0 8") == Stream("198.51.100.7", 30_000, None, False)


def test_a_streams_own_address_replaces_the_sessions() -> None:
    assert audio("30000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9").ip == "192.0.2.9"


def test_the_address_of_the_next_stream_is_not_that_of_this_one() -> None:
    both = streams(f"{HEAD}m=audio 30000 RTP/AVP 0\r\nm=video 32000 RTP/AVP 99\r\nc=IN IP4 192.0.2.9\r\n")
    assert (both["audio"].ip, both["video"].ip) == ("198.51.100.7", "192.0.2.9")


def test_an_ipv6_address_is_read() -> None:
    assert audio("30000 RTP/AVP 0\r\nc=IN IP6 2001:db8::7").ip == "2001:db8::7"


def test_the_ttl_of_a_multicast_address_is_left_out() -> None:
    assert audio("30000 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127").ip == "233.252.0.1"


def test_no_address_at_all_is_none() -> None:
    assert audio("30000 RTP/AVP 0", head="v=0\r\n").ip is None


def test_a_refused_stream_is_none() -> None:
    assert streams(f"{HEAD}m=audio 0 RTP/AVP 0\r\n") == {}


def test_the_second_offer_of_a_kind_counts_when_the_first_was_refused() -> None:
    both = streams(f"{HEAD}m=audio 0 RTP/SAVP 0\r\nm=audio 30002 RTP/AVP 0\r\nm=audio 30004 RTP/AVP 0\r\n")
    assert both["audio"].port == 30_002


def test_a_number_of_ports_is_left_out() -> None:
    assert audio("30000/2 RTP/AVP 0").port == 30_000


def test_a_rtcp_names_the_port_of_rtcp() -> None:
    assert audio("30000 RTP/AVP 0\r\na=rtcp:30005 IN IP4 198.51.100.7").rtcp_port == 30_005
    assert audio("30000 RTP/AVP 0\r\na=rtcp:30005").rtcp_port == 30_005


@pytest.mark.parametrize("port", ["65536", "x", "", "-1", "９", "9" * 5000], ids=lambda port: port[:9])
def test_a_port_that_is_none_is_that_of_a_refused_stream(port: str) -> None:
    assert streams(f"{HEAD}m=audio {port} RTP/AVP 0\r\n") == {}
    assert audio("65535 RTP/AVP 0").port == 65_535


@pytest.mark.parametrize("port", ["0", "65536", "x", "", "-1", "９"])
def test_a_rtcp_that_names_no_port_is_passed_over(port: str) -> None:
    assert audio(f"30000 RTP/AVP 0\r\na=rtcp:{port}").rtcp_port is None


def test_rtcp_mux_is_an_attribute_of_the_stream_and_not_a_word_in_another() -> None:
    assert audio("30000 RTP/AVP 0\r\na=rtcp-mux").mux
    assert not audio("30000 RTP/AVP 0\r\na=x-rtcp-mux").mux
    assert not streams(f"{HEAD}m=audio 30000 RTP/AVP 0\r\nm=video 32000 RTP/AVP 99\r\na=rtcp-mux\r\n")["audio"].mux


def test_lines_may_end_in_a_newline_alone() -> None:
    assert streams((HEAD + "m=audio 30000 RTP/AVP 0\r\na=rtcp-mux\r\n").replace("\r", ""))["audio"].mux


def test_other_kinds_of_media_are_told_too_and_disturb_nobody() -> None:
    found = streams(f"{HEAD}m=image 4000 udptl t38\r\nm=text 4002 RTP/AVP 98\r\nm=audio 30000 RTP/AVP 0\r\n")
    assert found["audio"].port == 30_000


scraps = st.lists(st.sampled_from(["\nm=audio ", "1", "0", "\na=rtcp:", "c=IN IP", "/", " "])).map("".join)


@given(st.text(max_size=300) | scraps)
def test_any_text_is_streams_with_ports_or_nothing(text: str) -> None:
    for stream in streams(text).values():
        assert 0 < stream.port <= 65_535
        assert stream.rtcp_port is None or 0 < stream.rtcp_port <= 65_535


def test_the_last_of_several_rtcp_ports_counts() -> None:
    assert streams("v=0\nm=audio 4000 RTP/AVP 0\na=rtcp:4003\na=rtcp:4005 IN IP4 192.0.2.1")["audio"].rtcp_port == 4005


@pytest.mark.parametrize("sdp", ["m=audio 4000 RTP/AVP 0", "v=0\nm=audio\no=- 1 1 IN IP4 192.0.2.1", "v=0\nm=\n4000 x"])
def test_what_is_no_media_line_is_no_stream(sdp: str) -> None:
    assert streams(sdp) == {}


def test_a_media_line_may_end_after_its_port() -> None:
    assert streams("v=0\nm=audio 4000\na=rtcp-mux")["audio"] == Stream(None, 4000, None, mux=True)
