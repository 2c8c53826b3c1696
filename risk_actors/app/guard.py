"""The actors that guard the accounts, over a session with the broker that outlives them.

Settings that change while the daemon runs are taken on by making all actors anew: the way back
from the store and the broker is the one that every start takes, so there is no second way to be
wrong. What the broker says meanwhile is held and handed to the new ones.
"""

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from loguru import logger

from risk_actors import __version__
from risk_actors.actors.lockout import LockShelf
from risk_actors.actors.operator import OperatorInlet
from risk_actors.actors.picture import Picture
from risk_actors.actors.timer import TICK_EVERY_S
from risk_actors.actors.view import PictureFrame
from risk_actors.app import topology
from risk_actors.app.admin_secret import AdminSecret
from risk_actors.app.assembly import Assembly, Surroundings, assemble
from risk_actors.app.inlet import Inlet
from risk_actors.app.pulse import PulseThread
from risk_actors.app.rule_context import rule_context
from risk_actors.app.settings import (
    LogSettings,
    PaperSettings,
    Settings,
    TradingMode,
    WebSettings,
)
from risk_actors.app.settings_keeper import InForce
from risk_actors.app.system import RESYNC
from risk_actors.core.broker import Account
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.rules import Mode
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.messages import ActorChanged, ActorStatus
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.supervisor import StartFailedError, Supervisor
from risk_actors.store.recovery import open_or_recover
from risk_actors.store.rule_states import KeptMemory, keep_memories
from risk_actors.store.schema import DATABASE_FILE
from risk_actors.store.trouble import store_trouble

RENEW_AFTER_NS = 120 * NS_PER_S
"""After a daily reset; the market's own pause lasts longer."""

_NS_PER_MS = 1_000_000


class FillsWindow:
    """Since when the broker's fills are wanted, by the calendar that holds now."""

    def __init__(self, calendar: TradingCalendar) -> None:
        self.calendar = calendar

    def __call__(self, now_ns: int) -> int:
        """Return the earlier of both beginnings; a week may begin after the day does."""
        return min(self.calendar.day(now_ns).start_ns, self.calendar.week(now_ns).start_ns)


