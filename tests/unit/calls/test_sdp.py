"""Where an SDP sends media."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_hepipe.calls.sdp import (
    MAX_CANDIDATES,
    MAX_KEPT,
    MAX_LINES,
    MAX_READ,
    MediaLine,
    _kept,
    flows_both_ways,
    media_lines,
)

HEAD = "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"


def line(section: str, head: str = HEAD) -> MediaLine:
    (found,) = media_lines(f"{head}m={section}\r\n")
    return found


def audio(section: str, head: str = HEAD) -> MediaLine:
    return line(f"audio {section}", head)


def test_a_stream_has_the_sessions_address_and_its_own_port() -> None:
    assert audio("30000 RTP/AVP 0 8") == MediaLine("audio", "198.51.100.7", 30_000, None, mux=False, ice=False)


def test_a_streams_own_address_replaces_the_sessions() -> None:
    assert audio("30000 RTP/AVP 0\r\nc=IN IP4 192.0.2.9").ip == "192.0.2.9"


def test_the_address_of_the_next_stream_is_not_that_of_this_one() -> None:
    both = media_lines(f"{HEAD}m=audio 30000 RTP/AVP 0\r\nm=video 32000 RTP/AVP 99\r\nc=IN IP4 192.0.2.9\r\n")
    assert [(each.kind, each.ip) for each in both] == [("audio", "198.51.100.7"), ("video", "192.0.2.9")]


def test_an_ipv6_address_is_read() -> None:
    assert audio("30000 RTP/AVP 0\r\nc=IN IP6 2001:db8::7").ip == "2001:db8::7"


def test_the_ttl_of_a_multicast_address_is_left_out() -> None:
    assert audio("30000 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127").ip == "233.252.0.1"


def test_no_address_at_all_is_none() -> None:
    assert audio("30000 RTP/AVP 0", head="v=0\r\n").ip is None


def test_a_refused_line_has_port_0() -> None:
    assert audio("0 RTP/AVP 0").port == 0


def test_every_line_is_there_in_its_order() -> None:
    lines = media_lines(f"{HEAD}m=audio 0 RTP/SAVP 0\r\nm=audio 30002 RTP/AVP 0\r\nm=image 4000 udptl t38\r\n")
    assert [(each.kind, each.port) for each in lines] == [("audio", 0), ("audio", 30_002), ("image", 4000)]


@pytest.mark.parametrize(
    "section",
    ["audio  30000  RTP/AVP 0", "audio\t30000 RTP/AVP 0", "audio 30000 RTP/AVP 0 ", "AUDIO 30000 RTP/AVP 0"],
)
def test_blanks_in_a_row_separate_like_one(section: str) -> None:
    assert (line(section).kind, line(section).port) == ("audio", 30_000)


@pytest.mark.parametrize(
    "connection", ["c=IN  IP4  192.0.2.9", "c=IN IP4 192.0.2.9 ", "c= IN IP4 192.0.2.9", "c=in IP4 192.0.2.9"]
)
def test_so_they_do_in_an_address(connection: str) -> None:
    assert audio(f"30000 RTP/AVP 0\r\n{connection}").ip == "192.0.2.9"


def test_a_host_name_stays_one() -> None:
    assert audio("30000 RTP/AVP 0\r\nc=IN IP4 media.example.invalid").ip == "media.example.invalid"


@pytest.mark.parametrize("connection", ["c=IN", "c=", "c=IN IP4", "c=ATM NSAP 47.0091"])
def test_what_is_no_internet_address_is_passed_over(connection: str) -> None:
    assert audio(f"30000 RTP/AVP 0\r\n{connection}").ip == "198.51.100.7"


@pytest.mark.parametrize("attribute", ["a=rtcp-mux", "a=rtcp-mux ", "a= rtcp-mux", "a=RTCP-MUX", "a=rtcp-mux\t"])
def test_rtcp_mux_is_seen_however_it_is_written(attribute: str) -> None:
    assert audio(f"30000 RTP/AVP 0\r\n{attribute}").mux


def test_attributes_of_the_session_are_those_of_every_line() -> None:
    head = f"{HEAD}a=rtcp-mux\r\na=ice-ufrag:x\r\n"
    lines = media_lines(f"{head}m=audio 30000 RTP/AVP 0\r\nm=video 32000 RTP/AVP 99\r\n")
    assert [(each.mux, each.ice) for each in lines] == [(True, True)] * 2


def test_ice_is_seen() -> None:
    assert audio("30000 RTP/AVP 0\r\na=ice-ufrag:F7gI").ice


def test_a_number_of_ports_is_left_out() -> None:
    assert audio("30000/2 RTP/AVP 0").port == 30_000


def test_a_rtcp_names_the_port_of_rtcp() -> None:
    assert audio("30000 RTP/AVP 0\r\na=rtcp:30005 IN IP4 198.51.100.7").rtcp_port == 30_005
    assert audio("30000 RTP/AVP 0\r\na=rtcp:30005").rtcp_port == 30_005


@pytest.mark.parametrize(
    "port",
    ["65536", "x", "", "-1", "９", "9" * 5000],
    ids=["too great", "a word", "nothing", "negative", "no ASCII", "endless"],
)
def test_a_port_that_is_none_is_that_of_a_refused_stream(port: str) -> None:
    assert audio(f"{port} RTP/AVP 0").port == 0
    assert audio("65535 RTP/AVP 0").port == 65_535


@pytest.mark.parametrize("port", ["0", "65536", "x", "", "-1", "９"])
def test_a_rtcp_that_names_no_port_is_passed_over(port: str) -> None:
    assert audio(f"30000 RTP/AVP 0\r\na=rtcp:{port}").rtcp_port is None


def test_rtcp_mux_is_an_attribute_of_the_stream_and_not_a_word_in_another() -> None:
    assert audio("30000 RTP/AVP 0\r\na=rtcp-mux").mux
    assert not audio("30000 RTP/AVP 0\r\na=x-rtcp-mux").mux
    lines = media_lines(f"{HEAD}m=audio 30000 RTP/AVP 0\r\nm=video 32000 RTP/AVP 99\r\na=rtcp-mux\r\n")
    assert [each.mux for each in lines] == [False, True]


@pytest.mark.parametrize("end", ["\r", "\n"])
def test_lines_may_end_in_one_of_the_two_alone(end: str) -> None:
    (found,) = media_lines((HEAD + "m=audio 30000 RTP/AVP 0\r\na=rtcp-mux\r\n").replace("\r\n", end))
    assert (found.port, found.mux) == (30_000, True)


def test_what_looks_like_an_address_elsewhere_is_none() -> None:
    assert audio("30000 RTP/AVP 0\r\ni=IN IP4 192.0.2.99").ip == "198.51.100.7"


scraps = st.lists(st.sampled_from(["\nm=audio ", "1", "0", "\na=rtcp:", "c=IN IP", "/", " "])).map("".join)


@given(st.text(max_size=300) | scraps)
def test_any_text_is_lines_with_ports(text: str) -> None:
    for found in media_lines(text):
        assert 0 <= found.port <= 65_535
        assert found.rtcp_port is None or 0 < found.rtcp_port <= 65_535


def test_a_tab_separates_the_rtcp_port_too() -> None:
    assert line("audio 4000 RTP/AVP 0\r\na=rtcp:4003\tIN IP4 192.0.2.1").rtcp_port == 4003


def test_media_lines_that_are_read_are_bounded_and_so_is_what_is_kept() -> None:
    many = HEAD + "m=audio 4000 RTP/AVP 0\r\n" * 5000
    assert len(media_lines(many)) == MAX_LINES
    before = _kept.cache_info().currsize
    media_lines(many + "x", again=True)
    assert _kept.cache_info().currsize == before


def test_the_last_of_several_rtcp_ports_counts() -> None:
    section = "audio 4000 RTP/AVP 0\r\na=rtcp:4003\r\na=rtcp:4005 IN IP4 192.0.2.1"
    assert line(section).rtcp_port == 4005


@pytest.mark.parametrize(("sdp", "found"), [
    ("m=audio 4000 RTP/AVP 0", [("audio", 4000)]),
    ("v=0\nm=audio\no=- 1 1 IN IP4 192.0.2.1", [("audio", 0)]),
    ("v=0\nm=\n4000 x", [("", 0)]),
    ("v=0\n", []),
])  # fmt: skip
def test_what_is_no_media_line_has_no_port(sdp: str, found: list[tuple[str, int]]) -> None:
    assert [(each.kind, each.port) for each in media_lines(sdp)] == found


def test_a_media_line_may_end_after_its_port() -> None:
    (found,) = media_lines("v=0\nm=audio 4000\na=rtcp-mux")
    assert found == MediaLine("audio", None, 4000, None, mux=True, ice=False)


@pytest.mark.parametrize("length", [MAX_KEPT + 1, MAX_READ, MAX_READ + 1])
def test_a_long_sdp_is_read_and_not_kept(length: int) -> None:
    begin = "v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 20000 RTP/AVP 0\r\na=x:"
    before = _kept.cache_info().currsize
    assert [line.port for line in media_lines(begin + "x" * (length - len(begin)), again=True)] == [20_000]
    assert _kept.cache_info().currsize == before


def test_an_sdp_that_is_read_again_is_kept_and_another_one_is_not() -> None:
    sdp = f"{HEAD}m=audio 20002 RTP/AVP 0\r\na=rtcp-mux\r\n"
    before = _kept.cache_info()
    assert media_lines(sdp) == media_lines(sdp, again=True) == media_lines(sdp, again=True)
    after = _kept.cache_info()
    assert (after.misses, after.hits) == (before.misses + 1, before.hits + 1)


@pytest.mark.parametrize("attribute", ["rtcp-fb:* nack", "rtcp-mux-only", "rtcp-xr:x", "ice-ufrags:x", "candidates:x"])
def test_an_attribute_that_only_begins_as_one_that_is_read_is_passed_over(attribute: str) -> None:
    assert audio(f"30000 RTP/AVP 0\r\na={attribute}") == audio("30000 RTP/AVP 0")


def test_candidates_beyond_the_most_are_passed_over() -> None:
    candidate = "\r\na=candidate:1 1 UDP 1 192.0.2.1 5000 typ host"
    found = audio("30000 RTP/AVP 0" + (MAX_CANDIDATES + 1) * candidate + "\r\na=rtcp-mux")
    assert (len(found.candidates), found.mux) == (MAX_CANDIDATES, True)


@pytest.mark.parametrize("attribute", ["a=\r\n rtcp-mux", "A=rtcp-mux", " a=rtcp-mux", "a=\u017fendonly", "a:rtcp-mux"])
def test_what_is_no_attribute_is_none_even_if_it_looks_like_one(attribute: str) -> None:
    sdp = f"{HEAD}m=audio 30000 RTP/AVP 0\r\n{attribute}\r\n"
    assert not media_lines(sdp)[0].mux
    assert flows_both_ways(sdp)


def test_the_first_of_several_addresses_of_a_stream_counts() -> None:
    found = audio("30000 RTP/AVP 0\r\nc=IN IP4\r\nc=IN IP4 233.252.0.1/127\r\nc=IN IP4 233.252.0.2/127")
    assert found.ip == "233.252.0.1"
