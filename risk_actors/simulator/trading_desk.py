"""Where a simulated trader sits: shows the trader the account and sends what the trader decides."""

import asyncio
import contextlib
from collections import deque
from decimal import Decimal
from random import Random
from typing import Protocol

from risk_actors.simulator import traders
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.records import ZERO, Position, Ticket
from risk_actors.simulator.refusals import RefusedError
from risk_actors.simulator.settings import TraderSettings

_GLANCE_S = 0.1
_MOMENTS = 20
"""Glances that make up "the last moments"."""


class Venue(Protocol):
    """What the trader trades at."""

    exchange: Exchange
    contract_ids: dict[str, str]

    def clock(self) -> int:
        """Return nanoseconds UTC."""
        ...

    def publish(self) -> None:
        """Send out what happened."""
        ...


class SimulatedTrader:
    """Runs one trader on one account. A refusal is shrugged off; the trader tries again."""

    def __init__(self, settings: TraderSettings, venue: Venue, rng: Random) -> None:
        self._settings = settings
        self._venue = venue
        self._rng = rng
        self._mood = traders.start(venue.clock(), settings.start_after_s)
        self._seen: dict[str, deque[Decimal]] = {}

    async def run(self) -> None:
        """Trade until cancelled."""
        while True:
            await asyncio.sleep(_GLANCE_S)
            self.act(self._venue.clock())

    def act(self, now_ns: int) -> None:
        """Decide once and send what was decided."""
        self._mood, acts = traders.decide(
            self._settings.character,
            self._mood,
            self._sight(),
            now_ns,
            self._rng,
            account_id=self._settings.account_id,
            contract_ids=self._venue.contract_ids,
            symbol=self._settings.symbol,
            pace=self._settings.pace,
        )
        for act in acts:
            try:
                self._send(act, now_ns)
            except RefusedError:
                continue
        if acts:
            self._venue.publish()

    def _send(self, act: traders.Act, now_ns: int) -> None:
        exchange, account_id = self._venue.exchange, self._settings.account_id
        if isinstance(act, Ticket):
            exchange.place(act, now_ns)
            return
        for order in exchange.working_orders(account_id):
            if order.contract_id == act.contract_id:
                with contextlib.suppress(RefusedError):  # gone with its parent
                    exchange.cancel(account_id, order.id, now_ns)
        exchange.close(account_id, act.contract_id, now_ns)

    def _sight(self) -> traders.Sight:
        exchange, account_id = self._venue.exchange, self._settings.account_id
        account = exchange.account(account_id)
        mine = [p for p in exchange.positions.values() if p.account_id == account_id]
        return traders.Sight(
            balance_usd=float(account.balance_usd),
            can_trade=account.can_trade and not account.blocked,
            holdings=tuple(self._holding(position) for position in mine),
            moves=self._moves(),
        )

    def _moves(self) -> dict[str, float]:
        moves: dict[str, float] = {}
        for symbol in traders.symbols_of(self._settings.symbol):
            contract_id = self._venue.contract_ids[symbol]
            last = self._venue.exchange.quotes[contract_id].last
            seen = self._seen.setdefault(contract_id, deque(maxlen=_MOMENTS))
            seen.append(last)
            if last in (max(seen), min(seen)):
                moves[contract_id] = float(last - sum(seen, ZERO) / len(seen))
        return moves

    def _holding(self, position: Position) -> traders.Holding:
        exchange = self._venue.exchange
        contract = exchange.contracts[position.contract_id]
        quote = exchange.quotes[position.contract_id]
        mark = quote.bid if position.signed_size > 0 else quote.ask
        points = (mark - position.average_price) * position.signed_size
        return traders.Holding(
            contract_id=position.contract_id,
            signed_size=position.signed_size,
            open_pnl_usd=float(points / contract.tick_size * contract.tick_value_usd),
        )
