"""Rule 005: when the day's P&L reaches the target, lock the account until the daily reset."""

from typing import Annotated

from risk_actors.core.direction import LOWER, UNCLEAR
from risk_actors.core.money import decimal_from
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.period_pnl import Basis, BrokenPeriod, Period, PeriodLimit
from risk_actors.core.verdict import Verdict


class DailyProfitTargetSettings(RuleSettings, frozen=True, kw_only=True, tag="daily_profit_target"):
    """Settings of rule 005."""

    target_usd: Annotated[PositiveUsd, LOWER]
    """The profit that ends the day."""
    basis: Annotated[Basis, UNCLEAR] = Basis.EQUITY
    """`realized` counts closed trades less fees and commissions; `equity` open P&L too."""


class DailyProfitTarget(Rule[DailyProfitTargetSettings, BrokenPeriod | None]):
    """A day that made its target is kept: nothing is given back after it."""

    number = 5
    Settings = DailyProfitTargetSettings
    State = BrokenPeriod | None
    facts = frozenset({PnlState})
    breaks_when = "the day's P&L ≥ target"
    response = "lock account until daily reset"

    def __init__(
        self, settings: DailyProfitTargetSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._limit = PeriodLimit(
            period=Period.DAY,
            basis=settings.basis,
            limit_usd=decimal_from(settings.target_usd),
            warn_at=settings.warn_at,
        )
        self.measure = self._limit.measure

    def initial_state(self) -> BrokenPeriod | None:
        """No target is reached."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return self._limit.summary

    def evaluate(
        self, state: BrokenPeriod | None, fact: PnlState, now_ns: int
    ) -> tuple[BrokenPeriod | None, Verdict]:
        """Compare the day's P&L with the target."""
        return self._limit.judge(state, fact, now_ns)
