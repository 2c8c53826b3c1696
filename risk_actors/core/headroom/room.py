"""How far each rule is from breaking, and which of them would break first."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

import msgspec

from risk_actors.core.instruments import Instrument, catalogued_instrument
from risk_actors.core.money import ZERO
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.measure import Measure, MovedBy
from risk_actors.core.verdict import Breached, Ok, Unknown, Verdict, Warned


class RuleRoom(NamedTuple):
    """What a rule said last of one account."""

    rule_id: str
    measure: Measure
    verdict: Verdict


class FiringPrice(msgspec.Struct, frozen=True, kw_only=True):
    """The price of one contract at which a rule breaks if nothing else moves."""

    contract_id: str
    symbol: str
    price: Decimal


class FirstToFire(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that a loss breaks first."""

    rule_id: str
    room_usd: Decimal
    """How much more may be lost before."""
    prices: tuple[FiringPrice, ...] = ()
    """Where that is, for each open contract by itself; empty while nothing is open."""


def room_of(verdict: Verdict) -> Decimal | None:
    """Return how far a rule is from breaking, in its unit; 0 once broken, None where unknown."""
    if isinstance(verdict, Breached):
        return ZERO
    if isinstance(verdict, Unknown):
        return None
    if verdict.room is not None:
        return verdict.room
    if verdict.value is None or verdict.limit is None:
        return None
    return abs(verdict.limit - verdict.value)


def used_of(verdict: Verdict) -> float | None:
    """Return the share of the allowance that is used, at least 1 once broken; None if unknown."""
    if isinstance(verdict, Breached):
        if verdict.value is None or not verdict.limit:
            return 1.0
        return max(float(verdict.value / verdict.limit), 1.0)
    room = room_of(verdict)
    if isinstance(verdict, Unknown) or room is None:
        return None
    allowance = abs(verdict.limit) if verdict.limit is not None else None
    if verdict.allowance is not None:
        allowance = verdict.allowance
    if not allowance:
        return None if allowance is None else 0.0
    return max(float(1 - room / allowance), 0.0)


def first_to_fire(rules: Iterable[RuleRoom], pnl: PnlState | None) -> FirstToFire | None:
    """Return the rule with the least room for a loss, and at which price it breaks.

    What is broken already fires no more, and what is unknown nobody can tell.

    Rules on the whole account move with every open contract, those on one position with its own;
    what only closed trades move has no price.
    """
    candidates = [candidate for rule in rules if (candidate := _candidate(rule, pnl)) is not None]
    return min(candidates, key=lambda c: (c.room_usd, c.rule_id), default=None)


def _candidate(rule: RuleRoom, pnl: PnlState | None) -> FirstToFire | None:
    moved_by = rule.measure.moved_by
    room_usd = room_of(rule.verdict)
    if room_usd is None or moved_by not in (MovedBy.EQUITY_LOSS, MovedBy.POSITION_LOSS):
        return None
    if not isinstance(rule.verdict, Ok | Warned):
        return None
    only = rule.verdict.contract_id
    if moved_by is MovedBy.POSITION_LOSS and only is None:
        return None
    return FirstToFire(
        rule_id=rule.rule_id,
        room_usd=room_usd,
        prices=_prices(pnl, room_usd, only if moved_by is MovedBy.POSITION_LOSS else None),
    )


def _prices(pnl: PnlState | None, room_usd: Decimal, only: str | None) -> tuple[FiringPrice, ...]:
    if pnl is None or pnl.account is None:
        return ()
    marks = {p.contract_id: p.mark_price for p in pnl.positions}
    prices: list[FiringPrice] = []
    for position in pnl.account.positions:
        contract_id = position.contract_id
        instrument, mark = catalogued_instrument(contract_id), marks.get(contract_id)
        if instrument is None or mark is None or not position.fills_size:
            continue
        if only is None or contract_id == only:
            prices.append(
                FiringPrice(
                    contract_id=contract_id,
                    symbol=position.symbol,
                    price=price_after_loss(instrument, position.fills_size, mark, room_usd),
                )
            )
    return tuple(prices)


def price_after_loss(
    instrument: Instrument, size: int, mark: Decimal, loss_usd: Decimal
) -> Decimal:
    """Return the first price on the grid at which a signed size has lost so much from the mark."""
    usd_a_tick = instrument.tick_value_usd * abs(size)
    ticks = (loss_usd / usd_a_tick).to_integral_value(rounding=ROUND_CEILING)
    away = mark - ticks * instrument.tick_size * (1 if size > 0 else -1)
    rounding = ROUND_FLOOR if size > 0 else ROUND_CEILING
    return (away / instrument.tick_size).to_integral_value(rounding=rounding) * (
        instrument.tick_size
    )
