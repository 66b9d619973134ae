"""The agent in the switch, with collectors over TCP and TLS: nothing waits, nothing is left behind, all is told."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import pytest

from freeswitch import switch
from fs_hepipe.delivery import link, routes, stream, trial
from fs_hepipe.delivery.address import Address, Tls
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import StreamCollector
from fs_hepipe.hep import Message, decode, encode
from fs_hepipe.tools.demo import RECORDINGS
from tests.stream_homer import CA, CERTIFICATES, StreamHomer, server_context
from tests.system.harness import Homer, System, assert_balanced, story, wait_for

MESSAGE = Message(
    timestamp=1_700_000_000_000_000, payload=b"text", protocol_type=100, src_ip="192.0.2.1", dst_ip="192.0.2.2",
    capture_id=7, correlation_id="call-1@example.com",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BACKOFF", (0.05, 0.2))
    monkeypatch.setattr(stream, "CONFIRM", 0.02)
    monkeypatch.setattr(link, "PROVING", 0.1)


@pytest.fixture
def tcp_homer() -> Iterator[StreamHomer]:
    with closing(StreamHomer()) as found:
        yield found


@pytest.fixture
def tls_homer() -> Iterator[StreamHomer]:
    with closing(StreamHomer(context=server_context())) as found:
        yield found


def more_than(homer: Homer, count: int) -> bool:
    return len(homer.datagrams) > count


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("fs_hepipe")]


def collector_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in report["collectors"] if each["name"] == name]
    return dict(found)


def test_all_transports_get_the_same_messages(
    system: System, homer: Homer, tcp_homer: StreamHomer, tls_homer: StreamHomer
) -> None:
    tcp, tls = f"tcp:127.0.0.1:{tcp_homer.port}", f"tls:127.0.0.1:{tls_homer.port};ca={CA}"
    system.configure(capture_server=[homer.server, tcp, tls])
    agent = system.start()
    system.fire(story("bridged_answered"))
    wait_for(lambda: len(tcp_homer.messages) == len(tls_homer.messages) == 24)
    assert len(homer.messages(24)) == 24
    assert tcp_homer.messages == tls_homer.messages == homer.datagrams
    wait_for(lambda: [each["sent"] for each in system.status()["collectors"]] == [24] * 3)
    report = system.status()
    assert [(each["up"], each["buffered"], each["errors"]) for each in report["collectors"]] == [(True, 0, {})] * 3
    assert collector_of(report, tcp)["state"].startswith("up since ")
    assert report["ledger"]["balances"]
    assert "fs_hepipe_up{" in system.ask("metrics")
    system.shutdown()
    wait_for(agent.ended.is_set)
    assert threads() == []
    assert_balanced(agent)


def test_outage_over_a_reload_loses_nothing_and_the_ledger_balances(system: System, tcp_homer: StreamHomer) -> None:
    server = f"tcp:127.0.0.1:{tcp_homer.port}"
    tcp_homer.close()
    system.configure(capture_server=server)
    system.start()
    system.fire(story("bridged_answered"))
    wait_for(lambda: any("there is no connection, 24 messages wait" in hint for hint in system.status()["hints"]))
    system.configure(capture_server=[server, "udp:127.0.0.1:9"], buffer_size="1MB")
    assert system.ask("reload") == "+OK reloaded\n"
    report = system.status()
    assert (collector_of(report, server)["buffered"], report["ledger"]["balances"]) == (24, True)
    assert f"{server} sent 0, 24 wait" in " ".join(system.ask("status").split())
    system.fire(story("busy_486"))
    tcp_homer.listen()
    wait_for(lambda: len(tcp_homer.messages) == 28)
    times = [decode(message).timestamp for message in tcp_homer.messages[:24]]
    assert min(times) < time.time() * 1e6 - 3600e6, "the events' own times"
    wait_for(lambda: collector_of(system.status(), server)["sent"] == 28)


def test_collector_that_is_removed_by_a_reload_gets_what_waits(system: System, tcp_homer: StreamHomer) -> None:
    system.configure(capture_server=f"tcp:127.0.0.1:{tcp_homer.port}")
    system.start()
    wait_for(lambda: system.status()["collectors"][0]["up"])
    system.fire(story("bridged_answered"))
    system.configure(capture_server="udp:127.0.0.1:9")
    assert system.ask("reload") == "+OK reloaded\n"
    wait_for(lambda: len(tcp_homer.messages) == 24)
    wait_for(lambda: threads() == [])
    assert system.status()["ledger"]["balances"]


def test_restarts_leave_no_thread_and_no_socket_behind(system: System, tcp_homer: StreamHomer) -> None:
    system.configure(capture_server=[f"tcp:127.0.0.1:{tcp_homer.port}", "tcp:127.0.0.1:9", "tls:192.0.2.1:9"])
    system.start()
    for _ in range(3):
        assert system.ask("restart") == "+OK started\n"
        assert len([name for name in threads() if "resolver" not in name]) == 3
    system.ask("stop")
    assert threads() == []
    tcp_homer.close()
    wait_for(lambda: switch.faults == [])


def test_bad_collectors_keep_neither_the_others_nor_the_switch_waiting(system: System, homer: Homer) -> None:
    with ExitStack() as stack:
        bad = [stack.enter_context(closing(StreamHomer(context=context))) for context in (None, server_context(), None)]
        bad[0].reads = False
        bad[1].shakes_hands = False
        bad[2].resets_after = 0.05
        servers = [f"tcp:127.0.0.1:{bad[0].port}", f"tls:127.0.0.1:{bad[1].port}", f"tcp:127.0.0.1:{bad[2].port}"]
        system.configure(capture_server=[*servers, "tcp:192.0.2.1:9060", homer.server], buffer_size="100kB")
        agent = system.start()
        took = []
        for _ in range(20):
            began = time.monotonic()
            count = len(homer.datagrams)
            switch.fire(*story("busy_486")[:6])
            wait_for(partial(more_than, homer, count))
            took.append(time.monotonic() - began)
            system.drained()
        for _ in range(20):
            system.fire(story("bridged_answered"))
        assert sorted(took)[-2] < 0.1, took  # 20 ms and the rest of the machine
        began = time.monotonic()
        assert system.ask("stop") == "+OK stopped\n"
        assert time.monotonic() - began < 3
        assert threads() == []
        assert_balanced(agent)


# --- test ------------------------------------------------------------------------------------------------------------


def test_test_goes_the_whole_way_of_each(
    system: System, tcp_homer: StreamHomer, tls_homer: StreamHomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 0.3)
    stalled = StreamHomer()
    stalled.shakes_hands = False
    system.configure(
        capture_server=[
            f"tcp:127.0.0.1:{tcp_homer.port}",
            f"tls:127.0.0.1:{tls_homer.port};ca={CA}",
            f"tls:127.0.0.1:{tls_homer.port}",
            f"tls:127.0.0.1:{stalled.port}",
            "tcp:127.0.0.1:9",
            f"tls:{'x' * 64}:9061",
        ]
    )
    answers = system.ask("test").splitlines()
    stalled.close()
    assert answers[0].startswith("+OK tcp:")
    assert " is connected in " in answers[0]
    assert "which its host has acknowledged" in answers[0]
    assert answers[1].startswith("+OK tls:")
    assert " with the certificate of homer.example, valid until 2124-01-01" in answers[1]
    assert answers[2].startswith("-ERR tls:")
    assert " in the TLS handshake: its certificate is not accepted: " in answers[2]
    assert answers[3].endswith("gave no answer in 0 s while in the TLS handshake")
    assert answers[4].endswith(":9 connecting: Connection refused")
    assert " look-up: " in answers[5]
    assert [len(each.messages) for each in (tcp_homer, tls_homer)] == [1, 1]


def test_password_in_clear_text_is_warned_of_once(system: System) -> None:
    system.configure(capture_server="tcp:192.0.2.1:9060", capture_password="s3cret")
    system.start()
    (warning,) = [line for line in system.log("warning") if "clear text" in line]
    assert "tcp:192.0.2.1:9060" in warning
    assert "s3cret" not in warning
    assert not [hint for hint in system.status()["hints"] if "clear text" in hint]
    assert "clear text" in system.ask("reload")


# --- listen ----------------------------------------------------------------------------------------------------------


def listen(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "fs_hepipe", "listen", "--json", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("listening on "), line
    return process, int(line.partition(",")[0].rpartition(":")[2])


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_listen_shows_what_a_collector_sends_it(transport: str) -> None:
    options = ["--cert", str(CERTIFICATES / "homer.pem")] if transport == "tls" else []
    process, port = listen(f"--{transport}", "127.0.0.1:0", *options, "--count", "300")
    collector = StreamCollector("it", [Address("127.0.0.1", port, transport, Tls(ca=str(CA)))], Delivery())
    for number in range(300):
        collector.send(encode(MESSAGE._replace(timestamp=number + 1)), 0.0)
    out, _ = process.communicate(timeout=20)
    collector.join()
    assert [json.loads(line)["timestamp"] for line in out.splitlines()] == list(range(1, 301))


def test_listen_tells_a_broken_stream_and_goes_on() -> None:
    process, port = listen("--tcp", "0", "--count", "2")
    good = encode(MESSAGE)
    for octets in (b"GET / HTTP/1.1\r\n\r\n", b"HEP3\x00\x03", good + good[:20], good):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
    out, err = process.communicate(timeout=20)
    assert len(out.splitlines()) == 2
    assert "starts with b'GET ', not with b'HEP3'" in err
    assert "offset 4: the length says 3 octets" in err
    assert "ended in the middle of a message, 20 octets" in err


@pytest.mark.parametrize("arguments", [["--tls", "0"], ["--tls", "0", "--cert", "/nowhere"], ["--tcp", "192.0.2.1:1"]])
def test_listen_says_why_it_can_not(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fs_hepipe", "listen", *arguments],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: can't listen: ")


def test_replay_sends_over_a_connection(tcp_homer: StreamHomer) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "fs_hepipe", "replay", str(RECORDINGS / "bridged_answered.jsonl.gz"),
            "--collector", f"tcp:127.0.0.1:{tcp_homer.port}",
        ],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(lambda: len(tcp_homer.messages) == 24)
