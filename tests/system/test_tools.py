"""The tools outside the switch, run as an operator runs them: real processes, real sockets, real files."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable, Optional

import pytest

from fs_hepipe.hep import Chunk, Message, decode, encode, parse
from fs_hepipe.hep.encoder import pack_data
from fs_hepipe.tools import main
from fs_hepipe.tools.demo import EVERY_STORY, LOGGED, RECORDINGS, STORIES

CONF = Path(__file__).resolve().parents[2] / "conf" / "autoload_configs" / "fs_hepipe.conf.xml"

MESSAGE = Message(
    timestamp=1_795_402_159_124_125,
    payload='{"name":"José"}'.encode(),
    protocol_type=100,
    src_ip="192.0.2.1",
    dst_ip="192.0.2.2",
    src_port=5060,
    dst_port=5061,
    capture_id=2001,
    correlation_id="call-1@example.com",
    node_name="fs-a",
    auth_key="secret",
    mos=403,
    other=(Chunk(1, 0x80, b"\xff\x00"),),
)


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "fs_hepipe", *arguments], input=stdin, capture_output=True, timeout=60, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def collector() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        yield listener


def url(listener: socket.socket) -> str:
    return f"udp:127.0.0.1:{listener.getsockname()[1]}"


def recording(name: str) -> str:
    return str(RECORDINGS / f"{name}.jsonl.gz")


def received(listener: socket.socket, count: int) -> list[Message]:
    found = [decode(listener.recv(65535)) for _ in range(count)]
    listener.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listener.recv(65535)
    return found


# --- demo ---


def test_the_demo_plays_every_bundled_recording_and_says_that_all_arrived() -> None:
    assert {path.name for path in RECORDINGS.iterdir()} == {f"{name}.jsonl.gz" for name in STORIES}
    done = run("demo")
    assert done.returncode == 0
    assert done.stdout.count(": all arrived") == len(EVERY_STORY)
    assert "3247 sent, 3247 arrived" in done.stdout
    assert "\x1b[" not in done.stdout, "colour is for terminals"
    assert done.stderr == ""


def test_the_demo_shows_who_refused_and_what_was_lost() -> None:
    done = run("demo", "busy_486", "lossy_media")
    assert done.returncode == 0
    assert 'cause=USER_BUSY q850=17 sip-status=486 invite-status=486 phrase="Busy Here"' in done.stdout
    assert "by=far-end" in done.stdout
    assert "received 978 packets, lost 65 (6.2%)" in done.stdout
    assert "received 552 packets in 12.06 s, lost 51 (8.5%)" in done.stdout, "of an interval"
    assert "MOS 3.72, mean 3.66, least 3.39" in done.stdout
    assert "MOS 4.50" not in done.stdout


def test_the_demo_shows_a_call_with_the_lines_that_the_switch_logged_of_it() -> None:
    done = run("demo", "no_such_gateway")
    assert done.returncode == 0, done.stderr
    lines = [line.split("  ")[-1] for line in done.stdout.splitlines() if "->" in line and " events " not in line]
    words = [line.partition(" ")[0] for line in lines]
    assert words[0] == "CHANNEL_CREATE"
    assert "CHANNEL_HANGUP_COMPLETE" in words
    assert 'ERR text="Invalid Gateway nosuch" file=mod_sofia.c:4794' in lines
    assert words.count("NOTICE") >= 4
    assert "DEBUG" not in words


def logged(collector: socket.socket, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[Message]]:
    """A replay of the call that has a log, and what came of it."""
    events, log = (str(LOGGED / f"no_such_gateway.{suffix}") for suffix in ("jsonl.gz", "log.gz"))
    done = run("replay", events, "--log", log, "--collector", url(collector), *arguments)
    messages = []
    collector.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            messages.append(decode(collector.recv(65_535)))
    return done, messages


@pytest.mark.parametrize("times", ["now", "recorded"])
def test_a_replay_puts_the_lines_of_a_log_into_their_calls_at_their_times(collector: socket.socket, times: str) -> None:
    """Whatever the time zone here: that of the switch is told by its events."""
    done, messages = logged(collector, "--times", times, "--set", "log-lines-level=notice", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    lines = [message for message in messages if b" file=" in message.payload]
    others = [message for message in messages if b" file=" not in message.payload]
    assert len(lines) == report["log_lines"]["counts"]["reported"] >= 5
    assert {message.correlation_id for message in messages} == {others[0].correlation_id}
    first, last = others[0].timestamp, others[-1].timestamp
    assert all(first - 30_000 <= message.timestamp <= last + 30_000 for message in lines)
    assert (abs(first / 1e6 - time.time()) < 60) == (times == "now")


def test_a_replay_obeys_the_wish_of_a_call_for_all_its_lines(collector: socket.socket, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with gzip.open(LOGGED / "no_such_gateway.jsonl.gz", "rt") as recorded:
        told = [json.loads(line) for line in recorded]
    ending = next(event for event in told if event["Event-Name"] == "CHANNEL_HANGUP_COMPLETE")
    ending["variable_fs_hepipe_log_level"] = "debug"
    events.write_text("".join(f"{json.dumps(event)}\n" for event in told))
    log = str(LOGGED / "no_such_gateway.log.gz")
    done = run("replay", str(events), "--log", log, "--collector", url(collector), "--json")
    counts = json.loads(done.stdout.splitlines()[-1])["log_lines"]["counts"]
    assert counts["reported"] == counts["wanted"] > 100


@pytest.mark.parametrize("log", ["/nonexistent", "/", "a\0b"])
def test_a_log_that_cannot_be_read_is_an_error(log: str) -> None:
    if "\0" in log:
        assert main(["replay", recording("busy_486"), "--log", log]) == 2
    else:
        assert run("replay", recording("busy_486"), "--log", log).returncode == 2


def test_the_demo_knows_which_stories_there_are() -> None:
    done = run("demo", "nonsense")
    assert done.returncode == 2
    assert "there is no story 'nonsense'; there are bridged_answered" in done.stderr


def test_the_demo_fails_when_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fs_hepipe.delivery.collectors.Collectors.send", lambda *_: None)
    assert main(["demo", "busy_486"]) == 1


def test_the_demo_paints_on_a_terminal_only_and_not_against_the_operator() -> None:
    assert "\x1b[" in on_terminal("demo", "busy_486")
    assert "\x1b[" not in on_terminal("demo", "busy_486", environment={"NO_COLOR": "1"})


def on_terminal(*arguments: str, environment: Optional[dict[str, str]] = None) -> str:
    """What a command writes to a terminal, both streams."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "fs_hepipe", *arguments],
        stdout=theirs, stderr=theirs, env={**clean, "TERM": "xterm", **(environment or {})},
    ) as process:  # fmt: skip
        os.close(theirs)
        text = b""
        while select.select([ours], [], [], 30)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other side is gone
                break
            if not piece:
                break
            text += piece
        process.wait(30)
    os.close(ours)
    return text.decode()


