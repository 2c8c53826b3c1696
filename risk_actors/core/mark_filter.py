"""Which prices of one contract are believed: one bad number never moves the mark (I10).

An impossible price is dropped. A surprising one (a jump or a spread beyond the bounds, a side that
vanished) waits while the mark stays; a second witness, a quote or a trade, settles it:

- one that is no surprise itself contradicts what waits, which is dropped;
- one that surprises on the same side agrees that the price has left, at least as far as the nearer
  of the two, which becomes the mark. That is the median of mark, first and second, per side; so a
  bad quote in the middle of a fast move still moves nothing by itself.

What nobody contradicted within the time allowed counts.

Quotes come merged: what an update left out is repeated from the one before. A price that was only
repeated is no second witness, a replay is not heard again by being repeated, and what a trade
contradicted waits anew when it goes on being stated: the trade may have been told late.
"""

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import NamedTuple

from risk_actors.core.broker import Quote
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.money import ZERO
from risk_actors.core.price_bounds import FARTHEST_SHARE, PriceBounds, reach_after

CONFIRM_NS = NS_PER_S // 2
"""How long a surprising price waits at most, unless the settings say otherwise."""
OUT_OF_ORDER_NS = 5 * NS_PER_S
"""A quote this much older than one before it is a replay. `Quote.at_ns` is the time of receipt
unless a quote came more than 5 s later than others, so by less than that quotes in good order may
differ as well; and a price of so short ago was true so short ago."""
GRID_TOLERANCE = Decimal("0.01")
"""Share of a tick by which a price may miss the grid: feeds may round 110.015625 to 110.0156."""


class Outcome(StrEnum):
    """What became of a possible quote."""

    BELIEVED = "believed"
    """It was taken, or agreed with what waited: the mark may have changed."""
    WAITS = "waits"
    """It surprises, or adds nothing to what waits: the mark is as before."""


class DropReason(StrEnum):
    """Why a quote was dropped."""

    NOT_FINITE = "not finite"
    NOT_POSITIVE = "not positive"
    OFF_GRID = "off the tick grid"
    CROSSED = "crossed"
    OLD = "older than the one before"
    CONTRADICTED = "contradicted"
    """It had waited, and the next witness knew nothing of it."""


class MarkCounts:
    """How many quotes went which way, over all contracts that share it."""

    def __init__(self) -> None:
        self.dropped: dict[DropReason, int] = dict.fromkeys(DropReason, 0)
        self.surprising = 0
        """Prices that had to wait."""
        self.confirmed = 0
        """Of these, those that a second witness confirmed."""
        self.unanswered = 0
        """Of these, those that counted because nobody contradicted them in time."""


class Level(NamedTuple):
    """A book and the range it spans; without any side, the last price is the range."""

    bid: Decimal | None
    ask: Decimal | None
    low: Decimal
    high: Decimal


class _Waiting(NamedTuple):
    level: Level
    last: Decimal | None
    is_trade: bool
    """A trade alone: it speaks for a level, but states no side."""
    since_ns: int
    at_ns: int


