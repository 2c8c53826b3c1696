"""The position book: events in any order, twice or not at all, and snapshots (I8)."""

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    CORN,
    ES,
    MNQ,
    MS,
    NOON,
    NQ,
    SELL,
    H,
    S,
    account_row,
    at,
    book,
    chicago_calendar,
    dec,
    fill,
    order,
    position,
    snapshot,
)

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import OrderStatus, OrderType
from risk_actors.core.position_book import PositionBook

type Event = Callable[[PositionBook, int], Any]


def fill_event(*args: Any, **more: Any) -> Event:
    return lambda made, now_ns: made.on_fill(fill(*args, **more), now_ns)


def position_event(*args: Any, **more: Any) -> Event:
    return lambda made, now_ns: made.on_position(position(*args, **more), now_ns)


def order_event(*args: Any, **more: Any) -> Event:
    return lambda made, now_ns: made.on_order(order(*args, **more), now_ns)


def play(made: PositionBook, *events: Event, start_ns: int = NOON) -> None:
    for number, event in enumerate(events):
        event(made, start_ns + number * MS)


def only_position(state: AccountState) -> OpenPosition:
    (found,) = state.positions
    return found


def size_and_price(made: PositionBook) -> tuple[int, float]:
    found = only_position(made.state())
    assert found.is_settled
    assert found.average_price == found.fills_average_price
    return found.size, float(found.average_price)


# --- before the first snapshot --------------------------------------------------------------


def test_before_the_first_snapshot_nothing_is_reconciled() -> None:
    made = PositionBook(1, "a", chicago_calendar().day(NOON))
    made.on_position(position(2), NOON)

    state = made.state()

    assert not state.is_reconciled
    assert state.snapshot_asked_ns == 0
    assert state.balance_usd is None
    assert state.can_trade is None


def test_i8_the_first_snapshot_differs_from_nothing_and_is_taken_whole() -> None:
    made = PositionBook(1, "a", chicago_calendar().day(NOON))

    differences = made.on_snapshot(
        snapshot(
            NOON,
            positions=(position(2, 100),),
            orders=(order(7, SELL, 2),),
            fills=(fill(1, 2, 100),),
            account=account_row("49998.76"),
        ),
        NOON + MS,
    )

    state = made.state()
    assert differences == ()
    assert state.is_reconciled
    assert state.snapshot_asked_ns == NOON
    assert state.balance_usd == dec("49998.76")
    assert only_position(state).size == only_position(state).fills_size == 2
    assert [working.id for working in state.orders] == [7]
    assert made.unsettled_since_ns is None


# --- the events of one fill -----------------------------------------------------------------


MARKET_FILL = {
    "trade": fill_event(1, 2, "100.25", order_id=7),
    "order": order_event(7, BUY, 2, status=OrderStatus.FILLED, filled=2, kind=OrderType.MARKET),
    "position": position_event(2, "100.25"),
    "trade again": fill_event(1, 2, "100.25", order_id=7),
    "position again": position_event(2, "100.25"),
}


@pytest.mark.parametrize("names", list(itertools.permutations(MARKET_FILL)), ids=", ".join)
def test_i8_every_order_of_one_fills_events_ends_in_the_same_state(names: tuple[str, ...]) -> None:
    made = book(orders=(order(7, BUY, 2, kind=OrderType.MARKET),))

    for number, name in enumerate(names):
        MARKET_FILL[name](made, NOON + number * MS)
        state = made.state()
        come = {each.split()[0] for each in names[: number + 1]}
        assert state.is_settled is (come >= {"trade", "position"})
        assert state.positions or state.awaited
        assert (made.unsettled_since_ns is None) is state.is_settled

    assert size_and_price(made) == (2, 100.25)
    assert made.state().orders == ()
    assert (made.state().trades, made.state().entries) == (1, 1)


def test_an_order_filled_before_its_fill_arrives_makes_the_account_unsettled() -> None:
    made = book(orders=(order(7, BUY, 2),))

    changed = made.on_order(order(7, BUY, 2, status=OrderStatus.FILLED, filled=2), NOON)

    state = made.state()
    assert changed
    assert state.positions == ()
    assert state.orders == ()
    assert state.awaited == (MNQ,)
    assert not state.is_settled
    assert made.unsettled_since_ns == NOON


