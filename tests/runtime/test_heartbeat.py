"""Who is silent, who does not keep up, and who only seems so."""

from risk_actors.runtime.heartbeat import Finding, Heartbeat, HeartTerms, Signs, Trouble
from risk_actors.runtime.mailbox import Mailbox
from tests.conftest import S
from tests.runtime.probe import Say

TERMS = HeartTerms()


class Rig:
    """One mailbox that is watched, and looks a second apart."""

    def __init__(self) -> None:
        self.mailbox = Mailbox("a")
        self.heart = Heartbeat(TERMS)
        self.heart.watch("a", self.mailbox)
        self.now_ns = 1000 * S
        self.handled = 0

    def look(self, seconds: int = 1, *, answers: bool) -> list[Finding]:
        """Let seconds pass, a look after each."""
        found = []
        for _ in range(seconds):
            if answers:
                self.take()
            self.now_ns += 1 * S
            found += self.heart.look(self.now_ns, {"a": self.handled})
        return found

    def take(self) -> bool:
        """Come for the next message, as the actor's thread does."""
        taken = self.mailbox.get_nowait() is not None
        self.handled += taken
        return taken

    @property
    def signs(self) -> Signs:
        return self.heart.signs("a")


def test_one_that_answers_is_no_news() -> None:
    rig = Rig()

    assert rig.look(60, answers=True) == []
    assert rig.signs.silent_ns <= 1 * S


def test_one_that_does_not_answer_is_stuck_once_and_hopeless_once() -> None:
    rig = Rig()
    rig.look(answers=True)

    found = rig.look(60, answers=False)

    assert found == [
        Finding("a", Trouble.STUCK, TERMS.stuck_after_ns),
        Finding("a", Trouble.HOPELESS, TERMS.replace_after_ns),
    ]
    assert rig.signs.silent_ns == 60 * S


def test_one_that_answers_again_is_told_and_may_be_stuck_again() -> None:
    rig = Rig()
    rig.look(8, answers=False)

    back = rig.look(answers=True)
    again = rig.look(6, answers=False)

    assert [each.trouble for each in back] == [Trouble.ANSWERS]
    assert back[0].for_ns == 8 * S
    assert [each.trouble for each in again] == [Trouble.STUCK]


def test_a_beat_overtakes_the_queue_and_only_one_waits() -> None:
    rig = Rig()
    for number in range(1000):
        rig.mailbox.deliver(Say(text=str(number)))
    rig.look(3, answers=False)

    rig.take()

    assert rig.mailbox.beats_answered == 1
    assert rig.mailbox.depth == 999
    assert not rig.mailbox.beat_waits


def test_a_beat_is_no_message() -> None:
    mailbox = Mailbox("a")
    mailbox.beat()

    assert (mailbox.empty(), mailbox.depth, mailbox.high_water) == (True, 0, 0)
    assert mailbox.get_nowait() is None
    assert mailbox.beats_answered == 1


def test_the_time_in_which_the_machine_slept_does_not_count() -> None:
    """Nobody could have answered; after an hour's sleep everybody would be stuck."""
    rig = Rig()
    rig.look(2, answers=False)
    rig.now_ns += 3600 * S

    assert rig.look(1, answers=False) == []
    assert rig.look(1, answers=True) == []


def test_a_queue_that_is_not_worked_off_in_time_is_told() -> None:
    """Beats are answered, one message a second is handled, and two a second come."""
    rig = Rig()
    found = []
    for number in range(30):
        rig.mailbox.deliver(Say(text=f"{number} a"))
        rig.mailbox.deliver(Say(text=f"{number} b"))
        found += rig.look(answers=True)

    assert [each.trouble for each in found] == [Trouble.LATE]
    assert rig.signs.lag_ns > TERMS.late_after_ns
    while rig.take():
        pass
    caught_up = rig.look(answers=True)
    assert [each.trouble for each in caught_up] == [Trouble.CAUGHT_UP]
    assert rig.signs.lag_ns == 0


def test_a_long_queue_that_moves_is_no_trouble() -> None:
    rig = Rig()
    found = []
    for _ in range(20):
        for number in range(500):
            rig.mailbox.deliver(Say(text=str(number)))
        found += rig.look(answers=True)
        while rig.take():
            pass

    assert found == []


def test_one_that_is_stuck_is_not_told_to_be_late_as_well() -> None:
    rig = Rig()
    rig.mailbox.deliver(Say(text="waits"))

    found = rig.look(30, answers=False)

    assert [each.trouble for each in found] == [Trouble.STUCK, Trouble.HOPELESS]


def test_another_at_the_same_address_begins_anew() -> None:
    rig = Rig()
    rig.look(8, answers=False)
    rig.heart.watch("a", rig.mailbox)

    found = rig.look(4, answers=False)

    assert found == []


def test_one_that_is_not_watched_any_more_is_no_news() -> None:
    rig = Rig()
    rig.heart.forget("a")

    assert rig.look(20, answers=False) == []
    assert rig.signs == Signs()


def test_how_long_nothing_was_handled_is_known() -> None:
    rig = Rig()
    rig.mailbox.deliver(Say(text="one"))
    rig.look(answers=True)

    rig.look(7, answers=True)

    assert rig.signs.idle_ns == 7 * S


def test_a_heart_that_stands_still_is_seen() -> None:
    rig = Rig()
    rig.look(answers=True)

    seen = [rig.heart.stands_still(rig.now_ns + second * S) for second in range(1, 17)]

    assert seen == [False] * 15 + [True]
    rig.look(answers=True)
    assert not rig.heart.stands_still(rig.now_ns)


def test_a_heart_that_slept_with_the_machine_does_not_stand_still() -> None:
    """Whoever asks wakes first; from then on it has its time to look."""
    rig = Rig()
    rig.look(answers=True)
    rig.heart.stands_still(rig.now_ns + 1 * S)
    awake_ns = rig.now_ns + 600 * S

    seen = [rig.heart.stands_still(awake_ns + second * S) for second in range(12)]

    assert not any(seen[:9])
    assert seen[-1]


def test_one_that_waits_for_its_turn_is_late_and_never_stuck() -> None:
    rig = Rig()
    is_waiting = True
    rig.heart.watch("a", rig.mailbox, lambda: is_waiting)
    rig.mailbox.deliver(Say(text="1"))

    found = rig.look(60, answers=False)

    assert [each.trouble for each in found] == [Trouble.LATE]
    assert rig.signs.silent_ns == 0
    assert rig.signs.lag_ns >= 58 * S
    is_waiting = False
    assert [each.trouble for each in rig.look(12, answers=False)] == [
        Trouble.STUCK,
        Trouble.HOPELESS,
    ]


def test_one_without_messages_that_has_no_turn_for_long_is_late_too() -> None:
    rig = Rig()
    rig.heart.watch("a", rig.mailbox, lambda: True)

    assert [each.trouble for each in rig.look(20, answers=False)] == [Trouble.LATE]
    assert rig.signs.lag_ns >= 18 * S
    assert [each.trouble for each in rig.look(answers=True)] == [Trouble.CAUGHT_UP]
