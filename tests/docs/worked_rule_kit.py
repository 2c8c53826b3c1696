"""What every rule must pass, tried on the rule of docs/writing_a_rule.md in a process of its own.

`test_writing_a_rule.py` writes the page's files to a directory and starts pytest on this file; the
rule is then part of the catalogue, as if it stood beside the others.
"""

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conformance.corpus import Case, RuleTable, Step, WorkedCase, sessions
from conformance.engine import differences
from conformance.our_engine import Manner, OurEngine
from scenario_world import MemoryStage

import risk_actors.core.rules as rules_package
from risk_actors.app.settings_load import load_settings
from risk_actors.core.direction import directions_of
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.news import NewsCalendar
from risk_actors.core.rules import Rule, RuleSettings, catalogue
from risk_actors.core.rules.base import RuleContext
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.rules.reference import reference_of
from risk_actors.simulator.scenario_load import load_scenario
from risk_actors.simulator.scenario_play import play
from risk_actors.simulator.scenario_script import Script

HERE = Path(os.environ["WORKED_RULE"])
KIND = os.environ["WORKED_RULE_TYPE"]
rules_package.__path__.append(str(HERE / "rules"))
RULE = catalogue()[KIND]
DAY = tomllib.loads((HERE / "day.toml").read_text(encoding="utf-8"), parse_float=Decimal)
SCENARIO = HERE / f"{RULE.number:03}_{KIND}.toml"


def plain(value: Any) -> Any:
    return {k: float(v) if isinstance(v, Decimal) else v for k, v in value.items()}


SETTINGS = msgspec.convert({"id": "it", "type": KIND, **plain(DAY["settings"])}, RULE.Settings)


class Engine(OurEngine):
    def _made(self, table: RuleTable) -> Rule[Any, Any]:
        return RULE(SETTINGS, RuleContext(self._calendar, MarketCalendar(), NewsCalendar()))


def worked_day() -> WorkedCase:
    steps = msgspec.convert(DAY["steps"], tuple[Step, ...])
    session = DAY["session"]
    case = Case(title=KIND, rule=KIND, balance_usd=DAY["balance_usd"], session=session, steps=steps)
    table = RuleTable(kind="contracts", sources=())
    return WorkedCase(name=KIND, case=case, rules={KIND: table}, session=sessions()[session])


@pytest.mark.parametrize("manner", Manner, ids=lambda manner: str(manner.value))
def test_the_worked_day_conforms_in_every_manner(manner: Manner) -> None:
    assert differences(worked_day(), lambda worked: Engine(worked, manner)) == []


def test_it_states_itself_and_every_key_of_it() -> None:
    reference = reference_of(RULE)
    assert reference.type == KIND
    assert reference.sentence.endswith(".")
    assert reference.detail
    assert all(parameter.meaning for parameter in reference.parameters)
    assert RULE(SETTINGS).summary().endswith(".")


def test_its_number_is_its_own() -> None:
    assert [rule.number for rule in catalogue().values()].count(RULE.number) == 1


def test_every_key_says_which_way_it_tightens() -> None:
    own = set(RULE.Settings.__struct_fields__) - set(RuleSettings.__struct_fields__)
    assert all(directions_of(RULE.Settings)[name] is not None for name in own)


def test_what_it_remembers_outlives_a_run() -> None:
    rule = RULE(SETTINGS)
    memory = RuleMemory(state=rule.initial_state())
    assert decode_memory(rule, encode_memory(memory)) == memory


def played(script: Script, directory: Path, seed: int | None = None) -> list[str]:
    with MemoryStage(script, directory, seed=seed) as stage:
        return list(map(str, play(script, stage)))


@pytest.mark.parametrize("seed", [None, 101, 102])
def test_its_scenario_comes_as_expected(seed: int | None, tmp_path: Path) -> None:
    assert played(load_scenario(SCENARIO), tmp_path, seed) == []


def test_nothing_of_it_comes_without_the_rule(tmp_path: Path) -> None:
    script = load_scenario(SCENARIO)
    risk = script.scenario.settings["risk.toml"]
    off = risk.replace(f'type = "{KIND}"', f'type = "{KIND}"\nmode = "off"')
    scenario = msgspec.structs.replace(
        script.scenario, settings={**script.scenario.settings, "risk.toml": off}
    )
    assert played(msgspec.structs.replace(script, scenario=scenario), tmp_path)


def test_settings_know_it(tmp_path: Path) -> None:
    risk = load_scenario(SCENARIO).scenario.settings["risk.toml"]
    (tmp_path / "risk.toml").write_text(risk, encoding="utf-8")
    assert [rule.type for rule in load_settings(tmp_path).rules] == [KIND]