def test_a_filled_order_that_was_never_seen_working_is_awaited_too() -> None:
    made = book()

    changed = made.on_order(order(7, BUY, 2, status=OrderStatus.FILLED), NOON)

    assert changed
    assert made.state().awaited == (MNQ,)


def test_each_partial_fill_is_awaited_until_it_has_come() -> None:
    made = book(orders=(order(7, BUY, 3),))

    play(made, order_event(7, BUY, 3, filled=2, updated_ns=1), fill_event(1, 1, 100, order_id=7))
    after_one = made.state().awaited
    play(made, fill_event(2, 1, 101, order_id=7))
    after_two = made.state().awaited

    assert after_one == (MNQ,)
    assert after_two == ()
    assert [working.open_size for working in made.state().orders] == [1]


def test_an_order_cancelled_after_a_partial_fill_awaits_that_fill_only() -> None:
    made = book(orders=(order(7, BUY, 3),))

    play(made, order_event(7, BUY, 3, status=OrderStatus.CANCELLED, filled=1, updated_ns=1))
    awaited = made.state().awaited
    play(made, fill_event(1, 1, 100, order_id=7), position_event(1, 100))

    assert awaited == (MNQ,)
    assert made.state().is_settled


@pytest.mark.parametrize(
    "status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED]
)
def test_an_order_that_ended_unfilled_awaits_nothing(status: OrderStatus) -> None:
    made = book(orders=(order(7, BUY, 3),))

    assert made.on_order(order(7, BUY, 3, status=status, updated_ns=1), NOON)
    assert made.state().is_settled
    assert made.state().orders == ()


def test_a_closed_position_comes_with_its_entry_average_and_is_flat_all_the_same() -> None:
    made = book(positions=(position(15, 49909),))

    play(made, position_event(0, 49909), fill_event(2, -15, 49983, profit=555))

    assert made.state().positions == ()
    assert made.state().is_settled


def test_a_reversal_is_one_position_on_the_other_side() -> None:
    made = book(positions=(position(2, 100),))

    play(made, fill_event(2, -5, 110, profit=20))
    between = only_position(made.state())
    play(made, position_event(-3, 110))

    assert (between.size, between.fills_size, between.is_settled) == (2, -3, False)
    assert size_and_price(made) == (-3, 110)


def test_two_contracts_settle_on_their_own() -> None:
    made = book()

    play(made, fill_event(1, 1, 100), position_event(2, 5000, contract=ES))
    both = {found.symbol: found.is_settled for found in made.state().positions}
    play(made, position_event(1, 100))
    one = {found.symbol: found.is_settled for found in made.state().positions}

    assert both == {"MNQ": False, "ES": False}
    assert one == {"MNQ": True, "ES": False}


def test_unsettled_counts_from_the_first_moment_and_ends_with_the_last() -> None:
    made = book()

    made.on_fill(fill(1, 1, 100), NOON)
    made.on_fill(fill(2, 1, 100), NOON + 5 * MS)
    since_first = made.unsettled_since_ns
    made.on_position(position(1, 100), NOON + 6 * MS)
    still = made.unsettled_since_ns
    made.on_position(position(2, 100), NOON + 7 * MS)

    assert since_first == still == NOON
    assert made.unsettled_since_ns is None


# --- duplicates and corrections -------------------------------------------------------------


def test_the_opening_half_turn_sent_again_on_the_close_is_counted_once() -> None:
    made = book()
    opening = fill(1, 15, 49909, costs="9.30")
    made.on_fill(opening, NOON)
    made.on_position(position(15, 49909), NOON)

    made.on_fill(fill(2, -15, 49983, profit=555, costs="9.30"), NOON + MS)
    again = made.on_fill(opening, NOON + 2 * MS)
    made.on_position(position(0, 49909), NOON + 3 * MS)

    assert again is None
    assert made.state().positions == ()
    assert made.state().is_settled
    assert len(made.fills) == 2
    assert (made.state().trades, made.state().entries) == (1, 1)


def test_the_profit_once_known_stays_known_and_comes_late_where_it_must() -> None:
    made = book(positions=(position(1, 100),))

    first = made.on_fill(fill(2, -1, 110), NOON)
    told = made.on_fill(fill(2, -1, 110, profit=20), NOON + MS)
    forgotten = made.on_fill(fill(2, -1, 110), NOON + 2 * MS)

    assert first is not None
    assert first.profit_usd is None
    assert told is not None
    assert told.profit_usd == 20
    assert forgotten is None
    assert made.fills == (told,)


