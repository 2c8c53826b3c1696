"""Locks that keep positions: what was open may stay with its exits and shrink, nothing more."""

import itertools

import msgspec
import pytest
from core.builders import ACCOUNT, BUY, ES, MNQ, SELL, account, held, order, stop

from risk_actors.core.account_state import AccountState
from risk_actors.core.commands import CancelOrder, CloseContract
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import Effect
from risk_actors.core.evidence import Evidence
from risk_actors.core.kept_sizes import KeptSizes
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Existing, Flatten, Reduce


def keeping(*kept: tuple[str, int], contract: str | None = None, lock_id: int = 1) -> Lock:
    return Lock(
        id=lock_id,
        account_id=ACCOUNT,
        contract_id=contract,
        rule_id="max-trades",
        since_ns=0,
        until_ns=None,
        evidence=Evidence(template="because"),
        correlation_id="c-lock",
        existing=Existing.KEEP,
        kept=kept,
    )


class Guard:
    """A plan that is shown one account after the other; keeps what it sent."""

    def __init__(self, first: AccountState, *locks: Lock) -> None:
        self.plan = EnforcementPlan(ACCOUNT, command_ids=itertools.count(1))
        self.effects: list[Effect] = []
        self._now_ns = 0
        self.show(first)
        self.effects = self.plan.on_locks(locks, "e-lock", 1)

    def show(self, state: AccountState) -> "Guard":
        self._now_ns += 1
        self.effects = self.plan.on_account(state, f"e-{self._now_ns}", self._now_ns)
        return self

    @property
    def closes(self) -> list[tuple[str, int | None]]:
        return [(e.contract_id, e.size) for e in self.effects if isinstance(e, CloseContract)]

    @property
    def cancels(self) -> list[int]:
        return [e.order_id for e in self.effects if isinstance(e, CancelOrder)]


def test_an_existing_position_stays_with_its_stop_and_its_target() -> None:
    exits = (stop(1, SELL, 3), order(2, SELL, 3))
    guard = Guard(account(held(3), orders=exits), keeping((MNQ, 3)))

    assert guard.effects == []
    assert guard.show(account(held(3), orders=exits)).effects == []


def test_a_position_that_grew_is_cut_back_to_what_may_stay() -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3)))

    assert guard.show(account(held(5))).closes == [(MNQ, 2)]


def test_what_shrank_may_not_grow_again() -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3)))

    assert guard.show(account(held(1))).effects == []
    assert guard.show(account(held(2))).closes == [(MNQ, 1)]


def test_a_position_that_was_flat_once_keeps_nothing() -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3)))
    guard.show(account())

    assert guard.show(account(held(1))).closes == [(MNQ, None)]


@pytest.mark.parametrize("reversed_to", [-3, -1])
def test_a_position_that_changed_sides_is_a_new_one(reversed_to: int) -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3)))

    assert guard.show(account(held(reversed_to))).closes == [(MNQ, None)]


def test_a_new_entry_order_is_cancelled_and_a_new_position_is_flattened() -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3)))

    ordered = guard.show(account(held(3), orders=(order(7, BUY, 1),)))
    assert (ordered.cancels, ordered.closes) == ([7], [])

    opened = guard.show(account(held(3), held(1, contract=ES)))
    assert opened.closes == [(ES, None)]


def test_a_lock_that_names_nothing_keeps_nothing() -> None:
    """It was engaged on a flat account."""
    guard = Guard(account(), keeping())

    assert guard.show(account(held(1))).closes == [(MNQ, None)]


def test_a_reduction_below_what_may_stay_wins() -> None:
    guard = Guard(account(held(5)), keeping((MNQ, 5)))

    guard.effects = guard.plan.on_breach("max", Reduce(targets=((MNQ, 2),)), "e-9", 9)

    assert guard.closes == [(MNQ, 3)]


def test_a_flatten_wins_over_a_lock_that_keeps() -> None:
    guard = Guard(account(held(5)), keeping((MNQ, 5)))

    guard.effects = guard.plan.on_breach("loss", Flatten(), "e-9", 9)

    assert guard.closes == [(MNQ, None)]


def test_of_two_locks_the_tighter_one_counts() -> None:
    guard = Guard(account(held(5)), keeping((MNQ, 5)), keeping((MNQ, 4), lock_id=2))

    assert guard.closes == [(MNQ, 1)]


def test_after_a_restart_the_size_comes_from_the_lock() -> None:
    """The position grew while nobody looked."""
    plan = EnforcementPlan(ACCOUNT, command_ids=itertools.count(1))
    unread = plan.on_locks((keeping((MNQ, 2)),), "start", 0)

    effects = plan.on_account(account(held(3), held(1, contract=ES)), "snapshot", 1)

    assert not [e for e in unread if isinstance(e, CloseContract)]
    closes = [(e.contract_id, e.size) for e in effects if isinstance(e, CloseContract)]
    assert closes == [(MNQ, 1), (ES, None)]


def test_the_lock_counts_although_the_position_grew_before_it_was_announced() -> None:
    guard = Guard(account(held(4)), keeping((MNQ, 3)))

    assert guard.closes == [(MNQ, 1)]


def test_a_lock_told_again_with_a_later_end_gives_nothing_back() -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3)))
    guard.show(account(held(1)))
    later = msgspec.structs.replace(keeping((MNQ, 3)), until_ns=99)

    guard.plan.on_locks((later,), "e-9", 9)

    assert guard.show(account(held(2))).closes == [(MNQ, 1)]


@pytest.mark.parametrize(
    "between", [held(3, fills_size=0), held(0, fills_size=3)], ids=["fill first", "row first"]
)
def test_events_of_one_fill_in_any_order_shrink_nothing_for_good(between: object) -> None:
    """A row that lags behind is not a smaller position."""
    guard = Guard(account(between), keeping((MNQ, 3)))  # type: ignore[arg-type]

    assert guard.closes == []
    assert guard.show(account(held(3))).effects == []


def test_a_brackets_stop_stays_while_the_broker_brings_it_down_to_the_position() -> None:
    """The target sold one of three; the stop is still one of three for a moment."""
    bracket = stop(1, SELL, 3, parent=9)
    guard = Guard(account(held(3), orders=(bracket,)), keeping((MNQ, 3)))

    assert guard.show(account(held(2), orders=(bracket,))).effects == []
    assert guard.show(account(orders=(bracket,))).cancels == [1]


def test_an_order_of_the_exit_side_that_could_reverse_the_position_is_cancelled() -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3)))

    assert guard.show(account(held(3), orders=(order(1, SELL, 4),))).cancels == [1]


def test_a_contract_lock_that_keeps_leaves_other_contracts_alone() -> None:
    guard = Guard(account(held(3)), keeping((MNQ, 3), contract=MNQ))

    assert guard.show(account(held(3), held(2, contract=ES))).effects == []


def test_sizes_of_locks_that_ended_are_forgotten() -> None:
    kept, lock = KeptSizes(), keeping((MNQ, 3))
    kept.observe((lock,), account(held(1)))
    kept.observe((), account(held(1)))

    assert kept.size(lock, MNQ) == 0
