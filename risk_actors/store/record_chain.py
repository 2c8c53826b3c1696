"""How each row of the record follows from the one before it.

The record is one sequence of rows over the tables events, decisions, commands and outcomes. The
`hash` of a row is the SHA-256, in lower-case hex, of these parts one after the other, as UTF-8:
the hash of the row before (`GENESIS` for the first), the name of the table, and the row's seq, at,
at_ns, run_id, account_id, correlation_id, kind, text and message. A part is its length in bytes in
decimal, a colon, its text and a comma (`3:abc,`); a whole number is its decimal digits; NULL is
`-,`. As every part begins with its own length, no two different rows give the same bytes.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypedDict

GENESIS = "0" * 64
"""Stands for the hash of the row before the first."""


class RecordColumns(TypedDict):
    """What the hash of a row covers, besides the hash of the row before: in this order."""

    table: str
    seq: int
    at: str | None
    at_ns: int
    run_id: int
    account_id: int | None
    correlation_id: str
    kind: str
    text: str | None
    message: str


HASHED = tuple(RecordColumns.__annotations__)
"""The names above in the order in which they are hashed; `table` is no column but the place."""


def row_hash(previous: str, row: Mapping[str, Any]) -> str:
    """Return the hash of a row that follows the row whose hash is `previous`.

    `row` holds what `RecordColumns` names; more than that is not looked at.

    Raises:
        KeyError: one of them is missing.
        UnicodeEncodeError: a text is not valid Unicode (the store could not keep it either).
    """
    parts = [b"%d:%b," % (len(previous), previous.encode())]
    for name in HASHED:
        value = row[name]
        if value is None:
            parts.append(b"-,")
            continue
        # A blob does not count as the text it spells: no row of ours has one.
        data = str(value).encode()
        parts.append(b"%d:%b," % (len(data), data))
    return sha256(b"".join(parts)).hexdigest()