class _Running:
    """One set of actors."""

    def __init__(self, assembly: Assembly, supervisor: Supervisor, pulse: PulseThread) -> None:
        self.assembly = assembly
        self.supervisor = supervisor
        self.pulse = pulse

    def stop(self) -> None:
        """End the actors, the last started first; what waits in mailboxes is handled first."""
        self.pulse.stop()
        left = self.supervisor.stop()
        if left:
            logger.error("Actors that did not end in time: {}", ", ".join(left))


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
        """
        self._notices = tuple(notices)
        self._session = session
        self._accounts = tuple(accounts)
        self._fills_window = fills_window
        self._data_dir = data_dir
        self._clock = clock
        self._mode = mode
        self._broker = broker
        self._secret = AdminSecret(data_dir, clock)
        self._inlet = Inlet()
        self._in_force: InForce | None = None
        self._running: _Running | None = None
        self._made_ns = 0
        self._swap = threading.Lock()
        self._memories: dict[tuple[str, int], RuleMemory] = {}
        self._frame = PictureFrame(
            Picture(
                version=__version__,
                mode=mode.value,
                armed=False,
                phase="starting",
                notices=self._notices,
            )
        )
        self.operator: OperatorInlet

    # --- for readers on any thread ----------------------------------------------------------

    def picture(self) -> Picture:
        """Return the present picture."""
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
    def has_given_up(self) -> bool:
        """Whether some actor failed too often, so that what it did is not done any more."""
        running = self._running
        return running is not None and any(
            stats.status == "given_up" for stats in running.supervisor.stats()
        )

    # --- for the one who changes them ---------------------------------------------------------

    def start(self, in_force: InForce) -> None:
        """Start the actors, then the streams.

        Raises:
            StartFailedError: an actor could not be started.
        """
        self._make(in_force)
        logger.info("✅ Rules Initialized: {}", self._say_rules(in_force))
        self._session.start(self._inlet.send, tuple(account.id for account in self._accounts))
        self._begin()
        self._record_notices()
        enforced = "breaches are enforced" if self._is_armed(in_force) else "NOT ARMED"
        nothing = "" if self._is_armed(in_force) else ", nothing is sent"
        logger.info("✅ Event Loop Running: {}{}", enforced, nothing)

    def ask[T](self, request: Callable[[OperatorInlet], T]) -> T:
        """Hand a request of the trader's to the present actors; from any thread.

        While they are being replaced it waits for the new ones: sent to the old, it would be lost.
        """
        with self._swap:
            return request(self.operator)

    def hold_commands(self) -> None:
        """Send nothing to the broker from this instant on; from any thread."""
        self._session.hold_commands = True

    def would_replace(self, in_force: InForce) -> bool:
        """Tell whether settings make other actors, or only have to be told."""
        return self._in_force is None or not _are_alike(self._in_force, in_force)

    def take(self, in_force: InForce) -> None:
        """Take on other settings; when that fails, go on with those before.

        Raises:
            StartFailedError: neither could be started; nothing is guarded any more.
        """
        if not self.would_replace(in_force):
            self._in_force = in_force
            self._tell_settings()
            return
        if not self._replace(in_force):
            return
        logger.warning(
            "Settings taken on ({}): {}",
            "; ".join(in_force.applied) or "no rule differs",
            self._say_rules(in_force),
        )

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
        if self._clock.now_ns() >= in_force.day_start_ns + RENEW_AFTER_NS and self._is_quiet():
            logger.info("A trading day has begun: the actors are made anew")
            self._replace(in_force)

    def look_after_store(self) -> None:
        """Make a store anew that is gone, and write into it what is known.

        Raises:
            StartFailedError: no actors could be started with it; nothing is guarded any more.
        """
        self._secret.look()
        if self._in_force is not None and not (self._data_dir / DATABASE_FILE).is_file():
            self._replace(self._in_force)

    def _replace(self, in_force: InForce) -> bool:
        """Make the actors anew; those that work are not ended for a store that does not."""
        with self._swap:
            before = self._in_force
            if not self._is_store_usable():
                return False
            self._end()
            try:
                self._make(in_force)
            except StartFailedError as error:
                if before is None:
                    raise
                logger.critical("The changed settings could not be taken on: {}", error)
                self._make(before)
            self._session.resume("the actors were made anew")
            self._begin()
        return True

    def _is_store_usable(self) -> bool:
        """Look at the store; one that is damaged or gone is set aside and made anew."""
        trouble = store_trouble(self._data_dir)
        if trouble is None:
            return True
        try:
            said = (trouble, *open_or_recover(self._data_dir, self._clock.now_ns()).said)
            keep_memories(self._data_dir, self._all_memories(), self._clock.now_ns())
        except (sqlite3.Error, OSError) as error:
            sentence = (
                f"{trouble}, and cannot be made anew: {error}. Rules and locks go on in memory;"
                " settings are taken on once the data directory can be written."
            )
            said = (sentence,)
        for sentence in said:
            self._notice(sentence)
        is_usable = store_trouble(self._data_dir) is None
        if is_usable and self._running is not None:
            self._running.assembly.system.lock_shelf.save_again()
        return is_usable

    def _notice(self, sentence: str) -> None:
        """Say what went wrong with the store, once: on the screen, in the log, in the record."""
        if sentence in self._notices:
            return
        logger.critical("{}", sentence)
        self._notices = (*self._notices, sentence)
        self._frame.show_notices(self._notices)
        self._record(sentence)

    def _all_memories(self) -> list[KeptMemory]:
        """Return what the rules remember now, whether or not it changed since the start."""
        assert self._running is not None and self._in_force is not None  # noqa: S101,PT018
        types = _types(self._in_force.settings)
        memories = {**self._running.assembly.memories, **self._frame.memories}
        self._memories |= memories
        return [
            KeptMemory(rule_id, types[rule_id], account_id, memory)
            for (rule_id, account_id), memory in memories.items()
            if rule_id in types
        ]

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
        before = self._frame
        frame = PictureFrame(
            Picture(
                version=__version__,
                mode=self._mode.value,
                armed=armed,
                phase="starting",
                unlock=settings.session.unlock.value,
                timezone=settings.session.timezone,
                notices=self._notices,
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
                memories=self._memories_for(settings),
                may_be_under_way=any(a.enforcement for a in before.picture.accounts),
                is_rebuilt=self._running is not None,
                broker=self._broker,
            ),
        )
        system = assembly.system
        supervisor = Supervisor(
            self._clock, outbox=system.supervisor_outbox, resync=RESYNC, on_given_up=_say_given_up
        )
        supervisor.start(system.specs)
        self._frame = frame
        self._in_force = in_force
        self._made_ns = self._clock.now_ns()
        self._running = _Running(
            assembly, supervisor, PulseThread(system.timer_mailbox, TICK_EVERY_S)
        )
        self.operator = OperatorInlet(
            system.operator_outbox,
            self._clock,
            tuple(account.id for account in self._accounts),
            armed=armed,
            unlock=settings.session.unlock_terms(),
            picture=self.picture,
            secret=self._secret,
            zone=context.calendar.zone,
        )

    def _begin(self) -> None:
        """Let in what the broker says, and time."""
        assert self._running is not None  # noqa: S101 - made a moment ago
        assert self._in_force is not None  # noqa: S101 - made a moment ago
        self._session.hold_commands = not self._is_armed(self._in_force)
        self._inlet.open(self._running.assembly.system.inbound.send)
        self._running.pulse.start()
        self._tell_settings()

    def _end(self) -> None:
        self._inlet.hold()
        if self._running is not None:
            self._running.stop()

    def _memories_for(self, settings: Settings) -> Mapping[tuple[str, int], RuleMemory]:
        """Return what the rules remembered that are still of the same type.

        It is in the store as well, unless that could not be written.
        """
        self._memories |= self._frame.memories
        before = {} if self._in_force is None else _types(self._in_force.settings)
        after = _types(settings)
        return {
            (rule_id, account_id): memory
            for (rule_id, account_id), memory in self._memories.items()
            if before.get(rule_id) == after.get(rule_id)
        }

    def _unsaved_locks(self) -> LockShelf | None:
        """Return the lock book where the store lacks something of it, as when the disk is full."""
        if self._running is None:
            return None
        shelf = self._running.assembly.system.lock_shelf
        return shelf if shelf.unsaved else None

    def _is_quiet(self) -> bool:
        """Tell whether no account has anything that could move while nobody looks."""
        picture = self._frame.picture
        return picture.phase == "armed" and not any(
            account.positions or account.orders or account.enforcement
            for account in picture.accounts
        )

    def _is_armed(self, in_force: InForce) -> bool:
        return in_force.is_armed(self._mode)

    def _tell_settings(self) -> None:
        assert self._in_force is not None  # noqa: S101 - made a moment ago
        self.operator.tell_settings(
            day_start_ns=self._in_force.day_start_ns,
            in_force=self._in_force.text,
            applied=self._in_force.applied,
            pending=self._in_force.pending,
            fault=self._in_force.fault,
            armed_by_command=self._in_force.armed_by_command,
        )
        # Told once: who is told again later is not told that it changed again.
        self._in_force = self._in_force._replace(applied=())

    def _record_notices(self) -> None:
        """Have it in the record what went wrong with the store before anything could record it."""
        for notice in self._notices:
            self._record(notice)

    def _record(self, notice: str) -> None:
        assert self._running is not None  # noqa: S101 - made before anything is said
        now_ns = self._clock.now_ns()
        self._running.assembly.system.supervisor_outbox.send(
            ActorChanged(
                correlation_id=f"store-{now_ns // _NS_PER_MS:x}-{self._notices.index(notice) + 1}",
                at_ns=now_ns,
                address="store",
                status=ActorStatus.FAULT,
                detail=notice,
            )
        )

    def _say_rules(self, in_force: InForce) -> str:
        return say_rules(in_force.settings, armed=self._is_armed(in_force))


def say_rules(settings: Settings, *, armed: bool) -> str:
    """Return each rule with the mode that holds while armed or not."""
    modes = [
        "shadow" if rule.mode is Mode.ENFORCE and not armed else rule.mode.value
        for rule in settings.rules
    ]
    return ", ".join(
        f"{rule.id} ({mode})" for rule, mode in zip(settings.rules, modes, strict=True)
    )


def _types(settings: Settings) -> dict[str, str]:
    return {rule.id: rule.type for rule in settings.rules}


def _are_alike(one: InForce, other: InForce) -> bool:
    """Tell whether the actors that run with one would be the same with the other."""
    return (_of_actors(one.settings), one.armed_by_command) == (
        _of_actors(other.settings),
        other.armed_by_command,
    )


def _of_actors(settings: Settings) -> Settings:
    """Return settings without what no actor has to do with."""
    return msgspec.structs.replace(
        settings,
        gateway=GatewaySettings(),
        log=LogSettings(),
        web=WebSettings(),
        simulator=PaperSettings(),
        preset=None,
        news_notes=(),
    )


def _say_given_up(address: str) -> None:
    logger.critical(
        "{} failed too often and was given up: what it did is NOT DONE any more. "
        "Close your positions yourself and start again.",
        address,
    )
