"""Prices from bars: how often they are asked for, on virtual time."""

import asyncio
from decimal import Decimal
from typing import Any, cast

import pytest
from virtual_loop import VirtualLoop, run_virtually

from risk_actors.core.broker import Position, Quote
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import Message, PositionReported
from risk_actors.projectx.bar_prices import STALE_AFTER_NS, BarPrices
from risk_actors.projectx.bars import BarReader, Traded
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


class OldBars(BusyBars):
    """Bars of which the newest is always the same."""

    def __init__(self, newest: Traded) -> None:
        super().__init__()
        self._newest = newest

    async def newest(self, _contract_id: str) -> Traded:  # type: ignore[override]
        self.asked_s.append(asyncio.get_running_loop().time())
        return self._newest


class Closed(MarketCalendar):
    """Closed for ever."""

    def opened_ns(self, symbol: str | None, at_ns: int) -> int | None:
        return None

    def is_open(self, symbol: str | None, at_ns: int) -> bool:
        return False


def asked_while_closed(*, quoted: tuple[int, ...], is_up: bool, bar_age_s: int) -> BusyBars:
    """Return when bars were asked for in a minute in which the calendar has the market closed."""
    loop, told = VirtualLoop(), list[Message]()
    started_ns = loop.now_ns()
    bar_ns = started_ns - bar_age_s * NS_PER_S
    bars = OldBars(Traded(bar_ns, bar_ns + NS_PER_S, Decimal(24_000)))
    ids = CorrelationIds(1)
    board = ConnectionBoard(loop, ids, told.append)
    nothing: Any = lambda *_: None  # noqa: E731
    inbound = Inbound(frozenset({101}), loop, ids, told.append, nothing, nothing, nothing)

    async def main() -> None:
        prices = BarPrices(cast("BarReader", bars), inbound, board, loop, nothing, Closed())
        position = Position(
            account_id=101, contract_id=MNQ, size=2, average_price=Decimal(25_000), opened_ns=0
        )
        prices.take(PositionReported(correlation_id="x", at_ns=loop.now_ns(), position=position))
        prices.set_hub(up=True)
        for price in quoted:
            quote = Quote(contract_id=MNQ, last=Decimal(price), at_ns=loop.now_ns())
            prices.heard(quote)
            await asyncio.sleep(1)
        prices.set_hub(up=is_up)
        serving = asyncio.create_task(prices.serve())
        await asyncio.sleep(60)
        serving.cancel()
        await asyncio.wait({serving})

    run_virtually(loop, main())
    return bars


@pytest.mark.parametrize(
    ("quoted", "is_up", "bar_age_s", "least", "most"),
    [
        # Closed, and the hub would tell: nothing is asked.
        ((100, 100), True, 4000, 0, 0),
        # Closed for all we know, but nobody would tell: now and then.
        ((), False, 4000, 3, 4),
        ((100, 100), False, 4000, 3, 4),
        # It moved just before: the calendar is wrong.
        ((100, 101), False, 4000, 20, 31),
        # A bar tells that it is traded.
        ((), False, 0, 20, 31),
    ],
)
def test_i7_a_closed_market_is_believed_while_nothing_speaks_against_it(
    quoted: tuple[int, ...], *, is_up: bool, bar_age_s: int, least: int, most: int
) -> None:
    bars = asked_while_closed(quoted=quoted, is_up=is_up, bar_age_s=bar_age_s)
    assert least <= len(bars.asked_s) <= most


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
