"""Puts the actors together: mailboxes, routes from the wiring table, and how each one is made."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from risk_actors.actors.alert import AlertSink, NoAlerts
from risk_actors.actors.alerts import AlertsActor
from risk_actors.actors.enforcer import EnforcerActor, PlanShelf
from risk_actors.actors.gateway import INBOUND, OUTBOUND, BrokerSession, GatewayActor
from risk_actors.actors.journal import JournalActor
from risk_actors.actors.lock_store import LockStore
from risk_actors.actors.lockout import LockoutActor, LockShelf
from risk_actors.actors.operator import OPERATOR
from risk_actors.actors.pnl import PnlActor
from risk_actors.actors.position import PositionActor
from risk_actors.actors.record import JournalStore
from risk_actors.actors.rule import FACT_MESSAGES, RuleActor
from risk_actors.actors.rule_shelf import RuleShelf
from risk_actors.actors.tally import Tally
from risk_actors.actors.timer import SeenWindows, TimerActor
from risk_actors.actors.view import PictureFrame, ViewActor
from risk_actors.actors.wiring import SUPERVISOR, TOPOLOGY
from risk_actors.app.supervision import POLICIES, RESYNC
from risk_actors.core.balance_check import DayOpening
from risk_actors.core.instruments import Instrument
from risk_actors.core.last_run import LastRun
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.marks import SHIPPED_TERMS, MarkTerms
from risk_actors.core.rules import Mode, Rule, RuleSettings
from risk_actors.core.rules.base import OnRuleFailure, OnUnknown
from risk_actors.core.rules.measure import MovedBy
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.rules.watched_until import watched_until_ns
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_policy import NEVER, UnlockTerms
from risk_actors.messages import Tick
from risk_actors.runtime.actor import Actor, ActorContext, Place
from risk_actors.runtime.awake import Awake, to_awake
from risk_actors.runtime.child import ChildSpec, nothing
from risk_actors.runtime.crew import PRICES_EVERY_S, Crew
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import DeadLetters, Route, RoutedOutbox, to_account, to_mailbox
from risk_actors.runtime.tape import Tape

__all__ = ["RESYNC", "TAPED", "ActorSystem", "Blueprint"]


class Blueprint(NamedTuple):
    """What the system is made of."""

    accounts: Mapping[int, str]
    """Guarded accounts: id and name."""
    rules: Sequence[Rule[Any, Any]]
    calendar: TradingCalendar
    started_ns: int
    """When the system was put together."""
    armed: bool
    quote_stale_after_ns: int
    session: BrokerSession
    open_locks: Callable[[], LockStore]
    open_journal: Callable[[], JournalStore]
    frame: PictureFrame
    mark_terms: MarkTerms = SHIPPED_TERMS
    """When a surprising price is believed."""
    market: MarketCalendar | None = None
    """When each market is open, so that a closed one is not taken for a dead feed; CME's hours and
    holidays unless told."""
    memories: Mapping[tuple[str, int], RuleMemory] = MappingProxyType({})
    """What rules remembered when the last run ended, by rule id and account."""
    openings: Mapping[int, DayOpening] = MappingProxyType({})
    """The balance with which the trading day began, by account, where an earlier run knew it."""
    seen_fills: Mapping[int, Mapping[int, SeenBefore]] = MappingProxyType({})
    """By account and fill id, when earlier runs saw the week's fills come."""
    last_run: LastRun = LastRun()
    """What the run before this one left."""
    unlock: UnlockTerms = NEVER
    """Whether, and how, a lock may be ended before its time."""
    lock_shelf: LockShelf | None = None
    """The lock book of the actors before these, where the store lacks something of it."""
    on_rule_failure: OnRuleFailure = OnRuleFailure.LOCK
    """What becomes of the accounts of a rule that failed for good."""
    brake_after_commands: int = 40
    """So many commands for one account in a minute without any change, and sending pauses."""
    held: Mapping[str, Collection[int]] = MappingProxyType({})
    """By rule id, accounts on which the run before left a lock that waits for the rule."""
    tally: Tally | None = None
    """What is counted of all actors of this process; None counts for nobody."""
    alerts: AlertSink = NoAlerts()
    """Where what the trader is to be told goes."""
    make_mailbox: Callable[[str], Mailbox] = Mailbox
    """A replay puts its own in place."""


