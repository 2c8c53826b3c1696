"""Locks that keep positions: what was open may stay with its exits and shrink, nothing more."""

import itertools

import msgspec
import pytest
from core.builders import ACCOUNT, BUY, ES, MNQ, NOON, SELL, S, account, held, order, stop
from core.tape import Tape, at_s

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import Order, OrderType
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
    kept.observe((lock,), account(held(1)), 1)
    kept.observe((), account(held(1)), 2)

    assert kept.size(lock, MNQ) == 0


# --- protection that is larger than what is left ------------------------------------------------


@pytest.mark.parametrize(
    "kind", [OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP], ids=str
)
def test_the_only_stop_stays_when_a_part_of_the_position_is_taken_off(kind: OrderType) -> None:
    protection = stop(1, SELL, 3, kind=kind)
    guard = Guard(account(held(3), orders=(protection,)), keeping((MNQ, 3)))

    assert guard.show(account(held(1), orders=(protection,))).effects == []
    assert guard.plan.on_tick("tick", 60 * S) == []


def test_a_stop_without_a_position_is_an_entry() -> None:
    protection = stop(1, SELL, 3)
    guard = Guard(account(held(1), orders=(protection,)), keeping((MNQ, 3)))

    assert guard.show(account(orders=(protection,))).cancels == [1]


def test_what_a_stop_opens_beyond_the_position_is_flattened() -> None:
    guard = Guard(account(held(1), orders=(stop(1, SELL, 3),)), keeping((MNQ, 3)))

    assert guard.show(account(held(-2))).closes == [(MNQ, None)]


@pytest.mark.parametrize(
    ("position", "order_of_it"),
    [
        (held(1), order(1, SELL, 3)),
        (held(1), order(1, SELL, 3, kind=OrderType.MARKET)),
        (held(1), stop(1, BUY, 3)),
        (held(-1), stop(1, SELL, 3)),
    ],
    ids=["limit", "market", "stop that adds", "stop that adds to a short"],
)
def test_any_other_order_that_could_open_is_cancelled(
    position: OpenPosition, order_of_it: Order
) -> None:
    guard = Guard(account(position), keeping((MNQ, 3)))
    guard.show(account(position, orders=(order_of_it,)))
    later = guard.plan.on_tick("tick", 1 * S)

    assert guard.cancels == [1] or [e.order_id for e in later if isinstance(e, CancelOrder)] == [1]


def test_a_stop_on_a_position_that_has_to_go_goes_with_it() -> None:
    larger = stop(1, SELL, 3, contract=ES)
    guard = Guard(account(held(3)), keeping((MNQ, 3)))
    guard.show(account(held(3), held(1, contract=ES), orders=(larger,)))

    assert (guard.closes, guard.cancels) == ([(ES, None)], [1])


def test_under_a_lock_that_flattens_no_larger_stop_stays() -> None:
    flattening = msgspec.structs.replace(keeping(lock_id=2), existing=Existing.FLATTEN, kept=())
    guard = Guard(account(held(1), orders=(stop(1, SELL, 3),)), keeping((MNQ, 1)), flattening)

    assert (guard.closes, guard.cancels) == ([(MNQ, None)], [1])


# --- after a restart ----------------------------------------------------------------------------

SINCE_S = 100
"""When the lock of the last run began, in seconds after noon; it kept 3 MNQ."""


def left_behind() -> Lock:
    return msgspec.structs.replace(keeping((MNQ, 3)), since_ns=at_s(SINCE_S))


def long_3() -> Tape:
    return Tape().fill(10, 3)


def allowed(state: AccountState, lock: Lock | None = None) -> int:
    """Return what may stay in MNQ by what a plan made ten minutes after noon is shown first."""
    kept, lock = KeptSizes(at_s(600)), lock or left_behind()
    kept.observe((lock,), None, at_s(600))
    kept.observe((lock,), state, at_s(601))
    return kept.size(lock, MNQ)


def allowed_live(tape: Tape) -> int:
    """Return what may stay in MNQ by what an uninterrupted run saw from the lock on."""
    kept, lock, told = KeptSizes(), left_behind(), Tape()
    for each in tape.fills:
        if each.at_ns >= lock.since_ns:
            kept.observe((lock,), told.restarted(each.at_ns), each.at_ns)
        told.fills.append(each)
    kept.observe((lock,), told.restarted(at_s(600)), at_s(600))
    return kept.size(lock, MNQ)


