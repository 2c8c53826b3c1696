"""Which exchange symbols an account has something open in."""

from collections.abc import Mapping
from types import MappingProxyType

from risk_actors.core.account_state import AccountState
from risk_actors.core.instruments import listing_for_symbol, listing_of, symbol_of


class _Looked:
    """The account that was looked at last: several rules ask about each, one after the other."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: tuple[AccountState, Mapping[str, str]] | None = None
        """Replaced as a whole: more than one thread may ask."""


_LOOKED = _Looked()


def open_symbols(account: AccountState) -> Mapping[str, str]:
    """Return the symbol of every contract with a position or a working order, by contract id."""
    found = _LOOKED.found
    if found is not None and found[0] is account:
        return found[1]
    contracts = {position.contract_id for position in account.positions}
    for order in account.orders:
        contracts.add(order.contract_id)
    named = account.named_symbols
    symbols = MappingProxyType({c: named.get(c) or symbol_of(c) for c in sorted(contracts)})
    _LOOKED.found = (account, symbols)
    return symbols


def is_unsure(contract_id: str, account: AccountState, named: frozenset[str]) -> bool:
    """Tell whether the broker's name of a contract, not read yet, may change what a rule thinks.

    The root of a product that the catalogue lacks may differ from its symbol, and it matters only
    where the settings name a symbol that the catalogue lacks too.
    """
    return (
        contract_id not in account.named_symbols
        and listing_of(contract_id) is None
        and symbol_of(contract_id) not in named
        and any(listing_for_symbol(symbol) is None for symbol in named)
    )
