"""What faults make of REST answers: refusals, bodies that are none, rows twice, and the past."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from risk_actors.simulator.faults_rest import Body, Fault, Read, Stale
from risk_actors.simulator.past import Past, as_of
from risk_actors.simulator.payloads import Row, to_json
from risk_actors.simulator.records import Account, JournalEntry

COMMANDS = frozenset(
    {
        "Order/place",
        "Order/modify",
        "Order/cancel",
        "Position/closeContract",
        "Position/partialCloseContract",
    }
)
"""Endpoints that change something; a fault runs them only when it says so."""

_READ_OF: dict[str, Read] = {
    "Account/search": "account",
    "Position/searchOpen": "positions",
    "Order/search": "orders",
    "Order/searchOpen": "orders",
    "Order/searchById": "orders",
    "Order/v2/query": "orders",
    "Trade/search": "trades",
}
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_OUTCOME = frozenset({"success", "errorCode", "errorMessage"})
_JSON = "application/json"
_NS_PER_S = 1_000_000_000


def outcome(error_code: int, message: str | None = None) -> Row:
    """Return the three fields that every answer has."""
    return {"success": error_code == 0, "errorCode": error_code, "errorMessage": message}


def runs_command(fault: Fault, endpoint: str) -> bool:
    """Tell whether the endpoint runs before the fault strikes; a read garbled is run first."""
    return fault.execute or (fault.kind == "body" and endpoint not in COMMANDS)


def body_of(kind: Body, row: Any) -> tuple[bytes, str]:
    """Return the bytes and the content type that are answered in place of a row."""
    match kind:
        case "garbage":
            return b"\x00\xff{]", _JSON
        case "truncated":
            whole = to_json(row)
            return whole[: len(whole) // 2], _JSON
        case "empty":
            return b"", _JSON
        case "html":
            return _HTML, "text/html"
        case "list":
            return b"[]", _JSON
        case "null":
            return b"null", _JSON
        case "no_success":
            return to_json({k: v for k, v in row.items() if k not in _OUTCOME}), _JSON


def with_first_row_twice(row: Row) -> Row:
    """Return an answer whose lists have their first row twice, one behind the other."""
    return {k: [*v[:1], *v] if isinstance(v, list) else v for k, v in row.items()}


def is_stale(fault: Stale, endpoint: str) -> bool:
    """Tell whether a fault makes the reads of an endpoint stale."""
    return _READ_OF.get(endpoint) in fault.reads


def past_of(
    fault: Stale, opening: Iterable[Account], journal: Iterable[JournalEntry], now_ns: int
) -> Past:
    """Return what a stale read sees; `now_ns` is the broker's time, as in the journal."""
    entries = list(journal)
    if fault.age_s is None:
        kept = list(islice(entries, max(0, len(entries) - (fault.changes or 0))))
    else:
        kept = [e for e in entries if e.at_ns <= now_ns - fault.age_s * _NS_PER_S]
    return as_of({account.id: account for account in opening}, kept)
