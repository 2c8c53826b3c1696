"""All that crosses a mailbox: frozen, tagged structs; past tense for events, else imperative.

Every message carries a `correlation_id`. It is made once, where something enters the system (a
broker event, a tick, the trader's own request), and handed on by whatever follows from it, so that
a command leads back to its cause (I9). `at_ns` is our clock when the message was made.
"""

from risk_actors.core.unlock_requests import UnlockStatus
from risk_actors.messages.account import AccountUpdated, ReconciliationDiffered, RequestSnapshot
from risk_actors.messages.base import Message
from risk_actors.messages.broker import (
    AccountReported,
    AccountSnapshot,
    BarsReported,
    BrokerEvent,
    CommandAnswered,
    ConnectionChanged,
    FillReported,
    InstrumentResolved,
    LocksNoted,
    OrderReported,
    PayloadRejected,
    PositionReported,
    QuoteReported,
    SnapshotFailed,
)
from risk_actors.messages.enforcement import (
    EnforcementChanged,
    EnforcementPhase,
    SendCancel,
    SendClose,
    SendMoveStop,
)
from risk_actors.messages.locks import LocksChanged, NoteLocks, UnlockChanged
from risk_actors.messages.pnl import (
    BalanceChecked,
    DayOpened,
    PnlUpdated,
    PricesJudged,
    RequestBars,
)
from risk_actors.messages.rules import (
    BreachEnded,
    BreachFound,
    ConditionEnded,
    RuleStateChanged,
    ShadowBreachFound,
    ShadowStopMoves,
    StopMovesWanted,
    VerdictChanged,
    WarningRaised,
)
from risk_actors.messages.supervision import ActorChanged, ActorStatus
from risk_actors.messages.time import ClockStepped, DailyReset, Tick, WeeklyReset
from risk_actors.messages.trader import (
    PanicRequested,
    SettingsChanged,
    TraderActed,
    UnlockRequested,
    UnlockWithdrawn,
)

__all__ = [
    "AccountReported",
    "AccountSnapshot",
    "AccountUpdated",
    "ActorChanged",
    "ActorStatus",
    "BalanceChecked",
    "BarsReported",
    "BreachEnded",
    "BreachFound",
    "BrokerEvent",
    "ClockStepped",
    "CommandAnswered",
    "ConditionEnded",
    "ConnectionChanged",
    "DailyReset",
    "DayOpened",
    "EnforcementChanged",
    "EnforcementPhase",
    "FillReported",
    "InstrumentResolved",
    "LocksChanged",
    "LocksNoted",
    "Message",
    "NoteLocks",
    "OrderReported",
    "PanicRequested",
    "PayloadRejected",
    "PnlUpdated",
    "PositionReported",
    "PricesJudged",
    "QuoteReported",
    "ReconciliationDiffered",
    "RequestBars",
    "RequestSnapshot",
    "RuleStateChanged",
    "SendCancel",
    "SendClose",
    "SendMoveStop",
    "SettingsChanged",
    "ShadowBreachFound",
    "ShadowStopMoves",
    "SnapshotFailed",
    "StopMovesWanted",
    "Tick",
    "TraderActed",
    "UnlockChanged",
    "UnlockRequested",
    "UnlockStatus",
    "UnlockWithdrawn",
    "VerdictChanged",
    "WarningRaised",
    "WeeklyReset",
]
