"""The state machine behind every close and cancel (I2)."""

import msgspec
import pytest
from core.builders import account

from risk_actors.core.account_state import AccountState
from risk_actors.core.command_slot import (
    ANSWER_TIMEOUT_NS,
    EFFECT_TIMEOUT_NS,
    TRANSITIONS,
    CommandSlot,
    IllegalTransitionError,
    SlotEvent,
    SlotState,
)
from risk_actors.core.commands import Answer, Outcome, Refusal
from risk_actors.core.retry_pace import RETRY_AFTER_NS, RETRY_BY_REASON_NS

S, E = SlotState, SlotEvent

PATHS: dict[SlotState, tuple[SlotEvent, ...]] = {
    S.IDLE: (),
    S.SENT: (E.SEND,),
    S.ACCEPTED: (E.SEND, E.ACCEPT),
    S.UNCERTAIN: (E.SEND, E.DOUBT),
    S.WAITING: (E.SEND, E.REFUSE),
}


def slot_in(state: SlotState, now_ns: int = 0) -> CommandSlot:
    slot = CommandSlot()
    for event in PATHS[state]:
        slot.apply(event, now_ns)
    return slot


@pytest.mark.parametrize(
    ("state", "event", "following"),
    [(s, e, f) for s, moves in TRANSITIONS.items() for e, f in moves.items()],
)
def test_every_listed_event_moves_the_slot(
    state: SlotState, event: SlotEvent, following: SlotState
) -> None:
    slot = slot_in(state)

    slot.apply(event, 1)

    assert slot.state is following


@pytest.mark.parametrize(
    ("state", "event"),
    [(s, e) for s in SlotState for e in SlotEvent if e not in TRANSITIONS[s]],
)
def test_an_unlisted_event_raises_and_changes_nothing(state: SlotState, event: SlotEvent) -> None:
    slot = slot_in(state)
    before = (slot.state, slot.attempts, slot.changed_ns, slot.due_ns)

    with pytest.raises(IllegalTransitionError, match=event.value):
        slot.apply(event, 99)

    assert (slot.state, slot.attempts, slot.changed_ns, slot.due_ns) == before


@pytest.mark.parametrize("state", [S.SENT, S.ACCEPTED, S.UNCERTAIN])
def test_i2_nothing_can_be_sent_while_a_command_is_outstanding(state: SlotState) -> None:
    slot = slot_in(state)

    assert slot.is_outstanding
    with pytest.raises(IllegalTransitionError):
        slot.apply(E.SEND, 1)


def test_i3_acceptance_alone_does_not_free_the_slot() -> None:
    slot = slot_in(S.SENT)

    slot.apply(E.ACCEPT, 1)

    assert slot.is_outstanding


def test_no_answer_for_three_seconds_is_doubt() -> None:
    slot = slot_in(S.SENT)

    slot.run_clock(ANSWER_TIMEOUT_NS - 1)
    assert slot.state is S.SENT

    slot.run_clock(ANSWER_TIMEOUT_NS)
    assert slot.state is S.UNCERTAIN


def test_an_accepted_command_without_effect_becomes_doubtful() -> None:
    slot = slot_in(S.ACCEPTED)

    slot.run_clock(EFFECT_TIMEOUT_NS - 1)
    assert slot.state is S.ACCEPTED

    slot.run_clock(EFFECT_TIMEOUT_NS)
    assert slot.state is S.UNCERTAIN


def test_pauses_between_refused_attempts_grow_and_stay_bounded() -> None:
    slot = CommandSlot()
    now_ns = 0
    pauses = []
    for _ in range(len(RETRY_AFTER_NS) + 2):
        slot.apply(E.SEND, now_ns)
        slot.apply(E.REFUSE, now_ns)
        pauses.append(slot.due_ns - now_ns)
        slot.run_clock(slot.due_ns - 1)
        assert slot.state is S.WAITING
        now_ns = slot.due_ns
        slot.run_clock(now_ns)
        assert slot.state is S.IDLE

    assert pauses == [*RETRY_AFTER_NS, RETRY_AFTER_NS[-1], RETRY_AFTER_NS[-1]]


