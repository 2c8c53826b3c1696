"""What an engine has to offer to be run on the corpus, and the comparison with what is expected."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

import msgspec
from conformance.corpus import Step, WorkedCase, named

ACCOUNT = "account"
"""What stands for the whole account among locked scopes."""
OPEN = "open"
"""What stands for the end of a lock where a scope must not be locked."""


class Seen(msgspec.Struct, kw_only=True):
    """What an engine says after a step; what it cannot say stays None."""

    verdict: str
    broken_ns: int | None = None
    """When the present breach was first said."""
    value: Decimal | None = None
    """What is compared with the limit: equity, the day's P&L, contracts."""
    limit: Decimal | None = None
    """The floor, the limit, the contracts allowed."""
    reduce_to: Mapping[str, int] = {}
    locked: Mapping[str, int] = {}
    """The end of each lock in force by scope: `account`, or a contract's symbol."""


class Engine(Protocol):
    """Made for one case, it takes the steps in their order.

    Steps before `watched_ns` of the case happen before it is started: it may keep them as what the
    broker will tell it, and what it says then is not looked at.
    """

    def step(self, step: Step) -> Seen:
        """Let time pass until the step, let it happen, and say what is so then."""


def differences(worked: WorkedCase, make: Callable[[WorkedCase], Engine]) -> list[str]:
    """Return in words how an engine departs from what a case expects; none when it conforms."""
    engine = make(worked)
    found: list[str] = []
    has_broken = False
    for step in worked.case.steps:
        seen = engine.step(step)
        if worked.ns(step.at) < worked.watched_ns:
            continue
        expected = named(step.expect)
        if not has_broken:
            expected.setdefault("verdict", "ok")
        has_broken = has_broken or expected.get("verdict") == "breach"
        for key, wanted in expected.items():
            is_value, want = _CHECKS[key](seen, wanted, worked)
            if is_value != want:
                found.append(f"{step.at} {step.say}: {key} is {is_value}, should be {want}")
    return found


type _Pair = tuple[Any, Any]


def _cents(amount_usd: Decimal | None) -> Decimal | None:
    """Return an amount to the cent, half a cent away from zero."""
    return None if amount_usd is None else amount_usd.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _verdict(seen: Seen, wanted: str, worked: WorkedCase) -> _Pair:
    return seen.verdict, wanted


def _broken_at(seen: Seen, wanted: str, worked: WorkedCase) -> _Pair:
    return seen.broken_ns, worked.ns(wanted)


def _value_usd(seen: Seen, wanted: Decimal, worked: WorkedCase) -> _Pair:
    return _cents(seen.value), _cents(wanted)


def _limit_usd(seen: Seen, wanted: Decimal, worked: WorkedCase) -> _Pair:
    return _cents(seen.limit), _cents(wanted)


def _value(seen: Seen, wanted: Decimal, worked: WorkedCase) -> _Pair:
    return seen.value, wanted


def _limit(seen: Seen, wanted: Decimal, worked: WorkedCase) -> _Pair:
    return seen.limit, wanted


def _reduce_to(seen: Seen, wanted: dict[str, int], worked: WorkedCase) -> _Pair:
    return dict(seen.reduce_to), wanted


def _locked(seen: Seen, wanted: dict[str, str], worked: WorkedCase) -> _Pair:
    if not wanted:
        return dict(seen.locked), {}
    # A lock on the account covers a contract of it; one on a contract does not cover the account.
    ends = {scope: seen.locked.get(scope, seen.locked.get(ACCOUNT)) for scope in wanted}
    return ends, {s: None if until == OPEN else worked.ns(until) for s, until in wanted.items()}


_CHECKS: dict[str, Callable[[Seen, Any, WorkedCase], _Pair]] = {
    "verdict": _verdict,
    "broken_at": _broken_at,
    "floor_usd": _limit_usd,
    "equity_usd": _value_usd,
    "pnl_usd": _value_usd,
    "allowed": _limit,
    "counted": _value,
    "reduce_to": _reduce_to,
    "locked": _locked,
}
"""One for every expectation: one that nothing checks is a KeyError, never passed over."""
