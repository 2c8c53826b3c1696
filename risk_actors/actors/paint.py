"""From what the view knows to the picture that is shown."""

from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from operator import itemgetter

import msgspec

from risk_actors import messages as m
from risk_actors.actors.connection_story import ConnectionStory, ways_down
from risk_actors.actors.describe import reason_of
from risk_actors.actors.picture import (
    AccountPicture,
    BalanceCheckPicture,
    ConnectionPicture,
    DayPicture,
    EnforcementPicture,
    EventPicture,
    LockPicture,
    OrderPicture,
    Picture,
    PositionPicture,
    PricesPicture,
    RulePicture,
    SchedulePicture,
    UnlockPicture,
    WeekPicture,
)
from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill, Order
from risk_actors.core.evidence import NS_PER_S, format_instant, iso_utc
from risk_actors.core.headroom.room import room_of, used_of
from risk_actors.core.lock import Lock
from risk_actors.core.marks import MarkFigures
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.measure import Unit
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.same_parts import are_same
from risk_actors.core.schedules import Schedule
from risk_actors.core.trading_calendar import Window
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.core.verdict import VERDICT_NAMES

SEEN_WITHIN_NS = 10 * NS_PER_S
"""While the user hub is down: an account that was read longer ago is not seen any more."""


@dataclass
class Known:
    """The latest of everything, by account or rule."""

    accounts: dict[int, str]
    accounts_state: dict[int, AccountState] = field(default_factory=dict)
    pnl: dict[int, PnlState] = field(default_factory=dict)
    locks: dict[int, tuple[Lock, ...]] = field(default_factory=dict)
    unlocks: dict[int, tuple[UnlockRequest, ...]] = field(default_factory=dict)
    """Requests to end locks that wait."""
    verdicts: dict[int, dict[str, m.VerdictChanged]] = field(default_factory=dict)
    """By account and rule."""
    enforcement: dict[int, tuple[int, m.EnforcementChanged]] = field(default_factory=dict)
    connection: m.ConnectionChanged | None = None
    story: ConnectionStory = field(default_factory=ConnectionStory)
    seen_ns: dict[int, int] = field(default_factory=dict)
    """When each account was last known to be as it is shown."""
    unseen: frozenset[int] = frozenset()
    """Accounts of which what is shown is of then and not of now."""
    unsaved: int = 0
    unread_since_ns: dict[int, int] = field(default_factory=dict)
    """Accounts whose snapshots fail, and since when."""
    failed: dict[str, m.ActorStatus] = field(default_factory=dict)
    memories: dict[tuple[str, int], RuleMemory] = field(default_factory=dict)
    """What each rule remembers of each account, where that has changed since the start."""
    balance_checks: dict[int, m.BalanceChecked] = field(default_factory=dict)
    judged: MarkFigures | None = None
    runs: dict[str, tuple[Schedule, Window]] = field(default_factory=dict)
    """By name each schedule, and the time from the run told last to the next."""
    settings: m.SettingsChanged | None = None
    last_fills: dict[int, dict[str, Fill]] = field(default_factory=dict)
    """By account and contract, the last fill; the latest last."""

    @property
    def is_blind(self) -> bool:
        """Whether neither the user hub nor REST tells anything (I7)."""
        ways = self.connection
        return ways is not None and not ways.user_hub and not ways.rest

    def note_unseen(self, now_ns: int) -> bool:
        """Note which accounts are not seen now; tell whether others are than before."""
        ways, before = self.connection, self.unseen
        if ways is None or ways.user_hub:
            self.unseen = frozenset()
        else:
            self.unseen = frozenset(
                account_id
                for account_id, seen_ns in self.seen_ns.items()
                if self.is_blind or now_ns - seen_ns > SEEN_WITHIN_NS
            )
        return self.unseen != before


