"""The menu of the tests, on a terminal and on standard input; and the same by argument."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from testing import history, reports, session, suite
from testing.choices import CHOICES, COVERAGE, TESTS, TOOLS, Asked, CannotChooseError, Choice
from testing.results import PASSED

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 80
"""The menu is made for the narrowest terminal that is usual, and is no wider on others."""
WRONG = 2
"""The exit code where what was chosen makes no sense."""
SHOWN_LINES = 200
"""Of a report; the whole is in its file."""


class Other(NamedTuple):
    """One line of the menu that runs nothing."""

    key: str
    word: str
    says: str


STATUS = Other("t", "status", "coverage so far")
REPORT = Other("p", "report", "show the last one")
VERBOSE = Other("v", "verbose", "a line per test")
QUIT = Other("q", "quit", "")
OTHERS = (STATUS, REPORT, VERBOSE)
LINES: tuple[Choice | Other, ...] = (*CHOICES, *OTHERS)


def found(text: str) -> Choice | Other | None:
    """Return what a number, a key or a word chooses."""
    if text in ("0", QUIT.key, QUIT.word, "exit"):
        return QUIT
    for number, line in enumerate(LINES, start=1):
        if text in (str(number), line.key, line.word):
            return line
    return None


class Menu:
    """Asks what to run until there is an end of it."""

    def __init__(self, asked: Asked) -> None:
        """Take what holds for every choice until it is changed here."""
        self._asked = asked
        self._console = make_console()
        self._directory = asked.root / reports.DIRECTORY
        self._run_code = 0
        self._is_wrong = False

    @property
    def exit_code(self) -> int:
        """That of the last run; where that went well, 2 if something that was chosen was wrong."""
        return self._run_code or (WRONG if self._is_wrong else 0)

    def ask(self) -> int:
        """Ask and run until quit or the end of input; return the last run's exit code."""
        self._show()
        while True:
            typed = _read("Choice: ")
            if typed is None:
                return self._quit()
            word, _, value = typed.partition(" ")
            line = found(word)
            if line is QUIT and not value:
                return self._quit()
            if line is not None:
                self.choose(line, value.strip())
            elif word:
                self._say_wrong(f"There is no choice `{word}`.")
            if sys.stdin.isatty():
                # Who types has seen it, and chooses again.
                self._is_wrong = False
            if line is None:
                continue
            # Who pipes in choices has no use for the menu between them.
            if self._console.is_terminal:
                self._show()

    def choose(self, line: Choice | Other, value: str = "") -> None:
        """Do what a line of the menu stands for."""
        if value and (not isinstance(line, Choice) or line.question is None):
            self._say_wrong(f"Nothing was run: `{line.word}` takes nothing, so not `{value}`.")
        elif isinstance(line, Choice):
            self._run(line, value)
        elif line is VERBOSE:
            wishes = self._asked.wishes
            self._asked = self._asked._replace(wishes=wishes._replace(verbose=not wishes.verbose))
            self._console.print(f"Verbose is {_switch(self._asked)}.")
        elif line is STATUS:
            history.show(self._directory, self._console)
        else:
            self._print_report()

    def _run(self, choice: Choice, value: str) -> None:
        if choice.question is not None and not value:
            value = _read(f"{choice.question}: ") or ""
            if not value:
                self._say_wrong("Nothing was named, so nothing was run.")
                return
        try:
            plan = choice.plan(self._asked._replace(value=value))
        except CannotChooseError as error:
            if error.is_wrong:
                self._say_wrong(f"Nothing was run: {error}.")
            else:
                self._console.print(f"Nothing was run: {error}.", style="bold")
            return
        self._run_code = session.run(plan, self._asked.root).report.exit_code

    def _say_wrong(self, sentence: str) -> None:
        self._is_wrong = True
        self._console.print(sentence, style="bold red")

    def _print_report(self) -> None:
        text = reports.latest_text(self._directory)
        if text is None:
            self._console.print("No run has left a report yet.")
            return
        lines = text.splitlines()
        if len(lines) > SHOWN_LINES:
            head = next((n for n, line in enumerate(lines) if line.startswith("=" * 79)), 0) + 1
            left_out = len(lines) - SHOWN_LINES
            file = f"{reports.DIRECTORY}/{reports.LATEST}.txt"
            lines = [
                *lines[:head],
                f"... {left_out} lines are left out here; all are in {file} ...",
                *lines[head + left_out :],
            ]
        print("\n".join(lines), flush=True)

    def _quit(self) -> int:
        self._console.print("Goodbye.")
        return self.exit_code

    def _show(self) -> None:
        """Print the menu, and how the last run went."""
        numbers = {line: number for number, line in enumerate(LINES, start=1)}
        left = _lines("Tests", TESTS, numbers)
        right = Text.assemble(
            _lines("All with coverage", COVERAGE, numbers),
            _lines("The running system", TOOLS, numbers),
            _lines("Reports", OTHERS, numbers),
        )
        columns = Table.grid(padding=(0, 1, 0, 0))
        columns.add_row(left, right)
        switch = Text(f" 0  q  quit        verbose is {_switch(self._asked)}")
        body = Group(columns, switch, self._last())
        frame = box.ROUNDED if self._console.is_terminal else box.ASCII
        self._console.print(
            Panel(
                body, title="Tests of risk_actors", box=frame, width=min(WIDTH, self._console.width)
            )
        )

    def _last(self) -> Text:
        last = next(reports.past(self._directory), None)
        if last is None:
            return Text(" No run has left a report yet.", "dim")
        style = "green" if last.status == PASSED else "bold red"
        return Text.assemble(
            f" last run: {last.what}: ", (last.status, style), f", {last.started[:16]} UTC"
        )


