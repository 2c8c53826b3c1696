"""Faults a test asks for: everything that the server does wrong on purpose.

Each fault is one struct (`Fault` stands for six kinds of REST answers) and says in its docstring
what the client sees. In a scenario file and in the body of `POST /control/faults` a fault is a
table with `kind`; `docs/faults.md` has an example of each. `Faults` keeps those still due.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from risk_actors.simulator.fault_base import (
    ANY,
    AnyFault,
    Counted,
    Instant,
    Lasting,
    is_named,
)
from risk_actors.simulator.fault_book import Faults, UnplayableError
from risk_actors.simulator.faults_exchange import (
    BlockAccount,
    Halt,
    LateCancel,
    PendOrders,
    PriceGap,
    RejectOrder,
    SilenceQuotes,
    SliceFills,
    StopTrading,
)
from risk_actors.simulator.faults_hub import (
    CloseHub,
    CutHub,
    DeafHub,
    FreezeHub,
    HangNegotiate,
    HubDown,
    IgnoreSubscriptions,
    LogOutHub,
    NegotiateRefusal,
    SlowHandshake,
)
from risk_actors.simulator.faults_rest import (
    ClockSkew,
    ExpireTokens,
    Fault,
    HideSuspended,
    RefuseConnections,
    RepeatRows,
    ShortTokens,
    Stale,
)
from risk_actors.simulator.faults_stream import (
    DelayEvent,
    DropEvent,
    GarbleEvent,
    HoldEvent,
    ReleaseEvents,
    ReorderEvent,
    RepeatEvent,
)

__all__ = [
    "ANY",
    "KINDS",
    "AnyFault",
    "BlockAccount",
    "ClockSkew",
    "CloseHub",
    "Counted",
    "CutHub",
    "DeafHub",
    "DelayEvent",
    "DropEvent",
    "ExpireTokens",
    "Fault",
    "Faults",
    "FreezeHub",
    "GarbleEvent",
    "Halt",
    "HangNegotiate",
    "HideSuspended",
    "HoldEvent",
    "HubDown",
    "IgnoreSubscriptions",
    "Instant",
    "Lasting",
    "LateCancel",
    "LogOutHub",
    "NegotiateRefusal",
    "PendOrders",
    "PriceGap",
    "RefuseConnections",
    "RejectOrder",
    "ReleaseEvents",
    "ReorderEvent",
    "RepeatEvent",
    "RepeatRows",
    "ShortTokens",
    "SilenceQuotes",
    "SliceFills",
    "SlowHandshake",
    "Stale",
    "StopTrading",
    "UnplayableError",
    "decoded",
    "described",
    "fault_from",
    "is_named",
    "kind_of",
    "needs_sockets",
]

_REST_KINDS = ("status", "refuse", "delay", "hang", "drop", "body")
_ANYWHERE: tuple[type[AnyFault], ...] = (
    DropEvent,
    CutHub,
    Halt,
    BlockAccount,
    StopTrading,
    PriceGap,
    SilenceQuotes,
    RejectOrder,
    PendOrders,
    SliceFills,
    LateCancel,
)
"""Faults of the exchange and of whatever stands for the wire, which a virtual clock can play."""
_ON_SOCKETS: tuple[type[AnyFault], ...] = (
    RefuseConnections,
    Stale,
    RepeatRows,
    HideSuspended,
    ClockSkew,
    ExpireTokens,
    ShortTokens,
    DelayEvent,
    RepeatEvent,
    ReorderEvent,
    HoldEvent,
    ReleaseEvents,
    GarbleEvent,
    CloseHub,
    LogOutHub,
    NegotiateRefusal,
    HangNegotiate,
    SlowHandshake,
    HubDown,
    DeafHub,
    FreezeHub,
    IgnoreSubscriptions,
)


def _tag(struct: type[Any]) -> str:
    return str(struct.__struct_config__.tag)


KINDS: Mapping[str, type[AnyFault]] = dict.fromkeys(_REST_KINDS, Fault) | {
    _tag(struct): struct for struct in (*_ANYWHERE, *_ON_SOCKETS)
}
"""Every `kind` and its struct."""


def kind_of(fault: AnyFault) -> str:
    """Return what a fault's `kind` is in a table."""
    return fault.kind if isinstance(fault, Fault) else _tag(type(fault))


def described(fault: AnyFault) -> str:
    """Return a fault in a few words: its kind, and whatever of it is not as usual."""
    table = msgspec.to_builtins(fault)
    fields: Any = KINDS[kind_of(fault)]
    defaults = {field.name: field.default for field in msgspec.structs.fields(fields)}
    said = [f"{k}={v}" for k, v in table.items() if k != "kind" and v != defaults.get(k)]
    return " ".join([kind_of(fault), *said])


def needs_sockets(fault: AnyFault) -> bool:
    """Tell whether only the simulator over sockets can play a fault, not the virtual clock."""
    return not isinstance(fault, (Fault, *_ANYWHERE))


def fault_from(table: object) -> AnyFault:
    """Return the fault that a table with `kind` asks for.

    Raises:
        ValueError: it is no table, has no kind that is known, or a key of it is wrong.
    """
    if not isinstance(table, Mapping) or "kind" not in table:
        raise ValueError("a fault is a table with `kind`")
    struct = KINDS.get(str(table["kind"]))
    if struct is None:
        raise ValueError(f"no such fault: {table['kind']}; known are {', '.join(sorted(KINDS))}")
    try:
        return msgspec.convert(table, struct)
    except msgspec.ValidationError as error:
        raise ValueError(f"fault {table['kind']}: {error}") from None


def decoded(kind: type, given: Any) -> Any:
    """Decode a field of type `AnyFault`: msgspec's `dec_hook`.

    Raises:
        NotImplementedError: the field has another type.
    """
    if kind is AnyFault:
        return fault_from(given)
    raise NotImplementedError(kind)
