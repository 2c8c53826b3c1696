"""The exchange as it was: what reads answer while they are stale. Pure: journal in, book out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from risk_actors.simulator.records import (
    Account,
    AccountChanged,
    Filled,
    JournalEntry,
    Order,
    OrderChanged,
    Position,
    PositionView,
    Trade,
)


class Book(Protocol):
    """What the reads of REST are answered from; the exchange itself is one."""

    @property
    def accounts(self) -> Mapping[int, Account]:
        """Return the accounts by id."""

    @property
    def orders(self) -> Mapping[int, Order]:
        """Return every order by id, finished ones included."""

    @property
    def positions(self) -> Mapping[tuple[int, str], Position | PositionView]:
        """Return the open positions by account and contract."""

    @property
    def trades(self) -> Sequence[Trade]:
        """Return every half-turn, oldest first."""


class Past(msgspec.Struct, kw_only=True):
    """A book of an earlier moment."""

    accounts: dict[int, Account]
    orders: dict[int, Order]
    positions: dict[tuple[int, str], Position | PositionView]
    trades: list[Trade]


def as_of(opening: Mapping[int, Account], journal: Iterable[JournalEntry]) -> Past:
    """Return the book after these entries of the journal, the first of which came first."""
    past = Past(accounts=dict(opening), orders={}, positions={}, trades=[])
    for entry in journal:
        match entry:
            case OrderChanged():
                past.orders[entry.order.id] = entry.order
            case AccountChanged():
                past.accounts[entry.account.id] = entry.account
            case Filled():
                past.orders[entry.order.id] = entry.order
                past.accounts[entry.account.id] = entry.account
                past.trades.append(entry.trade)
                _put(past.positions, entry.position)
    return past


def _put(positions: dict[tuple[int, str], Position | PositionView], position: PositionView) -> None:
    key = (position.account_id, position.contract_id)
    if position.signed_size:
        positions[key] = position
    else:
        positions.pop(key, None)
