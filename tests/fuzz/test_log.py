"""Whatever is in a log file: its messages are read, bounded, and of nobody whose Unique-ID is not in it."""

from __future__ import annotations

from hypothesis import strategies as st

from fs_hepipe.reports.log_line import CUT_AFTER, LEVELS, MAX_LINE, MAX_TEXT, LogText, Wanted
from fs_hepipe.words.log_text import log_text_without_secrets
from tests.fuzz.engine import Fuzz
from tests.fuzz.test_text import ANY_TEXT

LEGS = st.sampled_from(
    ["6935de1a-44ac-46a6-97d6-5c5a0907c0ee", "f7a5138f-5852-413b-9f8d-763262207c80", "call@192.0.2.1"]
)
DATES = st.sampled_from(["2026-11-26 19:07:31.319818", "2026-02-30 99:99:99.999999", "0000-00-00 00:00:00.000000"])
SIGNS = st.sampled_from(
    [" ", "  ", ":", "[", "] ", "\n", "\r\n", "\\n", "\x1b[31m", "86.83% ", "EXECUTE [depth=0] ", "Dialplan: "]
)
LONG = st.integers(0, 2 * MAX_LINE).map(lambda length: "x" * length) | st.just("y" * (CUT_AFTER - 60))
WORDS = LEGS | DATES | SIGNS | ANY_TEXT | LONG | st.sampled_from([f"[{level}] " for level in LEVELS])
TEXTS = st.lists(WORDS, max_size=8).map("".join)
HEADS = st.tuples(LEGS, DATES, st.sampled_from(list(LEVELS)), TEXTS).map(
    lambda parts: f"{parts[0]} {parts[1]} 86.83% [{parts[2]}] mod_dptools.c:1865 {parts[3]}"
)
MORE = st.tuples(LEGS, TEXTS).map(" ".join)
FILES = st.lists(HEADS | MORE | TEXTS, max_size=12).map(
    lambda lines: "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
)


def test_a_log_file_is_read_in_any_pieces_to_the_same_bounded_messages(fuzz: Fuzz) -> None:
    def check(given: tuple[bytes, list[int], int, bool]) -> None:
        octets, sizes, least, without_leg = given
        told = []
        for pieces in (sizes, []):
            text, found = LogText(Wanted(least, without_leg=without_leg), lambda local: local), []
            start = 0
            for size in [*pieces, len(octets)]:
                found += text.feed(octets[start : start + size])
                assert len(text._rest) <= MAX_LINE
                start += size
            told.append([*found, *text.pause(), *text.restart()])
        for line in told[0]:
            assert LEVELS[line.level] <= least
            assert line.unique_id is not None or without_leg
            assert len(line.text) <= MAX_TEXT + 1
            if line.unique_id is not None:
                assert line.unique_id.encode("utf-8", "surrogateescape") in octets
        if b"x" * MAX_LINE not in octets:  # a line that is too long is cut where its pieces end
            assert told[0] == told[1]

    pieces = st.lists(st.integers(1, 3_000), max_size=6)
    fuzz(st.tuples(FILES | st.binary(max_size=300), pieces, st.sampled_from([*LEVELS.values()]), st.booleans()), check)


def test_no_digit_and_no_password_is_left_of_what_the_log_says(fuzz: Fuzz) -> None:
    def check(text: str) -> None:
        for line in (f"RECV DTMF 7:2080 {text}", f"sofia/x SET [sip_auth_password]=[hunter7] {text}"):
            sent = log_text_without_secrets(line, masks_digits=True)
            assert "7" not in sent.partition("]=")[2][:12]
            assert not sent.startswith("RECV DTMF 7")
        assert isinstance(log_text_without_secrets(text, masks_digits=True), str)

    fuzz(TEXTS, check)
