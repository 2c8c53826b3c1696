"""What can be chosen in the menu, by number, by key or by word, and the plan behind each choice."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from testing import changed, suite
from testing.session import Plan
from testing.suite import Part, Wishes


class CannotChooseError(Exception):
    """There is nothing to run; the text says why."""

    def __init__(self, text: str, *, is_wrong: bool = True) -> None:
        super().__init__(text)
        self.is_wrong = is_wrong
        """Whether what was chosen makes no sense; that nothing is affected is no fault."""


class Asked(NamedTuple):
    """Everything that decides what a choice comes to."""

    root: Path
    value: str = ""
    """What was typed after the choice: a file, a keyword."""
    base: str = "HEAD"
    wishes: Wishes = Wishes()
    html: bool = False


class Choice(NamedTuple):
    """One line of the menu that runs something."""

    key: str
    word: str
    says: str
    plan: Callable[[Asked], Plan]
    question: str | None = None
    """What to ask for, where it needs a value."""
    is_tool: bool = False
    """Whether it is no matter of pytest alone; nothing is measured then."""


def _kind(kind: str) -> Callable[[Asked], Plan]:
    def plan(asked: Asked) -> Plan:
        parts = suite.split_parts(asked.wishes, suite.KINDS[kind])
        return _plan(asked, "all tests" if kind == "all" else f"{kind} tests", parts)

    return plan


def _file(asked: Asked) -> Plan:
    # A test's id may follow the file.
    if not (asked.root / asked.value.partition("::")[0]).exists():
        raise CannotChooseError(f"there is no {asked.value} in {asked.root.name}/")
    return _plan(asked, f"file {asked.value}", suite.one_process(asked.wishes, [asked.value]))


def _keyword(asked: Asked) -> Plan:
    parts = suite.split_parts(asked.wishes, targets=["-k", asked.value])
    return _plan(asked, f"keyword {asked.value}", parts)


def _last_failed(asked: Asked) -> Plan:
    wanted = ["--last-failed", "--last-failed-no-failures", "none"]
    return _plan(asked, "last failed", suite.one_process(asked.wishes, wanted))


def _changed(asked: Asked) -> Plan:
    try:
        found = changed.affected(asked.root, asked.base)
    except changed.UnknownBaseError as error:
        raise CannotChooseError(str(error)) from error
    print(f"Since {asked.base}: {found.why}", flush=True)
    if not found.tests:
        raise CannotChooseError("no test is affected", is_wrong=False)
    print(f"Affected: {'all' if found.is_all else len(found.tests)} test files", flush=True)
    targets = () if found.is_all else found.tests
    parts = suite.split_parts(asked.wishes, targets=targets)
    return _plan(asked, f"affected since {asked.base}", parts)


def _scenarios(asked: Asked) -> Plan:
    return _plan(
        asked, "rule scenarios", suite.split_parts(asked.wishes, targets=[suite.SCENARIOS])
    )


def _coverage(asked: Asked) -> Plan:
    wishes = asked.wishes._replace(coverage=True)
    return _kind("all")(asked._replace(wishes=wishes))


def _html(asked: Asked) -> Plan:
    return _coverage(asked)._replace(html=True)


def _gate(asked: Asked) -> Plan:
    # What is handed on is for pytest.
    parts = (*suite.split_parts(asked.wishes), _tool_part(asked, "smoke", "smoke.py"))
    return _plan(asked, "gate: tests and smoke", parts)


def _tool(name: str, script: str) -> Callable[[Asked], Plan]:
    def plan(asked: Asked) -> Plan:
        return Plan(name, (_tool_part(asked, name, script, *asked.wishes.more),))

    return plan


def _tool_part(asked: Asked, name: str, script: str, *arguments: str) -> Part:
    return suite.tool(name, str(asked.root / "tools" / script), *arguments)


def _plan(asked: Asked, what: str, parts: tuple[Part, ...]) -> Plan:
    wishes = asked.wishes
    suffix = " with coverage" if wishes.coverage else ""
    return Plan(what + suffix, parts, coverage=wishes.coverage, html=asked.html)


TESTS = (
    Choice("a", "all", "every test", _kind("all")),
    Choice("u", "unit", "each part alone", _kind("unit")),
    Choice("i", "integration", "parts together", _kind("integration")),
    Choice("s", "system", "the daemon itself", _kind("system")),
    Choice("w", "slow", "over some seconds", _kind("slow")),
    Choice("f", "file", "one file", _file, "File (tests/...)"),
    Choice("k", "keyword", "by part of a name", _keyword, "Keyword"),
    Choice("l", "failed", "the last failed", _last_failed),
    Choice("d", "changed", "hit by a change", _changed),
    Choice("r", "scenarios", "of the rules", _scenarios),
)
COVERAGE = (
    Choice("c", "coverage", "all, measured", _coverage),
    Choice("h", "html", "the same, as HTML", _html),
)
TOOLS = (
    Choice("m", "smoke", "boots, arms, ends", _tool("smoke", "smoke.py"), is_tool=True),
    Choice("o", "soak", "a minute of load", _tool("soak", "soak.py"), is_tool=True),
    Choice("e", "trace", "every message", _tool("trace", "trace_messages.py"), is_tool=True),
    Choice("y", "sanity", "logs in, listens", _tool("sanity", "testing/sanity.py"), is_tool=True),
    Choice("g", "gate", "tests and smoke", _gate),
)
"""Each with its own number, counted through."""
CHOICES = (*TESTS, *COVERAGE, *TOOLS)
