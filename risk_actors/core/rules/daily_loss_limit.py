"""Rule 003: when the day's P&L reaches minus the limit, lock the account until the daily reset."""

from typing import Annotated

from risk_actors.core.direction import LOWER, UNCLEAR
from risk_actors.core.money import decimal_from
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.period_pnl import Basis, BrokenPeriod, Period, PeriodLimit
from risk_actors.core.verdict import Verdict


class DailyLossLimitSettings(RuleSettings, frozen=True, kw_only=True, tag="daily_loss_limit"):
    """Settings of rule 003."""

    limit_usd: Annotated[PositiveUsd, LOWER]
    """The loss that ends the day, as a positive amount."""
    basis: Annotated[Basis, UNCLEAR] = Basis.EQUITY
    """`realized` counts closed trades less fees and commissions; `equity` open P&L too."""


class DailyLossLimit(Rule[DailyLossLimitSettings, BrokenPeriod | None]):
    """Reaching the limit is the breach: a loss of exactly 500.00 breaks a limit of 500."""

    number = 3
    Settings = DailyLossLimitSettings
    State = BrokenPeriod | None
    facts = frozenset({PnlState})
    breaks_when = "the day's P&L ≤ -limit"
    response = "lock account until daily reset"

    def __init__(
        self, settings: DailyLossLimitSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._limit = PeriodLimit(
            period=Period.DAY,
            basis=settings.basis,
            limit_usd=-decimal_from(settings.limit_usd),
            warn_at=settings.warn_at,
        )
        self.measure = self._limit.measure

    def initial_state(self) -> BrokenPeriod | None:
        """No day is broken."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return self._limit.summary

    def evaluate(
        self, state: BrokenPeriod | None, fact: PnlState, now_ns: int
    ) -> tuple[BrokenPeriod | None, Verdict]:
        """Compare the day's P&L with the limit."""
        return self._limit.judge(state, fact, now_ns)
