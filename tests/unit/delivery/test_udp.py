"""Datagrams to one collector over UDP: each has an outcome, none blocks, no answer is charged to another."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Sequence
from typing import NoReturn, Optional

import pytest

from fs_hepipe.delivery import answers
from fs_hepipe.delivery.answers import FORBIDDEN, REFUSED, TOO_LONG, UNREACHABLE, Answer
from fs_hepipe.delivery.collector import local_time
from fs_hepipe.delivery.resolve import Resolver, Target
from fs_hepipe.delivery.udp import (
    MAX_WAITING,
    MAX_WAITING_OCTETS,
    RETURN,
    TROUBLED,
    UNRESOLVED,
    Trouble,
    UdpCollector,
)
from tests.udp import dead_port, port_of

UNRESOLVABLE = "x" * 64
HERE: Target = (socket.AF_INET, ("127.0.0.1", 1))
THERE: Target = (socket.AF_INET, ("127.0.0.2", 1))


@pytest.fixture(params=[True, False], ids=["with a queue of answers", "without"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The system, with its queue of answers (Linux) or as if it had none."""
    if request.param and not answers.IS_READ:
        pytest.skip("this system has no queue of answers")
    monkeypatch.setattr(answers, "IS_READ", request.param)
    return bool(request.param)


def collector_at(port: int, host: str = "127.0.0.1") -> UdpCollector:
    return UdpCollector(f"udp:{host}:{port}", [Resolver(host, port)])


class Names(Resolver):
    """The addresses of a name, as a test sets them."""

    def __init__(self, *found: Target) -> None:
        super().__init__(UNRESOLVABLE, 1)
        self.found: Sequence[Target] = found
        self.asked_for: list[float] = []

    def poll(self, now: float) -> Optional[str]:
        return None

    def look_up_soon(self, wait: float = 5.0) -> None:
        self.asked_for.append(wait)


def collector_of(*targets: Target) -> UdpCollector:
    return UdpCollector("udp:x:1", [Names(*targets)])


