"""Runs the judging actors again, without threads, as their tapes tell.

The actors are the ones that run in production, made by the same factories. Only what is around
them differs: who calls them, a clock that is set to each noted instant, a lock store that fails
where it failed, and nobody behind the commands.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from risk_actors import messages as m
from risk_actors.actors.journal import JournalActor
from risk_actors.actors.record import JournalStore
from risk_actors.app.replay_compare import Comparison
from risk_actors.app.replay_locks import ReplayedLockStore
from risk_actors.app.replay_mailbox import ChannelMailbox, SilentMailbox
from risk_actors.app.run_setup import Edges, RunSetup, blueprint_of, locks_of
from risk_actors.app.system import TAPED, ActorSystem
from risk_actors.core.commands import Command
from risk_actors.runtime.actor import Actor
from risk_actors.runtime.control import Control
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.supervisor import ChildSpec
from risk_actors.runtime.tape import BROUGHT, MADE, REPLACED, STORE, next_instant
from risk_actors.store.tape_rows import KeptNote, KeptNotes, TickRun


class OutOfStepError(Exception):
    """The replay cannot follow the tape any more; the text says why."""


class TapeClock:
    """Tells the instant that the tape noted."""

    def __init__(self) -> None:
        self.instant_ns = 0

    def now_ns(self) -> int:
        """Return the instant at hand."""
        return self.instant_ns

    def monotonic_ns(self) -> int:
        """Return the same: no decision may depend on it."""
        return self.instant_ns


class _Journal(Mailbox):
    """Hands what actors say to the comparison."""

    def __init__(self, address: str, said: Callable[[str, m.Message], None]) -> None:
        super().__init__(address)
        self._said = said

    def deliver(self, message: m.Message, sender: str = "") -> bool:
        """Take what an actor says."""
        self._said(sender, message)
        return True


class _NoSession:
    """The broker of a replay: nothing reaches it."""

    def submit(self, command: Command) -> None:
        """Do nothing."""

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Do nothing."""

    def request_bars(self, wanted: m.RequestBars) -> None:
        """Do nothing."""

    def note_locks(self, note: m.NoteLocks) -> None:
        """Do nothing."""


class _NoOverseer:
    """Nobody restarts anybody here: the tape says who was made again."""

    def actor_started(self, address: str) -> None:
        """Do nothing."""

    def actor_failed(self, address: str, error: BaseException, message: object | None) -> None:
        """Do nothing: the exception itself is seen."""

    def actor_fault(self, address: str, detail: str) -> None:
        """Do nothing."""


