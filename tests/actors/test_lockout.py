import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.lockout import LockShelf
from risk_actors.core.lock import EndedBy, LockSpan
from risk_actors.core.verdict import LockEnd, LockTerms
from risk_actors.runtime.control import Pulse, Resync
from risk_actors.runtime.tape import STORE, StoreFailed
from tests.actors.facts import (
    DAY_END_NS,
    MNQ,
    WEEK_END_NS,
    WEEK_START_NS,
    FakeLockStore,
    breach_found,
    breached,
    evidence,
    lock,
    say,
)
from tests.actors.lockout_rig import Rig
from tests.conftest import MS, NOON_NS, S


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_lock_is_committed_before_it_is_announced(rig: Rig) -> None:
    """I5: nothing is forgotten."""
    rig.handle(breach_found())

    assert rig.calls == ["save 1", "announce"]
    (told,) = rig.announced
    assert told.engaged == rig.store.saved[1]
    assert told.locks == (told.engaged,)


def test_a_lock_carries_the_id_of_the_event_that_caused_it(rig: Rig) -> None:
    rig.handle(breach_found(correlation_id="event-42"))

    (told,) = rig.announced
    assert told.correlation_id == "event-42"
    assert told.engaged is not None
    assert told.engaged.correlation_id == "event-42"
    assert told.engaged.until_ns == DAY_END_NS


def test_a_store_that_fails_is_a_fault_and_the_lock_holds_all_the_same(rig: Rig) -> None:
    rig.store.fails = True

    rig.handle(breach_found())

    assert rig.calls == ["save 1", "announce"]
    (fault,) = rig.overseer.faults
    assert "could not save a lock: the disk is full" in fault


def test_the_same_breach_again_announces_nothing_new(rig: Rig) -> None:
    rig.handle(breach_found())
    rig.handle(breach_found())

    assert rig.calls == ["save 1", "announce"]


def test_a_lock_that_is_prolonged_is_committed_under_the_same_id(rig: Rig) -> None:
    for seconds in (10, 20, 5):
        terms = LockTerms(end=LockEnd.INSTANT, until_ns=NOON_NS + seconds * S)
        rig.handle(breach_found(breached(terms)))

    assert rig.calls == ["save 1", "announce", "save 1", "announce"]
    assert rig.store.saved[1].until_ns == NOON_NS + 20 * S


def test_a_breach_without_a_lock_locks_nothing(rig: Rig) -> None:
    rig.handle(breach_found(breached()))

    assert rig.calls == []


def test_each_scope_of_a_breach_is_a_lock(rig: Rig) -> None:
    terms = (LockTerms(contract_id=MNQ), LockTerms(contract_id="CON.F.US.EP.Z26"))

    rig.handle(breach_found(breached(*terms)))

    assert [lock.contract_id for lock in rig.announced[-1].locks] == [t.contract_id for t in terms]
    assert rig.calls == ["save 1", "announce", "save 2", "announce"]


def test_panic_locks_the_account_until_the_day_ends(rig: Rig) -> None:
    rig.handle(say(m.PanicRequested, "operator-1", account_id=2, evidence=evidence("panic")))

    (told,) = rig.announced
    assert told.engaged is not None
    assert (told.account_id, told.engaged.rule_id, told.engaged.until_ns) == (
        2,
        "panic",
        DAY_END_NS,
    )


def test_a_lock_ends_with_the_tick_of_its_instant_and_not_before(rig: Rig) -> None:
    """I4: locked means locked."""
    rig.handle(breach_found())
    rig.outbox.clear()

    rig.tick_at(DAY_END_NS - 1)
    early = list(rig.announced)
    rig.tick_at(DAY_END_NS)
    rig.tick_at(DAY_END_NS + 1)

    assert early == []
    (told,) = rig.announced
    assert told.ended is not None
    assert (told.ended.id, told.locks, told.correlation_id) == (1, (), "tick-9")
    assert rig.store.ended == {1: DAY_END_NS}


