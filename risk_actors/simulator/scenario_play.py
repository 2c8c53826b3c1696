"""Plays a script on a stage: virtual or real time, actors in memory or a daemon."""

from collections.abc import Callable, Sequence
from typing import Protocol

from risk_actors.simulator.refusals import RefusedError
from risk_actors.simulator.scenario_referee import Failure, Referee, SeenCommand, Watcher
from risk_actors.simulator.scenario_script import Cue, Deed, Kill, Revive, Script
from risk_actors.simulator.scenario_state import Sight


class Stage(Protocol):
    """A broker, a guard, and a clock. Seconds count from the scenario's start."""

    slack_s: float
    """How late things may come because real time does not wait."""

    def now_s(self) -> float:
        """Return the seconds since the start."""

    def now_ns(self) -> int:
        """Return the guard's time in nanoseconds UTC."""

    def run_until(self, at_s: float, look: Callable[[], bool]) -> None:
        """Let time pass, looking often; a look tells whether something is waited for."""

    def wait_for(self, condition: Callable[[], bool], at_most_s: float) -> None:
        """Let time pass until a condition is true, where that takes longer than it should.

        What comes later in the script is put off by as much.
        """

    def carry_out(self, deed: Deed) -> None:
        """Do one thing at the broker."""

    def kill_guard(self) -> None:
        """Kill the guard without warning."""

    def start_guard(self) -> None:
        """Start the guard again on its data, and wait until it is ready."""

    def commands(self) -> Sequence[SeenCommand]:
        """Return every command that reached the broker so far."""

    def sight(self) -> Sight:
        """Return what can be seen now."""

    def violations(self) -> list[str]:
        """Return the invariants that were broken, in words."""


def play(script: Script, stage: Stage, watchers: Sequence[Watcher] = ()) -> list[Failure]:
    """Play a script from its start to its end; return what was not as expected."""
    referee = Referee(script, watchers, slack_s=stage.slack_s)

    def look() -> bool:
        referee.look(stage.now_s(), stage.commands(), stage.sight())
        return not referee.is_settled

    begun = -1
    for cue in script.cues:
        stage.run_until(cue.after_s, look)
        if cue.step > begun:
            _settle(referee, stage, look)
            begun = cue.step
        _do(cue, stage, referee)
        if _is_step(cue, script):
            referee.begin_step(stage.now_s(), stage.now_ns(), cue.step)
    stage.run_until(script.length_s, look)
    _settle(referee, stage, look)
    for violation in stage.violations():
        referee.fail(stage.now_s(), violation)
    return referee.failures


def _is_step(cue: Cue, script: Script) -> bool:
    return cue.deed is script.scenario.steps[cue.step]


def _settle(referee: Referee, stage: Stage, look: Callable[[], bool]) -> None:
    """Judge what the step before expected once more, and be done with it."""
    stage.wait_for(lambda: not look(), stage.slack_s)
    referee.end_step(stage.now_s())


def _do(cue: Cue, stage: Stage, referee: Referee) -> None:
    match cue.deed:
        case Kill():
            stage.kill_guard()
        case Revive():
            stage.start_guard()
        case deed:
            try:
                stage.carry_out(deed)
            except RefusedError as error:
                referee.fail(stage.now_s(), f"the broker refused the trader: {error}")