def test_a_first_command_that_did_not_happen_is_repeated_at_once_a_second_is_not() -> None:
    slot = slot_in(S.UNCERTAIN)
    slot.apply(E.NOT_SEEN, 5)
    first_pause_ns = slot.due_ns - 5
    slot.run_clock(5)

    for event in (E.SEND, E.DOUBT, E.NOT_SEEN):
        slot.apply(event, 5)

    assert first_pause_ns == 0
    assert slot.due_ns > 5


def test_a_seen_effect_forgets_attempts_and_refusal() -> None:
    slot = slot_in(S.WAITING)
    slot.refusal = "market halted"

    slot.apply(E.SEEN, 1)

    assert (slot.attempts, slot.refusal) == (0, None)


def shown(asked_ns: int) -> AccountState:
    return msgspec.structs.replace(account(), snapshot_asked_ns=asked_ns)


def outcome(answer: Answer, reason: Refusal | None = None, **terms: object) -> Outcome:
    return Outcome(command_id=1, account_id=1, answer=answer, reason=reason, **terms)  # type: ignore[arg-type]


def pauses_when_refused(times: int, *reasons: Refusal) -> list[float]:
    """Return the pauses in seconds of a slot that is refused for reasons in turn."""
    slot, pauses = CommandSlot(), []
    for n in range(times):
        slot.apply(E.SEND, 0)
        slot.take(outcome(Answer.REFUSED, reasons[n % len(reasons)]), 0)
        pauses.append(slot.due_ns / 1e9)
        slot.apply(E.DUE, 0)
    return pauses


@pytest.mark.parametrize(
    ("reason", "pauses"),
    [
        (Refusal.PAUSED, [1, 2, 2, 3, 5, 5]),
        (Refusal.HALTED, [1, 2, 5, 10, 15, 15]),
        (Refusal.RESERVED, [1, 2, 5, 10, 15, 15]),
        (Refusal.ACCOUNT, [5, 30, 60, 120, 120]),
        (Refusal.CONTRACT, [30, 60, 300, 300]),
        (Refusal.DISARMED, [1, 2, 5, 15, 15]),
        (Refusal.OTHER, [0.5, 1, 2, 4, 8, 15, 30, 30]),
    ],
)
def test_the_pace_of_trying_again_fits_the_reason(reason: Refusal, pauses: list[float]) -> None:
    assert pauses_when_refused(len(pauses), reason) == pauses


def test_every_reason_has_a_pace_that_neither_spins_nor_ends() -> None:
    for reason in Refusal:
        pauses = pauses_when_refused(10, reason)
        assert min(pauses) >= 0.5
        assert pauses == sorted(pauses)
        assert pauses[-1] == pauses[-2]
    assert set(RETRY_BY_REASON_NS) == set(Refusal) - {Refusal.OTHER}


def test_each_reason_is_counted_by_itself() -> None:
    assert pauses_when_refused(6, Refusal.PAUSED, Refusal.HALTED) == [1, 1, 2, 2, 2, 5]


def test_what_was_seen_begins_the_pace_anew() -> None:
    slot = CommandSlot()
    for _ in range(3):
        slot.apply(E.SEND, 0)
        slot.take(outcome(Answer.REFUSED, Refusal.ACCOUNT), 0)
        slot.apply(E.DUE, 0)
    slot.apply(E.SEND, 0)
    slot.apply(E.SEEN, 0)

    slot.apply(E.SEND, 0)
    slot.take(outcome(Answer.REFUSED, Refusal.ACCOUNT), 0)

    assert slot.due_ns == RETRY_BY_REASON_NS[Refusal.ACCOUNT][0]


def undone(reason: Refusal, at_ns: int = 0) -> CommandSlot:
    slot = CommandSlot()
    slot.apply(E.SEND, at_ns)
    slot.take(outcome(Answer.UNCERTAIN, reason, is_undone=True), at_ns)
    return slot


