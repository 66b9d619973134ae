"""Messages to a collector over TCP and TLS, with real sockets: connected, kept, sent again whole, counted."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Optional

import pytest

from fs_hepipe.agent.config import Config
from fs_hepipe.delivery import link, routes, stream
from fs_hepipe.delivery.address import Address, Tls, address
from fs_hepipe.delivery.collectors import Collectors
from fs_hepipe.delivery.resolve import Resolver, Target
from fs_hepipe.delivery.settings import Delivery
from fs_hepipe.delivery.stream import StreamCollector
from fs_hepipe.tools.playback import Playback, play
from fs_hepipe.words.event import RecordedEvent
from tests.stream_homer import CA, CERTIFICATES, StreamHomer, frame, server_context
from tests.system.harness import story, wait_for


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BACKOFF", (0.05, 0.2))
    monkeypatch.setattr(stream, "HOUSEKEEPING", 0.05)
    monkeypatch.setattr(stream, "CONFIRM", 0.02)
    monkeypatch.setattr(link, "PROVING", 0.15)


@pytest.fixture
def homer(end: ExitStack) -> StreamHomer:
    return homer_of(end)


def homer_of(end: ExitStack, **options: Any) -> StreamHomer:
    found = StreamHomer(**options)
    end.callback(found.close)
    return found


def collector_of(end: ExitStack, *addresses: Address, **settings: Any) -> StreamCollector:
    found = StreamCollector("collector", addresses, Delivery(**settings))
    end.callback(found.join)
    return found


def tcp(homer: StreamHomer) -> Address:
    return Address(homer.ip, homer.port, "tcp")


def tls(homer: StreamHomer, **options: Any) -> Address:
    return Address(homer.ip, homer.port, "tls", Tls(**{"ca": str(CA), **options}))


def send(collector: StreamCollector, count: int, begin: int = 0, size: int = 100) -> list[int]:
    for number in range(begin, begin + count):
        collector.send(frame(number, size), 0.0)
        assert collector.balances
    return list(range(begin, begin + count))


def is_up(collector: StreamCollector) -> bool:
    return collector.state.startswith("up since")


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def without_doubles(numbers: list[int]) -> list[int]:
    """At least once, and in their order but for what is sent again after a connection ended."""
    return list(dict.fromkeys(numbers))


# --- sending ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_messages_arrive_one_after_the_other_and_are_counted_when_acknowledged(
    end: ExitStack, transport: str
) -> None:
    homer = homer_of(end, context=server_context() if transport == "tls" else None)
    collector = collector_of(end, tls(homer) if transport == "tls" else tcp(homer))
    numbers = send(collector, 500, size=700)
    wait_for(lambda: len(homer.messages) == 500)
    assert (homer.numbers, homer.broken) == (numbers, [])
    wait_for(lambda: collector.outcomes == {"sent": 500})
    assert (collector.buffered, collector.octets, collector.balances) == (0, 350_000, True)
    assert collector.state.endswith(f": 127.0.0.1:{homer.port}")
    assert (collector.hint, collector.last_error) == (None, None)


def test_ipv6_is_the_same(end: ExitStack) -> None:
    homer = homer_of(end, ip="::1")
    collector = collector_of(end, tcp(homer))
    numbers = send(collector, 5)
    wait_for(lambda: homer.numbers == numbers)


def test_message_of_any_length_passes(homer: StreamHomer, end: ExitStack) -> None:
    collector = collector_of(end, tcp(homer))
    for number, size in enumerate((14, 65_535, 100, 65_535)):
        collector.send(frame(number, size), 0.0)
    wait_for(lambda: homer.numbers == [0, 1, 2, 3])
    assert homer.broken == []


def test_first_message_goes_at_once_and_those_that_follow_go_together(homer: StreamHomer, end: ExitStack) -> None:
    collector = collector_of(end, tcp(homer))
    wait_for(lambda: is_up(collector))
    time.sleep(0.1)
    began = time.monotonic()
    collector.send(frame(0), 0.0)
    wait_for(lambda: homer.numbers == [0])
    assert time.monotonic() - began < 0.1


def test_nothing_waits_on_the_event_path(end: ExitStack) -> None:
    collector = collector_of(end, Address("192.0.2.1", 9060, "tcp"))
    began = time.monotonic()
    for number in range(10_000):
        collector.send(frame(number), 0.0)
    assert time.monotonic() - began < 2
    assert collector.buffered == 10_000


def test_idle_collector_does_not_wake(homer: StreamHomer, end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    collector = collector_of(end, tcp(homer))
    send(collector, 1)
    wait_for(lambda: collector.outcomes == {"sent": 1})
    time.sleep(stream.ACTIVE + 0.1)
    steps: list[float] = []
    monkeypatch.setattr(collector, "_advance", steps.append)
    time.sleep(0.5)
    assert len(steps) <= 1


# --- outages ---------------------------------------------------------------------------------------------------------


def test_what_comes_while_nobody_listens_is_kept_and_sent_in_its_order(end: ExitStack) -> None:
    port = dead_port()
    collector = collector_of(end, Address("127.0.0.1", port, "tcp"))
    numbers = send(collector, 3000)
    wait_for(lambda: collector.hint is not None)
    assert collector.hint is not None
    assert "3000 messages wait" in collector.hint
    assert "Connection refused" in collector.hint
    assert "down since" in collector.state
    homer = homer_of(end, port=port)
    wait_for(lambda: homer.numbers == numbers)
    wait_for(lambda: collector.outcomes == {"sent": 3000} and collector.hint is None)
    assert homer.broken == []


@pytest.mark.parametrize("how", ["reset", "end", "end_its_side"])
def test_connection_that_ends_is_replaced_and_nothing_is_lost(
    homer: StreamHomer, end: ExitStack, how: str
) -> None:
    collector = collector_of(end, tcp(homer))
    numbers = send(collector, 20)
    wait_for(lambda: len(homer.messages) == 20)
    getattr(homer, how)()
    numbers += send(collector, 20, begin=20)
    wait_for(lambda: set(homer.numbers) >= set(numbers))
    assert without_doubles(homer.numbers) == numbers
    assert homer.accepted == 2
    wait_for(lambda: collector.outcomes == {"sent": 40})


def test_idle_connection_that_the_peer_closes_is_replaced_without_a_message(homer: StreamHomer, end: ExitStack) -> None:
    collector = collector_of(end, tcp(homer))
    wait_for(lambda: homer.accepted == 1 and is_up(collector))
    homer.end_its_side()
    wait_for(lambda: homer.accepted == 2)
    assert collector.last_error is not None
    assert "closed the connection" in collector.last_error.text


def test_collector_that_dies_with_unread_messages_gets_them_again(homer: StreamHomer, end: ExitStack) -> None:
    homer.reads = False
    collector = collector_of(end, tcp(homer))
    numbers = send(collector, 50)
    wait_for(lambda: homer.accepted == 1)
    time.sleep(0.05)
    homer.reset()
    homer.reads = True
    wait_for(lambda: homer.numbers == numbers)


def test_collector_that_is_killed_in_the_middle_of_a_message_gets_it_whole(homer: StreamHomer, end: ExitStack) -> None:
    homer.reads = False
    collector = collector_of(end, tcp(homer))
    numbers = send(collector, 200, size=60_000)  # more than the buffers of both hosts take
    wait_for(lambda: collector._link is not None and bool(collector._link._outgoing))
    time.sleep(0.3)
    homer.reset()
    lost = collector.outcomes["sent"]  # acknowledged a while ago: nobody can know that they were not read
    assert lost < 150
    homer.reads = True
    wait_for(lambda: homer.numbers and homer.numbers[-1] == numbers[-1], timeout=20)
    assert homer.broken == []
    assert homer.numbers == numbers[homer.numbers[0] :]
    assert homer.numbers[0] <= lost


def test_collector_that_does_not_read_is_told_of_and_waited_for(
    homer: StreamHomer, end: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "SILENCE", 0.3)
    monkeypatch.setattr(stream, "SILENCE", 0.3)
    homer.reads = False
    collector = collector_of(end, tcp(homer), buffer_size=1_000_000)
    send(collector, 400, size=60_000)
    wait_for(lambda: collector.hint is not None)
    assert collector.hint is not None
    assert "accepts, but does not read" in collector.hint
    assert collector.outcomes["buffer_full"] > 0
    assert collector.backlog._buffer.octets <= 1_000_000
    homer.reads = True
    wait_for(lambda: collector.hint is None and not collector.buffered)
    assert homer.accepted == 1
    assert homer.broken == []
    assert len(homer.messages) == collector.outcomes["sent"] == 400 - collector.outcomes["buffer_full"]


def test_collector_that_resets_all_the_time_is_not_asked_all_the_time(homer: StreamHomer, end: ExitStack) -> None:
    homer.resets_after = 0.02
    collector = collector_of(end, tcp(homer))
    time.sleep(1.0)
    assert 2 <= homer.accepted <= 15
    numbers = send(collector, 10)
    homer.resets_after = None
    wait_for(lambda: set(homer.numbers) >= set(numbers))
    assert collector.balances


@pytest.mark.parametrize("drop", ["oldest", "newest"])
def test_full_buffer_drops_what_it_is_told_to_and_counts_it(end: ExitStack, drop: str) -> None:
    port = dead_port()
    collector = collector_of(end, Address("127.0.0.1", port, "tcp"), buffer_size=64_000, buffer_drop=drop)
    numbers = send(collector, 3000, size=1000)
    dropped = collector.outcomes["buffer_full"]
    assert collector.buffered == 3000 - dropped
    assert dropped > 1000
    homer = homer_of(end, port=port)
    wait_for(lambda: len(homer.messages) == 3000 - dropped)
    assert homer.numbers == (numbers[dropped:] if drop == "oldest" else numbers[:-dropped])


def test_smaller_buffer_after_a_reload_is_counted_too(end: ExitStack) -> None:
    collector = collector_of(end, Address("127.0.0.1", dead_port(), "tcp"))
    send(collector, 3000, size=1000)
    collector.configure(Delivery(buffer_size=64_000))
    assert collector.outcomes["buffer_full"] > 0
    assert collector.balances
    assert collector.backlog._buffer.octets <= 64_000


def test_backlog_is_paced(end: ExitStack) -> None:
    port = dead_port()
    collector = collector_of(end, Address("127.0.0.1", port, "tcp"))
    send(collector, 1000, size=1000)
    collector.backlog.came = 0
    homer = homer_of(end, port=port)
    wait_for(lambda: homer.accepted == 1)
    began = time.monotonic()
    wait_for(lambda: len(homer.messages) == 1000)
    assert 0.3 < time.monotonic() - began < 3, "2 MB a second"


def test_ten_minutes_of_a_busy_switch_fit_into_the_default_buffer(
    end: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 messages a second, as recorded ones are, put in as fast as they can be packed."""
    monkeypatch.setattr(stream, "PACE", 50_000_000)
    monkeypatch.setattr(stream, "HOUSEKEEPING", 0.01)
    recorded = recorded_messages()
    port = dead_port()
    collector = collector_of(end, Address("127.0.0.1", port, "tcp"))
    for number in range(60_000):
        collector.send(recorded[number % len(recorded)], 0.0)
        if number % 1000 == 999:
            wait_for(lambda: len(collector.backlog._buffer._newest) < 10_000)
    assert (collector.buffered, collector.outcomes) == (60_000, {})
    assert collector.backlog._buffer.octets < 11_000_000
    homer = StreamHomer(port=port)
    end.callback(homer.close)
    wait_for(lambda: len(homer.messages) == 60_000, timeout=60)
    assert homer.messages == [recorded[number % len(recorded)] for number in range(60_000)]
    wait_for(lambda: collector.outcomes == {"sent": 60_000})


