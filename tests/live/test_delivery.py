"""Collectors over TCP and TLS, in a real switch: the threads work under its limits, and end with the agent."""

from __future__ import annotations

import contextlib

import pytest

from fs_hepipe.hep import decode
from tests.live.collector import eventually
from tests.live.lab import Lab
from tests.stream_homer import CA, StreamHomer, server_context

pytestmark = pytest.mark.live

LEAVING_S = 20


def of(homer: StreamHomer, call_id: str) -> int:
    return sum(decode(each).correlation_id == call_id for each in list(homer.messages))


def test_all_transports_get_a_call_and_a_restart_leaves_no_thread_behind(lab: Lab) -> None:
    with contextlib.closing(StreamHomer()) as tcp, contextlib.closing(StreamHomer(context=server_context())) as tls:
        here = [f"tcp:127.0.0.1:{tcp.port}", f"tls:127.0.0.1:{tls.port};ca={CA}"]
        servers = [lab.collector.url, *here, "tcp:127.0.0.1:9"]
        before = len(lab.a.threads())
        lab.a.configure(capture_server=servers)
        lab.a.api("reloadxml")
        assert lab.a.hepipe("reload").endswith("+OK reloaded\n")
        answers = lab.a.hepipe("test").splitlines()
        assert [each.partition(" ")[0] for each in answers[:4]] == ["+OK", "+OK", "+OK", "-ERR"]
        assert "the certificate of homer.example, valid until 2124-01-01" in answers[2]
        call_id = lab.refused()
        count = len(lab.collector.of(call_id))
        assert count > 0
        eventually("the call over TCP and TLS", lambda: of(tcp, call_id) == of(tls, call_id) == count)
        for _ in range(3):
            assert lab.a.hepipe("restart") == "+OK started\n"
        eventually("three threads of collectors", lambda: len(lab.a.threads()) <= before + 4)
        assert lab.a.status()["ledger"]["balances"] is True
        assert lab.a.hepipe("stop") == "+OK stopped\n"
        eventually("no thread of collectors", lambda: len(lab.a.threads()) <= before)
        assert lab.a.hepipe("start") == "+OK started\n"


def test_shutdown_does_not_wait_for_collectors_that_do_not_work(another: Lab) -> None:
    with contextlib.closing(StreamHomer()) as deaf, contextlib.closing(StreamHomer()) as stalled:
        deaf.reads = stalled.shakes_hands = False
        here = [f"tcp:127.0.0.1:{deaf.port}", f"tls:127.0.0.1:{stalled.port}"]
        servers = [*here, "tcp:192.0.2.1:9060", "tcp:127.0.0.1:9"]
        another.a.configure(capture_server=[another.collector.url, *servers])
        another.a.api("reloadxml")
        another.a.hepipe("reload")
        call_id = another.dial("bridge")
        another.legs(call_id)
        another.a.ask_to_stop()
        assert another.a.wait_until_gone(LEAVING_S) == 0
        assert another.collector.hangups(call_id)
