"""The corpus: worked days from the firms' own definitions, against three kinds of engine.

Ours conforms, also when facts come twice, out of order or after a restart. A plain engine conforms,
which shares no code with ours. And no wrong reading passes where a case says that it must not.
"""

from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conformance.corpus import (
    WorkedCase,
    cases,
    contracts,
    instant_ns,
    named,
    read_cases,
    readings,
    sources,
)
from conformance.engine import differences
from conformance.our_engine import Manner, OurEngine
from conformance.plain_engine import PlainEngine
from conformance.wrong_models import WRONG_MODELS

from risk_actors.core.instruments import catalogued_instrument, is_micro

LEAST_DAYS = 40
NOT_CATALOGUED = {"ZC"}
"""Products whose symbol and ticks our engine has from the broker alone."""


def by_name(worked: WorkedCase) -> str:
    return worked.name


def worked_days(worked: WorkedCase) -> set[tuple[str, int]]:
    """Return the trading days in which a case expects something, by name and day's begin."""
    engine = PlainEngine(worked)
    expecting = (step for step in worked.case.steps if named(step.expect))
    return {(worked.name, engine.day_of(worked.ns(step.at))[0]) for step in expecting}


def must_not_pass() -> Iterable[tuple[WorkedCase, str]]:
    return ((worked, reading) for worked in cases() for reading in worked.case.not_read_as)


# --- engines --------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", list(Manner), ids=lambda manner: manner.value)
@pytest.mark.parametrize("worked", cases(), ids=by_name)
def test_our_engine_conforms(worked: WorkedCase, manner: Manner) -> None:
    assert differences(worked, lambda case: OurEngine(case, manner)) == []


@pytest.mark.parametrize("worked", cases(), ids=by_name)
def test_a_plain_engine_that_shares_no_code_conforms(worked: WorkedCase) -> None:
    assert differences(worked, PlainEngine) == []


@pytest.mark.parametrize(
    ("worked", "reading"),
    list(must_not_pass()),
    ids=[f"{worked.name} as {reading}" for worked, reading in must_not_pass()],
)
def test_a_wrong_reading_does_not_pass(worked: WorkedCase, reading: str) -> None:
    assert differences(worked, WRONG_MODELS[reading]) != []


# --- the corpus -----------------------------------------------------------------------------


def test_it_has_at_least_forty_worked_days() -> None:
    days = set[tuple[str, int]]().union(*(worked_days(worked) for worked in cases()))
    assert len(days) >= LEAST_DAYS


def test_names_are_used_once() -> None:
    names = [worked.name for worked in cases()]
    assert len(names) == len(set(names))


def test_every_rule_names_its_source_and_every_source_is_used() -> None:
    used = {worked.session.source for worked in cases()}
    for worked in cases():
        assert all(rule.sources for rule in worked.rules.values()), worked.name
        used |= {*worked.case.sources, *(s for r in worked.rules.values() for s in r.sources)}
    assert used == set(sources())


def test_every_rule_of_a_file_is_used() -> None:
    for worked in cases():
        siblings = [each for each in cases() if each.rules is worked.rules]
        used = {each.case.rule for each in siblings}
        used |= {s.rule for each in siblings for s in each.case.steps if s.rule is not None}
        assert used == set(worked.rules), worked.name


def test_every_wrong_reading_has_a_model_and_a_case_that_tells_it_apart() -> None:
    assert set(WRONG_MODELS) == set(readings())
    assert {reading for _, reading in must_not_pass()} == set(readings())


@pytest.mark.parametrize("symbol", contracts())
def test_products_are_those_of_our_catalogue(symbol: str) -> None:
    product = contracts()[symbol]
    instrument = catalogued_instrument(product.gateway_id)
    if instrument is None:
        assert symbol in NOT_CATALOGUED
        return
    assert (instrument.symbol, is_micro(symbol)) == (symbol, product.is_micro)
    assert instrument.tick_size == product.tick_size
    assert instrument.tick_value_usd == product.tick_value_usd


