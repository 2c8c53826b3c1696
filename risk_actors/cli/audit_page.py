"""The record as a person reads it: each chain from its event to what was observed at its end."""

import textwrap
from collections.abc import Mapping
from datetime import date, tzinfo

from rich.console import Console
from rich.text import Text

from risk_actors.core.evidence import NS_PER_S
from risk_actors.store.audit_chains import Chain
from risk_actors.store.audit_steps import Step
from risk_actors.store.audit_words import in_words

_NARROW = 72
"""In fewer columns a step's sentence stands under its times instead of beside them."""
_MIN_TEXT = 16
_MS_UNTIL_S = 60
_TIME_WIDTH = len("+59,999.9 ms")
_WORD_WIDTH = len("connection")
_STYLES = {
    "breach": "bold red",
    "lock": "bold red",
    "panic": "bold red",
    "stuck": "bold red",
    "braked": "bold red",
    "fault": "bold red",
    "unlock": "bold green",
    "observed": "bold green",
    "command": "cyan",
    "outcome": "cyan",
    "enforcing": "bold magenta",
    "unknown": "magenta",
    "warning": "yellow",
    "event": "dim",
}


class AuditPage:
    """Writes chains to a terminal or a pipe."""

    def __init__(self, console: Console, names: Mapping[int, str], zone: tzinfo) -> None:
        """Take where to write, the accounts' names and the zone of the times."""
        self._console = console
        self._names = names
        self._zone = zone
        self._is_narrow = console.width < _NARROW

    def heading(self, day: date | None, whom: str, chains: list[Chain]) -> None:
        """Say what is shown."""
        what = "The whole record" if day is None else f"Trading day {day:%a %Y-%m-%d}"
        whom = f", {whom}" if whom else ""
        count = "1 chain" if len(chains) == 1 else f"{len(chains):,} chains"
        self._write(Text(f"{what}{whom}: {count}", "bold"))

    def chain(self, chain: Chain) -> None:
        """Write one chain: when, whom, its id, and each step with its times."""
        first = chain.steps[0]
        accounts = [s.row.account_id for s in chain.steps if s.row.account_id is not None]
        whom = ", ".join(self._name(each) for each in dict.fromkeys(accounts))
        head = Text()
        head.append(in_words(first.at_ns, self._zone), "bold")
        if whom:
            head.append(f"  {whom}", "bold")
        head.append(f"  {chain.correlation_id}", "dim")
        if len(chain.steps) > 1:
            head.append(f"  {len(chain.steps)} steps in {elapsed(chain.took_ns)}", "dim")
        self._console.print()
        self._write(head)
        before = first
        several = len(set(accounts)) > 1
        for step in chain.steps:
            self._step(step, first, before, several=several)
            before = step

    def note(self, text: str) -> None:
        """Write a remark under the chains."""
        self._console.print()
        self._write(Text(text, "dim"))

    def _step(self, step: Step, first: Step, before: Step, *, several: bool) -> None:
        mark = "!" if step.is_alarming else " "
        since_first = f"+{elapsed(step.at_ns - first.at_ns)}"
        since_before = f"(+{elapsed(step.at_ns - before.at_ns)})"
        head = Text()
        head.append(f" {mark} ", "bold red" if step.is_alarming else "")
        head.append(f"{since_first:>{_TIME_WIDTH}} {since_before:>{_TIME_WIDTH + 2}}  ", "dim")
        head.append(f"{step.word:<{_WORD_WIDTH}}  ", _STYLES.get(step.word, ""))
        text = step.text
        if several and step.row.account_id is not None:
            text = f"{self._name(step.row.account_id)}: {text}"
        if self._is_narrow:
            head.rstrip()
            self._write(head)
            margin = " " * 5
            for line in self._wrapped(text, self._console.width - len(margin)):
                self._write(Text(margin + line))
            return
        margin = " " * head.cell_len
        line, *more = self._wrapped(text, self._console.width - len(margin)) or [""]
        self._write(head.append(line))
        for line in more:
            self._write(Text(margin + line))

    def _wrapped(self, text: str, width: int) -> list[str]:
        if not self._console.is_terminal and not self._is_narrow:
            return [text]
        return textwrap.wrap(text, max(width, _MIN_TEXT), break_on_hyphens=False)

    def _write(self, text: Text) -> None:
        self._console.print(text, soft_wrap=not self._is_narrow)

    def _name(self, account_id: int) -> str:
        return self._names.get(account_id, f"account {account_id}")


def elapsed(length_ns: int) -> str:
    """Return a length of time: milliseconds, from a minute on as a clock shows it."""
    if abs(length_ns) < _MS_UNTIL_S * NS_PER_S:
        return f"{length_ns / 1e6:,.1f} ms"
    minutes, seconds = divmod(length_ns // NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
