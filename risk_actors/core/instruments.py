"""Contracts, their exchange symbols and their ticks.

The Gateway's root often differs from the exchange's symbol (`EP` is ES); traders and settings use
the symbol. Ids look like `CON.F.US.<root>.<month><yy>` (form inferred from live ids, not
documented), so the catalogue only seeds what `Contract/searchById` later confirms.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import msgspec

_CONTRACT_ID = re.compile(r"^CON\.[A-Z]\.[A-Z]{2}\.(?P<root>.+)\.[FGHJKMNQUVXZ]\d{1,2}$")
_CONTRACT_NAME = re.compile(r"^(?P<symbol>[A-Z0-9]+?)[FGHJKMNQUVXZ]\d{1,2}$")


class Listing(NamedTuple):
    """One line of the catalogue: a product as the exchange and the Gateway name it."""

    symbol: str
    """The exchange's symbol, as traders and settings write it (ES)."""
    root: str
    """The Gateway's root inside contract ids (EP)."""
    tick_size: Decimal
    tick_value_usd: Decimal
    is_micro: bool = False


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What a contract's P&L needs.

    `tick_value_usd` is the dollars one contract gains when the price moves one `tick_size`.
    """

    contract_id: str
    symbol: str
    tick_size: Decimal
    tick_value_usd: Decimal


def _listing(
    symbol: str, root: str, tick_size: str, tick_value_usd: str, *, is_micro: bool = False
) -> Listing:
    return Listing(symbol, root, Decimal(tick_size), Decimal(tick_value_usd), is_micro)


CATALOGUE: tuple[Listing, ...] = (
    _listing("MNQ", "MNQ", "0.25", "0.50", is_micro=True),
    _listing("NQ", "ENQ", "0.25", "5.00"),
    _listing("MES", "MES", "0.25", "1.25", is_micro=True),
    _listing("ES", "EP", "0.25", "12.50"),
    _listing("MYM", "MYM", "1", "0.50", is_micro=True),
    _listing("YM", "YM", "1", "5.00"),
    _listing("M2K", "M2K", "0.10", "0.50", is_micro=True),
    _listing("RTY", "RTY", "0.10", "5.00"),
    _listing("NKD", "NKD", "5", "25.00"),
    _listing("MCL", "MCLE", "0.01", "1.00", is_micro=True),
    _listing("CL", "CLE", "0.01", "10.00"),
    _listing("QM", "NQM", "0.025", "12.50"),
    _listing("NG", "NGE", "0.001", "10.00"),
    _listing("QG", "NQG", "0.005", "12.50"),
    _listing("MGC", "MGC", "0.10", "1.00", is_micro=True),
    _listing("GC", "GCE", "0.10", "10.00"),
    _listing("SI", "SIE", "0.005", "25.00"),
    _listing("SIL", "SIL", "0.005", "5.00", is_micro=True),
    _listing("HG", "CPE", "0.0005", "12.50"),
    _listing("MHG", "MHG", "0.0005", "1.25", is_micro=True),
    _listing("6E", "EU6", "0.00005", "6.25"),
    _listing("M6E", "M6E", "0.0001", "1.25", is_micro=True),
    _listing("E7", "EEU", "0.0001", "6.25"),
    _listing("6B", "BP6", "0.0001", "6.25"),
    _listing("6A", "DA6", "0.00005", "5.00"),
    _listing("6C", "CA6", "0.00005", "5.00"),
    _listing("6J", "JY6", "0.0000005", "6.25"),
    _listing("ZT", "TUA", "0.00390625", "7.8125"),
    _listing("ZF", "FVA", "0.0078125", "7.8125"),
    _listing("ZN", "TYA", "0.015625", "15.625"),
    _listing("TN", "TNA", "0.015625", "15.625"),
    _listing("ZB", "USA", "0.03125", "31.25"),
    _listing("UB", "ULA", "0.03125", "31.25"),
    _listing("MBT", "MBT", "5", "0.50", is_micro=True),
    _listing("MET", "GMET", "0.50", "0.05", is_micro=True),
)
"""Tick sizes and values from the Gateway's documentation and exchange specifications."""

_CONTRACTS_KEPT = 1024
"""Ids are read from text once; more contracts than this no trader has at once."""
_BY_ROOT = {listing.root: listing for listing in CATALOGUE}
_BY_SYMBOL = {listing.symbol: listing for listing in CATALOGUE}


@lru_cache(_CONTRACTS_KEPT)
def root_of(contract_id: str) -> str | None:
    """Return the Gateway's root inside a contract id, or None where the id has another form."""
    match = _CONTRACT_ID.match(contract_id)
    return match["root"] if match else None


@lru_cache(_CONTRACTS_KEPT)
def listing_of(contract_id: str) -> Listing | None:
    """Return the catalogue's line for a contract id, or None where it is not listed."""
    root = root_of(contract_id)
    return _BY_ROOT.get(root) if root else None


def listing_for_symbol(symbol: str) -> Listing | None:
    """Return the catalogue's line for an exchange symbol such as ES, or None."""
    return _BY_SYMBOL.get(symbol)


def refuse_root(symbol: str) -> None:
    """Refuse the Gateway's name where the exchange's is meant; it would never match.

    Raises:
        ValueError: with the symbol to write instead.
    """
    listing = _BY_ROOT.get(symbol.upper())
    if listing is not None and symbol.upper() not in _BY_SYMBOL:
        raise ValueError(f"`{symbol}` is the Gateway's name for it; write `{listing.symbol}`")


@lru_cache(_CONTRACTS_KEPT)
def symbol_of(contract_id: str, contract_name: str | None = None) -> str:
    """Return the exchange symbol of a contract.

    The catalogue decides; for a product it lacks, the broker's contract name without month and
    year (`NQU5` gives NQ), then the Gateway's root, then the whole id.
    """
    listing = listing_of(contract_id)
    if listing is not None:
        return listing.symbol
    named = _CONTRACT_NAME.match(contract_name) if contract_name else None
    if named:
        return named["symbol"]
    return root_of(contract_id) or contract_id


def is_micro(symbol: str) -> bool:
    """Tell whether a symbol is a micro contract (unlisted symbols count as full size)."""
    listing = _BY_SYMBOL.get(symbol)
    return listing is not None and listing.is_micro


@lru_cache(_CONTRACTS_KEPT)
def catalogued_instrument(contract_id: str) -> Instrument | None:
    """Return the instrument the catalogue knows for this id, or None."""
    listing = listing_of(contract_id)
    if listing is None:
        return None
    return Instrument(
        contract_id=contract_id,
        symbol=listing.symbol,
        tick_size=listing.tick_size,
        tick_value_usd=listing.tick_value_usd,
    )
