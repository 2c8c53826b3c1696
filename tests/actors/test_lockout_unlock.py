"""The unlock policy in the lockout actor: who may end a lock before its time, and over restarts."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors import messages as m
from risk_actors.actors.lockout import LockShelf
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.lock import EndedBy, LockSpan, Unlocked
from risk_actors.core.unlock_policy import NEVER, UnlockPolicy, UnlockTerms
from risk_actors.core.verdict import LockEnd, LockTerms
from risk_actors.runtime.control import Resync
from tests.actors.facts import DAY_END_NS, FakeLockStore, breach_found, breached, evidence, say
from tests.actors.lockout_rig import Rig
from tests.conftest import NOON_NS, S

HOUR = 3600 * S
DELAYED = UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=HOUR)
ADMIN = UnlockTerms(policy=UnlockPolicy.ADMIN)
ASKED, DONE = m.UnlockStatus.ASKED, m.UnlockStatus.DONE
REFUSED, MOOT = m.UnlockStatus.REFUSED, m.UnlockStatus.MOOT


def asked(lock_id: int = 1, at_ns: int = NOON_NS, **terms: object) -> m.UnlockRequested:
    given_ = {"account_id": 1, "reason": "an appointment"} | terms
    return say(m.UnlockRequested, "op-1", lock_id=lock_id, at_ns=at_ns, **given_)


def withdrawn(lock_id: int = 1, account_id: int = 1) -> m.UnlockWithdrawn:
    return say(m.UnlockWithdrawn, "op-2", lock_id=lock_id, account_id=account_id)


def locked(terms: UnlockTerms, store: FakeLockStore | None = None) -> Rig:
    rig = Rig(store, unlock=terms, account_ids=[1])
    rig.handle(breach_found())
    rig.outbox.clear()
    rig.calls.clear()
    return rig


def statuses(rig: Rig) -> list[m.UnlockStatus]:
    return [told.status for told in rig.outbox.of(m.UnlockChanged)]


# --- the policies -----------------------------------------------------------------------------


def test_under_never_every_attempt_is_refused_and_told() -> None:
    rig = locked(NEVER)

    rig.handle(asked(is_authorised=True))

    told = rig.outbox.only(m.UnlockChanged)
    assert (told.status, told.rule_id, told.reason) == (REFUSED, "daily-loss", "an appointment")
    assert '"never"' in told.detail
    assert rig.calls == []


def test_a_delayed_request_is_committed_before_it_is_announced_and_then_waits() -> None:
    rig = locked(DELAYED)

    rig.handle(asked())

    assert rig.calls == ["request 1 asked", "announce"]
    told = rig.outbox.only(m.UnlockChanged)
    assert (told.status, told.due_ns) == (ASKED, NOON_NS + HOUR)
    assert "takes effect at Tue 13:00:00 CST" in told.detail
    (waiting,) = rig.announced[-1].unlocks
    assert (waiting.lock_id, waiting.due_ns) == (1, NOON_NS + HOUR)
    assert len(rig.announced[-1].locks) == 1


def test_a_delayed_unlock_takes_effect_with_the_tick_of_its_instant_and_not_before() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())
    rig.calls.clear()

    rig.tick_at(NOON_NS + HOUR - 1)
    early = list(rig.calls)
    rig.tick_at(NOON_NS + HOUR)
    rig.tick_at(NOON_NS + HOUR + S)

    assert early == []
    assert rig.calls == ["end 1", "announce"]
    assert rig.store.ended_by == {1: EndedBy.UNLOCK}
    assert rig.store.requests[1].status is DONE
    assert statuses(rig) == [ASKED, DONE]
    assert rig.announced[-1].locks == ()
    assert rig.announced[-1].unlocks == ()
    note = rig.outbox.of(m.NoteLocks)[-1]
    assert note.unlocked == (Unlocked("daily-loss", None, NOON_NS + HOUR),)
    assert note.spans == (LockSpan(None, NOON_NS, NOON_NS + HOUR),)


def test_a_withdrawn_request_never_takes_effect() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())

    rig.handle(withdrawn())
    rig.tick_at(NOON_NS + 2 * HOUR)

    assert statuses(rig) == [ASKED, m.UnlockStatus.WITHDRAWN]
    assert len(rig.announced[-1].locks) == 1
    assert rig.announced[-1].unlocks == ()


def test_asking_again_changes_nothing_and_is_told() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())
    rig.calls.clear()

    rig.handle(asked(at_ns=NOON_NS + 60 * S))

    assert rig.calls == []
    assert [told.due_ns for told in rig.outbox.of(m.UnlockChanged)] == [NOON_NS + HOUR] * 2


def test_with_the_admin_secret_a_lock_ends_at_once() -> None:
    rig = locked(ADMIN)

    rig.handle(asked(is_authorised=True))

    assert rig.calls == ["end 1", "announce"]
    assert (statuses(rig), rig.announced[-1].locks) == ([DONE], ())
    assert rig.store.requests[1].reason == "an appointment"


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (asked(), "the admin secret is needed"),
        (asked(denied="the admin secret is not right"), "the admin secret is not right"),
        (asked(reason="", is_authorised=True), "a reason is needed"),
        (asked(9, is_authorised=True), "no such lock is in force"),
        (asked(account_id=2, is_authorised=True), "no such lock is in force"),
        (withdrawn(), "no request for this lock waits"),
    ],
)
def test_what_may_not_be_is_refused_and_told(message: m.Message, detail: str) -> None:
    rig = locked(ADMIN)

    rig.handle(message)

    told = rig.outbox.only(m.UnlockChanged)
    assert told.status is REFUSED
    assert detail in told.detail
    assert rig.store.ended == {}


def test_a_lock_that_ends_first_makes_the_request_moot() -> None:
    rig = Rig(unlock=DELAYED)
    short = LockTerms(end=LockEnd.INSTANT, until_ns=NOON_NS + 60 * S)
    rig.handle(breach_found(breached(short)))
    rig.handle(asked())

    rig.tick_at(NOON_NS + 60 * S)
    rig.tick_at(NOON_NS + 2 * HOUR)

    assert statuses(rig) == [ASKED, MOOT]
    assert rig.store.ended_by == {1: EndedBy.EXPIRED}
    assert rig.store.requests[1].status is MOOT


def test_of_several_locks_only_the_one_asked_for_ends() -> None:
    rig = locked(ADMIN)
    rig.handle(breach_found(rule_id="weekly-loss"))
    rig.handle(say(m.PanicRequested, "op-0", account_id=1, evidence=evidence()))

    rig.handle(asked(2, is_authorised=True))

    assert [lock.id for lock in rig.announced[-1].locks] == [1, 3]


# --- what was found before, and after ---------------------------------------------------------


def test_a_breach_found_before_the_unlock_locks_nothing_a_later_one_does() -> None:
    rig = locked(ADMIN)
    rig.clock.advance(60 * S)
    rig.handle(asked(is_authorised=True))
    rig.outbox.clear()

    rig.handle(breach_found())
    again = list(rig.announced)
    rig.clock.advance(1)
    rig.handle(msgspec.structs.replace(breach_found(), at_ns=rig.clock.now_ns()))

    assert again == []
    assert [lock.id for lock in rig.announced[-1].locks] == [2]


def test_a_breach_found_after_a_delayed_unlock_is_due_locks_although_no_tick_came_between() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())
    rig.clock.step(HOUR + 50)

    rig.handle(msgspec.structs.replace(breach_found(), at_ns=NOON_NS + HOUR + 50))

    assert statuses(rig) == [ASKED, DONE]
    assert [lock.id for lock in rig.announced[-1].locks] == [2]


# --- restarts ---------------------------------------------------------------------------------


def after_restart(rig: Rig, at_ns: int, terms: UnlockTerms = DELAYED) -> Rig:
    rig.actor.closed()
    return Rig(rig.store, at_ns=at_ns, unlock=terms, account_ids=[1])


def test_a_restart_neither_begins_the_delay_anew_nor_ends_it_early() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())

    second = after_restart(rig, NOON_NS + HOUR // 2)
    restored = second.announced[-1]
    second.tick_at(NOON_NS + HOUR - 1)
    early = statuses(second)
    second.tick_at(NOON_NS + HOUR)

    assert [each.due_ns for each in restored.unlocks] == [NOON_NS + HOUR]
    assert early == []
    assert statuses(second) == [DONE]


def test_what_fell_due_while_down_takes_effect_at_the_start_once_and_as_of_its_instant() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())

    second = after_restart(rig, NOON_NS + 2 * HOUR)
    third = after_restart(second, NOON_NS + 3 * HOUR)

    assert (statuses(second), statuses(third)) == ([DONE], [])
    assert second.announced[-1].locks == ()
    assert rig.store.ended == {1: NOON_NS + HOUR}
    for each in (second, third):
        note = each.outbox.of(m.NoteLocks)[-1]
        assert note.unlocked == (Unlocked("daily-loss", None, NOON_NS + HOUR),)
        assert note.spans == (LockSpan(None, NOON_NS, NOON_NS + HOUR),)


def test_of_unlock_and_end_that_both_fell_due_while_down_the_earlier_counts() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())
    early = after_restart(rig, DAY_END_NS + S)
    late = locked(UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=24 * HOUR))
    late.handle(asked())
    second = after_restart(late, DAY_END_NS + 25 * HOUR, DELAYED)

    assert (statuses(early), statuses(second)) == ([DONE], [MOOT])
    assert early.store.ended == {1: NOON_NS + HOUR}
    assert second.store.ended == {1: DAY_END_NS}
    assert all(told.locks == () for told in [*early.announced, *second.announced])


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (NEVER, [REFUSED]),
        (ADMIN, [REFUSED]),
        (UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=3 * HOUR), [ASKED]),
    ],
    ids=["never", "admin", "a longer delay"],
)
def test_a_policy_that_became_tighter_decides_also_on_what_fell_due_while_down(
    terms: UnlockTerms, told: list[m.UnlockStatus]
) -> None:
    rig = locked(DELAYED)
    rig.handle(asked())

    second = after_restart(rig, NOON_NS + 2 * HOUR, terms)

    assert statuses(second) == told
    assert [lock.id for lock in second.announced[-1].locks] == [1]
    assert rig.store.requests[1].status is told[0]


def test_a_request_outlives_the_actor_also_when_it_could_not_be_saved() -> None:
    store, shelf = FakeLockStore(), LockShelf()
    first = Rig(store, shelf, unlock=DELAYED)
    first.handle(breach_found())
    store.fails = True
    first.handle(asked())
    first.actor.closed()
    store.fails = False

    second = Rig(store, shelf, unlock=DELAYED)
    second.tick_at(NOON_NS + HOUR)

    assert statuses(second) == [DONE]


def test_who_comes_back_is_told_what_waits() -> None:
    rig = locked(DELAYED)
    rig.handle(asked())
    rig.outbox.clear()

    rig.actor.handle_control(Resync(address="view", reason="view was restarted"))

    assert [each.lock_id for each in rig.announced[-1].unlocks] == [1]


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "secret", "withdraw", "restart", "breach", "wait"]),
        st.integers(0, 2 * HOUR),
    ),
    max_size=25,
)


@given(steps)
def test_i4_under_never_no_run_of_requests_and_restarts_ends_a_lock_early(
    run: list[tuple[str, int]],
) -> None:
    rig = locked(NEVER)
    for step, for_ns in run:
        now_ns = rig.clock.now_ns() + for_ns
        match step:
            case "ask":
                rig.handle(asked(at_ns=now_ns))
            case "secret":
                rig.handle(asked(at_ns=now_ns, is_authorised=True))
            case "withdraw":
                rig.handle(withdrawn())
            case "restart":
                rig = after_restart(rig, now_ns, NEVER)
            case "breach":
                rig.handle(breach_found())
        if now_ns > rig.clock.now_ns():
            rig.tick_at(now_ns)
        if now_ns < DAY_END_NS:
            in_force = rig.store.restored(now_ns, now_ns - 7 * 24 * 3600 * NS_PER_S).locks
            assert 1 in [lock.id for lock in in_force]
            assert rig.store.ended == {}
            assert set(statuses(rig)) <= {REFUSED}
