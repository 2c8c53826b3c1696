"""A balance is taken for good once it has stood for a second.

Rows of fills may overtake each other, so for a moment a balance can be reckoned that never was;
and a payout shifts what is reckoned back from the balance of later. So a figure that is to be
remembered is corrected freely for a second, and then not at all.
"""

from decimal import Decimal

import msgspec

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.pnl_state import PnlState

STANDS_AFTER_NS = NS_PER_S


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of one trading day, and since when it has been the same (our clock)."""

    day_start_ns: int
    amount_usd: Decimal
    since_ns: int

    def is_for_good(self, now_ns: int) -> bool:
        """Tell whether it has stood long enough; a clock that was set back counts as long."""
        return abs(now_ns - self.since_ns) >= STANDS_AFTER_NS


def seen(known: Standing | None, day_start_ns: int, amount_usd: Decimal, now_ns: int) -> Standing:
    """Return a figure with the instant since which it has been seen."""
    if known is not None and (known.day_start_ns, known.amount_usd) == (day_start_ns, amount_usd):
        return known
    return Standing(day_start_ns=day_start_ns, amount_usd=amount_usd, since_ns=now_ns)


def has_settled_balance(pnl: PnlState) -> bool:
    """Tell whether a balance is known and no row of a fill is known to be missing."""
    return pnl.balance_usd is not None and (pnl.account is None or pnl.account.is_settled)


def fixed_day_start(known: Standing | None, pnl: PnlState, now_ns: int) -> Standing | None:
    """Return the balance with which the day of a fact began, as it was first known to stand."""
    if known is not None and known.day_start_ns == pnl.day_start_ns:
        if known.is_for_good(now_ns) or not has_settled_balance(pnl):
            return known
    elif not has_settled_balance(pnl):
        return None
    balance_usd = pnl.day_start_balance_usd
    if balance_usd is None:
        return None
    return seen(known, pnl.day_start_ns, balance_usd, now_ns)
