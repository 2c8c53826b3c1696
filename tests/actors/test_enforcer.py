import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.enforcer import EnforcerActor, PlanShelf
from risk_actors.core.broker import OrderType
from risk_actors.core.commands import Answer, Outcome, Refusal
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import Effect
from risk_actors.core.verdict import LockTerms, Reduce, StopMove
from risk_actors.runtime.clock import VirtualClock
from tests.actors.facts import (
    MNQ,
    account,
    account_state,
    account_updated,
    answered,
    breach_found,
    breached,
    context_of,
    evidence,
    lock,
    open_position,
    order,
    say,
    tick,
)
from tests.conftest import MS, NOON_NS, RecordingOutbox, RecordingOverseer, S


class Rig:
    """An enforcer over accounts 1 and 2 that is called directly."""

    def __init__(self, *, armed: bool = True, **terms: Any) -> None:
        self.clock = VirtualClock(NOON_NS)
        self.outbox = RecordingOutbox(EnforcerActor)
        self.overseer, self.shelf = RecordingOverseer(), PlanShelf()
        context = context_of("enforcer", self.outbox, self.clock, self.overseer)
        self.actor = EnforcerActor(
            context, account_ids=(1, 2), armed=armed, shelf=self.shelf, **terms
        )

    def tell(self, *messages: m.Message) -> list[object]:
        self.outbox.clear()
        for message in messages:
            self.actor.handle(message)
        return self.outbox.sent

    def show(self, size: int, account_id: int = 1, **terms: object) -> m.AccountUpdated:
        """Return an account as a snapshot asked for just now shows it."""
        positions = [open_position(size)] if size else []
        terms.setdefault("snapshot_asked_ns", self.clock.now_ns())
        return account_updated(account_state(*positions, account_id=account_id, **terms))

    @property
    def phases(self) -> list[m.EnforcementPhase]:
        return [change.phase for change in self.outbox.of(m.EnforcementChanged)]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_breach_closes_the_position_at_once_with_the_id_of_the_event(rig: Rig) -> None:
    """I9, and the lock's commit is not waited for."""
    rig.tell(rig.show(3))

    rig.tell(breach_found(correlation_id="event-42"))

    close = rig.outbox.only(m.SendClose)
    assert (close.command.account_id, close.command.contract_id) == (1, MNQ)
    assert close.command.size is None
    assert close.correlation_id == close.command.correlation_id == "event-42"
    assert rig.phases == [m.EnforcementPhase.STARTED]
    assert rig.outbox.only(m.EnforcementChanged).event is None


def test_orders_that_could_open_are_cancelled_together_with_the_close(rig: Rig) -> None:
    rig.tell(rig.show(3, orders=(order(5, 1),)))

    rig.tell(breach_found())

    assert rig.outbox.only(m.SendCancel).command.order_id == 5
    assert len(rig.outbox.of(m.SendClose)) == 1


def test_a_reduction_closes_the_excess_alone(rig: Rig) -> None:
    rig.tell(rig.show(5))

    rig.tell(breach_found(breached(action=Reduce(targets=((MNQ, 2),)))))

    assert rig.outbox.only(m.SendClose).command.size == 3


def test_two_rules_that_break_on_one_event_give_one_close(rig: Rig) -> None:
    """I2: one close in flight."""
    rig.tell(rig.show(3))

    rig.tell(breach_found(), breach_found(rule_id="panic-button"), rig.show(3), tick())

    assert len(rig.outbox.of(m.SendClose)) == 1


def test_it_ends_when_flat_is_observed_and_not_when_the_close_is_accepted(rig: Rig) -> None:
    """I3: flat is observed."""
    rig.tell(rig.show(3), breach_found())
    command = rig.outbox.only(m.SendClose).command

    rig.tell(answered(command.id))
    after_answer = rig.phases
    rig.clock.advance(20 * MS)
    rig.tell(rig.show(0))

    assert after_answer == []
    assert rig.phases == [m.EnforcementPhase.FLAT_OBSERVED]
    change = rig.outbox.only(m.EnforcementChanged)
    assert (change.took_ns, change.cause, change.correlation_id) == (
        20 * MS,
        "daily-loss",
        "event-1",
    )


def test_after_flat_nothing_more_is_sent(rig: Rig) -> None:
    rig.tell(rig.show(3), breach_found(), rig.show(0))

    rig.clock.advance(60 * S)

    assert rig.tell(tick(rig.clock.now_ns()), rig.show(0)) == []