class MarkFilter:
    """The believed price of one contract, and the surprising one that waits."""

    def __init__(
        self,
        counts: MarkCounts,
        *,
        tick_size: Decimal | None,
        bounds: PriceBounds | None,
        confirm_ns: int = CONFIRM_NS,
    ) -> None:
        self._counts = counts
        self._confirm_ns = confirm_ns
        self.entry_price: Decimal | None = None
        """What a position was opened at, by the broker: the very first price is held against it."""
        self.level: Level | None = None
        """The believed book; None before any price was believed."""
        self.last: Decimal | None = None
        """The believed last price; None where none was stated that fits the book."""
        self.at_ns = 0
        """When the believed price was stated, or last agreed with."""
        self._seen_ns = self._newest_ns = 0
        # Bid, ask and last of the possible quote before.
        self._stated: tuple[Decimal | None, Decimal | None, Decimal | None] | None = None
        self._stated_ns = 0
        self._flawed_last: Decimal | None = None
        # The bid and ask stated last were a replay.
        self._is_replay = False
        self._waiting: _Waiting | None = None
        # What was believed before an unanswered surprise; a way back to it surprises nobody.
        self._before: Level | None = None
        self.set_instrument(tick_size, bounds)

    def set_instrument(self, tick_size: Decimal | None, bounds: PriceBounds | None) -> None:
        """Take the tick size (None: not known, no grid) and the bounds (None: no surprises)."""
        self._tick = tick_size
        self._bounds = bounds
        self._possible_bid: Decimal | None = None
        self._possible_ask: Decimal | None = None
        if bounds is not None:
            self._least_jump = bounds.jump_ticks * (tick_size or ZERO)
            self._least_spread = bounds.spread_ticks * (tick_size or ZERO)

    @property
    def is_heard(self) -> bool:
        """Whether any possible quote has come."""
        return self._stated is not None

    @property
    def is_waiting(self) -> bool:
        """Whether a surprising price waits for a second witness."""
        return self._waiting is not None

    def take(self, quote: Quote, now_ns: int) -> Outcome | DropReason:
        """Take a quote as the broker states it and tell what became of it."""
        flaw = self._flaw(quote)
        if flaw is not None:
            self._counts.dropped[flaw] += 1
            return flaw
        bid, ask = quote.bid, quote.ask
        last = None if quote.last is self._flawed_last else quote.last
        before, self._stated = self._stated, (bid, ask, last)
        before_ns, self._stated_ns = self._stated_ns, quote.at_ns
        is_repeated = before is not None and bid == before[0] and ask == before[1]
        if quote.at_ns < self._newest_ns - OUT_OF_ORDER_NS:
            self._is_replay = self._is_replay or not is_repeated
            self._counts.dropped[DropReason.OLD] += 1
            return DropReason.OLD
        self._newest_ns = max(self._newest_ns, quote.at_ns)
        level = _level(bid, ask, last)
        if level is None:
            return Outcome.WAITS
        if before is not None and is_repeated:
            traded = None if last == before[2] else last
            if traded is not None and (bid is not None or ask is not None):
                return self._take_trade(traded, level, quote.at_ns, now_ns)
            if traded is None:
                # The same quote told again, as to new listeners, is no witness of itself.
                is_itself = self._waiting is not None and quote.at_ns == before_ns
                if is_itself or not self._is_said_again(level, last, now_ns):
                    return Outcome.WAITS
        self._is_replay = False
        return self._take_book(level, last, quote.at_ns, now_ns)

    def expire(self, now_ns: int) -> bool:
        """Let what has waited its time count; tell whether it had."""
        waiting = self._waiting
        if waiting is None or now_ns - waiting.since_ns < self._confirm_ns:
            return False
        self._waiting = None
        self._counts.unanswered += 1
        if waiting.is_trade:
            self.last = waiting.last
            return True
        known = self.level
        self._believe(waiting.level, waiting.last, waiting.at_ns, now_ns)
        self._before = known
        return True

    # --- is it possible? --------------------------------------------------------------------

    def _flaw(self, quote: Quote) -> DropReason | None:
        bid, ask, last = quote.bid, quote.ask, quote.last
        # Most quotes repeat a side, and what was possible before is so again.
        if bid is not None and bid is not self._possible_bid:
            flaw = self._price_flaw(bid)
            if flaw is not None:
                return flaw
            self._possible_bid = bid
        if ask is not None and ask is not self._possible_ask:
            flaw = self._price_flaw(ask)
            if flaw is not None:
                return flaw
            self._possible_ask = ask
        # A last price is repeated until the next trade. What is wrong with it is counted once, and
        # must not blind us to the bids and asks that come with it.
        stated = self._stated
        if (
            last is not None
            and last is not self._flawed_last
            and (stated is None or last is not stated[2])
        ):
            flaw = self._price_flaw(last)
            if flaw is not None:
                self._flawed_last = last
                return flaw
        if bid is not None and ask is not None and bid > ask:
            return DropReason.CROSSED
        return None

    def _price_flaw(self, price: Decimal) -> DropReason | None:
        if not price.is_finite():
            return DropReason.NOT_FINITE
        if price in (self._possible_bid, self._possible_ask):
            # Most prices are one of those before, and a last price is one of its own sides.
            return None
        if price <= ZERO:
            return DropReason.NOT_POSITIVE
        tick = self._tick
        if tick is not None:
            try:
                beyond = price % tick
            except InvalidOperation:  # more ticks than a decimal has digits
                return DropReason.OFF_GRID
            if beyond and min(beyond, tick - beyond) > tick * GRID_TOLERANCE:
                return DropReason.OFF_GRID
        return None

    # --- is it surprising? ------------------------------------------------------------------

    def _surprises(self, level: Level, known: Level, now_ns: int) -> bool:
        """Tell whether a book is far from the known one, lacks a side of it, or is newly wide."""
        if self._bounds is None:
            return False
        if (level.bid is None and known.bid is not None) or (
            level.ask is None and known.ask is not None
        ):
            return True
        if self._is_far(level, known, now_ns):
            return True
        return self._is_wide(level) and not self._is_wide(known)

    def _is_far(self, level: Level, known: Level, now_ns: int) -> bool:
        if self._bounds is None or (level.low >= known.low and level.high <= known.high):
            return False
        gone = max(known.low - level.low, level.high - known.high)
        if gone <= self._least_jump:
            return False
        jump = max(self._bounds.jump_share * known.low, self._least_jump)
        return gone > jump and gone > reach_after(jump, known.low, now_ns - self._seen_ns)

    def _is_wide(self, level: Level) -> bool:
        if self._bounds is None:
            return False
        spread = level.high - level.low
        return spread > self._least_spread and spread > self._bounds.spread_share * level.low

    def _is_odd_start(self, level: Level, last: Decimal | None, now_ns: int) -> bool:
        """Tell whether a very first price contradicts itself or the price of an open position."""
        if self._bounds is None:
            return False
        if self._is_wide(level):
            return True
        if last is not None and self._is_far(_traded(last), level, now_ns):
            return True
        entry = self.entry_price
        if entry is None:
            return False
        return max(entry - level.low, level.high - entry) > entry * FARTHEST_SHARE

    # --- witnesses --------------------------------------------------------------------------

    def _take_book(self, level: Level, last: Decimal | None, at_ns: int, now_ns: int) -> Outcome:
        """Hear a bid and ask (or, where there are none at all, a last price)."""
        known, waiting, before = self.level, self._waiting, self._before
        if known is None:
            return self._take_first(level, last, at_ns, now_ns)
        if waiting is None and before is None and level == known:
            self._believe(known, last, at_ns, now_ns)
            return Outcome.BELIEVED
        if not self._surprises(level, known, now_ns) or (
            before is not None and not self._surprises(level, before, now_ns)
        ):
            if waiting is not None:
                self._settle(DropReason.CONTRADICTED)
            self._believe(level, last, at_ns, now_ns)
            return Outcome.BELIEVED
        moved = False
        if waiting is not None:
            moved = self._agree(known, waiting, level)
            agreed = self.level or known
            self._settle(
                DropReason.CONTRADICTED if self._surprises(waiting.level, agreed, now_ns) else None
            )
            if not self._surprises(level, agreed, now_ns):
                self._believe(level, last, at_ns, now_ns)
                return Outcome.BELIEVED
        self._wait(level, last, at_ns, now_ns)
        return Outcome.BELIEVED if moved else Outcome.WAITS

    def _take_first(self, level: Level, last: Decimal | None, at_ns: int, now_ns: int) -> Outcome:
        """Hear a price where none is believed yet."""
        waiting = self._waiting
        if waiting is not None and not self._surprises(level, waiting.level, now_ns):
            self._settle(None)
        elif self._is_odd_start(level, last, now_ns):
            if waiting is not None:
                self._settle(DropReason.CONTRADICTED)
            self._seen_ns = now_ns
            self._wait(level, last, at_ns, now_ns)
            return Outcome.WAITS
        elif waiting is not None:
            self._settle(DropReason.CONTRADICTED)
        self._believe(level, last, at_ns, now_ns)
        return Outcome.BELIEVED

    def _take_trade(self, price: Decimal, stated: Level, at_ns: int, now_ns: int) -> Outcome:
        """Hear a trade; the bid and ask that came with it are only repeated."""
        known, waiting = self.level, self._waiting
        traded = _traded(price)
        fits_waiting = waiting is not None and not self._is_far(traded, waiting.level, now_ns)
        if known is None:
            if fits_waiting and waiting is not None:
                self._settle(None)
                self._believe(waiting.level, price, at_ns, now_ns)
                return Outcome.BELIEVED
            return Outcome.WAITS
        if self._before is not None and not self._is_far(traded, self._before, now_ns):
            known = self._before
        if self._is_far(traded, known, now_ns):
            return self._take_far_trade(price, stated, at_ns, now_ns)
        if waiting is not None:
            if fits_waiting:
                return Outcome.WAITS  # such as a trade at the ask while the bid has fallen away
            self._settle(DropReason.CONTRADICTED)
        self._believe(known, price, at_ns, now_ns)
        return Outcome.BELIEVED

    def _take_far_trade(self, price: Decimal, stated: Level, at_ns: int, now_ns: int) -> Outcome:
        """Hear a trade that surprises, beside the book that was stated before it."""
        known, waiting, traded = self.level or stated, self._waiting, _traded(price)
        if waiting is not None and not waiting.is_trade:
            moved = self._agree(known, waiting, traded, is_trade=True)
            if self._surprises(waiting.level, self.level or known, now_ns):
                return Outcome.BELIEVED if moved else Outcome.WAITS
            self._settle(None)
            self._believe(waiting.level, price, at_ns, now_ns)
            return Outcome.BELIEVED
        if not self._is_far(traded, stated, now_ns):
            # A late trade from before the move had contradicted this book, and this one is at it.
            if waiting is not None:
                self._settle(None)
            self._is_replay = False
            self._believe(stated, price, at_ns, now_ns)
            return Outcome.BELIEVED
        # Trades alone move no side, however many: bid and ask follow them at once, or they are
        # wrong.
        if waiting is not None and self._is_far(traded, waiting.level, now_ns):
            self._settle(DropReason.CONTRADICTED)
        if self._waiting is None:
            self._wait(traded, price, at_ns, now_ns, is_trade=True)
        return Outcome.WAITS

    def _is_said_again(self, level: Level, last: Decimal | None, now_ns: int) -> bool:
        """Tell whether an update that changed nothing says something.

        It does where nothing waits, unless what it repeats was a replay. Where something does, it
        may be the same quote once more, or a trade at the price of the one before, which speaks
        for what waits only if its price does.
        """
        waiting = self._waiting
        if waiting is None:
            return not self._is_replay
        if waiting.level != level:
            return False
        if last is None:
            return True
        traded = _traded(last)
        return not self._is_far(traded, waiting.level, now_ns) and (
            self.level is None or self._is_far(traded, self.level, now_ns)
        )

    # --- what follows -----------------------------------------------------------------------

    def _believe(self, level: Level, last: Decimal | None, at_ns: int, now_ns: int) -> None:
        if last is not self.last and (
            last is None or not self._is_far(_traded(last), level, now_ns)
        ):
            self.last = last
        self.level, self.at_ns = level, at_ns
        self._seen_ns = now_ns
        self._before = None

    def _agree(
        self, known: Level, waiting: _Waiting, second: Level, *, is_trade: bool = False
    ) -> bool:
        """Move to where two witnesses agree that the price has gone at least; tell if it moved."""
        agreed = _agreed(known, waiting, second, is_trade=is_trade)
        if agreed == known:
            return False
        self.level, self.at_ns = agreed, waiting.at_ns
        self._seen_ns = waiting.since_ns
        self._before = None
        return True

    def _wait(
        self,
        level: Level,
        last: Decimal | None,
        at_ns: int,
        now_ns: int,
        *,
        is_trade: bool = False,
    ) -> None:
        self._counts.surprising += 1
        self._waiting = _Waiting(level, last, is_trade, now_ns, at_ns)

    def _settle(self, reason: DropReason | None) -> None:
        """End the wait: confirmed, or dropped for a reason."""
        self._waiting = None
        if reason is None:
            self._counts.confirmed += 1
        else:
            self._counts.dropped[reason] += 1


