"""How often faults strike, how long they last, and what is written down about them."""

from random import Random
from typing import Any

import pytest

from risk_actors.simulator.faults import (
    KINDS,
    AnyFault,
    CutHub,
    DropEvent,
    Fault,
    Faults,
    HideSuspended,
    NegotiateRefusal,
    UnplayableError,
    described,
    fault_from,
    kind_of,
)

CLOSE = "Position/closeContract"


class Clock:
    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> Faults:
    return Faults(clock=clock, rng=Random(3))


def strikes(book: Faults, times: int, endpoint: str = CLOSE) -> int:
    return sum(book.take(endpoint) is not None for _ in range(times))


@pytest.mark.parametrize(
    ("how_often", "expected"),
    [
        ({}, 1),
        ({"times": 3}, 3),
        ({"for_s": 2.0}, 10),
        ({"for_s": 2.0, "times": 4}, 4),
    ],
)
def test_a_counted_fault_strikes_so_often(
    book: Faults, how_often: dict[str, Any], expected: int
) -> None:
    book.inject(Fault(kind="status", endpoint=CLOSE, **how_often))

    assert strikes(book, 5, "Order/cancel") == 0
    assert strikes(book, 10) == expected


def test_time_ends_a_fault(book: Faults, clock: Clock) -> None:
    book.inject(Fault(kind="status", for_s=2.0))
    clock.ns = 1_999_999_999
    assert strikes(book, 2) == 2
    clock.ns = 2_000_000_000
    assert strikes(book, 2) == 0
    assert [(r.strikes, r.ended) for r in book.log] == [(2, "time is up")]


def test_chance_is_seeded_and_spared_occasions_do_not_count(clock: Clock) -> None:
    def drawn() -> list[bool]:
        book = Faults(clock=clock, rng=Random(5))
        book.inject(Fault(kind="status", probability=0.3, times=20))
        return [book.take(CLOSE) is not None for _ in range(100)]

    assert drawn() == drawn()
    assert sum(drawn()) == 20
    assert not all(drawn()[:20])


def test_a_state_begins_at_once_and_heals(book: Faults, clock: Clock) -> None:
    seen: list[str] = []
    book.bind(HideSuspended, lambda _: seen.append("begins"), lambda _: seen.append("ends"))
    book.inject(HideSuspended(for_s=3))
    assert book.active(HideSuspended) == [HideSuspended(for_s=3)]
    clock.ns = 3_000_000_000
    assert book.active(HideSuspended) == []
    assert seen == ["begins", "ends"]


def test_everything_heals_when_cleared_and_one_by_its_id(book: Faults) -> None:
    ended: list[AnyFault] = []
    book.bind(HideSuspended, end=ended.append)
    first, second = HideSuspended(), HideSuspended(for_s=9)
    ids = [book.inject(fault) for fault in (first, second, Fault(kind="hang"))]
    book.heal(ids[0], 999)
    assert ended == [first]
    book.clear()
    assert ended == [first, second]
    assert book.due() == []
    assert [record.ended for record in book.log] == ["cleared"] * 3


def test_what_nobody_carries_out_is_refused(book: Faults) -> None:
    with pytest.raises(UnplayableError, match="CutHub"):
        book.inject(CutHub())
    assert list(book.log) == []


def test_what_cannot_begin_is_not_written_down(book: Faults) -> None:
    def fail(_fault: object) -> None:
        raise KeyError("QQQ")

    book.bind(HideSuspended, fail)
    with pytest.raises(KeyError):
        book.inject(HideSuspended())
    assert list(book.log) == book.due() == book.active(HideSuspended) == []


def test_the_record_says_when_it_was_injected_when_it_struck_and_when_it_healed(
    book: Faults,
) -> None:
    book.drop_events("GatewayUserTrade", 2)
    (due,) = book.due()
    assert (due[1], due[2]) == (2, None)
    assert book.take_drop("GatewayUserTrade")
    assert not book.take_drop("GatewayUserOrder")
    assert book.take_drop("GatewayUserTrade")
    (record,) = book.log
    assert record.strikes == len(record.struck_ns) == 2
    assert record.ended == "used up"
    assert record.ended_ns is not None
    assert record.injected_ns <= record.struck_ns[0] <= record.struck_ns[1] <= record.ended_ns
    assert record.ended_utc_ns is not None
    assert record.injected_utc_ns <= record.ended_utc_ns


def test_seconds_left_are_told(book: Faults, clock: Clock) -> None:
    book.inject(DropEvent(for_s=5))
    clock.ns = 2_000_000_000
    ((_, strikes_left, seconds_left),) = book.due()
    assert (strikes_left, seconds_left) == (None, 3.0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"target": "x"}, "with `kind`"),
        ({"kind": "earthquake"}, "no such fault: earthquake; known are"),
        ({"kind": "drop_event", "targt": "x"}, "drop_event: .*`targt`"),
        ({"kind": "status", "status": 200}, "status: .*400"),
        ({"kind": "drop_event", "times": 0}, "times"),
        ({"kind": "drop_event", "probability": 0}, "probability"),
        ({"kind": "hub_down", "for_s": -1}, "for_s"),
        ({"kind": "hub_down", "hub": "both"}, "hub"),
        ({"kind": "stale"}, "`age_s` or `changes`"),
        ({"kind": "stale", "age_s": 1, "changes": 2}, "and not both"),
        ({"kind": "slice_fills", "slices": 1}, "slices"),
        ({"kind": "refuse_connections"}, "for_s"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fault_from(table)


def test_a_fault_is_described_by_its_kind_and_what_is_not_as_usual() -> None:
    assert described(Fault(kind="refuse", endpoint=CLOSE, times=2)) == (
        "refuse times=2 endpoint=Position/closeContract"
    )
    assert described(NegotiateRefusal(hub="user")) == "refuse_negotiate hub=user"


def test_every_kind_names_its_struct() -> None:
    for kind, struct in KINDS.items():
        assert kind == "refuse_negotiate" or struct is Fault or issubclass(struct, AnyFault)
    assert kind_of(fault_from({"kind": "refuse_negotiate"})) == "refuse_negotiate"
    assert kind_of(fault_from({"kind": "hang"})) == "hang"
