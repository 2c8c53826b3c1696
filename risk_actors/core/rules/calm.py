"""When a rule need not look at a fact, because it would say of it what it said of the last one.

A rule that is kept, and says so of facts whose parts it reads are the very objects of before, goes
on saying so until the instant at which time may change its mind. Most rows of the broker change one
part of an account, which a few rules read.
"""

from collections.abc import Callable
from operator import attrgetter, is_
from typing import Any

from risk_actors.core.account_state import AccountState
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import Fact, Rule
from risk_actors.core.rules.measure import Unit
from risk_actors.core.verdict import Ok, Verdict

type Parts = tuple[object, ...]


class Calm:
    """Whether one rule is calm on one account; the rule itself keeps nothing."""

    __slots__ = ("_is_of_pnl", "_parts", "_read", "_shows_time", "_since_ns")

    def __init__(self, rule: Rule[Any, Any]) -> None:
        """Take the rule; one that does not say which parts it reads is never calm."""
        self._is_of_pnl = PnlState in rule.facts
        self._shows_time = rule.measure.unit is Unit.SECONDS
        self._read = reader_of(rule)
        self._parts: Parts | None = None
        self._since_ns = 0

    def end(self) -> None:
        """Let the rule look at the next fact, whatever it shows."""
        self._parts = None

    def note(self, fact: Fact, verdict: Verdict, now_ns: int) -> None:
        """Take what the rule said of a fact, where nothing it said before is left to be done."""
        account = fact if isinstance(fact, AccountState) else fact.account
        is_well = isinstance(verdict, Ok) and not verdict.stop_moves
        if self._read is None or account is None or not is_well:
            self._parts = None
        elif self._shows_time and account.positions:
            # What it shows grows older by itself.
            self._parts = None
        else:
            self._parts = self._read(fact)
            self._since_ns = now_ns

    def holds(self, fact: Fact, look_ns: int | None, now_ns: int) -> bool:
        """Tell whether the rule would say of another fact what it said of the last one.

        Args:
            fact: that fact.
            look_ns: when the passing of time alone may change what it says; None for never.
            now_ns: the instant. A clock that was set back makes every deadline doubtful.
        """
        parts = self._parts
        read = self._read
        if parts is None or read is None or now_ns < self._since_ns:
            return False
        if look_ns is not None and now_ns >= look_ns:
            return False
        if self._is_of_pnl and getattr(fact, "account", None) is None:
            return False
        # What reads both is one, so they are equally many.
        return all(map(is_, parts, read(fact)))


def reader_of(rule: Rule[Any, Any]) -> Callable[[Fact], Parts] | None:
    """Return what takes from a fact the parts that a rule reads, or None where it reads all."""
    if not rule.reads:
        return None
    # Rules are asked by the broker's clock.
    clock = "account.clock_ahead_ns" if PnlState in rule.facts else "clock_ahead_ns"
    return attrgetter(*rule.reads, clock)