def test_a_voided_fill_is_told_and_makes_the_account_distrusted_until_a_snapshot() -> None:
    made = book()
    play(made, fill_event(1, 2, 100), position_event(2, 100))

    voided = made.on_fill(fill(1, 2, 100, voided=True), NOON + 5 * MS)
    distrusted = made.state()
    made.on_fill(fill(1, 2, 100), NOON + 6 * MS)
    made.on_snapshot(snapshot(NOON + 7 * MS, fills=(fill(1, 2, 100, voided=True),)), NOON + 8 * MS)

    assert voided is not None
    assert voided.voided
    assert made.fills[0].voided
    assert distrusted.distrusted == "fill 1 was voided"
    assert not distrusted.is_settled
    assert made.distrusted is None
    assert made.state().positions == ()
    assert made.state().is_settled
    assert (made.state().trades, made.state().entries) == (0, 0)


def test_a_snapshot_asked_before_a_fill_was_voided_does_not_restore_trust() -> None:
    made = book()
    play(made, fill_event(1, 2, 100), position_event(2, 100))

    made.on_fill(fill(1, 2, 100, voided=True), NOON + 5 * MS)
    made.on_snapshot(
        snapshot(NOON + 4 * MS, positions=(position(2, 100),), fills=(fill(1, 2, 100),)),
        NOON + 6 * MS,
    )

    assert made.distrusted == "fill 1 was voided"
    assert made.fills[0].voided


def test_a_fill_that_comes_voided_the_first_time_moves_nothing() -> None:
    made = book()

    assert made.on_fill(fill(1, 2, 100, voided=True), NOON) is None
    assert made.state().positions == ()
    assert made.distrusted is None


def test_rows_that_say_nothing_new_change_nothing() -> None:
    made = book(positions=(position(2, 100),), orders=(order(7, SELL, 2),))
    account = account_row(50001)

    assert made.on_account(account, NOON)
    assert not made.on_account(account, NOON + MS)
    assert not made.on_position(position(2, 100), NOON)
    assert made.on_position(position(2, "100.25"), NOON)
    assert made.on_position(position(0, "100.25"), NOON)
    assert not made.on_position(position(0, "100.25"), NOON)
    assert not made.on_position(position(0, 5000, contract=ES), NOON)
    assert not made.on_order(order(7, SELL, 2), NOON)
    assert made.on_order(order(7, SELL, 3, updated_ns=5), NOON)


def test_a_fill_that_overtakes_an_earlier_one_does_not_change_the_average() -> None:
    # Bought 2 at 100, sold 1 at 110, bought 1 at 120: 1 at 100 and 1 at 120.
    fills = [fill(1, 2, 100), fill(2, -1, 110, profit=20), fill(3, 1, 120)]

    for arrival in itertools.permutations(fills):
        made = book()
        for number, each in enumerate(arrival):
            made.on_fill(each, NOON + number * MS)
        made.on_position(position(2, 110), NOON + 9 * MS)

        assert size_and_price(made) == (2, 110)
        assert (made.state().trades, made.state().entries) == (1, 2)


# --- orders ---------------------------------------------------------------------------------


def test_an_older_row_never_replaces_a_newer_one() -> None:
    made = book()

    made.on_order(order(7, BUY, 5, filled=2, updated_ns=20), NOON)
    by_time = made.on_order(order(7, BUY, 5, filled=0, updated_ns=10), NOON)
    made.on_order(order(8, BUY, 5, filled=2), NOON)
    by_filled_size = made.on_order(order(8, BUY, 5, filled=1), NOON)

    assert not by_time
    assert not by_filled_size
    assert [working.filled_size for working in made.state().orders] == [2, 2]


@pytest.mark.parametrize(
    "status",
    [
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
    ],
)
def test_an_ended_order_never_works_again(status: OrderStatus) -> None:
    made = book(orders=(order(7, BUY, 5),))
    made.on_order(order(7, BUY, 5, status=status, updated_ns=10), NOON)

    late = made.on_order(order(7, BUY, 5, updated_ns=5), NOON + MS)
    stranger = made.on_order(order(7, BUY, 5, updated_ns=99), NOON + 2 * MS)

    assert not late
    assert not stranger
    assert made.state().orders == ()


