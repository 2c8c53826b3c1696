"""Rule 001: open contracts over all instruments must not exceed a limit."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition, entry_size
from risk_actors.core.broker import Order, OrderStatus, Side
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import is_micro, symbol_of
from risk_actors.core.rules.base import PositiveInt, Rule, RuleSettings
from risk_actors.core.rules.limits import newest_first, reached_fraction, take_off
from risk_actors.core.verdict import Breached, Flatten, Ok, Reduce, Unknown, Verdict, Warned


class Count(StrEnum):
    """How contracts of different sign add up."""

    NET = "net"
    """Longs and shorts cancel out over all instruments."""
    GROSS = "gross"
    """Every open contract counts."""


class ReduceOrFlatten(StrEnum):
    """What happens to an excess of contracts."""

    REDUCE = "reduce"
    FLATTEN = "flatten"


class MaxContractsSettings(RuleSettings, frozen=True, kw_only=True, tag="max_contracts"):
    """Settings of rule 001."""

    limit: PositiveInt
    count: Count = Count.GROSS
    micro_ratio: PositiveInt | None = None
    """How many micros make one contract (10); without it a micro counts as one."""
    include_working: bool = False
    """Count working entry orders too; brackets and other exits never count."""
    response: ReduceOrFlatten = ReduceOrFlatten.REDUCE


class _Tally(msgspec.Struct):
    """Contracts in units (a micro is 1 where a ratio is set, else every contract is)."""

    units: int
    excess_side: int
    """+1 or -1: only positions of this sign are in excess; 0: either."""


class MaxContracts(Rule[MaxContractsSettings, None]):
    """Reduce what exceeds the limit, newest position first, on the side that is in excess."""

    Settings = MaxContractsSettings
    facts = frozenset({AccountState})

    def __init__(self, settings: MaxContractsSettings) -> None:
        super().__init__(settings)
        self._ratio = settings.micro_ratio or 1
        self._limit_units = settings.limit * self._ratio

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        counted = "net" if self.settings.count is Count.NET else "open"
        micros = f", {self._ratio} micros counting as one" if self._ratio > 1 else ""
        working = " with working entry orders" if self.settings.include_working else ""
        verb = "reduce the excess" if self._reduces else "flatten the account"
        return (
            f"At most {self.settings.limit} {counted} contracts over all instruments"
            f"{working}{micros}; above it, {verb}."
        )

    @property
    def _reduces(self) -> bool:
        return self.settings.response is ReduceOrFlatten.REDUCE

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Compare the contracts of one account with the limit."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        limit = Decimal(self.settings.limit)
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet"),
                limit=limit,
            )
        entries = self._counted_entries(account)
        tally = self._tally(account.positions, entries)
        value = Decimal(tally.units) / self._ratio
        if tally.units > self._limit_units:
            return self._breach(account, entries, tally, value, limit, now_ns)
        fraction = reached_fraction(value, limit, self.settings.warn_at)
        if fraction is not None:
            return Warned(
                value=value,
                limit=limit,
                evidence=Evidence(
                    template="{count} contracts are open, the limit is {limit}",
                    figures={"count": value, "limit": limit},
                ),
            )
        return Ok(value=value, limit=limit)

    def _counted_entries(self, account: AccountState) -> list[Order]:
        """Return the working entry orders that count, oldest first.

        A bracket's child is an exit even while the events of its parent's fill are still
        arriving and the position is not yet seen.
        """
        if not self.settings.include_working:
            return []
        return [
            order
            for order in account.orders
            if order.parent_order_id is None
            and order.status is not OrderStatus.SUSPENDED
            and entry_size(order, account.counted_size_in(order.contract_id)) > 0
        ]

    def _units(self, symbol: str) -> int:
        return 1 if self._ratio > 1 and is_micro(symbol) else self._ratio

    def _tally(self, positions: tuple[OpenPosition, ...], entries: list[Order]) -> _Tally:
        sizes = {p.contract_id: p.counted_size for p in positions}
        signed = [p.counted_size * self._units(p.symbol) for p in positions]
        working = {side: self._entry_units(side, entries, sizes) for side in Side}
        if self.settings.count is Count.GROSS:
            return _Tally(sum(map(abs, signed)) + sum(working.values()), 0)
        net = sum(signed)
        if_bought, if_sold = net + working[Side.BUY], net - working[Side.SELL]
        if abs(if_bought) >= abs(if_sold):
            return _Tally(abs(if_bought), 1 if if_bought >= 0 else -1)
        return _Tally(abs(if_sold), 1 if if_sold >= 0 else -1)

    def _entry_units(self, side: Side, entries: list[Order], sizes: dict[str, int]) -> int:
        return sum(
            entry_size(order, sizes.get(order.contract_id, 0)) * self._order_units(order)
            for order in entries
            if order.side is side
        )

    def _order_units(self, order: Order) -> int:
        return self._units(symbol_of(order.contract_id))

    def _breach(
        self,
        account: AccountState,
        entries: list[Order],
        tally: _Tally,
        value: Decimal,
        limit: Decimal,
        now_ns: int,
    ) -> Breached:
        evidence = Evidence(
            template="{count} contracts exceeded the limit of {limit} at {at:time}",
            figures={"count": value, "limit": limit, "at": now_ns},
        )
        if not self._reduces:
            return Breached(
                value=value, limit=limit, evidence=evidence, cause="flatten", action=Flatten()
            )
        cancelled, excess = self._cancel_newest(account, entries, tally)
        targets = self._targets(account, tally.excess_side, excess)
        return Breached(
            value=value,
            limit=limit,
            evidence=evidence,
            cause=f"{sorted(targets.items())} {cancelled}",
            action=Reduce(targets=tuple(targets.items()), cancel_order_ids=tuple(cancelled)),
        )

    def _cancel_newest(
        self, account: AccountState, entries: list[Order], tally: _Tally
    ) -> tuple[list[int], int]:
        """Cancel the newest entries first, for an order not filled costs nothing to take back."""
        excess = tally.units - self._limit_units
        cancelled: list[int] = []
        for order in reversed(entries):
            if excess <= 0:
                break
            if tally.excess_side and order.side.sign != tally.excess_side:
                continue
            size = entry_size(order, account.counted_size_in(order.contract_id))
            excess -= size * self._order_units(order)
            cancelled.append(order.id)
        return cancelled, excess

    def _targets(self, account: AccountState, excess_side: int, excess: int) -> dict[str, int]:
        in_excess = [
            position
            for position in account.positions
            if excess_side == 0 or position.counted_size * excess_side > 0
        ]
        units = {position.symbol: self._units(position.symbol) for position in in_excess}
        return take_off(newest_first(in_excess), excess, units)
