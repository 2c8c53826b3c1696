"""The trader and we move the same stop at the same time: it ends where the trader had it (I1)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import BUY, MNQ, MS, NOON, SELL, S, account, dec, held, stop
from core.plan_desk import ACCEPTED, PlanDesk
from core.test_stop_moves import Plan, move, moved

from risk_actors.core.account_state import AccountState
from risk_actors.core.commands import Answer, Command, MoveStop
from risk_actors.core.stop_rows import LATE_BY_NS, QUIET_FOR_NS
from risk_actors.core.verdict import StopMove

OLD = NOON - 60 * S


def at(price: str | float, updated_ns: int, size: int = 2, **terms: Any) -> AccountState:
    """Return a long position with its stop at a price, as of the broker's clock."""
    return account(held(size), orders=(stop(7, SELL, 2, price, updated_ns=updated_ns, **terms),))


def moves(effects: Any) -> list[Decimal]:
    return [price for _, price in moved(effects)]


# --- a stop that somebody has just changed --------------------------------------------------


def waits_ms(plan: Plan, since_ns: int) -> int | None:
    """Return how long a move that is wanted waits, in ms; None for more than 3 s."""
    if moves(plan.want(move(95), at_ns=since_ns)):
        return 0
    for now_ns in range(since_ns, since_ns + 3 * S, 50 * MS):
        if moves(plan.plan.on_tick("t", now_ns)):
            return (now_ns - since_ns) // MS
    return None


def test_a_stop_that_has_just_been_placed_is_left_alone_for_a_second() -> None:
    plan = Plan(account(held(2)))
    plan.show(at(90, NOON), at_ns=NOON)

    assert waits_ms(plan, NOON) == QUIET_FOR_NS // MS == 1000


def test_a_stop_that_was_just_changed_is_left_alone_from_its_last_change_on() -> None:
    plan = Plan(at(88, OLD))
    for n in range(4):
        plan.show(at(89 + n, NOON + n * 300 * MS), at_ns=NOON + n * 300 * MS)

    assert waits_ms(plan, NOON + 900 * MS) == 1000


def test_the_time_to_wait_is_counted_from_when_the_change_was_seen_not_made() -> None:
    plan = Plan(at(88, OLD))
    plan.show(at(90, NOON - 5 * S), at_ns=NOON)

    assert waits_ms(plan, NOON + 400 * MS) == 600


@pytest.mark.parametrize("ahead_s", [0, -90, 90])
def test_after_a_restart_a_stop_that_has_been_there_is_not_held_up(ahead_s: int) -> None:
    shown = msgspec.structs.replace(at(90, OLD - ahead_s * S), clock_ahead_ns=ahead_s * S)
    plan = Plan(account())
    plan.show(shown, at_ns=NOON)

    assert waits_ms(plan, NOON) == 0


def test_a_stamp_of_the_future_holds_a_move_up_for_no_more_than_a_second() -> None:
    plan = Plan(account())
    plan.show(at(90, NOON + 600 * S), at_ns=NOON)

    assert waits_ms(plan, NOON) == 1000


def test_what_is_shown_again_is_no_change_nor_is_what_we_did() -> None:
    plan = Plan(at(88, OLD))
    plan.show(at(88, OLD), at_ns=NOON - 100 * MS)
    plan.want(move(90), at_ns=NOON - 50 * MS)
    plan.show(at(90, NOON), at_ns=NOON)

    # The pace of moves alone: one a second.
    assert waits_ms(plan, NOON) == 950


def test_a_clock_that_is_set_back_ends_the_wait() -> None:
    plan = Plan(at(88, OLD))
    plan.show(at(90, NOON), at_ns=NOON)

    assert waits_ms(plan, NOON - 300 * S) == 0


def of_one_instant() -> Plan:
    """The trader placed a stop at 96 or at 90, and moved it to the other, all with one stamp."""
    plan = Plan(account(held(2)))
    plan.show(at(96, NOON), at_ns=NOON + MS)
    plan.show(at(90, NOON), at_ns=NOON + 2 * MS)
    return plan