def test_an_end_that_comes_before_the_beginning_is_remembered() -> None:
    made = book()
    made.on_order(order(7, BUY, 5, status=OrderStatus.CANCELLED, updated_ns=10), NOON)

    assert not made.on_order(order(7, BUY, 5, updated_ns=5), NOON + MS)
    assert made.state().orders == ()


def test_i7_a_status_that_says_nothing_does_not_end_an_order() -> None:
    made = book(orders=(order(7, BUY, 5),))

    changed = made.on_order(order(7, BUY, 5, status=OrderStatus.NONE, updated_ns=10), NOON)
    unknown = made.state()
    made.on_order(order(7, BUY, 4, updated_ns=11), NOON + MS)

    assert changed
    assert [working.id for working in unknown.orders] == [7]
    assert not unknown.is_settled
    assert made.distrusted == "the status of order 7 is not known"
    assert [working.size for working in made.state().orders] == [4]


def test_bracket_children_are_kept_from_suspended_to_open() -> None:
    made = book(orders=(order(1, BUY, 2),))

    play(
        made,
        order_event(2, SELL, 2, status=OrderStatus.SUSPENDED, parent=1, updated_ns=1),
        order_event(1, BUY, 2, status=OrderStatus.FILLED, filled=2, updated_ns=2),
        fill_event(1, 2, 100, order_id=1),
        order_event(2, SELL, 2, status=OrderStatus.OPEN, parent=1, updated_ns=3),
        position_event(2, 100),
    )

    (child,) = made.state().orders
    assert child.status is OrderStatus.OPEN
    assert made.state().is_settled


# --- snapshots ------------------------------------------------------------------------------


def test_i8_what_differs_is_corrected_and_reported() -> None:
    made = book(positions=(position(2, 100),), orders=(order(7, SELL, 2), order(8, BUY, 1)))

    differences = made.on_snapshot(
        snapshot(
            NOON,
            positions=(position(3, 101, contract=ES),),
            orders=(order(8, BUY, 2, filled=1, updated_ns=4), order(9, SELL, 3, contract=ES)),
            fills=(fill(5, 3, 101, contract=ES),),
            account=account_row("49990", can_trade=False),
        ),
        NOON + MS,
    )

    assert {difference.subject for difference in differences} == {
        "balance",
        "can trade",
        "order 7",
        "order 8 size",
        "order 8 filled",
        "order 9",
        "fill 5",
        f"position {MNQ}",
        f"position {ES}",
    }
    found = {each.subject: (each.local, each.broker) for each in differences}
    assert found["order 7"] == (f"OPEN -2 {MNQ}", "not working")
    assert found["order 8 filled"] == ("0", "1")
    assert found["order 9"] == ("not known", f"OPEN -3 {ES}")
    assert found[f"position {MNQ}"] == ("2", "0")
    assert found[f"position {ES}"] == ("0", "3")
    assert found["fill 5"] == ("not known", f"+3 {ES} at 101")
    state = made.state()
    assert [held.contract_id for held in state.positions] == [ES]
    assert [working.id for working in state.orders] == [8, 9]
    assert state.balance_usd == 49990
    assert state.can_trade is False
    assert state.is_settled


def test_a_snapshot_that_agrees_reports_nothing_and_changes_nothing() -> None:
    made = book(
        positions=(position(2, 100),), orders=(order(7, SELL, 2),), fills=(fill(1, 2, 100),)
    )
    before = made.state()

    differences = made.on_snapshot(
        snapshot(
            NOON,
            positions=(position(2, 100),),
            orders=(order(7, SELL, 2),),
            fills=(fill(1, 2, 100),),
        ),
        NOON + MS,
    )

    assert differences == ()
    assert msgspec.structs.replace(made.state(), snapshot_asked_ns=0) == msgspec.structs.replace(
        before, snapshot_asked_ns=0
    )


