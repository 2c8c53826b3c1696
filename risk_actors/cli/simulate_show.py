"""Shows a scenario on the terminal while it is played."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.text import Text

from risk_actors.cli import words
from risk_actors.core.instruments import symbol_of
from risk_actors.simulator.faults import described
from risk_actors.simulator.scenario_referee import describe

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.cli.simulate_guard import Guard
    from risk_actors.simulator.scenario import Step
    from risk_actors.simulator.scenario_expect import Expectation
    from risk_actors.simulator.scenario_referee import Failure, SeenCommand
    from risk_actors.simulator.scenario_script import Script
    from risk_actors.simulator.scenario_state import Sight

_MS = 1_000


class Show:
    """Prints each step, each command that arrives, and whatever the guard shows anew."""

    def __init__(self, console: "Console", *, last_deed_s: Callable[[], float]) -> None:
        """Take where to print, and who knows when something was last done at the broker."""
        self._console = console
        self._last_deed_s = last_deed_s
        self._sight: Sight | None = None
        self._locks: dict[tuple[int, int], dict[str, Any]] = {}
        self._verdicts: dict[tuple[str, int], str] = {}
        self._waiting: list[SeenCommand] = []

    def on_step(self, at_s: float, number: int, step: "Step") -> None:
        """Print what is done."""
        self._console.print()
        line = Text.assemble((f"{number:>3} ▶ ", "bold cyan"), (step.say or _deed(step), "bold"))
        self._line(at_s, line)

    def on_command(self, command: "SeenCommand", *, expected: bool) -> None:
        """Print a command that reached the broker, with the time it took."""
        after_ms = max(command.at_s - self._last_deed_s(), 0) * _MS
        said = command.kind if self._sight is None else describe(command, self._sight)
        line = Text.assemble(
            ("    ◀ ", "bold magenta"),
            (said, "bold magenta" if expected else "bold red"),
            (f"  {after_ms:.0f} ms after it happened", "dim"),
        )
        self._line(command.at_s, line)

    def on_sight(self, at_s: float, sight: "Sight") -> None:
        """Print locks and verdicts that changed."""
        self._sight = sight
        if sight.state is None:
            return
        self._show_verdicts(at_s, sight.state)
        self._show_locks(at_s, sight.state)

    def on_met(self, at_s: float, expectation: "Expectation") -> None:
        """Print what came as expected."""
        self._line(at_s, Text.assemble(("    ✓ ", "green"), (expectation.sentence(), "green")))

    def on_failure(self, failure: "Failure") -> None:
        """Print what did not."""
        self._line(failure.at_s, Text.assemble(("    ✗ ", "bold red"), (failure.text, "bold red")))

    def _show_verdicts(self, at_s: float, state: Any) -> None:
        for rule in state["rules"]:
            key = (rule["id"], rule["account"])
            before, now = self._verdicts.get(key), rule["verdict"]
            self._verdicts[key] = now
            if before is None or before == now:
                continue
            line = Text.assemble(
                ("    ● ", words.VERDICT_STYLES.get(now, "")),
                f"{rule['id']}: {before} → ",
                (now, words.VERDICT_STYLES.get(now, "")),
                (f"  {rule['reason']}" if rule["reason"] else "", "dim"),
            )
            self._line(at_s, line)

    def _show_locks(self, at_s: float, state: Any) -> None:
        now = {
            (account["id"], lock["id"]): lock
            for account in state["accounts"]
            for lock in account["locks"]
        }
        for key in now.keys() - self._locks.keys():
            lock = now[key]
            line = Text.assemble(
                ("    ■ ", "bold red"),
                (f"LOCKED {_scope(lock)} by {lock['rule']} ", "bold red"),
                (f"{_end(lock, state['timezone'])}: {lock['reason']}", "red"),
            )
            self._line(at_s, line)
        for key in self._locks.keys() - now.keys():
            lock = self._locks[key]
            said = f"the lock on {_scope(lock)} by {lock['rule']} has ended"
            self._line(at_s, Text.assemble(("    □ ", "bold green"), (said, "bold green")))
        self._locks = now

    def _line(self, at_s: float, line: Text) -> None:
        self._console.print(Text.assemble((f"{at_s:7.2f} s ", "dim"), line), soft_wrap=True)


def show_title(console: "Console", script: "Script") -> None:
    """Print what is going to be played."""
    scenario = script.scenario
    rule = f"  ({scenario.rule})" if scenario.rule else ""
    console.print(Text.assemble((scenario.title, "bold"), (rule, "dim")))
    if scenario.text:
        console.print(Text(scenario.text.strip(), "dim"))


def show_guard(console: "Console", guard: "Guard") -> None:
    """Print how a daemon is started on the scenario, for a person to do it."""
    console.print("\nStart the daemon in another terminal:\n")
    for name, value in guard.environment.items():
        console.print(Text(f"export {name}={value}"), soft_wrap=True)
    console.print(Text(" ".join(["risk-actors", *guard.words])), soft_wrap=True)
    console.print("\nThe scenario begins as soon as it guards (Ctrl+C stops).")


def show_end(console: "Console", failures: "list[Failure]", commands: int) -> None:
    """Print how it went."""
    console.print()
    if not failures:
        said = f"PASSED: everything came as expected, {commands} commands"
        console.print(Text(said, "bold green"))
        return
    console.print(Text(f"FAILED: {len(failures)} not as expected", "bold red"))
    for failure in failures:
        console.print(Text(f"  {failure}", "red"), soft_wrap=True)


def _scope(lock: dict[str, Any]) -> str:
    return "the account" if lock["scope"] == "account" else symbol_of(lock["scope"])


def _end(lock: dict[str, Any], timezone: str) -> str:
    if lock["until"] is None:
        return "until its condition ends"
    return f"until {words.clock(lock['until'], datetime.now(ZoneInfo(timezone)))}"


def _deed(step: "Step") -> str:
    """Return a step that says nothing of itself in words."""
    said = [f"{symbol} {price}" for symbol, price in step.price.items()]
    for side in ("buy", "sell"):
        ticket = getattr(step, side)
        if ticket is not None:
            said.append(f"{side} {ticket.size} {ticket.symbol}")
    if step.close is not None:
        said.append(f"the trader closes {step.close.size or 'all'} {step.close.symbol}")
    if step.cancel is not None:
        said.append(f"the trader cancels {step.cancel}")
    said += [described(fault) for fault in step.all_faults]
    if step.cut_hubs is not None:
        said.append("the hubs are cut")
    return ", ".join(said) or "look"