def test_a_lock_that_ends_leaves_the_others_of_the_account(rig: Rig) -> None:
    rig.handle(breach_found())
    weekly = breached(LockTerms(end=LockEnd.WEEKLY_RESET))
    rig.handle(breach_found(weekly, rule_id="weekly-loss"))

    rig.tick_at(DAY_END_NS)

    assert [lock.rule_id for lock in rig.announced[-1].locks] == ["weekly-loss"]
    assert rig.announced[-1].locks[0].until_ns == WEEK_END_NS


def test_an_end_that_cannot_be_saved_is_a_fault_and_is_announced(rig: Rig) -> None:
    rig.handle(breach_found())
    rig.store.fails = True

    rig.tick_at(DAY_END_NS)

    assert rig.announced[-1].ended is not None
    assert "could not save the end of a lock" in rig.overseer.faults[0]


def test_locks_in_force_are_restored_and_announced_at_the_start() -> None:
    """I5: nothing is forgotten."""
    held = lock(7, until_ns=DAY_END_NS)
    over = lock(8, account_id=2, until_ns=NOON_NS)

    rig = Rig(FakeLockStore(locks=[held, over]))

    (told,) = rig.announced
    assert (told.account_id, told.locks) == (1, (held,))
    assert told.engaged is None
    assert rig.calls == ["announce"]


def test_new_locks_get_ids_above_any_that_was_ever_given() -> None:
    store = FakeLockStore(locks=[lock(7)])
    store.highest_id = 12
    rig = Rig(store)

    rig.handle(breach_found(rule_id="other"))

    assert rig.announced[-1].engaged is not None
    assert rig.announced[-1].engaged.id == 13


def test_after_a_restart_of_anybody_the_locks_are_said_again(rig: Rig) -> None:
    rig.handle(breach_found())
    rig.handle(breach_found(account_id=2))
    rig.outbox.clear()

    rig.actor.handle_control(Pulse())
    rig.actor.handle_control(Resync(address="enforcer", reason="enforcer was restarted"))

    assert {told.account_id: len(told.locks) for told in rig.announced} == {1: 1, 2: 1}
    assert all(told.engaged is None for told in rig.announced)


def test_a_store_that_cannot_be_read_is_a_failed_start() -> None:
    """Without its locks the account would look free to trade (I4)."""
    store = FakeLockStore()
    store.fails = True

    with pytest.raises(OSError, match="the disk is full"):
        Rig(store)


def test_closing_closes_the_store(rig: Rig) -> None:
    rig.actor.closed()

    assert rig.store.is_closed


def test_what_could_not_be_saved_is_tried_again_until_it_is(rig: Rig) -> None:
    """I5: the program may end before the disk has room again."""
    rig.store.fails = True
    rig.handle(breach_found())
    rig.tick_at(NOON_NS + 1 * S)
    rig.store.fails = False

    rig.tick_at(NOON_NS + 2 * S)

    assert list(rig.store.saved) == [1]
    assert [told.unsaved for told in rig.announced] == [1, 0]
    assert len(rig.overseer.faults) == 1


def test_a_lock_outlives_the_actor_also_when_it_could_not_be_saved() -> None:
    store, shelf = FakeLockStore(), LockShelf()
    first, second = Rig(store, shelf), None
    store.fails = True
    first.handle(breach_found())
    first.actor.closed()
    store.fails = False

    second = Rig(store, shelf)

    assert [lock.id for lock in second.announced[-1].locks] == [1]
    assert list(store.saved) == [1]


def test_a_breach_just_before_the_reset_does_not_lock_the_next_day(rig: Rig) -> None:
    rig.clock.step(DAY_END_NS + 1 - rig.clock.now_ns())

    rig.handle(msgspec.structs.replace(breach_found(), at_ns=DAY_END_NS - 1))
    rig.tick_at(DAY_END_NS + 2)

    assert [told.engaged.until_ns for told in rig.announced if told.engaged] == [DAY_END_NS]
    assert rig.announced[-1].locks == ()


