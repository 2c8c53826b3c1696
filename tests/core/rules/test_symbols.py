"""Settings name symbols as the exchange does; the Gateway's names would never match."""

from typing import Any

import msgspec
import pytest

from risk_actors.core.rules import catalogue


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("symbol_block", {"blocked": ["EP"]}),
        ("symbol_block", {"allowed": ["ES", "ep"]}),
        ("max_contracts_per_instrument", {"limits": {"EP": 3}}),
    ],
)
def test_a_gateway_root_is_refused_with_the_symbol_to_write(
    kind: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(msgspec.ValidationError, match="write `ES`"):
        msgspec.convert({"type": kind, "id": "a"} | settings, catalogue()[kind].Settings)


@pytest.mark.parametrize("symbol", ["ES", "mnq", "ZC"])
def test_a_symbol_of_the_exchange_is_taken_listed_or_not(symbol: str) -> None:
    settings = {"type": "symbol_block", "id": "a", "blocked": [symbol]}

    assert msgspec.convert(settings, catalogue()["symbol_block"].Settings).blocked == (symbol,)