@pytest.mark.parametrize(
    ("tape", "expected"),
    [
        (long_3(), 3),
        (long_3().fill(200, -1), 2),
        (long_3().fill(200, -2).fill(300, 1), 1),
        (long_3().fill(200, -2).fill(300, 1).fill(310, -1), 1),
        (long_3().fill(200, 2), 3),
        (long_3().fill(200, 2).fill(210, -2), 3),
        (long_3().fill(200, 2).fill(210, -3), 2),
        (long_3().fill(200, -3), 0),
        (long_3().fill(200, -3).fill(300, 3), 0),
        (long_3().fill(200, -6), 0),
        (long_3().fill(200, -3).fill(300, -2), 0),
        (Tape().fill(10, 1).fill(20, 3).fill(30, -1), 3),
        (Tape().fill(10, 5).fill(20, -2).fill(200, -1).fill(300, 2), 2),
        (long_3().fill(200, 1, contract=ES).fill(210, -1, contract=ES), 3),
    ],
    ids=[
        "nothing happened",
        "one off",
        "two off and one on",
        "the one cut off again",
        "two more",
        "two more, cut off again",
        "two more, cut off again, and one off",
        "closed",
        "closed and opened again",
        "reversed",
        "closed and opened the other way round",
        "changed before the lock alone",
        "changed before and under the lock",
        "another contract traded",
    ],
)
def test_i5_a_restart_knows_how_far_a_kept_position_had_shrunk(tape: Tape, expected: int) -> None:
    assert allowed(tape.restarted(at_s(600))) == expected
    assert allowed_live(tape) == expected


def test_i5_a_new_position_of_the_same_size_is_flattened_after_a_restart() -> None:
    plan = EnforcementPlan(ACCOUNT, command_ids=itertools.count(1), made_ns=at_s(600))
    plan.on_locks((left_behind(),), "start", at_s(600))
    reopened = long_3().fill(200, -3).fill(599, 3).restarted(at_s(601))

    effects = plan.on_account(reopened, "snapshot", at_s(602))

    assert [(e.contract_id, e.size) for e in effects if isinstance(e, CloseContract)] == [
        (MNQ, None)
    ]


@pytest.mark.parametrize("late_s", [0, 1, 5])
def test_clocks_that_differ_a_little_flatten_nothing_that_was_kept(late_s: float) -> None:
    """The fill that reversed the position also began the lock; the broker's clock is ahead."""
    reversed_to = Tape().fill(10, 2).fill(SINCE_S + late_s - 0.001, -5)

    assert allowed(reversed_to.restarted(at_s(600))) == 3


def test_a_clock_known_to_differ_is_taken_into_account() -> None:
    """Ours is a minute behind: what was opened before the lock has a later time."""
    state = Tape().fill(SINCE_S + 30, 3).restarted(at_s(600))

    assert allowed(state) == 0
    assert allowed(msgspec.structs.replace(state, clock_ahead_ns=-60 * S)) == 3


def test_a_position_older_than_the_fills_known_is_the_one_that_was_kept() -> None:
    untouched = msgspec.structs.replace(account(held(3)), snapshot_asked_ns=NOON)

    assert allowed(untouched) == 3


@pytest.mark.parametrize(
    "unclear",
    [
        {"has_all_fills": False},
        {"awaited": (MNQ,)},
        {"distrusted": "fill 1 was voided"},
        {"positions": (held(3, fills_size=2),)},
    ],
    ids=lambda terms: next(iter(terms)),
)
def test_until_all_fills_are_known_the_size_alone_counts(unclear: dict[str, object]) -> None:
    kept, lock = KeptSizes(at_s(600)), left_behind()
    state = long_3().fill(200, -3).fill(300, 3).restarted(at_s(600))
    kept.observe((lock,), msgspec.structs.replace(state, **unclear), at_s(601))
    before = kept.size(lock, MNQ)
    kept.observe((lock,), state, at_s(602))

    assert (before, kept.size(lock, MNQ)) == (3, 0)


def test_a_lock_of_now_has_no_past_though_the_clock_was_set_back() -> None:
    """By the broker's clock the position kept was opened after the lock."""
    state = Tape().fill(590, 3).restarted(at_s(600))
    kept, lock = KeptSizes(at_s(600)), left_behind()
    kept.observe((lock,), state, at_s(SINCE_S))
    kept.observe((lock,), state, at_s(700))

    assert kept.size(lock, MNQ) == 3
