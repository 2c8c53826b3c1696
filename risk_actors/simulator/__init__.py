"""A ProjectX-compatible gateway in one process: REST, both hubs, and an exchange behind them.

What a name stands for is imported when it is asked for: who only reads the simulator's settings, as
`check` does, does not wait for its web server.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "faults": ("Fault", "Faults", "NegotiateRefusal"),
    "gateway": ("SimulatedGateway",),
    "records": ("Bracket", "OrderStatus", "OrderType", "Side", "Ticket"),
    "refusals": ("Reason", "RefusedError"),
    "settings": (
        "TIDY",
        "AccountSettings",
        "SimulatorSettings",
        "TraderSettings",
        "Ugliness",
        "paper_accounts",
    ),
    "thread": ("SimulatorThread",),
}
"""The modules in which the names are at home."""
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Return what a name stands for, once it is asked for."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
