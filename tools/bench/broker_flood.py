"""Market events in bulk: written once ahead, sent many to a write, so that the broker keeps up.

Rows are those of the simulator's own market hub. Each contract's price wanders a tick at a time
through a ring of prepared quotes, there and back, so that it never jumps; only the time is put in
when a frame is sent.
"""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.hub import Hub
from risk_actors.simulator.market_wire import MarketWriter
from risk_actors.simulator.payloads import timestamp
from risk_actors.simulator.records import Quote
from risk_actors.simulator.signalr import invocation

TICK_S = 0.002
"""How often what is due is sent: small bursts, as a feed has them."""
_RING = 600
_SHORT_BYTES = 126
"""From this length on, a WebSocket frame tells its length in two more bytes."""
_FIRST_BYTE = 0x81
"""A whole message of text."""
_LONG = 126


class _Ring(NamedTuple):
    """One contract's prepared quotes and the frames that tell them."""

    contract: Contract
    quotes: list[Quote]
    quote_frames: list[bytes]
    trade_frames: list[bytes]


class Flood:
    """Sends quotes and trades at a rate that may be changed at any time; 0 sends none."""

    def __init__(
        self, hub: Hub, exchange: Exchange, contracts: Sequence[Contract], seed: int = 7
    ) -> None:
        """Prepare the frames; takes some tenths of a second."""
        self.quotes_per_s = 0.0
        self.trades_per_s = 0.0
        self.sent = 0
        """Events written so far."""
        self.latest_s = 0.0
        """The longest that a tick came after it was due."""
        self.behind_bytes = 0
        """The most that waited in our socket because the reader did not read."""
        self._hub = hub
        self._exchange = exchange
        self._built_at = timestamp(time.time_ns()).encode()
        self._rings = [
            self._ring(each, Random(f"{seed}:{each.symbol}"))  # noqa: S311 - a seeded market
            for each in contracts
        ]
        self._steps = [0] * len(self._rings)
        self._turn = 0

    async def run(self) -> None:
        """Send until cancelled."""
        before_s = asyncio.get_running_loop().time()
        quotes_due = trades_due = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            now_s = asyncio.get_running_loop().time()
            passed_s, before_s = now_s - before_s, now_s
            self.latest_s = max(self.latest_s, passed_s - TICK_S)
            quotes_due += passed_s * self.quotes_per_s
            trades_due += passed_s * self.trades_per_s
            quotes, trades = int(quotes_due), int(trades_due)
            quotes_due -= quotes
            trades_due -= trades
            if quotes or trades:
                self._send(quotes, trades)

    def forget_extremes(self) -> None:
        """Begin anew with what was longest and most."""
        self.latest_s, self.behind_bytes = 0.0, 0

    def _send(self, quotes: int, trades: int) -> None:
        frames: list[bytes] = []
        for number in range(max(quotes, trades)):
            self._turn = (self._turn + 1) % len(self._rings)
            ring, step = self._rings[self._turn], self._steps[self._turn]
            at = _there_and_back(step, len(ring.quotes))
            self._steps[self._turn] = step + 1
            if number < quotes:
                frames.append(ring.quote_frames[at])
                self._exchange.quotes[ring.contract.contract_id] = ring.quotes[at]
            if number < trades:
                frames.append(ring.trade_frames[at])
        self.sent += len(frames)
        now = timestamp(time.time_ns()).encode()
        burst = b"".join(frames).replace(self._built_at, now)
        topic = ("ContractQuotes", self._rings[0].contract.contract_id)
        for connection in self._hub.subscribers(topic):
            self.behind_bytes = max(self.behind_bytes, connection.write_now(burst))

    def _ring(self, contract: Contract, rng: Random) -> _Ring:
        writer = MarketWriter(contract, rng, partial=True)
        ring = _Ring(contract, [], [], [])
        bid = contract.start_price
        for _ in range(_RING):
            bid += rng.choice((-1, 0, 0, 1)) * contract.tick_size
            ask = bid + contract.tick_size
            quote = Quote(bid, ask, rng.choice((bid, ask)))
            ring.quotes.append(quote)
            for event in writer.events(quote, time.time_ns()):
                text = invocation(event.target, [contract.contract_id, event.data])
                if event.target == "GatewayQuote":
                    ring.quote_frames.append(self._frame(text))
                elif event.target == "GatewayTrade":
                    ring.trade_frames.append(self._frame(text))
        return ring

    def _frame(self, text: str) -> bytes:
        """Return a text as a WebSocket frame, all times in it those of the building."""
        payload = text.encode()
        at = payload.find(b'"timestamp":"') + len(b'"timestamp":"')
        written = payload[at : at + len(self._built_at)]
        payload = payload.replace(written, self._built_at)
        if len(payload) < _SHORT_BYTES:
            return bytes((_FIRST_BYTE, len(payload))) + payload
        return bytes((_FIRST_BYTE, _LONG)) + len(payload).to_bytes(2) + payload


def _there_and_back(step: int, length: int) -> int:
    at = step % (2 * length)
    return at if at < length else 2 * length - 1 - at