def _lines(title: str, lines: Sequence[Choice | Other], numbers: dict[Choice | Other, int]) -> Text:
    text = Text(f"{title}\n", "bold")
    for line in lines:
        text.append(f"{numbers[line]:3d}", "not bold cyan")
        text.append(f"  {line.key}", "cyan")
        text.append(f"  {line.word:<12}")
        text.append(f"{line.says}\n", "not bold dim")
    return text


def _switch(asked: Asked) -> str:
    return "on" if asked.wishes.verbose else "off"


def _read(prompt: str) -> str | None:
    """Return what is typed; None at the end of input and at Ctrl-C."""
    try:
        if sys.stdin.isatty():
            return input(prompt).strip()
        line = sys.stdin.readline()
        # A pipe does not show what is typed.
        print(f"{prompt}{line.strip() if line else '(end of input)'}", flush=True)
        return line.strip() if line else None
    except (EOFError, KeyboardInterrupt):
        print()
        return None


def make_console() -> Console:
    """Return a console on standard output: coloured on a terminal, plain elsewhere."""
    plain = Console(highlight=False, markup=False, emoji=False)
    if plain.is_terminal:
        return plain
    return Console(highlight=False, markup=False, emoji=False, width=WIDTH, color_system=None)


def main(arguments: list[str]) -> int:
    """Return the exit code of the last run; 2 when the arguments make no sense."""
    parser = _parser()
    asked, more = _parsed(parser, arguments)
    if asked.changed and asked.choice:
        parser.error("--changed is a choice of its own; leave the other out")
    word = "changed" if asked.changed else asked.choice
    if word is None:
        return Menu(more).ask()
    line = found(word)
    if line is None:
        words = ", ".join(each.word for each in LINES)
        parser.error(f"there is no choice `{word}`; there are: {words}")
    surplus = _surplus(asked, more, line)
    if surplus is not None:
        parser.error(f"`{line.word}` takes no {surplus}")
    if line is QUIT:
        return 0
    menu = Menu(more)
    menu.choose(line, asked.value or "")
    return menu.exit_code


def _surplus(asked: argparse.Namespace, more: Asked, line: Choice | Other) -> str | None:
    """Return what was given that the choice has no use for."""
    takes_value = isinstance(line, Choice) and line.question is not None
    is_tool = isinstance(line, Choice) and line.is_tool
    if asked.value and not takes_value:
        return f"`{asked.value}`"
    if asked.base is not None and line.word != "changed":
        return "--base"
    if more.wishes.coverage and (is_tool or isinstance(line, Other)):
        return "--coverage and no --html"
    if more.wishes.more and isinstance(line, Other):
        return "arguments of pytest"
    return None


def _parsed(
    parser: argparse.ArgumentParser, arguments: list[str]
) -> tuple[argparse.Namespace, Asked]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    asked = parser.parse_args(arguments[:at])
    wishes = suite.Wishes(
        coverage=asked.coverage or asked.html,
        verbose=asked.verbose,
        more=tuple(arguments[at + 1 :]),
    )
    base = asked.base or "HEAD"
    return asked, Asked(asked.root.resolve(), base=base, wishes=wishes, html=asked.html)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_tests.py",
        description="Run tests and keep a report of each run. Without a choice: a menu.",
        epilog="What stands after -- is handed on to pytest, or to the tool. "
        "Choices: " + ", ".join(line.word for line in LINES),
    )
    parser.add_argument("choice", nargs="?", help="a number, a key or a word of the menu")
    parser.add_argument("value", nargs="?", help="the file, or the keyword")
    parser.add_argument("--changed", action="store_true", help="the tests that a change affects")
    parser.add_argument("--base", metavar="REF", help="changed since what (HEAD)")
    parser.add_argument("--coverage", action="store_true", help="measure coverage as well")
    parser.add_argument("--html", action="store_true", help="coverage as pages in htmlcov/")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line per test")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project to test")
    return parser
