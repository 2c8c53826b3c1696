"""Marks over contracts: which wait, what is counted, and what a position is marked at meanwhile."""

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from core.builders import CORN, ES, MNQ, MS, NOON, ZN, S, at, dec, quote

from risk_actors.core.holidays import Holiday
from risk_actors.core.instruments import CATALOGUE, Instrument
from risk_actors.core.mark_filter import CONFIRM_NS, DropReason
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.marks import SHIPPED_TERMS, Marks, MarkTerms
from risk_actors.core.price_bounds import BOUNDS, DEFAULT_BOUNDS, TickBounds, bounds_of

STALE_AFTER_NS = 10 * S

EURO = "CON.F.US.EU6.Z26"
BITCOIN = "CON.F.US.MBT.Z26"


def marks(**terms: Any) -> Marks:
    return Marks(STALE_AFTER_NS, MarkTerms(**terms))


def hear(made: Marks, contract: str, bid: Any, ask: Any, now_ns: int = NOON, **more: Any) -> bool:
    return made.on_quote(quote(contract, bid=bid, ask=ask, at_ns=now_ns, **more), now_ns)


def test_a_surprising_price_of_one_contract_leaves_the_others_alone() -> None:
    made = marks()
    hear(made, ES, 6000, 6000.25)
    hear(made, MNQ, 25000, 25000.25)

    assert not hear(made, ES, 600, 600.25)
    assert hear(made, MNQ, 25001, 25001.25)

    assert made.counts().waiting == (ES,)
    assert made.exit_price(ES, 1, NOON) == 6000
    assert made.exit_price(MNQ, 1, NOON) == 25001
    assert made.on_tick(NOON + CONFIRM_NS) == (ES,)
    assert made.exit_price(ES, -1, NOON) == dec("600.25")
    assert made.counts().waiting == ()


@pytest.mark.parametrize("confirm_ms", [1, 200, 500])
def test_the_wait_is_as_long_as_the_settings_say_and_begins_when_the_quote_is_heard(
    confirm_ms: int,
) -> None:
    made = marks(confirm_ns=confirm_ms * MS)
    hear(made, ES, 6000, 6000.25)
    late = quote(ES, bid=5900, ask=5900.25, at_ns=NOON - 4 * S)
    made.on_quote(late, NOON + 1)

    end_ns = NOON + 1 + confirm_ms * MS
    early, due, again = made.on_tick(end_ns - 1), made.on_tick(end_ns), made.on_tick(end_ns + 1)

    assert (early, due, again) == ((), (ES,), ())


def test_what_became_of_every_quote_is_counted() -> None:
    made = marks()
    hear(made, ES, 6000, 6000.25)
    hear(made, ES, 6000, 6000.1)
    hear(made, ES, 0, 6000.25)
    hear(made, ES, 6001, 6000)
    hear(made, ES, "NaN", 6000)
    hear(made, ES, 6000, 6000.25, NOON - 6 * S)
    hear(made, ES, 5900, 5900.25)
    hear(made, ES, 6000, 6000.25)
    hear(made, MNQ, 25000, 25000.25)
    hear(made, MNQ, 24000, 24000.25)
    hear(made, MNQ, 24000, 24000.5)
    hear(made, MNQ, 25000, 25000.25)

    counts = made.counts()

    assert counts.dropped == {
        "off the tick grid": 1,
        "not positive": 1,
        "crossed": 1,
        "not finite": 1,
        "older than the one before": 1,
        "contradicted": 1,
    }
    assert made.impossible == 4
    assert (counts.surprising, counts.confirmed, counts.unanswered) == (3, 1, 0)
    assert counts.waiting == (MNQ,)


def test_every_reason_is_counted_from_the_start() -> None:
    assert marks().counts().dropped == dict.fromkeys([reason.value for reason in DropReason], 0)


def test_while_a_price_waits_the_mark_before_stands_and_grows_stale() -> None:
    made = marks()
    hear(made, ES, 6000, 6000.25)
    half_ns = NOON + STALE_AFTER_NS // 2
    hear(made, ES, 5000, 5000.25, half_ns)

    stands = made.exit_price(ES, 1, NOON + STALE_AFTER_NS)
    stale = made.exit_price(ES, 1, NOON + STALE_AFTER_NS + 1)

    assert (stands, stale) == (6000, "the last price is stale")


def test_i7_a_first_price_that_waits_is_no_price_and_says_so() -> None:
    made = marks()
    made.on_entry_price(ES, Decimal(6000))
    none = made.exit_price(ES, 1, NOON)
    hear(made, ES, 600, 600.25)

    assert none == "no price yet"
    assert made.exit_price(ES, 1, NOON) == "the first price is not confirmed yet"
    assert hear(made, ES, 6000, 6000.25)
    assert made.exit_price(ES, 1, NOON) == 6000


