"""Measures, while a scenario is played, how long protection takes to return."""

from dataclasses import dataclass

from risk_actors.chaos.results import Recovery, Since
from risk_actors.simulator.scenario import Step
from risk_actors.simulator.scenario_expect import Expectation
from risk_actors.simulator.scenario_referee import Failure, SeenCommand
from risk_actors.simulator.scenario_state import Sight

_PROTECTION = frozenset({"flat", "lock", "positions", "orders", "phase"})
"""What stands for protection: at the broker and as shown; commands on the way to it do not."""
_BREACH = frozenset({"flat", "lock"})


@dataclass
class _Lap:
    """One step after which protection must return."""

    number: int
    began_s: float
    step: Step
    since: Since
    met_s: float | None = None
    """When what it expects was met last: what was met, lost and met again counts from then."""
    locked_s: float | None = None
    flat_s: float | None = None
    is_failed: bool = False
    watches_flat: bool = True
    """Until the trader trades again, or the next rule breaks: that is another matter."""

    def recovery(self) -> Recovery:
        is_breach = self.since == "breach"
        return Recovery(
            step=self.number,
            what=self.step.say or f"step {self.number}",
            since=self.since,
            took_s=None if self.is_failed else self._after(self.met_s),
            locked_s=self._after(self.locked_s) if is_breach else None,
            flat_s=self._after(self.flat_s) if is_breach else None,
        )

    def _after(self, at_s: float | None) -> float | None:
        return None if at_s is None else round(max(at_s - self.began_s, 0.0), 3)


class Stopwatch:
    """A watcher of one run."""

    def __init__(self) -> None:
        self._laps: list[_Lap] = []
        self._number = 0

    def on_step(self, at_s: float, number: int, step: Step) -> None:
        """Start measuring, if the step is one after which protection must return."""
        self._number = number
        since = _since(step)
        if since == "breach" or step.buy is not None or step.sell is not None:
            for lap in self._laps:
                lap.watches_flat = False
        if since is not None:
            self._laps.append(_Lap(number, at_s, step, since))

    def on_command(self, command: SeenCommand, *, expected: bool) -> None:
        """Take no notice: a command is not yet protection."""

    def on_sight(self, at_s: float, sight: Sight) -> None:
        """Note since when the broker has shown flat, whatever the step expects by when."""
        for lap in self._laps:
            if not lap.watches_flat:
                continue
            if not _is_flat(sight, lap.step):
                lap.flat_s = None
            elif lap.flat_s is None:
                lap.flat_s = at_s

    def on_met(self, at_s: float, expectation: Expectation) -> None:
        """Note it."""
        for lap in self._laps:
            if lap.number == self._number and expectation.verb in _PROTECTION:
                lap.met_s = at_s
                if expectation.lock is not None:
                    lap.locked_s = at_s

    def on_failure(self, failure: Failure) -> None:
        """Note that this step did not end well."""
        for lap in self._laps:
            lap.is_failed = lap.is_failed or lap.number == failure.step

    def recoveries(self) -> tuple[Recovery, ...]:
        """Return what was measured, in order."""
        return tuple(lap.recovery() for lap in self._laps)


def _is_flat(sight: Sight, step: Step) -> bool:
    """Tell whether the broker shows nothing in the accounts that a step is about."""
    wanted = {expected.account for expected in step.expect if expected.verb in _BREACH}
    shown = () if sight.state is None else sight.state["accounts"]
    names = {account["id"]: account["name"] for account in shown}
    first = next(iter(sight.holdings), None)
    return not any(
        held.sizes or held.order_ids
        for account_id, held in sight.holdings.items()
        if names.get(account_id) in wanted or (None in wanted and account_id == first)
    )


def _since(step: Step) -> Since | None:
    """Return what the time of a step counts from, None where nothing has to return."""
    verbs = {expectation.verb for expectation in step.expect}
    if step.clear_faults and verbs & _PROTECTION:
        return "heal"
    return "breach" if verbs & _BREACH else None