def test_an_uncertain_answer_asks_the_broker_before_closing_again(rig: Rig) -> None:
    rig.tell(rig.show(3), breach_found())
    command = rig.outbox.only(m.SendClose).command

    rig.tell(answered(command.id, Answer.UNCERTAIN))

    request = rig.outbox.only(m.RequestSnapshot)
    assert (request.account_id, request.correlation_id) == (1, "event-1")
    assert rig.outbox.of(m.SendClose) == []


def test_an_enforcement_that_makes_no_progress_says_so(rig: Rig) -> None:
    rig.tell(rig.show(3), breach_found())
    rig.clock.advance(4 * S)

    rig.tell(tick(rig.clock.now_ns()))

    (change,) = rig.outbox.of(m.EnforcementChanged)
    assert change.phase is m.EnforcementPhase.STUCK
    assert change.took_ns == 4 * S


def test_what_appears_under_a_lock_is_flattened_and_says_what_appeared(rig: Rig) -> None:
    """I4: locked means locked."""
    rig.tell(rig.show(0), say(m.LocksChanged, account_id=1, locks=(lock(),)))
    shown = rig.show(1)

    rig.tell(shown)

    assert rig.outbox.only(m.SendClose).command.contract_id == MNQ
    started = rig.outbox.only(m.EnforcementChanged)
    assert (started.phase, started.cause) == (m.EnforcementPhase.STARTED, "daily-loss")
    assert started.event == shown.event


def test_a_lock_that_ended_lets_positions_be(rig: Rig) -> None:
    rig.tell(rig.show(0), say(m.LocksChanged, account_id=1, locks=(lock(),)))
    rig.tell(say(m.LocksChanged, account_id=1, locks=(), ended=lock()))

    assert rig.tell(rig.show(1)) == []


def test_accounts_do_not_mix(rig: Rig) -> None:
    rig.tell(rig.show(3, 1), rig.show(2, 2))

    rig.tell(breach_found(account_id=2))

    (close,) = rig.outbox.of(m.SendClose)
    assert close.command.account_id == 2


def test_panic_flattens_the_account(rig: Rig) -> None:
    rig.tell(rig.show(3))

    rig.tell(say(m.PanicRequested, "operator-1", account_id=1, evidence=evidence("panic")))

    assert rig.outbox.only(m.SendClose).correlation_id == "operator-1"
    assert rig.outbox.only(m.EnforcementChanged).cause == "panic"


def test_i3_the_note_of_our_own_lock_is_no_word_of_the_broker_about_the_account(rig: Rig) -> None:
    rig.tell(rig.show(0))
    rig.clock.advance(60 * S)
    rig.tell(say(m.PanicRequested, "operator-1", account_id=1, evidence=evidence("panic")))
    noted = say(m.LocksNoted, "operator-1", account_id=1, spans=(), unlocked=())
    quiet = account_updated(account_state(snapshot_asked_ns=NOON_NS), event=noted)

    rig.tell(quiet, tick())
    assert rig.phases == []
    rig.tell(msgspec.structs.replace(quiet, event=say(m.AccountReported, account=account(1))))
    assert rig.phases == [m.EnforcementPhase.FLAT_OBSERVED]


def test_locks_of_an_account_nobody_guards_any_more_are_ignored(rig: Rig) -> None:
    assert rig.tell(say(m.LocksChanged, account_id=9, locks=(lock(account_id=9),))) == []


def test_a_breach_before_the_first_snapshot_asks_for_one(rig: Rig) -> None:
    rig.tell(breach_found())

    assert rig.outbox.only(m.RequestSnapshot).account_id == 1
    assert rig.outbox.of(m.SendClose) == []


def test_while_not_armed_nothing_is_sent_whatever_happens() -> None:
    rig = Rig(armed=False)
    rig.tell(rig.show(3))

    sent = rig.tell(
        breach_found(breached(LockTerms())),
        say(m.LocksChanged, account_id=1, locks=(lock(),)),
        say(m.PanicRequested, account_id=1, evidence=evidence("panic")),
        rig.show(4),
        tick(NOON_NS + S),
    )

    assert sent == []


def test_command_ids_of_a_later_run_are_above_those_of_an_earlier_one() -> None:
    first, later = Rig(), Rig()
    first.tell(first.show(3), breach_found())
    later.clock.advance(1 * S)
    context = context_of("enforcer", later.outbox, later.clock, RecordingOverseer())
    later.actor = EnforcerActor(context, account_ids=(1,), armed=True, shelf=PlanShelf())
    later.tell(later.show(3), breach_found())

    first_id = first.outbox.only(m.SendClose).command.id
    assert later.outbox.only(m.SendClose).command.id > first_id