TAPED = frozenset(
    {PositionActor.kind, PnlActor.kind, RuleActor.kind, LockoutActor.kind, EnforcerActor.kind}
)
"""Who judges and acts: what these are given is noted, so that it can be replayed."""


SIZE_RULES = "rule on sizes"
"""Rules that limit how much may be open."""

CREW_RANKS: Mapping[str, int] = MappingProxyType(
    {
        OUTBOUND: 0,
        EnforcerActor.kind: 1,
        PositionActor.kind: 2,
        TimerActor.kind: 3,
        SIZE_RULES: 4,
        RuleActor.kind: 5,
        PnlActor.kind: 6,
    }
)
"""Who shares one thread, the first to be served first: what is under way to the broker goes before
all else. An account's events go before the rules: a fill and the position that it made come one
after the other, and the enforcer is to know both when a rule breaks on the first, for it closes
what the broker reports to be open. Rules on sizes go before the others: they are what a fill by
itself breaks, and have nothing to do when it is only orders that changed. Time goes before the
rules: there is little of it, and all of them go by it. Prices come last, for they may flood.

Ranks are for as long as there is time for everything; nobody waits without end (`runtime.turns`).
An account's events are what may become too many: they are held back with the account that they are
of, so that the others' events find the rules free.

None of their handlers waits for anything. Those that do, for the store or to paint the picture,
have threads of their own."""

SINKS = frozenset({JournalActor.kind, ViewActor.kind, AlertsActor.kind})
"""Who keeps, shows and tells what was decided: they look for messages from time to time, so that
they do not compete with what is under way to the broker."""


class _Member(NamedTuple):
    address: str
    kind: str
    make: Callable[[ActorContext], Actor]
    accepts: frozenset[type] | None = None
    """Message types this one wants, where it wants fewer than its kind receives."""
    account_id: int | None = None
    renew: Callable[[], None] = nothing
    """Puts a state in place of the one that a stuck actor may still write to."""
    served_as: str | None = None
    """As what it is ranked in the crew, where that is not its kind."""


class ActorSystem:
    """Every actor of one process, not started, and the outboxes of the sources."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.dead_letters = DeadLetters()
        self._tapes: dict[str, Tape] = {}
        self._awake = Awake()
        self.lock_shelf = blueprint.lock_shelf or LockShelf()
        """Where the locks are kept while actors come and go."""
        members = list(_members(blueprint, self._tapes, self.lock_shelf, self._awake))
        self._tapes |= {
            member.address: Tape(member.address) for member in members if member.kind in TAPED
        }
        self._mailboxes = {
            member.address: blueprint.make_mailbox(member.address) for member in members
        }
        for member in members:
            self._mailboxes[member.address].is_lazy = member.kind in SINKS
        crew = Crew(
            "crew",
            len(CREW_RANKS),
            prices_every_s=PRICES_EVERY_S,
            sources={CREW_RANKS[PositionActor.kind]},
        )
        self._accepted = {
            member.address: {message.__name__ for message in member.accepts}
            for member in members
            if member.accepts is not None
        }
        self._by_kind: defaultdict[str, list[_Member]] = defaultdict(list)
        for member in members:
            self._by_kind[member.kind].append(member)
        self.inbound = self._outbox(INBOUND, INBOUND)
        """Where the session puts what the broker says."""
        self.operator_outbox = self._outbox(OPERATOR, OPERATOR)
        self.supervisor_outbox = self._outbox(SUPERVISOR, SUPERVISOR)
        self.specs: tuple[ChildSpec, ...] = tuple(
            ChildSpec(
                address=member.address,
                kind=member.kind,
                make=member.make,
                mailbox=self._mailboxes[member.address],
                outbox=self._outbox(member.kind, member.address),
                tape=self._tapes.get(member.address),
                policy=POLICIES[member.kind],
                renew=member.renew,
                place=_place(crew, member.served_as or member.kind),
            )
            for member in members
        )
        """In the order to start: whoever is sent to before whoever sends."""

    @property
    def timer_mailbox(self) -> Mailbox:
        """Where the clock's pulses go."""
        return self._mailboxes[TimerActor.kind]

    def accepts(self, address: str, message_name: str) -> bool:
        """Tell whether one actor wants a message type that its kind receives."""
        accepted = self._accepted.get(address)
        return accepted is None or message_name in accepted

    def _outbox(self, kind: str, sender: str) -> RoutedOutbox:
        return RoutedOutbox(
            sender,
            {
                message: tuple(
                    route
                    for target in TOPOLOGY.targets(kind, message)
                    for route in self._routes(target, message, sender)
                )
                for message in TOPOLOGY.nodes[kind].sends
            },
        )

    def _routes(self, kind: str, message: type, sender: str) -> list[Route]:
        members = self._by_kind[kind]
        mailboxes = {
            member.account_id: self._mailboxes[member.address]
            for member in members
            if member.account_id is not None
        }
        if kind == PositionActor.kind and message is Tick:
            return [to_awake(self._awake, mailboxes, self.dead_letters, sender)]
        if kind == PositionActor.kind and hasattr(message, "account_id"):
            return [to_account(mailboxes, kind, self.dead_letters, sender)]
        return [
            to_mailbox(self._mailboxes[member.address], self.dead_letters, sender)
            for member in members
            if member.accepts is None or message in member.accepts
        ]


