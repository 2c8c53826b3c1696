"""Rule 005: when the day's P&L reaches the target, lock the account until the daily reset."""

from risk_actors.core.money import decimal_from
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleSettings
from risk_actors.core.rules.day_pnl import Basis, BrokenDay, judge_day
from risk_actors.core.verdict import Verdict


class DailyProfitTargetSettings(RuleSettings, frozen=True, kw_only=True, tag="daily_profit_target"):
    """Settings of rule 005."""

    target_usd: PositiveUsd
    basis: Basis = Basis.EQUITY


class DailyProfitTarget(Rule[DailyProfitTargetSettings, BrokenDay | None]):
    """A day that made its target is kept: nothing is given back after it."""

    Settings = DailyProfitTargetSettings
    facts = frozenset({PnlState})

    def __init__(self, settings: DailyProfitTargetSettings) -> None:
        super().__init__(settings)
        self._target_usd = decimal_from(settings.target_usd)

    def initial_state(self) -> BrokenDay | None:
        """No target is reached."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return (
            f"When the day's {self.settings.basis.value} P&L reaches ${self._target_usd:,.2f}, "
            "flatten and lock the account until the daily reset."
        )

    def evaluate(
        self, state: BrokenDay | None, fact: PnlState, now_ns: int
    ) -> tuple[BrokenDay | None, Verdict]:
        """Compare the day's profit with the target."""
        pnl_usd = fact.realized_usd if self.settings.basis is Basis.REALIZED else fact.equity_usd
        return judge_day(
            state,
            fact,
            amount_usd=pnl_usd,
            shown_usd=pnl_usd,
            limit_usd=self._target_usd,
            shown_limit_usd=self._target_usd,
            word="target",
            warn_at=self.settings.warn_at,
            now_ns=now_ns,
        )