def test_i2_an_enforcer_made_anew_closes_nothing_before_a_snapshot_of_its_own(rig: Rig) -> None:
    """What the one before it has under way is not known until then."""
    too_old = rig.show(3, snapshot_asked_ns=rig.clock.now_ns() - 1)

    before = list(rig.tell(too_old, breach_found()))
    after = rig.tell(rig.show(3))

    assert [type(message) for message in before] == [m.RequestSnapshot]
    assert len([message for message in after if isinstance(message, m.SendClose)]) == 1


def stop_moves_wanted(*moves: StopMove, correlation_id: str = "quote-1") -> m.StopMovesWanted:
    return say(
        m.StopMovesWanted,
        correlation_id,
        rule_id="trail",
        account_id=1,
        moves=moves,
        event=tick(),
    )


def test_a_stop_that_a_rule_wants_moved_is_moved_with_the_id_of_its_event(rig: Rig) -> None:
    stop = order(5, -3, type=OrderType.STOP, stop_price=Decimal(19900), limit_price=None)
    wanted = StopMove(order_id=5, contract_id=MNQ, stop_price=Decimal(19950))
    rig.tell(rig.show(3, orders=(stop,)))

    rig.tell(stop_moves_wanted(wanted, correlation_id="quote-7"))

    sent = rig.outbox.only(m.SendMoveStop)
    assert (sent.command.order_id, sent.command.stop_price) == (5, Decimal(19950))
    assert sent.correlation_id == sent.command.correlation_id == "quote-7"
    assert rig.phases == []


def test_while_not_armed_no_stop_is_moved() -> None:
    rig = Rig(armed=False)
    stop = order(5, -3, type=OrderType.STOP, stop_price=Decimal(19900), limit_price=None)
    rig.tell(rig.show(3, orders=(stop,)))
    wanted = StopMove(order_id=5, contract_id=MNQ, stop_price=Decimal(19950))

    assert rig.tell(stop_moves_wanted(wanted)) == []


def refused(command_id: int, reason: Refusal) -> m.CommandAnswered:
    outcome = Outcome(
        command_id=command_id,
        account_id=1,
        answer=Answer.REFUSED,
        reason=reason,
        detail="the market is halted",
    )
    return say(m.CommandAnswered, "answer-1", outcome=outcome, sent_ns=NOON_NS)


def test_a_refusal_that_lasts_is_told_at_once_with_the_next_try(rig: Rig) -> None:
    rig.tell(rig.show(3), breach_found())
    command = rig.outbox.only(m.SendClose).command

    rig.tell(refused(command.id, Refusal.HALTED))

    change = rig.outbox.only(m.EnforcementChanged)
    assert change.phase is m.EnforcementPhase.STUCK
    assert "MNQ: the broker refuses the close (the market is halted)" in change.detail
    assert change.next_try_ns == NOON_NS + 1 * S
    assert rig.outbox.of(m.SendClose) == []


def test_commands_that_change_nothing_are_braked_and_released_by_a_change() -> None:
    rig = Rig(brake_after=8)
    orders = tuple(order(n, 1) for n in range(1, 10))
    rig.tell(rig.show(3, orders=orders), breach_found())
    first = len(rig.outbox.of(m.SendClose)) + len(rig.outbox.of(m.SendCancel))
    rig.clock.advance(3 * S)
    rig.tell(tick(rig.clock.now_ns()))
    braked = rig.outbox.of(m.EnforcementChanged)[-1]
    rig.clock.advance(1 * S)
    rig.tell(rig.show(1, orders=orders))
    resumed = rig.outbox.of(m.EnforcementChanged)[0]

    assert first < 8
    assert (braked.phase, braked.cause) == (m.EnforcementPhase.BRAKED, "daily-loss")
    assert braked.next_try_ns == NOON_NS + 10 * S
    assert "changed nothing at the broker" in braked.detail
    assert (resumed.phase, resumed.is_under_way) == (m.EnforcementPhase.RESUMED, True)
    assert len(rig.outbox.of(m.SendCancel)) > 0


def test_disarmed_in_the_middle_of_an_enforcement_no_further_command_leaves() -> None:
    """The actors are made anew, unarmed; what the first ones asked for last was not sent."""
    rig = Rig()
    rig.tell(rig.show(3, orders=(order(5, 1),)), breach_found())
    last = rig.outbox.only(m.SendClose).command
    rig.tell(refused(last.id, Refusal.DISARMED))
    assert [change for change in rig.outbox.sent if not isinstance(change, m.Tick)] == []

    unarmed = Rig(armed=False)
    sent = unarmed.tell(
        unarmed.show(3, orders=(order(5, 1),)),
        say(m.LocksChanged, account_id=1, locks=(lock(),)),
        breach_found(),
        refused(last.id, Refusal.HALTED),
        answered(last.id),
        *(tick(NOON_NS + n * S) for n in range(1, 60)),
        unarmed.show(3),
    )

    assert sent == []


