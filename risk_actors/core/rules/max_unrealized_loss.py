"""Rule 014: when one position's unrealised P&L reaches minus the limit, flatten that contract."""

from typing import Annotated

from risk_actors.core.direction import LOWER
from risk_actors.core.money import decimal_from
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.position_pnl import BrokenTrades, PositionLimit
from risk_actors.core.verdict import Verdict


class MaxUnrealizedLossSettings(RuleSettings, frozen=True, kw_only=True, tag="max_unrealized_loss"):
    """Settings of rule 014."""

    limit_usd: Annotated[PositiveUsd, LOWER]
    """The open loss of one position, fees not counted, at which it is closed: a positive amount."""


class MaxUnrealizedLoss(Rule[MaxUnrealizedLossSettings, BrokenTrades | None]):
    """A position that reached the limit goes, also when its price comes back meanwhile."""

    number = 14
    Settings = MaxUnrealizedLossSettings
    State = BrokenTrades | None
    facts = frozenset({PnlState})
    breaks_when = "one position's unrealised ≤ -limit"
    response = "flatten that contract, no lock"

    def __init__(
        self, settings: MaxUnrealizedLossSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._limit = PositionLimit(
            limit_usd=-decimal_from(settings.limit_usd), warn_at=settings.warn_at
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
        """Compare each position's P&L with the limit."""
        return self._limit.judge(state, fact, now_ns)
