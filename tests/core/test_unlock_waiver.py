"""What an unlock leaves of a breach that was found before it."""

import pytest
from core.builders import ES, MNQ, NOON

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Unlocked
from risk_actors.core.unlock_waiver import left_of
from risk_actors.core.verdict import Action, Breached, Flatten, LockTerms, Reduce


def breach(*scopes: str | None, action: Action | None = None) -> Breached:
    return Breached(
        value=None,
        limit=None,
        evidence=Evidence(template="it is so"),
        cause="it",
        action=action or Flatten(),
        locks=tuple(LockTerms(contract_id=scope) for scope in scopes),
    )


def unlocked(scope: str | None = None, at_ns: int = NOON, rule_id: str = "r") -> Unlocked:
    return Unlocked(rule_id, scope, at_ns)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], breach(None)),
        ([unlocked(at_ns=NOON - 1)], breach(None)),
        ([unlocked(rule_id="other")], breach(None)),
        ([unlocked(MNQ)], breach(None)),
        ([unlocked()], breach()),
        ([unlocked()], breach(action=Reduce(targets=((MNQ, 1),)))),
    ],
    ids=["none", "before it was found", "another rule", "another scope", "no lock", "a reduction"],
)
def test_what_no_unlock_is_about_is_left_as_it_is(given: list[Unlocked], found: Breached) -> None:
    assert left_of(found, "r", NOON, given) == found


def test_a_breach_whose_every_lock_was_ended_is_waived() -> None:
    assert left_of(breach(None), "r", NOON, [unlocked()]) is None
    assert left_of(breach(None), "r", NOON, [unlocked(at_ns=NOON + 1)]) is None
    assert left_of(breach(ES, MNQ), "r", NOON, [unlocked(ES), unlocked(MNQ)]) is None


def test_what_is_still_locked_is_still_flattened_and_nothing_else_is() -> None:
    found = breach(ES, MNQ, action=Flatten(contract_ids=(ES, MNQ)))

    assert left_of(found, "r", NOON, [unlocked(ES)]) == breach(
        MNQ, action=Flatten(contract_ids=(MNQ,))
    )


def test_of_an_account_lock_and_a_contracts_the_one_not_ended_is_left() -> None:
    both = breach(None, MNQ)

    assert left_of(both, "r", NOON, [unlocked()]) == breach(
        MNQ, action=Flatten(contract_ids=(MNQ,))
    )
    assert left_of(both, "r", NOON, [unlocked(MNQ)]) == breach(None)


def test_a_reduction_under_a_lock_that_was_ended_is_not_asked_for() -> None:
    found = breach(ES, MNQ, action=Reduce(targets=((ES, 0), (MNQ, 2))))

    assert left_of(found, "r", NOON, [unlocked(ES)]) == breach(
        MNQ, action=Reduce(targets=((MNQ, 2),))
    )
