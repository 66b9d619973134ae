"""Who waits, until when, and how many."""

from __future__ import annotations

from fs_hepipe.calls.leg import Leg
from fs_hepipe.calls.record import Plane, Record
from fs_hepipe.calls.waiting import MAX_ENDS, MAX_PER_LEG, MAX_WAITING, PATIENCE, Waiting
from fs_hepipe.words.counters import Counters


def record(number: int = 0) -> Record:
    return Record(number, 100, b"", False)


def test_the_bounds_are_those_that_were_promised() -> None:
    assert (MAX_PER_LEG, MAX_WAITING, PATIENCE) == (32, 4096, 10.0)


def test_a_leg_has_room_for_32_records() -> None:
    counters = Counters()
    room, leg = Waiting(counters), Leg("a")
    assert all(room.add(leg, record(), 0.0) for _ in range(32))
    assert not room.add(leg, record(), 0.0)
    assert (counters.waiting, len(leg.held or ())) == (32, 32)
    assert room.add(Leg("b"), record(), 0.0)


def test_there_is_room_for_4096_records_in_all() -> None:
    counters = Counters()
    room = Waiting(counters)
    legs = [Leg(str(number)) for number in range(4097)]
    assert all(room.add(leg, record(), 0.0) for leg in legs[:4096])
    assert not room.add(legs[4096], record(), 0.0)
    assert (counters.waiting, legs[4096].held) == (4096, None)
    room.take(legs[0])
    assert room.add(legs[4096], record(), 0.0)


def test_records_are_taken_in_the_order_they_came() -> None:
    counters = Counters()
    room, leg = Waiting(counters), Leg("a")
    for number in range(3):
        room.add(leg, record(number), 0.0)
    assert [room.take(leg).timestamp for _ in range(3)] == [0, 1, 2]
    assert counters.waiting == 0


def test_a_record_is_due_after_ten_seconds() -> None:
    room, early, late = Waiting(Counters()), Leg("early"), Leg("late")
    room.add(early, record(), 0.0)
    room.add(late, record(), 3.0)
    assert room.due(9.9) == []
    assert room.due(10.0) == [early]
    assert room.due(13.0) == [early, late]


def test_a_record_behind_another_is_due_at_its_own_time() -> None:
    """Not at that of whoever came to wait after it."""
    room, patient, other = Waiting(Counters()), Leg("patient"), Leg("other")
    room.add(patient, record(1), 0.0)
    room.add(patient, record(2), 2.0)
    room.add(other, record(), 9.0)
    assert room.due(10.0) == [patient]
    room.take(patient)
    assert room.due(10.0) == []
    assert room.due(12.0) == [patient]


def test_a_leg_whose_records_were_taken_is_due_no_more() -> None:
    room, leg = Waiting(Counters()), Leg("a")
    room.add(leg, record(), 0.0)
    room.take(leg)
    assert room.due(1000.0) == []
    room.add(leg, record(), 5.0)
    assert room.due(14.9) == []
    assert room.due(15.0) == [leg]


def test_what_waits_on_two_legs_that_are_one_is_bounded_and_counted() -> None:
    counters = Counters()
    room, early, leg = Waiting(counters), Leg("early"), Leg("leg")
    for number in range(20):
        room.add(early, record(number), float(number))
        room.add(leg, record(100 + number), number + 0.5)
    room.move(early, leg)
    assert (early.held, counters.waiting, counters.dropped) == (None, 32, {"no_room_to_wait": 8})
    assert [room.take(leg).timestamp for _ in range(4)] == [0, 100, 1, 101]


def test_what_found_no_room_is_added_to_what_found_none_before() -> None:
    counters = Counters()
    room = Waiting(counters)
    for pair in range(2):
        early, leg = Leg(f"early-{pair}"), Leg(f"leg-{pair}")
        for number in range(20):
            room.add(early, record(number), 0.0)
            room.add(leg, record(number), 0.0)
        room.move(early, leg)
    assert counters.dropped == {"no_room_to_wait": 16}


def test_what_came_at_one_time_keeps_its_order_and_needs_none_of_its_own() -> None:
    room, early, leg = Waiting(Counters()), Leg("early"), Leg("leg")
    room.add(early, record(9)._replace(plane=Plane.RTCP, medium="audio"), 0.0)
    room.add(leg, record(9), 0.0)
    room.add(leg, record(1), 0.0)
    room.add(Leg("other"), record(), 0.0)
    room.move(early, leg)
    taken = [room.take(leg) for _ in range(3)]
    assert [(each.timestamp, each.plane) for each in taken] == [
        (9, Plane.RTCP), (9, Plane.SIGNALLING), (1, Plane.SIGNALLING),
    ]  # fmt: skip


def test_a_leg_whose_records_were_moved_is_not_kept() -> None:
    room, early, leg = Waiting(Counters()), Leg("early"), Leg("leg")
    room.add(early, record(), 0.0)
    room.move(early, leg)
    assert list(room) == [leg]


def test_what_was_moved_is_due_at_its_own_time() -> None:
    room, early, leg = Waiting(Counters()), Leg("early"), Leg("leg")
    room.add(early, record(), 0.5)
    room.add(Leg("other"), record(), 9.0)
    room.move(early, leg)
    assert room.due(10.5) == [leg]


def test_what_left_in_time_is_not_looked_at_for_ever() -> None:
    room, patient = Waiting(Counters()), Leg("patient")
    room.add(patient, record(), 0.0)
    for number in range(5 * MAX_WAITING):
        leg = Leg(str(number))
        room.add(leg, record(), 1.0)
        room.take(leg)
    assert len(room._ends) <= MAX_ENDS
    assert room.due(10.0) == [patient]
