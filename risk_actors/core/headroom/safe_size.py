"""The largest size that is safe now, found by asking the rules themselves what they would say.

Every rule is shown the account as it would be with so many contracts more, bought or sold at the
market and at once gone against by one believable jump of the price; and, where it judges orders,
the account with a working order of that size instead. So a limit on contracts, on orders, on
trades, on symbols, on hours and on dollars all count, and none of them is written down twice. What
a rule cannot judge is not safe (I7).
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import Order, OrderStatus, OrderType, Side
from risk_actors.core.instruments import Instrument, catalogued_instrument
from risk_actors.core.money import ZERO
from risk_actors.core.pnl_state import PnlState, PositionPnl
from risk_actors.core.price_bounds import bounds_of
from risk_actors.core.rules import Rule
from risk_actors.core.trade_history import Entry, Trade
from risk_actors.core.verdict import Breached, Unknown, Verdict

SEARCH_UP_TO = 500
"""Contracts; who may trade more than this is not limited by a rule."""


class Trial(NamedTuple):
    """A rule, and what it remembers of the account."""

    rule: Rule[Any, Any]
    state: Any


def ask_rule(trial: Trial, fact: Any, now_ns: int) -> Verdict:
    """Return what a rule says of a fact."""
    return trial.rule.evaluate(trial.state, fact, now_ns)[1]


class SafeSize(msgspec.Struct, frozen=True, kw_only=True):
    """How many contracts more are safe."""

    contract_id: str
    symbol: str
    contracts: int | None
    """None when no rule limits it."""
    rule_id: str | None
    """The rule that one contract more would break, or that cannot tell."""


def safe_size(
    trials: Iterable[Trial],
    pnl: PnlState,
    contract_id: str,
    price: Decimal,
    now_ns: int,
    *,
    costs_usd: Decimal = ZERO,
    ask: Callable[[Trial, Any, int], Verdict] = ask_rule,
) -> SafeSize | None:
    """Return how many more contracts could be entered now without breaking a rule at once.

    Added to an open position on its side, else bought. None are safe while a rule cannot tell.
    Returns None where the account or the contract's ticks are not known.

    Args:
        trials: the rules and what they remember.
        pnl: the account as it is valued now.
        contract_id: what would be entered.
        price: about where.
        now_ns: the instant, by the broker's clock.
        costs_usd: fees and commissions of entering one contract.
        ask: has a rule say what it thinks of a fact at an instant.
    """
    account, instrument = pnl.account, catalogued_instrument(contract_id)
    if account is None or instrument is None:
        return None
    rules = tuple(trials)

    def breaks(size: int) -> str | None:
        filled = _after_entry(pnl, account, instrument, size, price, costs_usd, now_ns)
        # Not both at once: a rule that counts working orders too would count the size twice.
        working = _with_order(account, instrument, size, price, now_ns)
        for trial in rules:
            rule = trial.rule
            facts = (filled,) if PnlState in rule.facts else (filled.account, working)
            for fact in facts:
                if isinstance(ask(trial, fact, now_ns), Breached | Unknown):
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


def _entry_side(account: AccountState, contract_id: str) -> Side:
    held = account.position_in(contract_id)
    return Side.BUY if held is None or held.counted_size > 0 else Side.SELL


def _with_order(
    account: AccountState, instrument: Instrument, size: int, price: Decimal, now_ns: int
) -> AccountState:
    """Return the account as it would be with a working entry order for so many contracts."""
    order = Order(
        id=0,
        account_id=account.account_id,
        contract_id=instrument.contract_id,
        status=OrderStatus.OPEN,
        type=OrderType.LIMIT,
        side=_entry_side(account, instrument.contract_id),
        size=size,
        limit_price=price,
        created_ns=now_ns,
        updated_ns=now_ns,
    )
    return msgspec.structs.replace(account, orders=(*account.orders, order))


def _after_entry(
    pnl: PnlState,
    account: AccountState,
    instrument: Instrument,
    size: int,
    price: Decimal,
    costs_usd: Decimal,
    now_ns: int,
) -> PnlState:
    """Return the account's P&L as it would be with so many contracts more, and after the jump."""
    contract_id, symbol = instrument.contract_id, instrument.symbol
    held = account.position_in(contract_id)
    side = _entry_side(account, contract_id)
    signed = side.sign * size
    # An entry at the market pays the spread, a tick as a rule, and its fees.
    added_usd = (jump_usd(instrument, price) + instrument.tick_value_usd + costs_usd) * size
    losses_usd = _losses_of_what_is_open(pnl, account)
    losses_usd[contract_id] = losses_usd.get(contract_id, ZERO) + added_usd
    loss_usd = sum(losses_usd.values(), ZERO)
    entry = Entry(
        order_id=0,
        contract_id=contract_id,
        symbol=symbol,
        side=side,
        size=size,
        at_ns=now_ns,
        opened_trade=held is None,
    )
    opened = Trade(
        contract_id=contract_id,
        symbol=symbol,
        side=side,
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
        positions=_marked(pnl, contract_id, price, losses_usd),
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


def _losses_of_what_is_open(pnl: PnlState, account: AccountState) -> dict[str, Decimal]:
    """Return what each open position loses in one jump of its own price."""
    marks = {p.contract_id: p.mark_price for p in pnl.positions}
    return {
        position.contract_id: jump_usd(instrument, mark) * abs(position.counted_size)
        for position in account.positions
        if (mark := marks.get(position.contract_id)) is not None
        and (instrument := catalogued_instrument(position.contract_id)) is not None
    }


def _marked(
    pnl: PnlState, contract_id: str, price: Decimal, losses_usd: Mapping[str, Decimal]
) -> tuple[PositionPnl, ...]:
    marked = {p.contract_id: p for p in pnl.positions}
    if contract_id not in marked:
        marked[contract_id] = PositionPnl(
            contract_id=contract_id, unrealized_usd=ZERO, mark_price=price
        )
    return tuple(
        each
        if each.unrealized_usd is None
        else msgspec.structs.replace(
            each, unrealized_usd=each.unrealized_usd - losses_usd.get(each.contract_id, ZERO)
        )
        for each in marked.values()
    )


def last_prices(pnl: PnlState, traded_at: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return a price for every contract worth asking about: open ones, then those traded."""
    marks = {p.contract_id: p.mark_price for p in pnl.positions}
    prices = {contract: price for contract, price in marks.items() if price is not None}
    return prices | {c: price for c, price in traded_at.items() if c not in prices}
