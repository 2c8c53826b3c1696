"""The running high that a trailing floor hangs from, in the firms' four readings of it."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.standing import Standing, has_settled_balance, seen


class Trail(StrEnum):
    """What raises the floor of a drawdown."""

    STATIC = "static"
    """Nothing: it stays at the start balance less the amount."""
    END_OF_DAY = "end_of_day"
    """The balance with which a trading day ends."""
    CLOSED_BALANCE = "closed_balance"
    """The balance after any fill."""
    INTRADAY = "intraday"
    """The balance plus open P&L at any moment."""


class High(msgspec.Struct, frozen=True, kw_only=True):
    """The highest figure so far, remembered so that a payout or a restart does not lower it."""

    trail: Trail
    for_good_usd: Decimal | None = None
    latest: Standing | None = None
    """A balance that has not stood long enough yet; meanwhile it counts, and may be corrected."""
    folded_day_ns: int = 0
    """Start of the last trading day whose beginning balance is in it (end of day alone)."""
    unread_since_ns: int | None = None
    """Since when a peak is not known because nobody watched (intraday alone); a restart asks for
    the prices from then on. What can never be known is let go at the daily reset."""

    @property
    def usd(self) -> Decimal | None:
        """The high, or None before any figure was known."""
        return _higher(self.for_good_usd, None if self.latest is None else self.latest.amount_usd)

    def after(self, pnl: PnlState, now_ns: int, *, begins_with_day: bool) -> "High":
        """Return the high once a fact was seen.

        Args:
            pnl: the fact.
            now_ns: the instant at which it is seen.
            begins_with_day: whether an intraday trail begins with the balance at the start of the
                first day, for want of a start balance.
        """
        match self.trail:
            case Trail.STATIC:
                return self
            case Trail.INTRADAY:
                return _after_equity(self, pnl, begins_with_day=begins_with_day)
            case Trail.CLOSED_BALANCE:
                return _after_balance(_folded(self, now_ns), pnl, now_ns)
            case Trail.END_OF_DAY:
                return _after_day_start(_folded(self, now_ns), pnl, now_ns)


def _after_equity(high: High, pnl: PnlState, *, begins_with_day: bool) -> High:
    high_usd = high.for_good_usd
    if high_usd is None and begins_with_day and has_settled_balance(pnl):
        high_usd = pnl.day_start_balance_usd
    high_usd = _higher(_higher(high_usd, pnl.account_equity_usd), pnl.gap_high_usd)
    unread_since_ns = None if pnl.gap is None else pnl.gap.since_ns
    if high_usd is high.for_good_usd and unread_since_ns == high.unread_since_ns:
        return high
    return msgspec.structs.replace(high, for_good_usd=high_usd, unread_since_ns=unread_since_ns)


def _after_balance(high: High, pnl: PnlState, now_ns: int) -> High:
    """Look at the week's highest balance, as the broker's fills tell it."""
    if pnl.balance_high_usd is None or not has_settled_balance(pnl):
        return high
    if high.for_good_usd is not None and pnl.balance_high_usd <= high.for_good_usd:
        return high if high.latest is None else msgspec.structs.replace(high, latest=None)
    return _with_latest(high, pnl, pnl.balance_high_usd, now_ns)


def _after_day_start(high: High, pnl: PnlState, now_ns: int) -> High:
    """Look at how the days that are not in it yet ended, once for each trading day."""
    if pnl.day_start_ns <= high.folded_day_ns:
        return high
    start_usd = pnl.day_start_balance_usd
    if start_usd is None or not has_settled_balance(pnl):
        return high
    ends = [c.balance_usd for c in pnl.closings if c.day_end_ns > high.folded_day_ns]
    return _with_latest(high, pnl, max([start_usd, *ends]), now_ns)


def _with_latest(high: High, pnl: PnlState, amount_usd: Decimal, now_ns: int) -> High:
    latest = seen(high.latest, pnl.day_start_ns, amount_usd, now_ns)
    return msgspec.structs.replace(high, latest=latest)


def _folded(high: High, now_ns: int) -> High:
    """Take the latest figure for good if it has stood until now."""
    latest = high.latest
    if latest is None or not latest.is_for_good(now_ns):
        return high
    return msgspec.structs.replace(
        high, for_good_usd=high.usd, latest=None, folded_day_ns=latest.day_start_ns
    )


def _higher(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
