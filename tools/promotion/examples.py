"""Plays the examples of a specification through the real rule.

The engine is the one of tests/conformance: position book, P&L book, rule and lock book of the core,
on a clock that steps. Each example is played in all its manners, which must make no difference:
rows in order, twice, in reverse, in any order, and with a restart before every step.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from conformance.corpus import Case, Expect, RuleTable, Step, WorkedCase, contracts, named, sessions
from conformance.engine import differences
from conformance.our_engine import Manner, OurEngine

from promotion.spec_file import Example, Problem, SpecFile
from risk_actors.core.account_state import AccountState
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.news import NewsCalendar
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.rules.base import RuleContext
from risk_actors.core.verdict import Breached

LOCKED_AFTER_NS = 1_000
"""Less than a restart lasts in the corpus, so that no reset is passed over."""
OPEN = "open"
"""In place of an instant: a lock that must not be."""
_ANY_RULE = "the specified rule"
_ANY_TABLE = RuleTable(kind="day_loss", sources=())
"""The corpus names rules in words of its own; an example has the rule's own settings instead."""


class _Engine(OurEngine):
    """Our engine with a rule as settings would make it."""

    def __init__(
        self, worked: WorkedCase, manner: Manner, settings: dict[str, Any], rule_type: str
    ) -> None:
        self._settings, self._type = settings, rule_type
        super().__init__(worked, manner)

    def _made(self, table: RuleTable) -> Rule[Any, Any]:
        del table
        context = RuleContext(self._calendar, MarketCalendar(), NewsCalendar())
        rule_class = catalogue()[self._type]
        return rule_class(settings_of(self._type, self._settings), context)

    def _break(self, breached: Breached, account: AccountState | None) -> None:
        """Let the lock come after the fill that broke the rule, as it does.

        At the same instant that fill would count as one made under the lock.
        """
        broken_ns = self._now_ns
        self._now_ns += LOCKED_AFTER_NS
        super()._break(breached, account)
        if self._broken_ns == broken_ns + LOCKED_AFTER_NS:
            self._broken_ns: int | None = broken_ns


def settings_of(rule_type: str, table: dict[str, Any]) -> Any:
    """Return the settings struct of a rule.

    Raises:
        msgspec.ValidationError: the rule would not accept them.
        KeyError: there is no such rule.
    """
    told = {"id": rule_type.replace("_", "-"), "type": rule_type, **plain(table)}
    return msgspec.convert(told, catalogue()[rule_type].Settings)


def plain(value: Any) -> Any:
    """Return a value of the file as TOML gives it to settings: amounts are floats there."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def problems(file: SpecFile) -> list[Problem]:
    """Return what the rule does otherwise than the examples say, and what they leave unsaid."""
    found: list[Problem] = []
    verdicts: set[str] = set()
    for number, example in enumerate(file.spec.examples):
        line = file.lines.of("examples", number)
        try:
            worked = _worked(example)
            verdicts |= {step.expect.verdict or "ok" for step in worked.case.steps}
            found += _played(file, example, worked, line)
        except (msgspec.ValidationError, ValueError, KeyError) as error:
            text = f"there is no {error}" if isinstance(error, KeyError) else str(error)
            found.append(Problem(line, f"example {number + 1}, {example.say!r}: {text}"))
    for wanted in {"breach", "ok"} - verdicts:
        found.append(
            Problem(
                file.lines.of("examples", 0),
                f"no step of any example expects `{wanted}`; add one that does",
            )
        )
    for number, settings in enumerate(file.spec.soak):
        try:
            settings_of(file.spec.rule, settings)
        except msgspec.ValidationError as error:
            found.append(Problem(file.lines.of("soak"), f"soak settings {number + 1}: {error}"))
    return found


def _worked(example: Example) -> WorkedCase:
    case = Case(
        title=example.say,
        rule=_ANY_RULE,
        balance_usd=example.balance_usd,
        session=example.session,
        steps=msgspec.convert(example.steps, tuple[Step, ...]),
    )
    worked = WorkedCase(
        name=example.say,
        case=case,
        rules={_ANY_RULE: _ANY_TABLE},
        session=sessions()[example.session],
    )
    _check(worked)
    return worked


def _check(worked: WorkedCase) -> None:
    """Refuse steps that go back in time, name nothing known, or would check nothing."""
    instants = [
        _instant_ns(worked, number, "at", step.at) for number, step in enumerate(worked.case.steps)
    ]
    if instants != sorted(instants):
        raise ValueError("a step lies before the one before it; put them in order of time")
    for number, step in enumerate(worked.case.steps):
        for key, at in _expected_instants(step.expect):
            _instant_ns(worked, number, key, at)
        if step.rule is not None:
            raise ValueError(f"{step.at}: an example has one rule; leave `rule` out")
        traded = [event for event in (step.fill, step.order) if event is not None]
        if any((event.buy is None) == (event.sell is None) for event in traded):
            raise ValueError(f"{step.at}: a fill or order has either `buy` or `sell`")
        for contract in (*step.quote, *(event.contract for event in traded)):
            if contract not in contracts():
                known = ", ".join(contracts())
                raise ValueError(f"{step.at}: no contract {contract!r} is known; take of {known}")
    if not any(named(step.expect) for step in worked.case.steps):
        raise ValueError("it expects nothing; give its last step `expect = { verdict = ... }`")


def _expected_instants(expect: Expect) -> Iterator[tuple[str, str]]:
    if expect.broken_at is not None:
        yield "broken_at", expect.broken_at
    yield from ((f"locked.{what}", at) for what, at in (expect.locked or {}).items() if at != OPEN)


def _instant_ns(worked: WorkedCase, number: int, key: str, at: str) -> int:
    try:
        return worked.ns(at)
    except ValueError as error:
        raise ValueError(
            f"step {number + 1}, {key} = {at!r}: {error}; write it like `Tue 2026-06-02 09:30:00`"
        ) from error


def _played(file: SpecFile, example: Example, worked: WorkedCase, line: int) -> list[Problem]:
    """Return how the rule departs from one example; of the manners only the first that does."""
    settings_of(file.spec.rule, example.settings)
    for manner in Manner:
        made = partial(_Engine, manner=manner, settings=example.settings, rule_type=file.spec.rule)
        found = differences(worked, made)
        if found:
            return [
                Problem(
                    file.lines.of_text(text.split(" ", 3)[2], line),
                    f"{example.say!r} ({manner.value}): {text}; correct the example or the rule",
                )
                for text in found
            ]
    return []
