"""Day and week P&L: realised by fills, unrealised at marks, unknown rather than half counted."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    ACCOUNT,
    BUY,
    CORN,
    ES,
    MNQ,
    MS,
    MYM,
    NAME,
    NOON,
    SELL,
    ZB,
    ZN,
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
    quote,
    snapshot,
)

from risk_actors.core.broker import Fill, OrderStatus
from risk_actors.core.instruments import Instrument
from risk_actors.core.marks import Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.position_book import PositionBook

STALE_AFTER_NS = 10 * S


class Desk:
    """One account's position book, P&L book and marks, wired as in the system."""

    def __init__(self, positions: PositionBook | None = None, now_ns: int = NOON) -> None:
        self.positions = positions or book(now_ns=now_ns)
        self.marks = Marks(STALE_AFTER_NS)
        self.book = PnlBook(ACCOUNT, chicago_calendar(), now_ns)
        self.book.on_account(self.positions.state(), self.positions.fills)
        self.now_ns = now_ns

    def see(self, *facts: Any) -> None:
        """Take broker facts in the order in which they arrive."""
        for fact in facts:
            fills: tuple[Fill, ...] = ()
            match type(fact).__name__:
                case "Fill":
                    new = self.positions.on_fill(fact, self.now_ns)
                    fills = () if new is None else (new,)
                case "Position":
                    self.positions.on_position(fact, self.now_ns)
                case "Order":
                    self.positions.on_order(fact, self.now_ns)
                case "Account":
                    self.positions.on_account(fact, self.now_ns)
                case "Snapshot":
                    self.positions.on_snapshot(fact, self.now_ns)
                    fills = self.positions.fills
                case "Quote":
                    self.marks.on_quote(fact)
            self.book.on_account(self.positions.state(), fills)

    def pnl(self, now_ns: int | None = None) -> PnlState:
        return self.book.pnl(self.marks, self.now_ns if now_ns is None else now_ns)


# --- worked examples of the broker's own figures --------------------------------------------


def test_fifteen_micro_dows_up_74_ticks_earn_555_less_the_costs_of_both_half_turns() -> None:
    desk = Desk()
    opening = fill(7001, 15, 49909, contract=MYM, costs="9.30")

    desk.see(
        opening,
        position(15, 49909, contract=MYM),
        quote(MYM, bid=49983, ask=49984),
    )
    held = desk.pnl()
    desk.see(
        fill(7002, -15, 49983, contract=MYM, profit="555.00", costs="9.30"),
        opening,
        position(0, 49909, contract=MYM),
        account_row("150721.08"),
    )
    closed = desk.pnl()

    assert held.realized_usd == dec("-9.30")
    assert held.unrealized_usd == dec("555.00")
    assert held.equity_usd == dec("545.70")
    assert closed.realized_usd == closed.equity_usd == dec("536.40")
    assert closed.unrealized_usd == 0
    assert closed.costs_usd == dec("18.60")
    # The balance after the opening half-turn moves by the closing one's net alone.
    assert dec("150175.38") + dec("555") - dec("9.30") == dec("150721.08")
    assert desk.positions.state().balance_usd == dec("150721.08")
    assert (closed.trades, closed.entries) == (1, 1)


def test_fifteen_bonds_short_stopped_one_tick_away_lose_468_75_and_the_costs() -> None:
    desk = Desk()
    opening = fill(1, -15, "113.46875", contract=ZB, costs="20.85")

    desk.see(
        opening,
        position(-15, "113.46875", contract=ZB),
        quote(ZB, bid="113.46875", ask="113.5"),
    )
    held = desk.pnl()
    desk.see(
        fill(2, 15, "113.5", contract=ZB, profit="-468.75", costs="20.85"),
        opening,
        position(0, "113.46875", contract=ZB),
    )

    assert held.unrealized_usd == dec("-468.75")
    assert held.equity_usd == dec("-489.60")
    assert desk.pnl().realized_usd == dec("-510.45")
    assert desk.pnl().costs_usd == dec("41.70")


# --- every documented order of events -------------------------------------------------------