def test_i8_what_was_pushed_after_the_snapshot_was_asked_stays() -> None:
    made = book(positions=(position(2, 100),), orders=(order(7, SELL, 2), order(8, BUY, 1)))
    asked_ns = NOON

    play(
        made,
        fill_event(5, 1, 103),
        position_event(3, 101),
        order_event(7, SELL, 2, status=OrderStatus.CANCELLED, updated_ns=9),
        order_event(9, SELL, 3, updated_ns=9),
        lambda each, now_ns: each.on_account(account_row(49999), now_ns),
        start_ns=asked_ns,
    )
    differences = made.on_snapshot(
        snapshot(
            asked_ns, positions=(position(2, 100),), orders=(order(7, SELL, 2), order(8, BUY, 1))
        ),
        asked_ns + 20 * MS,
    )

    state = made.state()
    assert differences == ()
    assert size_and_price(made) == (3, 101)
    assert [working.id for working in state.orders] == [8, 9]
    assert state.balance_usd == 49999


def test_a_fill_in_the_snapshot_and_pushed_meanwhile_is_counted_once() -> None:
    made = book()

    play(made, fill_event(5, 1, 103), position_event(1, 103))
    made.on_snapshot(
        snapshot(NOON - MS, positions=(position(1, 103),), fills=(fill(5, 1, 103),)), NOON + 9 * MS
    )
    made.on_fill(fill(5, 1, 103), NOON + 10 * MS)

    assert size_and_price(made) == (1, 103)
    assert len(made.fills) == 1


def test_a_fill_that_the_stream_lost_comes_with_the_snapshot() -> None:
    made = book()
    made.on_position(position(1, 103), NOON)

    differences = made.on_snapshot(
        snapshot(NOON + MS, positions=(position(1, 103),), fills=(fill(5, 1, 103),)), NOON + 2 * MS
    )

    assert [each.subject for each in differences] == ["fill 5"]
    assert size_and_price(made) == (1, 103)
    assert (made.state().trades, made.state().entries) == (1, 1)


def test_a_fill_known_before_the_snapshot_was_asked_is_inside_its_positions_listed_or_not() -> None:
    made = book()
    play(made, fill_event(5, 1, 103), position_event(1, 103))

    made.on_snapshot(snapshot(NOON + S, positions=(position(1, 103),)), NOON + 2 * S)

    assert size_and_price(made) == (1, 103)


def test_i8_a_snapshot_overtaken_by_a_later_one_says_nothing() -> None:
    made = book()
    made.on_snapshot(snapshot(NOON + 2 * MS, positions=(position(2, 100),)), NOON + 3 * MS)

    differences = made.on_snapshot(snapshot(NOON + MS, account=account_row(1)), NOON + 4 * MS)

    assert differences == ()
    assert size_and_price(made) == (2, 100)
    assert made.state().balance_usd == 50000
    assert made.state().snapshot_asked_ns == NOON + 2 * MS


def test_fills_that_an_order_says_came_stay_awaited_through_an_older_snapshot() -> None:
    made = book(orders=(order(7, BUY, 2),))
    asked_ns = NOON

    # The order is filled while the snapshot, which shows nothing of it, is on its way.
    made.on_order(order(7, BUY, 2, status=OrderStatus.FILLED, filled=2, updated_ns=5), NOON + MS)
    made.on_snapshot(snapshot(asked_ns, orders=(order(7, BUY, 2),)), NOON + 2 * MS)
    meanwhile = made.state()
    play(made, fill_event(1, 2, 100, order_id=7), position_event(2, 100), start_ns=NOON + 3 * MS)

    assert meanwhile.awaited == (MNQ,)
    assert not meanwhile.is_settled
    assert made.state().is_settled
    assert size_and_price(made) == (2, 100)


def test_a_snapshot_asked_afterwards_settles_what_was_awaited() -> None:
    made = book(orders=(order(7, BUY, 2),))
    made.on_order(order(7, BUY, 2, status=OrderStatus.FILLED, filled=2, updated_ns=5), NOON)

    made.on_snapshot(
        snapshot(NOON + MS, positions=(position(2, 100),), fills=(fill(1, 2, 100, order_id=7),)),
        NOON + 2 * MS,
    )

    assert made.state().awaited == ()
    assert made.unsettled_since_ns is None
    assert size_and_price(made) == (2, 100)


@pytest.mark.parametrize(("covers", "kept"), [(False, [2]), (True, [])])
def test_suspended_orders_stay_where_the_snapshot_could_not_list_them(
    *, covers: bool, kept: list[int]
) -> None:
    suspended = order(2, SELL, 2, status=OrderStatus.SUSPENDED, parent=1)
    made = book(orders=(suspended, order(3, SELL, 1)))

    made.on_snapshot(snapshot(NOON, covers_suspended=covers), NOON + MS)

    assert [working.id for working in made.state().orders] == kept


