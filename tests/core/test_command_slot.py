"""The state machine behind every close and cancel (I2)."""

import pytest

from risk_actors.core.command_slot import (
    ANSWER_TIMEOUT_NS,
    EFFECT_TIMEOUT_NS,
    RETRY_AFTER_NS,
    RETRY_LASTING_AFTER_NS,
    TRANSITIONS,
    CommandSlot,
    IllegalTransitionError,
    SlotEvent,
    SlotState,
)

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


def test_pauses_are_long_where_the_account_as_a_whole_is_refused() -> None:
    slot = CommandSlot()
    slot.refusal_lasts = True
    pauses = []
    for _ in range(len(RETRY_LASTING_AFTER_NS) + 1):
        slot.apply(E.SEND, 0)
        slot.apply(E.REFUSE, 0)
        pauses.append(slot.due_ns)
        slot.apply(E.DUE, 0)

    assert pauses == [*RETRY_LASTING_AFTER_NS, RETRY_LASTING_AFTER_NS[-1]]
    slot.apply(E.SEND, 0)
    slot.apply(E.SEEN, 0)
    assert not slot.refusal_lasts
