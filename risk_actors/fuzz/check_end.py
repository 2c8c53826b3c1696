"""What must hold when a day is over and all faults have healed: agreement, rest, explanation."""

from collections.abc import Mapping
from decimal import Decimal

from risk_actors import messages as m
from risk_actors.actors.journal import JournalActor
from risk_actors.fuzz.broker import MS
from risk_actors.fuzz.stage import CHECKED_BY, Stage
from risk_actors.runtime.stepped import InjectedFailureError
from risk_actors.simulator.records import Trade
from risk_actors.store.record_rows import table_of

LOST_WITH_DEATH_NS = 100 * MS
"""What a process did in its last moments is not in the record: the journal writes every 50 ms."""


def agreement(stage: Stage) -> list[tuple[str, str]]:
    """Return where what is shown is not what the broker holds (I8), and what is not at rest."""
    found = []
    for account_id in stage.broker.accounts:
        shown = stage.account(account_id)
        held = stage.broker.open_sizes(account_id)
        if {p.contract: p.size for p in shown.positions} != held:
            found.append(("I8", f"account {account_id} holds {held}, shown is {shown.positions}"))
        working = stage.broker.working_ids(account_id)
        if {order.id for order in shown.orders} != working:
            found.append(("I8", f"account {account_id} works {working}, shown is {shown.orders}"))
        today, week = _net(stage, account_id, "day"), _net(stage, account_id, "week")
        if shown.day.realized != today:
            found.append(
                ("I8", f"account {account_id} made {today} today, shown is {shown.day.realized}")
            )
        if shown.week.realized != week:
            found.append(
                ("I8", f"account {account_id} made {week}, shown is {shown.week.realized}")
            )
        if shown.enforcement is not None:
            found.append(("I3", f"enforcement never ends: {shown.enforcement}"))
        if any(lock.scope == "account" and _flattens(stage, lock.id) for lock in shown.locks) and (
            held or working
        ):
            found.append(("I4", f"account {account_id} is locked and holds {held}, {working}"))
    return found + _unrest(stage)


def _unrest(stage: Stage) -> list[tuple[str, str]]:
    """Return what is said or still goes on though all has been well for a while."""
    found = []
    if stage.waiting():
        found.append(("I6", "messages still wait"))
    picture = stage.frame.picture
    connection = picture.connection
    if not (connection.user_hub and connection.market_hub and connection.rest):
        found.append(("I7", f"everything is up, shown is {connection}"))
    if not (picture.armed and picture.phase == "armed"):
        found.append(("I7", f"everything is well, shown is {picture.phase}, {picture.armed}"))
    return found


def _flattens(stage: Stage, lock_id: int) -> bool:
    return stage.store.locks.saved[lock_id].existing.value == "flatten"


def _net(stage: Stage, account_id: int, window: str) -> float:
    now_ns = stage.guard_clock.now_ns()
    since_ns = (CHECKED_BY.day if window == "day" else CHECKED_BY.week)(now_ns).start_ns
    trades = [
        trade
        for trade in stage.broker.exchange.trades
        if trade.account_id == account_id and trade.created_ns >= since_ns
    ]
    return round(float(sum(map(_net_of, trades), Decimal(0))), 2)


def _net_of(trade: Trade) -> Decimal:
    return (trade.pnl_usd or Decimal(0)) - trade.fees_usd - trade.commissions_usd


def unexplained(stage: Stage) -> list[tuple[str, str]]:
    """Return commands whose chain lacks an event, a decision or the command itself (I9)."""
    tables: dict[str, set[str]] = {}
    began_ns: dict[str, int] = {}
    for entry in stage.store.entries:
        tables.setdefault(entry.correlation_id, set()).add(table_of(entry.message))
        began_ns.setdefault(entry.correlation_id, entry.at_ns)
    # The one message at which the journal itself was made to fail is lost with it.
    lost = {e.at_ns: "" for e in stage.store.entries if _is_end_of_journal(e.message)}
    found = []
    for at_ns, command in stage.broker.commands:
        if any(0 <= death_ns - at_ns <= LOST_WITH_DEATH_NS for death_ns in stage.deaths_ns):
            continue
        cid = command.correlation_id
        lacking = {"events", "decisions", "commands"} - tables.get(cid, set())
        # That time passed is no event; the decision says when and why.
        if cid.startswith("tick-") or ("events" in lacking and _is_lost(cid, began_ns, lost)):
            lacking -= {"events"}
        if lacking:
            found.append(("I9", f"{command} has no {', '.join(sorted(lacking))}"))
    return found


def _is_lost(cid: str, began_ns: Mapping[str, int], lost: dict[int, str]) -> bool:
    """Tell whether a chain's event is the one that was lost with a journal; note that it is."""
    for failed_ns, lost_cid in lost.items():
        is_near = abs(began_ns.get(cid, 0) - failed_ns) <= LOST_WITH_DEATH_NS
        if lost_cid == cid or (not lost_cid and is_near):
            lost[failed_ns] = cid
            return True
    return False


def _is_end_of_journal(message: m.Message) -> bool:
    return (
        isinstance(message, m.ActorChanged)
        and message.address == JournalActor.kind
        and message.status is m.ActorStatus.FAILED
        and InjectedFailureError.__name__ in message.detail
    )
