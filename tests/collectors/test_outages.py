"""
A collector that is wrongly keyed, away for a while or late: the agent never waits for it, its counters tell, and
delivery resumes by itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from collections.abc import Iterator

import pytest

from fs_hepipe.delivery.answers import REFUSED
from fs_hepipe.delivery.collector import SENT
from fs_hepipe.delivery.udp import UNRESOLVED
from fs_hepipe.words.settings import Settings

from .judge import Judge
from .judges import JUDGES, KamailioChunks, KamailioStore, Sngrep, expected, objections
from .running import Shared, Starter
from .stage import Stage, recorded

pytestmark = pytest.mark.collectors

STORY = "lossy_media"
FIRST, SECOND, THIRD = 8, 16, 24
"""Of its 33 messages."""
BLOCKED_S = 30

named = pytest.mark.parametrize("kind", JUDGES, ids=[kind.__name__ for kind in JUDGES])


@pytest.fixture(autouse=True)
def _agent_never_blocks() -> Iterator[None]:
    """Breaks off an agent that waits for a collector, far beyond what a busy machine needs."""

    def break_off(*_: object) -> None:
        pytest.fail("the agent waits for something", pytrace=False)

    before = signal.signal(signal.SIGALRM, break_off)
    signal.alarm(BLOCKED_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Pause:
    """A judge that leaves while the stage plays and comes back, and how much had been sent by then."""

    def __init__(self, stage: Stage, judge: Judge, leaves: int, returns: int) -> None:
        self.left = self.returned = 0
        self._stage = stage
        self._judge = judge
        stage.at(leaves, self._leave)
        stage.at(returns, self._return)

    def _leave(self) -> None:
        self._judge.settle()
        self._judge.stop()
        self.left = self._stage.count

    def _return(self) -> None:
        self._judge.start()
        self.returned = self._stage.count

    @property
    def missed(self) -> int:
        """Messages sent in between."""
        return self.returned - self.left


def agents_faults(stage: Stage) -> list[str]:
    """What is wrong with the agent itself, whatever became of its collectors."""
    ledger = stage.agent.counters.ledger()
    good = ledger.balances and stage.agent.collectors.balances and not ledger.failed and not ledger.dropped
    return [] if good and ledger.built == stage.count else [str(ledger)]


def outcomes(stage: Stage, judge: Judge) -> dict[str, int]:
    return dict(stage.collector(judge.address).outcomes)


# --- wrongly keyed ---


def test_of_a_wrong_key_udp_tells_nothing_and_sngrep_holds_nothing(start: Starter) -> None:
    judge = start(Sngrep, auth_key="other")
    stage = Stage([judge], Settings(capture_password="s3cret"))
    stage.play(recorded(STORY))
    collector = stage.collector(judge.address)
    assert outcomes(stage, judge) == {SENT: stage.count}
    assert (collector.refusals, collector.last_error) == (0, None)
    assert objections([], judge) == []


def test_kamailio_refuses_every_wrongly_keyed_message(start: Starter) -> None:
    judge = start(KamailioChunks, auth_key="other")
    stage = Stage([judge], Settings(capture_password="s3cret"))
    stage.play(recorded(STORY))
    assert outcomes(stage, judge) == {SENT: stage.count}
    assert objections([], judge) == []
    assert judge.refused == [expected(message, judge) for message in stage.messages]


def test_the_rightly_keyed_collector_beside_a_wrongly_keyed_one_holds_all(start: Starter) -> None:
    wrong, right = start(Sngrep, auth_key="other"), start(KamailioChunks, auth_key="s3cret")
    stage = Stage([wrong, right], Settings(capture_password="s3cret"))
    stage.play(recorded(STORY))
    assert stage.faults() == []
    assert objections(stage.messages, right) == []
    assert objections([], wrong) == []


# --- away, or late ---


@named
def test_a_collector_that_was_away_holds_what_was_sent_before_and_after(start: Starter, kind: type[Judge]) -> None:
    judge = start(kind)
    stage = Stage([judge])
    pause = Pause(stage, judge, leaves=FIRST, returns=SECOND)
    stage.play(recorded(STORY))
    assert agents_faults(stage) == []
    assert 0 < pause.left < pause.returned < stage.count
    assert objections(stage.messages[: pause.left] + stage.messages[pause.returned :], judge) == []


def test_the_counters_tell_that_a_collector_was_away(start: Starter) -> None:
    judge = start(Sngrep)
    stage = Stage([judge])
    pause = Pause(stage, judge, leaves=FIRST, returns=SECOND)
    stage.play(recorded(STORY))
    collector = stage.collector(judge.address)
    assert sum(collector.outcomes.values()) == stage.count
    assert set(collector.outcomes) <= {SENT, REFUSED}
    # UDP says so afterwards, if at all: the kernel took each message before it learned that nobody listens.
    assert 0 < collector.refusals <= pause.missed
    assert collector.last_error is not None
    assert os.strerror(errno.ECONNREFUSED) in collector.last_error.text


@named
def test_a_collector_that_is_bound_late_holds_all_that_is_sent_from_then_on(start: Starter, kind: type[Judge]) -> None:
    judge = start(kind)
    judge.stop()
    stage = Stage([judge])
    stage.at(FIRST, judge.start)
    late: list[int] = []
    stage.at(FIRST, lambda: late.append(stage.count))
    stage.play(recorded(STORY))
    assert agents_faults(stage) == []
    assert stage.collector(judge.address).refusals > 0
    assert objections(stage.messages[late[0] :], judge) == []


def test_a_collector_comes_back_as_often_as_it_goes(start: Starter) -> None:
    judge = start(KamailioChunks)
    stage = Stage([judge])
    first = Pause(stage, judge, leaves=FIRST, returns=SECOND)
    second = Pause(stage, judge, leaves=SECOND + 2, returns=THIRD)
    stage.play(recorded(STORY))
    sent = stage.messages
    assert agents_faults(stage) == []
    assert objections(sent[: first.left] + sent[first.returned : second.left] + sent[second.returned :], judge) == []


def test_a_collector_that_is_away_costs_the_others_nothing(start: Starter, shared: Shared) -> None:
    away = start(KamailioStore)
    others = [shared.get(kind) for kind in JUDGES]
    away.stop()
    stage = Stage([*others[:2], away, *others[2:]])
    stage.play(recorded(STORY))
    assert agents_faults(stage) == []
    assert stage.collector(away.address).refusals > 0
    assert [outcomes(stage, judge) for judge in others] == [{SENT: stage.count}] * len(others)
    assert [line for judge in others for line in objections(stage.messages, judge)] == []


def test_a_collector_on_ipv6_may_be_away_too(start: Starter) -> None:
    judge = start(KamailioStore, host="::1")
    stage = Stage([judge])
    pause = Pause(stage, judge, leaves=FIRST, returns=SECOND)
    stage.play(recorded(STORY))
    assert stage.collector(judge.address).refusals > 0
    assert objections(stage.messages[: pause.left] + stage.messages[pause.returned :], judge) == []


def test_a_collector_that_reads_nothing_stops_nobody(kamailio_chunks: KamailioChunks) -> None:
    """Its socket's buffer is full after a few messages; the kernel drops the rest."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.bind(("127.0.0.1", 0))
        stage = Stage([kamailio_chunks], others=[deaf.getsockname()])
        stage.play(recorded(STORY))
    assert stage.faults() == []
    assert objections(stage.messages, kamailio_chunks) == []


def test_a_collector_whose_name_does_not_resolve_stops_nobody(kamailio_chunks: KamailioChunks) -> None:
    nowhere = ("collector..invalid", 9060)  # no name, so nobody is asked for it
    stage = Stage([kamailio_chunks], others=[nowhere])
    stage.play(recorded(STORY))
    assert agents_faults(stage) == []
    assert dict(stage.collector(nowhere).outcomes) == {UNRESOLVED: stage.count}
    assert objections(stage.messages, kamailio_chunks) == []
