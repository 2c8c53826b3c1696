"""Rule 013: when the week's P&L reaches minus the limit, lock until the weekly reset."""

from typing import Annotated

from risk_actors.core.direction import LOWER, UNCLEAR
from risk_actors.core.money import decimal_from
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.period_pnl import Basis, BrokenPeriod, Period, PeriodLimit
from risk_actors.core.verdict import Verdict


class WeeklyLossLimitSettings(RuleSettings, frozen=True, kw_only=True, tag="weekly_loss_limit"):
    """Settings of rule 013."""

    limit_usd: Annotated[PositiveUsd, LOWER]
    """The loss that ends the week, as a positive amount."""
    basis: Annotated[Basis, UNCLEAR] = Basis.EQUITY
    """`realized` counts closed trades less fees and commissions; `equity` open P&L too."""


class WeeklyLossLimit(Rule[WeeklyLossLimitSettings, BrokenPeriod | None]):
    """A broken week stays broken, also when another day begins."""

    number = 13
    Settings = WeeklyLossLimitSettings
    State = BrokenPeriod | None
    facts = frozenset({PnlState})
    breaks_when = "the week's P&L ≤ -limit"
    response = "lock account until weekly reset"

    def __init__(
        self, settings: WeeklyLossLimitSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._limit = PeriodLimit(
            period=Period.WEEK,
            basis=settings.basis,
            limit_usd=-decimal_from(settings.limit_usd),
            warn_at=settings.warn_at,
        )
        self.measure = self._limit.measure

    def initial_state(self) -> BrokenPeriod | None:
        """No week is broken."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return self._limit.summary

    def evaluate(
        self, state: BrokenPeriod | None, fact: PnlState, now_ns: int
    ) -> tuple[BrokenPeriod | None, Verdict]:
        """Compare the week's P&L with the limit."""
        return self._limit.judge(state, fact, now_ns)
