"""I10: which prices are believed. Mark 100.00 bid, 100.25 ask; 2.50 is a jump, 1.50 is wide."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import ES, MS, NOON, S, dec, quote
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.broker import Quote
from risk_actors.core.mark_filter import (
    CONFIRM_NS,
    OUT_OF_ORDER_NS,
    DropReason,
    MarkCounts,
    MarkFilter,
    Outcome,
)
from risk_actors.core.price_bounds import PriceBounds
from risk_actors.projectx.quotes import QuoteMerger

TICK = Decimal("0.25")
BOUNDS = PriceBounds(jump_share=Decimal(0), jump_ticks=10, spread_share=Decimal(0), spread_ticks=6)
BELIEVED, WAITS = Outcome.BELIEVED, Outcome.WAITS


class Feed:
    """A filter that has believed 100.00 / 100.25, last 100.00, and hears the rest."""

    def __init__(self, *, bounds: PriceBounds | None = BOUNDS, is_quiet: bool = False) -> None:
        self.counts = MarkCounts()
        self.filter = MarkFilter(self.counts, tick_size=TICK, bounds=bounds)
        self.now_ns = NOON
        self.stated: tuple[Any, Any, Any] = (None, None, None)
        if not is_quiet:
            assert self.book(100, 100.25, last=100) is BELIEVED

    def book(self, bid: Any, ask: Any, *, last: Any = ..., after_ns: int = 0) -> Any:
        """State a bid and ask; a last price that is left out is repeated, as the merger does."""
        last = self.stated[2] if last is ... else last
        return self._state(bid, ask, last, after_ns)

    def trade(self, price: Any, *, after_ns: int = 0) -> Any:
        """State a trade; bid and ask are repeated."""
        return self._state(self.stated[0], self.stated[1], price, after_ns)

    def again(self, *, after_ns: int = 1) -> Any:
        """State the same anew; after no time at all it is not stated but told once more."""
        return self._state(*self.stated, after_ns)

    def _state(self, bid: Any, ask: Any, last: Any, after_ns: int) -> Any:
        self.now_ns += after_ns
        self.stated = (bid, ask, last)
        return self.filter.take(
            quote(ES, bid=bid, ask=ask, last=last, at_ns=self.now_ns), self.now_ns
        )

    def wait(self, for_ns: int) -> bool:
        self.now_ns += for_ns
        return self.filter.expire(self.now_ns)

    @property
    def mark(self) -> tuple[Any, Any]:
        level = self.filter.level
        return (None, None) if level is None else (level.bid, level.ask)

    @property
    def dropped(self) -> dict[DropReason, int]:
        return {reason: count for reason, count in self.counts.dropped.items() if count}


# --- impossible -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bid", "ask", "last", "reason"),
    [
        ("NaN", "100.25", None, DropReason.NOT_FINITE),
        ("sNaN", "100.25", None, DropReason.NOT_FINITE),
        ("100", "Infinity", None, DropReason.NOT_FINITE),
        ("-Infinity", "100.25", None, DropReason.NOT_FINITE),
        ("100", "100.25", "NaN", DropReason.NOT_FINITE),
        ("0", "100.25", None, DropReason.NOT_POSITIVE),
        ("100", "-100.25", None, DropReason.NOT_POSITIVE),
        ("100", "100.25", "0", DropReason.NOT_POSITIVE),
        ("100.10", "100.25", None, DropReason.OFF_GRID),
        ("100", "100.26", None, DropReason.OFF_GRID),
        ("100", "100.25", "100.2", DropReason.OFF_GRID),
        ("100.2475", "100.25", None, None),
        ("100.2474", "100.50", None, DropReason.OFF_GRID),
        ("100.2525", "100.50", None, None),
        ("100.2526", "100.50", None, DropReason.OFF_GRID),
        ("100.50", "100.25", None, DropReason.CROSSED),
        ("100.25", "100.25", None, None),
    ],
)
def test_an_impossible_price_is_dropped_and_counted_by_reason(
    bid: str, ask: str, last: str | None, reason: DropReason | None
) -> None:
    feed = Feed()

    found = feed.book(bid, ask, last=last)

    assert found is (BELIEVED if reason is None else reason)
    assert feed.dropped == ({} if reason is None else {reason: 1})
    assert reason is None or feed.mark == (100, dec("100.25"))
    assert not feed.filter.is_waiting


@pytest.mark.parametrize("flawed", [{"bid": -1}, {"ask": "NaN"}, {"bid": 101}])
def test_a_quote_that_cannot_be_neither_ends_nor_begins_a_wait(flawed: dict[str, Any]) -> None:
    feed = Feed()
    feed.book(97, 97.25)

    feed.book(**({"bid": 97, "ask": 97.25} | flawed))

    assert feed.filter.is_waiting
    assert feed.mark == (100, dec("100.25"))
    assert feed.book(97, 97.5) is BELIEVED


def test_a_last_price_off_the_grid_is_counted_once_and_does_not_blind_us_to_bid_and_ask() -> None:
    """Legs of spreads trade between the ticks, and the merger repeats the last price."""
    feed = Feed()
    flawed = dec("100.10")

    found = [feed.trade(flawed), feed.book(100.25, 100.5), feed.book(100.5, 100.75)]

    assert found == [DropReason.OFF_GRID, BELIEVED, BELIEVED]
    assert feed.dropped == {DropReason.OFF_GRID: 1}
    assert feed.mark == (dec("100.5"), dec("100.75"))


def test_without_a_tick_size_there_is_no_grid() -> None:
    counts = MarkCounts()
    made = MarkFilter(counts, tick_size=None, bounds=None)

    assert made.take(quote(bid="100.123", ask="100.2", at_ns=NOON), NOON) is BELIEVED


# --- surprising: where the bounds are -------------------------------------------------------


@pytest.mark.parametrize(
    ("bid", "ask", "found"),
    [
        (97.5, 97.75, BELIEVED),  # 2.50 below the bid
        (97.25, 97.5, WAITS),
        (102.5, 102.75, BELIEVED),  # 2.50 above the ask
        (102.75, 103, WAITS),
        (100, 101.5, BELIEVED),  # 1.50 wide
        (100, 101.75, WAITS),
        (98.75, 100.25, BELIEVED),
        (98.5, 100.25, WAITS),
        (None, 100.25, WAITS),
        (100, None, WAITS),
        (None, None, WAITS),
    ],
)
def test_what_is_at_the_bound_is_believed_and_what_is_beyond_waits(
    bid: float | None, ask: float | None, found: Outcome
) -> None:
    feed = Feed()

    assert feed.book(bid, ask) is found

    assert feed.filter.is_waiting is (found is WAITS)
    assert feed.counts.surprising == (found is WAITS)
    if found is WAITS:
        assert feed.mark == (100, dec("100.25"))


@pytest.mark.parametrize(
    ("silent_s", "farthest"),
    [(0, "97.5"), (3, "95"), (15, "90"), (24, "90"), (3600, "90"), (3 * 86_400, "90")],
)
def test_the_longer_the_silence_the_farther_a_price_may_have_gone(
    silent_s: int, farthest: str
) -> None:
    """2.50 times the root of 1 + seconds, a tenth of the price at most: a session gap is fine."""
    at_bound, beyond = Feed(), Feed()
    bid = dec(farthest)

    assert at_bound.book(bid, bid + TICK, after_ns=silent_s * S) is BELIEVED
    assert beyond.book(bid - TICK, bid, after_ns=silent_s * S) is WAITS


def test_without_bounds_nothing_surprises() -> None:
    feed = Feed(bounds=None)

    assert feed.book(10, None) is BELIEVED
    assert feed.mark == (10, None)


# --- second witnesses -----------------------------------------------------------------------

JUMP = {
    "the quote again": [("book", 97, 97.25), ("again",)],
    "a quote near it": [("book", 97, 97.25), ("book", 96.75, 97)],
    "one side near it": [("book", 97, 97.25), ("book", 97, 97.5)],
    "a trade at it": [("book", 97, 97.25), ("trade", 97.25)],
    "a trade before it": [("trade", 97), ("book", 97, 97.25)],
    "half of it first": [("book", 97, 100.25), ("book", 97, 97.25)],
}


@pytest.mark.parametrize("stated", JUMP.values(), ids=JUMP)
def test_a_second_witness_confirms_a_jump(stated: list[tuple[Any, ...]]) -> None:
    feed = Feed()
    (first, *_), second = stated[0], stated[1]

    if second == ("again",):
        # The broker says it without a last price; with one it might be a trade elsewhere.
        feed.book(97, 97.25, last=None)
    else:
        getattr(feed, first)(*stated[0][1:])
    before = feed.mark
    found = getattr(feed, second[0])(*second[1:])

    assert before == (100, dec("100.25"))
    assert found is BELIEVED
    assert feed.mark[0] in {97, dec("96.75")}
    assert not feed.filter.is_waiting
    assert feed.counts.confirmed == 1
    assert feed.dropped == {}


@pytest.mark.parametrize("last", [None, 97])
def test_a_quote_is_no_witness_of_itself(last: int | None) -> None:
    """What is known is told again to new listeners, as old as it is."""
    feed = Feed()
    feed.book(97, 97.25, last=last)

    assert feed.again(after_ns=0) is WAITS
    assert feed.mark == (100, dec("100.25"))
    assert feed.filter.is_waiting
    assert feed.counts.confirmed == 0

    assert feed.again(after_ns=S // 10) is BELIEVED
    assert feed.mark == (97, dec("97.25"))


BAD = {
    "a quote at the mark": ("book", 100, 100.25),
    "a quote near the mark": ("book", 99.75, 100),
    "a quote at the bound": ("book", 97.5, 97.75),
    "a trade at the mark": ("trade", 100.25),
    "a trade near the mark": ("trade", 99.5),
}


@pytest.mark.parametrize("stated", BAD.values(), ids=BAD)
@pytest.mark.parametrize("bad", [(10, 10.25), (1000, 1002.5), (50, None)])
def test_a_second_witness_contradicts_a_bad_price(
    bad: tuple[Any, Any], stated: tuple[Any, ...]
) -> None:
    feed = Feed()
    feed.book(*bad)
    before = feed.mark

    found = getattr(feed, stated[0])(*stated[1:])

    assert before == (100, dec("100.25"))
    assert found is BELIEVED
    assert feed.mark == (stated[1:] if stated[0] == "book" else (100, dec("100.25")))
    assert feed.dropped == {DropReason.CONTRADICTED: 1}
    assert feed.counts.confirmed == 0
    assert feed.wait(CONFIRM_NS) is False


def test_a_trade_at_the_price_of_the_one_before_is_no_witness_for_the_bad_quote_it_repeats() -> (
    None
):
    """Merged, such a trade cannot be told from the bad quote said twice, so it says nothing."""
    feed = Feed()
    feed.book(10, 10.25)

    found = feed.again()

    assert found is WAITS
    assert feed.mark == (100, dec("100.25"))
    assert feed.book(100, 100.5) is BELIEVED


def test_a_trade_inside_a_wide_book_speaks_for_neither() -> None:
    """The bid fell away, and someone buys at the ask: both may be true."""
    feed = Feed()
    feed.book(95, 100.25)

    found = feed.trade(100.25)

    assert found is WAITS
    assert feed.filter.is_waiting
    assert feed.wait(CONFIRM_NS)
    assert feed.mark == (95, dec("100.25"))


def test_a_late_trade_from_before_the_move_does_not_make_us_deaf_to_trades_after_it() -> None:
    feed = Feed()
    feed.book(95, 95.25)
    late = feed.trade(99.75)
    between = feed.mark

    found = feed.trade(95.25)

    assert (late, found) == (BELIEVED, BELIEVED)
    assert between == (100, dec("100.25"))
    assert feed.mark == (95, dec("95.25"))


def test_what_goes_on_being_stated_after_a_late_trade_waits_anew() -> None:
    feed = Feed()
    feed.book(95, 95.25)
    feed.trade(99.75, after_ns=100 * MS)
    between = feed.filter.is_waiting

    found = feed.again(after_ns=100 * MS)

    assert not between
    assert found is WAITS
    assert not feed.wait(CONFIRM_NS - 1)
    assert feed.wait(1)
    assert feed.mark == (95, dec("95.25"))


def test_a_replayed_book_is_not_believed_by_being_repeated_with_the_next_trade() -> None:
    """The merger repeats it, with the time of the trade."""
    feed = Feed(bounds=None)
    feed.now_ns -= 6 * S
    old = feed.book(90, 90.25)
    feed.now_ns += 6 * S

    found = [feed.again(), feed.trade(100.25), feed.again()]

    assert old is DropReason.OLD
    assert found == [WAITS, BELIEVED, WAITS]
    assert feed.mark == (100, dec("100.25"))
    assert feed.book(90, 90.5) is BELIEVED


def test_trades_alone_move_no_side() -> None:
    feed = Feed()

    found = [feed.trade(price) for price in (97, 96.75, 97, 96.5)]

    assert found == [WAITS] * 4
    assert feed.mark == (100, dec("100.25"))
    assert feed.wait(CONFIRM_NS)
    assert feed.mark == (100, dec("100.25"))
    assert feed.filter.last == dec("96.5") or feed.filter.last == 97


@pytest.mark.parametrize(
    ("first", "second", "mark", "is_waiting"),
    [
        # The nearer of two on the same side is believed: so far it has gone at least.
        ((97, 97.25), (94, 94.25), (97, 97.25), True),
        ((94, 94.25), (97, 97.25), (97, 97.25), False),
        ((104, 104.25), (110, 110.25), (104, 104.25), True),
        # A bad one among them moves nothing by itself.
        ((10, 10.25), (97, 97.25), (97, 97.25), False),
        ((97, 97.25), (10, 10.25), (97, 97.25), True),
        # Two sides: they agree on nothing.
        ((97, 97.25), (104, 104.25), (100, 100.25), True),
        ((10, 10.25), (104, 104.25), (100, 100.25), True),
    ],
)
def test_two_surprises_move_the_mark_as_far_as_they_agree(
    first: tuple[Any, Any], second: tuple[Any, Any], mark: tuple[Any, Any], *, is_waiting: bool
) -> None:
    feed = Feed()
    feed.book(*first)

    feed.book(*second)

    assert feed.mark == tuple(map(dec, mark))
    assert feed.filter.is_waiting is is_waiting


def test_a_fast_market_lags_by_one_quote_and_no_more() -> None:
    feed = Feed()
    path = [Decimal(100 - 4 * step) for step in range(1, 12)]

    marks = []
    for bid in path:
        feed.book(bid, bid + TICK, after_ns=50 * MS)
        marks.append(feed.mark[0])

    assert marks == [100, *path[:-1]]
    assert feed.wait(CONFIRM_NS)
    assert feed.mark[0] == path[-1]


def test_a_bad_price_in_the_middle_of_a_fast_market_moves_nothing_by_itself() -> None:
    feed = Feed()
    feed.book(96, 96.25)
    feed.book(9.5, 9.75)
    between = feed.mark
    feed.book(92, 92.25)

    assert between == (96, dec("96.25"))
    assert feed.mark == (92, dec("92.25"))


def test_a_vanished_side_waits_like_a_jump() -> None:
    feed = Feed()
    feed.book(None, 100.25)

    gone = feed.book(None, 100.5)

    assert gone is BELIEVED
    assert feed.mark == (None, dec("100.5"))
    assert feed.book(100, 100.5) is BELIEVED


def test_a_wide_market_once_believed_stays_believed() -> None:
    feed = Feed()
    feed.book(98, 102)
    feed.book(98, 102.25)

    found = [feed.book(97, 103), feed.book(99, 101), feed.book(100, 100.25)]

    assert found == [BELIEVED] * 3
    assert feed.mark == (100, dec("100.25"))


def test_last_prices_alone_are_a_feed_too() -> None:
    """Such as bars, when quotes are gone."""
    feed = Feed(is_quiet=True)

    found = [feed.book(None, None, last=price) for price in (100, 99, 95, 95.25, 10, 95)]

    assert found == [BELIEVED, BELIEVED, WAITS, BELIEVED, WAITS, BELIEVED]
    assert feed.filter.last == 95
    assert feed.mark == (None, None)


# --- time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("waited_ns", "counts"), [(CONFIRM_NS - 1, False), (CONFIRM_NS, True)])
def test_what_nobody_contradicts_counts_when_its_time_ends(waited_ns: int, *, counts: bool) -> None:
    feed = Feed()
    feed.book(95, 95.25)

    found = feed.wait(waited_ns)

    assert CONFIRM_NS == 500 * MS
    assert found is counts
    assert feed.mark[0] == (95 if counts else 100)
    assert feed.counts.unanswered == counts
    assert feed.filter.is_waiting is not counts


@pytest.mark.parametrize("stated", [("book", 99.75, 100), ("trade", 100)])
def test_a_way_back_from_what_only_time_let_count_needs_no_second_witness(
    stated: tuple[Any, ...],
) -> None:
    feed = Feed()
    feed.book(10, 10.25, last=99.75)
    feed.wait(CONFIRM_NS)
    between = feed.mark

    found = getattr(feed, stated[0])(*stated[1:])

    assert between == (10, dec("10.25"))
    assert found is BELIEVED
    assert feed.mark[1] in {100, dec("100.25")}


def test_while_a_price_waits_the_mark_grows_older() -> None:
    feed = Feed()
    believed_ns = feed.filter.at_ns

    feed.book(95, 95.25, after_ns=100 * MS)
    waiting_ns = feed.filter.at_ns
    feed.book(95, 95.5, after_ns=100 * MS)

    assert believed_ns == waiting_ns == NOON
    assert feed.filter.at_ns == NOON + 200 * MS


def test_a_repeated_quote_keeps_the_mark_fresh() -> None:
    feed = Feed()

    assert feed.again(after_ns=3 * S) is BELIEVED
    assert feed.filter.at_ns == NOON + 3 * S


# --- order ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("older_by_ns", "found"), [(OUT_OF_ORDER_NS, BELIEVED), (OUT_OF_ORDER_NS + 1, DropReason.OLD)]
)
def test_a_replayed_quote_is_dropped(older_by_ns: int, found: Any) -> None:
    feed = Feed()
    replayed = quote(ES, bid=99.5, ask=99.75, last=100, at_ns=NOON - older_by_ns)

    assert feed.filter.take(replayed, NOON) is found

    assert feed.dropped == ({} if found is BELIEVED else {DropReason.OLD: 1})


@pytest.mark.parametrize("clock_error_s", [0, 12, -12, 86_400])
def test_a_stale_burst_is_dropped_whatever_the_clock_says(clock_error_s: int) -> None:
    """Through the merger, which knows how much later than others a quote came."""
    merger, feed = QuoteMerger(), Feed(is_quiet=True)
    times = [f"2026-11-17T18:00:{second:02d}Z" for second in range(40)]

    def hear(bid: float, sent_s: int, heard_s: int) -> Any:
        now_ns = NOON + (clock_error_s + heard_s) * S
        row = {"bestBid": bid, "bestAsk": bid + 0.25, "lastUpdated": times[sent_s]}
        return feed.filter.take(merger.update(ES, row, now_ns), now_ns)

    live = [hear(100 - second, second, second) for second in range(30)]
    burst = [hear(100 - second, second, 30) for second in range(3, 24)]

    assert live == [BELIEVED] * 30
    assert burst == [DropReason.OLD] * 21
    assert feed.mark[0] == 71
    assert hear(71.25, 31, 31) is BELIEVED


# --- the first price ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prices", "entry", "found"),
    [
        ((100, 100.25, 100), None, BELIEVED),
        ((100, 101.75, 100), None, WAITS),  # wide
        ((10, 10.25, 100), None, WAITS),  # the trade was elsewhere
        ((100, 100.25, None), 100, BELIEVED),
        ((90, 90.25, None), 100, BELIEVED),  # a tenth from where the position was opened
        ((89.75, 90, None), 100, WAITS),
        ((10, 10.25, None), 100, WAITS),
        ((None, None, 10), 100, WAITS),
        ((None, None, 10), None, BELIEVED),
    ],
)
def test_the_first_price_is_held_against_itself_and_the_positions_entry(
    prices: tuple[Any, Any, Any], entry: int | None, found: Outcome
) -> None:
    feed = Feed(is_quiet=True)
    feed.filter.entry_price = None if entry is None else dec(entry)

    assert feed.book(prices[0], prices[1], last=prices[2]) is found
    assert (feed.filter.level is None) is (found is WAITS)


@pytest.mark.parametrize(
    ("stated", "mark"),
    [
        (("book", 10.25, 10.5), (10.25, 10.5)),
        (("trade", 10.25), (10, 10.25)),
        (("book", 100, 100.25), (100, 100.25)),
        (("trade", 100), (None, None)),
    ],
)
def test_a_first_price_that_waits_is_settled_by_the_second(
    stated: tuple[Any, ...], mark: tuple[Any, Any]
) -> None:
    feed = Feed(is_quiet=True)
    feed.filter.entry_price = dec(100)
    feed.book(10, 10.25, last=None)

    getattr(feed, stated[0])(*stated[1:])

    assert feed.mark == tuple(None if price is None else dec(price) for price in mark)


def test_a_first_price_that_nobody_contradicts_counts() -> None:
    feed = Feed(is_quiet=True)
    feed.filter.entry_price = dec(100)
    feed.book(10, 10.25)

    assert feed.wait(CONFIRM_NS)
    assert feed.mark == (10, dec("10.25"))


# --- properties -----------------------------------------------------------------------------

ANY_PRICE = (
    st.none()
    | st.sampled_from(
        [Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "1E+30")]
    )
    | st.decimals(min_value="0.01", max_value=10_000, places=2)
    | st.integers(1, 4000).map(lambda ticks: ticks * TICK)
)
STEPS = st.lists(st.integers(-3, 3), min_size=2, max_size=12)


def good_quotes(steps: list[int]) -> list[Quote]:
    """Return quotes that wander by a few ticks."""
    quotes, ticks = [], 400
    for number, step in enumerate(steps):
        ticks += step
        quotes.append(
            Quote(
                contract_id=ES,
                bid=ticks * TICK,
                ask=(ticks + 1) * TICK,
                last=ticks * TICK,
                at_ns=NOON + number * 100 * MS,
            )
        )
    return quotes


@given(
    steps=STEPS,
    data=st.data(),
    bid=ANY_PRICE,
    ask=ANY_PRICE,
    last=ANY_PRICE,
)
def test_i10_one_bad_quote_between_good_ones_never_moves_the_mark_beyond_the_bound(
    steps: list[int], data: st.DataObject, bid: Any, ask: Any, last: Any
) -> None:
    feed = Feed()
    quotes = good_quotes(steps)
    place = data.draw(st.integers(1, len(quotes) - 1))
    bad = Quote(contract_id=ES, bid=bid, ask=ask, last=last, at_ns=quotes[place].at_ns)
    if data.draw(st.booleans(), label="is the last price repeated"):
        quotes[place] = msgspec.structs.replace(quotes[place], last=last)
    quotes.insert(place, bad)

    for number, stated in enumerate(quotes):
        before = feed.filter.level
        assert before is not None
        now_ns = NOON + number * 100 * MS
        feed.filter.expire(now_ns)
        feed.filter.take(stated, now_ns)
        level = feed.filter.level
        assert level is not None
        reach = dec("2.5") * dec("1.2")  # 200 ms after the price before, at most
        assert level.low >= before.low - reach
        assert level.high <= before.high + reach
        if stated is not bad and number > place + 1:
            assert (level.bid, level.ask) == (stated.bid, stated.ask)


@given(
    steps=STEPS, to_ticks=st.integers(4, 4000), stated=st.integers(1, 4), gap_ms=st.integers(1, 900)
)
def test_i10_a_move_that_lasts_is_the_mark_by_the_second_quote_or_when_its_time_ends(
    steps: list[int], to_ticks: int, stated: int, gap_ms: int
) -> None:
    feed = Feed()
    quotes = good_quotes(steps)
    for number, each in enumerate(quotes):
        feed.filter.take(each, NOON + number * 100 * MS)
    moved_ns = now_ns = quotes[-1].at_ns

    for number in range(stated):
        now_ns = moved_ns + number * gap_ms * MS
        feed.filter.expire(now_ns)
        # The ask flickers by a tick, so that each is a quote of its own.
        bid, ask = to_ticks * TICK, (to_ticks + 1 + number % 2) * TICK
        feed.filter.take(quote(ES, bid=bid, ask=ask, at_ns=now_ns), now_ns)
    feed.filter.expire(max(now_ns, moved_ns + CONFIRM_NS))

    assert feed.mark[0] == to_ticks * TICK


def test_a_price_that_was_possible_is_judged_anew_by_another_tick_size() -> None:
    feed = Feed()

    feed.filter.set_instrument(Decimal(1), BOUNDS)

    assert feed.book(100, dec("100.25")) is DropReason.OFF_GRID
    assert feed.book(100, 101, last=dec("100.25")) is DropReason.OFF_GRID
    assert feed.book(dec("100.00"), dec("101.0"), last=dec("101.00")) is BELIEVED


@pytest.mark.parametrize(
    ("last", "flaw"), [("sNaN", DropReason.NOT_FINITE), ("-100", DropReason.NOT_POSITIVE)]
)
def test_a_last_price_that_resembles_a_side_is_looked_at_all_the_same(
    last: str, flaw: DropReason
) -> None:
    assert Feed().book(100, dec("100.25"), last=Decimal(last)) is flaw