def test_i8_in_every_order_of_a_closes_events_the_p_and_l_is_never_half_counted() -> None:
    opening = fill(1, 15, 49909, contract=MYM, order_id=6, costs="9.30")
    events = {
        "trade": fill(2, -15, 49983, contract=MYM, order_id=7, profit="555.00", costs="9.30"),
        "opening again": opening,
        "order": order(7, SELL, 15, contract=MYM, status=OrderStatus.FILLED, filled=15),
        "position": position(0, 49909, contract=MYM),
        "account": account_row("150721.08"),
    }
    before, after = dec("545.70"), dec("536.40")

    for names in itertools.permutations(events):
        desk = Desk()
        desk.see(opening, position(15, 49909, contract=MYM))
        desk.see(quote(MYM, bid=49983, ask=49984), order(7, SELL, 15, contract=MYM))
        assert desk.pnl().equity_usd == before

        for number, name in enumerate(names):
            desk.see(events[name])
            come = set(names[: number + 1])
            if come >= {"trade", "position"}:
                assert desk.pnl().equity_usd == after, names
            elif come & {"trade", "position", "order"}:
                assert desk.pnl().equity_usd is None, names
                assert desk.pnl().unknown_reason, names
            else:
                assert desk.pnl().equity_usd == before, names

        assert desk.pnl().realized_usd == after


@pytest.mark.parametrize("names", ["trade order position", "order trade position"])
def test_the_two_orders_seen_live_are_unknown_between_and_right_at_the_end(names: str) -> None:
    events = {
        "trade": fill(1, 2, 20000, order_id=7, costs="1.24"),
        "order": order(7, BUY, 2, status=OrderStatus.FILLED, filled=2),
        "position": position(2, 20000),
    }
    desk = Desk()
    desk.see(quote(bid="19999.75", ask=20000))

    seen = []
    for name in names.split():
        desk.see(events[name])
        seen.append(desk.pnl().equity_usd)

    # 2 lots, a tick of the spread, and the costs.
    assert seen == [None, None, dec("-2.24")]


def test_what_was_realised_stays_known_while_a_fill_settles() -> None:
    desk = Desk()
    desk.see(fill(1, 1, 20000, costs="0.62"), position(1, 20000), quote(bid=20010))

    desk.see(position(0, 20000))
    desk_unsettled = desk.pnl()
    desk.see(fill(2, -1, 20010, profit=20, costs="0.62"))

    assert desk_unsettled.realized_usd == dec("-0.62")
    assert desk_unsettled.equity_usd is None
    assert desk_unsettled.unknown_reason == "MNQ: fills and reported position differ"
    assert desk.pnl().equity_usd == dec("18.76")


def test_a_voided_fill_makes_p_and_l_unknown_until_a_snapshot_and_is_taken_out() -> None:
    desk = Desk()
    closing = fill(2, -1, 20010, profit=20, costs="0.62")
    desk.see(fill(1, 1, 20000, costs="0.62"), position(1, 20000), quote(bid=20010, ask=20011))
    desk.see(closing, position(0, 20000))
    assert desk.pnl().equity_usd == dec("18.76")

    voided = fill(2, -1, 20010, profit=20, costs="0.62", voided=True)
    desk.see(voided)
    unknown = desk.pnl()
    desk.now_ns += MS
    desk.see(
        snapshot(
            desk.now_ns,
            positions=(position(1, 20000),),
            fills=(fill(1, 1, 20000, costs="0.62"), voided),
        )
    )

    assert unknown.equity_usd is None
    assert unknown.unknown_reason == "fill 2 was voided"
    assert desk.pnl().realized_usd == dec("-0.62")
    assert desk.pnl().equity_usd == dec("19.38")


def test_awaited_fills_are_the_reason_that_p_and_l_is_unknown() -> None:
    desk = Desk()
    desk.see(order(7, BUY, 1, status=OrderStatus.FILLED, filled=1))

    assert desk.pnl().equity_usd is None
    assert desk.pnl().unknown_reason == f"fills in {MNQ} have not come yet"


# --- counting fills -------------------------------------------------------------------------


def test_each_fill_counts_once_however_often_it_is_told() -> None:
    desk = Desk()
    first = fill(1, 1, 20000, costs="0.62")
    closing = fill(2, -1, 20010, profit=20, costs="0.62")

    for _ in range(3):
        desk.see(first, closing, position(0, 20000))
        desk.see(snapshot(desk.now_ns, fills=(first, closing)))
        desk.now_ns += S

    assert desk.pnl().realized_usd == dec("18.76")
    assert desk.pnl().costs_usd == dec("1.24")


def test_i7_a_close_whose_profit_was_not_told_is_no_close_that_made_nothing() -> None:
    desk = Desk(book(positions=(position(1, 20000),)))

    desk.see(fill(2, -1, 20010, costs="0.62"), position(0, 20000))

    unknown = desk.pnl()
    assert (unknown.realized_usd, unknown.balance_usd) == (None, None)
    assert unknown.unknown_reason == "the broker has not told the profit of a close"


