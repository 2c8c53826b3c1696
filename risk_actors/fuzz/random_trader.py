"""A trader without a plan: one random order, or a close, each time he is asked."""

import contextlib
from collections.abc import Sequence
from random import Random

from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.records import Bracket, OrderType, Side, Ticket
from risk_actors.simulator.refusals import RefusedError

_KINDS = (OrderType.MARKET, OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)
_BRACKET_CHANCE = 0.4
_CLOSE_CHANCE = 0.15


def trade_at_random(
    exchange: Exchange, account_ids: Sequence[int], rng: Random, now_ns: int
) -> None:
    """Do something that a trader might do; he is refused, as traders are."""
    account_id = rng.choice(account_ids)
    contract_id = rng.choice(list(exchange.contracts))
    contract = exchange.contracts[contract_id]
    quote = exchange.quotes[contract_id]
    side = rng.choice((Side.BUY, Side.SELL))
    away = rng.randint(2, 12) * contract.tick_size * side.sign
    kind = rng.choice(_KINDS)
    bracket = rng.random() < _BRACKET_CHANCE
    ticks = rng.randint(4, 20) * side.sign
    ticket = Ticket(
        account_id=account_id,
        contract_id=contract_id,
        side=side,
        size=rng.randint(1, 4),
        type=kind,
        limit_price=quote.bid - away if kind is OrderType.LIMIT else None,
        stop_price=quote.ask + away if kind is OrderType.STOP else None,
        stop_loss=Bracket(ticks=-ticks, type=OrderType.STOP) if bracket else None,
        take_profit=Bracket(ticks=ticks, type=OrderType.LIMIT) if bracket else None,
    )
    with contextlib.suppress(RefusedError):
        if rng.random() < _CLOSE_CHANCE and exchange.signed_size(account_id, contract_id):
            exchange.close(account_id, contract_id, now_ns)
        else:
            exchange.place(ticket, now_ns)
