"""Rule 003: when the day's P&L reaches minus the limit, lock the account until the daily reset."""

from risk_actors.core.money import decimal_from
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleSettings
from risk_actors.core.rules.day_pnl import Basis, BrokenDay, judge_day
from risk_actors.core.verdict import Verdict


class DailyLossLimitSettings(RuleSettings, frozen=True, kw_only=True, tag="daily_loss_limit"):
    """Settings of rule 003; `limit_usd` is a positive amount of loss."""

    limit_usd: PositiveUsd
    basis: Basis = Basis.EQUITY


class DailyLossLimit(Rule[DailyLossLimitSettings, BrokenDay | None]):
    """Reaching the limit is the breach: a loss of exactly 500.00 breaks a limit of 500."""

    Settings = DailyLossLimitSettings
    facts = frozenset({PnlState})

    def __init__(self, settings: DailyLossLimitSettings) -> None:
        super().__init__(settings)
        self._limit_usd = decimal_from(settings.limit_usd)

    def initial_state(self) -> BrokenDay | None:
        """No day is broken."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return (
            f"When the day's {self.settings.basis.value} P&L reaches -${self._limit_usd:,.2f}, "
            "flatten and lock the account until the daily reset."
        )

    def evaluate(
        self, state: BrokenDay | None, fact: PnlState, now_ns: int
    ) -> tuple[BrokenDay | None, Verdict]:
        """Compare the day's loss with the limit."""
        pnl_usd = fact.realized_usd if self.settings.basis is Basis.REALIZED else fact.equity_usd
        return judge_day(
            state,
            fact,
            amount_usd=None if pnl_usd is None else -pnl_usd,
            shown_usd=pnl_usd,
            limit_usd=self._limit_usd,
            shown_limit_usd=-self._limit_usd,
            word="limit",
            warn_at=self.settings.warn_at,
            now_ns=now_ns,
        )