class Canvas:
    """What was painted last: of hundreds of accounts only those that changed are painted anew."""

    def __init__(self, known: Known, zone: tzinfo) -> None:
        """Begin with nothing painted of all that is known."""
        self._known = known
        self._zone = zone
        self._accounts: dict[int, tuple[tuple[object, ...], AccountPicture]] = {}
        """With what each was painted from."""
        self._rules: dict[tuple[str, int], RulePicture] = {}
        self._to_paint = {
            (rule_id, account_id): told
            for account_id, by_rule in known.verdicts.items()
            for rule_id, told in by_rule.items()
        }

    def take(self, told: m.VerdictChanged) -> m.VerdictChanged | None:
        """Take a verdict, to be painted; return the one that it takes the place of."""
        by_rule = self._known.verdicts.setdefault(told.account_id, {})
        before = by_rule.get(told.rule_id)
        by_rule[told.rule_id] = self._to_paint[told.rule_id, told.account_id] = told
        return before

    def accounts(self) -> tuple[AccountPicture, ...]:
        """Return all accounts as they are now."""
        known = self._known
        return tuple([self._account(i, name) for i, name in known.accounts.items()])

    def _account(self, account_id: int, name: str) -> AccountPicture:
        known = self._known
        source = (
            known.accounts_state.get(account_id),
            known.pnl.get(account_id),
            known.locks.get(account_id),
            known.unlocks.get(account_id),
            known.enforcement.get(account_id),
            known.balance_checks.get(account_id),
            known.seen_ns[account_id] if account_id in known.unseen else None,
        )
        painted = self._accounts.get(account_id)
        if painted is None or not are_same(painted[0], source):
            painted = (source, _account(known, account_id, name, self._zone))
            self._accounts[account_id] = painted
        return painted[1]

    def rules(self) -> tuple[RulePicture, ...]:
        """Return what every rule says of every account, by rule and account."""
        if self._to_paint:
            fresh = {key: _rule(told, self._zone) for key, told in self._to_paint.items()}
            is_more = not fresh.keys() <= self._rules.keys()
            self._rules |= fresh
            if is_more:
                self._rules = dict(sorted(self._rules.items(), key=itemgetter(0)))
            self._to_paint.clear()
        return tuple(self._rules.values())


def paint(
    before: Picture,
    known: Known,
    canvas: Canvas,
    events: tuple[EventPicture, ...],
    zone: tzinfo,
) -> Picture:
    """Return the whole picture; what no message changes is taken from the one before."""
    phase, detail = _phase(before, known, zone)
    return msgspec.structs.replace(
        before,
        phase=phase,
        detail=detail,
        connection=_connection(known),
        accounts=canvas.accounts(),
        rules=canvas.rules(),
        events=events,
        prices=_prices(known.judged),
        schedules=tuple(_schedule(*each) for each in known.runs.values()),
        pending=() if known.settings is None else known.settings.pending,
        settings_fault=(known.settings and known.settings.fault) or None,
    )


def _schedule(schedule: Schedule, told: Window) -> SchedulePicture:
    return SchedulePicture(
        name=schedule.name,
        cron=schedule.cron,
        zone=schedule.zone,
        last=iso_utc(told.start_ns),
        next=iso_utc(told.end_ns),
    )


def _prices(judged: MarkFigures | None) -> PricesPicture:
    if judged is None:
        return PricesPicture()
    return PricesPicture(
        dropped=dict(judged.dropped),
        surprising=judged.surprising,
        confirmed=judged.confirmed,
        unanswered=judged.unanswered,
        waiting=judged.waiting,
    )


def _phase(before: Picture, known: Known, zone: tzinfo) -> tuple[str, str | None]:
    """Return the phase and why it is not `armed`."""
    if before.phase == "stopping":
        return "stopping", before.detail
    failed = _failed(known)
    if failed is not None:
        return failed
    return _fares(known, zone)


