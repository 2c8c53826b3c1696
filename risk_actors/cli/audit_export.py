"""The record for other programs: JSON lines and CSV, one row of the record a line."""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from risk_actors.projectx.secrets import scrub
from risk_actors.store.audit import RecordRow

CSV_COLUMNS = (
    "table",
    "seq",
    "at",
    "at_ns",
    "run_id",
    "account_id",
    "account",
    "correlation_id",
    "kind",
    "text",
    "message",
    "hash",
)


def write_json_lines(rows: Iterable[RecordRow], names: Mapping[int, str], out: TextIO) -> int:
    """Write every column of each row, its message decoded, and the account's name; return how many.

    A row of no single account has null for the name, as for the id.
    """
    count = 0
    for row in rows:
        fields = {**row._asdict(), "account": _name(row, names)}
        try:
            fields["message"] = json.loads(row.message)
        except (TypeError, ValueError):
            fields["message"] = row.message
        out.write(json.dumps(_scrubbed(fields)) + "\n")
        count += 1
    return count


def write_csv(rows: Iterable[RecordRow], names: Mapping[int, str], out: TextIO) -> int:
    """Write every column of each row and the account's name; return how many."""
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow(_scrubbed({**row._asdict(), "account": _name(row, names) or ""}))
        count += 1
    return count


def _name(row: RecordRow, names: Mapping[int, str]) -> str | None:
    return None if row.account_id is None else names.get(row.account_id)


def _scrubbed(value: Any) -> Any:
    """Hide what looks like a credential, as the log does; the record has none."""
    match value:
        case str():
            return scrub(value)
        case dict():
            return {key: _scrubbed(each) for key, each in value.items()}
        case list():
            return [_scrubbed(each) for each in value]
        case bytes():
            return repr(value)
        case _:
            return value
