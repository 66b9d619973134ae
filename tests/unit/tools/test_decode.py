"""`decode` of any file: datagrams, streams of them, digits, HEP1 and HEP2, and what is none of these."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Callable, NamedTuple

import pytest

from fs_hepipe.hep.encoder import pack_data
from fs_hepipe.tools import main
from fs_hepipe.tools.decode import MAX_CONTENT, PIECE, datagrams
from fs_hepipe.words.errors import HepError
from tests.unit.messages import SPEC_OCTETS


class Shown(NamedTuple):
    """What `decode` prints of a file, and its exit status."""

    status: int
    out: str
    err: str


Decode = Callable[[bytes], Shown]


@pytest.fixture
def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Decode:
    def decoded(content: bytes) -> Shown:
        file = tmp_path / "content"
        file.write_bytes(content)
        return Shown(main(["decode", str(file)]), *capsys.readouterr())

    return decoded


def test_a_stream_is_shown_datagram_by_datagram(shown: Decode) -> None:
    done = shown(SPEC_OCTETS * 3)
    assert (done.status, done.err) == (0, "")
    assert done.out.count("113 octets\n") == done.out.count("INVITE sip:bob") == 3


def test_a_stream_that_is_cut_is_shown_up_to_there(shown: Decode) -> None:
    done = shown(SPEC_OCTETS * 2 + SPEC_OCTETS[:50])
    assert done.status == 1
    assert done.out.count("INVITE sip:bob") == 2
    assert done.err == "error: offset 4: the length says 113 octets, there are 50\n"
    assert "212.202.0.1" in done.out.rpartition("octets\n")[2], "its first chunks are whole"


def test_what_follows_a_stream_is_named_with_its_offset(shown: Decode) -> None:
    done = shown(SPEC_OCTETS * 2 + b"\x1b[2J")
    assert done.status == 1
    assert done.out.count("INVITE sip:bob") == 2
    assert done.err == "error: offset 226: starts with b'\\x1b[2J', not with b'HEP3'\n"


def test_a_datagram_whose_length_is_wrong_is_shown_with_a_remark(shown: Decode) -> None:
    done = shown(b"HEP3" + (107).to_bytes(2, "big") + SPEC_OCTETS[6:])
    assert (done.status, done.err) == (0, "")
    assert "INVITE sip:bob" in done.out
    assert "remark  offset 4: the length says 107 octets, there are 113" in done.out


def test_a_chunk_of_another_width_and_a_compressed_payload_are_shown(shown: Decode) -> None:
    chunks = SPEC_OCTETS[6:] + pack_data(0, 16, b"\x78\x9c" * 50) + pack_data(0, 12, b"\0\7")
    done = shown(b"HEP3" + (6 + len(chunks)).to_bytes(2, "big") + chunks)
    assert done.status == 0
    assert "0x0010 compressed_payload       106  compressed, 100 octets\n" in done.out
    assert "remark  offset 219: chunk 0x0000/0x000c has a body of 2 octets" in done.out


@pytest.mark.parametrize("form", ["raw", "hex"])
def test_hep1_and_hep2_are_named_and_their_fields_shown(form: str, shown: Decode) -> None:
    octets = bytes.fromhex("01 10 02 11 13c4 13c5 c0000201 c0000202") + b"INVITE sip:bob"
    done = shown(octets if form == "raw" else octets.hex(" ").encode())
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:2] == ["30 octets", "HEP1"]
    assert {"src_ip       192.0.2.1", "dst_port     5061", "payload      INVITE sip:bob", "time         -"} < set(lines)


@pytest.mark.parametrize("octets", [b"\xff" * (MAX_CONTENT + 1), b"0" * (MAX_CONTENT + 1), b"\1" * (MAX_CONTENT + 1)])
def test_a_file_that_is_too_long_for_a_datagram_is_not_read(octets: bytes, shown: Decode) -> None:
    done = shown(octets)
    assert (done.status, done.out) == (1, "")
    assert done.err == f"error: more than {MAX_CONTENT} octets that do not begin with b'HEP3'\n"


def test_a_stream_of_any_length_is_read_piece_by_piece() -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= MAX_CONTENT + 1
            self.taken += size
            first = (self.taken - size) % len(SPEC_OCTETS)
            return (SPEC_OCTETS * (size // len(SPEC_OCTETS) + 2))[first : first + size]

    file = Endless()
    found = datagrams(file)  # type: ignore[arg-type]
    for _ in range(20_000):
        assert next(found) == SPEC_OCTETS
    assert file.taken < 20_000 * len(SPEC_OCTETS) + MAX_CONTENT + PIECE


@pytest.mark.parametrize("content", [b"", b"H", b"HEP3", b"HEP3\0\0", b"HEP3\0\6", b"abc", b"0x", b"484550"])
def test_what_is_no_datagram_is_an_error(content: bytes, shown: Decode) -> None:
    done = shown(content)
    assert done.status == 1
    assert done.err.startswith("error: offset ")


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_name_that_no_file_can_have_is_an_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", name]) == 1
    assert capsys.readouterr().err.startswith("error: a\\")


def test_standard_input_that_is_closed_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["decode", "-"]) == 1
    assert capsys.readouterr().err == "error: -: standard input is closed\n"


def test_a_stream_that_never_was_one_fails_at_once() -> None:
    with pytest.raises(HepError, match="offset 4: the length says 3 octets"):
        list(datagrams(io.BytesIO(b"HEP3\0\3" + b"x" * 70_000)))