def _failed(known: Known) -> tuple[str, str] | None:
    """Return the phase while an actor does not work, None while all do."""
    given_up = [a for a, status in known.failed.items() if status is m.ActorStatus.GIVEN_UP]
    if given_up:
        return "faulted", f"given up after too many failures: {', '.join(given_up)}"
    if not known.failed:
        return None
    stuck = [a for a, status in known.failed.items() if status is m.ActorStatus.STUCK]
    told = f"stuck, not answering: {', '.join(stuck)}"
    return "degraded", told if stuck else f"failed and not back yet: {', '.join(known.failed)}"


def _fares(known: Known, zone: tzinfo) -> tuple[str, str | None]:
    """Return the phase while all actors work."""
    unread = [
        name
        for account_id, name in known.accounts.items()
        if account_id not in known.accounts_state
        or not known.accounts_state[account_id].is_reconciled
    ]
    connection = known.connection
    down = [] if connection is None else ways_down(connection)
    if known.is_blind:
        return "degraded", _blind(down, known, zone)
    if connection is None or unread:
        waits_for = ", ".join(unread) or "the connection"
        return "starting", f"waiting for {waits_for}"
    if down:
        return "degraded", f"connection lost: {', '.join(down)}{_since(known, zone)}" + "".join(
            f"; {known.accounts[account_id]} as last seen at"
            f" {format_instant(known.seen_ns[account_id], zone)}"
            for account_id in sorted(known.unseen)
        )
    if known.unread_since_ns:
        names = ", ".join(known.accounts[account_id] for account_id in known.unread_since_ns)
        return "degraded", f"cannot be read from the broker: {names}"
    without_fills = [s.name for s in known.accounts_state.values() if not s.has_all_fills]
    if without_fills:
        return "degraded", f"fills cannot be read, P&L is unknown: {', '.join(without_fills)}"
    if known.unsaved:
        return "degraded", "locks cannot be saved; they hold while this program runs"
    return "armed", None


def _blind(down: list[str], known: Known, zone: tzinfo) -> str:
    """Return what total silence means to the trader."""
    return (
        "nothing can be seen or closed now; use your platform. Connection lost:"
        f" {', '.join(down)}{_since(known, zone)}"
    )


def _since(known: Known, zone: tzinfo) -> str:
    began_ns = known.story.began_ns
    return "" if began_ns is None else f", since {format_instant(began_ns, zone)}"


def _connection(known: Known) -> ConnectionPicture:
    connection = known.connection
    if connection is None:
        return ConnectionPicture()
    return ConnectionPicture(
        user_hub=connection.user_hub,
        market_hub=connection.market_hub,
        rest=connection.rest,
        fallback=connection.fallback,
        second_line=connection.second_line,
        since=_instant(known.story.began_ns),
        is_blind=known.is_blind,
    )


def _amount(amount_usd: Decimal | None) -> float | None:
    """Return dollars as a JSON number at the cent, null for unknown."""
    return None if amount_usd is None else round(float(amount_usd), 2)


def _account(known: Known, account_id: int, name: str, zone: tzinfo) -> AccountPicture:
    state = known.accounts_state.get(account_id)
    pnl = known.pnl.get(account_id)
    return AccountPicture(
        id=account_id,
        name=name,
        balance=_amount(state.balance_usd) if state else None,
        can_trade=state.can_trade if state else None,
        seen_at=iso_utc(known.seen_ns[account_id]) if account_id in known.unseen else None,
        day=_day(pnl),
        week=WeekPicture(realized=_amount(pnl.week_realized_usd) if pnl else None),
        positions=_positions(state, pnl),
        orders=tuple(_order(order) for order in state.orders) if state else (),
        locks=_locks(known, account_id, zone),
        enforcement=_enforcement(known.enforcement.get(account_id)),
        balance_check=_balance_check(known.balance_checks.get(account_id), pnl),
    )


def _balance_check(
    checked: m.BalanceChecked | None, pnl: PnlState | None
) -> BalanceCheckPicture | None:
    """Return the result as of now: what is not explained stays while both amounts move on."""
    if checked is None or pnl is None or checked.day_start_ns != pnl.day_start_ns:
        return None
    unexplained_usd = checked.unexplained_usd
    told_usd = checked.told_usd if pnl.balance_usd is None else pnl.balance_usd
    return BalanceCheckPicture(
        expected=round(float(told_usd - unexplained_usd), 2),
        told=round(float(told_usd), 2),
        unexplained=round(float(unexplained_usd), 2),
    )


