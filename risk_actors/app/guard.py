"""The actors that guard the accounts, over a session with the broker that outlives them.

Settings that change while the daemon runs are taken on by making all actors anew: the way back
from the store and the broker is the one that every start takes, so there is no second way to be
wrong. What the broker says meanwhile is held and handed to the new ones. The same way leads back
from an actor that failed for good.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loguru import logger

from risk_actors import __version__
from risk_actors.actors.alert import AlertSink, NoAlerts
from risk_actors.actors.lockout import LockShelf
from risk_actors.actors.operator import OperatorInlet
from risk_actors.actors.picture import Picture
from risk_actors.actors.timer import TICK_EVERY_S
from risk_actors.actors.trader_requests import AnswerKind, TraderAnswer
from risk_actors.actors.view import PictureFrame
from risk_actors.app import topology
from risk_actors.app.actor_figures import ActorFigures
from risk_actors.app.actor_set import ActorSet
from risk_actors.app.admin_secret import AdminSecret
from risk_actors.app.assembly import Surroundings, assemble
from risk_actors.app.fills_window import FillsWindow
from risk_actors.app.guard_words import NOBODY_GUARDS, say_given_up, say_stuck, tell_settings
from risk_actors.app.inlet import Inlet
from risk_actors.app.kept_memories import KeptMemories
from risk_actors.app.kept_panics import KeptPanics
from risk_actors.app.likeness import are_alike, say_rules
from risk_actors.app.notices import Notices
from risk_actors.app.pulse import PulseThread
from risk_actors.app.rule_context import rule_context
from risk_actors.app.sending import Sending
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_keeper import InForce
from risk_actors.app.store_watch import StoreState, StoreWatch
from risk_actors.app.supervision import RESYNC
from risk_actors.core.broker import Account
from risk_actors.core.command_slot import ANSWER_TIMEOUT_NS
from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import ActorChanged, PanicRequested
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.runtime import interpreter
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.restarts import WhenGivenUp
from risk_actors.runtime.supervisor import StartFailedError, Supervisor

RENEW_AFTER_NS = 120 * NS_PER_S
"""After a daily reset; the market's own pause lasts longer."""