def test_i1_of_two_prices_with_one_stamp_none_is_gone_by_before_the_account_was_read() -> None:
    plan = of_one_instant()
    assert waits_ms(plan, NOON + 2 * MS) is None
    read = msgspec.structs.replace(at(96, NOON), snapshot_asked_ns=NOON + 3 * S)

    assert moves(plan.show(read, at_ns=NOON + 4 * S)) == []
    assert moves(plan.want(move(97), at_ns=NOON + 9 * S)) == [97]


def test_what_is_nearer_than_both_prices_with_one_stamp_need_not_wait_to_know_which_holds() -> None:
    plan = of_one_instant()

    assert moves(plan.want(move(96), at_ns=NOON + 2 * S)) == []
    assert moves(plan.want(move(97), at_ns=NOON + 2 * S)) == [97]


@pytest.mark.parametrize(
    ("stamp_ns", "asked_ns"), [(NOON, NOON + 3 * S), (NOON + S, 1)], ids=["read", "a newer row"]
)
def test_what_tells_which_of_two_prices_is_the_newer_ends_the_doubt(
    stamp_ns: int, asked_ns: int
) -> None:
    plan = of_one_instant()
    told = msgspec.structs.replace(at(90, stamp_ns), snapshot_asked_ns=asked_ns)
    plan.show(told, at_ns=NOON + 3 * S)

    assert moves(plan.want(move(95), at_ns=NOON + 5 * S)) == [95]


def test_another_stop_is_not_held_up() -> None:
    fresh, old = stop(7, SELL, 1, 90, updated_ns=NOON), stop(8, SELL, 1, 90, updated_ns=OLD)
    plan = Plan(account(held(2)))
    plan.show(account(held(2), orders=(fresh, old)), at_ns=NOON)

    assert moved(plan.want(move(95), move(95, order_id=8), at_ns=NOON)) == [(8, Decimal(95))]


def test_while_a_move_waits_for_the_stop_to_be_left_alone_time_is_waited_for() -> None:
    plan = Plan(account(held(2)))
    plan.show(at(90, NOON), at_ns=NOON)
    plan.want(move(95), at_ns=NOON)

    assert plan.plan.waits_for_time


# --- a move of ours that took a better price back -------------------------------------------


def raced(*rows: tuple[str | float, int]) -> tuple[Plan, list[Any]]:
    """Send a move of the stop to 95 at noon, and show the rows with ms that came then, in order.

    Returns what was done within the 10 s after that.
    """
    plan = Plan(at(90, OLD))
    assert moves(plan.want(move(95), at_ns=NOON)) == [95]
    effects: list[Any] = []
    for n, (price, updated_ms) in enumerate(rows):
        now_ns = NOON + (20 + n) * MS
        effects += plan.show(at(price, NOON + updated_ms * MS), at_ns=now_ns)
    effects += plan.want(at_ns=NOON + 60 * MS)
    effects += plan.answer(1, Answer.ACCEPTED, at_ns=NOON + 70 * MS)
    effects += plan.ticks(NOON + 100 * MS, NOON + 3 * S)
    return plan, effects


@pytest.mark.parametrize(
    "rows",
    [
        [(96, 5), (95, 9)],
        [("95.25", 3), (96, 5), (95, 9)],
        [(96, 5), (96, 5), (95, 9), (95, 9)],
        [(95, 9), (96, 5), (95, 9)],
        [(96, 5), (95, 9), (90, -60_000), (95, 9)],
        [(97, 4), (96, 5), (95, 9)],
        [(93, 4), (96, 5), (95, 9)],
    ],
    ids=["told", "dragged", "twice", "swapped", "old again", "he went back", "he came from below"],
)
def test_i1_what_we_overwrote_is_restored_once(rows: list[tuple[str | float, int]]) -> None:
    plan, effects = raced(*rows)

    (command,) = [effect for effect in effects if isinstance(effect, MoveStop)]
    assert (command.stop_price, command.correlation_id) == (Decimal(96), f"wish-{NOON}")
    assert plan.plan.waits_for_time
    plan.answer(command.id, Answer.ACCEPTED, at_ns=NOON + 3 * S)
    plan.show(at(96, NOON + 3 * S), at_ns=NOON + 3 * S)
    assert plan.ticks(NOON + 3 * S, NOON + 20 * S) == []
    assert not plan.plan.waits_for_time


