"""Holds a run against what its scenario expects: every command, and every state in its time."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from risk_actors.simulator.scenario import Step
from risk_actors.simulator.scenario_expect import Expectation
from risk_actors.simulator.scenario_script import Script
from risk_actors.simulator.scenario_state import Question, Sight, difference

_TOLERANCE_S = 1.5
_VIRTUAL_TOLERANCE_S = 0.25


class SeenCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that reached the broker."""

    at_s: float
    """Seconds of the scenario."""
    kind: str
    """`close`, `cancel`, `move`, or what else was asked for."""
    account_id: int
    contract_id: str | None = None
    size: int | None = None
    """Contracts of a partial close; None closes all."""
    order_id: int | None = None
    stop_price: float | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the run was not as expected."""

    at_s: float
    step: int
    """Counted from 1, as a person reads the file; 0 before the first."""
    text: str

    def __str__(self) -> str:
        return f"step {self.step}, {self.at_s:.1f} s: {self.text}"


class Watcher(Protocol):
    """Shows a run to somebody while it happens."""

    def on_step(self, at_s: float, number: int, step: Step) -> None:
        """Say that a step has been carried out."""

    def on_command(self, command: SeenCommand, *, expected: bool) -> None:
        """Say that a command reached the broker."""

    def on_sight(self, at_s: float, sight: Sight) -> None:
        """Take a look at how things are."""

    def on_met(self, at_s: float, expectation: Expectation) -> None:
        """Say that something came as expected."""

    def on_failure(self, failure: Failure) -> None:
        """Say that something did not."""


class _Open(msgspec.Struct):
    """An expectation that is being waited for, or held to."""

    question: Question
    deadline_s: float
    count: int = 0
    """Commands that came."""
    is_met: bool = False
    has_failed: bool = False
    last_seen: str = ""

    @property
    def expectation(self) -> Expectation:
        return self.question.expectation

    @property
    def is_full(self) -> bool:
        return self.count >= (self.expectation.at_most or self.expectation.times)


class Referee:
    """Judges one run."""

    def __init__(self, script: Script, watchers: Sequence[Watcher], *, slack_s: float) -> None:
        """Take how much later than on a clock of our own things may come in real time."""
        self._script = script
        self._watchers = watchers
        self._slack_s = slack_s
        self._tolerance_s = _TOLERANCE_S if slack_s else _VIRTUAL_TOLERANCE_S
        self._number = 0
        self._open: list[_Open] = []
        self._commands = 0
        self.failures: list[Failure] = []

    def begin_step(self, at_s: float, now_ns: int, index: int) -> None:
        """Start waiting for what a step expects."""
        self._number = index + 1
        step = self._script.scenario.steps[index]
        self._tell(lambda watcher: watcher.on_step(at_s, self._number, step))
        for expectation in step.expect:
            account = self._script.scenario.account_named(expectation.account or step.account)
            self._open.append(
                _Open(
                    Question(expectation, account.id, now_ns, self._script, self._tolerance_s),
                    at_s + expectation.within_s + self._slack_s,
                    is_met=expectation.is_command and expectation.times == 0,
                )
            )

    def end_step(self, at_s: float) -> None:
        """Close what the step before expected, before the next one changes things."""
        for waiting in self._open:
            if not waiting.is_met:
                self._fail_open(waiting, at_s)
        self._open.clear()

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is waited for any more."""
        return all(waiting.is_met or waiting.has_failed for waiting in self._open)

    def look(self, at_s: float, commands: Sequence[SeenCommand], sight: Sight) -> None:
        """Judge how things are at one instant."""
        for command in commands[self._commands :]:
            self._take(command, sight)
        self._commands = len(commands)
        self._tell(lambda watcher: watcher.on_sight(at_s, sight))
        for waiting in self._open:
            if not waiting.expectation.is_command:
                self._judge(waiting, at_s, sight)
            if not waiting.is_met and at_s > waiting.deadline_s:
                self._fail_open(waiting, at_s)

    def fail(self, at_s: float, text: str) -> None:
        """Note that the run is not as it should be."""
        failure = Failure(at_s=at_s, step=self._number, text=text)
        self.failures.append(failure)
        self._tell(lambda watcher: watcher.on_failure(failure))

    def _tell(self, say: Callable[[Watcher], None]) -> None:
        for watcher in self._watchers:
            say(watcher)

    def _take(self, command: SeenCommand, sight: Sight) -> None:
        wanted = next(
            (
                waiting
                for waiting in self._open
                if waiting.expectation.is_command
                and not waiting.is_full
                and command.at_s <= waiting.deadline_s
                and _matches(command, waiting.question, sight)
            ),
            None,
        )
        self._tell(lambda watcher: watcher.on_command(command, expected=wanted is not None))
        if wanted is None:
            self.fail(command.at_s, f"nobody expected: {describe(command, sight)}")
            return
        wanted.count += 1
        if wanted.count >= wanted.expectation.times and not wanted.is_met:
            self._meet(wanted, command.at_s)

    def _judge(self, waiting: _Open, at_s: float, sight: Sight) -> None:
        """A state must come true in time, and stay so from the end of that time."""
        fault = difference(waiting.question, sight)
        if fault is None:
            if not waiting.is_met and not waiting.has_failed:
                self._meet(waiting, at_s)
            return
        waiting.last_seen = fault
        if waiting.is_met and at_s > waiting.deadline_s - self._slack_s:
            waiting.is_met = False
            if not waiting.has_failed:
                waiting.has_failed = True
                self.fail(at_s, f"no longer so: {waiting.expectation.sentence()}; {fault}")
        elif waiting.is_met:
            waiting.is_met = False

    def _meet(self, waiting: _Open, at_s: float) -> None:
        waiting.is_met = True
        self._tell(lambda watcher: watcher.on_met(at_s, waiting.expectation))

    def _fail_open(self, waiting: _Open, at_s: float) -> None:
        if waiting.has_failed:
            return
        waiting.has_failed = True
        expectation = waiting.expectation
        seen = waiting.last_seen
        if expectation.is_command:
            seen = f"{waiting.count} of {expectation.times} came"
        self.fail(
            at_s, f"expected within {expectation.within_s:g} s: {expectation.sentence()}; {seen}"
        )


def describe(command: SeenCommand, sight: Sight) -> str:
    """Return a command in words."""
    symbols = {contract_id: symbol for symbol, contract_id in sight.contract_ids.items()}
    names = {order_id: name for name, order_id in sight.order_ids.items()}
    parts = [command.kind]
    if command.size is not None:
        parts.append(str(command.size))
    if command.kind == "close":
        parts.append(symbols.get(command.contract_id or "", str(command.contract_id)))
    elif command.order_id is not None:
        parts.append(names.get(command.order_id, f"order {command.order_id}"))
    if command.stop_price is not None:
        parts.append(f"to {command.stop_price:,.2f}")
    return " ".join(parts)


def _matches(command: SeenCommand, question: Question, sight: Sight) -> bool:
    wanted = question.expectation
    if command.kind != wanted.verb or command.account_id != question.account_id:
        return False
    if wanted.close is not None:
        is_contract = command.contract_id == sight.contract_ids[wanted.close]
        return is_contract and command.size == wanted.size
    name = wanted.cancel or wanted.move or ""
    if command.order_id is None or command.order_id != sight.order_ids.get(name):
        return False
    return wanted.to is None or command.stop_price == wanted.to
