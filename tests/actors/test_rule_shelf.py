"""Whom a rule looks at again for time alone."""

from risk_actors.actors.rule_shelf import Looks, RuleShelf
from tests.actors.facts import account_state, rule_of
from tests.conftest import NOON_NS, S


def shelf_of(*looks_ns: int | None) -> RuleShelf:
    """Return what is known of accounts 1, 2, … that are to be looked at again at these instants."""
    shelf = RuleShelf(rule_of("max_contracts", limit=2), {})
    for account_id, look_ns in enumerate(looks_ns, 1):
        watch = shelf.watch(account_id)
        watch.fact, watch.look_ns = account_state(account_id=account_id), look_ns
    return shelf


def due(looks: Looks, shelf: RuleShelf, now_ns: int, *, is_everybody: bool = False) -> list[int]:
    found = []
    for watch, fact in looks.due(shelf, now_ns, is_everybody=is_everybody):
        assert fact is watch.fact
        found.append(watch.account_id)
        watch.look_ns = None
    return found


def test_each_is_looked_at_when_it_is_due_and_once() -> None:
    shelf, looks = shelf_of(NOON_NS + 2 * S, None, NOON_NS + S, NOON_NS + 2 * S), Looks()

    found = [due(looks, shelf, NOON_NS + second * S) for second in range(4)]

    assert found == [[], [3], [1, 4], []]


def test_one_that_is_to_be_looked_at_sooner_than_all_others_is() -> None:
    shelf, looks = shelf_of(NOON_NS + 60 * S, None), Looks()
    assert due(looks, shelf, NOON_NS) == []

    watch = shelf.watch(2)
    watch.look_ns = NOON_NS + S
    looks.note(watch)

    assert due(looks, shelf, NOON_NS + S) == [2]
    assert due(looks, shelf, NOON_NS + 60 * S) == [1]


def test_when_no_instant_can_be_trusted_everybody_is_looked_at_of_whom_anything_is_known() -> None:
    shelf, looks = shelf_of(NOON_NS + 60 * S, None), Looks()
    shelf.watch(3).look_ns = NOON_NS
    assert due(looks, shelf, NOON_NS) == []

    assert due(looks, shelf, NOON_NS, is_everybody=True) == [1, 2]
