"""Compares what a scenario expects to be so with what the broker holds and the guard shows."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from risk_actors.simulator.scenario_expect import Expectation
from risk_actors.simulator.scenario_script import Script
from risk_actors.simulator.scenario_time import NS_PER_S, to_moment, to_ns
from risk_actors.simulator.scenario_venue import Holdings

_HALF_A_CENT = 0.005


class Sight(NamedTuple):
    """What can be seen at one instant."""

    state: Mapping[str, Any] | None
    """The body of `GET /api/state`; None while no guard answers."""
    holdings: Mapping[int, Holdings]
    """By account id."""
    order_ids: Mapping[str, int]
    """Ids of the scenario's named orders."""
    contract_ids: Mapping[str, str]
    """Contract ids by symbol."""


class Question(NamedTuple):
    """An expectation with what it needs to be judged."""

    expectation: Expectation
    account_id: int
    since_ns: int
    """When its step was, on the guard's clock."""
    script: Script
    tolerance_s: float
    """How far a lock's length may be off: it begins when its breach is judged, after the cause."""


def difference(question: Question, sight: Sight) -> str | None:
    """Return what is seen instead of what is expected, None when it is as expected."""
    if sight.state is None:
        return "the guard does not answer"
    account = next((a for a in sight.state["accounts"] if a["id"] == question.account_id), None)
    if account is None:
        return "the guard does not show the account"
    return _JUDGES[question.expectation.verb](question, sight, sight.state, account)


type _Row = Mapping[str, Any]


def _lock(question: Question, sight: Sight, _state: _Row, account: _Row) -> str | None:
    wanted = question.expectation
    scope = "account" if wanted.scope == "account" else sight.contract_ids[wanted.scope]
    locks = [lock for lock in account["locks"] if lock["rule"] == wanted.lock]
    in_scope = [lock for lock in locks if lock["scope"] == scope]
    if not in_scope:
        return _say_locks(account["locks"])
    faults = [_lock_fault(question, lock) for lock in in_scope]
    return None if None in faults else faults[0]


def _lock_fault(question: Question, lock: _Row) -> str | None:
    wanted, calendar = question.expectation, question.script.calendar
    since_ns = to_ns(datetime.fromisoformat(lock["since"]))
    until = lock["until"]
    until_ns = None if until is None else to_ns(datetime.fromisoformat(until))
    seen = f"it ends {until or 'on a condition'}"
    expected_ns: int | None = None
    match wanted.until_reset:
        case "daily":
            expected_ns = calendar.day(since_ns).end_ns
        case "weekly":
            expected_ns = calendar.week(since_ns).end_ns
    if wanted.until is not None:
        day = to_moment(question.since_ns, question.script.zone).date()
        expected_ns = wanted.until.instant_ns(
            zone=question.script.zone, start_ns=question.script.start_ns, day=day
        )
    if wanted.lasts_s is not None:
        expected_ns = since_ns + round(wanted.lasts_s * NS_PER_S)
    if expected_ns is not None:
        off_ns = 0 if wanted.lasts_s is None else question.tolerance_s * NS_PER_S
        if until_ns is None or abs(until_ns - expected_ns) > off_ns:
            shown = to_moment(expected_ns, question.script.zone).isoformat()
            return f"{seen}, not {shown} (since {lock['since']})"
    if wanted.on_condition and until_ns is not None:
        return seen
    if wanted.reason is not None and wanted.reason not in lock["reason"]:
        return f"its reason is: {lock['reason']}"
    return None


def _unlocked(question: Question, _sight: Sight, _state: _Row, account: _Row) -> str | None:
    rule = question.expectation.unlocked
    locks = [lock for lock in account["locks"] if rule is True or lock["rule"] == rule]
    return _say_locks(locks) if locks else None


def _say_locks(locks: list[_Row]) -> str:
    said = [f"{lock['rule']} on {lock['scope']} until {lock['until']}" for lock in locks]
    return f"locked: {', '.join(said)}" if said else "no lock"


def _verdict(question: Question, _sight: Sight, state: _Row, account: _Row) -> str | None:
    wanted = question.expectation
    rules = [r for r in state["rules"] if r["id"] == wanted.of and r["account"] == account["id"]]
    if not rules:
        return "the rule has said nothing yet"
    (rule,) = rules
    if rule["verdict"] != wanted.verdict:
        return f"it is {rule['verdict']}: {rule['reason']} (value {rule['value']})"
    for key in ("value", "limit"):
        figure = getattr(wanted, key)
        if figure is not None and not _same(figure, rule[key]):
            return f"{key} is {rule[key]}"
    if wanted.reason is not None and wanted.reason not in (rule["reason"] or ""):
        return f"its reason is: {rule['reason']}"
    return None


