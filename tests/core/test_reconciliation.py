"""What a snapshot corrects, field by field, and what it says of it (I8)."""

from typing import Any

import msgspec
import pytest
from core.builders import (
    ACCOUNT,
    BUY,
    MNQ,
    MS,
    NOON,
    SELL,
    S,
    account_row,
    book,
    chicago_calendar,
    dec,
    fill,
    order,
    position,
    snapshot,
    stop,
)

from risk_actors.core.broker import Fill, Order, OrderStatus, OrderType
from risk_actors.core.marks import Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Difference, Snapshot

HELD = position(2, 100)
STOP = stop(7, SELL, 2, 90, updated_ns=1)
OPENING = fill(1, 2, 100, costs="1.24", at_ns=NOON - 10 * S)
CLOSING = fill(2, -2, 101, costs="1.24", at_ns=NOON - 5 * S)


def told_later(asked_ns: int = NOON, **content: Any) -> Snapshot:
    """Return what the broker says of the account that `known` has, but for what is given."""
    given = {"positions": (HELD,), "orders": (STOP,), "fills": (OPENING, CLOSING)} | content
    return snapshot(asked_ns, **given)


def known() -> PositionBook:
    return book(positions=(HELD,), orders=(STOP,), fills=(OPENING, CLOSING))


def found(differences: tuple[Difference, ...]) -> dict[str, tuple[str, str]]:
    return {each.subject: (each.local, each.broker) for each in differences}


def but(row: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(row, **fields)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"account": account_row("49000")}, {"balance": ("50000", "49000")}),
        ({"account": account_row(can_trade=False)}, {"can trade": ("True", "False")}),
        ({"positions": (position(3, 100),)}, {f"position {MNQ}": ("2", "3")}),
        ({"positions": (position(-2, 100, opened_ns=9),)}, {f"position {MNQ}": ("2", "-2")}),
        ({"positions": ()}, {f"position {MNQ}": ("2", "0")}),
        ({"positions": (position(2, 101),)}, {f"position {MNQ} average price": ("100", "101")}),
        (
            {"positions": (position(3, 101),)},
            {
                f"position {MNQ}": ("2", "3"),
                f"position {MNQ} average price": ("100", "101"),
            },
        ),
        (
            {"positions": (position(2, 100, opened_ns=NOON + 1),)},
            {f"position {MNQ} opened": (str(NOON), str(NOON + 1))},
        ),
        ({"orders": ()}, {"order 7": (f"OPEN -2 {MNQ} stop 90", "not working")}),
        (
            {"orders": (STOP, order(8, BUY, 1))},
            {"order 8": ("not known", f"OPEN +1 {MNQ}")},
        ),
        ({"orders": (but(STOP, size=3),)}, {"order 7 size": ("2", "3")}),
        ({"orders": (but(STOP, stop_price=dec(89)),)}, {"order 7 stop price": ("90", "89")}),
        ({"orders": (but(STOP, limit_price=dec(88)),)}, {"order 7 limit price": ("none", "88")}),
        ({"orders": (but(STOP, filled_size=1),)}, {"order 7 filled": ("0", "1")}),
        (
            {"orders": (but(STOP, type=OrderType.TRAILING_STOP),)},
            {"order 7 type": ("STOP", "TRAILING_STOP")},
        ),
        ({"orders": (but(STOP, side=BUY),)}, {"order 7 side": ("SELL", "BUY")}),
        ({"orders": (but(STOP, parent_order_id=6),)}, {"order 7 parent": ("none", "6")}),
        (
            {"orders": (but(STOP, status=OrderStatus.PENDING_CANCELLATION),)},
            {"order 7 status": ("OPEN", "PENDING_CANCELLATION")},
        ),
        ({"orders": (but(STOP, updated_ns=5),)}, {}),
        (
            {"fills": (OPENING, CLOSING, fill(3, 1, 99))},
            {"fill 3": ("not known", f"+1 {MNQ} at 99")},
        ),
        ({"fills": (OPENING,)}, {"fill 2": (f"-2 {MNQ} at 101", "not listed")}),
        (
            {"fills": (OPENING, but(CLOSING, voided=True))},
            {"fill 2 voided": ("False", "True")},
        ),
        (
            {"fills": (OPENING, but(CLOSING, profit_usd=dec("4.00")))},
            {"fill 2 profit": ("none", "4.00")},
        ),
        (
            {"fills": (OPENING, but(CLOSING, costs_usd=dec("1.30")))},
            {"fill 2 costs": ("1.24", "1.30")},
        ),
        ({"fills": (OPENING, but(CLOSING, price=dec(102)))}, {"fill 2 price": ("101", "102")}),
        ({}, {}),
    ],
)
def test_i8_each_field_that_differs_is_corrected_and_said_with_both_values(
    content: dict[str, Any], expected: dict[str, tuple[str, str]]
) -> None:
    made = known()
    told = told_later(**content)

    differences = made.on_snapshot(told, NOON + MS)

    assert found(differences) == expected
    fresh = PositionBook(ACCOUNT, made.state().name, chicago_calendar().day(NOON))
    fresh.on_snapshot(told, NOON + MS)
    assert but(made.state(), distrusted=None) == fresh.state()
    assert {each for each in made.fills if not each.voided} == {
        each for each in fresh.fills if not each.voided
    }
    assert made.on_snapshot(but(told, asked_ns=NOON + S), NOON + S + MS) == ()
    assert made.state().distrusted is None