def test_an_order_that_ended_works_again_only_where_a_later_snapshot_says_so() -> None:
    made = book(orders=(order(7, BUY, 1),))
    made.on_order(order(7, BUY, 1, status=OrderStatus.CANCELLED, updated_ns=3), NOON)

    made.on_snapshot(snapshot(NOON - MS, orders=(order(7, BUY, 1),)), NOON + MS)
    asked_before = made.state().orders
    made.on_snapshot(snapshot(NOON + 2 * MS, orders=(order(7, BUY, 1),)), NOON + 3 * MS)
    asked_after = made.state().orders

    assert asked_before == ()
    assert [working.id for working in asked_after] == [7]


def test_i7_an_order_that_a_snapshot_missed_is_seen_again_when_it_is_pushed() -> None:
    # A pending order may not be listed yet; that is no end.
    made = book(orders=(order(7, BUY, 1, status=OrderStatus.PENDING, updated_ns=1),))
    made.on_snapshot(snapshot(NOON), NOON + MS)

    pushed = made.on_order(order(7, BUY, 1, updated_ns=2), NOON + 2 * MS)

    assert pushed
    assert [working.id for working in made.state().orders] == [7]


def test_an_order_row_pushed_again_after_the_snapshot_was_asked_stays() -> None:
    made = book(orders=(order(7, BUY, 1),))

    made.on_order(order(7, BUY, 1), NOON + MS)
    made.on_snapshot(snapshot(NOON), NOON + 2 * MS)

    assert [working.id for working in made.state().orders] == [7]


def test_the_same_account_comes_out_in_the_same_order_every_time() -> None:
    contracts = [f"CON.F.US.{root}.Z26" for root in ("EP", "MNQ", "ENQ", "MES", "CLE", "GCE")]

    made = book(positions=tuple(position(1, contract=contract) for contract in contracts))
    play(
        made,
        *(
            order_event(10 + n, BUY, 1, contract=c, status=OrderStatus.FILLED)
            for n, c in enumerate(contracts)
        ),
    )

    assert [held.contract_id for held in made.state().positions] == contracts
    assert list(made.state().awaited) == contracts


# --- counts of the day ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fills", "trades", "entries"),
    [
        ([], 0, 0),
        ([fill(1, 2, 100)], 1, 1),
        ([fill(1, 2, 100), fill(2, -2, 101)], 1, 1),
        # Partial fills of one order are one entry.
        ([fill(n, 1, 100, order_id=7) for n in (1, 2, 3)], 1, 1),
        # Scaling in and out stays in the trade; each adding order is an entry.
        ([fill(1, 2, 100), fill(2, 1, 101), fill(3, -1, 102), fill(4, 1, 99)], 1, 3),
        # A reversal ends one trade and begins the next, and is an entry.
        ([fill(1, 2, 100), fill(2, -5, 101), fill(3, 3, 102)], 2, 2),
        ([fill(1, 1, 100), fill(2, -1, 101), fill(3, -1, 102), fill(4, 1, 99)], 2, 2),
        # A reversal in partial fills, the last of which opens.
        ([fill(1, 2, 100), fill(2, -2, 101, order_id=7), fill(3, -1, 101, order_id=7)], 2, 2),
        ([fill(1, 1, 100), fill(2, 1, 5000, contract=ES)], 2, 2),
        ([fill(1, 1, 100), fill(2, -1, 5000, contract=NQ), fill(3, -1, 100)], 2, 2),
    ],
)
def test_trades_and_entries_are_counted_alike_from_the_stream_and_from_a_snapshot(
    fills: list[Any], trades: int, entries: int
) -> None:
    streamed = book()
    for each in fills:
        streamed.on_fill(each, each.at_ns)
    sizes: dict[str, int] = {}
    for each in fills:
        sizes[each.contract_id] = sizes.get(each.contract_id, 0) + each.signed_size
    read = book(
        fills=tuple(reversed(fills)),
        positions=tuple(position(size, contract=contract) for contract, size in sizes.items()),
    )

    assert (streamed.state().trades, streamed.state().entries) == (trades, entries)
    assert (read.state().trades, read.state().entries) == (trades, entries)


