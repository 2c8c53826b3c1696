"""The stage `gates`: tools/gates.py as a process, and what it says in its JSON."""

import json
from pathlib import Path
from typing import Any

from promotion.config import GatesConfig
from promotion.outcome import Outcome, counted
from promotion.places import ROOT, shown
from promotion.processes import Done, Processes

GATES = ROOT / "tools" / "gates.py"
_ALL_WITHIN_S = 7200.0
_WRONG_USAGE = 2


def check_gates(config: GatesConfig, directory: Path, processes: Processes) -> Outcome:
    """Run the gates that are asked for; their JSON stays beside the stage's result."""
    if not GATES.is_file():
        return Outcome("there are no gates", [f"{shown(GATES)} is missing; it runs the gates"])
    told = directory / "gates_told.json"
    told.unlink(missing_ok=True)
    arguments = [str(GATES), "--root", str(ROOT / config.root), "--json", str(told)]
    for option, names in (("--only", config.only), ("--skip", config.skip)):
        if names:
            arguments += [option, *names]
    done = processes.run(arguments, timeout_s=_ALL_WITHIN_S)
    outcome = Outcome(facts={"told": _read(told), "exit_code": done.code})
    which = f" ({', '.join(config.only)})" if config.only else ""
    if done.code == 0:
        _take(outcome, which)
    elif done.code == _WRONG_USAGE:
        outcome.sentence = "the gates do not know what they are asked for"
        outcome.problems = _last(done, "tools/gates.py refuses its arguments; correct [gates]")
    else:
        outcome.sentence = f"a gate{which} is not passed"
        outcome.problems = _last(done, "`python tools/gates.py` says what to do:")
    return outcome


def _take(outcome: Outcome, which: str) -> None:
    """Read what was judged: the exit code alone does not tell a skipped gate from a passed one."""
    rows = _rows(outcome.facts["told"])
    for gate in rows:
        if gate["verdict"] == "skipped":
            outcome.notes.append(f"the gate {gate['name']} was skipped: {gate['measured']}")
    passed = [gate["name"] for gate in rows if gate["verdict"] == "passed"]
    if not passed:
        outcome.sentence = f"no gate{which} was judged"
        outcome.problems = ["none passed, so nothing is proved; run `python tools/gates.py`"]
        return
    skipped = f", {len(outcome.notes)} skipped" if outcome.notes else ""
    outcome.sentence = f"{counted(len(passed), 'gate')}{which} passed{skipped}"


def _rows(told: Any) -> list[dict[str, str]]:
    """Return the gates of a run that was told; none where it was not."""
    return list(told.get("gates", [])) if isinstance(told, dict) else []


def _last(done: Done, first: str) -> list[str]:
    return [first, *(f"  {line}" for line in done.last_lines())]


def _read(path: Path) -> Any:
    """Return what the gates wrote, None when they did not come to it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
