"""A busy trading day as a script: what the trader and the market do, step by step.

Prices move only where a step moves them, so that what is bought or flattened some seconds later,
because the daemon was down, costs the same. Sizes, sides and prices follow from the seed; what the
daemon makes of it is nowhere written down: a run without kills tells that.
"""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from risk_actors.simulator import OrderType, Side, SimulatorThread, Ticket
from risk_actors.simulator.records import Bracket
from risk_actors.simulator.refusals import RefusedError

A, B = 101, 102
"""A loses its money; B makes too many trades."""

SHORT_LOCK_S = 15
"""How long the locks last that end within the day."""
HALF_A_DAY = timedelta(hours=12)


class Hands:
    """What trader and market can do at the simulated broker; every order has a name."""

    def __init__(self, simulator: SimulatorThread) -> None:
        self._simulator = simulator

    def at_once(self, *acts: Callable[[], object]) -> None:
        """Do several things at the same instant."""
        self._simulator.call(lambda: [act() for act in acts])

    def order(
        self,
        name: str,
        account: int,
        symbol: str,
        signed_size: int,
        *,
        limit: float | None = None,
        stop_ticks: int | None = None,
        target_ticks: int | None = None,
    ) -> Callable[[], object]:
        """Return the placing of an order; its exits are given in ticks from the entry."""
        side = Side.BUY if signed_size > 0 else Side.SELL
        ticket = Ticket(
            account_id=account,
            contract_id=self._simulator.contract_id(symbol),
            side=side,
            size=abs(signed_size),
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=None if limit is None else Decimal(str(limit)),
            custom_tag=name,
            stop_loss=_leg(stop_ticks, -side.sign, OrderType.STOP),
            take_profit=_leg(target_ticks, side.sign, OrderType.LIMIT),
        )
        gateway = self._simulator.gateway
        return lambda: gateway.exchange.place(ticket, gateway.clock())

    def closing(self, account: int, symbol: str, size: int | None = None) -> Callable[[], object]:
        """Return the trader's own exit; that there is nothing left to close is shrugged off."""
        gateway, contract_id = self._simulator.gateway, self._simulator.contract_id(symbol)

        def close() -> None:
            with contextlib.suppress(RefusedError):
                gateway.exchange.close(account, contract_id, gateway.clock(), size=size)

        return close

    def price(self, symbol: str, bid: float, *, side: int = 1) -> None:
        """Move a price; the last trade is where a position of that side would be closed.

        Bars are made of trades. A peak that is read from them after a restart equals the one that
        was watched only where trades happen at the side of the exit.
        """
        ask = bid + 0.25
        last = bid if side > 0 else ask
        self._simulator.set_price(self._simulator.contract_id(symbol), bid, ask, last)

    def can_trade(self, account: int, *, can_trade: bool) -> None:
        """Let the broker take, or give back, the permission to trade."""
        self._simulator.set_can_trade(account, can_trade=can_trade)


def _leg(ticks: int | None, sign: int, kind: OrderType) -> Bracket | None:
    return None if ticks is None else Bracket(ticks=sign * ticks, type=kind)


class Step(NamedTuple):
    """One thing that happens. The next follows when broker and daemon have come to rest."""

    name: str
    act: Callable[[Hands], None]
    may_be_unseen: bool = False
    """What comes of it does not depend on whether the daemon was there: it may happen while the
    daemon is down, before what the step before asks for was done."""
    begins_short_lock: bool = False
    under_short_lock: bool = False
    """The daemon has to be back before the lock is over."""
    waits_for_short_locks: bool = False
    """It is over when no lock with an end within the day is in force."""


def rules_text(now: datetime) -> str:
    """Return a risk.toml whose day and week surely do not end while the test runs."""
    reset = (now.astimezone(UTC) + HALF_A_DAY).replace(minute=0)
    week_day = (reset + timedelta(days=3)).isoweekday() % 7
    return f"""
[session]
timezone = "UTC"
daily_reset = "0 {reset.hour} * * *"
weekly_reset = "0 {reset.hour} * * {week_day}"

[[rules]]
id = "max-contracts"
type = "max_contracts"
limit = 5

[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 600.0
warn_at = [0.5, 0.8]

[[rules]]
id = "weekly-loss"
type = "weekly_loss_limit"
limit_usd = 5000.0

[[rules]]
id = "giveback"
type = "profit_giveback"
arm_at_usd = 10.0
giveback_usd = 4000.0

[[rules]]
id = "drawdown"
type = "trailing_drawdown"
amount_usd = 4000.0
start_balance_usd = 50000.0
trail = "intraday"

[[rules]]
id = "losing-streak"
type = "max_consecutive_losses"
limit = 3
min_loss_usd = 20.0
lock_s = {SHORT_LOCK_S}
accounts = ["*-{A}"]

[[rules]]
id = "no-gold"
type = "symbol_block"
blocked = ["MGC"]

[[rules]]
id = "order-size"
type = "max_order_size"
limit = 3
limits = {{ MNQ = 9, MES = 9 }}

[[rules]]
id = "guard"
type = "account_guard"

[[rules]]
id = "rapid-fire"
type = "rapid_fire"
max_entries = 3
window_s = 0.1
lock_s = {SHORT_LOCK_S}
accounts = ["*-{B}"]

[[rules]]
id = "trade-count"
type = "max_trades"
per_day = 6
accounts = ["*-{B}"]

[[rules]]
id = "break-even"
type = "trade_management"
breakeven_after_ticks = 20
offset_ticks = 2
accounts = ["*-{B}"]
"""