def test_a_profit_told_later_is_added_once() -> None:
    desk = Desk(book(positions=(position(1, 20000),)))

    desk.see(fill(2, -1, 20010, costs="0.62"), position(0, 20000))
    desk.see(fill(2, -1, 20010, profit=20, costs="0.62"))
    desk.see(fill(2, -1, 20010, profit=20, costs="0.62"))

    assert desk.pnl().realized_usd == dec("19.38")


def test_fills_of_other_contracts_add_up() -> None:
    desk = Desk()

    desk.see(
        fill(1, 1, 20000, costs="0.62"),
        position(1, 20000),
        fill(2, -2, 5000, contract=ES, costs="2.80"),
        position(-2, 5000, contract=ES),
        quote(MNQ, bid=20010, ask=20011),
        quote(ES, bid=5001, ask="5001.25"),
    )

    # +10 points of MNQ at 2 dollars, -1.25 points of two ES at 50 dollars.
    assert desk.pnl().unrealized_usd == 20 - 125
    assert desk.pnl().equity_usd == dec("-108.42")
    assert desk.book.contracts == {MNQ, ES}


# --- marks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "prices", "mark"),
    [
        (1, {"bid": 10, "ask": 11, "last": 12}, 10),
        (-1, {"bid": 10, "ask": 11, "last": 12}, 11),
        (1, {"ask": 11, "last": 12}, 12),
        (-1, {"bid": 10, "last": 12}, 12),
        (1, {"last": 12}, 12),
        (1, {"ask": 11}, None),
        (-1, {"bid": 10}, None),
        (1, {}, None),
    ],
)
def test_a_position_is_marked_to_the_side_it_would_exit_at(
    size: int, prices: dict[str, int], mark: int | None
) -> None:
    marks = Marks(STALE_AFTER_NS)
    marks.on_quote(quote(**prices))

    found = marks.exit_price(MNQ, size, NOON)

    if mark is None:
        assert found == "no price on the side to exit at"
    else:
        assert found == mark


@pytest.mark.parametrize(
    ("quoted_ns", "now_ns", "is_known"),
    [
        (NOON, NOON + STALE_AFTER_NS, True),
        (NOON, NOON + STALE_AFTER_NS + 1, False),
        # In a closed market the last price stands.
        (at(2026, 11, 17, 15, 59), at(2026, 11, 17, 16, 30), True),
        (at(2026, 11, 20, 15, 59), at(2026, 11, 22, 16, 59), True),
        (at(2026, 11, 20, 15, 59), at(2026, 11, 22, 17) + STALE_AFTER_NS + 1, False),
    ],
)
def test_i7_a_stale_price_is_no_price_while_the_market_is_open(
    quoted_ns: int, now_ns: int, *, is_known: bool
) -> None:
    marks = Marks(STALE_AFTER_NS)
    marks.on_quote(quote(bid=20000, ask=20001, at_ns=quoted_ns))

    found = marks.exit_price(MNQ, 1, now_ns)

    assert found == (20000 if is_known else "the last price is stale")


@pytest.mark.parametrize(
    "prices",
    [
        {"bid": 0},
        {"ask": -1},
        {"last": 0},
        {"bid": 11, "ask": 10},
        {"bid": Decimal("NaN")},
        {"bid": 10, "ask": Decimal("Infinity")},
        {"last": Decimal("sNaN")},
    ],
)
def test_i10_an_impossible_price_is_dropped_and_counted(prices: dict[str, Any]) -> None:
    marks = Marks(STALE_AFTER_NS)
    marks.on_quote(quote(bid=9, ask=10))

    assert not marks.on_quote(quote(**prices))
    assert marks.impossible == 1
    assert marks.exit_price(MNQ, 1, NOON) == 9


def test_a_locked_book_is_possible() -> None:
    marks = Marks(STALE_AFTER_NS)

    assert marks.on_quote(quote(bid=10, ask=10))
    assert marks.impossible == 0


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ((), "MNQ: no price yet"),
        ((quote(ask=20000),), "MNQ: no price on the side to exit at"),
        ((quote(bid=20000, at_ns=NOON - 11 * S),), "MNQ: the last price is stale"),
    ],
)
def test_i7_without_a_price_the_equity_is_unknown_and_says_why(
    facts: tuple[Any, ...], reason: str
) -> None:
    desk = Desk(book(positions=(position(1, 20000),)))
    desk.see(*facts)

    state = desk.pnl()

    assert state.unrealized_usd is None
    assert state.equity_usd is None
    assert state.week_equity_usd is None
    assert state.realized_usd == 0
    assert state.unknown_reason == reason
    assert state.positions[0].unknown_reason == reason


