"""One plain line about a message."""

from typing import NamedTuple


class Line(NamedTuple):
    """One line about one message."""

    kind: str
    """`breach`, `warning`, `unknown`, `ok`, `lock`, `unlock`, `command`, `outcome`, …"""
    account_id: int | None
    text: str
    is_alarming: bool = False
