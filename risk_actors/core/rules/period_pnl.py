"""What the rules on a day's or week's P&L share: the basis, and that a broken one stays broken."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.limits import UsdMarks
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import (
    Breached,
    Flatten,
    LockEnd,
    LockTerms,
    Ok,
    Unknown,
    Verdict,
    Warned,
)


class Basis(StrEnum):
    """Which P&L a limit is compared with."""

    REALIZED = "realized"
    """Closed trades only, net of fees and commissions."""
    EQUITY = "equity"
    """Realised plus unrealised."""


class Period(StrEnum):
    """The span of time whose P&L is compared."""

    DAY = "day"
    WEEK = "week"


class BrokenPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """The trading day or week in which the limit was reached, with the figures of that instant.

    Closing at the market may bring it back inside the limit. The limit was reached all the same,
    as the firms count it, so it stays broken until the next one begins.
    """

    start_ns: int
    at_ns: int
    pnl_usd: Decimal
    limit_usd: Decimal
    """As traders write it: a loss is negative."""
    day_usd: Decimal | None
    """The day's share of it."""
    trades: int
    """The day's, as are the costs."""
    costs_usd: Decimal


class PeriodLimit:
    """A limit of the P&L of a day or a week: a loss if it is negative, else a target."""

    def __init__(
        self, *, period: Period, basis: Basis, limit_usd: Decimal, warn_at: tuple[float, ...]
    ) -> None:
        self._period = period
        self._basis = basis
        self._limit_usd = limit_usd
        self._sign = -1 if limit_usd < 0 else 1
        self._marks = UsdMarks(abs(limit_usd), warn_at)
        self._is_of_day = period is Period.DAY
        self._is_realized = basis is Basis.REALIZED
        self._word = "limit" if limit_usd < 0 else "target"

    @property
    def measure(self) -> Measure:
        """What is measured, and what brings it nearer to the limit."""
        moved_by = {
            (Basis.REALIZED, -1): MovedBy.REALIZED_LOSS,
            (Basis.REALIZED, 1): MovedBy.REALIZED_GAIN,
            (Basis.EQUITY, -1): MovedBy.EQUITY_LOSS,
            (Basis.EQUITY, 1): MovedBy.EQUITY_GAIN,
        }
        return Measure(Unit.USD, moved_by[self._basis, self._sign])

    @property
    def summary(self) -> str:
        """The rule in one sentence."""
        sign = "-" if self._sign < 0 else ""
        reset = "daily" if self._period is Period.DAY else "weekly"
        return (
            f"When the {self._period.value}'s {self._basis.value} P&L reaches"
            f" {sign}${abs(self._limit_usd):,.2f},"
            f" flatten and lock the account until the {reset} reset."
        )

    def judge(
        self, broken: BrokenPeriod | None, pnl: PnlState, now_ns: int
    ) -> tuple[BrokenPeriod | None, Verdict]:
        """Compare the P&L with the limit, for the day or week that it belongs to."""
        pnl_usd = self._pnl_usd(pnl, is_of_day=self._is_of_day)
        start_ns = pnl.day_start_ns if self._is_of_day else pnl.week_start_ns
        if broken is not None and broken.start_ns == start_ns:
            return broken, self._breach(broken, pnl_usd)
        if pnl_usd is None:
            return None, self._unknown(pnl)
        toward_usd = pnl_usd if self._sign > 0 else -pnl_usd
        if toward_usd < self._marks.first_usd:
            return None, Ok(value=pnl_usd, limit=self._limit_usd)
        if self._marks.is_reached(toward_usd):
            broken = BrokenPeriod(
                start_ns=start_ns,
                at_ns=now_ns,
                pnl_usd=pnl_usd,
                limit_usd=self._limit_usd,
                day_usd=self._pnl_usd(pnl, is_of_day=True),
                trades=pnl.trades,
                costs_usd=pnl.costs_usd,
            )
            return broken, self._breach(broken, pnl_usd)
        fraction = self._marks.fraction(toward_usd)
        if fraction is None:
            return None, Ok(value=pnl_usd, limit=self._limit_usd)
        figures: dict[str, Figure] = {"pnl": pnl_usd, "limit": self._limit_usd, "at": now_ns}
        return None, Warned(
            value=pnl_usd,
            limit=self._limit_usd,
            fraction=fraction,
            evidence=Evidence(
                template=f"{self._title} P&L {{pnl:usd}} is near the {self._word} of {{limit:usd}}",
                figures=figures,
            ),
        )

    def _is_reached(self, pnl_usd: Decimal) -> bool:
        return self._marks.is_reached(self._sign * pnl_usd)

    @property
    def _title(self) -> str:
        return self._period.value.capitalize()

    def _pnl_usd(self, pnl: PnlState, *, is_of_day: bool) -> Decimal | None:
        if self._is_realized:
            return pnl.realized_usd if is_of_day else pnl.week_realized_usd
        return pnl.equity_usd if is_of_day else pnl.week_equity_usd

    def _unknown(self, pnl: PnlState) -> Unknown:
        return Unknown(
            evidence=Evidence(
                template=f"{self._title} P&L is unknown: {{why}}",
                figures={"why": pnl.unknown_reason or "not read from the broker yet"},
            ),
            limit=self._limit_usd,
        )

    def _breach(self, broken: BrokenPeriod, pnl_usd: Decimal | None) -> Breached:
        """Return the breach; value and limit go on living, the sentence is of the first time."""
        is_day = self._period is Period.DAY
        is_back = pnl_usd is not None and not self._is_reached(pnl_usd)
        end = LockEnd.DAILY_RESET if is_day else LockEnd.WEEKLY_RESET
        today = "" if is_day else "day P&L {day:usd}, "
        trades = "{trades} trade" if broken.trades == 1 else "{trades} trades"
        figures: dict[str, Figure] = {
            "pnl": broken.pnl_usd,
            "limit": broken.limit_usd,
            "at": broken.at_ns,
            "trades": broken.trades,
            "fees": broken.costs_usd,
        }
        return Breached(
            value=broken.pnl_usd if pnl_usd is None else pnl_usd,
            limit=self._limit_usd,
            evidence=Evidence(
                template=f"{self._title} P&L {{pnl:usd}} reached the {self._word} of {{limit:usd}}"
                f" at {{at:time}}: {today}{trades}, fees {{fees:usd}}",
                figures=figures if is_day else figures | {"day": broken.day_usd},
            ),
            cause=f"{self._period.value} {broken.start_ns}",
            action=Flatten(),
            locks=(LockTerms(end=end),),
            stands_until=end,
            broken_ns=broken.at_ns if is_back else None,
            broken_value=broken.pnl_usd if is_back else None,
        )
