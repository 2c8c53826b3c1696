"""Whatever is traded, the exchange's books balance."""

from datetime import date
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from risk_actors.simulator import Bracket, OrderType, RefusedError, Side, Ticket
from risk_actors.simulator.contracts import front_contract
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.records import Account, Filled, Quote

START_USD = Decimal(50000)
CONTRACTS = [front_contract(symbol, date(2026, 11, 21)) for symbol in ("MNQ", "ZN")]

orders = st.tuples(
    st.just("order"),
    st.sampled_from([0, 1]),
    st.sampled_from(Side),
    st.integers(1, 6),
    st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP]),
    st.integers(-20, 20),
    st.booleans(),
)
moves = st.tuples(st.just("move"), st.sampled_from([0, 1]), st.integers(-60, 60))
closes = st.tuples(st.just("close"), st.sampled_from([0, 1]), st.integers(1, 4))


@given(st.lists(st.one_of(orders, moves, closes), max_size=40), st.integers(0, 1000), st.booleans())
def test_balance_and_positions_follow_from_the_trades(
    steps: list[tuple], seed: int, partial_fills: bool
) -> None:
    exchange = Exchange(
        contracts=CONTRACTS,
        accounts=[Account(id=1, name="A", balance_usd=START_USD)],
        rng=Random(seed),
        partial_fills=partial_fills,
    )
    for now_ns, step in enumerate(steps):
        try:
            _take(exchange, step, now_ns)
        except RefusedError:
            continue
    _assert_books_balance(exchange)


def _take(exchange: Exchange, step: tuple, now_ns: int) -> None:
    contract = CONTRACTS[step[1]]
    quote, tick = exchange.quotes[contract.contract_id], contract.tick_size
    match step:
        case ("move", _, ticks):
            bid = quote.bid + ticks * tick
            exchange.on_quote(contract.contract_id, Quote(bid, bid + tick, bid), now_ns)
        case ("close", _, size):
            exchange.close(1, contract.contract_id, now_ns, size=size)
        case ("order", _, side, size, kind, ticks, bracketed):
            price = quote.bid + ticks * tick
            exchange.place(
                Ticket(
                    account_id=1,
                    contract_id=contract.contract_id,
                    side=side,
                    size=size,
                    type=kind,
                    limit_price=price if kind is OrderType.LIMIT else None,
                    stop_price=price if kind is OrderType.STOP else None,
                    stop_loss=Bracket(ticks=-8 * side.sign, type=OrderType.STOP)
                    if bracketed
                    else None,
                    take_profit=Bracket(ticks=8 * side.sign, type=OrderType.LIMIT)
                    if bracketed
                    else None,
                ),
                now_ns,
            )


def _assert_books_balance(exchange: Exchange) -> None:
    trades = exchange.trades
    earned = sum((t.pnl_usd or 0 for t in trades), Decimal(0))
    costs = sum((t.fees_usd + t.commissions_usd for t in trades), Decimal(0))
    assert exchange.accounts[1].balance_usd == START_USD + earned - costs
    for contract in CONTRACTS:
        mine = [t for t in trades if t.contract_id == contract.contract_id]
        signed = sum(t.size * t.side.sign for t in mine)
        assert exchange.signed_size(1, contract.contract_id) == signed
        cash = -sum((t.price * t.size * t.side.sign for t in mine), Decimal(0))
        position = exchange.positions.get((1, contract.contract_id))
        book = position.cost * (1 if signed > 0 else -1) if position else Decimal(0)
        # Cash in and out plus the book value of what is open is what was realised.
        realised = (cash + book) / contract.tick_size * contract.tick_value_usd
        assert realised == sum((t.pnl_usd or 0 for t in mine), Decimal(0))
    for order in exchange.orders.values():
        filled = sum(t.size for t in trades if t.order_id == order.id)
        assert order.fill_volume == filled <= order.size
    fills = [e for e in exchange.take_journal() if isinstance(e, Filled)]
    assert [f.trade for f in fills] == trades
