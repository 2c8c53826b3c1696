"""A flat read by a snapshot that was asked for before the close was sent: no effect of it (I2)."""

import itertools

import msgspec
import pytest
from core.builders import ACCOUNT, MNQ, SELL, account, fill, held, stop
from core.plan_desk import whole_lock

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill, Order
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Outcome
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import AskSnapshot, Effect
from risk_actors.core.verdict import Reduce

SENT_NS = 10
"""When each plan here sends its close of a position that it was shown at 1."""


class Reader:
    """Shows a plan what events and snapshots tell, and counts what it sends."""

    def __init__(self, size: int, *orders: Order) -> None:
        self.plan = EnforcementPlan(ACCOUNT, command_ids=itertools.count(1))
        self.orders = orders
        self.closes = 0
        self.cancels = 0
        self.looks = 0
        self._asked_ns = 1
        self.event(size, now_ns=1)

    def event(self, size: int, *fills: Fill, now_ns: int) -> None:
        self.take(self.plan.on_account(self._state(size), "event", now_ns, fills))

    def snapshot(self, size: int, *, asked_ns: int, now_ns: int) -> None:
        self._asked_ns = asked_ns
        state = self._state(size)
        self.take(self.plan.on_account(state, "snapshot", now_ns, heard_ns=asked_ns))

    def answer(self, kind: Answer, now_ns: int) -> None:
        outcome = Outcome(command_id=self.closes, account_id=ACCOUNT, answer=kind)
        self.take(self.plan.on_outcome(outcome, "answer", now_ns))

    def take(self, effects: list[Effect]) -> None:
        self.closes += sum(isinstance(effect, CloseContract) for effect in effects)
        self.cancels += sum(isinstance(effect, CancelOrder) for effect in effects)
        self.looks += sum(isinstance(effect, AskSnapshot) for effect in effects)

    def _state(self, size: int) -> AccountState:
        positions = (held(size),) if size else ()
        state = account(*positions, orders=self.orders)
        return msgspec.structs.replace(state, snapshot_asked_ns=self._asked_ns)


def locked(size: int, *orders: Order) -> Reader:
    reader = Reader(size, *orders)
    reader.take(reader.plan.on_locks((whole_lock(),), "lock", SENT_NS))
    assert reader.closes == 1
    return reader


def test_i2_a_flat_asked_for_before_the_close_was_sent_is_not_its_effect() -> None:
    """Found by `risk-actors fuzz`: a second flatten went out beside the first."""
    reader = locked(1)
    reader.snapshot(0, asked_ns=SENT_NS - 2, now_ns=12)
    reader.snapshot(1, asked_ns=SENT_NS - 1, now_ns=13)
    beside = reader.closes
    reader.snapshot(0, asked_ns=SENT_NS + 1, now_ns=14)
    reader.event(1, now_ns=15)

    assert beside == 1
    assert reader.closes == 2


def test_i2_nor_is_it_the_effect_of_a_reduction() -> None:
    reader = Reader(5)
    reduce = Reduce(targets=((MNQ, 3),))
    reader.take(reader.plan.on_breach("max", reduce, "breach", SENT_NS))
    reader.snapshot(0, asked_ns=SENT_NS - 2, now_ns=12)
    reader.snapshot(5, asked_ns=SENT_NS - 1, now_ns=13)
    reader.take(reader.plan.on_breach("max", reduce, "breach", 14))

    assert reader.closes == 1


def test_i2_an_event_about_something_else_makes_no_effect_of_it() -> None:
    """Such as a row of the balance; the account shows flat as before."""
    reader = locked(1)
    reader.snapshot(0, asked_ns=SENT_NS - 2, now_ns=12)
    reader.event(0, now_ns=13)
    reader.snapshot(1, asked_ns=SENT_NS - 1, now_ns=14)

    assert reader.closes == 1


@pytest.mark.parametrize("fills", [(), (fill(1, -1, 100),)], ids=["row", "fill and row"])
def test_a_flat_that_an_event_tells_is_the_effect_at_once(fills: tuple[Fill, ...]) -> None:
    """Also in the instant in which the close was sent: a clock may be coarse."""
    reader = locked(1)
    reader.event(0, *fills, now_ns=SENT_NS)
    reader.event(1, now_ns=SENT_NS + 1)

    assert reader.closes == 2


def test_a_look_is_asked_for_at_once_so_that_a_new_position_need_not_wait() -> None:
    reader = locked(1)
    reader.answer(Answer.ACCEPTED, 11)
    before = reader.looks
    reader.snapshot(0, asked_ns=SENT_NS - 2, now_ns=12)
    asked = reader.looks - before
    reader.snapshot(0, asked_ns=12, now_ns=20)
    reader.event(1, now_ns=21)

    assert asked >= 1
    assert reader.closes == 2


def test_a_stop_is_not_cancelled_for_such_a_flat() -> None:
    """It may have been read before the position was opened, and the close may be refused yet."""
    reader = locked(1, stop(50, SELL, 1))
    reader.snapshot(0, asked_ns=SENT_NS - 2, now_ns=12)
    early = reader.cancels
    reader.snapshot(0, asked_ns=SENT_NS + 1, now_ns=13)

    assert early == 0
    assert reader.cancels == 1