def test_a_table_is_one_on_a_terminal_too(tmp_path: Path) -> None:
    file = tmp_path / "datagram"
    file.write_bytes(encode(MESSAGE))
    lines = [line for line in on_terminal("decode", str(file)).splitlines() if "call-1@example.com" in line]
    assert len(lines) == 1
    assert lines[0].split()[1:4] == ["0x0000", "generic", "0x0011"]


# --- replay ---


def test_a_replay_sends_a_recording_to_a_collector_and_reports_its_ledger(collector: socket.socket) -> None:
    done = run("replay", recording("bridged_answered"), "--collector", url(collector), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["ledger"]["balances"]
    assert report["messages"] == {"5": 12, "34": 4, "100": 8}
    assert report["read"] == 56
    assert report["collectors"][0]["sent"] == 24
    messages = received(collector, 24)
    assert [message.protocol_type for message in messages].count(5) == 12


def test_a_replay_takes_several_files_plain_or_packed_and_standard_input(
    collector: socket.socket, tmp_path: Path
) -> None:
    plain = tmp_path / "busy.jsonl"
    plain.write_bytes(gzip.decompress(Path(recording("busy_486")).read_bytes()))
    piped = gzip.decompress(Path(recording("unallocated_no_route")).read_bytes())
    done = run("replay", str(plain), recording("notfound_404"), "-", "--collector", url(collector), stdin=piped)
    assert done.returncode == 0, done.stderr
    assert "10 built + 0 dropped + 0 waiting" in done.stdout
    assert len(received(collector, 10)) == 10


def test_a_line_that_is_no_event_is_named_and_the_rest_goes_on(collector: socket.socket, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    events = gzip.decompress(Path(recording("unallocated_no_route")).read_bytes())
    bad.write_bytes(b"nonsense\n[1]\n\n" + events + b'{"no":"event"}\n' + b"[" * 100_000 + b"\n")
    done = run("replay", str(bad), "--collector", url(collector))
    assert done.returncode == 1
    errors = done.stderr.splitlines()
    assert errors[0].startswith(f"error: {bad}:1: not JSON")
    assert errors[1].startswith(f"error: {bad}:2: not an event")
    assert [f":{line}: " in error for line, error in zip((1, 2, 18, 19), errors)] == [True] * 4
    assert len(received(collector, 2)) == 2


def test_more_faults_than_a_person_reads_are_counted_only(collector: socket.socket, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b"x\n" * 107)
    done = run("replay", str(bad), "--collector", url(collector), "--json")
    assert json.loads(done.stdout)["faults"] == 107
    assert done.stderr.count("error: ") == 101
    assert done.stderr.endswith("error: there are more, which are counted only\n")


def test_files_that_cannot_be_read_are_named(collector: socket.socket, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(Path(recording("busy_486")).read_bytes()[:-500])
    not_packed = tmp_path / "plain.jsonl.gz"
    not_packed.write_bytes(b"{}")
    done = run("replay", str(torn), str(not_packed), str(tmp_path / "none"), "--collector", url(collector))
    assert done.returncode == 1
    assert f"{torn}:" in done.stderr
    assert "the file is damaged" in done.stderr
    assert f"{not_packed}:1: the file is damaged" in done.stderr
    assert f"{tmp_path / 'none'}: No such file or directory" in done.stderr


def test_a_replay_obeys_configuration_and_settings(collector: socket.socket, tmp_path: Path) -> None:
    conf = tmp_path / "conf.xml"
    conf.write_text(CONF.read_text().replace('"capture-id" value="2001"', '"capture-id" value="77"'))
    done = run(
        "replay", recording("busy_486"), "--config", str(conf), "--collector", url(collector),
        "--set", "node-name=lab one", "--set", "call-log-format=json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for message in received(collector, 4):
        assert (message.capture_id, message.node_name) == (77, "lab one")
        assert json.loads(message.payload)["event"].startswith("CHANNEL_")


def test_a_replay_with_a_bad_configuration_says_everything_that_is_wrong_and_sends_nothing() -> None:
    done = run("replay", recording("busy_486"), "--set", "capture-id=x", "--collector", "sctp:127.0.0.1:1")
    assert done.returncode == 2
    assert "error: capture-id: 'x' is not a whole number" in done.stderr
    assert "error: capture-server: 'sctp:127.0.0.1:1' asks for another transport" in done.stderr
    assert done.stdout == ""


def test_a_replay_to_nobody_says_so(collector: socket.socket) -> None:
    address = url(collector)
    collector.close()
    done = run("replay", recording("busy_486"), "--collector", address)
    assert done.returncode == 1
    assert "nobody listens there" in done.stdout
    assert "ledger     balances" in done.stdout


def test_a_replay_keeps_the_pace_it_is_told(collector: socket.socket) -> None:
    began = time.monotonic()
    done = run("replay", recording("no_answer_timeout"), "--collector", url(collector), "--speed", "10")
    assert done.returncode == 0
    assert time.monotonic() - began > 0.5, "5.5 s of the switch in tenths"


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "inf"])
def test_a_pace_that_is_none_is_refused(speed: str) -> None:
    done = run("replay", recording("busy_486"), f"--speed={speed}")
    assert done.returncode == 2
    assert "is neither a positive number nor max" in done.stderr


def test_a_long_replay_shows_its_progress_on_a_terminal_only(collector: socket.socket, tmp_path: Path) -> None:
    slow = ("replay", recording("no_answer_timeout"), "--collector", url(collector), "--speed", "4")
    shown = on_terminal(*slow)
    assert re.search(r"[0-9]+ events, [0-9]+ a second .*%", shown)
    assert re.search(r"[0-9]+ events, [0-9]+ a second\x1b\[K", on_terminal(*slow, environment={"NO_COLOR": "1"}))
    assert " events\x1b[K" not in run(*slow).stderr


# --- listen ---


def heed_interrupts() -> None:
    """A child of a job in the background inherits that SIGINT is ignored (POSIX, Shell Command Language 2.11)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Listening:
    """A running `listen`."""

    def __init__(self, *arguments: str, host: str = "127.0.0.1") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fs_hepipe", "listen", "--bind", f"{host}:0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=heed_interrupts,  # noqa: PLW1509  it calls nothing that takes a lock
        )  # fmt: skip
        self.port = 0

    def wait_until_up(self) -> None:
        """Reads its port from `listening on HOST:PORT, …`; ValueError where it does not listen."""
        assert self.process.stderr is not None
        self.port = int(self.process.stderr.readline().partition(",")[0].rpartition(":")[2])

    def send(self, *datagrams: bytes, family: socket.AddressFamily = socket.AF_INET) -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, ("::1" if family == socket.AF_INET6 else "127.0.0.1", self.port))

    def end(self, interrupt: bool = False) -> tuple[str, str, int]:
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=10)
        return out, err, self.process.returncode


@pytest.fixture
def listen() -> Iterator[Callable[..., Listening]]:
    """Starts a `listen`; none outlives its test, whatever goes wrong there."""
    started: list[Listening] = []

    def start(*arguments: str, host: str = "127.0.0.1") -> Listening:
        listening = Listening(*arguments, host=host)
        started.append(listening)
        listening.wait_until_up()
        return listening

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_listen_shows_each_message_and_survives_garbage(listen: Callable[..., Listening]) -> None:
    listening = listen("--count", "2")
    listening.send(encode(MESSAGE), b"garbage", encode(MESSAGE)[:-1], encode(MESSAGE._replace(protocol_type=1)))
    out, err, status = listening.end()
    lines = out.splitlines()
    assert status == 0
    assert len(lines) == 2
    assert "100 log" in lines[0]
    assert "192.0.2.1:5060 -> 192.0.2.2:5061" in lines[0]
    assert "call-1@example.com" in lines[0]
    assert "1 sip" in lines[1]
    assert "7 octets: offset 0: starts with b'garb'" in err
    assert "offset 4: the length says" in err
    assert "2 messages, 2 datagrams that were not HEP3" in err


def test_listen_gives_json_for_programs(listen: Callable[..., Listening]) -> None:
    listening = listen("--json", "--count", "2")
    listening.send(encode(MESSAGE), encode(MESSAGE._replace(payload=b"\xff\x00")))
    out, _, status = listening.end()
    first, second = (json.loads(line) for line in out.splitlines())
    assert status == 0
    assert first["payload"] == '{"name":"José"}'
    assert first["timestamp"] == MESSAGE.timestamp
    assert first["correlation_id"] == "call-1@example.com"
    assert first["other"] == [{"vendor_id": 1, "type_id": 128, "data_hex": "ff00", "name": "unknown"}]
    assert second["payload_hex"] == "ff00"
    assert "payload" not in second


def test_listen_ends_quietly_when_interrupted(listen: Callable[..., Listening]) -> None:
    listening = listen()
    out, err, status = listening.end(interrupt=True)
    assert (out, status) == ("", 0)
    assert err == "0 messages, 0 datagrams that were not HEP3\n"


def test_listen_takes_ipv6(listen: Callable[..., Listening]) -> None:
    try:
        listening = listen("--count", "1", host="[::1]")
    except ValueError:
        pytest.skip("no IPv6 on this machine")
    listening.send(encode(MESSAGE._replace(src_ip="2001:db8::1", dst_ip="2001:db8::2")), family=socket.AF_INET6)
    out, _, status = listening.end()
    assert status == 0
    assert "[2001:db8::1]:5060 -> [2001:db8::2]:5061" in out


def test_listen_says_where_it_cannot_listen(collector: socket.socket) -> None:
    done = run("listen", "--bind", url(collector)[4:])
    assert done.returncode == 1
    assert "error: can't listen on 127.0.0.1:" in done.stderr
    assert "Address already in use" in done.stderr


@pytest.mark.parametrize("bind", ["9060", "127.0.0.1", "[::1", "nosuch.invalid:9060", "127.0.0.1:99999"])
def test_an_address_to_listen_on_has_to_be_one(bind: str) -> None:
    done = run("listen", "--bind", bind)
    assert done.returncode == 2
    assert "usage: " in done.stderr


def test_reports_of_any_sender_are_shown_as_they_are(listen: Callable[..., Listening]) -> None:
    listening = listen("--count", "3")
    listening.send(
        encode(MESSAGE._replace(protocol_type=5, payload=b"not json")),
        encode(MESSAGE._replace(protocol_type=5, payload=b'{"report_blocks":3}')),
        encode(MESSAGE._replace(protocol_type=34, payload=b"[1,2]")),
    )
    out, _, _ = listening.end()
    assert [line.rpartition("example.com ")[2] for line in out.splitlines()] == [
        "not json", '{"report_blocks":3}', "[1,2]",
    ]  # fmt: skip


def hostile_datagrams() -> list[bytes]:
    """Datagrams that a reader of payloads, a terminal or a strict decoder does not like."""
    numbers = ("9" * 400, "1e999", "NaN", '"\\u001b]0;x\\u0007\\u001b[2J\\n12:00:00 forged"')
    payloads = [b"[" * 60_000, b'{"a":' * 10_000, b"\x1b[2J\n\x9b31m", b'"\\ud800"']
    payloads += [f'{{"type":200,"report_blocks":[{{"packets_lost":{number}}}]}}'.encode() for number in numbers]
    payloads += [f'{{"DIR":0,"TOTAL_PK":{number},"MOS":{number}}}'.encode() for number in numbers]
    return [
        encode(MESSAGE._replace(protocol_type=kind, payload=payload, correlation_id="a\nb\x1b[2J\udce9", other=()))
        for kind in (1, 5, 34, 35, 100)
        for payload in payloads
    ]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_no_datagram_stops_listen_or_writes_to_the_terminal(
    arguments: tuple[str, ...], listen: Callable[..., Listening]
) -> None:
    sent = hostile_datagrams()
    listening = listen("--count", str(len(sent) + 1), *arguments)
    for datagram in sent:
        listening.send(datagram, b"garbage\x1b[2J")
        time.sleep(0.002)
    listening.send(encode(MESSAGE))
    out, err, status = listening.end()
    assert status == 0
    assert len(out.splitlines()) == len(sent) + 1
    assert all(line.isprintable() for line in (out + err).split("\n"))
    assert f"{len(sent) + 1} messages, {len(sent)} datagrams that were not HEP3" in err


def test_listen_shows_what_collectors_take_with_a_remark(listen: Callable[..., Listening]) -> None:
    chunks = [chunk for chunk in parse(encode(MESSAGE)) if chunk.type_id != 0x0F]
    packed = [pack_data(chunk.vendor_id, chunk.type_id, chunk.data) for chunk in chunks if chunk.type_id != 0x0A]
    twice = [pack_data(chunk.vendor_id, chunk.type_id, chunk.data) for chunk in chunks]

    def framed(*some: bytes) -> bytes:
        return b"HEP3" + (6 + len(b"".join(some))).to_bytes(2, "big") + b"".join(some)

    listening = listen("--count", "4")
    listening.send(
        framed(*packed, pack_data(0, 0x0F, b"no micros")),
        framed(*twice, pack_data(0, 5, b"\0" * 15 + b"\1"), pack_data(0, 0x11, b"again"), pack_data(0, 0x0F, b"twice")),
        framed(*twice, pack_data(0, 0x10, b"x" * 99)),
        bytes.fromhex("01 10 02 11 13c4 13c5 c0000201 c0000202") + b"INVITE sip:bob",
    )
    out, err, status = listening.end()
    first, second, third, fourth = out.splitlines()
    assert status == 0
    assert "4 messages, 0 datagrams" in err
    assert "call-1@example.com no micros [there is no micros]" in first
    assert "again twice [" in second
    assert "src_ip is there twice, the first one was '192.0.2.1'" in second
    assert "correlation_id is there twice, the first one was 'call-1@example.com'" in second
    assert "compressed payload of 99 octets" in third
    assert "192.0.2.1:5060 -> 192.0.2.2:5061 - INVITE sip:bob [HEP1: " in fourth


# --- decode ---


@pytest.mark.parametrize("form", ["raw", "hex", "spaced", "0x"])
def test_decode_shows_every_chunk_of_a_raw_or_hexadecimal_datagram(form: str, tmp_path: Path) -> None:
    datagram = encode(MESSAGE)
    content = {
        "raw": datagram,
        "hex": datagram.hex().encode(),
        "spaced": datagram.hex(" ").upper().encode() + b"\n",
        "0x": b", ".join(b"0x%02x" % octet for octet in datagram),
    }[form]
    file = tmp_path / "datagram"
    file.write_bytes(content)
    for done in (run("decode", str(file)), run("decode", "-", stdin=content)):
        assert done.returncode == 0, done.stderr
        rows = [line.split() for line in done.stdout.splitlines()[2:]]
        assert [row[3] for row in rows] == [
            "0x0001", "0x0002", "0x0003", "0x0004", "0x0007", "0x0008", "0x0009", "0x000a", "0x000b", "0x000c",
            "0x000e", "0x0011", "0x0013", "0x0020", "0x0080", "0x000f",
        ]  # fmt: skip
        assert rows[2][4:] == ["ipv4_src_ip", "10", "192.0.2.1"]
        assert rows[8][4:] == ["protocol_type", "7", "100", "(log)"]
        assert rows[14][1:] == ["0x0001", "FreeSWITCH", "0x0080", "unknown", "8", "ff00"]
        assert rows[15][6:] == ['{"name":"José"}']


def test_decode_shows_what_it_can_of_a_broken_datagram_and_names_the_offset(tmp_path: Path) -> None:
    file = tmp_path / "broken"
    datagram = bytearray(encode(MESSAGE))
    datagram[20 + 4 : 20 + 6] = (200).to_bytes(2, "big")
    file.write_bytes(datagram[:60])
    done = run("decode", str(file))
    assert done.returncode == 1
    assert "offset 4: the length says" in done.stderr
    datagram[20 + 4 : 20 + 6] = b"\0\0"
    file.write_bytes(datagram)
    done = run("decode", str(file))
    assert done.returncode == 1
    assert "ip_protocol" in done.stdout
    assert "error: offset 20: chunk 0x0000/0x0003 gives its length as 0" in done.stderr


def test_decode_names_a_file_that_is_not_there() -> None:
    done = run("decode", "/nowhere/at all")
    assert done.returncode == 1
    assert done.stderr == "error: /nowhere/at all: No such file or directory\n"


# --- check ---


def test_the_configuration_that_comes_with_the_project_is_good() -> None:
    done = run("check", str(CONF))
    assert done.returncode == 0, done.stderr
    assert "collector      udp:127.0.0.1:9060\n" in done.stdout
    assert "CUSTOM sofia::gateway_state" in done.stdout
    assert done.stdout.endswith("this configuration is good\n")


def test_check_names_every_problem_at_once() -> None:
    done = run(
        "check", str(CONF), "--set", "qos-type=12", "--set", "nonsense=1",
        "--set", "capture-server=udp:nosuch.invalid:1", "--set", "call-events=CHANNEL_ANSWER,CHANNEL_NONSENSE",
    )  # fmt: skip
    assert done.returncode == 1
    assert "error: qos-type: '12' is not a list of 32, 34, 35, 99" in done.stderr
    assert "error: nonsense: there is no such parameter" in done.stderr
    assert "error: capture-server: nosuch.invalid does not resolve" in done.stderr
    assert "error: call-events: 'CHANNEL_NONSENSE'" in done.stderr


def test_check_shows_what_a_name_resolves_to_and_what_only_the_switch_can_expand() -> None:
    done = run("check", str(CONF), "--set", "capture-server=udp:localhost:9060")
    assert "collector      udp:localhost:9060 is " in done.stdout
    done = run("check", str(CONF), "--set", "capture-server=udp:$${homer}:9060")
    assert done.returncode == 1
    assert "is expanded by FreeSWITCH" in done.stderr


@pytest.mark.parametrize("content", [b"<configuration", b"\xff\xfe", b"<document/>"])
def test_a_file_that_is_no_configuration_is_a_problem(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "conf.xml"
    file.write_bytes(content)
    done = run("check", str(file))
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_file_that_never_ends_is_a_problem() -> None:
    done = run("check", "/dev/zero")
    assert done.returncode == 1
    assert "error: " in done.stderr


def test_check_shows_no_password(tmp_path: Path) -> None:
    file = tmp_path / "conf.xml"
    text = CONF.read_text().replace('"capture-password" value=""', '"capture-password" value="s3cr3t&quot;"')
    file.write_bytes(text.encode())
    words = ("capture-id=7,capture-password=s3cr3t", "capture-password s3cr3t", "log-level=s3cr3t")
    shown = [run("check", str(file))]
    shown += [run("check", "--set", word, "--set", "capture-password=s3cr3t") for word in words]
    file.write_bytes(text.encode().replace(b"&quot;", b"\xff"))
    shown.append(run("check", str(file)))
    for done in shown:
        assert done.returncode == 1
        assert "error: " in done.stderr
        assert "s3cr3t" not in done.stdout + done.stderr


def test_a_configuration_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    done = run("check", str(tmp_path / "none.xml"))
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr


# --- all of them ---


def test_help_lists_the_tools_and_no_tool_is_an_error() -> None:
    done = run("--help")
    assert done.returncode == 0
    for tool in ("demo", "replay", "listen", "decode", "check"):
        assert f"  {tool} " in done.stdout
        assert run(tool, "--help").returncode == 0
    assert run().returncode == 2
    assert run("--version").stdout.startswith("fs_hepipe ")


@pytest.mark.parametrize(
    "arguments",
    [("demo", "capture-password=hunter2"), ("--set", "capture-password", "hunter2"), ("capture-Password=hunter2",),
     ("check", "x.xml", "capture-password=hunter2"), ("listen", "--bind", "hunter2", "--set", "capture-password"),
     ("demo", "capture-passwd=hunter2"), ("listen", "--bind", "pwd:hunter2"), ("demo", "Secret", "hunter2")],
)  # fmt: skip
def test_wrong_arguments_with_a_password_are_not_repeated(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: " in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("arguments", [("check",), ("decode",), ("replay",), ("replay", "x", "--config")])
@pytest.mark.parametrize("name", ["capture-password", "capture-passwd", "Capture_Pwd", "secret"])
def test_a_password_where_a_file_is_expected_is_not_repeated(arguments: tuple[str, ...], name: str) -> None:
    done = run(*arguments, f"{name}=hunter2")
    assert done.returncode in {1, 2}
    assert "error: a file (not named: a password is in its name): No such file or directory\n" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_the_console_script_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("fs-hepipe")
    if not script.exists():
        pytest.skip("the package is not installed beside this interpreter")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == run("--version").stdout


@pytest.mark.parametrize(
    "arguments", ["--help", "nonsense", "--version", "decode /dev/zero", "check", "listen --bind x"]
)
def test_a_reader_that_is_gone_is_no_traceback(arguments: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"({sys.executable} -m fs_hepipe {arguments} 2>&1; echo $? >&3) 3>&2 | true"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == b""
    assert done.stderr in {b"0\n", b"1\n", b"2\n"}


@pytest.mark.parametrize("arguments", [["demo", "--all"], ["decode", "STREAM"]], ids=lambda arguments: arguments[0])
def test_a_reader_that_has_seen_enough_is_no_error(arguments: list[str], tmp_path: Path) -> None:
    stream = tmp_path / "stream"
    stream.write_bytes(encode(MESSAGE) * 1000)
    words = [str(stream) if word == "STREAM" else word for word in arguments]
    with subprocess.Popen(
        [sys.executable, "-m", "fs_hepipe", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_every_tool_writes_to_a_terminal_of_another_encoding(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "жé.bin"
    file.write_bytes(encode(MESSAGE._replace(payload="жé😀".encode())))
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for arguments in (["decode", str(file)], ["decode", f"{file}.no"], ["check", str(file)], ["replay", str(file)],
                      ["--help"], ["demo", "жé"]):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "fs_hepipe", *arguments], capture_output=True, timeout=60, check=False,
            env=environment,
        )  # fmt: skip
        text = (done.stdout + done.stderr).decode(encoding)
        assert "Traceback" not in text
        assert "\\u0436" in text or arguments == ["--help"]


@pytest.mark.parametrize("streams", ["1>&-", "2>&-", "1>&- 2>&-", "0<&-"])
def test_a_stream_that_is_closed_at_the_start_is_no_traceback(streams: str, tmp_path: Path) -> None:
    file = tmp_path / "datagram"
    file.write_bytes(encode(MESSAGE))
    for arguments in (f"decode {file}", "decode -", "replay -", "check", "demo busy_486", "--help", "nonsense"):
        done = subprocess.run(
            ["sh", "-c", f"exec {sys.executable} -m fs_hepipe {arguments} {streams}"],
            input=b"" if "0<" not in streams else None, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in {0, 1, 2}
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("arguments", ["demo busy_486", "check", "--help", "listen --bind 127.0.0.1:0"])
def test_a_disk_that_is_full_is_an_error(arguments: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    redirected = "2>/dev/full" if "listen" in arguments else ">/dev/full"
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m fs_hepipe {arguments} {redirected}"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b"error: No space left on device\n" * ("listen" not in arguments)


def test_a_replay_goes_on_behind_the_shutdown_of_a_switch_and_over_the_night_between_two_recordings(
    collector: socket.socket, tmp_path: Path
) -> None:
    first = tmp_path / "first.jsonl"
    events = gzip.decompress(Path(recording("unallocated_no_route")).read_bytes())
    shutdown = b'{"Event-Name":"SHUTDOWN","Event-Date-Timestamp":"1795402386443505"}\n'
    first.write_bytes(events + shutdown)
    later = tmp_path / "later.jsonl"
    later.write_bytes(events.replace(b'"17954', b'"17964'))
    done = run("replay", str(first), str(later), "--collector", url(collector), "--speed", "1000")
    assert done.returncode == 0, done.stderr
    assert "read       29 events" in done.stdout
    assert len(received(collector, 4)) == 4
