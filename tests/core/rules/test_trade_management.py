"""Rule 019: move the stop of a position in profit to break-even, and let it trail the price."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    CORN,
    ES,
    MNQ,
    NOON,
    SELL,
    ZN,
    account,
    at,
    dec,
    fill,
    held,
    judge,
    order,
    position,
    quote,
    rule,
    snapshot,
    stop,
    worth,
)
from core.desk import RuleDesk

from risk_actors.core.account_state import OpenPosition
from risk_actors.core.broker import Order, OrderStatus, OrderType
from risk_actors.core.pnl_state import PnlState, PositionPnl
from risk_actors.core.verdict import Ok, StopMove, Unknown, Verdict

TICK = Decimal("0.25")


def managed(**settings: Any) -> Any:
    return rule("trade_management", **settings)


BREAKEVEN = {"breakeven_after_ticks": 20, "offset_ticks": 2}
TRAIL = {"trail_after_ticks": 40, "trail_ticks": 20}


def at_entry(
    size: int, entry: str | float = 20000, contract: str = MNQ, **terms: Any
) -> OpenPosition:
    price = dec(entry)
    return msgspec.structs.replace(
        held(size, contract=contract, **terms), average_price=price, fills_average_price=price
    )


def valued(
    *positions: OpenPosition, orders: tuple[Order, ...] = (), marks: dict[str, Any], day: int = 1
) -> PnlState:
    """Return an account with a mark per contract; a text is why there is none."""
    fact = worth(50000, account=account(*positions, orders=orders), day=day)
    shown = tuple(
        PositionPnl(
            contract_id=p.contract_id,
            unrealized_usd=None,
            mark_price=None if isinstance(marks[p.contract_id], str) else dec(marks[p.contract_id]),
            unknown_reason=(
                marks[p.contract_id] if isinstance(marks[p.contract_id], str) else None
            ),
        )
        for p in positions
    )
    return msgspec.structs.replace(fact, positions=shown)


def long_at(mark: Any, stop_price: Any = 19990, size: int = 2, **settings: Any) -> Any:
    """Return where the stop of a long from 20,000 is moved to, None if nowhere."""
    fact = valued(at_entry(size), orders=(stop(7, SELL, size, stop_price),), marks={MNQ: dec(mark)})
    return only_move(judge(managed(**settings), fact))


def short_at(mark: Any, stop_price: Any = 20010, size: int = 2, **settings: Any) -> Any:
    fact = valued(at_entry(-size), orders=(stop(7, BUY, size, stop_price),), marks={MNQ: dec(mark)})
    return only_move(judge(managed(**settings), fact))


def moves_of(verdict: Verdict) -> tuple[StopMove, ...]:
    assert isinstance(verdict, Ok), verdict
    return verdict.stop_moves


def only_move(verdict: Verdict) -> Decimal | None:
    moves = moves_of(verdict)
    if not moves:
        return None
    (move,) = moves
    assert (move.order_id, move.contract_id) == (7, MNQ)
    return move.stop_price


@pytest.mark.parametrize(
    ("gain_ticks", "expected"),
    [(-50, None), (0, None), (19, None), (20, 2), (21, 2), (100, 2)],
)
def test_break_even_from_the_gain_on(gain_ticks: int, expected: int | None) -> None:
    moved_long = long_at(20000 + gain_ticks * TICK, **BREAKEVEN)
    moved_short = short_at(20000 - gain_ticks * TICK, **BREAKEVEN)

    if expected is None:
        assert moved_long is moved_short is None
    else:
        assert moved_long == 20000 + expected * TICK
        assert moved_short == 20000 - expected * TICK


@pytest.mark.parametrize(
    ("gain_ticks", "expected"),
    [(39, None), (40, 20), (41, 21), (60, 40), (400, 380)],
)
def test_the_trail_follows_the_price(gain_ticks: int, expected: int | None) -> None:
    moved_long = long_at(20000 + gain_ticks * TICK, **TRAIL)
    moved_short = short_at(20000 - gain_ticks * TICK, **TRAIL)

    if expected is None:
        assert moved_long is moved_short is None
    else:
        assert moved_long == 20000 + expected * TICK
        assert moved_short == 20000 - expected * TICK


@pytest.mark.parametrize(("gain_ticks", "expected"), [(20, 2), (39, 2), (40, 20), (41, 21)])
def test_of_break_even_and_trail_the_one_with_less_risk_counts(
    gain_ticks: int, expected: int
) -> None:
    both = BREAKEVEN | TRAIL

    assert long_at(20000 + gain_ticks * TICK, **both) == 20000 + expected * TICK
    assert short_at(20000 - gain_ticks * TICK, **both) == 20000 - expected * TICK


def test_a_trail_that_begins_below_the_entry_is_a_stop_nearer_all_the_same() -> None:
    settings = {"trail_after_ticks": 5, "trail_ticks": 30}

    assert long_at(20000 + 5 * TICK, **settings) == 20000 - 25 * TICK
    assert long_at(20000 + 5 * TICK, stop_price=19995, **settings) is None


@pytest.mark.parametrize("already", [2, 3, 50])
def test_a_stop_is_never_moved_back(already: int) -> None:
    assert long_at(20025, stop_price=20000 + already * TICK, **BREAKEVEN) is None
    assert short_at(19975, stop_price=20000 - already * TICK, **BREAKEVEN) is None


def test_a_stop_is_moved_by_a_whole_tick_at_least() -> None:
    """A stop off the grid, less than a tick from where it should be, stays."""
    assert long_at(20025, stop_price="20000.30", **BREAKEVEN) is None
    assert long_at(20025, stop_price="20000.25", **BREAKEVEN) == Decimal("20000.5")


@pytest.mark.parametrize(
    ("entry", "size", "expected"),
    [
        ("20000.10", 2, "20000.75"),
        ("20000.25", 2, "20000.75"),
        ("20000.3333333", 3, "20001"),
        ("20000.10", -2, "19999.50"),
        ("20000.25", -2, "19999.75"),
    ],
)
def test_an_average_entry_between_ticks_goes_up_to_the_next_one_of_the_profit_side(
    entry: str, size: int, expected: str
) -> None:
    sign = 1 if size > 0 else -1
    side = SELL if size > 0 else BUY
    fact = valued(
        at_entry(size, entry),
        orders=(stop(7, side, abs(size), 20000 - sign * 50),),
        marks={MNQ: 20000 + sign * 100},
    )

    assert only_move(judge(managed(**BREAKEVEN), fact)) == Decimal(expected)


def test_a_mark_between_ticks_never_brings_the_trail_nearer() -> None:
    assert long_at("20010.10", **TRAIL) == 20005
    assert short_at("19989.90", **TRAIL) == 19995


def test_the_stop_stays_a_tick_away_from_the_price() -> None:
    """From 20000.10, break-even plus 3 ticks is 20001, where the price is: it waits."""
    near = {"breakeven_after_ticks": 4, "offset_ticks": 3}

    def target(mark: str) -> Decimal | None:
        fact = valued(
            at_entry(2, "20000.10"), orders=(stop(7, SELL, 2, 19990),), marks={MNQ: dec(mark)}
        )
        return only_move(judge(managed(**near), fact))

    assert target("20001.10") is None
    assert target("20001.20") is None
    assert target("20001.25") == 20001


def test_where_break_even_would_be_too_near_the_trail_still_works() -> None:
    settings = {
        "breakeven_after_ticks": 4,
        "offset_ticks": 3,
        "trail_after_ticks": 4,
        "trail_ticks": 10,
    }
    fact = valued(
        at_entry(2, "20000.10"), orders=(stop(7, SELL, 2, 19990),), marks={MNQ: dec("20001.10")}
    )

    assert only_move(judge(managed(**settings), fact)) == Decimal("19998.50")


@pytest.mark.parametrize(
    "unmoved",
    [
        stop(7, SELL, 2, 19990, kind=OrderType.TRAILING_STOP),
        stop(7, SELL, 2, 19990, kind=OrderType.STOP_LIMIT),
        stop(7, SELL, 2, 19990, status=OrderStatus.SUSPENDED),
        stop(7, SELL, 2, 19990, status=OrderStatus.PENDING),
        stop(7, SELL, 2, 19990, status=OrderStatus.PENDING_CANCELLATION),
        stop(7, SELL, 3, 19990),
        stop(7, BUY, 2, 20050),
        stop(7, SELL, 2, 19990, contract=ES),
        order(7, SELL, 2),
        order(7, SELL, 2, kind=OrderType.STOP),
    ],
)
def test_only_plain_working_stops_that_protect_the_position_are_moved(unmoved: Order) -> None:
    fact = valued(at_entry(2), orders=(unmoved,), marks={MNQ: 20025})

    assert moves_of(judge(managed(**BREAKEVEN), fact)) == ()


def test_every_stop_of_every_position_is_moved() -> None:
    fact = valued(
        at_entry(2),
        at_entry(-1, 5000, ES),
        orders=(
            stop(7, SELL, 1, 19990),
            stop(8, SELL, 1, 19980),
            stop(9, BUY, 1, 5010, contract=ES),
        ),
        marks={MNQ: 20025, ES: 4990},
    )

    assert moves_of(judge(managed(**BREAKEVEN), fact)) == (
        StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal("20000.5")),
        StopMove(order_id=8, contract_id=MNQ, stop_price=Decimal("20000.5")),
        StopMove(order_id=9, contract_id=ES, stop_price=Decimal("4999.5")),
    )


def test_ticks_of_a_fraction_stay_exact() -> None:
    fact = valued(
        at_entry(1, "110.015625", ZN),
        orders=(stop(7, SELL, 1, "109.5", contract=ZN),),
        marks={ZN: dec("110.328125")},
    )

    (move,) = moves_of(judge(managed(**BREAKEVEN), fact))

    assert move.stop_price == Decimal("110.046875")


def test_what_cannot_be_known_is_unknown() -> None:
    stops = (stop(7, SELL, 2, 19990),)
    judging = managed(**BREAKEVEN)
    corn = valued(
        at_entry(2, 400, CORN), orders=(stop(7, SELL, 2, 390, contract=CORN),), marks={CORN: 500}
    )
    stale = valued(at_entry(2), orders=stops, marks={MNQ: "MNQ: the last price is stale"})
    unsettled = valued(at_entry(2, fills_size=1), orders=stops, marks={MNQ: 20025})
    unread = msgspec.structs.replace(stale, account=account(is_reconciled=False))
    unseen = msgspec.structs.replace(stale, account=None)

    verdicts = [judge(judging, fact) for fact in (corn, stale, unsettled, unread, unseen)]

    assert [type(verdict) for verdict in verdicts] == [Unknown] * 5
    assert [v.evidence.sentence() for v in verdicts if isinstance(v, Unknown)] == [
        "No stop can be moved: ZCE: the tick size is not known",
        "No stop can be moved: MNQ: the last price is stale",
        "No stop can be moved: MNQ: fills and reported position differ",
        "No stop can be moved: positions have not been read from the broker yet",
        "No stop can be moved: positions have not been read from the broker yet",
    ]


@pytest.mark.parametrize(
    ("other", "mark", "why"),
    [
        (at_entry(1, 7000, ES), "ES: no price yet", "ES: no price yet"),
        (at_entry(1, 7000, ES, fills_size=2), 7100, "ES: fills and reported position differ"),
        (at_entry(1, 400, CORN), 500, "ZCE: the tick size is not known"),
    ],
    ids=["price", "size", "tick"],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_not_known_of_one_contract_holds_no_other_one_up(
    other: OpenPosition, mark: Any, why: str, *, is_first: bool
) -> None:
    stops = (stop(7, SELL, 2, 19990), stop(8, SELL, 1, 10, contract=other.contract_id))
    positions = (other, at_entry(2)) if is_first else (at_entry(2), other)
    fact = valued(*positions, orders=stops, marks={MNQ: 20005, other.contract_id: mark})

    verdict = judge(managed(**BREAKEVEN), fact)

    assert isinstance(verdict, Unknown)
    assert [(move.order_id, move.contract_id) for move in verdict.stop_moves] == [(7, MNQ)]
    assert verdict.evidence.sentence() == f"Not every stop can be moved: {why}"


def test_all_that_is_not_known_is_told() -> None:
    fact = valued(
        at_entry(2),
        at_entry(1, 7000, ES),
        orders=(stop(7, SELL, 2, 19990), stop(8, SELL, 1, 6990, contract=ES)),
        marks={MNQ: "MNQ: no price yet", ES: "ES: no price yet"},
    )

    verdict = judge(managed(**BREAKEVEN), fact)

    assert isinstance(verdict, Unknown)
    assert verdict.stop_moves == ()
    assert verdict.evidence.sentence() == (
        "No stop can be moved: MNQ: no price yet; ES: no price yet"
    )


def test_a_position_without_a_stop_needs_no_price() -> None:
    fact = valued(at_entry(2), marks={MNQ: "MNQ: the last price is stale"})

    assert judge(managed(**BREAKEVEN), fact) == Ok()


def test_nothing_open_is_ok() -> None:
    assert judge(managed(**TRAIL), worth(50000, account=account())) == Ok()


# --- on the broker's facts ------------------------------------------------------------------


def price(bid: float) -> Any:
    return quote(MNQ, bid=bid, ask=bid + 0.25)


ROWS = (
    fill(1, 1, 20000, order_id=7),
    fill(2, 1, 20000, order_id=7),
    position(2, 20000),
    stop(8, SELL, 2, 19990),
)


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_rows_of_an_entry_in_any_order_lead_to_the_same_move(rows: tuple[Any, ...]) -> None:
    desk = RuleDesk(managed(**BREAKEVEN))

    desk.see(price(20000), *rows, *rows)
    before = desk.see(price(20004.75))
    after = desk.see(price(20005))

    assert moves_of(before) == ()
    expected = (StopMove(order_id=8, contract_id=MNQ, stop_price=Decimal("20000.5")),)
    assert moves_of(after) == expected
    assert moves_of(desk.see(price(20005))) == expected


def test_once_the_row_shows_the_price_nothing_more_is_wanted() -> None:
    desk = RuleDesk(managed(**(BREAKEVEN | TRAIL)))
    desk.see(price(20000), *ROWS, price(20005))

    moved = desk.see(stop(8, SELL, 2, "20000.5", updated_ns=1))
    back = desk.see(price(20001))
    trailed = desk.see(price(20010))

    assert moves_of(moved) == moves_of(back) == ()
    assert [move.stop_price for move in moves_of(trailed)] == [20005]


def test_a_start_in_the_middle_of_a_trade_and_a_reset_change_nothing() -> None:
    evening = at(2026, 11, 17, 17) - 1_000_000_000
    desk = RuleDesk(managed(**BREAKEVEN), now_ns=evening)
    read = snapshot(
        evening, positions=(position(2, 20000, opened_ns=NOON),), orders=(stop(8, SELL, 2, 19990),)
    )

    first = desk.see(read, price(20010))
    following = desk.at(at(2026, 11, 17, 17, 1))

    assert moves_of(first) == moves_of(following) != ()


def test_two_accounts_are_judged_each_by_itself() -> None:
    judging = managed(**BREAKEVEN)
    orders = (stop(7, SELL, 2, 19990),)
    first = valued(at_entry(2), orders=orders, marks={MNQ: 20025})
    second = valued(at_entry(2, 20020), orders=orders, marks={MNQ: 20022})

    assert moves_of(judge(judging, first)) != ()
    assert moves_of(judge(judging, msgspec.structs.replace(second, account_id=102))) == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give `breakeven_after_ticks`, or"),
        ({"offset_ticks": 2}, "give `breakeven_after_ticks`, or"),
        ({"trail_after_ticks": 40}, "give both `trail_after_ticks` and `trail_ticks`"),
        ({"trail_ticks": 20}, "give both `trail_after_ticks` and `trail_ticks`"),
        (TRAIL | {"offset_ticks": 2}, "`offset_ticks` needs `breakeven_after_ticks`"),
        (
            {"breakeven_after_ticks": 5, "offset_ticks": 5},
            "`offset_ticks` must be less than `breakeven_after_ticks`",
        ),
        ({"breakeven_after_ticks": 0}, ">= 1"),
        ({"breakeven_after_ticks": 5, "offset_ticks": -1}, ">= 0"),
        (TRAIL | {"trail_ticks": 0}, ">= 1"),
        ({"breakeven_after_ticks": 2.5}, "got `float`"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        managed(**settings)


def test_the_summary_is_a_sentence() -> None:
    assert managed(**(BREAKEVEN | TRAIL)).summary() == (
        "From 20 ticks in profit, move the stop to the average entry plus 2 ticks;"
        " from 40 ticks in profit, trail the price by 20 ticks."
    )
    assert managed(breakeven_after_ticks=8).summary() == (
        "From 8 ticks in profit, move the stop to the average entry."
    )


def test_accounts_in_turn_have_their_own_stops_and_each_row_counts_at_once() -> None:
    judging = managed(**BREAKEVEN)
    marks = {MNQ: dec(20010)}
    one = valued(at_entry(2), orders=(stop(7, SELL, 2, 19990),), marks=marks)
    fact = valued(at_entry(2), orders=(stop(8, SELL, 2, 19980),), marks=marks)
    assert fact.account is not None
    other = msgspec.structs.replace(
        fact, account_id=2, account=msgspec.structs.replace(fact.account, account_id=2)
    )
    moved = valued(at_entry(2), orders=(stop(7, SELL, 2, 20005),), marks=marks)

    found = [
        [move.order_id for move in moves_of(judge(judging, each))]
        for each in (one, other, one, other, moved, other)
    ]

    assert found == [[7], [8], [7], [8], [], [8]]
