"""`rules --explain` and the README say what the rule files say, and every example works."""

import inspect
import re
from pathlib import Path

import pytest

from risk_actors.app.rule_context import make_rule, rule_context
from risk_actors.app.settings_load import load_settings
from risk_actors.core.rules import RuleSettings, catalogue
from risk_actors.core.rules.base import PositiveInt, PositiveUsd
from risk_actors.core.rules.examples import example_of
from risk_actors.core.rules.max_contracts import MaxContractsSettings
from risk_actors.core.rules.reference import (
    kind_of,
    parameters_of,
    reference_of,
    references,
    shared_parameters,
)
from risk_actors.core.rules.trading_hours import TradingHoursSettings


@pytest.mark.parametrize("kind", catalogue())
def test_a_rule_states_itself_in_its_file(kind: str) -> None:
    rule = catalogue()[kind]
    module = inspect.getmodule(rule)
    reference = reference_of(rule)
    assert module is not None
    assert module.__name__.endswith(f".{kind}")
    assert re.match(rf"Rule {rule.number:03}: \S", module.__doc__ or "")
    assert reference.type == kind
    assert reference.sentence.endswith(".")
    assert reference.detail
    assert reference.breaks_when
    assert reference.response


@pytest.mark.parametrize("kind", catalogue())
def test_every_key_of_a_rule_has_a_meaning(kind: str) -> None:
    for parameter in reference_of(catalogue()[kind]).parameters:
        assert parameter.meaning, parameter.name
        for part in parameter.parts:
            assert part.meaning, f"{parameter.name}: {part.name}"


@pytest.mark.parametrize("parameter", shared_parameters(), ids=lambda each: each.name)
def test_every_key_that_all_rules_have_has_a_meaning(parameter: object) -> None:
    assert getattr(parameter, "meaning", "")


def test_each_number_is_given_once() -> None:
    numbers = [reference.number for reference in references()]
    assert numbers == list(range(1, len(catalogue()) + 1))


@pytest.mark.parametrize("kind", catalogue())
def test_the_example_of_a_rule_loads_and_says_itself(kind: str, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(example_of(kind), encoding="utf-8")
    settings = load_settings(tmp_path)
    (rule,) = settings.rules
    assert rule.type == kind
    assert make_rule(rule, rule_context(settings)).summary().endswith(".")


def test_the_kinds_of_keys_in_words() -> None:
    keys = {parameter.name: parameter for parameter in parameters_of(MaxContractsSettings)}
    assert keys["limit"].kind == "whole number, above 0"
    assert keys["limit"].is_required
    assert (keys["count"].kind, keys["count"].default) == ('"net" or "gross"', '"gross"')
    assert keys["micro_ratio"].default == "not set"
    assert keys["include_working"].default == "false"
    assert [part.name for part in keys["count"].parts] == ['"net"', '"gross"']
    assert kind_of(PositiveUsd, "limit_usd") == "US dollars, at least 0.01"
    assert kind_of(tuple[PositiveInt, ...]) == "list of whole numbers, above 0"
    assert kind_of(dict[str, int]) == "table of name = whole number"
    assert next(parameters_of(MaxContractsSettings).__iter__()).is_required


def test_the_keys_of_a_table_inside_are_told_too() -> None:
    (windows,) = (each for each in parameters_of(TradingHoursSettings) if each.name == "windows")
    parts = {part.name: part for part in windows.parts}
    assert windows.kind == "list of tables, not empty"
    assert parts["days"].is_required
    assert parts["zone"].default == '"America/Chicago"'


def test_shared_keys_are_not_told_twice() -> None:
    shared = set(RuleSettings.__struct_fields__)
    assert {parameter.name for parameter in shared_parameters()} == shared
    for reference in references():
        assert not shared & {parameter.name for parameter in reference.parameters}