def test_an_end_that_was_saved_late_is_told_although_no_lock_is_left(rig: Rig) -> None:
    """Else the account would be shown as degraded for good."""
    rig.handle(breach_found())
    rig.store.fails = True
    rig.tick_at(DAY_END_NS)
    rig.store.fails = False

    rig.tick_at(DAY_END_NS + 1 * S)
    rig.tick_at(DAY_END_NS + 2 * S)

    assert rig.announced[-1].locks == ()
    assert [told.unsaved for told in rig.announced] == [0, 1, 0]


def test_a_lock_on_a_condition_ends_when_the_rule_says_so_and_not_by_time(rig: Rig) -> None:
    terms = LockTerms(end=LockEnd.CONDITION)
    rig.handle(breach_found(breached(terms), rule_id="guard"))
    rig.tick_at(WEEK_END_NS)
    held = rig.announced[-1].locks

    rig.handle(say(m.ConditionEnded, rule_id="other", account_id=1))
    rig.handle(say(m.ConditionEnded, rule_id="guard", account_id=2))
    still_held = rig.announced[-1].locks
    rig.handle(say(m.ConditionEnded, rule_id="guard", account_id=1))

    assert [lock.until_ns for lock in held] == [None]
    assert still_held == held
    assert rig.announced[-1].locks == ()
    assert rig.store.ended == {1: WEEK_END_NS}


def test_a_condition_that_ends_leaves_the_rules_other_lock_in_force(rig: Rig) -> None:
    both = (LockTerms(), LockTerms(end=LockEnd.CONDITION))
    rig.handle(breach_found(breached(*both), rule_id="guard"))

    rig.handle(say(m.ConditionEnded, rule_id="guard", account_id=1))

    assert [lock.until_ns for lock in rig.announced[-1].locks] == [DAY_END_NS]


def test_when_an_account_was_locked_is_noted_with_every_change(rig: Rig) -> None:
    """What is traded under a lock must not count, also after the lock has ended."""
    rig.handle(breach_found())
    rig.tick_at(DAY_END_NS)

    during, after = (note.spans for note in rig.outbox.of(m.NoteLocks))
    assert during == (LockSpan(None, NOON_NS, DAY_END_NS),)
    assert after == during


def test_locks_that_ended_before_the_start_are_noted_too() -> None:
    ended = lock(3, since_ns=NOON_NS - 60 * S, until_ns=NOON_NS - 30 * S)
    rig = Rig(FakeLockStore(locks=[ended, lock(4)]))

    (note,) = rig.outbox.of(m.NoteLocks)
    assert note.spans == (
        LockSpan(None, NOON_NS - 60 * S, NOON_NS - 30 * S),
        LockSpan(None, NOON_NS, DAY_END_NS),
    )


def test_a_lock_that_ended_as_the_week_began_is_noted_after_a_restart() -> None:
    """By the broker's clock, entries under it may be the new week's first ones."""
    ended = lock(3, since_ns=WEEK_START_NS - 100 * MS, until_ns=WEEK_START_NS)
    rig = Rig(FakeLockStore(locks=[ended, lock(4)]))

    (note,) = rig.outbox.of(m.NoteLocks)
    assert note.spans[0] == LockSpan(None, WEEK_START_NS - 100 * MS, WEEK_START_NS)


@pytest.mark.parametrize(
    ("conditions", "left"),
    [({"guard": {1}}, [1, 2]), ({"guard": {2}}, [2]), ({"other": {1}}, [2]), ({}, [2])],
    ids=["its rule is there", "not for this account", "another rule's", "nobody's"],
)
def test_a_restored_lock_that_nobody_could_end_is_let_go(
    conditions: dict[str, set[int]], left: list[int]
) -> None:
    """Its rule was taken out, put in shadow or changed; no unlock would ever come."""
    store = FakeLockStore(locks=[lock(1, rule_id="guard", until_ns=None), lock(2)])
    rig = Rig(store, account_ids=[1], conditions=conditions)

    assert [each.id for each in rig.announced[-1].locks] == left
    assert sorted(store.ended) == [each for each in (1, 2) if each not in left]