@pytest.mark.parametrize(
    "rows",
    [
        [(96, 5)],
        [(95, 9)],
        [(95, 9), (96, 12)],
        [(95, 9), (96, 12), (95, 15)],
        [(96, 5), (95, 9), (93, 12)],
        [(96, 5), (95, 9), (95.5, 12)],
        [(96, 5), (94, 6), (95, 9)],
        [(94, 5), (95, 9)],
        [(96, 9), (95, 9)],
        [(95, 9), (96, 9), (95, 9)],
        [(96, -70_000), (95, 9)],
    ],
    ids=[
        "ours never came",
        "nothing overwritten",
        "he moved it on",
        "he moved it on and back to ours",
        "he loosened it afterwards",
        "he moved it afterwards",
        "he loosened it before ours came",
        "ours was better",
        "of the same instant",
        "of the same instant and swapped",
        "older than what we knew",
    ],
)
def test_what_the_trader_did_himself_is_left(rows: list[tuple[str | float, int]]) -> None:
    _, effects = raced(*rows)

    assert moves(effects) == []


def test_a_row_without_a_stamp_restores_nothing() -> None:
    plan = Plan(at(90, 0))
    plan.want(move(95), at_ns=NOON)
    effects = plan.show(at(96, 0), at_ns=NOON + 5 * MS)
    effects += plan.show(at(95, 0), at_ns=NOON + 9 * MS)
    effects += plan.ticks(NOON + 10 * MS, NOON + 3 * S)

    assert moves(effects) == []


def test_our_price_long_after_our_move_is_the_traders_own() -> None:
    plan = Plan(at(90, OLD))
    plan.want(move(95), at_ns=NOON)
    plan.want(at_ns=NOON + 1)
    plan.show(at(96, NOON + 5 * MS), at_ns=NOON + 6 * MS)
    late_ns = NOON + LATE_BY_NS + 10 * MS
    effects = plan.show(at(95, late_ns), at_ns=late_ns)
    effects += plan.ticks(late_ns, late_ns + 5 * S)

    assert moves(effects) == []


def test_a_short_is_put_right_the_other_way() -> None:
    def short(price: float, updated_ns: int) -> AccountState:
        return account(held(-2), orders=(stop(7, BUY, 2, price, updated_ns=updated_ns),))

    plan = Plan(short(110, OLD))
    plan.want(move(105), at_ns=NOON)
    plan.show(short(104, NOON + 5 * MS), at_ns=NOON + 6 * MS)
    plan.show(short(105, NOON + 9 * MS), at_ns=NOON + 10 * MS)

    assert moves(plan.ticks(NOON + 11 * MS, NOON + 3 * S)) == [104]


def test_an_older_move_of_ours_that_comes_last_is_put_right_too() -> None:
    """No answer came to the first, and it was sent again with the newest target."""
    plan = Plan(at(90, OLD))
    plan.want(move(95), at_ns=NOON)
    plan.answer(1, Answer.UNCERTAIN, at_ns=NOON + S)
    plan.want(move(97), at_ns=NOON + S)
    unmoved = msgspec.structs.replace(at(90, OLD), snapshot_asked_ns=NOON + S + MS)
    again = plan.show(unmoved, at_ns=NOON + 2 * S)
    again += plan.ticks(NOON + 2 * S, NOON + 2 * S + 200 * MS)
    plan.want(at_ns=NOON + 2 * S + 200 * MS)
    plan.show(at(97, NOON + 2 * S + 300 * MS), at_ns=NOON + 2 * S + 300 * MS)
    plan.show(at(95, NOON + 2 * S + 400 * MS), at_ns=NOON + 2 * S + 400 * MS)

    assert moves(again) == [97]
    assert moves(plan.ticks(NOON + 3 * S, NOON + 5 * S)) == [97]


# --- one at a time, and never for ever ------------------------------------------------------


def test_i2_a_better_price_of_the_traders_does_not_free_a_move_that_is_under_way() -> None:
    """It would overtake a second one."""
    plan = Plan(at(90, OLD))
    plan.want(move(95), at_ns=NOON)
    plan.show(at(96, NOON + 5 * MS), at_ns=NOON + 6 * MS)

    sent = plan.want(move(97), at_ns=NOON + 10 * MS)
    sent += plan.ticks(NOON + 10 * MS, NOON + 2900 * MS)

    assert moves(sent) == []


