"""A day's trading in a few words, told to a real position book: what rules on habits judge."""

from decimal import Decimal
from typing import Any

from core.builders import ACCOUNT, MNQ, MS, NAME, NOON, S, chicago_calendar, dec, snapshot

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill, Position, Side
from risk_actors.core.lock import LockSpan
from risk_actors.core.position_book import PositionBook
from risk_actors.core.trade_ledger import SeenBefore


def at_s(seconds: float) -> int:
    """Return an instant so many seconds after noon."""
    return NOON + round(seconds * S)


class Tape:
    """Fills in the order in which they are written down; times are seconds after noon."""

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.seen: dict[int, int] = {}
        self.spans: tuple[LockSpan, ...] = ()

    def fill(
        self,
        seconds: float,
        signed_size: int,
        *,
        contract: str = MNQ,
        order_id: int | None = None,
        profit: str | float | None = None,
        costs: str | float = 0,
        seen_s: float | None = None,
    ) -> "Tape":
        """Fill an order of its own, or a part of the one named."""
        fill_id = len(self.fills) + 1
        self.fills.append(
            Fill(
                id=fill_id,
                account_id=ACCOUNT,
                contract_id=contract,
                order_id=1000 + fill_id if order_id is None else order_id,
                side=Side.BUY if signed_size > 0 else Side.SELL,
                size=abs(signed_size),
                price=dec(100),
                at_ns=at_s(seconds),
                profit_usd=None if profit is None else dec(profit),
                costs_usd=dec(costs),
            )
        )
        self.seen[fill_id] = at_s(seconds if seen_s is None else seen_s)
        return self

    def trade(
        self, begin_s: float, end_s: float, net: str | float = 0, *, size: int = 1, **more: Any
    ) -> "Tape":
        """Open a trade and close it, for this net result."""
        self.fill(begin_s, size, **more)
        return self.fill(end_s, -size, profit=net, **more)

    def locked(self, since_s: float, until_s: float, contract: str | None = None) -> "Tape":
        self.spans = (*self.spans, LockSpan(contract, at_s(since_s), at_s(until_s)))
        return self

    def book(self, *, order: Any = None) -> PositionBook:
        """Return a book that was told all of it, in this order of places."""
        made = PositionBook(ACCOUNT, NAME, chicago_calendar().day(NOON))
        made.on_snapshot(snapshot(NOON - 10**13), NOON - 10**13 + MS)
        made.on_locks(self.spans)
        places = range(len(self.fills)) if order is None else order
        for place in places:
            fill = self.fills[place]
            made.on_fill(fill, self.seen[fill.id])
        return made

    def account(self, **more: Any) -> AccountState:
        """Return what a book told all of it shows."""
        return self.book(**more).state()

    def restarted(self, now_ns: int, *, remembers: bool = False) -> AccountState:
        """Return what a book shows that reads all of it from the broker in mid-day.

        Where it remembers, it was told when the run before saw each fill come.
        """
        sizes: dict[str, int] = {}
        for fill in self.fills:
            sizes[fill.contract_id] = sizes.get(fill.contract_id, 0) + fill.signed_size
        seen = {
            each.id: SeenBefore(each.at_ns, self.seen.get(each.id, each.at_ns))
            for each in self.fills
        }
        made = PositionBook(
            ACCOUNT, NAME, chicago_calendar().day(now_ns), seen if remembers else {}
        )
        made.on_locks(self.spans)
        positions = tuple(
            Position(
                account_id=ACCOUNT,
                contract_id=contract,
                size=size,
                average_price=Decimal(100),
                opened_ns=NOON,
            )
            for contract, size in sizes.items()
            if size
        )
        made.on_snapshot(
            snapshot(now_ns, positions=positions, fills=tuple(self.fills)), now_ns + MS
        )
        return made.state()