def recorded_messages() -> list[bytes]:
    """What the agent makes of a recording of 150 calls."""
    found: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Collectors, "send", lambda _, messages, wall: found.extend(messages))
        play(Config(), Playback(RecordedEvent({**each}) for each in story("load_150_calls")))
    return found


# --- connecting ------------------------------------------------------------------------------------------------------


def names(monkeypatch: pytest.MonkeyPatch, look_up: Callable[[str, int], list[Target]]) -> None:
    monkeypatch.setattr(Resolver.__init__, "__defaults__", (60.0, look_up))


def test_all_addresses_of_a_name_are_tried(
    homer: StreamHomer, end: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead: Target = (socket.AF_INET, ("127.0.0.1", dead_port()))
    names(monkeypatch, lambda host, port: [dead, (socket.AF_INET, ("127.0.0.1", homer.port))])
    monkeypatch.setattr(routes, "BACKOFF", (30.0, 30.0))
    collector = collector_of(end, Address("homer.example", 9060, "tcp"))
    numbers = send(collector, 3)
    wait_for(lambda: homer.numbers == numbers)


def test_collector_that_moves_is_found(homer: StreamHomer, end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resolver.look_up_soon, "__defaults__", (0.0,))
    where = [homer.port]
    names(monkeypatch, lambda host, port: [(socket.AF_INET, ("127.0.0.1", where[0]))])
    collector = collector_of(end, Address("homer.example", 9060, "tcp"))
    send(collector, 3)
    wait_for(lambda: len(homer.messages) == 3)
    other = homer_of(end)
    where[0] = other.port
    homer.close()
    send(collector, 3, begin=3)
    wait_for(lambda: {3, 4, 5} <= set(other.numbers))


def test_look_up_that_hangs_is_a_hint_and_ends_without_us(end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def look_up(host: str, port: int) -> list[Target]:
        answer.wait(10)
        return []

    names(monkeypatch, look_up)
    monkeypatch.setattr("fs_hepipe.delivery.resolve.HANGING", 0.1)
    collector = collector_of(end, Address("homer.example", 9060, "tcp"))
    send(collector, 2)
    wait_for(lambda: collector.hint == "no name server answers: 2 messages wait until the name resolves")
    began = time.monotonic()
    assert collector.join()
    assert time.monotonic() - began < 1
    assert collector.outcomes == {"stopped": 2}
    answer.set()


def test_name_that_does_not_resolve_is_said(end: ExitStack) -> None:
    collector = collector_of(end, Address("x" * 64, 9060, "tcp"))
    send(collector, 1)
    wait_for(lambda: collector.hint is not None)
    assert collector.hint is not None
    assert "does not resolve" in collector.hint


def test_connect_that_gets_no_answer_is_given_up(end: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "PATIENCE", 0.2)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(("127.0.0.1", port))  # the queue of those that wait is full now
            collector = collector_of(end, Address("127.0.0.1", port, "tcp"))
            wait_for(lambda: collector.last_error is not None)
            assert collector.last_error is not None
            assert collector.last_error.text.endswith("gave no answer in 0 s while connecting")


# --- TLS -------------------------------------------------------------------------------------------------------------


def failure(end: ExitStack, where: Address) -> str:
    collector = collector_of(end, where)
    send(collector, 1)
    wait_for(lambda: collector.last_error is not None)
    assert collector.last_error is not None
    assert collector.outcomes == {}
    return collector.last_error.text


@pytest.mark.parametrize(
    ("certificate", "options", "words"),
    [
        ("expired", {}, "its certificate is not accepted: certificate has expired"),
        ("other_name", {}, "its certificate is not accepted: IP address mismatch"),
        ("homer", {"name": "another.example"}, "its certificate is not accepted: Hostname mismatch"),
        ("other_ca", {}, "its certificate is not accepted: "),
        ("homer", {"ca": ""}, "its certificate is not accepted: "),
        ("homer", {"ca": "/nowhere/ca.pem"}, "ca: /nowhere/ca.pem: No such file or directory"),
        ("homer", {"ca": str(CERTIFICATES / "make.py")}, "ca: "),
        ("homer", {"cert": "/nowhere/cert.pem"}, "cert, key: /nowhere/cert.pem, /nowhere/cert.pem: No such file"),
    ],
)
def test_wrong_certificate_is_named_and_nothing_is_sent(
    end: ExitStack, certificate: str, options: dict[str, str], words: str
) -> None:
    homer = homer_of(end, context=server_context(certificate))
    assert words in failure(end, tls(homer, **options))
    assert homer.messages == []


def test_certificate_is_not_checked_if_so_told(end: ExitStack) -> None:
    homer = homer_of(end, context=server_context("expired"))
    collector = collector_of(end, address(f"tls:127.0.0.1:{homer.port};verify=no"))
    numbers = send(collector, 3)
    wait_for(lambda: homer.numbers == numbers)


def test_name_of_the_certificate_can_be_given(end: ExitStack) -> None:
    homer = homer_of(end, context=server_context("other_name"))
    collector = collector_of(end, tls(homer, name="other.example"))
    numbers = send(collector, 3)
    wait_for(lambda: homer.numbers == numbers)


def test_collector_may_ask_for_our_certificate(end: ExitStack) -> None:
    homer = homer_of(end, context=server_context(wants_client=True))
    collector = collector_of(end, tls(homer, cert=str(CERTIFICATES / "client.pem")))
    numbers = send(collector, 3)
    wait_for(lambda: homer.numbers == numbers)
    wait_for(lambda: collector.outcomes == {"sent": 3})


def test_messages_to_a_collector_that_refuses_us_late_are_not_counted_as_sent(end: ExitStack) -> None:
    """With TLS 1.3 the server looks at our certificate when our side of the handshake is over."""
    homer = homer_of(end, context=server_context(wants_client=True))
    assert "it wants a certificate of ours: set cert and key" in failure(end, tls(homer))
    assert homer.messages == []


def test_peer_that_speaks_no_tls_is_named(end: ExitStack) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    end.callback(listener.close)

    def greet() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"220 this is no TLS\r\n")
        time.sleep(0.2)
        connection.close()

    threading.Thread(target=greet, daemon=True).start()
    assert "it does not speak TLS there" in failure(end, Address("127.0.0.1", listener.getsockname()[1], "tls"))


def test_old_tls_is_refused(end: ExitStack) -> None:
    import ssl
    import warnings

    context = server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    homer = homer_of(end, context=context)
    found = failure(end, tls(homer))
    assert "TLS" in found
    assert homer.messages == []


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_handshake_that_stalls_is_given_up(
    homer: StreamHomer, end: ExitStack, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setattr(routes, "PATIENCE", 0.2)
    homer.shakes_hands = False
    collector = collector_of(end, Address(homer.ip, homer.port, transport))
    send(collector, 3)
    if transport == "tcp":
        time.sleep(0.4)
        assert is_up(collector), "TCP has nothing to wait for"
        return
    wait_for(lambda: collector.last_error is not None)
    assert collector.last_error is not None
    assert collector.last_error.text.endswith("while in the TLS handshake")


def test_certificate_of_the_collector_is_known(end: ExitStack) -> None:
    homer = homer_of(end, context=server_context())
    collector = collector_of(end, tls(homer))
    wait_for(lambda: is_up(collector))
    assert collector._link is not None
    assert collector._link.security.startswith("TLSv1.")
    assert collector._link.security.endswith(" with the certificate of homer.example, valid until 2124-01-01")


# --- ending ----------------------------------------------------------------------------------------------------------


def test_at_the_end_what_waits_is_sent_and_counted(homer: StreamHomer, end: ExitStack) -> None:
    collector = collector_of(end, tcp(homer))
    wait_for(lambda: is_up(collector))
    numbers = send(collector, 2000, size=1000)
    assert collector.join()
    assert collector.outcomes == {"sent": 2000}
    wait_for(lambda: homer.numbers == numbers)
    assert collector.has_ended


def test_at_the_end_what_can_not_be_sent_is_counted(end: ExitStack) -> None:
    collector = collector_of(end, Address("127.0.0.1", dead_port(), "tcp"))
    send(collector, 20)
    began = time.monotonic()
    assert collector.join()
    assert time.monotonic() - began < 1
    assert (collector.outcomes, collector.balances) == ({"stopped": 20}, True)


def test_end_does_not_wait_for_a_collector_that_does_not_read(homer: StreamHomer, end: ExitStack) -> None:
    homer.reads = False
    collector = collector_of(end, tcp(homer))
    send(collector, 400, size=60_000)
    wait_for(lambda: is_up(collector))
    began = time.monotonic()
    assert collector.join()
    assert time.monotonic() - began < 2
    assert collector.balances
    assert collector.outcomes["stopped"] > 0


def test_error_of_ours_costs_a_pause_and_no_message(
    homer: StreamHomer, end: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = collector_of(end, tcp(homer))
    wait_for(lambda: is_up(collector))
    with monkeypatch.context() as patch:
        patch.setattr(link.Link, "send", lambda *_: 1 // 0)
        send(collector, 3)
        wait_for(lambda: collector.last_error is not None)
    wait_for(lambda: homer.numbers == [0, 1, 2])
    assert collector.balances


def test_thread_that_can_not_be_started_is_started_later(
    homer: StreamHomer, end: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: Optional[threading.Thread]) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        collector = StreamCollector("collector", [tcp(homer)], Delivery())
    end.callback(collector.join)
    send(collector, 2)
    assert collector.last_error is not None
    assert collector.last_error.text == "no thread: can't start new thread"
    collector.poll(0.0, 0.0)
    wait_for(lambda: homer.numbers == [0, 1])