class Player:
    """One actor and its tape."""

    def __init__(self, spec: ChildSpec) -> None:
        assert isinstance(spec.mailbox, ChannelMailbox)  # noqa: S101 - made in `ReplayedActors`
        self.address = spec.address
        self._spec = spec
        self._channels = spec.mailbox.channels
        self._clock = TapeClock()
        self._actor: Actor | None = None
        self._failure = ""
        self.problems: list[tuple[int, str]] = []
        """Where it failed in one of run and replay alone, by instant."""
        self.ticks = 0
        self.unheard = 0
        """Notes from before it was made, which cannot be replayed."""

    def play(self, notes: KeptNotes) -> None:
        """Do again what the notes say.

        Raises:
            OutOfStepError: it was given what the replay did not bring forth.
        """
        for note in notes:
            if isinstance(note, TickRun):
                self._play_ticks(note.ticks)
            elif note.sender in (MADE, BROUGHT, REPLACED):
                self._make(note.at_ns, note.sender)
            elif note.sender != STORE:
                self._play_message(note)

    def _make(self, at_ns: int, made_as: str) -> None:
        if made_as == REPLACED:
            # What it said meanwhile reached nobody in the run, and here it did.
            self.problems.append((at_ns, f"{self.address} was stuck in the run and replaced"))
            self._spec.renew()
        elif made_as == MADE and self._actor is not None:
            self.problems.append((at_ns, f"{self.address} failed in the run, not in the replay"))
        self._close()
        self._failure = ""
        self._clock.instant_ns = at_ns
        # Without a tape the actor uses the clock that it is given.
        context = self._spec.context(self._clock, _NoOverseer(), made_as)._replace(tape=None)
        try:
            self._actor = self._spec.make(context)
            self._actor.on_start()
        except Exception as error:  # noqa: BLE001 - it may have failed so in the run
            self._fail(error)

    def _play_ticks(self, ticks: Sequence[m.Tick]) -> None:
        actor, clock = self._present(len(ticks)), self._clock
        if actor is None:
            return
        handle, done = actor.handle, 0
        try:
            for tick in ticks:
                done += 1
                clock.instant_ns = next_instant(clock.instant_ns, tick.at_ns)
                handle(tick)
        except Exception as error:  # noqa: BLE001 - it may have failed so in the run
            self._fail(error)
            if done < len(ticks):
                self._present(len(ticks) - done)
        self.ticks += done

    def _play_message(self, note: KeptNote) -> None:
        message, at_ns = note.message, note.at_ns
        if note.is_after_message:
            waiting = self._channels[note.sender]
            if not waiting:
                raise OutOfStepError(
                    f"{self.address} was given a message of {note.sender} that the replay of "
                    f"{note.sender} did not bring forth"
                )
            message = waiting.popleft()
            at_ns = message.at_ns + note.at_ns
        actor = self._present(1)
        if actor is None or message is None:
            return
        self._clock.instant_ns = at_ns
        try:
            if isinstance(message, Control):
                actor.handle_control(message)
            else:
                actor.handle(message)
        except Exception as error:  # noqa: BLE001 - it may have failed so in the run
            self._fail(error)

    def _present(self, notes: int) -> Actor | None:
        """Return the actor, if the replay has one as the run had."""
        if self._actor is None and self._failure:
            raise OutOfStepError(
                f"{self.address} fails in the replay and did not in the run: {self._failure}"
            )
        if self._actor is None:
            self.unheard += notes
        return self._actor

    def _fail(self, error: Exception) -> None:
        self._failure = f"{type(error).__name__}: {error}"
        self._close()

    def _close(self) -> None:
        actor, self._actor = self._actor, None
        if actor is not None:
            with suppress(Exception):  # as in the run, where the first error was the one to tell
                actor.closed()


class ReplayedActors:
    """All judging actors of one run."""

    def __init__(
        self, setup: RunSetup, failing_calls: Mapping[int, str], comparison: Comparison
    ) -> None:
        """Make the system as the run did, with nothing behind it.

        Raises:
            msgspec.MsgspecError: this version does not accept the settings or memories of the run.
        """
        locks = ReplayedLockStore(
            lambda now_ns, ended_after_ns: locks_of(setup, now_ns, ended_after_ns), failing_calls
        )

        def mailbox(address: str) -> Mailbox:
            if address == JournalActor.kind:
                return _Journal(address, comparison.said)
            is_taped = address.partition(":")[0] in TAPED
            return ChannelMailbox(address) if is_taped else SilentMailbox(address)

        system = ActorSystem(
            blueprint_of(
                setup,
                Edges(
                    session=_NoSession(),
                    open_locks=locks.open,
                    open_journal=_no_journal,
                    make_mailbox=mailbox,
                ),
            )
        )
        # Specs stand in the order to start, sinks first; a cause is played before what it causes.
        self.players: dict[str, Player] = {
            spec.address: Player(spec) for spec in reversed(system.specs) if spec.kind in TAPED
        }

    def play(self, notes: Mapping[str, KeptNotes]) -> None:
        """Do again what one row of the tape says.

        Raises:
            OutOfStepError: the replay cannot follow.
        """
        strangers = notes.keys() - self.players.keys()
        if strangers:
            raise OutOfStepError(
                f"the tape names {', '.join(sorted(strangers))}, unknown to the run's setup"
            )
        for address, player in self.players.items():
            taken = notes.get(address)
            if taken:
                player.play(taken)


def _no_journal() -> JournalStore:
    raise AssertionError("the journal actor is not made in a replay")