def _members(
    blueprint: Blueprint, tapes: Mapping[str, Tape], locks: LockShelf, awake: Awake
) -> Sequence[_Member]:
    """Return all actors in the order to start: sinks first, sources last."""
    accounts, calendar = dict(blueprint.accounts), blueprint.calendar
    instruments: dict[str, Instrument] = {}
    seen = SeenWindows(calendar, blueprint.started_ns, blueprint.last_run)
    return [
        _view_member(blueprint, seen),
        _alerts_member(blueprint),
        _Member(
            JournalActor.kind,
            JournalActor.kind,
            lambda c: JournalActor(
                c,
                zone=calendar.zone,
                open_store=blueprint.open_journal,
                tapes=tapes,
                tally=blueprint.tally,
            ),
        ),
        _Member(
            OUTBOUND,
            OUTBOUND,
            lambda c: GatewayActor(c, session=blueprint.session, account_ids=accounts),
        ),
        _enforcer_member(blueprint),
        _Member(
            LockoutActor.kind,
            LockoutActor.kind,
            lambda c: LockoutActor(
                c,
                calendar=calendar,
                open_store=blueprint.open_locks,
                shelf=locks,
                account_ids=accounts,
                conditions=_conditions(blueprint),
                unlock=blueprint.unlock,
            ),
        ),
        *(_rule_member(rule, blueprint) for rule in blueprint.rules),
        _Member(
            PnlActor.kind,
            PnlActor.kind,
            lambda c: PnlActor(
                c,
                account_ids=accounts,
                calendar=calendar,
                quote_stale_after_ns=blueprint.quote_stale_after_ns,
                mark_terms=blueprint.mark_terms,
                market=blueprint.market,
                openings=blueprint.openings,
                watched_until_ns=watched_until_ns(
                    accounts, blueprint.last_run.alive_ns, blueprint.memories
                ),
                instruments=instruments,
            ),
        ),
        *(_position_member(i, name, blueprint, awake) for i, name in accounts.items()),
        _Member(
            TimerActor.kind,
            TimerActor.kind,
            lambda c: TimerActor(c, seen=seen),
        ),
    ]


def _place(crew: Crew, served_as: str) -> Place | None:
    rank = CREW_RANKS.get(served_as)
    return None if rank is None else Place(crew, rank)


class _Plans:
    """The plans of the enforcer that is there."""

    def __init__(self) -> None:
        self.shelf = PlanShelf()

    def renew(self) -> None:
        """Begin new plans, which know that old ones may have something under way."""
        self.shelf = PlanShelf()
        self.shelf.was_filled = True


class _Memories:
    """What the actor of a rule that is there remembers."""

    def __init__(self, shelf: RuleShelf) -> None:
        self.shelf = shelf

    def renew(self) -> None:
        """Begin another shelf with the same memories."""
        self.shelf = self.shelf.renewed()


