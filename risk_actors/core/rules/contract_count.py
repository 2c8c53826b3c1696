"""Counting an account's contracts against a limit, and what must go to come down to it."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition, entry_size
from risk_actors.core.broker import Order, OrderStatus, Side
from risk_actors.core.direction import LOWER, Effect, joined, ordered
from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.instruments import is_micro, symbol_of
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


def counting_effect(old: Any, new: Any) -> Effect:
    """Compare the keys `count` and `micro_ratio` of two tables.

    Gross is never less than net. Micros that weigh more make the gross count bigger; the net one
    they may make smaller, where they stand against full contracts.
    """
    ratios = LOWER.judge(old.micro_ratio or 1, new.micro_ratio or 1)
    if old.count is new.count is Count.NET:
        return Effect.SAME if ratios is Effect.SAME else Effect.UNCLEAR
    return joined((ordered(Count.NET, Count.GROSS).judge(old.count, new.count), ratios))


_NO_REASON = Evidence(template="")


def _no_reason() -> Evidence:
    return _NO_REASON


TowardFlatten = Annotated[ReduceOrFlatten, ordered(ReduceOrFlatten.REDUCE, ReduceOrFlatten.FLATTEN)]
"""The response of a rule on contracts; to flatten is tighter."""


_NONE_WORKING = dict.fromkeys(Side, 0)


class _Tally(msgspec.Struct):
    """Contracts in units (a micro is 1 where a ratio is set, else every contract is)."""

    units: int
    excess_side: int
    """+1 or -1: only positions of this sign are in excess; 0: either."""


class ContractCount:
    """Compares the contracts of an account, over all instruments, with a limit.

    What exceeds it is reduced newest position first, on the side that is in excess.
    """

    def __init__(
        self,
        *,
        count: Count,
        micro_ratio: int | None,
        response: ReduceOrFlatten,
        warn_at: tuple[float, ...],
        include_working: bool = False,
    ) -> None:
        self._count = count
        self._ratio = micro_ratio or 1
        self._reduces = response is ReduceOrFlatten.REDUCE
        self._warn_at = warn_at
        self._include_working = include_working

    @property
    def words(self) -> tuple[str, str, str]:
        """How contracts are counted, what a micro counts, and what becomes of an excess."""
        return (
            "net" if self._count is Count.NET else "open",
            f", {self._ratio} micros counting as one" if self._ratio > 1 else "",
            "reduce the excess" if self._reduces else "flatten the account",
        )

    def judge(
        self,
        account: AccountState,
        limit: int,
        now_ns: int,
        reason_of: Callable[[], Evidence] = _no_reason,
    ) -> Verdict:
        """Compare the contracts of one account with a limit.

        Args:
            account: what is open.
            limit: the most contracts that may be.
            now_ns: the instant of the decision.
            reason_of: tells why the limit is what it is, to end the evidence's sentence with.
        """
        shown_limit = Decimal(limit)
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet"),
                limit=shown_limit,
            )
        entries = self._counted_entries(account)
        tally = self._tally(account.positions, entries)
        value = Decimal(tally.units) / self._ratio
        most = limit * self._ratio
        fraction = reached_fraction(value, shown_limit, self._warn_at)
        if tally.units <= most and fraction is None:
            return Ok(value=value, limit=shown_limit)
        reason = reason_of()
        figures: dict[str, Figure] = {"count": value, "limit": shown_limit, "at": now_ns}
        figures |= reason.figures
        if tally.units > most:
            evidence = Evidence(
                template="{count} contracts exceeded the limit of {limit} at {at:time}"
                + reason.template,
                figures=figures,
            )
            excess = tally.units - most
            return self._breach(account, entries, tally, excess, value, shown_limit, evidence)
        return Warned(
            value=value,
            limit=shown_limit,
            fraction=fraction,
            evidence=Evidence(
                template="{count} contracts are open, the limit is {limit}" + reason.template,
                figures=figures,
            ),
        )

    def _counted_entries(self, account: AccountState) -> list[Order]:
        """Return the working entry orders that count, oldest first.

        A bracket's child is an exit even while the events of its parent's fill are still
        arriving and the position is not yet seen.
        """
        if not self._include_working:
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

    def _order_units(self, order: Order) -> int:
        return self._units(symbol_of(order.contract_id))

    def _tally(self, positions: tuple[OpenPosition, ...], entries: list[Order]) -> _Tally:
        signed = [p.counted_size * self._units(p.symbol) for p in positions]
        is_gross = self._count is Count.GROSS
        open_units = sum(map(abs, signed)) if is_gross else sum(signed)
        working = _NONE_WORKING
        if entries:
            sizes = {p.contract_id: p.counted_size for p in positions}
            working = {side: self._entry_units(side, entries, sizes) for side in Side}
        if is_gross:
            return _Tally(open_units + sum(working.values()), 0)
        net = open_units
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

    def _breach(
        self,
        account: AccountState,
        entries: list[Order],
        tally: _Tally,
        excess: int,
        value: Decimal,
        limit: Decimal,
        evidence: Evidence,
    ) -> Breached:
        if not self._reduces:
            return Breached(
                value=value, limit=limit, evidence=evidence, cause="flatten", action=Flatten()
            )
        cancelled, excess = self._cancel_newest(account, entries, tally.excess_side, excess)
        targets = self._targets(account, tally.excess_side, excess)
        return Breached(
            value=value,
            limit=limit,
            evidence=evidence,
            cause=f"{sorted(targets.items())} {cancelled}",
            action=Reduce(targets=tuple(targets.items()), cancel_order_ids=tuple(cancelled)),
        )

    def _cancel_newest(
        self, account: AccountState, entries: list[Order], excess_side: int, excess: int
    ) -> tuple[list[int], int]:
        """Cancel the newest entries first, for an order not filled costs nothing to take back."""
        cancelled: list[int] = []
        for order in reversed(entries):
            if excess <= 0:
                break
            if excess_side and order.side.sign != excess_side:
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
