"""Rule 022: how many contracts may be open depends on the balance with which the day began."""

from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

import msgspec

from risk_actors.core.evidence import Evidence
from risk_actors.core.money import decimal_from, to_cents
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveInt, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_count import ContractCount, Count, ReduceOrFlatten
from risk_actors.core.rules.limits import AnyUsd
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.standing import Standing, fixed_day_start
from risk_actors.core.verdict import Unknown, Verdict


class ScalingBasis(StrEnum):
    """What the steps are compared with."""

    BALANCE = "balance"
    """The balance with which the day began."""
    PROFIT = "profit"
    """That balance less the start balance."""


class ScalingStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{ above_usd = 1500, max_contracts = 3 }`: from more than 1,500.00 on, 3 contracts."""

    max_contracts: PositiveInt
    """The most contracts that may be open on this step."""
    above_usd: AnyUsd | None = None
    """The step holds once the day began with more than this; the first step has none."""


class ScalingPlanSettings(RuleSettings, frozen=True, kw_only=True, tag="scaling_plan"):
    """Settings of rule 022."""

    steps: Annotated[tuple[ScalingStep, ...], msgspec.Meta(min_length=1)]
    """The plan, from the lowest step up. The last step whose `above_usd` is exceeded (reaching it
    is not enough) by what the day began with holds for the whole day."""
    basis: ScalingBasis = ScalingBasis.BALANCE
    """`balance`: the steps are balances; `profit`: they are balances less `start_balance_usd`."""
    start_balance_usd: AnyUsd | None = None
    """The balance from which profit is counted; needed with `basis = "profit"` alone."""
    micro_ratio: PositiveInt = 10
    """How many micros make one contract; 1 counts a micro as one."""
    count: Count = Count.GROSS
    """`gross` counts every contract; with `net` longs and shorts cancel out."""
    response: ReduceOrFlatten = ReduceOrFlatten.REDUCE
    """`reduce` closes what exceeds the limit, newest first; `flatten` closes everything."""

    def __post_init__(self) -> None:
        """Refuse a plan with a gap, out of order, or without what it is reckoned from."""
        first, *others = [step.above_usd for step in self.steps]
        if first is not None:
            raise ValueError("leave `above_usd` out of the first step, it holds from the start")
        bounds = [bound for bound in others if bound is not None]
        if len(bounds) < len(others):
            raise ValueError("give every step after the first an `above_usd`")
        if any(lower >= upper for lower, upper in pairwise(bounds)):
            raise ValueError("put the steps in the order of their `above_usd`, lowest first")
        is_profit = self.basis is ScalingBasis.PROFIT
        if is_profit and self.start_balance_usd is None:
            raise ValueError("give `start_balance_usd`, profit is counted from it")
        if not is_profit and self.start_balance_usd is not None:
            raise ValueError('leave `start_balance_usd` out, or write `basis = "profit"`')


class ScalingPlan(Rule[ScalingPlanSettings, Standing | None]):
    """The step is fixed when the day begins: a payout or a profit of the day changes nothing."""

    number = 22
    Settings = ScalingPlanSettings
    State = Standing | None
    facts = frozenset({PnlState})
    breaks_when = "open contracts exceed today's step"
    response = "reduce (`response` as in 001)"
    measure = Measure(Unit.CONTRACTS, MovedBy.SIZE)

    def __init__(self, settings: ScalingPlanSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._contracts = ContractCount(
            count=settings.count,
            micro_ratio=settings.micro_ratio,
            response=settings.response,
            warn_at=settings.warn_at,
        )
        self._start_usd = decimal_from(settings.start_balance_usd or 0)
        self._first_step = settings.steps[0].max_contracts
        self._steps = [
            (decimal_from(step.above_usd), step.max_contracts)
            for step in settings.steps
            if step.above_usd is not None
        ]

    def initial_state(self) -> Standing | None:
        """What the day began with is not known."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        counted, micros, verb = self._contracts.words
        basis = self.settings.basis.value
        steps = "".join(
            f", {contracts} above a {basis} of ${above_usd:,.2f}"
            for above_usd, contracts in self._steps
        )
        return (
            f"At most {self._first_step} {counted} contracts{steps} at the day's start{micros};"
            f" above it, {verb}."
        )

    def evaluate(
        self, state: Standing | None, fact: PnlState, now_ns: int
    ) -> tuple[Standing | None, Verdict]:
        """Compare the contracts of one account with the step of its day."""
        state = fixed_day_start(state, fact, now_ns)
        # While rows of a fill are due nothing is remembered yet, but it is judged all the same.
        began_usd = fact.day_start_balance_usd if state is None else state.amount_usd
        if began_usd is None or fact.account is None:
            return state, Unknown(
                evidence=Evidence(
                    template="The balance at the day's start is unknown: {why}",
                    figures={"why": fact.unknown_reason or "not read from the broker yet"},
                )
            )
        figure_usd = began_usd - self._start_usd
        reason = Evidence(
            template=f": the day began with a {self.settings.basis.value} of {{began:usd}}",
            figures={"began": figure_usd},
        )
        limit = self._max_contracts(figure_usd)
        return state, self._contracts.judge(fact.account, limit, now_ns, reason)

    def _max_contracts(self, figure_usd: Decimal) -> int:
        reached = [
            contracts
            for above_usd, contracts in self._steps
            if to_cents(figure_usd) > to_cents(above_usd)
        ]
        return reached[-1] if reached else self._first_step
