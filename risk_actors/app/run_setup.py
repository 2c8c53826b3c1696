"""What a run began from, so that it can be done again: settings, accounts, and what was restored.

It is kept with the run as JSON. Credentials are no part of it: settings have none.
"""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from loguru import logger

from risk_actors.actors.gateway import BrokerSession
from risk_actors.actors.lock_store import LockStore
from risk_actors.actors.picture import Picture
from risk_actors.actors.record import JournalStore
from risk_actors.actors.view import PictureFrame
from risk_actors.app.rule_context import make_rule, rule_context
from risk_actors.app.settings import Settings
from risk_actors.app.settings_json import decode_settings, encode_settings
from risk_actors.app.system import Blueprint
from risk_actors.core.balance_check import DayOpening
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.last_run import LastRun
from risk_actors.core.lock import LockSpan, Unlocked
from risk_actors.core.lock_book import RestoredLocks, past_from_ns
from risk_actors.core.rules import Mode
from risk_actors.core.rules.failure import waiting_for_rules
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.store.lock_rows import lock_of, row_of
from risk_actors.store.locks import SqliteLockStore


class _KeptMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule remembered of one account."""

    rule_id: str
    account_id: int
    memory: msgspec.Raw


class _KeptLocks(msgspec.Struct, frozen=True, kw_only=True):
    """What the lock store held."""

    locks: tuple[dict[str, Any], ...]
    past: tuple[tuple[int, LockSpan], ...]
    last_id: int
    requests: tuple[UnlockRequest, ...]
    unlocked: tuple[tuple[int, Unlocked], ...]


class RunSetup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the actors of one run were made from."""

    settings: str
    """As JSON, in force for the whole run."""
    accounts: dict[int, str]
    mode: str
    armed: bool
    started_ns: int
    memories: tuple[_KeptMemory, ...]
    openings: dict[int, DayOpening]
    seen_fills: dict[int, dict[int, SeenBefore]]
    last_run: LastRun
    locks: _KeptLocks
    locks_are_known: bool = True
    """False where the lock book came from the actors before, for the store lacked something of it,
    or the store could not be read; then `locks` is not what the run began from."""

    def as_json(self) -> str:
        """Return it as text for the store."""
        return msgspec.json.encode(self).decode()


def decode_setup(text: str) -> RunSetup:
    """Return the setup that was kept.

    Raises:
        msgspec.MsgspecError: this version cannot read it.
    """
    return msgspec.json.decode(text, type=RunSetup)


def setup_of(
    settings: Settings, blueprint: Blueprint, locks: RestoredLocks | None, *, mode: str
) -> RunSetup:
    """Return what a run begins from.

    Args:
        settings: in force.
        blueprint: what the actors are made of.
        locks: what the lock store holds before the actors are made, None where nobody knows.
        mode: `paper` or `live`.
    """
    zone, left = blueprint.calendar.zone, locks or RestoredLocks()
    return RunSetup(
        settings=encode_settings(settings),
        accounts=dict(blueprint.accounts),
        mode=mode,
        armed=blueprint.armed,
        started_ns=blueprint.started_ns,
        memories=tuple(
            _KeptMemory(
                rule_id=rule_id,
                account_id=account_id,
                memory=msgspec.Raw(encode_memory(memory)),
            )
            for (rule_id, account_id), memory in blueprint.memories.items()
        ),
        openings=dict(blueprint.openings),
        seen_fills={i: dict(seen) for i, seen in blueprint.seen_fills.items()},
        last_run=blueprint.last_run,
        locks=_KeptLocks(
            locks=tuple(row_of(lock, zone) for lock in left.locks),
            past=left.past,
            last_id=left.last_id,
            requests=left.requests,
            unlocked=left.unlocked,
        ),
        locks_are_known=locks is not None and blueprint.lock_shelf is None,
    )


def read_locks(data_dir: Path, calendar: TradingCalendar, now_ns: int) -> RestoredLocks | None:
    """Return what the lock store holds, as the lockout actor will read it a moment later.

    None where it cannot be read: whether to begin all the same is for the lockout actor to say.
    """
    try:
        store = SqliteLockStore(data_dir, calendar.zone)
        try:
            return store.restored(now_ns, past_from_ns(calendar, now_ns))
        finally:
            store.close()
    except (sqlite3.Error, msgspec.MsgspecError, ValueError, KeyError) as error:
        logger.error("The locks cannot be read, so this run cannot be replayed: {}", error)
        return None


def calendar_of(setup: RunSetup) -> TradingCalendar:
    """Return the trading days and weeks of a run."""
    return rule_context(decode_settings(setup.settings)).calendar


class Edges(NamedTuple):
    """What the actors of a replay meet instead of the broker and the store."""

    session: BrokerSession
    open_locks: Callable[[], LockStore]
    open_journal: Callable[[], JournalStore]
    make_mailbox: Callable[[str], Mailbox]


def blueprint_of(setup: RunSetup, edges: Edges) -> Blueprint:
    """Return what the actors of a run were made of, with other edges.

    Raises:
        msgspec.MsgspecError: this version does not accept its settings or memories.
    """
    settings = decode_settings(setup.settings)
    context = rule_context(settings)
    rules = [make_rule(rule, context) for rule in settings.rules if rule.mode is not Mode.OFF]
    by_id = {rule.settings.id: rule for rule in rules}
    memories: Mapping[tuple[str, int], RuleMemory] = {
        (kept.rule_id, kept.account_id): decode_memory(by_id[kept.rule_id], bytes(kept.memory))
        for kept in setup.memories
        if kept.rule_id in by_id
    }
    return Blueprint(
        accounts=setup.accounts,
        rules=rules,
        calendar=context.calendar,
        started_ns=setup.started_ns,
        armed=setup.armed,
        quote_stale_after_ns=int(settings.pnl.quote_stale_after_s * NS_PER_S),
        mark_terms=settings.pnl.mark_terms(),
        market=context.market,
        session=edges.session,
        open_locks=edges.open_locks,
        open_journal=edges.open_journal,
        make_mailbox=edges.make_mailbox,
        frame=PictureFrame(
            Picture(version="", mode=setup.mode, armed=setup.armed, phase="starting")
        ),
        memories=memories,
        openings=setup.openings,
        seen_fills=setup.seen_fills,
        last_run=setup.last_run,
        unlock=settings.session.unlock_terms(),
        on_rule_failure=settings.session.on_rule_failure,
        brake_after_commands=settings.gateway.brake_after_commands,
        held=waiting_for_rules(lock_of(row) for row in setup.locks.locks),
    )


def locks_of(setup: RunSetup, now_ns: int, ended_after_ns: int) -> RestoredLocks:
    """Return what the lock store told when the lockout actor opened it.

    That was a moment after the setup was taken, and a lock may have ended by time in it.
    """
    kept = setup.locks
    locks = tuple(lock_of(row) for row in kept.locks)
    asked = {request.lock_id for request in kept.requests}
    ended = {
        lock.id
        for lock in locks
        if lock.until_ns is not None and lock.until_ns <= now_ns and lock.id not in asked
    }
    past = (
        *kept.past,
        *(
            (lock.account_id, LockSpan(lock.contract_id, lock.since_ns, lock.until_ns))
            for lock in locks
            if lock.id in ended
        ),
    )
    return RestoredLocks(
        locks=tuple(lock for lock in locks if lock.id not in ended),
        past=tuple(
            (account_id, span)
            for account_id, span in past
            if span.until_ns is not None and span.until_ns > ended_after_ns
        ),
        last_id=kept.last_id,
        requests=kept.requests,
        unlocked=kept.unlocked,
    )
