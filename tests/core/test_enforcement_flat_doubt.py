"""A flat that nothing explains while the close is refused: the protective stop waits for a look."""

from core.builders import MNQ, SELL, account, fill, held, stop
from core.plan_desk import PlanDesk, refused, turned_away

from risk_actors.core.close_slot import FLAT_BELIEVED_AFTER_NS
from risk_actors.core.command_slot import TURNED_AWAY_FOR_CERTAIN_NS
from risk_actors.core.commands import CancelOrder, Refusal
from risk_actors.core.verdict import Reduce

S = 1_000_000_000
STOP = stop(50, SELL, 3)
LONG = account(held(3), orders=(STOP,))
FLAT = account(orders=(STOP,))
"""The position is gone, and its stop works on."""


def halted() -> PlanDesk:
    desk = PlanDesk(LONG)
    desk.answers = lambda c: None if isinstance(c, CancelOrder) else refused(Refusal.HALTED)
    desk.lock()
    desk.run(1.5)
    return desk


def test_a_flat_that_lasts_a_moment_takes_no_stop_away() -> None:
    desk = halted()
    desk.reads = False
    desk.show(FLAT)
    desk.run(0.2)
    desk.show(LONG)
    desk.reads = True
    desk.run(30)

    assert desk.cancelled == []
    assert len(desk.closes) > 4


def test_a_look_is_asked_for_and_what_it_shows_decides() -> None:
    desk = halted()
    asked = len(desk.asked)
    desk.show(FLAT)

    assert len(desk.asked) == asked + 1
    assert desk.cancelled == []
    desk.run(0.1)
    assert desk.cancelled == [50]


def test_a_fill_that_leaves_the_position_explains_it() -> None:
    desk = halted()
    desk.reads = False
    desk.show(FLAT, fill(1, -3, 100, order_id=700))

    assert desk.cancelled == [50]


def test_a_fill_that_enters_explains_no_flat() -> None:
    desk = halted()
    desk.reads = False
    desk.show(FLAT, fill(1, 1, 100, order_id=700))

    assert desk.cancelled == []


def test_the_row_alone_takes_no_stop_away_while_fills_say_it_is_open() -> None:
    """What the position book makes of a flat row without a fill."""
    desk = halted()
    desk.reads = False
    desk.show(account(held(0, fills_size=3), orders=(STOP,)))
    desk.run(2)

    assert desk.cancelled == []


def test_without_any_look_it_is_believed_in_the_end() -> None:
    desk = halted()
    desk.reads = False
    desk.show(FLAT)
    desk.run(FLAT_BELIEVED_AFTER_NS / S - 1)
    before = list(desk.cancelled)
    for _ in range(3):
        desk.run(1)
        desk.show(FLAT)

    assert before == []
    assert desk.cancelled == [50]


def test_a_part_that_was_turned_away_waits_for_a_look() -> None:
    """Something in between may say "too many requests" after the broker executed it."""
    for reason in (Refusal.BUSY, Refusal.SESSION):
        desk = PlanDesk(account(held(5)))
        desk.reads = False
        desk.answers = lambda _, reason=reason: turned_away(reason)  # type: ignore[misc]
        desk._take(desk.plan.on_breach("r", Reduce(targets=((MNQ, 3),)), "c", 0))
        desk.run(6)
        before = len(desk.sent)
        desk.state = account(held(3))
        desk.read()
        desk.run(30)

        assert (before, len(desk.sent)) == (1, 1)


def test_a_part_that_a_look_shows_undone_is_sent_again_at_the_pace_of_the_reason() -> None:
    desk = PlanDesk(account(held(5)))
    desk.answers = lambda _: turned_away(Refusal.BUSY)
    desk._take(desk.plan.on_breach("r", Reduce(targets=((MNQ, 3),)), "c", 0))
    desk.run(20)

    assert desk.closes[1] >= 0.5
    assert 4 <= len(desk.closes) <= 8


def test_a_part_that_was_turned_away_is_sent_again_in_the_end_without_a_look() -> None:
    desk = PlanDesk(account(held(5)))
    desk.reads = False
    desk.answers = lambda _: turned_away(Refusal.BUSY)
    desk._take(desk.plan.on_breach("r", Reduce(targets=((MNQ, 3),)), "c", 0))
    desk.run(TURNED_AWAY_FOR_CERTAIN_NS / S + 1)

    assert len(desk.closes) == 2


def test_the_whole_that_was_turned_away_is_repeated_without_a_look() -> None:
    desk = PlanDesk(account(held(5)))
    desk.reads = False
    desk.answers = lambda _: turned_away(Refusal.BUSY)
    desk.flatten()
    desk.run(4)

    assert len(desk.closes) >= 3