def test_one_unknown_position_makes_the_whole_unrealised_unknown() -> None:
    desk = Desk(book(positions=(position(1, 20000), position(1, 5000, contract=ES))))
    desk.see(quote(MNQ, bid=20010))

    state = desk.pnl()

    assert state.unrealized_usd is None
    assert [each.unrealized_usd for each in state.positions] == [20, None]


def test_an_unlisted_product_is_unknown_until_the_broker_tells_its_ticks() -> None:
    desk = Desk(book(positions=(position(2, "450.00", contract=CORN),)))
    desk.see(quote(CORN, bid="451.25"))
    before = desk.pnl()

    desk.marks.on_instrument(
        Instrument(
            contract_id=CORN, symbol="ZC", tick_size=dec("0.25"), tick_value_usd=dec("12.50")
        )
    )

    assert before.unknown_reason == "ZCE: tick size and value are not known"
    assert before.equity_usd is None
    assert desk.pnl().unrealized_usd == 125


def test_the_brokers_ticks_overrule_the_catalogue() -> None:
    desk = Desk(book(positions=(position(1, 110, contract=ZN),)))
    desk.see(quote(ZN, bid="110.015625"))
    by_catalogue = desk.pnl().unrealized_usd

    desk.marks.on_instrument(
        Instrument(contract_id=ZN, symbol="ZN", tick_size=dec("0.015625"), tick_value_usd=dec("10"))
    )

    assert by_catalogue == dec("15.625")
    assert desk.pnl().unrealized_usd == 10


def test_before_the_account_was_read_all_is_unknown() -> None:
    desk = Desk(PositionBook(ACCOUNT, NAME, chicago_calendar().day(NOON)))
    desk.see(fill(1, 1, 20000, costs="0.62"))

    state = desk.pnl()

    assert state.realized_usd is None
    assert state.equity_usd is None
    assert state.week_realized_usd is None
    assert state.unknown_reason == "the day's fills have not been read yet"


def test_an_account_never_heard_of_is_unknown() -> None:
    made = PnlBook(ACCOUNT, chicago_calendar(), NOON)

    state = made.pnl(Marks(STALE_AFTER_NS), NOON)

    assert state.equity_usd is None
    assert state.unknown_reason == "the day's fills have not been read yet"
    assert made.contracts == frozenset()


# --- day and week ---------------------------------------------------------------------------

RESET = at(2026, 11, 17, 17)
WEEK_RESET = at(2026, 11, 22, 17)


def test_a_fill_belongs_to_the_day_of_the_brokers_timestamp() -> None:
    desk = Desk(now_ns=RESET - S)
    fills = (
        fill(1, 1, 100, at_ns=at(2026, 11, 16, 17) - 1, profit=-1000),
        fill(2, 1, 100, at_ns=at(2026, 11, 16, 17), profit=-100),
        fill(3, 1, 100, at_ns=RESET - 1, profit=-10),
        fill(4, 1, 100, at_ns=at(2026, 11, 15, 17) - 1, profit=-7000),
    )
    desk.see(snapshot(desk.now_ns, fills=fills))

    assert desk.pnl().realized_usd == -110
    assert desk.pnl().week_realized_usd == -1110
    assert desk.pnl().day_start_ns == desk.book.day.start_ns == at(2026, 11, 16, 17)
    assert desk.pnl().week_start_ns == at(2026, 11, 15, 17)


def test_at_the_reset_the_day_starts_from_zero_and_the_week_goes_on() -> None:
    desk = Desk(now_ns=RESET - S)
    desk.see(
        fill(1, 1, 100, at_ns=RESET - S, costs=1), fill(2, -1, 90, profit=-20, at_ns=RESET - 1)
    )
    desk.see(position(0, 100))
    before = desk.pnl()

    assert not desk.book.on_clock(RESET - 1)
    assert desk.book.on_clock(RESET)
    assert not desk.book.on_clock(RESET)
    after = desk.pnl()

    assert before.realized_usd == -21
    assert after.realized_usd == 0
    assert after.costs_usd == 0
    assert after.week_realized_usd == -21
    assert after.day_start_ns == RESET
    # The counters are still yesterday's until the account has crossed the reset too.
    assert (before.trades, before.entries) == (1, 1)
    assert (after.trades, after.entries) == (0, 0)