def test_closing_what_was_opened_yesterday_is_neither_trade_nor_entry() -> None:
    made = book(positions=(position(2, 100),))

    made.on_fill(fill(1, -2, 101), NOON)

    assert (made.state().trades, made.state().entries) == (0, 0)


def test_a_day_begins_with_its_own_fills_by_the_brokers_clock() -> None:
    made = book()
    reset_ns = at(2026, 11, 17, 17)
    calendar = chicago_calendar()
    # The broker's clock is ahead of ours by a moment: the second fill is the next day's.
    made.on_fill(fill(1, 2, 100, at_ns=reset_ns - 1), reset_ns - 50 * MS)
    made.on_fill(fill(2, 1, 100, at_ns=reset_ns), reset_ns - 40 * MS)
    today = made.state()

    made.on_day(calendar.day(reset_ns))
    tomorrow = made.state()

    assert (today.trades, today.entries) == (1, 1)
    assert (tomorrow.trades, tomorrow.entries) == (0, 1)
    assert tomorrow.day_start_ns == reset_ns
    assert only_position(tomorrow).fills_size == 3


def test_a_snapshot_just_before_the_reset_counts_no_fill_of_the_next_day() -> None:
    made = book()
    reset_ns = at(2026, 11, 17, 17)
    fills = (fill(1, 1, 100, at_ns=reset_ns - S), fill(2, -1, 101, at_ns=reset_ns))

    made.on_snapshot(snapshot(reset_ns - 20 * MS, fills=fills), reset_ns - 10 * MS)
    today = made.state()
    made.on_day(chicago_calendar().day(reset_ns))

    assert (today.trades, today.entries) == (1, 1)
    assert (made.state().trades, made.state().entries) == (0, 0)


def test_a_fill_of_yesterday_that_comes_after_the_reset_is_no_trade_of_today() -> None:
    made = book()
    reset_ns = at(2026, 11, 17, 17)
    made.on_day(chicago_calendar().day(reset_ns))

    made.on_fill(fill(1, 1, 100, at_ns=reset_ns - 1), reset_ns + MS)
    made.on_fill(fill(2, -1, 101, at_ns=reset_ns + 5 * MS), reset_ns + 6 * MS)

    assert (made.state().trades, made.state().entries) == (0, 0)


def test_fills_of_one_instant_are_counted_in_the_order_of_their_ids() -> None:
    # Bought 1 and reversed by selling 2: two trades; the other way round it would be one.
    made = book()

    made.on_fill(fill(2, -2, 101, at_ns=NOON), NOON)
    made.on_fill(fill(1, 1, 100, at_ns=NOON), NOON)

    assert (made.state().trades, made.state().entries) == (2, 2)


def test_forgetting_keeps_the_day_and_drops_what_was_before() -> None:
    made = book()
    day_start_ns = at(2026, 11, 16, 17)
    made.on_fill(fill(1, 1, 100, at_ns=day_start_ns - H), NOON)
    made.on_fill(fill(2, -1, 100, at_ns=day_start_ns + H), NOON)

    made.forget_fills_before(NOON)

    assert [each.id for each in made.fills] == [2]
    made.on_day(chicago_calendar().day(NOON))
    assert (made.state().trades, made.state().entries) == (0, 0)


# --- names ----------------------------------------------------------------------------------


def test_the_brokers_name_of_an_unlisted_contract_is_kept_for_positions_and_orders() -> None:
    made = book(positions=(position(1, contract=CORN),))
    before = made.state()

    made.name_symbol(CORN, "ZC")

    assert only_position(before).symbol == "ZCE"
    assert before.named_symbols == {}
    assert only_position(made.state()).symbol == "ZC"
    assert made.state().named_symbols == {CORN: "ZC"}


def test_i7_a_snapshot_without_fills_counts_for_positions_and_orders_alone() -> None:
    """Locks need no fills; the day's P&L does."""
    made = book()
    told = snapshot(NOON, positions=(position(3),), orders=(order(1, BUY),))

    made.on_snapshot(msgspec.structs.replace(told, fills=None), NOON + 1)

    state = made.state()
    assert state.is_reconciled
    assert state.is_settled
    assert not state.has_all_fills
    assert ([p.size for p in state.positions], [o.id for o in state.orders]) == ([3], [1])
