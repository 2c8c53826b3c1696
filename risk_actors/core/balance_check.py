"""The day's P&L, checked against the change of the balance.

Two independent witnesses: the fills of the day, of which the P&L is made, and the broker's
balance. Where they part, money was paid in or out, a fee was charged apart, the account was reset,
or there are fills that the broker does not list. The check says so and does nothing else: it never
moves a P&L and breaks no rule.
"""

from decimal import Decimal

import msgspec

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.money import to_cents
from risk_actors.core.pnl_state import PnlState

OPENS_WITHIN_NS = 60 * NS_PER_S
"""A balance known this soon after the reset, less the fills since, is what the day began with."""
STANDS_AFTER_NS = 2 * NS_PER_S
"""The account's row lags behind its fills; what still differs in a reading asked for this much
later does differ."""


class DayOpening(msgspec.Struct, frozen=True, kw_only=True):
    """The balance with which a trading day began."""

    day_start_ns: int
    balance_usd: Decimal


class CheckedBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What the balance should be by the day's fills, and what the broker says it is."""

    day_start_ns: int
    expected_usd: Decimal
    told_usd: Decimal

    @property
    def unexplained_usd(self) -> Decimal:
        """What the day's fills do not explain; 0 when they agree."""
        return self.told_usd - self.expected_usd


class BalanceCheck:
    """The check of one account; it needs a day that was seen to begin, by this run or another."""

    def __init__(self, opening: DayOpening | None = None) -> None:
        self._opening = opening
        self._begun_ns: int | None = None
        self._told: CheckedBalance | None = None
        self._doubt: tuple[Decimal, int] | None = None
        """An amount that one reading does not explain, and when that was asked for."""

    def begin(self, day_start_ns: int) -> None:
        """Begin another trading day, which was seen to begin."""
        self._opening = self._told = self._doubt = None
        self._begun_ns = day_start_ns

    def open(self, pnl: PnlState, now_ns: int) -> DayOpening | None:
        """Return the balance with which the day began, once, when it is first known for sure."""
        if self._begun_ns is None or pnl.day_start_ns != self._begun_ns:
            return None
        if now_ns - self._begun_ns > OPENS_WITHIN_NS:
            self._begun_ns = None
            return None
        balance_usd = pnl.day_start_balance_usd
        if balance_usd is None or not _is_settled(pnl) or not _is_told(pnl):
            return None
        self._begun_ns = None
        self._opening = DayOpening(day_start_ns=pnl.day_start_ns, balance_usd=balance_usd)
        return self._opening

    def reconcile(self, pnl: PnlState, asked_ns: int) -> CheckedBalance | None:
        """Check after a snapshot asked for at this instant; return the result where it is news.

        Fills and balance of one moment are compared: the balance that the snapshot brought, moved
        by the fills since. A disagreement counts once two readings show the same.
        """
        opening, told_usd, realized_usd = self._opening, pnl.balance_usd, pnl.realized_usd
        if opening is None or opening.day_start_ns != pnl.day_start_ns:
            return None
        if told_usd is None or realized_usd is None or not _is_settled(pnl):
            return None
        checked = CheckedBalance(
            day_start_ns=opening.day_start_ns,
            expected_usd=opening.balance_usd + realized_usd,
            told_usd=told_usd,
        )
        if not self._stands(checked.unexplained_usd, asked_ns):
            return None
        before, self._told = self._told, checked
        if before is not None and _are_same(before.unexplained_usd, checked.unexplained_usd):
            return None
        return checked

    def _stands(self, unexplained_usd: Decimal, asked_ns: int) -> bool:
        if not to_cents(unexplained_usd):
            self._doubt = None
            return True
        if self._doubt is None or not _are_same(self._doubt[0], unexplained_usd):
            self._doubt = (unexplained_usd, asked_ns)
            return False
        return asked_ns - self._doubt[1] >= STANDS_AFTER_NS


def _is_settled(pnl: PnlState) -> bool:
    return pnl.account is not None and pnl.account.is_settled


def _is_told(pnl: PnlState) -> bool:
    """Tell whether the broker's last word on the balance is what the fills make of it."""
    told = None if pnl.account is None else pnl.account.balance_usd
    return told is not None and pnl.balance_usd is not None and _are_same(told, pnl.balance_usd)


def _are_same(one_usd: Decimal, other_usd: Decimal) -> bool:
    return to_cents(one_usd) == to_cents(other_usd)
