"""Many senders, one taker that sleeps whenever it can, and a supervisor that beats and vacates."""

import threading
import time
from collections.abc import Callable

import pytest

from risk_actors.messages import Tick
from risk_actors.runtime.control import Control, Leave, Resync
from risk_actors.runtime.mailbox import Mailbox, Seat, Waker
from tests.conftest import eventually

SENDERS = 6
EACH = 1_500
CONTROLS = 50
_PAUSE = threading.Event()
"""Never set: waiting for it lets the others run."""


def tick(number: int) -> Tick:
    return Tick(correlation_id=f"tick-{number}", at_ns=number)


class Taker:
    """Takes all that comes, in one seat after another, as an actor and its successors do."""

    def __init__(self, mailbox: Mailbox, in_turns: bool) -> None:
        self.mailbox = mailbox
        self.ticks: list[int] = []
        self.controls = 0
        self.seats: list[Seat] = []
        self.is_ended = threading.Event()
        self._in_turns = in_turns
        self.sit()

    def sit(self) -> None:
        """Begin in a seat of its own; the one before is vacated."""
        self.seats.append(self.mailbox.seat())
        threading.Thread(target=self._take, args=(self.seats[-1],), daemon=True).start()

    def _take(self, seat: Seat) -> None:
        while True:
            message = self._next(seat)
            if isinstance(message, Leave):
                break
            if isinstance(message, Control):
                self.controls += 1
            elif isinstance(message, Tick):
                self.ticks.append(message.at_ns)
        self.is_ended.set()

    def _next(self, seat: Seat) -> object:
        if not self._in_turns:
            return seat.get().message
        # As in a crew: no thread waits in the mailbox; what comes asks for a turn.
        while (envelope := seat.take()) is None:
            if seat.rest(seat.ring):
                seat.wait()
        return envelope.message


def hammer(mailbox: Mailbox, *, in_turns: bool = False, vacates: bool = False) -> Taker:
    """Send from many threads with pauses in which the taker falls asleep; return who took."""
    taker = Taker(mailbox, in_turns)

    def send(sender: int) -> None:
        for number in range(EACH):
            mailbox.deliver(tick(sender * EACH + number), f"{sender}")
            if number % 50 == sender:
                _PAUSE.wait(0.0002)

    def supervise() -> None:
        for number in range(CONTROLS):
            mailbox.beat()
            mailbox.deliver(Resync(address="a", reason=f"{number}"))
            if vacates and number % 10 == 5:
                taker.is_ended.clear()
                mailbox.vacate(taker.seats[-1])
                assert taker.is_ended.wait(5), "whoever sat there was not woken"
                taker.sit()
            _PAUSE.wait(0.001)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    threads.append(threading.Thread(target=supervise))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return taker


def assert_all_taken(taker: Taker) -> None:
    mailbox = taker.mailbox
    try:
        eventually(lambda: len(taker.ticks) == SENDERS * EACH and taker.controls == CONTROLS, 5.0)
        eventually(lambda: not mailbox.beat_waits)
        for sender in range(SENDERS):
            own = [number for number in taker.ticks if number // EACH == sender]
            assert own == list(range(sender * EACH, (sender + 1) * EACH))
        assert mailbox.queued == mailbox.taken == SENDERS * EACH
        assert 0 < mailbox.beats_answered <= CONTROLS
        assert 0 < mailbox.high_water <= SENDERS * EACH + CONTROLS
    finally:
        mailbox.vacate(taker.seats[-1])
        assert taker.is_ended.wait(5)


@pytest.mark.parametrize(("is_lazy", "in_turns"), [(False, False), (True, False), (False, True)])
def test_nothing_is_lost_and_whoever_sleeps_is_woken(is_lazy: bool, in_turns: bool) -> None:
    assert_all_taken(hammer(Mailbox("a", is_lazy=is_lazy), in_turns=in_turns))


def test_what_waits_is_the_successors() -> None:
    assert_all_taken(hammer(Mailbox("a"), vacates=True))


class LooksFirst(Mailbox):
    """Wrong: looks whether something waits, and leaves its waker a moment later."""

    def rest(self, seat: Seat, waker: Waker) -> bool:
        if seat.is_vacated or self._beat_waits or not self.empty():
            return False
        _PAUSE.wait(0.0001)
        with self._lock:
            self._wakers.append(waker)
        return True


class WakesBeforeItAdds(Mailbox):
    """Wrong: wakes whoever sleeps, and then adds what it woke them for."""

    def deliver(self, message: object, sender: str = "") -> bool:
        self._wake_all()
        _PAUSE.wait(0.0001)
        wakers, self._wakers = self._wakers, []
        is_taken = super().deliver(message, sender)
        self._wakers += wakers
        return is_taken


@pytest.mark.parametrize("wrong", [LooksFirst, WakesBeforeItAdds])
def test_the_hammer_finds_a_wake_up_that_is_lost(wrong: Callable[[str], Mailbox]) -> None:
    """The last message comes when nobody else will wake the taker."""
    mailbox = wrong("a")
    taker = Taker(mailbox, in_turns=False)
    is_lost = False
    for number in range(300):
        mailbox.deliver(tick(number))
        until_s = time.monotonic() + 0.2
        while len(taker.ticks) <= number and time.monotonic() < until_s:
            _PAUSE.wait(0.00005)
        if len(taker.ticks) <= number:
            is_lost = True
            break
    Mailbox.deliver(mailbox, tick(-1))
    mailbox.vacate(taker.seats[-1])
    for seat in taker.seats:
        seat.is_vacated = True
    mailbox._wake_all()
    assert taker.is_ended.wait(5)
    assert is_lost, "a deliberately wrong mailbox passed"


def test_the_right_mailbox_loses_no_wake_up_where_the_wrong_ones_do() -> None:
    mailbox = Mailbox("a")
    taker = Taker(mailbox, in_turns=False)
    for number in range(300):
        mailbox.deliver(tick(number))
        eventually(lambda number=number: len(taker.ticks) > number, 5.0)  # type: ignore[misc]
    mailbox.vacate(taker.seats[-1])
    assert taker.is_ended.wait(5)
