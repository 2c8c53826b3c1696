"""Prices from bars: how often they are asked for, on virtual time."""

import asyncio
from decimal import Decimal
from typing import Any, cast

from virtual_loop import VirtualLoop, run_virtually

from risk_actors.core.broker import Position
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import Message, PositionReported
from risk_actors.projectx.bar_prices import STALE_AFTER_NS, BarPrices
from risk_actors.projectx.bars import BarReader
from risk_actors.projectx.connection import ConnectionBoard
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.inbound import Inbound

MNQ = "CON.F.US.MNQ.H27"


class BusyBars:
    """Bars of a broker that always says there were too many requests."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []

    def is_given_up(self, _contract_id: str) -> bool:
        return False

    async def newest(self, _contract_id: str) -> None:
        self.asked_s.append(asyncio.get_running_loop().time())
        raise ReadFailed("bars", ReadProblem.BUSY, "too many requests")


def test_a_429_delays_prices_by_less_than_makes_them_stale() -> None:
    loop, bars, told = VirtualLoop(), BusyBars(), list[Message]()
    ids = CorrelationIds(1)
    board = ConnectionBoard(loop, ids, told.append)
    nothing: Any = lambda *_: None  # noqa: E731
    inbound = Inbound(frozenset({101}), loop, ids, told.append, nothing, nothing, nothing)

    async def main() -> None:
        prices = BarPrices(cast("BarReader", bars), inbound, board, loop, nothing, MarketCalendar())
        position = Position(
            account_id=101, contract_id=MNQ, size=2, average_price=Decimal(25_000), opened_ns=0
        )
        prices.take(PositionReported(correlation_id="x", at_ns=loop.now_ns(), position=position))
        serving = asyncio.create_task(prices.serve())
        await asyncio.sleep(60)
        serving.cancel()
        await asyncio.wait({serving})

    run_virtually(loop, main())
    # Twice in the time after which a price is stale; once every few seconds, no storm.
    assert 60e9 / STALE_AFTER_NS * 1.5 <= len(bars.asked_s) <= 15