def test_a_reset_that_is_told_late_turns_no_book_back() -> None:
    """A PC that slept from one week into the next tells the week's reset, then the day's."""
    desk = Desk(now_ns=WEEK_RESET - S)
    tuesday_ns = WEEK_RESET + 48 * H
    desk.book.on_clock(tuesday_ns)

    moved = desk.book.on_clock(WEEK_RESET)

    assert not moved
    assert desk.book.day.contains(tuesday_ns)


def test_at_the_weekly_reset_both_start_from_zero() -> None:
    now_ns = WEEK_RESET - S
    desk = Desk(now_ns=now_ns)
    desk.see(fill(1, 1, 100, profit=-20, at_ns=now_ns), position(1, 100))

    desk.book.on_clock(WEEK_RESET)

    assert desk.pnl().realized_usd == 0
    assert desk.pnl().week_realized_usd == 0
    assert desk.pnl().week_start_ns == WEEK_RESET


def test_a_fill_of_yesterday_that_comes_after_the_reset_counts_in_the_week_alone() -> None:
    desk = Desk(now_ns=RESET + S)

    desk.see(fill(1, 1, 100, profit=-20, at_ns=RESET - 1))

    assert desk.pnl().realized_usd == 0
    assert desk.pnl().week_realized_usd == -20


def test_a_fill_of_the_next_day_makes_today_unknown_until_the_reset() -> None:
    # A gain of 300 is closed on the broker's clock after the reset, on ours just before it:
    # without the gain, and without its position, the old day would look 300 worse than it was.
    now_ns = RESET - 20 * MS
    desk = Desk(now_ns=now_ns)
    desk.see(
        fill(1, 1, 20100, profit=-400, at_ns=now_ns - H),
        fill(2, 1, 20000, at_ns=now_ns - S),
        position(2, 20000),
    )
    desk.see(fill(3, -2, 20150, profit=300, at_ns=RESET), position(0, 20000))
    before = desk.pnl()

    desk.book.on_clock(RESET)

    assert before.equity_usd is None
    assert before.unknown_reason == "fills of the next trading day have come already"
    assert desk.pnl().equity_usd == 300
    assert desk.pnl().week_realized_usd == -100


def test_a_position_held_over_the_reset_keeps_its_entry() -> None:
    desk = Desk(now_ns=RESET - S)
    desk.see(fill(1, 1, 20000, costs=1, at_ns=RESET - S), position(1, 20000))

    desk.book.on_clock(RESET)
    desk.see(quote(bid=20010, at_ns=RESET))

    assert desk.pnl(RESET).realized_usd == 0
    assert desk.pnl(RESET).equity_usd == 20
    assert desk.pnl(RESET).week_equity_usd == 19


def test_a_daily_reset_that_is_earlier_than_the_weekly_one_loses_no_fill() -> None:
    calendar = chicago_calendar(weekly="0 0 * * SUN")
    sunday_ns = at(2026, 11, 22)
    made = PnlBook(ACCOUNT, calendar, sunday_ns - H)
    desk = Desk(now_ns=sunday_ns - H)
    made.on_account(desk.positions.state(), [fill(1, 1, 100, profit=-20, at_ns=sunday_ns - H)])

    made.on_clock(sunday_ns)

    state = made.pnl(desk.marks, sunday_ns)
    assert state.realized_usd == -20
    assert state.week_realized_usd == 0


def test_a_fill_whose_time_is_put_right_is_of_the_next_day_no_more() -> None:
    desk = Desk()
    desk.see(fill(1, 1, 20000, at_ns=NOON + 30 * H), position(1, 20000), quote(bid=20010))
    before = desk.pnl()

    right = fill(1, 1, 20000)
    desk.book.on_account(desk.positions.state(), [right])

    assert before.unknown_reason == "fills of the next trading day have come already"
    assert desk.pnl().unknown_reason is None
    assert desk.pnl().equity_usd == 20


def test_only_after_a_whole_snapshot_is_a_fill_that_the_next_one_brings_missed() -> None:
    made = PnlBook(ACCOUNT, chicago_calendar(), NOON)
    read = Desk().positions.state()
    unread = msgspec.structs.replace(read, has_all_fills=False)
    first, second = fill(1, 1, 100, at_ns=NOON - 60 * S), fill(2, 1, 100, at_ns=NOON - 50 * S)
    last_week = fill(3, 1, 100, at_ns=NOON - 200 * H)

    at_start = made.missed_since_ns([first])
    made.on_account(unread, [])
    without_fills = made.missed_since_ns([first])
    made.on_account(read, [first])

    assert (at_start, without_fills) == (None, None)
    assert made.missed_since_ns([first, last_week]) is None
    assert made.missed_since_ns([first, second, last_week]) == second.at_ns
