"""What each hub is to send us, kept here because a hub forgets it with every connection.

The SDK subscribes one account only, and every contract's full depth; so the subscriptions are
sent by us through the SDK's hub object, which takes any hub method. They are idempotent.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

type Invocation = tuple[str, list[int | str]]
"""A hub method and its arguments."""


class Subscriptions(Protocol):
    """What to invoke on a hub."""

    def all(self) -> list[Invocation]:
        """Return everything a new connection needs."""
        ...

    def added(self) -> list[Invocation]:
        """Return what came on top, or is to end, since `all` or `added` was called last."""
        ...


class AccountSubscriptions:
    """The user hub's: account rows of the login, and orders, positions and fills per account."""

    def __init__(
        self, account_ids: Iterable[int], on_all: Callable[[], None] = lambda: None
    ) -> None:
        """Take the accounts, and who hears that a new connection is about to be subscribed."""
        self._account_ids = tuple(account_ids)
        self._on_all = on_all

    def all(self) -> list[Invocation]:
        """Return everything a new connection needs."""
        self._on_all()
        invocations: list[Invocation] = [("SubscribeAccounts", [])]
        for account_id in self._account_ids:
            invocations += [
                ("SubscribeOrders", [account_id]),
                ("SubscribePositions", [account_id]),
                ("SubscribeTrades", [account_id]),
            ]
        return invocations

    def added(self) -> list[Invocation]:
        """Return nothing: the accounts are fixed."""
        return []


class ContractSubscriptions:
    """The market hub's: quotes and trades of every contract that matters to an account."""

    def __init__(self) -> None:
        self._contract_ids: list[str] = []
        self._sent = 0
        self._is_resting = False

    def want(self, contract_id: str) -> bool:
        """Add a contract; false when it is there already."""
        if contract_id in self._contract_ids:
            return False
        self._contract_ids.append(contract_id)
        return True

    def rest(self, *, is_resting: bool) -> None:
        """Have nothing sent while another line tells it; what is being sent is ended."""
        self._is_resting = is_resting

    def all(self) -> list[Invocation]:
        """Return everything a new connection needs."""
        self._sent = 0
        return self.added()

    def added(self) -> list[Invocation]:
        """Return what came on top, or is to end, since `all` or `added` was called last."""
        if self._is_resting:
            over, self._sent = self._contract_ids[: self._sent], 0
            return _each("Unsubscribe", over)
        new = self._contract_ids[self._sent :]
        self._sent += len(new)
        return _each("Subscribe", new)


def _each(verb: str, contract_ids: Iterable[str]) -> list[Invocation]:
    return [
        (f"{verb}{what}", [contract_id])
        for contract_id in contract_ids
        for what in ("ContractQuotes", "ContractTrades")
    ]