def test_what_ended_a_lock_is_kept_with_it() -> None:
    guard = lock(1, rule_id="gone", until_ns=None)
    rig = Rig(FakeLockStore(locks=[guard]), account_ids=[1], conditions={"guard": {1}})
    on_condition = breached(LockTerms(), LockTerms(end=LockEnd.CONDITION))
    rig.handle(breach_found(on_condition, rule_id="guard"))
    rig.handle(say(m.ConditionEnded, rule_id="guard", account_id=1))
    rig.tick_at(DAY_END_NS + 30)

    assert rig.store.ended_by == {
        1: EndedBy.ORPHANED,
        2: EndedBy.EXPIRED,
        3: EndedBy.CONDITION,
    }
    assert rig.store.ended[2] == DAY_END_NS


def test_every_guarded_account_is_told_of_at_the_start_also_without_a_lock() -> None:
    """A rule sends no breach of the last run again before it knows of unlocks."""
    rig = Rig(FakeLockStore(locks=[lock(7)]), account_ids=[1, 2])

    notes = {note.account_id: note.spans for note in rig.outbox.of(m.NoteLocks)}
    assert {told.account_id: len(told.locks) for told in rig.announced} == {1: 1, 2: 0}
    assert {account_id: len(spans) for account_id, spans in notes.items()} == {1: 1, 2: 0}


def test_a_lock_of_an_account_that_is_not_guarded_now_is_left_as_it_is() -> None:
    store = FakeLockStore(locks=[lock(1, rule_id="guard", until_ns=None)])
    Rig(store, account_ids=[2])

    assert store.ended == {}


# --- the tape and the backup ------------------------------------------------------------------


def test_each_failing_call_of_the_store_is_noted_with_its_number() -> None:
    """A replay lets the same calls fail, and nothing else of the store decides anything."""
    rig = Rig()
    rig.handle(breach_found())
    rig.store.fails = True
    rig.handle(breach_found(rule_id="other"))
    rig.tick_at(NOON_NS + 2 * S)
    rig.store.fails = False
    rig.tick_at(NOON_NS + 4 * S)

    failed = [note for note in rig.tape.drain() if note.sender == STORE]
    # Calls 1 and 2 opened the store and read it, the third saved the first lock.
    assert [note.message for note in failed] == [
        StoreFailed(4, "the disk is full"),
        StoreFailed(5, "the disk is full"),
    ]
    assert [note.at_ns for note in failed] == [NOON_NS, NOON_NS + 2 * S]


def test_the_count_goes_on_when_the_actor_is_made_anew() -> None:
    store, shelf = FakeLockStore(), LockShelf()
    Rig(store, shelf).actor.closed()
    second = Rig(store, shelf)
    store.fails = True
    second.handle(breach_found())

    (note,) = (note for note in second.tape.drain() if note.sender == STORE)
    assert note.message == StoreFailed(4, "the disk is full")


def test_the_locks_in_force_are_backed_up_after_they_are_announced(rig: Rig) -> None:
    rig.handle(breach_found())
    rig.handle(breach_found())
    rig.handle(breach_found(account_id=2))
    rig.tick_at(DAY_END_NS)

    assert rig.store.backups == [[], [1], [1, 2], []]


def test_a_backup_that_fails_is_told_once_and_holds_up_no_lock(rig: Rig) -> None:
    rig.store.fails_backup = True
    rig.handle(breach_found())
    rig.handle(breach_found(rule_id="other"))
    rig.tick_at(NOON_NS + 30 * S)
    rig.store.fails_backup = False
    rig.tick_at(NOON_NS + 31 * S)
    too_early = list(rig.store.backups)
    rig.tick_at(NOON_NS + 60 * S)

    (fault,) = rig.overseer.faults
    assert "could not write the backup of the locks: the file is held" in fault
    assert len(rig.announced) == 2
    assert (too_early, rig.store.backups[1:]) == ([[]], [[1, 2]])
