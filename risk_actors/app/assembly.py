"""From settings and accounts to the actor system, not started, and who reads its picture."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from risk_actors.actors.gateway import BrokerSession
from risk_actors.actors.lockout import LockShelf
from risk_actors.actors.view import PictureFrame
from risk_actors.app.headroom_desk import HeadroomDesk
from risk_actors.app.memories import restore_memories
from risk_actors.app.rule_context import make_rule
from risk_actors.app.settings import Settings, TradingMode
from risk_actors.app.system import ActorSystem, Blueprint
from risk_actors.core.broker import Account
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.rules import Mode, RuleContext
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.runtime.clock import Clock
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.locks import SqliteLockStore


class Assembly(NamedTuple):
    """The actors, and the picture with the headroom in it."""

    system: ActorSystem
    desk: HeadroomDesk


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
    is_rebuilt: bool = False
    """Whether actors of this process come before these."""


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
    system = ActorSystem(
        Blueprint(
            accounts={account.id: account.name for account in accounts},
            rules=rules,
            calendar=context.calendar,
            started_ns=clock.now_ns(),
            armed=armed,
            quote_stale_after_ns=int(settings.pnl.quote_stale_after_s * NS_PER_S),
            mark_terms=settings.pnl.mark_terms(),
            market=context.market,
            session=surroundings.session,
            open_locks=lambda: SqliteLockStore(data_dir, context.calendar.zone),
            open_journal=lambda: SqliteJournal(data_dir),
            frame=frame,
            memories=memories,
            unlock=settings.session.unlock_terms(),
            lock_shelf=surroundings.lock_shelf,
        )
    )
    return Assembly(system, HeadroomDesk(frame, rules, memories, clock))