class Guard:
    """Starts, replaces and stops the actors. One thread at a time may call what changes them."""

    def __init__(
        self,
        session: ProjectXGateway,
        accounts: Sequence[Account],
        fills_window: FillsWindow,
        *,
        data_dir: Path,
        clock: Clock,
        mode: TradingMode,
        broker: str | None = None,
        notices: Sequence[str] = (),
        alerts: AlertSink | None = None,
    ) -> None:
        """Take what every set of actors shares.

        Args:
            session: the connection to the broker.
            accounts: those to guard.
            fills_window: since when fills are wanted; it is given each calendar in force.
            data_dir: where the store is.
            clock: the present.
            mode: `paper` or `live`.
            broker: whose the store is.
            notices: what went wrong before the actors were there; shown until the process ends,
                and recorded.
            alerts: where what the trader is to be told goes.
        """
        self._session = session
        self._accounts = tuple(accounts)
        self._fills_window = fills_window
        self._data_dir = data_dir
        self._clock = clock
        self._mode = mode
        self._broker = broker
        self._alerts = alerts or NoAlerts()
        self._secret = AdminSecret(data_dir, clock)
        self._inlet = Inlet()
        self._in_force: InForce | None = None
        self._wanted: InForce | None = None
        self._sending = Sending(session)
        self._panics = KeptPanics()
        self._may_act_until_ns = clock.monotonic_ns()
        """Until when a command of any earlier actors may take effect; by the clock never set."""
        self.needs_mending = threading.Event()
        """Set when an actor failed for good."""
        self.figures = ActorFigures()
        """What was counted of all actors since the process began."""
        self._running: ActorSet | None = None
        self._made_ns = 0
        self._swap = threading.Lock()
        self._memories = KeptMemories()
        self._frame = PictureFrame(
            Picture(
                version=__version__,
                mode=mode.value,
                armed=False,
                phase="starting",
                notices=tuple(notices),
            )
        )
        self.notices = Notices(notices, clock, show=self._show_notices, record=self.record)
        """What went wrong for good."""
        self._store = StoreWatch(data_dir, clock, self.notices.say)
        self.operator: OperatorInlet

    # --- for readers on any thread ----------------------------------------------------------

    @property
    def shown(self) -> Picture:
        """The present picture without headroom: what needs no rule to be asked."""
        return self._frame.picture

    @property
    def can_be_read(self) -> bool:
        """Whether the last reading of every account succeeded."""
        known = self._frame.known
        return known is None or not known.unread_since_ns

    def picture(self) -> Picture:
        """Return the present picture, with what may still be done."""
        running = self._running
        return self._frame.picture if running is None else running.assembly.desk.picture()

    def topology(self) -> dict[str, Any]:
        """Return the message graph with live figures."""
        running = self._running
        if running is None:
            return topology.DeclaredTopology().as_json()
        return topology.live(running.assembly.system, running.supervisor)

    @property
    def has_locks(self) -> bool:
        """Whether a lock is in force on any account."""
        return any(account.locks for account in self._frame.picture.accounts)

    @property
    def has_room(self) -> bool:
        """Whether every account can be read at once within the budget of requests."""
        return self._session.has_room

    @property
    def has_pulse(self) -> bool:
        """Whether time passes for the actors."""
        return self._running is not None and self._running.has_pulse

    @property
    def given_up(self) -> tuple[str, ...]:
        """Who failed too often, so that what it did is not done any more; addresses."""
        return () if self._running is None else self._running.given_up()

    def lacking(self) -> dict[str, WhenGivenUp]:
        """Return whom all actors have to be made anew for, at once or some time.

        Where somebody stands in, nobody is lacking.
        """
        return {} if self._running is None else self._running.lacking()

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the actors that protection needs, in plain words."""
        running = self._running
        return () if running is None else running.supervisor.health().problems

    @property
    def is_guarding(self) -> bool:
        """Whether there are actors at all."""
        running = self._running
        return running is not None and not running.is_ended

    # --- for the one who changes them ---------------------------------------------------------

    def start(self, in_force: InForce) -> None:
        """Start the actors, then the streams.

        Raises:
            StartFailedError: an actor could not be started.
        """
        self._wanted = in_force
        self._make(in_force)
        logger.info("✅ Rules Initialized: {}", self._say_rules(in_force))
        self._session.start(self._inlet.send, tuple(account.id for account in self._accounts))
        enforced = "breaches are enforced" if self._is_armed(in_force) else "NOT ARMED"
        nothing = "" if self._is_armed(in_force) else ", nothing is sent"
        # Before the first event is let in, for that is the next checkpoint.
        logger.info("✅ Event Loop Running: {}{}", enforced, nothing)
        self._begin()
        self.notices.record_all()

    def ask(self, request: Callable[[OperatorInlet], TraderAnswer]) -> TraderAnswer:
        """Hand a request of the trader's to the present actors; from any thread.

        While they are being replaced it waits for the new ones: sent to the old, it would be lost.
        """
        with self._swap:
            if not self.is_guarding:
                return TraderAnswer(AnswerKind.CONFLICT, NOBODY_GUARDS)
            return request(self.operator)

    def judge(self, request: Callable[[OperatorInlet], TraderAnswer]) -> TraderAnswer:
        """Have a request that sends nothing judged, also while actors are replaced; any thread."""
        return request(self.operator)

    def hold_commands(self) -> None:
        """Send nothing to the broker until `release_commands`. From any thread."""
        self._sending.hold()

    def release_commands(self) -> None:
        """Take that the trader has armed again: what is in force decides."""
        self._sending.release()
        self._send_or_hold()

    def repeat_panics(self) -> bool:
        """Give panics again whose lock is not in force; tell whether there are any left."""
        running = self._running
        if running is None:
            return False
        book, now_ns = running.assembly.system.lock_shelf.book, self._clock.monotonic_ns()
        if not self._panics.settle(book, self._fills_window.calendar, self._clock.now_ns()):
            return False
        self._panics.give(running.lockout_mailbox, now_ns)
        return True

    def would_replace(self, in_force: InForce) -> bool:
        """Tell whether settings make other actors, or only have to be told."""
        return self._in_force is None or not are_alike(self._in_force, in_force)

    def take(self, in_force: InForce) -> bool:
        """Take on other settings; when that fails, go on with those before and return false.

        Whether commands are sent follows at once all the same: who disarmed has disarmed.

        Raises:
            StartFailedError: neither could be started; nothing is guarded any more.
        """
        self._wanted = in_force
        if not self.would_replace(in_force):
            self._in_force = in_force
            self._send_or_hold()
            self._tell_settings()
            return True
        if not self._replace(in_force):
            self._send_or_hold()
            return False
        logger.warning(
            "Settings taken on ({}): {}",
            "; ".join(in_force.applied) or "no rule differs",
            self._say_rules(in_force),
        )
        return True

    def renew(self) -> None:
        """Make the actors anew once a trading day, when nothing is open or under way.

        A replay begins where a run does, and it needs the tape from there on; so no run is to be
        longer than a day. Not before the day's opening balance is known.

        Raises:
            StartFailedError: they could not be started; nothing is guarded any more.
        """
        in_force = self._in_force
        if in_force is None or self._made_ns >= in_force.day_start_ns + RENEW_AFTER_NS:
            return
        is_due = self._clock.now_ns() >= in_force.day_start_ns + RENEW_AFTER_NS
        if is_due and self._frame.picture.is_quiet and self._replace(in_force):
            logger.info("A trading day has begun: the actors were made anew")

    def look_after_store(self) -> None:
        """Make a store anew that is gone, and write into it what is known.

        Raises:
            StartFailedError: no actors could be started with it; nothing is guarded any more.
        """
        if self._wanted is not None and self._store.is_gone:
            # What could not be taken on without a store is now.
            self._replace(self._wanted)

    def look_at_secret(self) -> None:
        """Note which admin secret is set, so that one set before a lock counts as that."""
        self._secret.look()

    def remake(self) -> bool:
        """Make the actors anew as they are; tell whether that was possible.

        Raises:
            StartFailedError: they could not be started; nothing is guarded any more.
        """
        return self._in_force is not None and self._replace(self._in_force)

    def _replace(self, in_force: InForce) -> bool:
        """Make the actors anew; those that work are not ended for a store that does not.

        Returns:
            Whether there are new actors with these settings.
        """
        with self._swap:
            before = self._in_force
            store = self._store.look()
            if store is StoreState.UNUSABLE:
                return False
            self._end()
            if store is StoreState.MADE_ANEW:
                # Not before: those who have ended may have written until then, into the lost file.
                self._fill_store()
            is_taken = True
            try:
                self._make(in_force)
            except StartFailedError as error:
                if before is None:
                    raise
                logger.critical("The changed settings could not be taken on: {}", error)
                self._make(before)
                is_taken = are_alike(before, in_force)
            self._session.resume("the actors were made anew")
            self._begin()
        return is_taken

    def _fill_store(self) -> None:
        """Write into a new store what only the actors before knew."""
        if self._running is None or self._in_force is None:
            return
        self._running.assembly.system.lock_shelf.save_again()
        self._memories.take(self._running.assembly.memories, self._frame.memories)
        self._store.fill(self._memories.to_store(self._in_force.settings))

    def stop(self) -> None:
        """Stop the actors; the session must have been stopped before."""
        if self._running is not None:
            self._running.stop()

    def show_phase(self, phase: str) -> None:
        """Put a phase into the picture by hand, as when the end has begun."""
        self._frame.show_phase(phase)

    # --- details ----------------------------------------------------------------------------

    def _make(self, in_force: InForce) -> None:
        settings, armed = in_force.settings, self._is_armed(in_force)
        context = rule_context(settings)
        self._fills_window.calendar = context.calendar
        self._session.follow_market(
            context.market, int(settings.pnl.quote_stale_after_s * NS_PER_S)
        )
        before = self._frame
        self._memories.take_of(before.memories, self.given_up)
        frame = PictureFrame(
            Picture(
                version=__version__,
                mode=self._mode.value,
                armed=armed,
                phase="starting",
                unlock=settings.session.unlock.value,
                timezone=settings.session.timezone,
                notices=self.notices.said,
                events=before.picture.events,
            )
        )
        assembly = assemble(
            settings,
            context,
            self._accounts,
            Surroundings(
                session=self._session,
                frame=frame,
                data_dir=self._data_dir,
                clock=self._clock,
                mode=self._mode,
                armed=armed,
                lock_shelf=self._unsaved_locks(),
                memories=self._memories.for_settings(
                    None if self._in_force is None else self._in_force.settings, settings
                ),
                may_be_under_way=self._may_be_under_way(),
                is_rebuilt=self._running is not None,
                broker=self._broker,
                tally=self.figures.tally,
                alerts=self._alerts,
            ),
        )
        system = assembly.system
        supervisor = Supervisor(
            self._clock,
            outbox=system.supervisor_outbox,
            resync=RESYNC,
            on_given_up=self._on_given_up,
            on_stuck=say_stuck,
        )
        supervisor.start(system.specs)
        self._frame = frame
        self._in_force = in_force
        self._made_ns = self._clock.now_ns()
        self._running = ActorSet(
            assembly, supervisor, PulseThread(system.timer_mailbox, TICK_EVERY_S)
        )
        self.figures.follow(self._running)
        self.operator = OperatorInlet(
            system.operator_outbox,
            self._clock,
            tuple(account.id for account in self._accounts),
            armed=armed,
            unlock=settings.session.unlock_terms(),
            picture=lambda: frame.picture,
            secret=self._secret,
            zone=context.calendar.zone,
            keep_panic=self._keep_panic,
        )

    def _may_be_under_way(self) -> bool:
        """Tell whether a command of earlier actors may take effect that nobody will remember.

        Those just before need not be the ones who sent it: they may not have been armed.
        """
        now_ns = self._clock.monotonic_ns()
        accounts = self._frame.picture.accounts
        if self.given_up or any(account.enforcement for account in accounts):
            self._may_act_until_ns = now_ns + ANSWER_TIMEOUT_NS
        return now_ns < self._may_act_until_ns

    def _begin(self) -> None:
        """Let in what the broker says, and time."""
        assert self._running is not None  # noqa: S101 - made a moment ago
        self._send_or_hold()
        interpreter.settle_again()  # now, for in that moment nothing else is done
        self._inlet.open(self._running.assembly.system.inbound.send)
        self._panics.give(self._running.lockout_mailbox, self._clock.monotonic_ns(), is_new=True)
        self._running.pulse.start()
        self._running.assembly.desk.start()
        self._tell_settings()

    def _end(self) -> None:
        self._inlet.hold()
        if self._running is not None:
            self._running.stop()

    def _unsaved_locks(self) -> LockShelf | None:
        """Return the lock book where the store lacks something of it, as when the disk is full."""
        if self._running is None:
            return None
        shelf = self._running.assembly.system.lock_shelf
        return shelf if shelf.unsaved else None

    def _is_armed(self, in_force: InForce) -> bool:
        return in_force.is_armed(self._mode)

    def _tell_settings(self) -> None:
        assert self._in_force is not None  # noqa: S101 - made a moment ago
        tell_settings(self.operator, self._in_force)
        # Told once: who is told again later is not told that it changed again.
        self._in_force = self._in_force._replace(applied=())

    def _send_or_hold(self) -> None:
        """Let commands through where the trader has armed and settings in force and wanted do."""
        assert self._in_force is not None  # noqa: S101 - made before
        assert self._wanted is not None  # noqa: S101 - taken before
        is_armed = self._is_armed(self._in_force) and self._is_armed(self._wanted)
        self._sending.follow(armed=is_armed)

    def _keep_panic(self, asked: PanicRequested) -> str:
        """Keep a panic until its lock is in force; return what is in the way, in plain words."""
        self._panics.keep(asked, self._clock.monotonic_ns())
        self.needs_mending.set()
        failed = ", ".join(a for a, how in self.lacking().items() if how is WhenGivenUp.REMAKE)
        return f"{failed} failed: what it does follows once it is made anew" if failed else ""

    def record(self, message: ActorChanged) -> None:
        """Have the present actors show and record what became of one."""
        assert self._running is not None  # noqa: S101 - made before anything is said
        self._running.assembly.system.supervisor_outbox.send(message)

    def _show_notices(self, said: tuple[str, ...]) -> None:
        self._frame.show_notices(said)

    def _on_given_up(self, address: str) -> None:
        """Take the word of the supervisor, on its thread; the actors are made anew on another."""
        say_given_up(address)
        self.needs_mending.set()

    def _say_rules(self, in_force: InForce) -> str:
        return say_rules(in_force.settings, armed=self._is_armed(in_force))
