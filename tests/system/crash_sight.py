"""What two runs of a day are compared by: what the daemon shows and keeps, what the broker has."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from daemon_process import Daemon

from risk_actors.simulator import OrderStatus, OrderType, SimulatorThread
from risk_actors.simulator.history import RequestRecord
from risk_actors.simulator.records import Filled, JournalEntry, Order, OrderChanged

CLIENT = "client"
WITHIN_THE_DAY = timedelta(hours=1)

_TIMED = "_ns"
_PLAIN_REST = ("reported",)
"""What a rule's memory names by the broker's order or fill ids, which differ between runs."""


@dataclass(frozen=True)
class SeenLock:
    """A lock as the daemon shows it."""

    account: int
    rule: str
    scope: str
    since: datetime
    until: datetime | None

    @property
    def is_short(self) -> bool:
        """Tell whether it lasts for a duration within the day."""
        return self.until is not None and self.until - self.since < WITHIN_THE_DAY


@dataclass(frozen=True)
class Sight:
    """Everything that must be the same at rest, and the locks, whose times may differ a little."""

    holds: Mapping[str, Any]
    locks: tuple[SeenLock, ...]

    def differences(self, other: "Sight") -> list[str]:
        """Return in words where the two differ, times of locks left aside."""
        found = []
        for key in sorted({*self.holds, *other.holds}):
            mine, theirs = self.holds.get(key), other.holds.get(key)
            if mine != theirs:
                found.append(f"{key}: {mine!r}, should be {theirs!r}")
        return found


def sight(daemon: Daemon, simulator: SimulatorThread) -> Sight:
    """Return what daemon and store show now."""
    state = daemon.state()
    holds: dict[str, Any] = {"phase": state["phase"]}
    locks: list[SeenLock] = []
    for account in state["accounts"]:
        name = f"account {account['id']}"
        mine = [_lock(account["id"], lock) for lock in account["locks"]]
        locks += mine
        holds |= {
            f"{name} day": account["day"],
            f"{name} week": account["week"],
            f"{name} balance": account["balance"],
            f"{name} can trade": account["can_trade"],
            f"{name} enforcement": account["enforcement"],
            f"{name} positions": sorted(
                (p["symbol"], p["size"], p["average_price"]) for p in account["positions"]
            ),
            f"{name} orders": sorted(
                (o["contract"], o["type"], o["side"], o["size"], o["price"])
                for o in account["orders"]
            ),
            f"{name} locks": sorted((lock.rule, lock.scope, lock.is_short) for lock in mine),
        }
    for rule in state["rules"]:
        name = f"rule {rule['id']} of {rule['account']}"
        holds[name] = (rule["verdict"], rule["value"], rule["limit"], rule["contract"])
    holds |= _memories(daemon)
    return Sight(holds, tuple(sorted(locks, key=lambda lock: (lock.account, lock.rule))))


def agrees_with_broker(daemon_sight: Sight, simulator: SimulatorThread) -> bool:
    """Tell whether the daemon has seen all that the broker did, and is at rest (I3, I8)."""
    holds = daemon_sight.holds
    if holds["phase"] != "armed":
        return False
    for account_id in (account.id for account in simulator.gateway.exchange.accounts.values()):
        name = f"account {account_id}"
        balance = round(float(simulator.balance_usd(account_id)), 2)
        day, sizes = holds[f"{name} day"], simulator.sizes(account_id)
        shown = [size for _, size, _ in holds[f"{name} positions"]]
        orders = [
            order
            for order in simulator.orders(account_id)
            if order.status is not OrderStatus.SUSPENDED
        ]
        unrealized = _unrealized(simulator, account_id)
        if (
            holds[f"{name} enforcement"] is not None
            or holds[f"{name} balance"] != balance
            or day["realized"] != round(balance - 50_000, 2)
            or day["unrealized"] != unrealized
            or sorted(shown) != sorted(sizes.values())
            or len(orders) != len(holds[f"{name} orders"])
        ):
            return False
    return True


def _unrealized(simulator: SimulatorThread, account_id: int) -> float:
    def valued() -> float:
        exchange, total = simulator.gateway.exchange, 0.0
        for (owner, contract_id), position in exchange.positions.items():
            if owner != account_id or not position.signed_size:
                continue
            contract, quote = exchange.contracts[contract_id], exchange.quotes[contract_id]
            mark = quote.bid if position.signed_size > 0 else quote.ask
            points = mark * abs(position.signed_size) - position.cost
            sign = 1 if position.signed_size > 0 else -1
            total += float(points * sign / contract.tick_size * contract.tick_value_usd)
        return round(total, 2)

    return simulator.call(valued)


def _lock(account_id: int, shown: Mapping[str, Any]) -> SeenLock:
    until = shown["until"]
    return SeenLock(
        account_id,
        shown["rule"],
        shown["scope"],
        datetime.fromisoformat(shown["since"]),
        None if until is None else datetime.fromisoformat(until),
    )


def _memories(daemon: Daemon) -> dict[str, Any]:
    rows = daemon.rows("select rule_id, account_id, memory from rule_states")
    return {
        f"memory of {rule_id} of {account_id}": _timeless(json.loads(memory))
        for rule_id, account_id, memory in rows
    }


def _timeless(value: Any) -> Any:
    """Return a memory without its instants, and without the ids of orders and fills."""
    if isinstance(value, dict):
        return {
            key: bool(item) if key in _PLAIN_REST else _timeless(item)
            for key, item in value.items()
            if not key.endswith(_TIMED)
        }
    return [_timeless(item) for item in value] if isinstance(value, list) else value


# --- what was sent ------------------------------------------------------------------------


@dataclass
class Deeds:
    """What the daemon's commands did at the broker within a step."""

    sent: set[tuple[str, int, str]] = field(default_factory=set)
    """Kind, account, and the contract's symbol or the order's name."""
    reduced: dict[tuple[int, str], int] = field(default_factory=dict)
    """Contracts taken off by closes, by account and symbol."""
    cancelled: set[str] = field(default_factory=set)
    """Names of the orders that ended cancelled, whoever cancelled them."""
    stops: dict[str, float] = field(default_factory=dict)
    """Where the daemon moved stops to, by the name of the order."""

    def with_(self, later: "Deeds") -> "Deeds":
        """Return these and those of a later step together."""
        reduced = dict(self.reduced)
        for key, size in later.reduced.items():
            reduced[key] = reduced.get(key, 0) + size
        return Deeds(
            self.sent | later.sent,
            reduced,
            self.cancelled | later.cancelled,
            {**self.stops, **later.stops},
        )

    def worse_than(self, other: "Deeds", earlier: set[tuple[str, int, str]]) -> list[str]:
        """Return in words what was done that an uninterrupted run did not do.

        A command may come again, but no more may come of it.

        Args:
            other: what the uninterrupted run did in this step.
            earlier: what it had sent before: a repeat of these is harmless, as nothing comes of it.
        """
        new = self.sent - other.sent - earlier
        # Who cancels what both want gone, the broker or we, is a matter of milliseconds.
        found = [
            f"sent {each}"
            for each in sorted(new)
            if not (each[0] == "Order/cancel" and each[2] in other.cancelled)
        ]
        for key in sorted({*self.reduced, *other.reduced}):
            mine, theirs = self.reduced.get(key, 0), other.reduced.get(key, 0)
            if mine != theirs:
                found.append(f"closes took {mine} off {key}, should be {theirs}")
        found += [f"{name} was cancelled" for name in sorted(self.cancelled - other.cancelled)]
        if self.stops != other.stops:
            found.append(f"stops were moved to {self.stops}, should be {other.stops}")
        return found


