"""The broker of the benchmark: the simulated gateway, stamps of what it writes, and samples.

A sample is one breach: the trader buys two contracts on the platform where one is the limit, and
whatever guards the account closes them. Measured is the time from right before the first event
that proves it (the fill or the position, whichever is written first) goes to a socket until the
first close or cancel for it has been read.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import NamedTuple

from risk_actors.simulator import SimulatedGateway, SimulatorSettings, Ugliness, paper_accounts
from risk_actors.simulator.history import RequestRecord
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.thread import environment

from .broker_flood import Flood

SYMBOLS = ("MNQ", "NQ", "MES", "ES", "MGC", "MYM", "YM", "M2K", "RTY", "MCL")
"""Those that are quoted, the first ones when there are fewer."""
ACCOUNTS = 3
LIMIT = 1
"""The most contracts that the guards let stand."""
_BREACH_SIZE = 2
_BALANCE_USD = 10_000_000.0
_NO_LIMIT = 10_000_000
_SETTLED_WITHIN_S = 5.0
_PAUSE_S = (0.03, 0.08)
_LOOK_EVERY_S = 0.002
_PROOFS = ('"target":"GatewayUserTrade"', '"target":"GatewayUserPosition"')
_POSITION = _PROOFS[1]
_CLOSES = frozenset({"Position/closeContract", "Position/partialCloseContract"})
_CANCEL = "Order/cancel"
NS_PER_MS = 1_000_000


class NotGuardedError(Exception):
    """A breach was not answered in time."""


class Sample(NamedTuple):
    """One breach and its close."""

    ms: float
    """From the first proof written to the first close or cancel read."""
    to_position_ms: float
    """From the first proof to the position's event: what waiting for that one costs."""
    proof_ns: int
    """When the first proof was written (monotonic, as all processes of the machine see it)."""
    answer_ns: int
    """When the first close or cancel had been read."""


class _Stamps:
    """When the proofs of the present breach were written (monotonic ns); 0 is not yet."""

    proof_ns = 0
    position_ns = 0

    def forget(self) -> None:
        """Be ready for the next breach."""
        self.proof_ns = self.position_ns = 0

    def take(self, text: str) -> None:
        """Take a text that goes to a socket of the user hub now."""
        if not self.proof_ns and any(proof in text for proof in _PROOFS):
            self.proof_ns = time.monotonic_ns()
        if not self.position_ns and _POSITION in text:
            self.position_ns = time.monotonic_ns()


class Broker:
    """A running gateway with standing positions, so that every contract is wanted."""

    def __init__(self, symbols: Sequence[str] = SYMBOLS[:5], seed: int = 7) -> None:
        """Build it, not yet listening."""
        self.gateway = SimulatedGateway(
            SimulatorSettings(
                accounts=paper_accounts(ACCOUNTS, _BALANCE_USD),
                symbols=(),
                requests_per_minute=_NO_LIMIT,
                bar_requests_per_30_s=_NO_LIMIT,
                ugliness=Ugliness(partial_fills=False),
                seed=seed,
            )
        )
        self.gateway.silence_quotes()
        self.account_ids = tuple(self.gateway.exchange.accounts)
        self.contract_ids = tuple(self.gateway.contract_of(symbol) for symbol in symbols)
        contracts = self.gateway.exchange.contracts
        self.flood = Flood(
            self.gateway.market_hub,
            self.gateway.exchange,
            [contracts[each] for each in self.contract_ids],
        )
        self._rng = Random(seed)  # noqa: S311 - the pauses between samples
        self._sampled = 0
        self._stamps = _Stamps()
        self.gateway.user_hub.on_write = self._stamps.take
        for contract_id in self.contract_ids:
            self._buy(self.account_ids[-1], contract_id, LIMIT)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen and flood meanwhile, with no pause for collecting garbage."""
        gc.collect()
        gc.disable()
        await self.gateway.start()
        flooding = asyncio.create_task(self.flood.run())
        try:
            yield
        finally:
            flooding.cancel()
            await asyncio.wait([flooding])
            await self.gateway.stop()
            gc.enable()
        if not flooding.cancelled() and (error := flooding.exception()) is not None:
            raise error

    @property
    def environment(self) -> dict[str, str]:
        """Return what points a program here."""
        return environment(self.gateway)

    @property
    def is_subscribed(self) -> bool:
        """Whether somebody has every stream that is wanted."""
        user, market = self.gateway.user_hub, self.gateway.market_hub
        return all(
            user.subscriber_count((name, account_id))
            for name in ("Orders", "Positions", "Trades")
            for account_id in self.account_ids
        ) and all(
            market.subscriber_count((name, contract_id))
            for name in ("ContractQuotes", "ContractTrades")
            for contract_id in self.contract_ids
        )

    async def wait_for_guard(self, within_s: float) -> None:
        """Wait until somebody has subscribed to everything.

        Raises:
            NotGuardedError: nobody has, in that time.
        """
        deadline_s = time.monotonic() + within_s
        while not self.is_subscribed:
            if time.monotonic() > deadline_s:
                raise NotGuardedError(f"not every stream was subscribed within {within_s:g} s")
            await asyncio.sleep(0.02)

    async def samples(self, count: int, *, warm_up: int) -> list[Sample]:
        """Take so many samples after those that do not count."""
        taken = [await self.sample() for _ in range(warm_up + count)]
        return taken[warm_up:]

    async def sample(self) -> Sample:
        """Break the rule once and wait until it is closed and quiet again.

        Raises:
            NotGuardedError: nobody closed it.
        """
        account_id = self.account_ids[self._sampled % (ACCOUNTS - 1)]
        contract_id = self.contract_ids[self._sampled % len(self.contract_ids)]
        self._sampled += 1
        stamps = self._stamps
        stamps.forget()
        began_ns = time.monotonic_ns()
        self._buy(account_id, contract_id, _BREACH_SIZE)
        deadline_s = time.monotonic() + _SETTLED_WITHIN_S
        while self.gateway.exchange.signed_size(account_id, contract_id):
            if time.monotonic() > deadline_s:
                raise NotGuardedError(f"not closed within {_SETTLED_WITHIN_S:g} s")
            await asyncio.sleep(_LOOK_EVERY_S)
        answer_ns = min(self._answers(account_id, contract_id, began_ns))
        await asyncio.sleep(self._rng.uniform(*_PAUSE_S))
        return Sample(
            (answer_ns - stamps.proof_ns) / NS_PER_MS,
            (stamps.position_ns - stamps.proof_ns) / NS_PER_MS,
            stamps.proof_ns,
            answer_ns,
        )

    def _answers(self, account_id: int, contract_id: str, began_ns: int) -> Iterator[int]:
        for record in reversed(self.gateway.history.requests):
            if record.arrived_ns < began_ns:
                return
            if record.body.get("accountId") == account_id and _is_answer(record, contract_id):
                yield record.arrived_ns

    def _buy(self, account_id: int, contract_id: str, size: int) -> None:
        ticket = Ticket(account_id=account_id, contract_id=contract_id, side=Side.BUY, size=size)
        self.gateway.exchange.place(ticket, self.gateway.clock())
        self.gateway.publish()


def _is_answer(record: RequestRecord, contract_id: str) -> bool:
    if record.endpoint in _CLOSES:
        return record.body.get("contractId") == contract_id
    return record.endpoint == _CANCEL
