"""The wiring: one table of who sends what to whom. Nothing is sent that does not stand here.

Data flows from the broker's events at `gateway.in` to commands at `gateway.out`; `timer` and
`operator` are further sources, `journal`, `view` and `alerts` are sinks. The graph has no cycle, so
a feedback loop cannot be built inside the process; a test proves it from this table.
"""

from collections.abc import Iterator

from risk_actors import messages as m
from risk_actors.actors.alerts import AlertsActor
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.gateway import INBOUND, INBOUND_SENDS, OUTBOUND, GatewayActor
from risk_actors.actors.journal import JournalActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.actors.operator import OPERATOR, OPERATOR_SENDS
from risk_actors.actors.pnl import PnlActor
from risk_actors.actors.position import PositionActor
from risk_actors.actors.rule import RuleActor
from risk_actors.actors.timer import TimerActor
from risk_actors.actors.view import ViewActor
from risk_actors.runtime.actor import Actor
from risk_actors.runtime.topology import Edge, Node, Topology

SUPERVISOR = "supervisor"
"""Reports what became of actors; as a source only, so that it too closes no circle."""

ACTORS: tuple[type[Actor], ...] = (
    GatewayActor,
    PositionActor,
    PnlActor,
    TimerActor,
    RuleActor,
    LockoutActor,
    EnforcerActor,
    JournalActor,
    ViewActor,
    AlertsActor,
)

_TABLE: tuple[tuple[str, type, str], ...] = (
    # from the broker
    (INBOUND, m.AccountReported, "position journal"),
    (INBOUND, m.PositionReported, "position journal"),
    (INBOUND, m.OrderReported, "position journal"),
    (INBOUND, m.FillReported, "position journal"),
    (INBOUND, m.AccountSnapshot, "position journal"),
    (INBOUND, m.SnapshotFailed, "position journal view"),
    (INBOUND, m.QuoteReported, "pnl"),
    (INBOUND, m.InstrumentResolved, "position pnl"),
    (INBOUND, m.CommandAnswered, "enforcer journal view alerts"),
    (INBOUND, m.ConnectionChanged, "journal view"),
    (INBOUND, m.PayloadRejected, "journal view"),
    (INBOUND, m.LocksNoted, "position"),
    (INBOUND, m.BarsReported, "pnl journal"),
    # what follows from it
    ("position", m.AccountUpdated, "enforcer pnl rule journal view"),
    ("position", m.ReconciliationDiffered, "journal view"),
    ("position", m.RequestSnapshot, OUTBOUND),
    ("pnl", m.PnlUpdated, "rule view"),
    ("pnl", m.PricesJudged, "view"),
    ("pnl", m.DayOpened, "journal"),
    ("pnl", m.BalanceChecked, "journal view"),
    ("pnl", m.RequestBars, OUTBOUND),
    ("rule", m.BreachFound, "enforcer lockout journal view alerts"),
    ("rule", m.BreachEnded, "enforcer journal"),
    ("rule", m.ShadowBreachFound, "journal view alerts"),
    ("rule", m.ConditionEnded, "lockout journal"),
    ("rule", m.StopMovesWanted, "enforcer journal"),
    ("rule", m.ShadowStopMoves, "journal view"),
    ("rule", m.WarningRaised, "journal view alerts"),
    ("rule", m.VerdictChanged, "journal view"),
    ("rule", m.RuleStateChanged, "journal view"),
    ("lockout", m.LocksChanged, "enforcer journal view alerts"),
    ("lockout", m.UnlockChanged, "journal view alerts"),
    ("lockout", m.NoteLocks, OUTBOUND),
    ("enforcer", m.SendClose, f"{OUTBOUND} journal view"),
    ("enforcer", m.SendCancel, f"{OUTBOUND} journal view"),
    ("enforcer", m.SendMoveStop, f"{OUTBOUND} journal view"),
    ("enforcer", m.RequestSnapshot, OUTBOUND),
    ("enforcer", m.EnforcementChanged, "journal view alerts"),
    # time, the trader, and supervision
    ("timer", m.Tick, "position pnl rule lockout enforcer journal view alerts"),
    ("timer", m.DailyReset, "position pnl journal view"),
    ("timer", m.WeeklyReset, "position pnl journal view"),
    ("timer", m.ClockStepped, "journal view alerts"),
    (OPERATOR, m.PanicRequested, "enforcer lockout journal view alerts"),
    (OPERATOR, m.UnlockRequested, "lockout journal"),
    (OPERATOR, m.UnlockWithdrawn, "lockout journal"),
    (OPERATOR, m.TraderActed, "journal view alerts"),
    (OPERATOR, m.SettingsChanged, "journal view alerts"),
    (SUPERVISOR, m.ActorChanged, "journal view alerts"),
)


def _edges() -> Iterator[Edge]:
    for source, message, targets in _TABLE:
        for target in targets.split():
            yield Edge(source, target, message)


def _nodes() -> Iterator[Node]:
    nothing: frozenset[type] = frozenset()
    yield Node(INBOUND, "process", nothing, INBOUND_SENDS, "what the broker says")
    for actor in ACTORS:
        about = (actor.__doc__ or "").split("\n", maxsplit=1)[0]
        yield Node(actor.kind, actor.one_per, actor.receives, actor.sends, about)
    yield Node(OPERATOR, "process", nothing, OPERATOR_SENDS, "the trader's own requests")
    yield Node(SUPERVISOR, "process", nothing, frozenset({m.ActorChanged}), "what became of actors")


TOPOLOGY = Topology(_nodes(), _edges())
"""The declared message graph."""
