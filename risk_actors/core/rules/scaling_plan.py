"""Rule 022: how many contracts may be open depends on the balance with which the day began."""

from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import msgspec

from risk_actors.core.direction import LOWER, PART, Effect, joined, together
from risk_actors.core.evidence import Evidence
from risk_actors.core.money import CENT, ZERO, decimal_from, to_cents
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveInt, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_count import (
    ContractCount,
    Count,
    ReduceOrFlatten,
    TowardFlatten,
    counting_effect,
)
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

    max_contracts: Annotated[PositiveInt, PART]
    """The most contracts that may be open on this step."""
    above_usd: Annotated[AnyUsd | None, PART] = None
    """The step holds once the day began with more than this; the first step has none."""


def _plan_effect(old: Any, new: Any) -> Effect:
    """Compare the contracts that two plans allow, at every balance a day may begin with."""
    plans = [_Plan.of(settings) for settings in (old, new)]
    bounds = {plan.start_usd + above_usd for plan in plans for above_usd, _ in plan.steps}
    balances = {bound + step * CENT for bound in bounds | {ZERO} for step in range(-1, 3)}
    return joined(
        LOWER.judge(*(plan.max_contracts(balance_usd) for plan in plans))
        for balance_usd in balances
    )


class _Plan(NamedTuple):
    """The steps of a plan, from the lowest up."""

    first: int
    steps: tuple[tuple[Decimal, int], ...]
    """Above what, and how many contracts then."""
    start_usd: Decimal
    """What is taken off a balance before it is compared."""

    @classmethod
    def of(cls, settings: Any) -> "_Plan":
        return cls(
            first=settings.steps[0].max_contracts,
            steps=tuple(
                (decimal_from(step.above_usd), step.max_contracts)
                for step in settings.steps
                if step.above_usd is not None
            ),
            start_usd=decimal_from(settings.start_balance_usd or 0),
        )

    def max_contracts(self, balance_usd: Decimal) -> int:
        """Return how many contracts may be open on a day that began with a balance."""
        figure_usd = to_cents(balance_usd - self.start_usd)
        reached = [most for above_usd, most in self.steps if figure_usd > to_cents(above_usd)]
        return reached[-1] if reached else self.first


class ScalingPlanSettings(RuleSettings, frozen=True, kw_only=True, tag="scaling_plan"):
    """Settings of rule 022."""

    steps: Annotated[tuple[ScalingStep, ...], msgspec.Meta(min_length=1), together(_plan_effect)]
    """The plan, from the lowest step up. The last step whose `above_usd` is exceeded (reaching it
    is not enough) by what the day began with holds for the whole day."""
    basis: Annotated[ScalingBasis, together(_plan_effect)] = ScalingBasis.BALANCE
    """`balance`: the steps are balances; `profit`: they are balances less `start_balance_usd`."""
    start_balance_usd: Annotated[AnyUsd | None, together(_plan_effect)] = None
    """The balance from which profit is counted; needed with `basis = "profit"` alone."""
    micro_ratio: Annotated[PositiveInt, together(counting_effect)] = 10
    """How many micros make one contract; 1 counts a micro as one."""
    count: Annotated[Count, together(counting_effect)] = Count.GROSS
    """`gross` counts every contract; with `net` longs and shorts cancel out."""
    response: TowardFlatten = ReduceOrFlatten.REDUCE
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
    reads = (
        "day_start_ns",
        "balance_usd",
        "realized_usd",
        "unknown_reason",
        "account.is_reconciled",
        "account.positions",
        "account.awaited",
        "account.distrusted",
    )
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
        self._plan = _Plan.of(settings)
        self._known: tuple[Decimal, int] | None = None

    def initial_state(self) -> Standing | None:
        """What the day began with is not known."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        counted, micros, verb = self._contracts.words
        basis = self.settings.basis.value
        steps = "".join(
            f", {contracts} above a {basis} of ${above_usd:,.2f}"
            for above_usd, contracts in self._plan.steps
        )
        return (
            f"At most {self._plan.first} {counted} contracts{steps} at the day's start{micros};"
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

        def reason() -> Evidence:
            return Evidence(
                template=f": the day began with a {self.settings.basis.value} of {{began:usd}}",
                figures={"began": began_usd - self._plan.start_usd},
            )

        limit = self._max_contracts(began_usd)
        return state, self._contracts.judge(fact.account, limit, now_ns, reason)

    def _max_contracts(self, began_usd: Decimal) -> int:
        """Return how many contracts may be open, reckoned once for each beginning of a day."""
        known = self._known
        if known is None or known[0] is not began_usd:
            # Replaced as a whole: more than one thread may ask.
            known = self._known = (began_usd, self._plan.max_contracts(began_usd))
        return known[1]