def test_what_was_turned_away_is_asked_about_and_sent_again_without_waiting(rig: Rig) -> None:
    rig.tell(rig.show(3), breach_found())
    command = rig.outbox.only(m.SendClose).command
    outcome = Outcome(
        command_id=command.id,
        account_id=1,
        answer=Answer.UNCERTAIN,
        reason=Refusal.BUSY,
        is_undone=True,
    )

    rig.tell(say(m.CommandAnswered, "answer-1", outcome=outcome, sent_ns=NOON_NS))
    asked = len(rig.outbox.of(m.RequestSnapshot))
    rig.clock.advance(500 * MS)
    rig.tell(tick(rig.clock.now_ns()))

    assert asked == 1
    assert len(rig.outbox.of(m.SendClose)) == 1


def poison(monkeypatch: pytest.MonkeyPatch, account_id: int) -> list[int]:
    """Let the plans of one account raise at every tick; return when they did."""
    on_tick, at = EnforcementPlan.on_tick, list[int]()

    def raising(plan: EnforcementPlan, correlation_id: str, now_ns: int) -> list[Effect]:
        if plan._account_id == account_id:
            at.append(now_ns)
            raise RuntimeError("broken")
        return on_tick(plan, correlation_id, now_ns)

    monkeypatch.setattr(EnforcementPlan, "on_tick", raising)
    monkeypatch.setattr(EnforcementPlan, "waits_for_time", True)
    return at


def wait(rig: Rig, seconds: int) -> None:
    for _ in range(10 * seconds):
        rig.clock.advance(100 * MS)
        rig.actor.handle(tick(rig.clock.now_ns()))


def test_one_accounts_broken_plan_takes_the_enforcer_from_no_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_ns = poison(monkeypatch, 1)
    rig.tell(rig.show(3), rig.show(4, 2))
    wait(rig, 120)
    rig.tell(breach_found(account_id=2))

    assert rig.outbox.only(m.SendClose).command.account_id == 2
    gaps = [(b - a) / S for a, b in itertools.pairwise(failed_ns)]
    assert gaps[:6] == [0.1, 1, 2, 5, 10, 20]
    assert set(gaps[6:]) == {30}
    faults = rig.overseer.faults
    assert len(faults) == len(failed_ns)
    assert "account 1 is NOT protected" in faults[0]
    assert "RuntimeError: broken" in faults[0]


def test_a_plan_made_anew_knows_what_is_in_force_and_looks_before_it_sends(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what came while there was no plan, but not what is over."""
    rig.tell(rig.show(3), breach_found(rule_id="over"))
    with monkeypatch.context() as broken:
        poison(broken, 1)
        wait(rig, 4)
    locks = say(m.LocksChanged, account_id=1, locks=(lock(),))
    rig.tell(locks, say(m.BreachEnded, rule_id="over", account_id=1))
    wait(rig, 10)

    assert rig.outbox.of(m.SendClose) == []
    assert rig.outbox.of(m.RequestSnapshot)
    rig.tell(rig.show(3))
    assert rig.outbox.only(m.SendClose).command.account_id == 1
    assert rig.outbox.only(m.EnforcementChanged).cause == "daily-loss"


def test_a_plan_that_breaks_on_the_lock_itself_is_not_tried_at_every_message(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(*_: object) -> list[Effect]:
        raise RuntimeError("broken")

    rig.tell(rig.show(3), rig.show(3, 2))
    monkeypatch.setattr(EnforcementPlan, "on_locks", raising)
    rig.tell(say(m.LocksChanged, account_id=1, locks=(lock(),)))
    wait(rig, 60)

    assert 6 <= len(rig.overseer.faults) <= 9


def test_an_enforcer_made_anew_keeps_the_gap_of_an_account_whose_plan_broke(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_ns = poison(monkeypatch, 1)
    rig.tell(rig.show(3))
    wait(rig, 4)
    rig.actor = EnforcerActor(
        context_of("enforcer", rig.outbox, rig.clock, rig.overseer),
        account_ids=(1, 2),
        armed=True,
        shelf=rig.shelf,
    )
    count = len(failed_ns)
    wait(rig, 3)

    assert len(failed_ns) == count


def test_a_plan_made_anew_is_not_told_a_breach_that_was_enforced(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the trader opened since, with no lock in force, is his."""
    rig.tell(rig.show(3), breach_found(), rig.show(0))
    with monkeypatch.context() as broken:
        poison(broken, 1)
        wait(rig, 1)
    wait(rig, 4)
    rig.tell(rig.show(2), tick(rig.clock.now_ns()))

    assert rig.outbox.of(m.SendClose) == []