COMMANDS = (
    "Position/closeContract",
    "Position/partialCloseContract",
    "Order/cancel",
    "Order/modify",
)


def deeds(
    requests: Iterable[RequestRecord],
    journal: Sequence[JournalEntry],
    names: Mapping[int, str],
    symbols: Mapping[str, str],
) -> Deeds:
    """Return what came of a step's requests, from the server's own records."""
    done = Deeds()
    for request in requests:
        if request.endpoint not in COMMANDS:
            continue
        order_id, contract = request.body.get("orderId"), str(request.body.get("contractId"))
        what = symbols[contract] if order_id is None else names.get(int(order_id), str(order_id))
        done.sent.add((request.endpoint, int(request.body["accountId"]), what))
    for entry in journal:
        match entry:
            case Filled() if entry.order.source == CLIENT:
                key = (entry.order.account_id, symbols[entry.order.contract_id])
                done.reduced[key] = done.reduced.get(key, 0) + entry.trade.size
            case OrderChanged(order=order) if order.status is OrderStatus.CANCELLED:
                done.cancelled.add(names.get(order.id, str(order.id)))
            case OrderChanged(order=order, by="client") if order.type is OrderType.STOP:
                done.stops[names.get(order.id, str(order.id))] = float(order.stop_price or 0)
            case _:
                pass
    return done


def order_names(orders: Iterable[Order]) -> dict[int, str]:
    """Return what the trader called his orders, by id; a close of ours is named by its contract."""
    return {order.id: order.custom_tag or f"{order.source} {order.contract_id}" for order in orders}