def _flat(question: Question, sight: Sight, _state: _Row, account: _Row) -> str | None:
    held = sight.holdings[question.account_id]
    if held.sizes or held.order_ids:
        return f"the broker holds {held.sizes} and works {len(held.order_ids)} orders"
    if account["positions"] or account["orders"]:
        return f"shown are {account['positions']} and {len(account['orders'])} orders"
    return None if account["enforcement"] is None else "an enforcement is under way"


def _positions(question: Question, sight: Sight, _state: _Row, account: _Row) -> str | None:
    wanted = {
        sight.contract_ids[symbol]: size
        for symbol, size in (question.expectation.positions or {}).items()
        if size
    }
    held = sight.holdings[question.account_id].sizes
    if held != wanted:
        return f"the broker holds {held}"
    shown = {position["contract"]: position["size"] for position in account["positions"]}
    return None if shown == wanted else f"shown are {shown}"


def _orders(question: Question, sight: Sight, _state: _Row, account: _Row) -> str | None:
    names = {order_id: name for name, order_id in sight.order_ids.items()}
    wanted = set(question.expectation.orders or ())
    places = {
        "the broker works": sight.holdings[question.account_id].order_ids,
        "shown are": {order["id"] for order in account["orders"]},
    }
    for place, ids in places.items():
        found = {names.get(order_id, f"order {order_id}") for order_id in ids}
        if found != wanted:
            return f"{place} {sorted(found)}"
    return None


def _day(question: Question, _sight: Sight, _state: _Row, account: _Row) -> str | None:
    figures = question.expectation.day
    assert figures is not None  # noqa: S101 - its verb chose this judge
    for name, figure in msgspec.structs.asdict(figures).items():
        if figure is not None and not _same(figure, account["day"][name]):
            return f"{name} is {_said(account['day'][name])}"
    return None


def _week(question: Question, _sight: Sight, _state: _Row, account: _Row) -> str | None:
    seen = account["week"]["realized"]
    return None if _same(question.expectation.week_realized, seen) else f"it is {_said(seen)}"


def _balance(question: Question, _sight: Sight, _state: _Row, account: _Row) -> str | None:
    seen = account["balance"]
    return None if _same(question.expectation.balance, seen) else f"it is {_said(seen)}"


def _can_trade(question: Question, _sight: Sight, _state: _Row, account: _Row) -> str | None:
    seen = account["can_trade"]
    return None if seen is question.expectation.can_trade else f"it is {seen}"


def _phase(question: Question, _sight: Sight, state: _Row, _account: _Row) -> str | None:
    if state["phase"] == question.expectation.phase:
        return None
    return f"it is {state['phase']}: {state['detail']}"


def _said_so(question: Question, _sight: Sight, state: _Row, account: _Row) -> str | None:
    words = question.expectation.said or ""
    lately = _lately(question, state, account)
    return None if any(words in text for text in lately) else f"said was: {lately[-3:]}"


def _unsaid(question: Question, _sight: Sight, state: _Row, account: _Row) -> str | None:
    words = question.expectation.unsaid or ""
    found = [text for text in _lately(question, state, account) if words in text]
    return f"said was: {found[0]}" if found else None


def _lately(question: Question, state: _Row, account: _Row) -> list[str]:
    """Return what was said of the account since the step."""
    return [
        event["text"]
        for event in state["events"]
        if event["account"] in (None, account["id"])
        and to_ns(datetime.fromisoformat(event["at"])) >= question.since_ns - NS_PER_S // 1_000
    ]


def _same(wanted: object, seen: object) -> bool:
    if seen is None or wanted == "unknown":
        return seen is None and wanted == "unknown"
    if not isinstance(wanted, int | float) or not isinstance(seen, int | float):
        return False
    return abs(wanted - seen) < _HALF_A_CENT


def _said(seen: object) -> str:
    return "unknown" if seen is None else str(seen)


_JUDGES: dict[str, Callable[[Question, Sight, _Row, _Row], str | None]] = {
    "lock": _lock,
    "unlocked": _unlocked,
    "verdict": _verdict,
    "flat": _flat,
    "positions": _positions,
    "orders": _orders,
    "day": _day,
    "week_realized": _week,
    "balance": _balance,
    "can_trade": _can_trade,
    "phase": _phase,
    "said": _said_so,
    "unsaid": _unsaid,
}
