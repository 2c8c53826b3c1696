"""A ProjectX-compatible gateway in one process: REST, both hubs, and an exchange behind them."""

from risk_actors.simulator.faults import Fault, Faults, NegotiateRefusal
from risk_actors.simulator.gateway import SimulatedGateway
from risk_actors.simulator.records import Bracket, OrderStatus, OrderType, Side, Ticket
from risk_actors.simulator.refusals import Reason, RefusedError
from risk_actors.simulator.settings import (
    TIDY,
    AccountSettings,
    SimulatorSettings,
    TraderSettings,
    Ugliness,
    paper_accounts,
)
from risk_actors.simulator.thread import SimulatorThread

__all__ = [
    "TIDY",
    "AccountSettings",
    "Bracket",
    "Fault",
    "Faults",
    "NegotiateRefusal",
    "OrderStatus",
    "OrderType",
    "Reason",
    "RefusedError",
    "Side",
    "SimulatedGateway",
    "SimulatorSettings",
    "SimulatorThread",
    "Ticket",
    "TraderSettings",
    "Ugliness",
    "paper_accounts",
]
