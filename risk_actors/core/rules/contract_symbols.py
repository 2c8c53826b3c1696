"""Which exchange symbols an account has something open in."""

from risk_actors.core.account_state import AccountState
from risk_actors.core.instruments import listing_for_symbol, listing_of, symbol_of


def open_symbols(account: AccountState) -> dict[str, str]:
    """Return the symbol of every contract with a position or a working order, by contract id."""
    contracts = {position.contract_id for position in account.positions}
    contracts |= {order.contract_id for order in account.orders}
    return {c: account.named_symbols.get(c) or symbol_of(c) for c in sorted(contracts)}


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
