"""Until when an earlier run watched the prices of what an account held."""

from collections.abc import Iterable, Mapping
from typing import Any

from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.rules.profit_giveback import Peak
from risk_actors.core.rules.trailing_drawdown import DrawdownState


def watched_until_ns(
    account_ids: Iterable[int],
    alive_ns: int | None,
    memories: Mapping[tuple[str, int], RuleMemory],
) -> dict[int, int]:
    """Return by account since when prices have to be read; none for one that nobody watched.

    Args:
        account_ids: the accounts to guard now.
        alive_ns: when the last run was alive last, if there was one.
        memories: what rules remembered then: a time that was not made up for counts from its
            beginning, so that a kill in the middle of that forgets nothing.
    """
    until: dict[int, int] = {}
    for account_id in account_ids:
        unread = (_unread_since_ns(m.state) for (_, of), m in memories.items() if of == account_id)
        known = [since_ns for since_ns in (alive_ns, *unread) if since_ns is not None]
        if known:
            until[account_id] = min(known)
    return until


def _unread_since_ns(state: Any) -> int | None:
    match state:
        case DrawdownState():
            return state.high.unread_since_ns
        case Peak():
            return state.unread_since_ns
        case _:
            return None