def test_a_position_without_a_price_of_its_own_vouches_for_nothing() -> None:
    made = marks()
    made.on_entry_price(ES, Decimal(0))

    assert hear(made, ES, 6000, 6000.25)


@pytest.mark.parametrize(
    ("symbol_of_bounds", "bid", "is_believed"),
    [
        # ES jumps 0.08 % at most: 4.80 at 6000.
        (None, "5995.25", True),
        (None, "5995.00", False),
        ("ES", "5999.50", True),
        ("ES", "5999.25", False),
        ("NQ", "5995.25", True),
    ],
)
def test_the_traders_own_bounds_come_before_ours(
    symbol_of_bounds: str | None, bid: str, *, is_believed: bool
) -> None:
    own = {} if symbol_of_bounds is None else {symbol_of_bounds: TickBounds(jump_ticks=2)}
    made = marks(own_bounds=own)
    hear(made, ES, 6000, 6000.25)

    assert hear(made, ES, bid, dec(bid) + dec("0.25")) is is_believed


def test_own_bounds_may_change_the_spread_alone() -> None:
    bounds = bounds_of("ES", {"ES": TickBounds(spread_ticks=9)})

    assert (bounds.spread_ticks, bounds.spread_share) == (9, 0)
    assert (bounds.jump_ticks, bounds.jump_share) == (
        BOUNDS["ES"].jump_ticks,
        BOUNDS["ES"].jump_share,
    )


def test_the_brokers_word_on_ticks_brings_grid_and_bounds_to_an_unlisted_product() -> None:
    made = marks()
    hear(made, CORN, 450, "450.10")
    odd_before = made.impossible
    made.on_instrument(
        Instrument(
            contract_id=CORN, symbol="ZC", tick_size=dec("0.25"), tick_value_usd=dec("12.50")
        )
    )
    hear(made, CORN, 450, "450.10")

    assert (odd_before, made.impossible) == (0, 1)
    # 0.3 % is 1.35, and eight ticks are 2.00.
    assert hear(made, CORN, 448, "448.25")
    assert not hear(made, CORN, "445.75", 446)


def test_every_product_of_the_catalogue_has_bounds_of_its_own() -> None:
    assert {listing.symbol for listing in CATALOGUE} == set(BOUNDS)
    assert bounds_of("unheard of") is DEFAULT_BOUNDS


