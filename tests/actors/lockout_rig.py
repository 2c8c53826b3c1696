"""A lockout actor, opened, that is called directly."""

from risk_actors import messages as m
from risk_actors.actors.lockout import LockoutActor, LockShelf
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.tape import Tape
from tests.actors.facts import FakeLockStore, calendar, context_of, tick
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer


class NotingOutbox(RecordingOutbox):
    """Notes each announcement in the list that the store notes its commits in."""

    def __init__(self, calls: list[str]) -> None:
        super().__init__(LockoutActor)
        self._calls = calls

    def send(self, message: object) -> None:
        super().send(message)
        if isinstance(message, m.LocksChanged):
            self._calls.append("announce")


class Rig:
    """A lockout actor, opened, that is called directly."""

    def __init__(
        self,
        store: FakeLockStore | None = None,
        shelf: LockShelf | None = None,
        at_ns: int = NOON_NS,
        **who: object,
    ) -> None:
        self.store = store or FakeLockStore()
        self.calls = self.store.calls
        self.clock = VirtualClock(at_ns)
        self.outbox = NotingOutbox(self.calls)
        self.overseer = RecordingOverseer()
        self.tape = Tape("lockout")
        self.actor = LockoutActor(
            context_of("lockout", self.outbox, self.clock, self.overseer)._replace(tape=self.tape),
            calendar=calendar(),
            open_store=lambda: self.store,
            shelf=shelf or LockShelf(),
            **who,
        )
        self.actor.opened()

    @property
    def announced(self) -> list[m.LocksChanged]:
        return self.outbox.of(m.LocksChanged)

    def handle(self, message: m.Message) -> None:
        """Hand over a message as a mailbox would, at the clock's time."""
        self.actor.on_receive(message)

    def tick_at(self, at_ns: int) -> None:
        self.clock.step(at_ns - self.clock.now_ns())
        self.handle(tick(at_ns, "tick-9"))
