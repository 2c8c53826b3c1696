"""A rule that fails: its verdict is unknown, and where that lasts nothing may be added."""

from typing import Any

import pytest

from risk_actors import messages as m
from risk_actors.actors.rule import RuleActor
from risk_actors.actors.rule_shelf import RuleShelf
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock, Unlocked
from risk_actors.core.rules import Mode
from risk_actors.core.rules.base import OnRuleFailure
from risk_actors.core.rules.daily_loss_limit import DailyLossLimit
from risk_actors.core.rules.failure import (
    FAILED_CAUSE,
    FAILED_LOCKS_AFTER_NS,
    TRIED_EVERY_NS,
    waiting_for_rules,
)
from risk_actors.core.verdict import (
    Breached,
    Existing,
    Flatten,
    LockEnd,
    LockTerms,
    Ok,
    Reduce,
    Unknown,
)
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import FailClosed, Resync, TryAgain
from tests.actors.facts import (
    MNQ,
    account_state,
    context_of,
    open_position,
    pnl_state,
    pnl_updated,
    rule_of,
    tick,
)
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer, S

LATER_NS = NOON_NS + FAILED_LOCKS_AFTER_NS


class Rig:
    """A loss limit of 500 whose rule raises on some accounts."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        mode: Mode = Mode.ENFORCE,
        on_failure: OnRuleFailure = OnRuleFailure.LOCK,
        held: tuple[int, ...] = (),
    ) -> None:
        self.fails_on: set[int] = set()
        self.tried = 0
        evaluate = DailyLossLimit.evaluate

        def fail(rule: Any, state: Any, fact: Any, now_ns: int) -> Any:
            self.tried += 1
            if fact.account_id in self.fails_on:
                raise ZeroDivisionError("secret detail")
            return evaluate(rule, state, fact, now_ns)

        monkeypatch.setattr(DailyLossLimit, "evaluate", fail)
        self.rule = rule_of("daily_loss_limit", limit_usd=500.0)
        self.clock = VirtualClock(NOON_NS)
        self.outbox = RecordingOutbox(RuleActor)
        self.overseer = RecordingOverseer()
        self.shelf = RuleShelf(self.rule, {})
        self.options: dict[str, Any] = {"mode": mode, "on_failure": on_failure, "held": held}
        self.actor = self.made()

    def made(self) -> RuleActor:
        """Return an actor as the supervisor makes it anew."""
        context = context_of("rule:daily_loss_limit", self.outbox, self.clock, self.overseer)
        return RuleActor(context, rule=self.rule, accounts={1, 2}, shelf=self.shelf, **self.options)

    def show(self, usd: str = "0", account_id: int = 1, size: int = 2, **terms: Any) -> None:
        held = [open_position(size)] if size else []
        account = account_state(*held, account_id=account_id, **terms)
        self.actor.handle(pnl_updated(pnl_state(usd, account_id, account=account), f"event-{usd}"))

    def tick_at(self, at_ns: int) -> None:
        self.clock.step(at_ns - self.clock.now_ns())
        self.actor.handle(tick(at_ns, "tick-7"))

    @property
    def breaches(self) -> list[m.BreachFound]:
        return self.outbox.of(m.BreachFound)

    def verdicts(self, account_id: int) -> list[type]:
        told = self.outbox.of(m.VerdictChanged)
        return [type(each.verdict) for each in told if each.account_id == account_id]

    @property
    def ended(self) -> list[int]:
        return [each.account_id for each in self.outbox.of(m.ConditionEnded)]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def test_a_rule_that_fails_on_one_account_goes_on_judging_the_others(rig: Rig) -> None:
    """I7: the one is unknown, with the reason; its data blinds nobody else."""
    rig.fails_on = {1}
    rig.show("-600", account_id=1)
    rig.show("-500", account_id=2)

    assert rig.verdicts(1) == [Unknown]
    assert rig.verdicts(2) == [Breached]
    told = rig.outbox.of(m.VerdictChanged)[0].verdict.evidence.sentence()
    assert told == "This rule failed and judges nothing: ZeroDivisionError; it is tried again"
    assert [found.account_id for found in rig.breaches] == [2]


def test_a_failure_is_reported_once_while_it_lasts(rig: Rig) -> None:
    rig.fails_on = {1}
    for usd in ("-1", "-2", "-3"):
        rig.show(usd)
    rig.fails_on = set()
    rig.show("-4")
    rig.fails_on = {1}
    rig.show("-5")
    at_once = len(rig.overseer.faults)
    rig.fails_on = set()
    rig.show("-6")
    rig.clock.step(FAILED_LOCKS_AFTER_NS)
    rig.fails_on = {1}
    rig.show("-7")

    assert (at_once, len(rig.overseer.faults)) == (1, 2)
    assert rig.overseer.faults[0].startswith("failed on account 1 and judges nothing of it: Zero")
    assert rig.verdicts(1) == [Unknown, Ok, Unknown, Ok, Unknown]


def test_a_failure_that_lasts_locks_and_keeps_what_is_open(rig: Rig) -> None:
    """I10: a fault of ours flattens nothing; entries are cancelled, positions may only shrink."""
    rig.fails_on = {1}
    rig.show(size=3)
    rig.tick_at(LATER_NS - 1)
    early = list(rig.breaches)
    rig.tick_at(LATER_NS)
    rig.tick_at(LATER_NS + TRIED_EVERY_NS)

    (found,) = rig.breaches
    assert early == []
    assert (found.account_id, found.breach.cause) == (1, FAILED_CAUSE)
    assert found.breach.action == Reduce()
    (lock,) = found.breach.locks
    assert lock == LockTerms(end=LockEnd.CONDITION, existing=Existing.KEEP, kept=((MNQ, 3),))
    assert found.event == tick(LATER_NS, "tick-7")


def test_a_failure_that_passes_locks_nothing(rig: Rig) -> None:
    rig.fails_on = {1}
    rig.show("-1")
    rig.fails_on = set()
    rig.tick_at(LATER_NS)

    assert rig.breaches == []
    assert rig.ended == []
    assert rig.verdicts(1) == [Unknown, Ok]


def test_a_rule_that_fails_most_of_the_time_locks_once_and_for_as_long(rig: Rig) -> None:
    """It judges one fact in fifteen, a fact each 100 ms: what lies between is seen by nobody."""
    for number in range(200):
        rig.fails_on = {1} if number % 15 else set()
        rig.clock.step(S // 10)
        rig.show(f"-{number}")
    held = list(rig.ended)
    rig.fails_on = set()
    rig.show("-1")
    rig.tick_at(rig.clock.now_ns() + FAILED_LOCKS_AFTER_NS - 1)
    early = list(rig.ended)
    rig.tick_at(rig.clock.now_ns() + 1)

    assert [found.breach.cause for found in rig.breaches] == [FAILED_CAUSE]
    assert held == early == []
    assert rig.ended == [1]
    assert len(rig.overseer.faults) == 1


@pytest.mark.parametrize("apart_ns", [S // 10, FAILED_LOCKS_AFTER_NS, 3600 * S])
def test_two_failures_with_judgements_between_lock_nothing(rig: Rig, apart_ns: int) -> None:
    for number in (1, 2):
        rig.fails_on = {1}
        rig.show(f"-{number}")
        rig.fails_on = set()
        rig.show(f"-1{number}")
        rig.tick_at(rig.clock.now_ns() + apart_ns)

    assert rig.breaches == []
    assert rig.ended == []


def test_a_breach_found_in_between_is_reported_at_once(rig: Rig) -> None:
    """I1: also under the lock for the failures, which then only goes on."""
    for number in range(40):
        rig.fails_on = {1} if number % 5 else set()
        rig.clock.step(S // 10)
        rig.show(f"-{number}")
    rig.fails_on = set()
    rig.show("-500")
    rig.tick_at(rig.clock.now_ns() + FAILED_LOCKS_AFTER_NS)

    own = [found for found in rig.breaches if found.breach.cause != FAILED_CAUSE]
    assert [found.is_repeat for found in own] == [False, True]
    assert own[0].breach.locks[0].end is LockEnd.DAILY_RESET
    assert rig.ended[-1] == 1


def test_the_lock_ends_when_the_rule_judges_again(rig: Rig) -> None:
    rig.fails_on = {1}
    rig.show("-1")
    rig.tick_at(LATER_NS)
    rig.fails_on = set()
    rig.show("-2")
    rig.show("-3")

    assert rig.ended == [1]
    assert rig.outbox.of(m.BreachFound)[-1].breach.cause == FAILED_CAUSE


def test_a_breach_found_when_it_judges_again_takes_the_place_of_that_lock(rig: Rig) -> None:
    rig.fails_on = {1}
    rig.show("-1")
    rig.tick_at(LATER_NS)
    rig.fails_on = set()
    rig.show("-500")

    kinds = [type(each) for each in rig.outbox.sent if isinstance(each, m.BreachFound)]
    assert len(kinds) == 2
    assert rig.ended == [1]
    assert rig.breaches[-1].breach.locks[0].end is LockEnd.DAILY_RESET


def test_it_is_tried_again_though_nothing_happens(rig: Rig) -> None:
    rig.fails_on = {1}
    rig.show("-1")
    rig.tick_at(LATER_NS)
    tried = rig.tried
    rig.tick_at(LATER_NS + TRIED_EVERY_NS - 1)
    before = rig.tried
    rig.tick_at(LATER_NS + TRIED_EVERY_NS)

    assert before == tried
    assert rig.tried == tried + 1


def test_what_was_under_way_when_it_failed_goes_on(rig: Rig) -> None:
    """The lock must not take the place of a flatten that is not done yet (I3)."""
    rig.show("-500", size=2)
    rig.fails_on = {1}
    rig.show("-501", size=2)
    rig.tick_at(LATER_NS)

    assert [type(found.breach.action) for found in rig.breaches] == [Flatten, Flatten]


def test_what_was_done_before_it_failed_is_not_done_again(rig: Rig) -> None:
    """I10: the trader who is flat and enters again is not flattened for a fault of ours."""
    rig.show("-500", size=2)
    rig.fails_on = {1}
    rig.show("-501", size=0)
    rig.show("-502", size=1)
    rig.tick_at(LATER_NS)

    assert [type(found.breach.action) for found in rig.breaches] == [Flatten, Reduce]
    assert rig.breaches[-1].breach.locks[0].kept == ((MNQ, 1),)


def test_nothing_is_locked_before_it_is_known_what_may_stay(rig: Rig) -> None:
    """I10: a lock that keeps nothing flattens."""
    rig.fails_on = {1}
    rig.show(size=2, is_reconciled=False)
    rig.tick_at(LATER_NS)
    early = list(rig.breaches)
    rig.show(size=2)

    assert early == []
    assert rig.breaches[0].breach.locks[0].kept == ((MNQ, 2),)


@pytest.mark.parametrize(
    "options", [{"mode": Mode.SHADOW}, {"on_failure": OnRuleFailure.ALERT}], ids=["shadow", "alert"]
)
def test_in_shadow_and_with_alert_it_is_only_said(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    rig = Rig(monkeypatch, **options)
    rig.fails_on = {1}
    rig.show()
    rig.tick_at(LATER_NS)
    rig.fails_on = set()
    rig.show("-1")

    assert rig.breaches == []
    assert rig.ended == []
    assert rig.verdicts(1) == [Unknown, Ok]
    assert len(rig.overseer.faults) == 1


def test_one_that_stands_in_says_of_each_account_that_nothing_is_judged(rig: Rig) -> None:
    """Also of an account that was never seen; the rule itself is not asked any more."""
    rig.show("-1")
    tried = rig.tried
    rig.actor = rig.made()
    rig.actor.handle_control(FailClosed(reason="KeyError"))
    rig.show("-600")
    rig.tick_at(LATER_NS)

    assert rig.tried == tried
    assert (rig.verdicts(1), rig.verdicts(2)) == ([Ok, Unknown], [Unknown])
    (found,) = rig.breaches
    assert found.account_id == 1
    assert "judges nothing: KeyError" in found.breach.evidence.sentence()


def test_one_that_stands_in_says_its_locks_again_to_who_may_have_lost_them(rig: Rig) -> None:
    rig.actor.handle_control(FailClosed(reason="KeyError"))
    rig.show()
    rig.tick_at(LATER_NS)
    for address in ("lockout", "pnl", "enforcer"):
        rig.actor.handle_control(Resync(address=address, reason="restarted"))

    assert [found.is_repeat for found in rig.breaches] == [False, True, True]
    assert {found.at_ns for found in rig.breaches} == {LATER_NS}


def test_a_lock_that_was_unlocked_is_not_said_again(rig: Rig) -> None:
    """I4: the unlock policy ended it, and a restart must not undo that."""
    rig.fails_on = {1}
    rig.show()
    rig.tick_at(LATER_NS)
    rig.show("-1", unlocked=(Unlocked("daily_loss_limit", None, LATER_NS + 1 * S),))
    rig.actor.handle_control(Resync(address="enforcer", reason="restarted"))

    assert len(rig.breaches) == 1


def test_one_that_stands_in_and_is_tried_again_judges_with_the_next_tick(rig: Rig) -> None:
    rig.actor.handle_control(FailClosed(reason="KeyError"))
    rig.show("-1")
    rig.tick_at(LATER_NS)
    rig.actor.handle_control(TryAgain())
    rig.tick_at(LATER_NS + 1)

    assert rig.verdicts(1) == [Unknown, Ok]
    assert rig.ended == [1]


def test_a_lock_of_the_last_run_ends_with_the_first_judgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch, held=(1,))
    rig.fails_on = {1}
    rig.show("-1")
    before = rig.ended
    rig.fails_on = set()
    rig.show("-2", account_id=1)
    rig.show("-3", account_id=1)
    rig.show("-3", account_id=2)

    assert before == []
    assert rig.ended == [1]


def test_a_replaced_actor_shares_nothing_with_the_stuck_one_and_ends_its_lock(rig: Rig) -> None:
    rig.show("-500", account_id=2)
    rig.fails_on = {1}
    rig.show("-1")
    rig.tick_at(LATER_NS)
    old = rig.shelf

    rig.shelf = old.renewed()
    rig.actor = rig.made()
    rig.fails_on = set()
    rig.show("-2")

    assert all(rig.shelf.watch(i) is not watch for i, watch in old.watches.items())
    assert rig.ended == [1]
    assert rig.shelf.watch(2).memory is old.watches[2].memory
    assert rig.shelf.watch(2).memory.reported is not None


def test_locks_that_wait_for_a_rule_are_found_by_rule_and_account() -> None:
    def lock(number: int, rule_id: str, until_ns: int | None) -> Lock:
        return Lock(
            id=number,
            account_id=number,
            contract_id=None,
            rule_id=rule_id,
            since_ns=1,
            until_ns=until_ns,
            evidence=Evidence(template="it"),
            correlation_id="c",
        )

    waiting = waiting_for_rules([lock(1, "a", None), lock(2, "a", 5), lock(3, "b", 5)])

    assert waiting == {"a": frozenset({1})}
