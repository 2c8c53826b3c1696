"""What the market hub sends for a quote: partial quotes, trades as a list, and depth.

A full quote is rare; most carry bid and ask, some the last price too, and none carries sizes.
"""

from decimal import Decimal
from random import Random

import msgspec

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.payloads import Row, timestamp
from risk_actors.simulator.records import Quote

_FULL_CHANCE = 0.05
_MAX_TRADE_SIZE = 9
_DEPTH_LEVELS = 3
_DOM_ASK, _DOM_BID = 1, 2


class MarketEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the market hub before it is framed."""

    target: str
    contract_id: str
    data: Row | list[Row]


class MarketWriter:
    """Writes the market hub's events of one contract and keeps its session figures."""

    def __init__(self, contract: Contract, rng: Random, *, partial: bool) -> None:
        self._contract = contract
        self._rng = rng
        self._partial = partial
        self._open = self._high = self._low = contract.start_price
        self._volume = 0
        self._last_sent: Decimal | None = None

    def events(self, quote: Quote, now_ns: int) -> list[MarketEvent]:
        """Return quote, trade and depth events for a quote."""
        at = timestamp(now_ns)
        trades = self._trades(quote, at)
        return [
            self._event("GatewayQuote", self._quote(quote, at)),
            self._event("GatewayTrade", trades),
            self._event("GatewayDepth", self._depth(quote, at)),
        ]

    def _event(self, target: str, data: Row | list[Row]) -> MarketEvent:
        return MarketEvent(target=target, contract_id=self._contract.contract_id, data=data)

    def _quote(self, quote: Quote, at: str) -> Row:
        self._high, self._low = max(self._high, quote.last), min(self._low, quote.last)
        row: Row = {
            "symbol": self._contract.symbol_id,
            "bestBid": quote.bid,
            "bestAsk": quote.ask,
            "lastUpdated": at,
            "timestamp": at,
        }
        if quote.last != self._last_sent or not self._partial:
            row["lastPrice"] = self._last_sent = quote.last
        if not self._partial or self._rng.random() < _FULL_CHANCE:
            row |= {
                "symbolName": f"/{self._contract.symbol}",
                "lastPrice": quote.last,
                "change": quote.last - self._open,
                "changePercent": round((quote.last - self._open) / self._open * 100, 4),
                "open": self._open,
                "high": self._high,
                "low": self._low,
                "volume": self._volume,
            }
        return row

    def _trades(self, quote: Quote, at: str) -> list[Row]:
        sizes = [
            self._rng.randint(1, _MAX_TRADE_SIZE)
            for _ in range(1 + (self._rng.random() < 0.3))  # noqa: PLR2004
        ]
        self._volume += sum(sizes)
        kind = 0 if quote.last >= quote.ask else 1
        return [
            {
                "symbolId": self._contract.symbol_id,
                "price": quote.last,
                "timestamp": at,
                "type": kind,
                "volume": size,
            }
            for size in sizes
        ]

    def _depth(self, quote: Quote, at: str) -> list[Row]:
        rows: list[Row] = []
        for kind, touch, way in ((_DOM_ASK, quote.ask, 1), (_DOM_BID, quote.bid, -1)):
            for level in range(_DEPTH_LEVELS):
                size = self._rng.randint(1, _MAX_TRADE_SIZE)
                rows.append(
                    {
                        "timestamp": at,
                        "type": kind,
                        "price": touch + way * level * self._contract.tick_size,
                        "volume": size,
                        "currentVolume": size,
                    }
                )
        return rows
