"""The running feed: one quote per contract and interval, from the walk, a file, or standing still.

With automatic prices off it repeats the current quote, so that a quiet market does not look like
a dead one.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.market_wire import MarketEvent, MarketWriter
from risk_actors.simulator.prices import PriceWalk, read_prices
from risk_actors.simulator.records import Quote
from risk_actors.simulator.settings import SimulatorSettings

_NS_PER_S = 1_000_000_000
_STANDING_EVERY = 4
"""Contracts whose price stands still are quoted once in so many steps."""


class Feed:
    """Produces quotes and hands each on with its market events."""

    def __init__(
        self,
        settings: SimulatorSettings,
        contracts: Sequence[Contract],
        rng_for: Callable[[str], Random],
        *,
        take: Callable[[str, Quote, list[MarketEvent]], None],
        current: Mapping[str, Quote],
    ) -> None:
        """Prepare walks and writers; `take` receives each quote, `current` is read for repeats."""
        self.automatic = settings.auto_prices
        """Whether prices move by themselves; may be switched while running."""
        self.silent = False
        """Whether no quote is sent at all (except by `set_price`)."""
        self._settings = settings
        self._steps = 0
        self._take = take
        self._current = current
        self._walks = {
            c.contract_id: PriceWalk(c, rng_for(f"price {c.symbol}"))
            for c in contracts
            if c.symbol in settings.symbols
        }
        self._writers = {
            c.contract_id: MarketWriter(
                c, rng_for(f"market {c.symbol}"), partial=settings.ugliness.partial_quotes
            )
            for c in contracts
        }
        self._standing = [c for c in self._writers if c not in self._walks]
        self._names = {
            name: c.contract_id for c in contracts for name in (c.contract_id, c.name, c.symbol)
        }

    def set_price(self, contract_id: str, quote: Quote) -> None:
        """Send a quote set by hand."""
        if contract_id in self._walks:
            self._walks[contract_id].move_to(quote)
        self._emit(contract_id, quote)

    async def run(self) -> None:
        """Feed until cancelled."""
        if self._settings.prices_file is not None:
            await self._replay(Path(self._settings.prices_file))
        while True:
            await asyncio.sleep(self._settings.quote_interval_s)
            self.step()

    def step(self) -> None:
        """Send one quote of every contract whose price moves, now and then of the others."""
        if self.silent:
            return
        self._steps += 1
        # A replayed file is the price; once it ended, its last quotes stand.
        walks = self.automatic and self._settings.prices_file is None
        for contract_id, walk in self._walks.items():
            self._emit(contract_id, walk.step() if walks else self._current[contract_id])
        if self._steps % _STANDING_EVERY == 0:
            for contract_id in self._standing:
                self._emit(contract_id, self._current[contract_id])

    async def _replay(self, path: Path) -> None:
        started_ns = time.monotonic_ns()
        for recorded in read_prices(path, self._names):
            due_ns = started_ns + recorded.offset_ns / self._settings.replay_speed
            await asyncio.sleep(max(0.0, (due_ns - time.monotonic_ns()) / _NS_PER_S))
            self._emit(recorded.contract_id, recorded.quote)

    def _emit(self, contract_id: str, quote: Quote) -> None:
        self._take(contract_id, quote, self._writers[contract_id].events(quote, time.time_ns()))
