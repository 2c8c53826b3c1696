"""Events in forms that a client may not expect. Pure: an event in, frames out."""

import copy
from collections.abc import Callable
from typing import Any

from risk_actors.simulator import signalr
from risk_actors.simulator.faults_stream import How
from risk_actors.simulator.payloads import Row

_TOO_LARGE = (1 << 20) + 1
_KEPT = frozenset({"id", "symbol"})


def frames(how: How, target: str, arguments: list[Any]) -> list[str]:
    """Return the frames that are sent in place of an event.

    The data is the last argument: of the user hub wrapped as `{action, data}`, of the market hub
    bare, and there it may be a list.
    """
    match how:
        case "no_arguments":
            return [signalr.invocation(target, [])]
        case "unknown_target":
            sent = [signalr.invocation(target, arguments)]
            return [*sent, signalr.invocation(f"{target}V2", arguments)]
        case "unknown_keys":
            message = {"type": signalr.INVOCATION, "target": target, "arguments": arguments}
            return [signalr.frame(message | {"traceId": "00-4bf92f3577b34da6-01"})]
        case "not_json":
            return ['{"type":1,"target":' + signalr.SEPARATOR]
    return [signalr.invocation(target, [*arguments[:-1], _around(arguments[-1], _CHANGES[how])])]


def _around(argument: Any, change: Callable[[Any], Any]) -> Any:
    """Change the data where it lies, inside the user hub's wrapper or bare."""
    if isinstance(argument, dict) and "data" in argument:
        return argument | {"data": change(argument["data"])}
    return change(argument)


def _each(change: Callable[[Row], Row]) -> Callable[[Any], Any]:
    """Return a change of a row as one of a row or of a list of rows."""

    def changed(data: Any) -> Any:
        if isinstance(data, list):
            return [changed(each) for each in data]
        return change(copy.copy(data)) if isinstance(data, dict) else data

    return changed


def _is_id(key: str) -> bool:
    return key.lower().endswith("id")


def _string_ids(row: Row) -> Row:
    return {k: str(v) if _is_id(k) and isinstance(v, int) else v for k, v in row.items()}


def _extra_fields(row: Row) -> Row:
    return row | {
        "venueCode": "XCME",
        "riskProfile": {"tier": 3, "tags": ["a", None]},
        "isSynthetic": False,
    }


def _null_fields(row: Row) -> Row:
    return {k: v if _is_id(k) else None for k, v in row.items()}


def _missing_fields(row: Row) -> Row:
    return {k: v for k, v in row.items() if k in _KEPT}


def _wrong_types(row: Row) -> Row:
    return {k: 7 if isinstance(v, str) else "seven" for k, v in row.items()}


def _too_large(row: Row) -> Row:
    return row | {"note": "x" * _TOO_LARGE}


_CHANGES: dict[str, Callable[[Any], Any]] = {
    "string_ids": _each(_string_ids),
    "extra_fields": _each(_extra_fields),
    "null_fields": _each(_null_fields),
    "missing_fields": _each(_missing_fields),
    "wrong_types": _each(_wrong_types),
    "too_large": _each(_too_large),
    "text": lambda _data: "garbage",
    "null": lambda _data: None,
    "list": lambda data: [data],
}