def a_day(seed: int) -> list[Step]:
    """Return the steps of one day."""
    rng = Random(f"day {seed}")
    base = 25_000 + rng.randrange(-200, 200)
    side = rng.choice((1, -1))
    rest_of_a, rest_of_b = _day_of_a(rng, base, side), _day_of_b(rng)
    opening = [
        Step("prices-mnq", lambda h: h.price("MNQ", base, side=side)),
        Step("prices-mes", lambda h: h.price("MES", 6_000)),
    ]
    return opening + _mixed(rng, rest_of_a, rest_of_b)


def _mixed(rng: Random, *days: list[Step]) -> list[Step]:
    """Return the steps of several accounts in one order, each account's own order kept."""
    left = [list(day) for day in days]
    mixed: list[Step] = []
    while any(left):
        weights = [len(day) for day in left]
        day = rng.choices(left, weights)[0]
        mixed.append(day.pop(0))
        # What happens while a short lock lasts follows at once, and so does its end.
        while day and (day[0].under_short_lock or day[0].waits_for_short_locks):
            mixed.append(day.pop(0))
    return mixed


def _day_of_a(rng: Random, base: float, side: int) -> list[Step]:
    up, down = base + side * rng.randrange(5, 12), base - side * rng.randrange(18, 24)
    too_many = rng.randrange(6, 10)
    losing, last = rng.randrange(2, 5), rng.randrange(1, 3)
    return [
        _trade("a-entry", A, "MNQ", 2 * side, stop_ticks=600, target_ticks=600),
        _trade("a-more", A, "MNQ", side),
        Step("a-peak", lambda h: h.price("MNQ", up, side=side)),
        Step("a-part-out", lambda h: h.at_once(h.closing(A, "MNQ", 1))),
        Step("a-back", lambda h: h.price("MNQ", base, side=side)),
        Step("a-out", lambda h: h.at_once(h.closing(A, "MNQ"))),
        _trade("a-too-many", A, "MNQ", too_many * side),
        Step("a-loss", lambda h: h.price("MNQ", down, side=side)),
        Step("a-loss-out", lambda h: h.at_once(h.closing(A, "MNQ"))),
        _trade("a-gold", A, "MGC", 1, limit=1_000),
        _trade("a-gold-again", A, "MGC", -2),
        Step("a-guarded", lambda h: h.can_trade(A, can_trade=False)),
        Step("a-free", lambda h: h.can_trade(A, can_trade=True)),
        _trade("a-second", A, "MNQ", losing * side),
        Step("a-second-loss", lambda h: h.price("MNQ", down - side * 14, side=side)),
        Step("a-second-out", lambda h: h.at_once(h.closing(A, "MNQ"))),
        _trade("a-third", A, "MNQ", last * side),
        Step("a-third-loss", lambda h: h.price("MNQ", down - side * 44, side=side)),
        Step("a-third-out", lambda h: h.at_once(h.closing(A, "MNQ")), begins_short_lock=True),
        _trade("a-tilt", A, "MNQ", 2, under_short_lock=True),
        _trade("a-tilt-limit", A, "MES", 1, limit=5_900, under_short_lock=True),
        Step("a-wait", lambda _h: None, waits_for_short_locks=True),
        _trade("a-luck", A, "MNQ", 2 * side),
        Step("a-gain", lambda h: h.price("MNQ", down - side * 40, side=side)),
        Step("a-gain-out", lambda h: h.at_once(h.closing(A, "MNQ"))),
        _trade("a-all-in", A, "MNQ", 5 * side, stop_ticks=900),
        Step("a-all-lost", lambda h: h.price("MNQ", down - side * 104, side=side)),
        _trade("a-locked", A, "MNQ", 2),
        _trade("a-locked-limit", A, "MNQ", 1, limit=base - 400),
    ]


def _day_of_b(rng: Random) -> list[Step]:
    size = rng.randrange(1, 4)
    return [
        _trade("b-entry", B, "MES", 2, stop_ticks=40, target_ticks=400),
        Step("b-gain", lambda h: h.price("MES", 6_006)),
        Step("b-more-gain", lambda h: h.price("MES", 6_008)),
        Step("b-out", lambda h: h.at_once(h.closing(B, "MES"))),
        _trade("b-large-order", B, "MCL", 4, limit=10),
        _round_trip("b-trip", size),
        Step("b-burst", _burst, begins_short_lock=True),
        _trade("b-tilt", B, "MES", -1, under_short_lock=True),
        Step("b-wait", lambda _h: None, waits_for_short_locks=True),
        _round_trip("b-second-trip", size),
        _round_trip("b-third-trip", -size),
        _trade("b-last", B, "MES", 2, stop_ticks=60),
        Step("b-last-gain", lambda h: h.price("MES", 6_009)),
        Step("b-last-out", lambda h: h.at_once(h.closing(B, "MES"))),
        _trade("b-locked", B, "MES", 2),
        _trade("b-locked-again", B, "MNQ", -1),
    ]


def _trade(
    name: str,
    account: int,
    symbol: str,
    signed_size: int,
    *,
    limit: float | None = None,
    stop_ticks: int | None = None,
    target_ticks: int | None = None,
    under_short_lock: bool = False,
) -> Step:
    def act(hands: Hands) -> None:
        hands.at_once(
            hands.order(
                name,
                account,
                symbol,
                signed_size,
                limit=limit,
                stop_ticks=stop_ticks,
                target_ticks=target_ticks,
            )
        )

    return Step(name, act, under_short_lock=under_short_lock)


def _round_trip(name: str, signed_size: int) -> Step:
    def act(hands: Hands) -> None:
        hands.at_once(hands.order(name, B, "MES", signed_size), hands.closing(B, "MES"))

    return Step(name, act, may_be_unseen=True)


def _burst(hands: Hands) -> None:
    """Make four entries at the same instant, one more than is allowed."""
    hands.at_once(*(hands.order(f"b-burst-{n}", B, "MES", 1) for n in range(4)))
