"""The rule's scenarios in shadow, held against the same ones enforced.

Truth is what the enforced run does, where the scenario's own words confirm it: whoever wrote the
file said which commands and locks must come and when, and that any other is wrong. So a breach that
the file expects and that does not come is missed, and a command that nobody expected is a false
flatten. Then the scenario is played once more with the rule in shadow: up to the first breach both
runs are the same world, so the first breach of each account must be found there too, at the same
instant. Beyond it the worlds part (nothing is flattened in the second), and nothing is compared.
"""

import json
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
from scenario_world import MemoryStage

from promotion.outcome import Outcome, counted, rates
from promotion.places import ROOT, shown
from promotion.tests_stage import scenarios_of
from risk_actors.core.evidence import NS_PER_S
from risk_actors.simulator.scenario import RISK_FILE
from risk_actors.simulator.scenario_load import ScenarioError, load_scenario
from risk_actors.simulator.scenario_play import play
from risk_actors.simulator.scenario_referee import Failure
from risk_actors.simulator.scenario_script import Script
from risk_actors.store.schema import DATABASE_FILE

SAME_INSTANT_NS = NS_PER_S
"""Ticks fall differently in the two runs, so the same breach may be seen some of them apart."""
_FOUND = ("BreachFound", "ShadowBreachFound", "StopMovesWanted", "ShadowStopMoves")
_UNEXPECTED = "nobody expected"
"""How the referee begins with a command that no step expects."""


class Played(NamedTuple):
    """What came of one run."""

    failures: Sequence[Failure]
    first_ns: dict[int, int]
    """When the rule first found something, by account."""


def check_scenarios(rule_type: str, directories: Sequence[str]) -> Outcome:
    """Play every scenario of the rule both ways."""
    counts = dict.fromkeys(("true", "seeable", "found", "false", "missed"), 0)
    outcome = Outcome()
    paths = [p for each in directories for p in scenarios_of(rule_type, ROOT / each)]
    played = 0
    for path in paths:
        try:
            script = load_scenario(path)
        except ScenarioError as error:
            outcome.problems.append(str(error))
            continue
        if not script.scenario.virtual:
            outcome.notes.append(f"{shown(path)} needs sockets; it is not played in shadow")
            continue
        played += 1
        _judge(path, script, rule_type, counts, outcome)
    if not paths:
        outcome.problems.append(f"no scenario of {rule_type} in {', '.join(directories)}")
    outcome.facts = {"scenarios": played, **counts, **rates(counts)}
    outcome.sentence = f"{counted(played, 'scenario')} in shadow"
    return outcome


def _judge(
    path: Path, script: Script, rule_type: str, counts: dict[str, int], outcome: Outcome
) -> None:
    enforced, shadow = _played(script, rule_type), _played(in_shadow(script, rule_type), rule_type)
    for failure in enforced.failures:
        is_false = failure.text.startswith(_UNEXPECTED)
        counts["false" if is_false else "missed"] += 1
        counts["found" if is_false else "seeable"] += 1
        what = "FALSE FLATTEN" if is_false else "MISSED"
        outcome.problems.append(f"{what} in {shown(path)}, enforced: {failure}")
    if enforced.failures:
        return
    counts["true"] += len(enforced.first_ns)
    counts["seeable"] += len(enforced.first_ns)
    counts["found"] += len(shadow.first_ns)
    for account, at_ns in enforced.first_ns.items():
        found_ns = shadow.first_ns.get(account)
        if found_ns is None or found_ns > at_ns + SAME_INSTANT_NS:
            counts["missed"] += 1
            outcome.problems.append(
                f"MISSED BREACH in {shown(path)}: in shadow account {account} is not found broken"
                " when it is enforced"
            )
    for account, at_ns in shadow.first_ns.items():
        true_ns = enforced.first_ns.get(account)
        if true_ns is None or at_ns < true_ns - SAME_INSTANT_NS:
            counts["false"] += 1
            outcome.problems.append(
                f"FALSE FLATTEN in {shown(path)}: in shadow account {account} is found broken,"
                " which the enforced run is not by then"
            )


def in_shadow(script: Script, rule_type: str) -> Script:
    """Return the script with every rule of a type in shadow."""
    scenario = script.scenario
    tables = re.split(r"(?m)^(?=\[\[rules\]\])", scenario.settings[RISK_FILE])
    own = re.compile(rf'(?m)^type = "{re.escape(rule_type)}"$')
    changed = [
        own.sub(f'type = "{rule_type}"\nmode = "shadow"', re.sub(r'(?m)^mode = "\w+"\n', "", table))
        if own.search(table)
        else table
        for table in tables
    ]
    settings = {**scenario.settings, RISK_FILE: "".join(changed)}
    return msgspec.structs.replace(
        script, scenario=msgspec.structs.replace(scenario, settings=settings)
    )


def _played(script: Script, rule_type: str) -> Played:
    own = _ids_of(script, rule_type)
    with tempfile.TemporaryDirectory(prefix="promotion-") as made:
        with MemoryStage(script, Path(made)) as stage:
            failures = play(script, stage)
        with closing(sqlite3.connect(Path(made) / "data" / DATABASE_FILE)) as store:
            rows = store.execute(
                "select account_id, min(at_ns) from decisions"
                " where kind in (select value from json_each(?))"
                " and json_extract(message, '$.rule_id') in (select value from json_each(?))"
                " group by account_id",
                [json.dumps(_FOUND), json.dumps(own)],
            ).fetchall()
    return Played(failures, dict(rows))


def _ids_of(script: Script, rule_type: str) -> list[str]:
    """Return the ids of the rules of a type, whose tables may name them in any order."""
    tables = re.split(r"(?m)^(?=\[\[rules\]\])", script.scenario.settings[RISK_FILE])
    own = re.compile(rf'(?m)^type = "{re.escape(rule_type)}"$')
    named = re.compile(r'(?m)^id = "([^"]+)"$')
    return [found[1] for table in tables if own.search(table) and (found := named.search(table))]
