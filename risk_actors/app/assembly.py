"""From settings and accounts to the actor system, not started, and who reads its picture."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from loguru import logger

from risk_actors import __version__
from risk_actors.actors.alert import AlertSink, NoAlerts
from risk_actors.actors.gateway import BrokerSession
from risk_actors.actors.lockout import LockShelf
from risk_actors.actors.tally import Tally
from risk_actors.actors.view import PictureFrame
from risk_actors.app.headroom_desk import HeadroomDesk
from risk_actors.app.memories import restore_memories
from risk_actors.app.rule_context import make_rule
from risk_actors.app.run_setup import read_locks, setup_of
from risk_actors.app.settings import Settings, TradingMode
from risk_actors.app.system import ActorSystem, Blueprint
from risk_actors.core.balance_check import DayOpening
from risk_actors.core.broker import Account
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.last_run import LastRun
from risk_actors.core.lock import Lock
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.rules import Mode, RuleContext
from risk_actors.core.rules.failure import waiting_for_rules
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.runtime.clock import Clock
from risk_actors.store.fills import read_seen_fills
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.retention import Retention
from risk_actors.store.runs import RunRecord, read_last_run, read_openings


class Assembly(NamedTuple):
    """The actors, and the picture with the headroom in it."""

    system: ActorSystem
    desk: HeadroomDesk
    memories: Mapping[tuple[str, int], RuleMemory]
    """What the rules began with."""


class Surroundings(NamedTuple):
    """What the actors are put together in."""

    session: BrokerSession
    frame: PictureFrame
    data_dir: Path
    clock: Clock
    mode: TradingMode
    armed: bool
    lock_shelf: LockShelf | None = None
    """The lock book of the actors before these, where the store lacks something of it."""
    memories: Mapping[tuple[str, int], RuleMemory] = MappingProxyType({})
    """What rules of the actors before these remembered; newer than the store, if it was full."""
    may_be_under_way: bool = False
    """Whether those had a command under way that nobody will remember."""
    is_rebuilt: bool = False
    """Whether actors of this process come before these."""
    broker: str | None = None
    """Whose everything kept is."""
    alerts: AlertSink = NoAlerts()
    """Where what the trader is to be told goes."""
    tally: Tally | None = None
    """What is counted of all actors of this process."""


def assemble(
    settings: Settings,
    context: RuleContext,
    accounts: Iterable[Account],
    surroundings: Surroundings,
) -> Assembly:
    """Put the actors together; what rules remembered is read from the store."""
    data_dir, clock, frame = surroundings.data_dir, surroundings.clock, surroundings.frame
    armed = surroundings.armed
    rules = [make_rule(rule, context) for rule in settings.rules if rule.mode is not Mode.OFF]
    memories = {**restore_memories(data_dir, rules), **surroundings.memories}
    last_run, openings, seen_fills = _left_behind(
        data_dir, context.calendar.week(clock.now_ns()).start_ns
    )
    if surroundings.is_rebuilt and not surroundings.may_be_under_way:
        last_run = msgspec.structs.replace(last_run, may_be_under_way=False)
    started_ns = clock.now_ns()
    left = read_locks(data_dir, context.calendar, started_ns)
    keep = Retention(
        record_days=settings.store.keep_days,
        tape_days=settings.store.keep_tape_days,
        tape_mb=settings.store.tape_mb,
    )
    blueprint = Blueprint(
        accounts={account.id: account.name for account in accounts},
        rules=rules,
        calendar=context.calendar,
        started_ns=started_ns,
        armed=armed,
        quote_stale_after_ns=int(settings.pnl.quote_stale_after_s * NS_PER_S),
        mark_terms=settings.pnl.mark_terms(),
        market=context.market,
        session=surroundings.session,
        open_locks=lambda: SqliteLockStore(data_dir, context.calendar.zone),
        open_journal=lambda: SqliteJournal(data_dir, calendar=context.calendar, run=run, keep=keep),
        frame=frame,
        memories=memories,
        openings=openings,
        seen_fills=seen_fills,
        last_run=last_run,
        unlock=settings.session.unlock_terms(),
        on_rule_failure=settings.session.on_rule_failure,
        brake_after_commands=settings.gateway.brake_after_commands,
        lock_shelf=surroundings.lock_shelf,
        held=waiting_for_rules(_locks_in_force(left, surroundings.lock_shelf)),
        tally=surroundings.tally,
        alerts=surroundings.alerts,
    )
    run = RunRecord(
        started_ns=started_ns,
        version=__version__,
        mode=surroundings.mode.value,
        armed=armed,
        setup=setup_of(
            settings,
            blueprint,
            left,
            mode=surroundings.mode.value,
        ).as_json(),
        broker=surroundings.broker,
    )
    system = ActorSystem(blueprint)
    return Assembly(system, HeadroomDesk(frame, rules, memories, clock), memories)


def _locks_in_force(left: RestoredLocks | None, shelf: LockShelf | None) -> Sequence[Lock]:
    """Return the locks that the actors begin with."""
    if shelf is not None and shelf.book is not None:
        book = shelf.book
        return [lock for each in sorted(book.accounts()) for lock in book.in_force(each)]
    return () if left is None else left.locks


class _LeftBehind(NamedTuple):
    last_run: LastRun
    openings: Mapping[int, DayOpening]
    seen_fills: Mapping[int, Mapping[int, SeenBefore]]


def _left_behind(data_dir: Path, since_ns: int) -> _LeftBehind:
    """Return what the run before left; nothing, and loudly, where that cannot be read."""
    try:
        return _LeftBehind(
            read_last_run(data_dir), read_openings(data_dir), read_seen_fills(data_dir, since_ns)
        )
    except sqlite3.Error as error:
        logger.error("When the last run ended cannot be read, so resets may be missed: {}", error)
        return _LeftBehind(LastRun(), {}, {})