@pytest.mark.parametrize("reason", [Refusal.BUSY, Refusal.SESSION])
def test_what_was_turned_away_is_looked_at_but_not_waited_for(reason: Refusal) -> None:
    slot = undone(reason, 7)

    assert slot.wants_look(7)
    assert not slot.is_outstanding
    slot.run_clock(7 + RETRY_BY_REASON_NS[reason][0])
    assert slot.state is S.IDLE


def test_after_a_login_a_snapshot_lets_it_go_at_once_after_too_many_requests_it_does_not() -> None:
    expired, busy = undone(Refusal.SESSION, 7), undone(Refusal.BUSY, 7)

    expired.observe_look(shown(9), 10)
    busy.observe_look(shown(9), 10)

    assert (expired.state, busy.state) == (S.IDLE, S.WAITING)
    assert not expired.wants_look(10)
    assert not busy.wants_look(10)


def test_a_snapshot_hurries_a_few_times_only() -> None:
    slot, hurried = CommandSlot(), 0
    for n in range(10):
        slot.apply(E.SEND, n)
        slot.take(outcome(Answer.UNCERTAIN, Refusal.SESSION, is_undone=True), n)
        slot.observe_look(shown(n + 1), n)
        if slot.state is S.IDLE:
            hurried += 1
        else:
            slot.run_clock(slot.due_ns)

    assert hurried == 3


def test_an_older_snapshot_hurries_nothing() -> None:
    slot = undone(Refusal.SESSION, 7)

    slot.observe_look(shown(7), 10)

    assert slot.state is S.WAITING


def test_turned_away_after_it_was_accepted_is_doubt_like_any_other() -> None:
    """The two answers contradict each other, so only a snapshot tells (I2)."""
    slot = slot_in(S.ACCEPTED)

    slot.take(outcome(Answer.UNCERTAIN, Refusal.BUSY, is_undone=True), 1)

    assert slot.state is S.UNCERTAIN


def test_a_refusal_as_pending_is_looked_into_after_a_second_and_not_repeated_before() -> None:
    slot = slot_in(S.SENT)
    slot.take(outcome(Answer.REFUSED, Refusal.PENDING), 0)

    assert not slot.wants_look(10**9 - 1)
    assert slot.wants_look(10**9)
    slot.run_clock(2 * 10**9)
    assert slot.state is S.WAITING


def test_what_we_did_not_send_is_no_word_of_the_broker() -> None:
    slot = slot_in(S.SENT)

    slot.take(outcome(Answer.REFUSED, Refusal.DISARMED, detail="disarmed"), 0)

    assert (slot.state, slot.refusal) == (S.WAITING, None)


@pytest.mark.parametrize("event", [E.NOT_SEEN, E.REFUSE])
def test_an_acceptance_that_led_to_nothing_is_remembered_until_an_effect_is_seen(
    event: SlotEvent,
) -> None:
    slot = slot_in(S.ACCEPTED)
    slot.apply(E.DOUBT, 1)
    slot.apply(event, 2)

    assert slot.was_in_vain
    slot.apply(E.SEEN, 3)
    assert not slot.was_in_vain


def test_an_account_that_may_trade_again_is_tried_at_once_other_reasons_wait() -> None:
    barred, halted = slot_in(S.SENT), slot_in(S.SENT)
    barred.take(outcome(Answer.REFUSED, Refusal.ACCOUNT), 0)
    halted.take(outcome(Answer.REFUSED, Refusal.HALTED), 0)

    barred.let_in_again(1)
    halted.let_in_again(1)

    assert (barred.state, halted.state) == (S.IDLE, S.WAITING)


def test_turned_away_after_its_order_was_seen_at_work_is_doubt() -> None:
    """The answer comes late, after a snapshot has shown the order."""
    slot = slot_in(S.UNCERTAIN)
    slot.apply(E.PENDING, 1)
    slot.take(
        Outcome(
            command_id=1,
            account_id=1,
            answer=Answer.UNCERTAIN,
            reason=Refusal.BUSY,
            is_undone=True,
        ),
        2,
    )

    assert slot.state is S.UNCERTAIN