# --- fills that the broker lists no longer ----------------------------------------------------


def unlisted_two(made: PositionBook, **terms: Any) -> tuple[Difference, ...]:
    return made.on_snapshot(but(told_later(fills=(OPENING,)), **terms), NOON + MS)


def test_i8_a_fill_that_is_not_listed_any_more_leaves_the_books_and_the_p_and_l() -> None:
    made = book(fills=(OPENING, but(CLOSING, profit_usd=dec("-300"))))
    pnl_book = PnlBook(ACCOUNT, chicago_calendar(), NOON)
    pnl_book.on_account(made.state(), made.fills)

    made.on_snapshot(snapshot(NOON, fills=(OPENING,)), NOON + MS)
    pnl_book.keep_only(made.fills)
    pnl_book.on_account(made.state(), made.fills)

    assert [each.id for each in made.fills] == [1]
    assert pnl_book.pnl(Marks(S), NOON).realized_usd == dec("-1.24")
    assert made.state().distrusted == "fill 2 is not listed any more"


@pytest.mark.parametrize(
    "push", [CLOSING, but(CLOSING, costs_usd=dec("1.30"))], ids=["the same", "amended"]
)
def test_a_fill_pushed_again_after_the_snapshot_was_asked_stays(push: Fill) -> None:
    made = known()
    made.on_fill(push, NOON + MS // 2)

    differences = unlisted_two(made)

    assert differences == ()
    assert {each.id for each in made.fills} == {1, 2}
    assert made.state().distrusted is None


def test_a_fill_older_than_what_was_asked_for_stays() -> None:
    made = known()

    differences = unlisted_two(made, fills_since_ns=CLOSING.at_ns + 1)

    assert differences == ()
    assert {each.id for each in made.fills} == {1, 2}


def test_no_fill_leaves_where_fills_could_not_be_read() -> None:
    made = known()

    differences = unlisted_two(made, fills=None)

    assert differences == ()
    assert {each.id for each in made.fills} == {1, 2}


def test_a_voided_fill_that_is_not_listed_differs_in_nothing_and_stays_voided() -> None:
    made = book(positions=(HELD,), orders=(STOP,), fills=(OPENING, but(CLOSING, voided=True)))

    differences = unlisted_two(made)
    made.on_fill(CLOSING, NOON + 2 * MS)

    assert differences == ()
    assert [each.voided for each in made.fills] == [False, True]


# --- what is newer here -----------------------------------------------------------------------


def test_an_amendment_pushed_after_the_snapshot_was_asked_is_not_undone() -> None:
    made = known()
    made.on_fill(but(CLOSING, costs_usd=dec("1.30"), profit_usd=dec(4)), NOON + 1)

    differences = made.on_snapshot(told_later(), NOON + MS)

    assert differences == ()
    assert made.fills[1] == but(CLOSING, costs_usd=dec("1.30"), profit_usd=dec(4))


def test_what_a_newer_row_did_not_say_is_taken_from_the_older_one() -> None:
    made = known()
    made.on_fill(but(CLOSING, costs_usd=dec("1.30")), NOON + 1)

    differences = made.on_snapshot(
        told_later(fills=(OPENING, but(CLOSING, profit_usd=dec(4)))), NOON + MS
    )

    assert found(differences) == {"fill 2 profit": ("none", "4")}
    assert made.fills[1] == but(CLOSING, costs_usd=dec("1.30"), profit_usd=dec(4))


@pytest.mark.parametrize(
    "newer", [but(STOP, stop_price=dec(95), updated_ns=2), but(STOP, filled_size=1, updated_ns=2)]
)
def test_an_order_row_that_is_older_than_what_is_known_says_nothing(newer: Order) -> None:
    made = known()
    made.on_order(newer, NOON - MS)

    differences = made.on_snapshot(told_later(), NOON + MS)

    assert differences == ()
    assert newer in made.state().orders
