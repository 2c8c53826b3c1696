"""Rule 023: a working entry order must not be larger than its limit."""

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState, entry_size
from risk_actors.core.broker import OrderStatus
from risk_actors.core.direction import Effect, together
from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.instruments import refuse_root
from risk_actors.core.rules.base import PositiveInt, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_symbols import is_unsure, open_symbols
from risk_actors.core.rules.limits import limits_effect, reached_fraction
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import Breached, Ok, Reduce, Unknown, Verdict, Warned


def _limits_effect(old: Any, new: Any) -> Effect:
    return limits_effect(old.limits, old.limit, new.limits, new.limit)


class MaxOrderSizeSettings(RuleSettings, frozen=True, kw_only=True, tag="max_order_size"):
    """Settings of rule 023; symbols are the exchange's (ES, not EP)."""

    limit: Annotated[PositiveInt | None, together(_limits_effect)] = None
    """The largest entry order, in contracts, of any symbol that `limits` does not name; without it
    those are not checked."""
    limits: Annotated[dict[str, PositiveInt], together(_limits_effect)] = msgspec.field(
        default_factory=dict
    )
    """The largest entry order by symbol, in contracts: `{ ES = 2, MES = 20 }`."""

    def __post_init__(self) -> None:
        """Refuse a rule that could never fire."""
        if not self.limits and self.limit is None:
            raise ValueError("give a `limit`, `limits` by symbol, or both")
        if len({symbol.upper() for symbol in self.limits}) < len(self.limits):
            raise ValueError("`limits` names a symbol twice, in capitals and in small letters")
        for symbol in self.limits:
            refuse_root(symbol)


class _Entry(NamedTuple):
    """A working entry order that has a limit."""

    order_id: int
    contract_id: str
    symbol: str
    size: int
    limit: int


class MaxOrderSize(Rule[MaxOrderSizeSettings, None]):
    """Cancel that order; the rest of the account is left alone.

    Only the part of an order that would open or increase a position counts, less what was filled
    already. Stops and targets of brackets and other exits never count. An order that fills before
    it can be cancelled is the business of the rules on open contracts.
    """

    number = 23
    Settings = MaxOrderSizeSettings
    facts = frozenset({AccountState})
    reads = ("is_reconciled", "positions", "orders", "named_symbols")
    breaks_when = "a working entry order is larger than the limit"
    response = "cancel that order"
    measure = Measure(Unit.CONTRACTS, MovedBy.STATE)

    def __init__(self, settings: MaxOrderSizeSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._limits = {symbol.upper(): limit for symbol, limit in settings.limits.items()}
        self._named = frozenset(self._limits)
        limits = {*self._limits.values(), *filter(None, (settings.limit,))}
        # The limit where there is only one, to be shown while there are no orders.
        self._only_limit = Decimal(limits.pop()) if len(limits) == 1 else None

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        parts = [f"{limit} {symbol}" for symbol, limit in sorted(self._limits.items())]
        if self.settings.limit is not None:
            parts.append(f"{self.settings.limit} of any {'other ' if parts else ''}instrument")
        return f"An entry order may be for at most {', '.join(parts)}; a larger one is cancelled."

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Compare each working entry order of one account with its limit."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Orders have not been read from the broker yet")
            )
        entries, unsure = self._entries(account)
        too_large = [entry for entry in entries if entry.size > entry.limit]
        if too_large:
            return _breach(too_large, now_ns)
        if unsure:
            return Unknown(
                evidence=Evidence(
                    template="The symbol of {contracts} has not been read from the broker yet",
                    figures={"contracts": ", ".join(unsure)},
                )
            )
        if not entries:
            return Ok(limit=self._only_limit)
        nearest = _nearest(entries)
        value, limit = Decimal(nearest.size), Decimal(nearest.limit)
        fraction = reached_fraction(value, limit, self.settings.warn_at)
        if fraction is None:
            return Ok(value=value, limit=limit, contract_id=nearest.contract_id)
        return Warned(
            value=value,
            limit=limit,
            fraction=fraction,
            cause=nearest.symbol,
            contract_id=nearest.contract_id,
            evidence=Evidence(
                template="An entry order for {size} {symbol} works, the limit is {limit}",
                figures=_figures(nearest),
            ),
        )

    def _entries(self, account: AccountState) -> tuple[list[_Entry], list[str]]:
        """Return the entry orders that have a limit, and contracts whose limit is not known yet."""
        symbols = open_symbols(account)
        entries: list[_Entry] = []
        unsure: dict[str, None] = {}
        for order in account.orders:
            if order.parent_order_id is not None or order.status is OrderStatus.SUSPENDED:
                continue
            contract_id = order.contract_id
            size = entry_size(order, account.counted_size_in(contract_id))
            if not size:
                continue
            if is_unsure(contract_id, account, self._named):
                unsure[contract_id] = None
                continue
            limit = self._limits.get(symbols[contract_id], self.settings.limit)
            if limit is not None:
                entries.append(_Entry(order.id, contract_id, symbols[contract_id], size, limit))
        return entries, list(unsure)


def _nearest(entries: list[_Entry]) -> _Entry:
    """Return the order that uses the largest share of its limit; of equals the oldest."""
    if len(entries) == 1:
        return entries[0]
    return max(entries, key=lambda entry: Fraction(entry.size, entry.limit))


def _figures(entry: _Entry) -> dict[str, Figure]:
    return {"size": entry.size, "symbol": entry.symbol, "limit": entry.limit}


def _breach(too_large: list[_Entry], now_ns: int) -> Breached:
    worst = _nearest(too_large)
    ids = tuple(sorted(entry.order_id for entry in too_large))
    more = "" if len(ids) == 1 else f" ({len(ids)} such orders)"
    return Breached(
        value=Decimal(worst.size),
        limit=Decimal(worst.limit),
        evidence=Evidence(
            template="An entry order for {size} {symbol} exceeded the limit of {limit}"
            f" at {{at:time}}{more}",
            figures=_figures(worst) | {"at": now_ns},
        ),
        cause=" ".join(map(str, ids)),
        action=Reduce(cancel_order_ids=ids),
        contract_id=worst.contract_id,
    )