def _enforcer_member(blueprint: Blueprint) -> _Member:
    plans = _Plans()
    return _Member(
        EnforcerActor.kind,
        EnforcerActor.kind,
        lambda c: EnforcerActor(
            c,
            account_ids=blueprint.accounts,
            armed=blueprint.armed,
            shelf=plans.shelf,
            last_alive_ns=_last_command_ns(blueprint.last_run),
            brake_after=blueprint.brake_after_commands,
            market=blueprint.market or MarketCalendar(),
        ),
        renew=plans.renew,
    )


def _view_member(blueprint: Blueprint, seen: SeenWindows) -> _Member:
    def make(context: ActorContext) -> ViewActor:
        return ViewActor(
            context,
            frame=blueprint.frame,
            accounts=blueprint.accounts,
            zone=blueprint.calendar.zone,
            runs=seen.told.runs(),
        )

    return _Member(ViewActor.kind, ViewActor.kind, make)


def _alerts_member(blueprint: Blueprint) -> _Member:
    return _Member(
        AlertsActor.kind,
        AlertsActor.kind,
        lambda c: AlertsActor(
            c,
            sink=blueprint.alerts,
            picture=lambda: blueprint.frame.picture,
            accounts=blueprint.accounts,
            zone=blueprint.calendar.zone,
        ),
    )


def _last_command_ns(last_run: LastRun) -> int | None:
    return last_run.alive_ns if last_run.may_be_under_way else None


def _mode(settings: RuleSettings, blueprint: Blueprint) -> Mode:
    """Return the mode in force: nothing is enforced while not armed."""
    is_bound = settings.mode is Mode.ENFORCE and not blueprint.armed
    return Mode.SHADOW if is_bound else settings.mode


def _selected(settings: RuleSettings, blueprint: Blueprint) -> set[int]:
    return {i for i, name in blueprint.accounts.items() if settings.selects(name)}


def _conditions(blueprint: Blueprint) -> dict[str, set[int]]:
    """Return on which accounts each rule ends locks by a condition."""
    return {
        rule.settings.id: _selected(rule.settings, blueprint)
        for rule in blueprint.rules
        if _mode(rule.settings, blueprint) is Mode.ENFORCE
        and (
            rule.ends_on_condition
            or rule.settings.on_unknown is OnUnknown.LOCK
            or blueprint.on_rule_failure is OnRuleFailure.LOCK
        )
    }


def _position_member(account_id: int, name: str, blueprint: Blueprint, awake: Awake) -> _Member:
    symbols: dict[str, str] = {}
    seen = dict(blueprint.seen_fills.get(account_id, {}))

    def make(context: ActorContext) -> PositionActor:
        return PositionActor(
            context,
            account_id=account_id,
            name=name,
            calendar=blueprint.calendar,
            seen_before=seen,
            symbols=symbols,
            awake=awake,
        )

    address = f"{PositionActor.kind}:{account_id}"
    return _Member(address, PositionActor.kind, make, account_id=account_id)


def _rule_member(rule: Rule[Any, Any], blueprint: Blueprint) -> _Member:
    settings = rule.settings
    selected, mode = _selected(settings, blueprint), _mode(settings, blueprint)

    restored = {
        account_id: memory
        for (rule_id, account_id), memory in blueprint.memories.items()
        if rule_id == settings.id
    }
    memories = _Memories(RuleShelf(rule, restored))

    def make(context: ActorContext) -> RuleActor:
        return RuleActor(
            context,
            rule=rule,
            mode=mode,
            accounts=selected,
            shelf=memories.shelf,
            on_failure=blueprint.on_rule_failure,
            held=blueprint.held.get(settings.id, ()),
        )

    return _Member(
        f"{RuleActor.kind}:{settings.id}",
        RuleActor.kind,
        make,
        accepts=frozenset({Tick, *(FACT_MESSAGES[fact] for fact in rule.facts)}),
        renew=memories.renew,
        served_as=SIZE_RULES if rule.measure.moved_by is MovedBy.SIZE else None,
    )