def test_a_look_that_shows_a_better_price_ends_a_move() -> None:
    plan = Plan(at(90, OLD))
    plan.want(move(95), at_ns=NOON)
    plan.answer(1, Answer.ACCEPTED, at_ns=NOON + MS)
    plan.show(at(96, NOON + 5 * MS), at_ns=NOON + 6 * MS)
    plan.ticks(NOON + 10 * MS, NOON + 1200 * MS)
    looked = msgspec.structs.replace(at(96, NOON + 5 * MS), snapshot_asked_ns=NOON + 1200 * MS)
    plan.show(looked, at_ns=NOON + 1300 * MS)

    assert moves(plan.want(move(97), at_ns=NOON + 1300 * MS)) == [97]


def over() -> Iterator[tuple[str, AccountState]]:
    yield "the order is gone", account(held(2))
    yield "filled in part", at(95, NOON + 30 * MS, filled=1)
    yield "the trader changed it", at(94, NOON + 30 * MS)
    yield "the position is gone", account(orders=at(95, NOON + 9 * MS).orders)


@pytest.mark.parametrize(("state"), [s for _, s in over()], ids=[name for name, _ in over()])
def test_the_wish_to_restore_ends_with_what_it_was_for(state: AccountState) -> None:
    plan = Plan(at(90, OLD))
    plan.want(move(95), at_ns=NOON)
    plan.want(at_ns=NOON + 1)
    plan.show(at(96, NOON + 5 * MS), at_ns=NOON + 6 * MS)
    plan.show(at(95, NOON + 9 * MS), at_ns=NOON + 10 * MS)
    assert plan.plan.waits_for_time
    plan.show(state, at_ns=NOON + 40 * MS)

    assert not plan.plan.waits_for_time
    back = plan.show(at(95, NOON + 9 * MS), at_ns=NOON + 50 * MS)
    assert moves(back + plan.ticks(NOON + 60 * MS, NOON + 10 * S)) == []


class Rival(PlanDesk):
    """Another program that moves the stop each time that we do, and one rule of ours."""

    def __init__(self, *, before: str | None, after: str | None) -> None:
        """Take which price it sets just before our move arrives, and which just after it."""
        super().__init__(at(90, OLD))
        self.now_ns = NOON
        self.before, self.after = before, after
        self.answers = lambda _: ACCEPTED
        self.rows: list[tuple[Decimal, int]] = []

    def race(self, seconds: float) -> None:
        wish = (StopMove(order_id=7, contract_id=MNQ, stop_price=dec(95)),)
        for _ in range(int(seconds)):
            seen = len(self.sent)
            self._take(self.plan.on_stop_moves("trail", wish, "w", self.now_ns))
            self.run(1)
            for _, command in self.sent[seen:]:
                self.arrives(command)

    def arrives(self, command: Command) -> None:
        assert isinstance(command, MoveStop)
        for price in (self.before, str(command.stop_price), self.after):
            if price is not None:
                self.now_ns += MS
                self.show(at(price, self.now_ns))


@pytest.mark.parametrize(
    ("before", "after"), [("96", "94"), ("96", "90"), (None, "90"), ("96", None)]
)
def test_i6_against_another_program_that_sets_the_price_we_do_not_go_on_for_ever(
    before: str | None, after: str | None
) -> None:
    rival = Rival(before=before, after=after)
    rival.race(600)

    assert rival.most_in_a_minute() <= 11
    assert len(rival.sent) <= 10 + 4 * 8


def test_a_restoring_move_that_is_always_refused_keeps_to_the_pace() -> None:
    plan, effects = raced((96, 5), (95, 9))
    sent = 0
    for now_ns in range(NOON + 3 * S, NOON + 600 * S, 100 * MS):
        for effect in effects:
            if isinstance(effect, MoveStop):
                sent += 1
                plan.answer(effect.id, Answer.REFUSED, at_ns=now_ns)
        effects = plan.plan.on_tick("t", now_ns)

    assert 5 <= sent <= 27