def _level(bid: Decimal | None, ask: Decimal | None, last: Decimal | None) -> Level | None:
    low = ask if bid is None else bid
    high = bid if ask is None else ask
    if low is None or high is None:
        return None if last is None else Level(None, None, last, last)
    return Level(bid, ask, low, high)


def _traded(price: Decimal) -> Level:
    return Level(price, price, price, price)


def _agreed(known: Level, first: _Waiting, second: Level, *, is_trade: bool) -> Level:
    """Return the book on which two witnesses of a move agree: per side, the median of the three.

    A trade speaks for the sides that are known, and of no other.
    """
    bid = _median(known.bid, first.level.bid, second.bid)
    ask = _median(known.ask, first.level.ask, second.ask)
    if first.is_trade or is_trade:
        bid = None if known.bid is None else bid
        ask = None if known.ask is None else ask
    low = sorted((known.low, first.level.low, second.low))[1]
    agreed = _level(bid, ask, low)
    if agreed is None or (bid is not None and ask is not None and bid > ask):
        return known
    return agreed


def _median(known: Decimal | None, first: Decimal | None, second: Decimal | None) -> Decimal | None:
    """Return the middle one of three; where one is missing, the known one or else the later one."""
    stated = [price for price in (known, first, second) if price is not None]
    if len(stated) > 2:  # noqa: PLR2004  # all three
        return sorted(stated)[1]
    if len(stated) < 2:  # noqa: PLR2004  # most say that there is none
        return None
    return second if known is None else known
