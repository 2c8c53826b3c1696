"""The largest size that is safe now, found by asking the rules themselves what they would say.

Every rule is shown the account as it would be with so many contracts more, bought or sold at the
market and at once gone against by one believable jump of the price. So a limit on contracts, on
trades, on symbols, on hours and on dollars all count, and none of them is written down twice.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import Side
from risk_actors.core.instruments import Instrument, catalogued_instrument
from risk_actors.core.pnl_state import PnlState, PositionPnl
from risk_actors.core.price_bounds import bounds_of
from risk_actors.core.rules import Rule
from risk_actors.core.trade_history import Entry, Trade
from risk_actors.core.verdict import Breached

SEARCH_UP_TO = 500
"""Contracts; who may trade more than this is not limited by a rule."""


class Trial(NamedTuple):
    """A rule, and what it remembers of the account."""

    rule: Rule[Any, Any]
    state: Any


class SafeSize(msgspec.Struct, frozen=True, kw_only=True):
    """How many contracts more are safe."""

    contract_id: str
    symbol: str
    contracts: int | None
    """None when no rule limits it."""
    rule_id: str | None
    """The rule that one contract more would break."""


def safe_size(
    trials: Iterable[Trial], pnl: PnlState, contract_id: str, price: Decimal, now_ns: int
) -> SafeSize | None:
    """Return how many more contracts could be entered now without breaking a rule at once.

    Added to an open position on its side, else bought. None where the account or the contract's
    ticks are not known.
    """
    account, instrument = pnl.account, catalogued_instrument(contract_id)
    if account is None or instrument is None:
        return None
    rules = tuple(trials)

    def breaks(size: int) -> str | None:
        after = _after_entry(pnl, account, instrument, size, price, now_ns)
        for rule, state in rules:
            fact = after if PnlState in rule.facts else after.account
            if isinstance(rule.evaluate(state, fact, now_ns)[1], Breached):
                return str(rule.settings.id)
        return None

    safe, unsafe, by_rule = 0, SEARCH_UP_TO + 1, None
    step = 1
    while step < unsafe:
        broken = breaks(step)
        if broken is not None:
            unsafe, by_rule = step, broken
            break
        safe, step = step, min(step * 2, SEARCH_UP_TO) if step < SEARCH_UP_TO else unsafe
    while unsafe - safe > 1 and by_rule is not None:
        middle = (safe + unsafe) // 2
        broken = breaks(middle)
        if broken is None:
            safe = middle
        else:
            unsafe, by_rule = middle, broken
    return SafeSize(
        contract_id=contract_id,
        symbol=instrument.symbol,
        contracts=None if by_rule is None else safe,
        rule_id=by_rule,
    )


def jump_usd(instrument: Instrument, price: Decimal) -> Decimal:
    """Return what one contract loses in the largest move that one quote is believed to make."""
    bounds = bounds_of(instrument.symbol)
    ticks = max(bounds.jump_share * price / instrument.tick_size, Decimal(bounds.jump_ticks))
    return ticks * instrument.tick_value_usd


def _after_entry(
    pnl: PnlState,
    account: AccountState,
    instrument: Instrument,
    size: int,
    price: Decimal,
    now_ns: int,
) -> PnlState:
    """Return the account's P&L as it would be with so many contracts more."""
    contract_id, symbol = instrument.contract_id, instrument.symbol
    held = account.position_in(contract_id)
    is_long = held is None or held.counted_size > 0
    signed = size if is_long else -size
    loss_usd = jump_usd(instrument, price) * size
    entry = Entry(
        order_id=0,
        contract_id=contract_id,
        symbol=symbol,
        side=Side.BUY if is_long else Side.SELL,
        size=size,
        at_ns=now_ns,
        opened_trade=held is None,
    )
    opened = Trade(
        contract_id=contract_id,
        symbol=symbol,
        side=entry.side,
        opened_ns=now_ns,
        peak_size=size,
    )
    history = account.history
    position = _grown(held, contract_id, symbol, signed, price, now_ns)
    others = tuple(p for p in account.positions if p.contract_id != contract_id)
    after = msgspec.structs.replace(
        account,
        positions=(*others, position),
        trades=account.trades + (1 if held is None else 0),
        entries=account.entries + 1,
        history=msgspec.structs.replace(
            history,
            entries=(*history.entries, entry),
            open=(*history.open, opened) if held is None else history.open,
            fill_times_ns=(*history.fill_times_ns, now_ns),
        ),
    )
    return msgspec.structs.replace(
        pnl,
        account=after,
        trades=after.trades,
        entries=after.entries,
        unrealized_usd=None if pnl.unrealized_usd is None else pnl.unrealized_usd - loss_usd,
        positions=_marked(pnl, contract_id, price, loss_usd),
    )


def _grown(
    held: OpenPosition | None,
    contract_id: str,
    symbol: str,
    signed: int,
    price: Decimal,
    now_ns: int,
) -> OpenPosition:
    if held is not None:
        return msgspec.structs.replace(
            held, size=held.size + signed, fills_size=held.fills_size + signed
        )
    return OpenPosition(
        contract_id=contract_id,
        symbol=symbol,
        size=signed,
        average_price=price,
        opened_ns=now_ns,
        fills_size=signed,
        fills_average_price=price,
    )


def _marked(
    pnl: PnlState, contract_id: str, price: Decimal, loss_usd: Decimal
) -> tuple[PositionPnl, ...]:
    marked = {p.contract_id: p for p in pnl.positions}
    before = marked.get(contract_id)
    if before is None:
        marked[contract_id] = PositionPnl(
            contract_id=contract_id, unrealized_usd=-loss_usd, mark_price=price
        )
    elif before.unrealized_usd is not None:
        marked[contract_id] = msgspec.structs.replace(
            before, unrealized_usd=before.unrealized_usd - loss_usd
        )
    return tuple(marked.values())


def last_prices(pnl: PnlState, traded_at: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return a price for every contract worth asking about: open ones, then those traded."""
    marks = {p.contract_id: p.mark_price for p in pnl.positions}
    prices = {contract: price for contract, price in marks.items() if price is not None}
    return prices | {c: price for c, price in traded_at.items() if c not in prices}
