"""What lives on is walked no more, and what was replaced is not kept for that."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from risk_actors.runtime import interpreter
from risk_actors.runtime.right_of_way import RightOfWay


class Ring:
    """Refers to itself, as systems of actors do."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector() -> Iterator[None]:
    """Leave the collector as it was."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("collector")
def test_what_was_settled_and_replaced_is_freed_when_its_successor_settles() -> None:
    first = Ring()
    seen = weakref.ref(first)
    interpreter.settle()
    assert gc.get_freeze_count() > 0

    first = Ring()
    gc.collect()
    assert seen() is not None
    interpreter.settle()

    assert seen() is None
    assert gc.get_freeze_count() > 0
    del first


@pytest.mark.usefixtures("collector")
def test_nothing_is_settled_again_that_never_was() -> None:
    interpreter.settle_again()
    assert gc.get_freeze_count() == 0

    interpreter.settle()
    kept, seen = Ring(), gc.get_freeze_count()
    interpreter.settle_again()

    assert gc.get_freeze_count() > 0
    assert kept.itself is kept
    assert seen > 0


@pytest.mark.usefixtures("collector")
def test_garbage_is_looked_for_between_events_and_nothing_is_left_out_for_ever() -> None:
    way, looks = RightOfWay(), list[int]()
    tidy, claim = interpreter.Tidying(way, looks.append), way.claim()
    tidy()
    assert not looks

    interpreter.settle()
    tidy()
    assert looks == [0]

    claim.is_busy = True
    for _ in range(interpreter.PASSED_AT_MOST):
        tidy()
    assert looks == [0]
    tidy()
    assert looks == [0, 0]

    claim.is_busy = False
    for _ in range(8):
        tidy()
    assert looks == [0] * 9 + [1]


@pytest.mark.usefixtures("collector")
def test_rings_are_freed_while_new_objects_are_few() -> None:
    interpreter.settle()
    tidy, ring = interpreter.Tidying(RightOfWay()), Ring()
    seen = weakref.ref(ring)

    del ring
    tidy()

    assert seen() is None
