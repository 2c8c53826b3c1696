"""What each hub is to send us, kept here because a hub forgets it with every connection.

The SDK subscribes one account only, and every contract's full depth; so the subscriptions are
sent by us through the SDK's hub object, which takes any hub method. They are idempotent.
"""

from collections.abc import Callable, Collection, Iterable
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
        self._sent: list[str] = []
        self._is_resting = False
        self._but: frozenset[str] = frozenset()

    def want(self, contract_id: str) -> bool:
        """Add a contract; false when it is there already."""
        if contract_id in self._contract_ids:
            return False
        self._contract_ids.append(contract_id)
        return True

    def rest(self, *, is_resting: bool, but: Collection[str] = ()) -> None:
        """Have nothing sent while another line tells it; what is being sent is ended.

        Args:
            is_resting: whether there is another line that does.
            but: the contracts that it does not tell.
        """
        self._is_resting, self._but = is_resting, frozenset(but)

    def all(self) -> list[Invocation]:
        """Return everything a new connection needs."""
        self._sent = []
        return self.added()

    def added(self) -> list[Invocation]:
        """Return what came on top, or is to end, since `all` or `added` was called last."""
        wanted = [each for each in self._contract_ids if not self._is_resting or each in self._but]
        before, self._sent = self._sent, wanted
        return [
            *_each("Unsubscribe", (each for each in before if each not in wanted)),
            *_each("Subscribe", (each for each in wanted if each not in before)),
        ]


def _each(verb: str, contract_ids: Iterable[str]) -> list[Invocation]:
    return [
        (f"{verb}{what}", [contract_id])
        for contract_id in contract_ids
        for what in ("ContractQuotes", "ContractTrades")
    ]
