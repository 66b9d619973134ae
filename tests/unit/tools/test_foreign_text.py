"""Foreign text in every place where a tool prints some: nothing of it moves a cursor, makes a line or is unseen."""

from __future__ import annotations

import io
import json
import struct
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any, Callable

import pytest

from fs_hepipe.hep import Chunk, Message, encode
from fs_hepipe.hep.encoder import pack_data
from fs_hepipe.tools import demo, listen, main
from fs_hepipe.tools.output import Painted, complain, say
from fs_hepipe.words.errors import HepError
from tests.unit.messages import FULL, SPEC_MESSAGE, SPEC_OCTETS
from tests.unit.tools.hostile import SEQUENCES, TEXTS, harmless

every_text = pytest.mark.parametrize("text", [*TEXTS, *SEQUENCES], ids=lambda text: f"{ord(text[0]):04x}")

PROTOCOL_TYPES = (5, 34, 100)


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def printed(call: Callable[[], Any]) -> tuple[str, str]:
    """What is printed on both streams. A call may end by SystemExit, as argparse does."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), suppress(SystemExit):
        call()
    return out.getvalue(), err.getvalue()


def payloads(text: str) -> Iterator[bytes]:
    """Payloads with the text wherever a reader of reports may look."""
    yield octets(text)
    for value in (text, {text: text, "packets": text}):
        for key in ("type", "ssrc", "sender_information", "report_blocks", "rtt_avg_ms", "DIR", "TOTAL_PK",
                    "EXPECTED_PK", "PACKET_LOSS", "JITTER", "MOS", "RFACTOR", "RTT", text):  # fmt: skip
            whole = {"type": 200, "MOS": 4.1, "DIR": 0, key: value}
            yield json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass")
    for block in ({"packets_lost": text}, {"fraction_lost": text}, {"ia_jitter": text}, {text: 1}):
        yield json.dumps({"type": 200, "report_blocks": [block]}).encode()


def datagrams(text: str) -> Iterator[bytes]:
    """HEP with the text wherever one has any."""
    raw = octets(text)
    for protocol_type in PROTOCOL_TYPES:
        for payload in payloads(text):
            yield encode(SPEC_MESSAGE._replace(protocol_type=protocol_type, payload=payload))
    chunks = SPEC_OCTETS[6:]
    for type_id in (0x0E, 0x10, 0x11, 0x12, 0x13, 0x24, 0x2A):
        yield framed(chunks + pack_data(0, type_id, raw))
        yield framed(chunks + pack_data(0, type_id, raw) + pack_data(0, type_id, b"again"))
    yield framed(chunks + pack_data(2, 0x0F, raw))
    for version in (1, 2):
        yield struct.pack(">BBBBHH", version, 16, 2, 17, 1, 2) + b"\1" * 18 + raw
    yield raw


def framed(chunks: bytes) -> bytes:
    return b"HEP3" + (6 + len(chunks)).to_bytes(2, "big") + chunks


@every_text
def test_listen_shows_one_harmless_line_of_each_datagram(text: str) -> None:
    for datagram in datagrams(text):
        for as_json in (False, True):
            out, err = printed(partial(show, datagram, as_json=as_json))
            assert harmless(out)
            assert (out.count("\n"), err) == (1, "")
            if as_json and out.startswith("{"):
                assert json.loads(out)["hep_version"] in {1, 2, 3}
                out.encode("ascii")


def show(datagram: bytes, *, as_json: bool) -> None:
    """The one line that `listen` makes of a datagram."""
    try:
        listen.show(datagram, as_json=as_json)
    except HepError as error:
        say(f"garbage: {error}")


@every_text
def test_decode_shows_harmless_lines(text: str, tmp_path: Path) -> None:
    file = tmp_path / "datagram"
    different = {datagram[-20:]: datagram for datagram in datagrams(text)}
    assert len(different) > 10
    for datagram in different.values():
        file.write_bytes(datagram)
        out, err = printed(lambda: main(["decode", str(file)]))
        assert harmless(out)
        assert harmless(err)


@every_text
def test_the_demo_shows_harmless_lines(text: str) -> None:
    message = FULL._replace(correlation_id=octets(text).decode("utf-8", "surrogateescape"), payload=octets(text))
    for protocol_type in PROTOCOL_TYPES:
        out, err = printed(lambda: say(*demo.content(message._replace(protocol_type=protocol_type))))  # noqa: B023
        assert harmless(out)
        assert (out.count("\n"), err) == (1, "")
    out, err = printed(lambda: main(["demo", text]))
    assert harmless(err)
    assert out == ""


@every_text
def test_file_names_are_shown_harmlessly(text: str, tmp_path: Path) -> None:
    name = str(tmp_path / text.replace("/", ""))
    for arguments in (["decode", name], ["check", name], ["replay", name, "--collector", "udp:127.0.0.1:9"],
                      ["replay", f"{name}.gz", "--collector", "udp:127.0.0.1:9"],
                      ["replay", "x", "--config", name]):  # fmt: skip
        out, err = printed(lambda: main(arguments))  # noqa: B023
        assert harmless(out)
        assert harmless(err)
        assert "error: " in err


@every_text
def test_parameters_are_shown_harmlessly(text: str, tmp_path: Path) -> None:
    file = tmp_path / "conf.xml"
    quoted = text.replace("&", "").replace("<", "").replace('"', "")
    for param in (f'name="{quoted}" value="1"', f'name="node-name" value="{quoted}"',
                  f'name="capture-id" value="{quoted}"', f'name="call-events" value="{quoted}"',
                  f'name="capture-server" value="udp:{quoted}:9060"'):  # fmt: skip
        xml = f'<configuration name="fs_hepipe.conf"><settings><param {param}/></settings></configuration>'
        file.write_bytes(octets(xml))
        out, err = printed(lambda: main(["check", str(file)]))
        assert harmless(out)
        assert harmless(err)


@every_text
def test_arguments_are_shown_harmlessly(text: str, tmp_path: Path) -> None:
    conf = tmp_path / "conf.xml"
    conf.write_text('<configuration name="fs_hepipe.conf"><settings/></configuration>')
    for arguments in ([text], [f"--{text}"], ["check", str(conf), text], ["check", str(conf), "--set", text],
                      ["check", str(conf), "--set", f"{text}=1"], ["check", str(conf), "--set", f"capture-id={text}"],
                      ["check", str(conf), "--set", f"capture-server=udp:{text}.invalid:1"],
                      ["replay", "x", "--speed", text], ["replay", "x", "--collector", text],
                      ["listen", "--bind", text], ["listen", "--bind", f"{text}.invalid:9"],
                      ["listen", "--count", text], ["decode", "x", text]):  # fmt: skip
        out, err = printed(lambda: main(arguments))  # noqa: B023
        assert harmless(out)
        assert harmless(err)
        assert "error: " in err


@every_text
def test_lines_that_are_no_events_are_shown_harmlessly(text: str, tmp_path: Path) -> None:
    file = tmp_path / "recording.jsonl"
    event = {"Event-Name": "CHANNEL_CREATE"}
    lines = [octets(text).replace(b"\n", b""), json.dumps({**event, text: {}}).encode(),
             json.dumps({"Event-Name": [text, [text]]}).encode(), json.dumps(text).encode()]  # fmt: skip
    file.write_bytes(b"\n".join(lines))
    out, err = printed(lambda: main(["replay", str(file), "--collector", "udp:127.0.0.1:9"]))
    assert harmless(out)
    assert harmless(err)
    assert err.count("\n") == err.count("error: ") == 4


@every_text
def test_what_is_printed_is_harmless_whatever_a_tool_gives(text: str) -> None:
    for call in (lambda: say(text, Painted("bold", text)), lambda: complain(text, Painted("red", text))):
        out, err = printed(call)
        assert harmless(out + err)
        assert (out + err).count("\n") == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_colours_of_ours_reach_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    say("a\x1b[31m", Painted("green", "b\x1b[0m"))
    assert terminal.getvalue() == "a\\x1b[31m\x1b[32mb\\x1b[0m\x1b[0m\n"
    message = Message(1, b'{"MOS":4.2}', 34, "192.0.2.1", "192.0.2.2", other=(Chunk(0, 0x11, b"x"),))
    listen.show(encode(message), as_json=False)
    assert terminal.getvalue().count("\x1b[32mMOS 4.20\x1b[0m") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_what_a_terminal_has_no_character_for_is_escaped(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    say("José 😀 ", Painted("bold", "ж"))
    known = {"ascii": "", "latin-1": "é", "cp1252": "é", "utf-8": "é😀ж"}[encoding]
    escaped = {each: each if each in known else each.encode("unicode_escape").decode() for each in "é😀ж"}
    assert raw.getvalue().decode(encoding) == "Jos{é} {😀} {ж}\n".format_map(escaped)


def test_no_tool_prints_by_itself() -> None:
    for path in Path(listen.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert path.name == "output.py" or ("print(" not in text and "\\x1b" not in text and ".write(" not in text)
