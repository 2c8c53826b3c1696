"""Some days of a trader at random, as the facts that rules are shown; no rule interferes.

Positions come and go in several instruments, prices wander, orders work and are taken back, stops
are there or missing, and it all goes on overnight, over a holiday and around the news.
"""

from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, NamedTuple

from core.builders import (
    BUY,
    ES,
    MES,
    MNQ,
    NQ,
    SELL,
    S,
    account_row,
    at,
    fill,
    order,
    position,
    quote,
    rule,
    stop,
)
from core.desk import RuleDesk

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import OrderStatus, Side
from risk_actors.core.news import NewsCalendar, NewsEvent
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import RuleContext, default_context
from risk_actors.core.verdict import Ok, Verdict

BEGIN = at(2026, 11, 25, 8)
"""The Wednesday before Thanksgiving; the Friday after it closes early."""
STEPS = 160

_POINT_USD = {MNQ: 2, NQ: 20, ES: 50, MES: 5}
_TICK = Decimal("0.25")


class Seen(NamedTuple):
    """What rules are shown at one instant."""

    account: AccountState
    pnl: PnlState
    now_ns: int


class _Recorder(RuleDesk):
    """Writes down what a rule would be shown."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        super().__init__(rule("account_guard"), now_ns=BEGIN)

    def judge(self) -> Verdict:
        self.seen.append(Seen(self.positions.state(), self.fact(), self.now_ns))
        self.verdicts = [Ok()]
        return self.verdicts[-1]


class _Trader:
    """Trades at random; the same seed gives the same days."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.desk = _Recorder()
        self.prices = {contract: Decimal(100) for contract in _POINT_USD}
        self.sizes = dict.fromkeys(_POINT_USD, 0)
        self.entries = dict.fromkeys(_POINT_USD, Decimal(0))
        self.opened_ns = dict.fromkeys(_POINT_USD, 0)
        self.orders: list[Any] = []
        self.balance_usd = Decimal(50_000)
        self.last_id = 0

    def step(self) -> None:
        contract = self.random.choice([MNQ, MNQ, MNQ, MES, ES, NQ])
        self.desk.now_ns += self.random.choice([1, 2, 10, 30, 45, 120, 400]) * S
        act = self.random.choice(["move"] * 4 + ["enter"] * 3 + ["exit"] * 3 + ["order", "wait"])
        getattr(self, f"_{act}")(contract)

    def _move(self, contract: str) -> None:
        self.prices[contract] += self.random.randint(-12, 12) * _TICK
        price = self.prices[contract]
        quoted = quote(contract, bid=price, ask=price, last=price, at_ns=self.desk.now_ns)
        self.desk.see(quoted)

    def _enter(self, contract: str) -> None:
        held, size = self.sizes[contract], self.random.randint(1, 3)
        sign = (held > 0) - (held < 0) or self.random.choice([1, -1])
        if abs(held) < 5:
            self._move(contract)
            self._fill(contract, sign * size, None)
            if self.random.random() < 0.5:
                self._work(
                    stop(
                        self._next_id(),
                        _side(-sign),
                        size,
                        self._stop_price(contract),
                        contract=contract,
                    )
                )

    def _exit(self, contract: str) -> None:
        held = self.sizes[contract]
        if not held:
            return
        part = held if self.random.random() < 0.7 else (1 if held > 0 else -1)
        self._move(contract)
        gained = (self.prices[contract] - self.entries[contract]) * part * _POINT_USD[contract]
        self._fill(contract, -part, gained)
        if not self.sizes[contract]:
            for each in [each for each in self.orders if each.contract_id == contract]:
                self._cancel(each)

    def _order(self, contract: str) -> None:
        side = self.random.choice([BUY, SELL])
        self._work(order(self._next_id(), side, self.random.randint(1, 4), contract=contract))

    def _wait(self, _: str) -> None:
        for each in self.orders[:]:
            self._cancel(each)
        self.desk.at(self.desk.now_ns + self.random.choice([1, 20, 100, 200, 400]) * 60 * S)

    def _stop_price(self, contract: str) -> Decimal:
        away = self.random.randint(20, 60) * _TICK
        return self.prices[contract] - (away if self.sizes[contract] > 0 else -away)

    def _work(self, working: Any) -> None:
        self.orders.append(working)
        self.desk.see(working)

    def _cancel(self, working: Any) -> None:
        self.orders.remove(working)
        self.desk.see(
            order(
                working.id,
                working.side,
                working.size,
                contract=working.contract_id,
                status=OrderStatus.CANCELLED,
                kind=working.type,
                updated_ns=self.desk.now_ns,
            )
        )

    def _fill(self, contract: str, signed_size: int, gained_usd: Decimal | None) -> None:
        held, price = self.sizes[contract], self.prices[contract]
        after = held + signed_size
        if gained_usd is None:
            cost = self.entries[contract] * abs(held) + price * abs(signed_size)
            self.entries[contract] = cost / abs(after)
        self.sizes[contract] = after
        at_ns = self.desk.now_ns
        made = fill(
            self._next_id(), signed_size, price, contract=contract, profit=gained_usd, at_ns=at_ns
        )
        if not held:
            self.opened_ns[contract] = at_ns
        entry, opened_ns = self.entries[contract], self.opened_ns[contract]
        self.desk.see(made, position(after, entry, contract=contract, opened_ns=opened_ns))
        if gained_usd is not None:
            self.balance_usd += gained_usd
            self.desk.see(account_row(self.balance_usd))

    def _next_id(self) -> int:
        self.last_id += 1
        return self.last_id


def _side(sign: int) -> Side:
    return BUY if sign > 0 else SELL


@cache
def recorded(seed: int) -> tuple[Seen, ...]:
    """Return some days of facts."""
    trader = _Trader(seed)
    for _ in range(STEPS):
        trader.step()
    return tuple(trader.desk.seen)


@cache
def context() -> RuleContext:
    """Return the calendars of those days, with news in every other hour."""
    every = 2 * 3600 * S
    news = [NewsEvent(at_ns=BEGIN + number * every, name=f"news {number}") for number in range(60)]
    return default_context()._replace(news=NewsCalendar(news))
