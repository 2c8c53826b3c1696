"""Rule 002: one instrument's size must not exceed its limit."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.direction import Effect, together
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import refuse_root
from risk_actors.core.rules.base import Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_count import ReduceOrFlatten, TowardFlatten
from risk_actors.core.rules.limits import limits_effect, newest_first, reached_fraction, take_off
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import Breached, Flatten, Ok, Reduce, Unknown, Verdict, Warned

ContractCount = Annotated[int, msgspec.Meta(ge=0)]


def _limits_effect(old: Any, new: Any) -> Effect:
    return limits_effect(old.limits, old.default, new.limits, new.default)


class MaxContractsPerInstrumentSettings(
    RuleSettings, frozen=True, kw_only=True, tag="max_contracts_per_instrument"
):
    """Settings of rule 002; symbols are the exchange's (ES, not EP)."""

    limits: Annotated[dict[str, ContractCount], together(_limits_effect)] = msgspec.field(
        default_factory=dict
    )
    """The most contracts of each symbol; 0 forbids it."""
    default: Annotated[ContractCount | None, together(_limits_effect)] = None
    """For symbols without a limit of their own; without it they are not checked."""
    response: TowardFlatten = ReduceOrFlatten.REDUCE
    """`reduce` closes what exceeds the limit, newest first; `flatten` the whole instrument."""

    def __post_init__(self) -> None:
        """Refuse a rule that could never fire."""
        if not self.limits and self.default is None:
            raise ValueError("give `limits` by symbol, a `default`, or both")
        symbols = [symbol.upper() for symbol in self.limits]
        if len(set(symbols)) < len(symbols):
            raise ValueError("`limits` names a symbol twice, in capitals and in small letters")
        for symbol in self.limits:
            refuse_root(symbol)


class MaxContractsPerInstrument(Rule[MaxContractsPerInstrumentSettings, None]):
    """Reduce (or flatten) the instrument that is over its limit; other instruments stay."""

    number = 2
    Settings = MaxContractsPerInstrumentSettings
    facts = frozenset({AccountState})
    reads = ("is_reconciled", "positions")
    breaks_when = "one instrument's size exceeds its limit"
    response = 'reduce that instrument (`response = "reduce"` or `"flatten"`)'
    measure = Measure(Unit.CONTRACTS, MovedBy.SIZE)

    def __init__(
        self, settings: MaxContractsPerInstrumentSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._limits = {symbol.upper(): limit for symbol, limit in settings.limits.items()}

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        parts = [f"{limit} {symbol}" for symbol, limit in sorted(self._limits.items())]
        if self.settings.default is not None:
            parts.append(f"{self.settings.default} of any other instrument")
        verb = "reduce" if self.settings.response is ReduceOrFlatten.REDUCE else "flatten"
        return f"At most {', '.join(parts)}; above it, {verb} that instrument."

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Compare each instrument of one account with its limit."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet")
            )
        by_symbol: defaultdict[str, list[OpenPosition]] = defaultdict(list)
        for position in account.positions:
            by_symbol[position.symbol].append(position)
        checked = [
            (sum(abs(p.counted_size) for p in positions), limit, symbol)
            for symbol, positions in by_symbol.items()
            if (limit := self._limits.get(symbol, self.settings.default)) is not None
        ]
        if not checked:
            return Ok()
        over = [c for c in checked if c[0] > c[1]]
        # The nearest to its limit speaks for all: by excess, else by the share that is used.
        size, limit, symbol = checked[0]
        if len(checked) > 1:
            size, limit, symbol = max(
                over or checked,
                key=lambda c: (c[0] - c[1] if over else Fraction(c[0], max(c[1], 1)), c[2]),
            )
        value, bound = Decimal(size), Decimal(limit)
        if over:
            return self._breach(over, by_symbol, value, bound, symbol, now_ns)
        contract_id = newest_first(by_symbol[symbol])[0].contract_id
        fraction = reached_fraction(value, bound, self.settings.warn_at)
        if fraction is not None:
            return Warned(
                value=value,
                limit=bound,
                fraction=fraction,
                cause=symbol,
                contract_id=contract_id,
                evidence=Evidence(
                    template="{size} {symbol} are open, the limit is {limit}",
                    figures={"size": value, "symbol": symbol, "limit": bound},
                ),
            )
        return Ok(value=value, limit=bound, contract_id=contract_id)

    def _breach(
        self,
        over: list[tuple[int, int, str]],
        by_symbol: dict[str, list[OpenPosition]],
        value: Decimal,
        bound: Decimal,
        symbol: str,
        now_ns: int,
    ) -> Breached:
        targets: dict[str, int] = {}
        for size, limit, over_symbol in over:
            targets |= take_off(newest_first(by_symbol[over_symbol]), size - limit)
        action: Reduce | Flatten = Reduce(targets=tuple(sorted(targets.items())))
        if self.settings.response is ReduceOrFlatten.FLATTEN:
            contracts = {p.contract_id for _, _, s in over for p in by_symbol[s]}
            action = Flatten(contract_ids=tuple(sorted(contracts)))
        return Breached(
            value=value,
            limit=bound,
            evidence=Evidence(
                template="{size} {symbol} exceeded the limit of {limit} at {at:time}",
                figures={"size": value, "symbol": symbol, "limit": bound, "at": now_ns},
            ),
            cause=str(action),
            action=action,
            contract_id=newest_first(by_symbol[symbol])[0].contract_id,
        )
