"""Rule 002: one instrument's size must not exceed its limit."""

import itertools
from typing import Any

import pytest
from core.builders import (
    CORN,
    ES,
    MES,
    MNQ,
    MNQ_NEXT,
    NQ,
    account,
    breach_of,
    fill,
    held,
    judge,
    position,
    rule,
)
from core.desk import RuleDesk

from risk_actors.core.verdict import Breached, Flatten, Ok, Reduce, Unknown, Warned


def per_instrument(**settings: Any) -> Any:
    return rule("max_contracts_per_instrument", **settings)


@pytest.mark.parametrize(
    ("settings", "positions", "targets"),
    [
        ({"limits": {"MNQ": 2}}, (held(2),), None),
        ({"limits": {"MNQ": 2}}, (held(-2),), None),
        ({"limits": {"MNQ": 2}}, (held(3),), {MNQ: 2}),
        ({"limits": {"MNQ": 2}}, (held(-3),), {MNQ: 2}),
        ({"limits": {"mnq": 2}}, (held(3),), {MNQ: 2}),
        ({"limits": {"ES": 1}}, (held(2, contract=ES),), {ES: 1}),
        # Gateway roots are not symbols: EP in the settings means nothing.
        # Without a default other instruments are not checked.
        ({"limits": {"MNQ": 2}}, (held(9, contract=ES),), None),
        ({"limits": {"MNQ": 2}, "default": 1}, (held(2), held(1, contract=ES)), None),
        ({"limits": {"MNQ": 2}, "default": 1}, (held(2, contract=ES),), {ES: 1}),
        ({"default": 1}, (held(2, contract=CORN),), {CORN: 1}),
        # 0 forbids the instrument; a default of 0 forbids all that are not named.
        ({"limits": {"MNQ": 0}}, (held(1),), {MNQ: 0}),
        ({"limits": {"MNQ": 2}, "default": 0}, (held(2), held(-1, contract=ES)), {ES: 0}),
        ({"limits": {"MNQ": 0}, "default": 3}, (), None),
        # Two contracts of one symbol are one instrument, the newest is reduced first.
        (
            {"limits": {"MNQ": 3}},
            (held(2, opened_ns=1), held(2, contract=MNQ_NEXT, opened_ns=2)),
            {MNQ_NEXT: 1},
        ),
        (
            {"limits": {"MNQ": 3}},
            (held(2, opened_ns=2), held(-2, contract=MNQ_NEXT, opened_ns=1)),
            {MNQ: 1},
        ),
        (
            {"limits": {"MNQ": 1}},
            (held(2, opened_ns=1), held(2, contract=MNQ_NEXT, opened_ns=2)),
            {MNQ_NEXT: 0, MNQ: 1},
        ),
        # Several over: each is reduced to its own limit.
        (
            {"limits": {"MNQ": 2, "NQ": 1}, "default": 3},
            (held(5), held(-2, contract=NQ), held(3, contract=ES)),
            {MNQ: 2, NQ: 1},
        ),
        # While report and fills differ the larger counts.
        ({"limits": {"MNQ": 2}}, (held(0, fills_size=3),), {MNQ: 2}),
        ({"limits": {"MNQ": 2}}, (held(3, fills_size=2),), {MNQ: 2}),
    ],
)
def test_each_instrument_is_held_to_its_own_limit(
    settings: dict[str, Any], positions: tuple[Any, ...], targets: dict[str, int] | None
) -> None:
    verdict = judge(per_instrument(**settings), account(*positions))

    if targets is None:
        assert isinstance(verdict, Ok)
    else:
        assert isinstance(verdict, Breached)
        assert isinstance(verdict.action, Reduce)
        assert dict(verdict.action.targets) == targets
        assert verdict.locks == ()


def test_the_response_flatten_flattens_every_contract_of_the_instruments_over_and_no_other() -> (
    None
):
    judging = per_instrument(limits={"MNQ": 1, "ES": 1}, default=9, response="flatten")
    fact = account(
        held(1),
        held(1, contract=MNQ_NEXT),
        held(2, contract=ES),
        held(5, contract=NQ),
        held(1, contract=MES),
    )

    breach = breach_of(judging, fact)

    assert breach.action == Flatten(contract_ids=tuple(sorted((MNQ, MNQ_NEXT, ES))))


def test_the_verdict_names_the_instrument_furthest_over() -> None:
    judging = per_instrument(limits={"MNQ": 2, "ES": 1})

    breach = breach_of(judging, account(held(3), held(4, contract=ES)))

    assert (breach.value, breach.limit) == (4, 1)
    assert breach.evidence.sentence() == "4 ES exceeded the limit of 1 at 18:00:00 UTC"


def test_the_cause_is_the_same_while_the_excess_shrinks() -> None:
    judging = per_instrument(limits={"MNQ": 2})

    causes = {breach_of(judging, account(held(size))).cause for size in (5, 4, 3)}

    assert len(causes) == 1


def test_positions_not_yet_read_are_unknown_never_ok() -> None:
    verdict = judge(per_instrument(default=1), account(is_reconciled=False))

    assert isinstance(verdict, Unknown)


def test_a_warning_comes_from_the_instrument_that_uses_most_of_its_limit() -> None:
    # NQ lacks one contract to its limit and ES two, but ES has used more of its own.
    judging = per_instrument(limits={"ES": 10, "NQ": 2}, warn_at=[0.8])

    verdict = judge(judging, account(held(8, contract=ES), held(1, contract=NQ)))

    assert isinstance(verdict, Warned)
    assert (verdict.value, verdict.limit, verdict.fraction) == (8, 10, 0.8)
    assert (verdict.cause, verdict.contract_id) == ("ES", ES)
    assert verdict.evidence.sentence() == "8 ES are open, the limit is 10"


def test_a_warning_of_another_instrument_is_another_warning() -> None:
    judging = per_instrument(default=10, warn_at=[0.8])

    es, nq = (judge(judging, account(held(8, contract=c))) for c in (ES, NQ))

    assert isinstance(es, Warned)
    assert isinstance(nq, Warned)
    assert es.cause != nq.cause


def test_a_fill_and_its_position_row_in_any_order_are_one_excess() -> None:
    for rows in itertools.permutations((fill(1, 3, 100), position(3), fill(1, 3, 100))):
        desk = RuleDesk(per_instrument(limits={"MNQ": 2}))
        desk.see(*rows)

        broken = [verdict for verdict in desk.verdicts if isinstance(verdict, Breached)]
        assert len(broken) == 3
        assert len({verdict.cause for verdict in broken}) == 1
        assert broken[0].contract_id == MNQ


def test_nothing_open_is_ok() -> None:
    assert judge(per_instrument(limits={"MNQ": 0}, default=0), account()) == Ok()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"limits": {"nq": 1, "MNQ": 5}}, "At most 5 MNQ, 1 NQ; above it, reduce that instrument."),
        (
            {"limits": {"ES": 1}, "default": 2, "response": "flatten"},
            "At most 1 ES, 2 of any other instrument; above it, flatten that instrument.",
        ),
        (
            {"default": 2},
            "At most 2 of any other instrument; above it, reduce that instrument.",
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    assert per_instrument(**settings).summary() == sentence