@pytest.mark.parametrize(
    ("contract", "symbol", "quoted_ns", "now_ns", "is_known"),
    [
        # Thanksgiving: shares halt at noon and reopen at 17:00, currencies go on until 16:00.
        (MNQ, "MNQ", at(2026, 11, 26, 11, 59), at(2026, 11, 26, 12) - 1, False),
        (MNQ, "MNQ", at(2026, 11, 26, 11, 59), at(2026, 11, 26, 12), True),
        (MNQ, "MNQ", at(2026, 11, 26, 11, 59), at(2026, 11, 26, 16, 59), True),
        (MNQ, "MNQ", at(2026, 11, 26, 11, 59), at(2026, 11, 26, 17) + STALE_AFTER_NS, True),
        (MNQ, "MNQ", at(2026, 11, 26, 11, 59), at(2026, 11, 26, 17) + STALE_AFTER_NS + 1, False),
        (EURO, "6E", at(2026, 11, 26, 11, 59), at(2026, 11, 26, 12, 5), False),
        # Shares close early on the day after.
        (MNQ, "MNQ", at(2026, 11, 27, 12, 14), at(2026, 11, 27, 12, 15) - 1, False),
        (MNQ, "MNQ", at(2026, 11, 27, 12, 14), at(2026, 11, 27, 12, 15), True),
        (MNQ, "MNQ", at(2026, 11, 27, 12, 14), at(2026, 11, 29, 17), True),
        # Corn pauses from 7:45 to 8:30, and closes at 13:20 until 19:00.
        (CORN, "ZC", at(2026, 11, 17, 7, 44), at(2026, 11, 17, 8), True),
        (CORN, "ZC", at(2026, 11, 17, 7, 44), at(2026, 11, 17, 8, 30) + STALE_AFTER_NS + 1, False),
        (CORN, "ZC", at(2026, 11, 17, 13, 19), at(2026, 11, 17, 18, 59), True),
        # Unless the broker has said what it is, it counts as open when most markets are.
        (CORN, None, at(2026, 11, 17, 7, 44), at(2026, 11, 17, 8), False),
        # The daily pause, and Sunday's opening.
        (MNQ, "MNQ", at(2026, 11, 17, 15, 59), at(2026, 11, 17, 16, 30), True),
        (MNQ, "MNQ", at(2026, 11, 17, 15, 59), at(2026, 11, 17, 17) + STALE_AFTER_NS, True),
        (MNQ, "MNQ", at(2026, 11, 17, 15, 59), at(2026, 11, 17, 17) + STALE_AFTER_NS + 1, False),
        (MNQ, "MNQ", at(2026, 11, 20, 15, 59), at(2026, 11, 22, 17) - 1, True),
        (MNQ, "MNQ", at(2026, 11, 20, 15, 59), at(2026, 11, 22, 17) + STALE_AFTER_NS, True),
        (MNQ, "MNQ", at(2026, 11, 20, 15, 59), at(2026, 11, 22, 17) + STALE_AFTER_NS + 1, False),
        # A quote of the new session is as old as it is; in an open market silence is a dead feed.
        (MNQ, "MNQ", at(2026, 11, 17, 17) + S, at(2026, 11, 17, 17) + S + STALE_AFTER_NS, True),
        (MNQ, "MNQ", at(2026, 11, 17, 17) + S, at(2026, 11, 17, 17, 1), False),
        (MNQ, "MNQ", NOON, NOON + STALE_AFTER_NS, True),
        (MNQ, "MNQ", NOON, NOON + STALE_AFTER_NS + 1, False),
        # Bitcoin has no pause since the summer of 2026.
        (BITCOIN, "MBT", at(2026, 11, 21, 11, 59), at(2026, 11, 21, 12), False),
    ],
)
def test_i7_only_while_its_own_market_is_open_a_price_grows_stale(
    contract: str, symbol: str | None, quoted_ns: int, now_ns: int, *, is_known: bool
) -> None:
    made = marks()
    if symbol is not None:
        made.on_instrument(
            Instrument(
                contract_id=contract,
                symbol=symbol,
                tick_size=dec("0.25"),
                tick_value_usd=dec("0.50"),
            )
        )
    hear(made, contract, 450, "450.25", quoted_ns)

    found = made.exit_price(contract, 1, now_ns)

    assert found == (450 if is_known else "the last price is stale")


@pytest.mark.parametrize(
    ("later", "is_known"),
    [
        # The same again, as a new connection tells it: the market is closed, and not stale.
        ((450, 450, 450), True),
        # It trades, whatever the calendar says.
        ((450, 451, 452), False),
        # The first after the close may be the last of the session.
        ((451, 451, 451), True),
    ],
)
def test_i7_a_market_that_trades_is_open_whatever_the_calendar_says(
    later: tuple[int, ...], *, is_known: bool
) -> None:
    made = marks()
    saturday_ns = at(2026, 11, 21, 10)
    hear(made, MNQ, 450, "450.25", at(2026, 11, 20, 15, 59))
    for second, price in enumerate(later):
        now_ns = saturday_ns + second * S
        hear(made, MNQ, price, dec(price) + dec("0.25"), now_ns, last=price)
    last_ns = saturday_ns + 2 * S
    assert made.exit_price(MNQ, 1, last_ns + STALE_AFTER_NS) == later[-1]
    found = made.exit_price(MNQ, 1, last_ns + STALE_AFTER_NS + 1)
    assert found == (later[-1] if is_known else "the last price is stale")
    # Long after the last trade the calendar is believed again.
    assert made.exit_price(MNQ, 1, last_ns + 2 * 3600 * S) == later[-1]


def test_the_traders_own_holidays_close_a_market_too() -> None:
    early = MarketCalendar([Holiday(day=date(2026, 11, 17), closes=time(11))])
    made = Marks(STALE_AFTER_NS, market=early)
    hear(made, MNQ, 20000, "20000.25", at(2026, 11, 17, 10, 59))

    assert made.exit_price(MNQ, 1, at(2026, 11, 17, 11) - 1) == "the last price is stale"
    assert made.exit_price(MNQ, 1, NOON) == 20000


def test_after_the_pause_of_the_market_a_gap_surprises_nobody() -> None:
    made = marks()
    hear(made, ZN, 110, "110.015625", at(2026, 11, 17, 15, 59))

    assert hear(made, ZN, 108, "108.015625", at(2026, 11, 17, 17))


def test_without_terms_only_what_is_impossible_is_dropped() -> None:
    made = Marks(STALE_AFTER_NS)
    hear(made, ES, 6000, 6000.25)

    assert hear(made, ES, 600, 700)
    assert not hear(made, ES, 600, 500)
    assert made.on_tick(NOON + S) == ()
    assert SHIPPED_TERMS.confirm_ns == CONFIRM_NS
