"""The course of a promotion: stage after stage, each once, going on where it was left."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from workshop.steady import BreakerOpenError, Transient

from promotion.config import Config
from promotion.gates_stage import check_gates
from promotion.key import checkout_of, key_of
from promotion.outcome import Outcome
from promotion.places import ROOT
from promotion.processes import Processes
from promotion.production import Trader, check_production
from promotion.results import STAGES, Results, StageResult
from promotion.settings_change import NoChangeError, rule_of
from promotion.spec_file import SpecFile, WrongSpecError, read_spec
from promotion.spec_stage import check_specification
from promotion.staging import check_staging
from promotion.tests_stage import check_tests
from risk_actors.core.rules import RuleSettings

TARGETS = {"staging": STAGES[:-1], "production": STAGES}
"""The stages up to each target."""

_CHECKOUT = "risk_actors, tests or tools"


class Wanted(NamedTuple):
    """What is asked for."""

    spec: Path
    rule_type: str
    target: str
    config: Config
    trader: Trader


class Course:
    """One promotion."""

    def __init__(self, wanted: Wanted, results: Results, say: Callable[[str], None]) -> None:
        self._wanted, self._results, self._say = wanted, results, say
        self._processes = Processes()
        key = key_of(wanted.spec, wanted.rule_type, wanted.config, self._rule_settings())
        self._checkout = checkout_of(ROOT)
        self.keys = dict.fromkeys(STAGES, f"{key}-{self._checkout}") | {STAGES[0]: key}
        """Of each stage; only the first has nothing to do with the rest of the checkout."""

    def _rule_settings(self) -> RuleSettings | None:
        """Return the trader's rule; what is wrong with it is said in the last stage."""
        trader = self._wanted.trader
        try:
            return rule_of(trader.settings, self._wanted.rule_type, trader.rule_id)
        except (NoChangeError, OSError):
            return None

    def run(self) -> list[StageResult]:
        """Go through the stages up to the target; end at the first that is not passed."""
        self.forget_stale()
        done: list[StageResult] = []
        for stage in TARGETS[self._wanted.target]:
            before = self._results.of(stage)
            if before is not None and before.key == self.keys[stage] and before.has_passed:
                self._say(f"{stage}: passed on {before.began}, not done again")
                done.append(before)
                continue
            result = self._go_through(stage)
            done.append(result)
            if not result.has_passed:
                break
        return done

    def forget_stale(self) -> None:
        """Forget what was made with something else than there is now, and say where it goes on."""
        running = self._results.running()
        if running is not None and running.key == self.keys[running.stage]:
            self._say(f"{running.stage} was interrupted; it begins again, what is before it stands")
        kept = {stage: result.key for stage in STAGES if (result := self._results.of(stage))}
        stale = [stage for stage, key in kept.items() if key != self.keys[stage]]
        first, *later = STAGES
        if first in stale:
            self._say("The specification, the rule or settings were changed: it begins anew")
            self._results.forget()
        elif stale:
            self._say(f"{_CHECKOUT} were changed: it begins anew at {later[0]}")
            self._results.forget(later)

    def _go_through(self, stage: str) -> StageResult:
        began_s = time.monotonic()
        began = datetime.now(UTC).isoformat(timespec="seconds")
        self._results.begin(stage, self.keys[stage], began)
        self._say(f"{stage}: ...")
        try:
            outcome = self._outcome(stage)
        except WrongSpecError as error:
            outcome = Outcome("it cannot be read", [f"{self._wanted.spec}, {error}"])
        except (Transient, BreakerOpenError) as error:
            outcome = Outcome(
                "given up after several tries", [f"{error}; start it again, it goes on here"]
            )
        if self.keys[stage].endswith(self._checkout) and checkout_of(ROOT) != self._checkout:
            outcome.problems.append(f"{_CHECKOUT} were changed meanwhile; start it again")
        result = StageResult(
            stage=stage,
            key=self.keys[stage],
            verdict="failed" if outcome.problems else "passed",
            sentence=outcome.sentence,
            began=began,
            took_s=round(time.monotonic() - began_s, 1),
            problems=tuple(outcome.problems),
            notes=tuple(outcome.notes),
            facts=outcome.facts,
        )
        self._results.keep(result)
        for line in lines_of(result):
            self._say(line)
        return result

    def _outcome(self, stage: str) -> Outcome:
        wanted = self._wanted
        match stage:
            case "specification":
                return check_specification(self._spec(), wanted.rule_type)
            case "tests":
                return check_tests(wanted.rule_type, wanted.config.tests, self._processes)
            case "gates":
                return check_gates(wanted.config.gates, self._results.directory, self._processes)
            case "staging":
                return check_staging(self._spec().spec, wanted.config.staging, self._say)
        return check_production(
            wanted.rule_type, wanted.config.production, wanted.trader, self._results.directory
        )

    def _spec(self) -> SpecFile:
        return read_spec(self._wanted.spec)


def lines_of(result: StageResult) -> Sequence[str]:
    """Return a result for a terminal."""
    return [
        f"{result.stage}: {result.verdict.upper()} in {result.took_s:.1f} s: {result.sentence}",
        *(f"  {problem}" for problem in result.problems),
        *(f"  Note: {note}" for note in result.notes),
    ]
