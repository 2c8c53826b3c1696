"""The tighter of two settings is the one that does more: the rules themselves are asked."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from core.loosening import PAIRS, Pair
from core.recorded_days import Seen, context, recorded

from risk_actors.core.lock_end import lock_end_ns
from risk_actors.core.rules import RuleSettings, catalogue
from risk_actors.core.verdict import (
    Action,
    Breached,
    Flatten,
    LockTerms,
    Ok,
    Unknown,
    Verdict,
    Warned,
)

SEEDS = range(5)
FOR_EVER_NS = 2**63


class Said(NamedTuple):
    """What a rule said of one fact."""

    verdict: Verdict
    seen: Seen
    left: dict[str, int]
    """By contract the least that it has let stay since it was broken; nobody does it here."""


def said(settings: RuleSettings, seed: int) -> list[Said]:
    """Run the rule through some days."""
    rule = catalogue()[settings.type](settings, context())
    state, found, left = rule.initial_state(), [], dict[str, int]()
    for seen in recorded(seed):
        fact = seen.account if type(seen.account) in rule.facts else seen.pnl
        state, verdict = rule.evaluate(state, fact, seen.now_ns)
        left = left_by(verdict, seen, left)
        found.append(Said(verdict, seen, left))
    return found


def left_by(verdict: Verdict, seen: Seen, before: dict[str, int]) -> dict[str, int]:
    if not isinstance(verdict, Breached):
        return {}
    sizes = {each.contract_id: abs(each.counted_size) for each in seen.account.positions}
    now = {each: may_stay(verdict.action, each, size) for each, size in sizes.items()}
    return before | {each: min(size, before.get(each, size)) for each, size in now.items()}


def lacks(one: Said, other: Said) -> str:
    """Return what the one leaves undone that the other does; nothing when it does as much."""
    mine, theirs = one.verdict, other.verdict
    if isinstance(theirs, Warned) and not isinstance(mine, Warned | Breached):
        return "it does not warn"
    if isinstance(theirs, Breached):
        if not isinstance(mine, Breached):
            return f"it says {mine} of {theirs}"
        return next(lacks_in_breach(mine, theirs, one), "")
    return next(lacks_in_moves(mine, theirs, one.seen), "")


def lacks_in_breach(mine: Breached, theirs: Breached, one: Said) -> Iterator[str]:
    for position in one.seen.account.positions:
        size = abs(position.counted_size)
        contract_id = position.contract_id
        if one.left[contract_id] > may_stay(theirs.action, contract_id, size):
            yield f"more stays of {contract_id}: {mine.action}, {theirs.action}"
    for terms in theirs.locks:
        if all(
            end_ns(each, one.seen.now_ns) < end_ns(terms, one.seen.now_ns)
            for each in mine.locks
            if each.contract_id in (None, terms.contract_id)
        ):
            yield f"it locks for less: {mine.locks}, {theirs.locks}"
    cancelled = getattr(theirs.action, "cancel_order_ids", ())
    if not isinstance(mine.action, Flatten) and not set(cancelled) <= {
        *mine.action.cancel_order_ids
    }:
        yield "it cancels less"


def lacks_in_moves(mine: Verdict, theirs: Verdict, seen: Seen) -> Iterator[str]:
    if not isinstance(mine, Ok | Unknown) or not isinstance(theirs, Ok | Unknown):
        return
    moved = {move.order_id: move.stop_price for move in mine.stop_moves}
    sides = {order.id: order.side.sign for order in seen.account.orders}
    for move in theirs.stop_moves:
        price = moved.get(move.order_id)
        if price is None or (price - move.stop_price) * sides[move.order_id] > 0:
            yield f"the stop stays further away: {price}, {move}"


def may_stay(action: Action, contract_id: str, size: int) -> int:
    """Return how much of a position an action leaves."""
    if isinstance(action, Flatten):
        return 0 if not action.contract_ids or contract_id in action.contract_ids else size
    return min(size, dict(action.targets).get(contract_id, size))


def end_ns(terms: LockTerms, now_ns: int) -> int:
    return lock_end_ns(terms, context().calendar, now_ns) or FOR_EVER_NS


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_tighter_setting_never_does_less_and_sometimes_does_more(pair: Pair) -> None:
    does_more = False
    for seed in SEEDS:
        loose = said(pair.settings(pair.loose), seed)
        tight = said(pair.settings(pair.tight), seed)
        for one, other in zip(tight, loose, strict=True):
            assert not lacks(one, other), (seed, lacks(one, other))
            does_more = does_more or bool(lacks(other, one))
    assert does_more is pair.shows
