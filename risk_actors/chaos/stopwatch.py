"""Measures, while a scenario is played, how long protection takes to return."""

from risk_actors.chaos.results import Recovery, Since
from risk_actors.simulator.scenario import Step
from risk_actors.simulator.scenario_expect import Expectation
from risk_actors.simulator.scenario_referee import Failure, SeenCommand
from risk_actors.simulator.scenario_state import Sight

_PROTECTION = frozenset({"flat", "lock", "positions", "orders", "phase"})
"""What stands for protection: at the broker and as shown; commands on the way to it do not."""
_BREACH = frozenset({"flat", "lock"})


class Stopwatch:
    """A watcher of one run."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, float, Step, Since]] = []
        self._last_met_s: dict[int, float] = {}
        self._failed: set[int] = set()
        self._number = 0

    def on_step(self, at_s: float, number: int, step: Step) -> None:
        """Start measuring, if the step is one after which protection must return."""
        self._number = number
        since = _since(step)
        if since is not None:
            self._steps.append((number, at_s, step, since))

    def on_command(self, command: SeenCommand, *, expected: bool) -> None:
        """Take no notice: a command is not yet protection."""

    def on_sight(self, at_s: float, sight: Sight) -> None:
        """Take no notice: the referee judges what is seen."""

    def on_met(self, at_s: float, expectation: Expectation) -> None:
        """Note it; what was met, lost and met again counts from the last time."""
        if expectation.verb in _PROTECTION:
            self._last_met_s[self._number] = at_s

    def on_failure(self, failure: Failure) -> None:
        """Note that this step did not end well."""
        self._failed.add(failure.step)

    def recoveries(self) -> tuple[Recovery, ...]:
        """Return what was measured, in order."""
        return tuple(
            Recovery(
                step=number,
                what=step.say or f"step {number}",
                since=since,
                took_s=self._took_s(number, began_s),
            )
            for number, began_s, step, since in self._steps
        )

    def _took_s(self, number: int, began_s: float) -> float | None:
        met_s = self._last_met_s.get(number)
        if met_s is None or number in self._failed:
            return None
        return round(max(met_s - began_s, 0.0), 3)


def _since(step: Step) -> Since | None:
    """Return what the time of a step counts from, None where nothing has to return."""
    verbs = {expectation.verb for expectation in step.expect}
    if step.clear_faults and verbs & _PROTECTION:
        return "heal"
    return "breach" if verbs & _BREACH else None