def test_every_price_is_on_its_tick_grid() -> None:
    for worked in cases():
        for step in worked.case.steps:
            prices = [(c, price) for c, quoted in step.quote.items() for price in quoted]
            prices += [(t.contract, t.price) for t in (step.fill, step.order) if t is not None]
            for contract, price in prices:
                assert price % contracts()[contract].tick_size == 0, (worked.name, step.at)


# --- what a file may not say ----------------------------------------------------------------

GOOD_FILE = """
theme = "A loss of exactly 500"

[rules.daily]
kind = "day_loss"
sources = ["topstep-daily"]
limit_usd = 500

[[cases]]
title = "reached"
rule = "daily"
session = "chicago"
balance_usd = 50_000
steps = [
  { at = "Mon 2026-06-01 09:30:00", fill = { contract = "NQ", buy = 1, price = 21_000 }, quote = { NQ = [20_975, 20_975.25] }, expect = { verdict = "breach", pnl_usd = -500, locked = { account = "Mon 2026-06-01 17:00:00" } } },
]
"""  # noqa: E501 - as long as the line of a case


def differences_of(text: str, directory: Path) -> list[str]:
    path = directory / "planted.toml"
    path.write_text(text, encoding="utf-8")
    (worked,) = read_cases(path)
    return differences(worked, OurEngine)


def test_a_file_that_says_what_is_so_passes(tmp_path: Path) -> None:
    assert differences_of(GOOD_FILE, tmp_path) == []


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ('verdict = "breach"', 'verdict = "ok"', "verdict is breach, should be ok"),
        ("pnl_usd = -500", "pnl_usd = -500.01", "pnl_usd is -500.00, should be -500.01"),
        ('"Mon 2026-06-01 17:00:00"', '"Mon 2026-06-01 16:59:59"', "locked"),
        ('locked = { account = "Mon 2026-06-01 17:00:00" }', "locked = {}", "locked"),
        ("locked = {", 'broken_at = "Mon 2026-06-01 09:29:59", locked = {', "broken_at"),
        ('verdict = "breach", ', "", "verdict is breach, should be ok"),
    ],
)
def test_what_is_not_so_is_found(right: str, wrong: str, named: str, tmp_path: Path) -> None:
    assert right in GOOD_FILE
    (found,) = differences_of(GOOD_FILE.replace(right, wrong), tmp_path)
    assert named in found


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("limit_usd = 500", "limit_usd = 500\nlimt = 1", "limt"),
        ("limit_usd = 500", "", "limit_usd"),
        ("limit_usd = 500", "limit_usd = 500\nmicros_per_mini = 10", "micros_per_mini"),
        ('["topstep-daily"]', '["hearsay"]', "hearsay"),
        ("pnl_usd = -500", "pnl = -500", "pnl"),
        ("pnl_usd = -500", "floor_usd = 48_000", "floor_usd"),
        ("Mon 2026-06-01 09:30:00", "Tue 2026-06-01 09:30:00", "is a Mon, not a Tue"),
        ("buy = 1", "buy = 1, sell = 1", "either buys or sells"),
        ('contract = "NQ"', 'contract = "FDAX"', "FDAX"),
        ("balance_usd", 'not_read_as = ["upside_down"]\nbalance_usd', "upside_down"),
    ],
)
def test_what_nothing_would_check_is_refused(
    right: str, wrong: str, named: str, tmp_path: Path
) -> None:
    assert right in GOOD_FILE
    with pytest.raises(ValueError, match=named):
        differences_of(GOOD_FILE.replace(right, wrong), tmp_path)


@pytest.mark.parametrize("text", ["Sun 2026-11-01 01:30:00", "Sun 2026-03-08 02:30:00"])
def test_a_time_that_the_clocks_show_twice_or_never_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="twice or never"):
        instant_ns(text, ZoneInfo("America/Chicago"))
    assert instant_ns(text + "Z", ZoneInfo("America/Chicago"))
