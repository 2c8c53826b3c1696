"""Contracts, symbols and ticks, against the table of the Gateway's documentation."""

from decimal import Decimal

import pytest

from risk_actors.core.instruments import (
    CATALOGUE,
    catalogued_instrument,
    is_micro,
    listing_for_symbol,
    listing_of,
    root_of,
    symbol_of,
)

TABLE = """
MNQ MNQ 0.25 0.50      GC  GCE  0.10 10.00
NQ  ENQ 0.25 5.00      SI  SIE  0.005 25.00
MES MES 0.25 1.25      SIL SIL  0.005 5.00
ES  EP  0.25 12.50     HG  CPE  0.0005 12.50
MYM MYM 1 0.50         MHG MHG  0.0005 1.25
YM  YM  1 5.00         6E  EU6  0.00005 6.25
M2K M2K 0.10 0.50      M6E M6E  0.0001 1.25
RTY RTY 0.10 5.00      E7  EEU  0.0001 6.25
NKD NKD 5 25.00        6B  BP6  0.0001 6.25
MCL MCLE 0.01 1.00     6A  DA6  0.00005 5.00
CL  CLE 0.01 10.00     6C  CA6  0.00005 5.00
QM  NQM 0.025 12.50    6J  JY6  0.0000005 6.25
NG  NGE 0.001 10.00    ZN  TYA  0.015625 15.625
QG  NQG 0.005 12.50    ZB  USA  0.03125 31.25
MGC MGC 0.10 1.00      ZF  FVA  0.0078125 7.8125
ZT  TUA 0.00390625 7.8125   TN TNA 0.015625 15.625
UB  ULA 0.03125 31.25  MBT MBT  5 0.50
MET GMET 0.50 0.05
"""
"""Symbol, root, tick size and dollars per tick."""

CELLS = TABLE.split()
ROWS = [tuple(CELLS[start : start + 4]) for start in range(0, len(CELLS), 4)]
MICROS = {"MNQ", "MES", "MYM", "M2K", "MCL", "MGC", "SIL", "MHG", "M6E", "MBT", "MET"}


@pytest.mark.parametrize(("symbol", "root", "tick_size", "tick_value"), ROWS)
def test_every_root_of_the_table_maps_to_its_symbol_and_ticks(
    symbol: str, root: str, tick_size: str, tick_value: str
) -> None:
    contract_id = f"CON.F.US.{root}.Z26"

    instrument = catalogued_instrument(contract_id)

    assert root_of(contract_id) == root
    assert symbol_of(contract_id) == symbol
    assert symbol_of(contract_id, "XYZZ6") == symbol
    assert instrument is not None
    assert instrument.symbol == symbol
    assert instrument.tick_size == Decimal(tick_size)
    assert instrument.tick_value_usd == Decimal(tick_value)
    assert listing_for_symbol(symbol) == listing_of(contract_id)
    assert is_micro(symbol) is (symbol in MICROS)


def test_the_catalogue_has_the_tables_lines_and_names_nothing_twice() -> None:
    assert len(CATALOGUE) == len(ROWS)
    assert len({listing.symbol for listing in CATALOGUE}) == len(CATALOGUE)
    assert len({listing.root for listing in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("month", "FGHJKMNQUVXZ")
@pytest.mark.parametrize("year", ["6", "26"])
def test_every_month_and_both_forms_of_the_year_are_read(month: str, year: str) -> None:
    assert symbol_of(f"CON.F.US.EP.{month}{year}") == "ES"


@pytest.mark.parametrize(
    "contract_id",
    ["", "ES", "CON.F.US.EP", "CON.F.US.EP.A26", "CON.F.US.EP.Z", "CON.F.US..Z26", "F.US.EP"],
)
def test_an_id_of_another_form_has_no_root_and_is_its_own_symbol(contract_id: str) -> None:
    assert root_of(contract_id) is None
    assert listing_of(contract_id) is None
    assert catalogued_instrument(contract_id) is None
    assert symbol_of(contract_id) == contract_id


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("ZCZ6", "ZC"),
        ("ZCZ26", "ZC"),
        ("MYMM26", "MYM"),
        ("M6EU5", "M6E"),
        ("6EH7", "6E"),
        ("M2KM6", "M2K"),
        ("HEZ6", "HE"),
        ("Z6", "ZCE"),
        ("Corn", "ZCE"),
        ("", "ZCE"),
        (None, "ZCE"),
    ],
)
def test_an_unlisted_product_is_named_by_the_broker_else_by_its_root(
    name: str | None, symbol: str
) -> None:
    assert symbol_of("CON.F.US.ZCE.Z26", name) == symbol


def test_an_unlisted_product_has_no_ticks_and_is_no_micro() -> None:
    assert catalogued_instrument("CON.F.US.ZCE.Z26") is None
    assert not is_micro("ZCE")
    assert listing_for_symbol("EP") is None
