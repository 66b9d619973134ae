"""`listen` and `demo` receive from anybody: what others send costs a line, not the run."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator

import pytest

from fs_hepipe.hep import encode, read
from fs_hepipe.tools import demo, listen
from fs_hepipe.tools.output import say
from tests.unit.messages import FULL, SPEC_MESSAGE


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listen.opened((socket.AF_INET, ("127.0.0.1", 0))) as opened:
        opened.settimeout(5)
        yield opened


def send(listener: socket.socket, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, listener.getsockname())


@pytest.mark.parametrize("bug", [ValueError("ours\x1b[2J"), RecursionError(), OverflowError("too large"), KeyError(1)])
def test_a_bug_of_ours_costs_listen_one_datagram(
    bug: Exception, listener: socket.socket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = [bug]

    def buggy(datagram: bytes) -> object:
        if faults:
            raise faults.pop()
        return read(datagram)

    monkeypatch.setattr(listen, "read", buggy)
    monkeypatch.setattr(listen, "opened", lambda _target: listener)
    send(listener, encode(SPEC_MESSAGE), encode(FULL))
    arguments = argparse.Namespace(bind=(socket.AF_INET, ("127.0.0.1", 0)), count=1, json=False, tcp=None, tls=None)
    assert listen.run(arguments) == 0
    out, err = capsys.readouterr()
    assert "52176daf-618b-1240@example.invalid" in out
    assert f"octets: {type(bug).__name__}" in err
    assert err.endswith("1 messages, 1 datagrams that were not HEP3\n")
    assert "\x1b" not in err


def test_a_reader_that_is_gone_ends_listen(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_pieces: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(listen, "say", gone)
    monkeypatch.setattr(listen, "opened", lambda _target: listener)
    send(listener, encode(SPEC_MESSAGE))
    with pytest.raises(BrokenPipeError):
        listen.run(argparse.Namespace(bind=(socket.AF_INET, ("127.0.0.1", 0)), count=1, json=False, tcp=None, tls=None))


def test_what_others_send_to_the_demo_is_counted_as_a_fault(
    listener: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    listener.setblocking(False)
    strange = encode(FULL._replace(timestamp=0, correlation_id=None, protocol_type=5, payload=b"[" * 60_000))
    send(listener, b"garbage", strange, strange, encode(SPEC_MESSAGE._replace(timestamp=0, payload=b"[" * 60_000)))
    story = demo.Story("unallocated_no_route", listener)
    assert story.garbage == 1
    assert story.faults == ["5 of 2 messages arrived", "1 datagrams were not HEP3"]
    assert sum(map(len, story.by_call_id().values())) == 5
    for messages in story.by_call_id().values():
        for message in messages:
            say(*demo.content(message))
    assert capsys.readouterr().out.count("\n") == 5
