"""Rule 001: open contracts over all instruments must not exceed a limit."""

from typing import Annotated

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import LOWER, ON, together
from risk_actors.core.rules.base import PositiveInt, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_count import (
    ContractCount,
    Count,
    ReduceOrFlatten,
    TowardFlatten,
    counting_effect,
)
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import Verdict


class MaxContractsSettings(RuleSettings, frozen=True, kw_only=True, tag="max_contracts"):
    """Settings of rule 001."""

    limit: Annotated[PositiveInt, LOWER]
    """The most contracts that may be open at the same time."""
    count: Annotated[Count, together(counting_effect)] = Count.GROSS
    """`gross` counts every contract; with `net` longs and shorts cancel out."""
    micro_ratio: Annotated[PositiveInt | None, together(counting_effect)] = None
    """How many micros make one contract (10); without it a micro counts as one."""
    include_working: Annotated[bool, ON] = False
    """Count working entry orders too; brackets and other exits never count."""
    response: TowardFlatten = ReduceOrFlatten.REDUCE
    """`reduce` closes what exceeds the limit, newest first; `flatten` closes everything."""


class MaxContracts(Rule[MaxContractsSettings, None]):
    """Reduce what exceeds the limit, newest position first, on the side that is in excess."""

    number = 1
    Settings = MaxContractsSettings
    facts = frozenset({AccountState})
    breaks_when = (
        "open contracts over all instruments (with working entry orders when included, brackets"
        " and other exits never) exceed the limit"
    )
    response = (
        "reduce the excess on the excess side, newest position first"
        ' (`response = "reduce"` or `"flatten"`)'
    )
    measure = Measure(Unit.CONTRACTS, MovedBy.SIZE)

    def __init__(self, settings: MaxContractsSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._contracts = ContractCount(
            count=settings.count,
            micro_ratio=settings.micro_ratio,
            response=settings.response,
            warn_at=settings.warn_at,
            include_working=settings.include_working,
        )
        orders = ("orders",) if settings.include_working else ()
        self.reads = ("is_reconciled", "positions", *orders)

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        counted, micros, verb = self._contracts.words
        working = " with working entry orders" if self.settings.include_working else ""
        return (
            f"At most {self.settings.limit} {counted} contracts over all instruments"
            f"{working}{micros}; above it, {verb}."
        )

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Compare the contracts of one account with the limit."""
        return state, self._contracts.judge(fact, self.settings.limit, now_ns)
