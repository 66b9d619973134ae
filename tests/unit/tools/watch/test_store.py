"""Which messages are one call, and that the calls that are kept are bounded whatever comes."""

from __future__ import annotations

import pytest

from fs_hepipe.hep import decode, encode
from fs_hepipe.tools.demo import STORIES
from fs_hepipe.tools.watch.call import MAX_FIRST, MAX_MESSAGES, MAX_NAMES
from fs_hepipe.tools.watch.store import Store
from tests.unit.messages import SPEC_MESSAGE
from tests.watching import story

TWO_LEGS = ("bridged_answered", "busy_486", "no_answer_timeout", "early_media_183", "srtp", "lossy_media")


def line(call_id: str, text: str = "CHANNEL_CREATE direction=inbound", time: int = 0) -> bytes:
    fields = {"protocol_type": 100, "payload": text.encode(), "correlation_id": call_id}
    if time:
        fields["timestamp"] = time
    return encode(SPEC_MESSAGE._replace(**fields))  # type: ignore[arg-type]


def filled(*datagrams: bytes, keep_calls: int = 1_000, keep_octets: int = 100_000_000) -> Store:
    store = Store(keep_calls, keep_octets)
    for datagram in datagrams:
        assert store.add(datagram) is None
    return store


def assert_counted(store: Store) -> None:
    """The octets are those of the calls, every name leads to a call that is kept, and each call is once in each map."""
    calls = list(store._calls.values())
    assert store.octets == sum(call.octets for call in calls)
    assert set(map(id, store._by_name.values())) <= set(map(id, calls))
    assert {name for call in calls for name in call.names} == set(store._by_name)
    assert list(store._recent) != [] or not calls
    assert set(store._recent) == set(store._calls)


@pytest.mark.parametrize("name", STORIES)
def test_every_message_of_a_story_is_kept_and_each_call_id_is_found(name: str) -> None:
    datagrams = story(name)
    store = filled(*datagrams)
    assert store.totals()["messages"] == len(datagrams)
    assert sum(row["messages"] for row in store.view().rows) == len(datagrams)
    for datagram in datagrams:
        found = store.find(decode(datagram).correlation_id or "")
        assert found is not None
        assert datagram in [kept.datagram for kept in found.messages]
    assert_counted(store)


@pytest.mark.parametrize("name", TWO_LEGS)
def test_both_legs_are_one_call(name: str) -> None:
    rows = filled(*story(name)).view().rows
    assert [(row["legs"], row["kind"]) for row in rows] == [(2, "call")]


def test_a_hundred_and_fifty_calls_are_as_many() -> None:
    rows = filled(*story("load_150_calls")).view().rows
    assert (len(rows), {row["legs"] for row in rows}) == (150, {2})


def test_legs_are_joined_whichever_comes_first() -> None:
    one, other = line("a", "CHANNEL_CREATE leg=u1"), line("b", "CHANNEL_CREATE leg=u2")
    link = line("b", "CHANNEL_ANSWER leg=u2 other-leg=u1")
    for order in ([one, other, link], [other, one, link], [link, other, one], [link, one, other]):
        store = filled(*order)
        assert [row["messages"] for row in store.view().rows] == [3]
        assert_counted(store)


def test_a_row_tells_who_called_whom_and_how_it_ended() -> None:
    row = filled(*story("failover_486_then_answer")).view().rows[0]
    assert (row["caller"], row["callee"], row["legs"], row["state"]) == ("1008", "4888", 3, "ended")
    assert (row["cause"], row["quality"]) == ("MANAGER_REQUEST", "good")
    row = filled(*story("busy_486")).view().rows[0]
    assert (row["cause"], row["status"], row["failed"], row["quality"]) == ("USER_BUSY", "486", True, "")


def test_the_worst_of_a_call_is_in_its_row() -> None:
    row = filled(*story("lossy_media")).view().rows[0]
    assert (row["mos"], row["loss"], row["quality"]) == (3.49, 30 / 256, "bad")


@pytest.mark.parametrize(("words", "matched"), [("", 2), ("1016", 1), ("USER_busy", 1), ("486", 1), ("1016 486", 0)])
def test_calls_are_searched_by_what_is_known_of_them(words: str, matched: int) -> None:
    store = filled(*story("lossy_media"), *story("busy_486"))
    assert store.view(words).matched == len(store.view(words).rows) == matched


def test_bad_calls_are_found() -> None:
    store = filled(*story("lossy_media"), *story("bridged_answered"))
    assert [row["caller"] for row in store.view(quality="bad").rows] == ["1016"]


def test_the_newest_are_first_and_those_beyond_the_limit_are_counted() -> None:
    store = filled(*(line(f"c{number}") for number in range(20)))
    view = store.view(limit=3)
    assert ([row["key"] for row in view.rows], view.matched) == (["c19", "c18", "c17"], 20)
    assert store.view("c1", limit=3).matched == 11


def test_what_was_silent_for_longest_goes_first() -> None:
    store = filled(line("a"), line("b"), line("a"), line("c"), keep_calls=2)
    assert {row["key"] for row in store.view().rows} == {"a", "c"}
    assert store.find("b") is None
    assert store.totals()["evicted"] == 1
    assert_counted(store)


def test_octets_are_bounded() -> None:
    store = filled(*(line(f"c{number}", "x" * 10_000) for number in range(100)), keep_octets=100_000)
    assert store.octets <= 100_000
    assert 5 <= len(store) < 10
    assert_counted(store)


def test_a_call_keeps_how_it_began_and_what_came_last() -> None:
    count = MAX_MESSAGES + 500
    store = filled(*(line("a", f"EVENT number={number}") for number in range(count)))
    found = store.find("a")
    assert found is not None
    assert (len(found.messages), found.dropped, found.row["messages"]) == (MAX_MESSAGES, 500, count)
    numbers = [kept.number for kept in found.messages]
    assert numbers == [*range(MAX_FIRST), *range(MAX_FIRST + 500, count)]
    assert_counted(store)


def test_a_sender_that_links_everything_makes_no_call_of_everything() -> None:
    store = filled(*(line(f"c{number}", f"E leg=u{number} other-leg=u{number + 1}") for number in range(3 * MAX_NAMES)))
    assert len(store) > 1
    assert all(len(call.names) <= MAX_NAMES for call in store._calls.values())
    assert_counted(store)


def test_messages_without_a_name_are_kept_too() -> None:
    store = filled(encode(SPEC_MESSAGE._replace(protocol_type=77, correlation_id=None)))
    assert [row["key"] for row in store.view().rows] == ["(no Call-ID)"]


def test_what_is_no_hep_is_counted() -> None:
    store = Store(10, 1_000_000)
    assert store.add(b"GET / HTTP/1.1\r\n") is not None
    assert (store.totals()["garbage"], len(store)) == (1, 0)