def _day(pnl: PnlState | None) -> DayPicture:
    if pnl is None:
        return DayPicture()
    return DayPicture(
        realized=_amount(pnl.realized_usd),
        unrealized=_amount(pnl.unrealized_usd),
        equity=_amount(pnl.equity_usd),
        fees=None if pnl.realized_usd is None else _amount(pnl.costs_usd),
        trades=pnl.trades,
        entries=pnl.entries,
    )


def _positions(state: AccountState | None, pnl: PnlState | None) -> tuple[PositionPicture, ...]:
    if state is None:
        return ()
    unrealized = {p.contract_id: p.unrealized_usd for p in pnl.positions} if pnl else {}
    return tuple(
        PositionPicture(
            contract=position.contract_id,
            symbol=position.symbol,
            size=position.size,
            average_price=float(position.average_price),
            unrealized=_amount(unrealized.get(position.contract_id)),
            opened_at=iso_utc(position.opened_ns),
        )
        for position in state.positions
        if position.size
    )


def _order(order: Order) -> OrderPicture:
    price = order.limit_price if order.stop_price is None else order.stop_price
    return OrderPicture(
        id=order.id,
        contract=order.contract_id,
        type=order.type.name.lower(),
        side=order.side.name.lower(),
        size=order.open_size,
        price=None if price is None else float(price),
    )


def _locks(known: Known, account_id: int, zone: tzinfo) -> tuple[LockPicture, ...]:
    waiting = {request.lock_id: request for request in known.unlocks.get(account_id, ())}
    return tuple(
        LockPicture(
            id=lock.id,
            rule=lock.rule_id,
            scope=lock.contract_id or "account",
            since=iso_utc(lock.since_ns),
            until=None if lock.until_ns is None else iso_utc(lock.until_ns),
            reason=lock.evidence.sentence(zone),
            unlock=_unlock(waiting.get(lock.id)),
            correlation_id=lock.correlation_id,
        )
        for lock in known.locks.get(account_id, ())
    )


def _unlock(request: UnlockRequest | None) -> UnlockPicture | None:
    if request is None:
        return None
    return UnlockPicture(due=iso_utc(request.due_ns), reason=request.reason)


def _enforcement(running: tuple[int, m.EnforcementChanged] | None) -> EnforcementPicture | None:
    if running is None:
        return None
    since_ns, change = running
    return EnforcementPicture(
        cause=change.cause,
        phase=change.phase.value,
        since=iso_utc(since_ns),
        correlation_id=change.correlation_id,
        detail=change.detail,
        next_try=_instant(change.next_try_ns),
    )


def _rule(message: m.VerdictChanged, zone: tzinfo) -> RulePicture:
    verdict = message.verdict
    value = getattr(verdict, "value", None)
    return RulePicture(
        id=message.rule_id,
        type=message.rule_type,
        mode=message.mode,
        account=message.account_id,
        verdict=VERDICT_NAMES[type(verdict)],
        value=_amount(value),
        limit=_amount(verdict.limit),
        reason=reason_of(verdict, zone),
        unit=message.measure.unit.value,
        distance=_amount(room_of(verdict)) if message.measure.unit is not Unit.NONE else None,
        used=used_of(verdict) if message.measure.unit is not Unit.NONE else None,
        contract=getattr(verdict, "contract_id", None),
        is_waived=message.is_waived,
        next_cause=_instant(message.next_cause_ns),
        broken_at=_instant(getattr(verdict, "broken_ns", None)),
        broken_value=_amount(getattr(verdict, "broken_value", None)),
    )


def _instant(at_ns: int | None) -> str | None:
    return None if at_ns is None else iso_utc(at_ns)
