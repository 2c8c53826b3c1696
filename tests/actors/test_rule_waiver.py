"""What an unlock waived stays waived, is told as long as it holds, and is never found twice."""

from collections.abc import Sequence

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.core.account_state import AccountState
from risk_actors.core.lock import Unlocked
from risk_actors.core.rules import Mode
from risk_actors.core.rules.memory import decode_memory, encode_memory
from risk_actors.core.verdict import LockEnd, LockTerms
from risk_actors.runtime.control import Resync
from tests.actors.facts import DAY_END_NS, account_state
from tests.actors.test_rule_time_and_memory import Rig, Says, below, broken
from tests.conftest import NOON_NS, S

ENFORCE, SHADOW = Mode.ENFORCE, Mode.SHADOW
STANDING = below(
    -100, msgspec.structs.replace(broken(LockTerms()), stands_until=LockEnd.DAILY_RESET)
)
PASSING = below(-100, broken(LockTerms()))


def unlocked(at_ns: int) -> AccountState:
    return account_state(unlocked=(Unlocked("probe", None, at_ns),))


def rebuilt(before: Rig, mode: Mode) -> Rig:
    """Return the rule as it is after a rebuild ten seconds later, with what it remembered."""
    stored = encode_memory(before.shelf.watch(1).memory)
    restored = {1: decode_memory(before.rule, stored)}
    after = Rig(before.says, mode=mode, restored=restored)
    after.clock.step(before.clock.now_ns() + 10 * S - after.clock.now_ns())
    return after


def last_verdict(rig: Rig) -> m.VerdictChanged:
    return rig.sent(m.VerdictChanged)[-1]


@pytest.mark.parametrize(
    "modes",
    [(ENFORCE,), (SHADOW, ENFORCE), (SHADOW, SHADOW, ENFORCE), (SHADOW, ENFORCE, SHADOW, ENFORCE)],
)
def test_what_an_unlock_waived_stays_waived_whatever_the_mode_did(modes: Sequence[Mode]) -> None:
    rig = Rig(STANDING)
    rig.show("-100", account=account_state())
    assert len(rig.sent(m.BreachFound)) == 1

    for mode in modes:
        rig = rebuilt(rig, mode)
        rig.show("-100", account=unlocked(NOON_NS + S))
        assert rig.sent(m.BreachFound) == []
        assert rig.sent(m.ShadowBreachFound) == []


def test_an_unlock_while_not_armed_waives_what_was_enforced_before() -> None:
    rig = Rig(STANDING)
    rig.show("-100", account=account_state())
    in_shadow = rebuilt(rig, SHADOW)
    in_shadow.show("-100", account=account_state())

    again = rebuilt(in_shadow, ENFORCE)
    again.show("-100", account=unlocked(NOON_NS + 15 * S))

    assert again.sent(m.BreachFound) == []


def test_what_was_enforced_before_it_was_in_shadow_is_told_again_as_of_then() -> None:
    rig = Rig(STANDING)
    rig.show("-100", account=account_state())
    in_shadow = rebuilt(rig, SHADOW)
    in_shadow.show("-100", account=account_state())

    again = rebuilt(in_shadow, ENFORCE)
    again.show("-100", account=account_state())

    (found,) = again.sent(m.BreachFound)
    assert (found.at_ns, found.is_repeat) == (NOON_NS, True)


def test_what_was_only_recorded_in_shadow_is_found_when_it_is_enforced() -> None:
    rig = Rig(STANDING, mode=SHADOW)
    rig.show("-100", account=account_state())

    again = rebuilt(rig, ENFORCE)
    again.show("-100", account=account_state())

    (found,) = again.sent(m.BreachFound)
    assert (found.at_ns, found.is_repeat) == (NOON_NS + 10 * S, False)


def test_a_breach_is_found_once_and_told_again_as_a_repeat() -> None:
    rig = Rig(STANDING)
    rig.show("-100", account=account_state())
    rig.actor.handle_control(Resync(address="lockout", reason="it was restarted"))
    again = rebuilt(rig, ENFORCE)
    again.show("-100", account=account_state())

    told = [*rig.sent(m.BreachFound), *again.sent(m.BreachFound)]
    assert [found.is_repeat for found in told] == [False, True, True]


# --- as long as it holds, it is told -----------------------------------------------------------


@pytest.mark.parametrize(("says", "until_ns"), [(STANDING, DAY_END_NS), (PASSING, None)])
def test_a_verdict_tells_what_was_waived_and_when_the_rule_acts_again(
    says: Says, until_ns: int | None
) -> None:
    rig = Rig(says)
    rig.show("-100", account=account_state())
    locked = last_verdict(rig)
    rig.show("-100", account=unlocked(NOON_NS + S))
    waived = last_verdict(rig)
    again = rebuilt(rig, ENFORCE)
    again.show("-100", account=account_state(locks_noted=False))
    again.show("-100", account=unlocked(NOON_NS + S))
    after_a_restart = last_verdict(again)
    rig.show("0", account=unlocked(NOON_NS + S))

    assert (locked.is_waived, locked.next_cause_ns) == (False, until_ns)
    assert (waived.is_waived, waived.next_cause_ns) == (True, until_ns)
    assert (after_a_restart.is_waived, after_a_restart.next_cause_ns) == (True, until_ns)
    assert (last_verdict(rig).is_waived, last_verdict(rig).next_cause_ns) == (False, None)


def test_what_is_found_after_an_unlock_is_not_waived() -> None:
    rig = Rig(PASSING)
    rig.show("-100", account=account_state())
    rig.clock.step(20 * S)
    for usd in ("0", "-100"):
        rig.show(usd, account=unlocked(NOON_NS + S))

    assert len(rig.sent(m.BreachFound)) == 2
    assert not last_verdict(rig).is_waived