class BrokenSocket:
    """A socket that answers every send with an error, and has nothing in its queue of answers."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.closed = False

    def sendto(self, _: bytes, address: object) -> NoReturn:
        raise self.error

    def recvmsg(self, *_: int) -> NoReturn:
        raise BlockingIOError

    def close(self) -> None:
        self.closed = True
        raise OSError(errno.EBADF, "closed by somebody else")


class Wire:
    """A socket that takes everything but what `fails` names, with the answers that a test puts into its queue."""

    def __init__(self, fails: Callable[[Target], Optional[OSError]] = lambda _: None) -> None:
        self.sent: list[tuple[bytes, object]] = []
        self.answers: list[Answer] = []
        self.pending: Optional[OSError] = None
        self.fails = fails

    def sendto(self, datagram: bytes, address: tuple[object, ...]) -> None:
        error, self.pending = self.pending or self.fails((socket.AF_INET, address)), None
        if error is not None:
            raise error
        self.sent.append((datagram, address))

    def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    found = Wire()

    def taken(_: object) -> list[Answer]:
        queue, found.answers = found.answers, []
        return queue

    monkeypatch.setattr(answers, "IS_READ", True)
    monkeypatch.setattr(answers, "opened", lambda family: found)
    monkeypatch.setattr(answers, "taken", taken)
    return found


def broken(error: Exception) -> tuple[UdpCollector, BrokenSocket]:
    collector, source = collector_of(HERE), BrokenSocket(error)
    collector._socket = source  # type: ignore[assignment]
    return collector, source


# --- sending ---------------------------------------------------------------------------------------------------------


def test_datagram_arrives_as_it_is(receiver: socket.socket, either: bool) -> None:
    collector = collector_at(port_of(receiver))
    collector.send(b"HEP3", 1.0)
    assert receiver.recv(100) == b"HEP3"
    assert (collector.outcomes, collector.octets, collector.last_error) == ({"sent": 1}, 4, None)
    assert collector.hint is None
    assert collector.state == f"sends to 127.0.0.1:{port_of(receiver)}"
    collector.close()


def test_one_socket_serves_all_datagrams(receiver: socket.socket, either: bool) -> None:
    collector = collector_at(port_of(receiver))
    sources = set()
    for _ in range(5):
        collector.send(b"x", 1.0)
        sources.add(receiver.recvfrom(100)[1])
    assert len(sources) == 1
    collector.close()
    collector.close()
    collector.send(b"after a close", 1.0)
    assert collector.outcomes == {"sent": 6}
    collector.close()


def test_refusal_of_the_one_before_does_not_cost_this_one(either: bool) -> None:
    port = dead_port()
    collector = collector_at(port)
    collector.send(b"lost", 1.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", port))
        receiver.settimeout(2)
        collector.send(b"arrives", 2.0)
        assert receiver.recv(100) == b"arrives"
    assert collector.outcomes == {"sent": 2}
    assert (collector.refusals, collector.answers) == (1, {REFUSED: 1})
    assert collector.last_error is not None
    assert collector.last_error.time == 2.0
    assert "refused" in collector.last_error.text
    collector.close()


def test_every_datagram_to_nobody_is_counted(either: bool) -> None:
    collector = collector_at(dead_port())
    for _ in range(10):
        collector.send(b"x", 1.0)
    assert sum(collector.outcomes.values()) == 10
    assert set(collector.outcomes) <= {"sent", "refused"}
    assert collector.refusals >= 9
    assert collector.hint is not None
    assert collector.hint.startswith("nobody listens there, it refuses what is sent")
    collector.close()


def test_refusal_is_known_without_another_datagram() -> None:
    if not answers.IS_READ:
        pytest.skip("this system has no queue of answers")
    collector = collector_at(dead_port())
    collector.send(b"x", 1.0)
    collector.poll(0.0, 2.0)
    assert collector.refusals == 1
    assert collector.in_trouble
    collector.close()


def test_too_long_a_datagram_is_counted_and_the_next_one_goes(receiver: socket.socket, either: bool) -> None:
    collector = collector_at(port_of(receiver))
    collector.send(b"x" * 66_000, 1.0)
    collector.send(b"short", 1.0)
    assert receiver.recv(100) == b"short"
    assert collector.outcomes == {"too_long": 1, "sent": 1}
    collector.close()


@pytest.mark.parametrize(
    ("number", "outcome", "is_replaced"),
    [
        (errno.EAGAIN, "buffer_full", False),
        (errno.ENOBUFS, "buffer_full", False),
        (errno.EMSGSIZE, "too_long", False),
        (errno.EPERM, "forbidden", False),
        (errno.EACCES, "forbidden", False),
        (errno.ENETUNREACH, "unreachable", True),
        (errno.EHOSTUNREACH, "unreachable", True),
        (errno.ENETDOWN, "unreachable", True),
        (errno.EADDRNOTAVAIL, "unreachable", True),
        (errno.EBADF, "error", True),
        (errno.EINVAL, "error", True),
        (0, "error", True),
    ],
)
def test_every_error_of_the_kernel_has_its_word(number: int, outcome: str, *, is_replaced: bool) -> None:
    collector, source = broken(OSError(number, "why"))
    collector.send(b"x", 3.0)
    assert collector.outcomes == {outcome: 1}
    assert collector.last_error is not None
    assert collector.last_error.time == 3.0
    assert "why" in collector.last_error.text
    assert collector.hint is not None
    assert source.closed == is_replaced
    assert (collector._socket is None) == is_replaced


@pytest.mark.parametrize("error", [MemoryError(), ValueError("x"), RecursionError("x")])
def test_error_that_is_none_of_the_kernels_is_an_outcome_too(error: Exception) -> None:
    collector, _ = broken(error)
    collector.send(b"x", 3.0)
    assert collector.outcomes == {"error": 1}
    assert collector.last_error == (type(error).__name__, 3.0)


def test_socket_that_broke_is_replaced_and_nothing_is_lost_by_it(receiver: socket.socket) -> None:
    collector = collector_at(port_of(receiver))
    collector.send(b"one", 1.0)
    assert collector._socket is not None
    collector._socket.close()
    collector.send(b"two", 1.0)
    collector.send(b"three", 1.0)
    assert [receiver.recv(100) for _ in range(2)] == [b"one", b"three"]
    assert collector.outcomes == {"sent": 2, "error": 1}
    collector.close()


def test_broadcast_needs_a_permission_that_we_do_not_ask_for(either: bool) -> None:
    collector = collector_at(9060, "255.255.255.255")
    collector.send(b"x", 1.0)
    collector.send(b"x", 1.0)
    assert collector.outcomes in ({"forbidden": 2}, {"unreachable": 2})
    collector.close()


def test_sending_never_blocks_however_full_the_buffer_is(receiver: socket.socket, either: bool) -> None:
    collector = collector_at(port_of(receiver))
    collector.send(b"x", 1.0)
    assert collector._socket is not None
    assert collector._socket.getblocking() is False
    began = time.monotonic()
    for _ in range(1999):
        collector.send(b"x" * 60_000, 1.0)
    assert time.monotonic() - began < 5
    assert sum(collector.outcomes.values()) == 2000
    collector.close()


def test_trouble_is_over_when_nothing_was_answered_for_a_while() -> None:
    collector = collector_of(HERE)
    states = [collector.in_trouble]
    collector.trouble = Trouble(REFUSED, "refused", HERE, 1000.0)
    for seconds in (0.0, TROUBLED - 1, TROUBLED):  # a host tells it once a second at most
        collector.sent_at = 1000.0 + seconds
        states.append(collector.in_trouble)
    assert states == [False, True, True, False]


def test_trouble_of_a_while_ago_is_told_with_its_time_if_nothing_was_sent_since(wire: Wire) -> None:
    collector = collector_of(HERE)
    collector.poll(1000.0, 50_000.0)
    collector.send(b"x", 50_000.0)
    wire.answers = [Answer(REFUSED, "refused", HERE[1], b"")]
    collector.poll(1000.1, 50_000.1)
    now = collector.hint
    collector.poll(1093.0, 50_093.0)
    assert now == "nobody listens there, it refuses what is sent: 127.0.0.1:1 refused"
    assert collector.hint == f"{now} (at {local_time(50_000)}; nothing was sent since, `test` would tell)"
    collector.send(b"x", 50_093.0)
    collector.poll(1093.1, 50_093.1)
    assert not collector.hint
    assert collector.is_up


@pytest.mark.parametrize("over", [True, False])
def test_test_datagram_that_got_there_ends_the_trouble_of_that_address(wire: Wire, over: bool) -> None:
    collector = collector_of(HERE)
    collector.send(b"x", 1.0)
    wire.answers = [Answer(REFUSED, "refused", HERE[1], b"")]
    collector.poll(0.0, 1.0)
    collector.hear_of_trial(HERE if over else THERE)
    assert (collector.hint is None) is collector.is_up is over


def test_answers_that_came_before_a_test_datagram_got_there_do_not_outlast_it(wire: Wire) -> None:
    collector = collector_of(HERE)
    collector.send(b"x", 1.0)
    wire.answers = [Answer(REFUSED, "refused", HERE[1], b"") for _ in range(3)]
    collector.hear_of_trial(HERE)
    collector.poll(0.0, 1.0)
    assert collector.answers == {REFUSED: 3}
    assert (collector.hint, collector.is_up) == (None, True)


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [REFUSED, UNREACHABLE, FORBIDDEN, TOO_LONG])
def test_answer_to_an_earlier_datagram_does_not_cost_the_next_one(wire: Wire, outcome: str) -> None:
    collector = collector_of(HERE)
    collector.send(b"large", 1.0)
    wire.answers = [Answer(outcome, "because", HERE[1], b"")]
    wire.pending = OSError(errno.EMSGSIZE, "it is not this one's")
    collector.send(b"small", 2.0)
    assert [datagram for datagram, _ in wire.sent] == [b"large", b"small"]
    assert collector.outcomes == {"sent": 2}
    assert collector.answers == {outcome: 1}
    assert collector.last_error is not None
    assert collector.last_error.text == "127.0.0.1:1 because"
    assert collector.hint is not None


def test_datagram_that_an_answer_shows_is_sent_again_to_the_next_address_once(wire: Wire) -> None:
    collector = collector_of(HERE, THERE)
    collector.send(b"first", 1.0)
    wire.answers = [Answer(REFUSED, "refused", HERE[1], b"fir")]
    wire.pending = OSError(errno.ECONNREFUSED, "refused")
    collector.send(b"second", 1.0)
    wire.answers = [Answer(REFUSED, "refused", HERE[1], b"first")]
    collector.poll(0.0, 1.0)
    assert wire.sent == [(b"first", HERE[1]), (b"first", THERE[1]), (b"second", THERE[1])]
    assert (collector.outcomes, collector.resent) == ({"sent": 2}, 1)
    assert collector.target == THERE
    assert collector.hint == (
        "nobody listens there, it refuses what is sent: 127.0.0.1:1 refused; 127.0.0.2:1 is used now"
    )


def test_datagram_that_was_too_long_is_sent_again_now_that_the_size_is_known(wire: Wire) -> None:
    collector = collector_of(HERE)
    collector.send(b"large", 1.0)
    collector.send(b"small", 1.0)
    wire.answers = [Answer(TOO_LONG, "too long", HERE[1], b"large")]
    collector.poll(0.0, 1.0)
    assert [datagram for datagram, _ in wire.sent] == [b"large", b"small", b"large"]


def test_answer_about_an_address_that_is_no_longer_used_changes_nothing(wire: Wire) -> None:
    collector = collector_of(HERE, THERE)
    collector.send(b"x", 1.0)
    wire.answers = [Answer(UNREACHABLE, "no", THERE[1], b"")]
    collector.poll(0.0, 1.0)
    assert collector.target == HERE


def test_several_answers_are_one_reason_to_use_the_next_address(wire: Wire) -> None:
    collector = collector_of(HERE, THERE)
    collector.send(b"x", 1.0)
    wire.answers = [Answer(REFUSED, "no", HERE[1], b"")] * 2
    collector.poll(0.0, 1.0)
    assert collector.target == THERE
    assert collector.answers == {REFUSED: 2}


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM, errno.EINVAL])
def test_message_goes_to_the_next_address_if_the_first_can_not_be_used(wire: Wire, number: int) -> None:
    wire.fails = lambda target: OSError(number, "no") if target == HERE else None
    collector = collector_of(HERE, THERE)
    collector.send(b"x", 1.0)
    assert wire.sent == [(b"x", THERE[1])]
    assert collector.outcomes == {"sent": 1}


def test_message_that_no_address_takes_is_lost_once_and_all_were_tried(wire: Wire) -> None:
    tried: list[Target] = []

    def fails(target: Target) -> OSError:
        tried.append(target)
        return OSError(errno.ENETUNREACH, "no")

    wire.fails = fails
    collector = collector_of(HERE, THERE)
    collector.send(b"x", 1.0)
    assert set(tried) == {HERE, THERE}
    assert len(tried) <= 3
    assert collector.outcomes == {"unreachable": 1}


def test_after_a_while_the_first_address_is_used_again(wire: Wire) -> None:
    wire.fails = lambda target: OSError(errno.ENETUNREACH, "no") if target == HERE else None
    collector = collector_of(HERE, THERE)
    collector.send(b"x", 1.0)
    used = []
    wire.fails = lambda _: None
    for now in (0.0, RETURN - 1, RETURN):
        collector.poll(now, 1.0)
        used.append(collector.target)
    assert used == [THERE, THERE, HERE]


def test_an_error_lets_the_name_be_looked_up_soon(wire: Wire) -> None:
    wire.fails = lambda _: OSError(errno.ENETUNREACH, "no")
    names = Names(HERE)
    UdpCollector("udp:x:1", [names]).send(b"x", 1.0)
    assert set(names.asked_for) == {5.0}


def test_addresses_that_change_are_used_at_once_and_one_that_stays_is_kept(wire: Wire) -> None:
    names = Names(HERE)
    collector = UdpCollector("udp:x:1", [names])
    collector.send(b"1", 1.0)
    names.found = (THERE, HERE)
    collector.poll(0.0, 1.0)
    collector.send(b"2", 1.0)
    names.found = (THERE,)
    collector.poll(0.0, 1.0)
    collector.send(b"3", 1.0)
    assert wire.sent == [(b"1", HERE[1]), (b"2", HERE[1]), (b"3", THERE[1])]


def test_addresses_of_both_families_each_get_a_socket_of_theirs(receiver: socket.socket) -> None:
    six: Target = (socket.AF_INET6, ("::1", dead_port(), 0, 0))
    four: Target = (socket.AF_INET, ("127.0.0.1", port_of(receiver)))
    collector = collector_of(six, four)
    for number in range(4):
        collector.send(b"%d" % number, 1.0)
        collector.poll(0.0, 1.0)
    got = [receiver.recv(10) for _ in range(4 if answers.IS_READ else 3)]
    assert got[-3:] == [b"1", b"2", b"3"]
    collector.close()


def test_connected_socket_is_renewed_when_its_source_is_no_longer_right(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "IS_READ", False)
    collector = collector_at(port_of(receiver))
    collector.send(b"x", 1.0)
    first = collector._socket
    assert first is not None
    collector.poll(0.0, 1.0)
    assert collector._socket is first
    stale = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stale.bind(("127.0.0.9", 0))
    first.close()
    collector._socket = stale
    collector.poll(0.0, 1.0)
    assert stale.fileno() == -1
    collector.close()


# --- names -----------------------------------------------------------------------------------------------------------


def test_messages_wait_for_the_name_and_are_sent_in_their_order(wire: Wire) -> None:
    names = Names()
    collector = UdpCollector("udp:homer.example:1", [names])
    for number in range(250):
        collector.send(b"%d" % number, 1.0)
    assert (collector.buffered, collector.outcomes, collector.balances) == (250, {}, True)
    assert collector.state == "waits for its name to resolve"
    names.found = (HERE,)
    collector.poll(0.0, 1.0)
    assert 0 < len(wire.sent) <= 100, "a burst would fill the buffer of a receiver"
    collector.send(b"250", 1.0)
    collector.poll(0.0, 1.0)
    collector.close()
    assert [datagram for datagram, _ in wire.sent] == [b"%d" % number for number in range(251)]
    assert (collector.outcomes, collector.balances) == ({"sent": 251}, True)


@pytest.mark.parametrize(
    ("message", "most"), [(b"x", MAX_WAITING), (b"x" * 40_000, MAX_WAITING_OCTETS // 40_000)], ids=["many", "large"]
)
def test_what_waits_is_bounded_and_the_oldest_are_dropped(message: bytes, most: int) -> None:
    collector = collector_of()
    for _ in range(most + 3):
        collector.send(message, 1.0)
    assert (collector.buffered, collector.outcomes, collector.balances) == (most, {UNRESOLVED: 3}, True)
    collector.close()
    assert (collector.buffered, collector.outcomes, collector.balances) == (0, {UNRESOLVED: most + 3}, True)


def test_look_up_that_hangs_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names()
    monkeypatch.setattr(names, "hangs", lambda now: now >= 5)
    collector = UdpCollector("udp:homer.example:1", [names])
    collector.send(b"x", 1.0)
    collector.poll(4.0, 1.0)
    assert collector.hint is None
    collector.poll(5.0, 1.0)
    assert collector.hint == "no name server answers: 1 messages wait until the name resolves"
