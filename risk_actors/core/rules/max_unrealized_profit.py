"""Rule 015: when one position's unrealised P&L reaches the target, flatten that contract."""

from typing import Annotated

from risk_actors.core.direction import LOWER
from risk_actors.core.money import decimal_from
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.position_pnl import BrokenTrades, PositionLimit
from risk_actors.core.verdict import Verdict


class MaxUnrealizedProfitSettings(
    RuleSettings, frozen=True, kw_only=True, tag="max_unrealized_profit"
):
    """Settings of rule 015."""

    target_usd: Annotated[PositiveUsd, LOWER]
    """The open profit of one position, fees not counted, at which it is closed."""


class MaxUnrealizedProfit(Rule[MaxUnrealizedProfitSettings, BrokenTrades | None]):
    """A position that reached the target goes, also when its price falls back meanwhile."""

    number = 15
    Settings = MaxUnrealizedProfitSettings
    State = BrokenTrades | None
    facts = frozenset({PnlState})
    breaks_when = "one position's unrealised ≥ target"
    response = "flatten that contract, no lock"

    def __init__(
        self, settings: MaxUnrealizedProfitSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._limit = PositionLimit(
            limit_usd=decimal_from(settings.target_usd), warn_at=settings.warn_at
        )
        self.measure = self._limit.measure

    def initial_state(self) -> BrokenTrades | None:
        """No open trade is broken."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return self._limit.summary

    def evaluate(
        self, state: BrokenTrades | None, fact: PnlState, now_ns: int
    ) -> tuple[BrokenTrades | None, Verdict]:
        """Compare each position's P&L with the target."""
        return self._limit.judge(state, fact, now_ns)
