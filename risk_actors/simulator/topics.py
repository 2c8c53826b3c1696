"""What the hubs' Subscribe and Unsubscribe methods mean."""

from collections.abc import Callable, Container, Mapping
from typing import Any

from risk_actors.simulator.connection import Topic

ACCOUNTS: Topic = ("Accounts", None)
_USER_TOPICS = frozenset({"Orders", "Positions", "Trades"})
_MARKET_TOPICS = frozenset({"ContractQuotes", "ContractTrades", "ContractMarketDepth"})

TOPIC_OF_TARGET: Mapping[str, str] = {
    "GatewayUserAccount": "Accounts",
    "GatewayUserOrder": "Orders",
    "GatewayUserPosition": "Positions",
    "GatewayUserTrade": "Trades",
    "GatewayQuote": "ContractQuotes",
    "GatewayTrade": "ContractTrades",
    "GatewayDepth": "ContractMarketDepth",
}
"""Server-to-client event to the topic that carries it."""


def user_topics(account_ids: Container[int]) -> Callable[[str, list[Any]], Topic]:
    """Return how the user hub's methods map to topics; it raises LookupError when they do not."""

    def topic_of(target: str, arguments: list[Any]) -> Topic:
        name = _subject(target)
        if name == ACCOUNTS[0]:
            return ACCOUNTS
        if name not in _USER_TOPICS:
            raise LookupError(f"Unknown hub method '{target}'")
        try:
            account_id = int(arguments[0])
        except (IndexError, TypeError, ValueError):
            raise LookupError(f"'{target}' needs an account id") from None
        if account_id not in account_ids:
            raise LookupError(f"No account {account_id}")
        return (name, account_id)

    return topic_of


def market_topics(contract_ids: Container[str]) -> Callable[[str, list[Any]], Topic]:
    """Return how the market hub's methods map to topics; LookupError when they do not."""

    def topic_of(target: str, arguments: list[Any]) -> Topic:
        name = _subject(target)
        if name not in _MARKET_TOPICS:
            raise LookupError(f"Unknown hub method '{target}'")
        contract_id = str(arguments[0]) if arguments else ""
        if contract_id not in contract_ids:
            raise LookupError(f"No contract '{contract_id}'")
        return (name, contract_id)

    return topic_of


def _subject(target: str) -> str:
    return target.removeprefix("Unsubscribe").removeprefix("Subscribe")
