"""The daemon and the broker behind the page, and what a trader does there."""

import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

from daemon_process import Daemon, eventually

from risk_actors.simulator import OrderType, Side, SimulatorThread, Ticket

TRADED, BREACHED, BREACHED_NEXT, PANICKED, LEFT_ALONE = 101, 102, 103, 104, 105
"""One account for each purpose, so that no test depends on what another did."""

RULES = """
[session]
timezone = "America/Chicago"
daily_reset = "0 17 * * *"
weekly_reset = "0 17 * * SUN"

[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 500.0
warn_at = [0.5, 0.8]

[[rules]]
id = "daily-target"
type = "daily_profit_target"
target_usd = 1400.0

[[rules]]
id = "weekly-loss"
type = "weekly_loss_limit"
limit_usd = 1500.0

[[rules]]
id = "drawdown"
type = "trailing_drawdown"
amount_usd = 2000.0
trail = "end_of_day"
start_balance_usd = 50000.0
lock_at_usd = 50000.0

[[rules]]
id = "max-contracts"
type = "max_contracts"
limit = 5

[[rules]]
id = "stop-required"
type = "stop_required"
mode = "shadow"
grace_s = 30
"""


class House:
    """A broker whose prices stand still until they are moved, and the guard of its accounts."""

    def __init__(self, directory: Path, sim: SimulatorThread) -> None:
        """Take a broker; the guard is started with the context of `daemon`."""
        self.sim = sim
        self.port = _free_port()
        self.daemon = Daemon(
            directory,
            sim.environment,
            rules=RULES,
            arguments=("--live", "--port", str(self.port)),
        )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def account(self, account_id: int) -> dict[str, Any]:
        accounts: list[dict[str, Any]] = self.daemon.state()["accounts"]
        return next(each for each in accounts if each["id"] == account_id)

    def name(self, account_id: int) -> str:
        return str(self.account(account_id)["name"])

    def price(self, bid: float, symbol: str = "MNQ") -> None:
        """Move a price; its spread is one tick of the indices."""
        self.sim.set_price(self.sim.contract_id(symbol), bid, bid + 0.25, bid)

    def order(
        self, account_id: int, side: Side, size: int, symbol: str = "MNQ", stop: float | None = None
    ) -> None:
        """Order at the market, or with a price a stop."""
        ticket = Ticket(
            account_id=account_id,
            contract_id=self.sim.contract_id(symbol),
            side=side,
            size=size,
            type=OrderType.MARKET if stop is None else OrderType.STOP,
            stop_price=None if stop is None else Decimal(str(stop)),
        )
        self.sim.place(ticket)

    def hold(self, account_id: int, size: int, symbol: str) -> None:
        """Buy, and return once the guard knows of it and what it is worth."""
        self.order(account_id, Side.BUY, size, symbol)

        def is_known() -> bool:
            held = self.account(account_id)["positions"]
            return [(p["size"], p["unrealized"] is not None) for p in held] == [(size, True)]

        eventually(is_known, what="the position is known")

    def is_flat(self, account_id: int) -> bool:
        return self.sim.sizes(account_id) == {} and self.sim.orders(account_id) == []

    def commands(self) -> int:
        """Return how many closes and cancels have reached the broker."""
        wanted = ("Position/closeContract", "Position/partialCloseContract", "Order/cancel")
        return sum(each.endpoint in wanted for each in self.sim.requests())

    def trade_a_little(self) -> None:
        """On one account: a trade won, then a position with its stop; it has all kinds of figures.

        MNQ is told in quarters of a point, each 50 cents a contract.
        """
        self.price(25_000)
        self.hold(TRADED, 2, "MNQ")
        self.price(25_031.5)
        self.order(TRADED, Side.SELL, 2)
        eventually(lambda: self.account(TRADED)["day"]["trades"] == 1, what="the trade is over")
        self.hold(TRADED, 3, "MNQ")
        self.order(TRADED, Side.SELL, 3, stop=25_010.25)
        self.price(25_027.75)
        eventually(lambda: self.account(TRADED)["orders"], what="the stop is known")


def _free_port() -> int:
    """Return a port that is free now: after a restart the daemon has to be where it was."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
