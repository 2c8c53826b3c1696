"""The balance by fills, what it does not explain, and the course it took over the week."""

from decimal import Decimal
from itertools import permutations

import msgspec
import pytest
from core.builders import (
    ACCOUNT,
    NAME,
    NOON,
    H,
    S,
    account_row,
    at,
    book,
    chicago_calendar,
    dec,
    fill,
    snapshot,
)

from risk_actors.core.balance_course import BalanceCourse
from risk_actors.core.broker import Fill
from risk_actors.core.pnl_state import Closing
from risk_actors.core.position_book import PositionBook

MONDAY, TUESDAY, WEDNESDAY = (at(2026, 11, day, 10) for day in (16, 17, 18))


def closed(fill_id: int, at_ns: int, profit: str, costs: str = "1.00") -> Fill:
    return fill(fill_id, -1, 100, at_ns=at_ns, profit=profit, costs=costs)


def opened(fill_id: int, at_ns: int, costs: str = "1.00") -> Fill:
    return fill(fill_id, 1, 100, at_ns=at_ns, costs=costs)


# --- the balance by fills -----------------------------------------------------------------------


def test_the_balance_moves_by_fills_from_the_last_snapshot_on() -> None:
    made = book()
    before = made.state().balance_by_fills_usd
    made.on_fill(opened(1, NOON), NOON + S)
    made.on_fill(closed(2, NOON + S, "-20.00"), NOON + 2 * S)
    made.on_fill(closed(2, NOON + S, "-20.00"), NOON + 3 * S)

    assert before == 50000
    assert made.state().balance_by_fills_usd == dec("49978.00")


def test_a_fill_that_is_in_the_snapshot_is_not_counted_again() -> None:
    made = book()
    told = snapshot(NOON + 10 * S, account=account_row("49999"), fills=(opened(1, NOON),))
    made.on_fill(opened(1, NOON), NOON + S)
    made.on_fill(closed(2, NOON + 11 * S, "5"), NOON + 11 * S)

    made.on_snapshot(told, NOON + 12 * S)

    assert made.state().balance_by_fills_usd == dec("50003.00")


def test_a_fill_amended_or_voided_moves_the_balance_by_the_difference() -> None:
    made = book()
    made.on_fill(opened(1, NOON), NOON + S)
    made.on_fill(msgspec.structs.replace(opened(1, NOON), profit_usd=dec("7")), NOON + 2 * S)
    amended = made.state().balance_by_fills_usd
    made.on_fill(msgspec.structs.replace(opened(1, NOON), voided=True), NOON + 3 * S)

    assert amended == dec("50006.00")
    assert made.state().balance_by_fills_usd == 50000


def test_what_the_balance_has_and_fills_do_not_explain_is_a_payout_or_a_lost_fill() -> None:
    made = book()
    made.on_fill(opened(1, NOON), NOON + S)
    early = made.unexplained_balance_usd
    made.on_account(account_row("49999.00"), NOON + 2 * S)
    explained = made.unexplained_balance_usd
    made.on_account(account_row("47999.00"), NOON + 3 * S)

    assert early is None
    assert explained is None
    assert made.unexplained_balance_usd == -2000


def test_a_balance_told_before_the_last_fill_says_nothing() -> None:
    made = book()
    made.on_account(account_row("50000.00"), NOON + S)
    made.on_fill(opened(1, NOON), NOON + 2 * S)

    assert made.unexplained_balance_usd is None


def test_i7_a_row_read_earlier_moves_neither_balance_nor_permission() -> None:
    """The list of accounts failed alone: what it said an hour ago is not what is true now."""
    made = book()
    made.on_fill(closed(1, NOON, "-1500.00"), NOON + S)
    made.on_account(account_row("48499.00", can_trade=False), NOON + 2 * S)
    told = snapshot(
        NOON + H,
        account=account_row("50000.00"),
        fills=(closed(1, NOON, "-1500.00"), closed(2, NOON + 60 * S, "-10.00")),
    )
    made.on_snapshot(msgspec.structs.replace(told, account_read=False), NOON + H + S)

    state = made.state()
    assert state.balance_by_fills_usd == dec("48488.00")
    assert (state.balance_usd, state.can_trade) == (dec("48499.00"), False)
    assert made.unexplained_balance_usd is None


def test_before_any_row_was_read_the_balance_is_unknown() -> None:
    made = PositionBook(ACCOUNT, NAME, chicago_calendar().day(NOON))
    made.on_snapshot(msgspec.structs.replace(snapshot(NOON), account_read=False), NOON + S)

    assert made.state().is_reconciled
    assert made.state().balance_by_fills_usd is None


# --- the course over the week -------------------------------------------------------------------

WEEK = (
    opened(1, MONDAY),
    closed(2, MONDAY + H, "301.00"),
    opened(3, TUESDAY),
    closed(4, TUESDAY + H, "-99.00"),
    opened(5, WEDNESDAY),
    closed(6, WEDNESDAY + H, "50.00"),
)
"""+299, -101, +48 net."""


def test_closings_are_reckoned_back_from_the_balance_now() -> None:
    course = BalanceCourse.of(WEEK, chicago_calendar())
    today = chicago_calendar().day(WEDNESDAY)

    told = course.closings(dec("50246.00"), before_ns=today.start_ns)

    assert told == (
        Closing(day_end_ns=at(2026, 11, 15, 17), balance_usd=dec("50000.00")),
        Closing(day_end_ns=at(2026, 11, 16, 17), balance_usd=dec("50299.00")),
        Closing(day_end_ns=at(2026, 11, 17, 17), balance_usd=dec("50198.00")),
    )
    assert course.closings(dec("50246.00"), before_ns=today.start_ns) is told


def test_the_high_is_the_highest_balance_after_any_fill() -> None:
    course = BalanceCourse.of(WEEK, chicago_calendar())

    assert course.high_usd(dec("50246.00")) == dec("50299.00")
    assert course.high_usd(None) is None


def test_the_high_of_a_week_of_losses_is_its_beginning() -> None:
    course = BalanceCourse.of([closed(1, MONDAY, "-10")], chicago_calendar())

    assert course.high_usd(dec("49989.00")) == 50000


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_in_which_fills_come_makes_no_difference(order: tuple[int, ...]) -> None:
    course = BalanceCourse(chicago_calendar())
    kept: list[Fill] = []
    for index in order:
        kept.append(WEEK[index])
        if not course.add(WEEK[index]):
            course = BalanceCourse.of(kept, chicago_calendar())

    whole = BalanceCourse.of(WEEK[:4], chicago_calendar())
    assert course.high_usd(Decimal(0)) == whole.high_usd(Decimal(0))
    assert course.closings(Decimal(0), before_ns=WEDNESDAY) == whole.closings(
        Decimal(0), before_ns=WEDNESDAY
    )


def test_a_voided_fill_has_no_part_in_it() -> None:
    voided = msgspec.structs.replace(closed(9, MONDAY, "900"), voided=True)
    course = BalanceCourse.of([voided], chicago_calendar())

    assert course.high_usd(dec(50000)) == 50000
    assert course.closings(dec(50000), before_ns=WEDNESDAY) == ()
