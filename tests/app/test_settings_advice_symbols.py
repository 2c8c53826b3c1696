"""Advice on symbols that are misspelt: wherever a setting may name one."""

from datetime import date
from typing import Any

import pytest
from app.advice_builders import rule_of_type, said, situation_of

from risk_actors.app import settings_advice as general
from risk_actors.app.settings import PnlSettings
from risk_actors.app.settings_advice_symbols import symbols_nobody_knows
from risk_actors.core.holidays import Holiday
from risk_actors.core.news import NewsEvent
from risk_actors.core.price_bounds import TickBounds

WINDOW = '[{ days = ["Mon"], start = "09:00", end = "12:00", symbols = ["NQQ"] }]'


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (
            rule_of_type("max_contracts_per_instrument", limits="{ ESS = 4, MNQ = 9 }"),
            "ESS (did you mean ES?)",
        ),
        (rule_of_type("max_order_size", limits="{ mnqq = 4 }"), "mnqq (did you mean MNQ?)"),
        (rule_of_type("symbol_block", allowed='["MNQQ"]'), "MNQQ (did you mean MNQ?)"),
        (rule_of_type("symbol_block", blocked='["ESZ6"]'), "ESZ6 (did you mean ES?)"),
        (rule_of_type("trading_hours", windows=WINDOW), "NQQ (did you mean NQ?)"),
        (
            rule_of_type("news_blackout", before_s=9, after_s=9, symbols='["MESS"]'),
            "MESS (did you mean MES?)",
        ),
        (rule_of_type("symbol_block", blocked='["VX"]'), "VX"),
    ],
)
def test_a_symbol_that_nobody_knows_is_told_with_the_nearest(rule: str, names: str) -> None:
    ((_, sentence),) = said(symbols_nobody_knows(situation_of(rule)))

    told = f"names a symbol we do not know: {names}; unless"
    assert sentence == f"{told} your broker lists it, it stands for nothing"


def test_several_are_told_at_once() -> None:
    rule = rule_of_type("symbol_block", id="b", blocked='["ESS", "VX", "ESS"]')

    told = "names symbols we do not know: ESS (did you mean ES?) and VX; unless your broker"
    assert said(symbols_nobody_knows(situation_of(rule))) == [
        ("b", f"{told} lists them, they stand for nothing")
    ]


@pytest.mark.parametrize(
    "rule",
    [
        rule_of_type("symbol_block", blocked='["es", "MNQ", "6E", "M2K"]'),
        # Without a tick size in the catalogue, and known all the same.
        rule_of_type("symbol_block", blocked='["BTC", "ETH", "ZC", "HE"]'),
        rule_of_type("symbol_block", blocked='["ESS"]', mode="off"),
        rule_of_type("daily_loss_limit", limit_usd=500),
    ],
)
def test_what_is_known_or_off_is_not_told(rule: str) -> None:
    assert said(symbols_nobody_knows(situation_of(rule))) == []


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"news": (NewsEvent(at_ns=1, name="EIA", symbols=("CLL",)),)}, "news.toml"),
        (
            {"holidays": (Holiday(day=date(2026, 12, 23), symbols=("CLL",), name=""),)},
            "holidays.toml",
        ),
        (
            {"pnl": PnlSettings(bounds={"CLL": TickBounds(jump_ticks=9)})},
            "[pnl] bounds of app.toml",
        ),
    ],
)
def test_the_other_files_are_looked_through_too(more: dict[str, Any], where: str) -> None:
    ((rule, sentence),) = said(symbols_nobody_knows(situation_of("", **more)))

    assert rule is None
    assert sentence.startswith(f"{where} names a symbol we do not know: CLL (did you mean ")


def test_it_is_a_warning_of_check() -> None:
    rule = rule_of_type("symbol_block", id="only", allowed='["MNQQ"]')
    warned = [each for each in general.advise(situation_of(rule)) if each.is_warning]
    assert any(each.rule == "only" and "MNQQ" in each.text for each in warned)
