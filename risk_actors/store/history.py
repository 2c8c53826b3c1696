"""Past trading days, and what a day's curve begins with, read from the store without touching it.

A trading day begins where the store says that one began, not where a calendar of today would put
it: the reset may have been moved since.
"""

from bisect import bisect_right
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.schedules import DAILY_RESET
from risk_actors.store.audit import Record

NS_PER_MS = NS_PER_S // 1000


class PastDay(NamedTuple):
    """One account's trading day, as the store has it; None where it cannot tell."""

    day: str
    """The date by which it is called: the one on which it ends."""
    account_id: int
    day_start_ns: int
    realized_usd: Decimal | None
    costs_usd: Decimal | None
    trades: int | None
    locks: int
    breaches: int | None
    """Of rules that are enforced, each found once; None where the record of then is not kept."""


class Worth(NamedTuple):
    """What an account's day was worth at an instant; None from then on nobody knows."""

    at_ns: int
    equity_usd: Decimal | None


def read_past_days(record: Record, days: int) -> list[PastDay]:
    """Return the newest trading days with anything in them, newest first, then by account.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    if not record.has("pnl_days"):
        return []
    named = record.ask(
        "select distinct day, day_start_ns from pnl_days where day in"
        " (select distinct day from pnl_days order by day desc limit :days)",
        days=days,
    )
    names = {int(start_ns): str(day) for day, start_ns in named}
    if not names:
        return []
    first_ns = min(names)
    locks = _by_day(record, _LOCKS, first_ns, names)
    breaches = _by_day(record, _BREACHES, first_ns, names)
    kept_from_ns = _record_kept_from_ns(record)
    rows = record.ask(
        "select day_start_ns, account_id, realized_usd, costs_usd, trades from pnl_days"
        " where day_start_ns >= :first_ns",
        first_ns=first_ns,
    )
    figures = {(start_ns, account_id): rest for start_ns, account_id, *rest in rows}
    keys = {key for key in (*figures, *locks, *breaches) if key[0] in names}
    return [
        _past_day(
            names[start_ns], start_ns, account_id, figures.get((start_ns, account_id))
        )._replace(
            locks=locks[start_ns, account_id],
            breaches=breaches[start_ns, account_id] if start_ns >= kept_from_ns else None,
        )
        for start_ns, account_id in sorted(keys, key=lambda key: (-key[0], key[1]))
    ]


def _past_day(day: str, start_ns: int, account_id: int, figures: list[object] | None) -> PastDay:
    realized, costs, trades = figures or (None, None, None)
    return PastDay(
        day=day,
        account_id=account_id,
        day_start_ns=start_ns,
        realized_usd=None if realized is None else Decimal(str(realized)),
        costs_usd=None if costs is None else Decimal(str(costs)),
        trades=trades if isinstance(trades, int) else None,
        locks=0,
        breaches=None,
    )


_LOCKS = "select account_id, since_ns from locks where since_ns >= :first_ns"
_BREACHES = (
    "select account_id, at_ns from decisions where at_ns >= :first_ns and kind = 'BreachFound'"
    " and account_id is not null and case when json_valid(message)"
    " then coalesce(json_extract(message, '$.is_repeat'), 0) else 0 end = 0"
)


def _by_day(
    record: Record, query: str, first_ns: int, names: dict[int, str]
) -> Counter[tuple[int, int]]:
    """Count rows of account and instant by start of the day and account."""
    starts = set(names)
    if record.has("resets"):
        told = record.ask(
            "select at_ns from resets where name = :name and at_ns >= :first_ns",
            name=DAILY_RESET,
            first_ns=first_ns,
        )
        starts |= {int(at_ns) for (at_ns,) in told}
    ordered = sorted(starts)
    found: Counter[tuple[int, int]] = Counter()
    for account_id, at_ns in record.ask(query, first_ns=first_ns):
        found[ordered[bisect_right(ordered, at_ns) - 1], account_id] += 1
    return found


def _record_kept_from_ns(record: Record) -> int:
    """Return since when the record tells of breaches; 0 where it was never cut off."""
    return max((anchor.at_ns for anchor in record.anchors()), default=0)


def read_day_worth(
    record: Record, account_id: int, day_start_ns: int, until_ns: int
) -> list[Worth]:
    """Return what the day was worth as far as fills alone can tell: whenever nothing was open.

    Then equity is what was realised. From when a trade opened to when all were closed it is None:
    the prices of then are not kept.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    if not record.has("fills") or not record.has("trades"):
        return []
    held = record.ask(
        "select opened_ns, closed_ns from trades where account_id = :account_id"
        " and opened_ns < :until_ns and (closed_ns is null or closed_ns > :day_start_ns)"
        " union all select opened_ns, null from positions where account_id = :account_id"
        " and opened_ns < :until_ns order by 1",
        account_id=account_id,
        day_start_ns=day_start_ns,
        until_ns=until_ns,
    )
    fills = record.ask(
        "select at_ns, profit_usd, costs_usd from fills where account_id = :account_id"
        " and at_ns >= :day_start_ns and at_ns < :until_ns and not voided order by at_ns, id",
        account_id=account_id,
        day_start_ns=day_start_ns,
        until_ns=until_ns,
    )
    return _worth_while_flat(
        _merged([(opened, until_ns if closed is None else closed) for opened, closed in held]),
        [
            (at_ns, (Decimal(profit) if profit is not None else Decimal(0)) - Decimal(costs))
            for at_ns, profit, costs in fills
        ],
        day_start_ns,
        until_ns,
    )


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans, which come by their beginning, with those that touch made one."""
    merged: list[tuple[int, int]] = []
    for since_ns, until_ns in spans:
        if merged and since_ns <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], until_ns)
        else:
            merged.append((since_ns, until_ns))
    return merged


def _worth_while_flat(
    held: list[tuple[int, int]],
    nets: list[tuple[int, Decimal]],
    day_start_ns: int,
    until_ns: int,
) -> list[Worth]:
    """Return the worth at both ends of each time in which nothing was held."""
    found: list[Worth] = []
    flat_since_ns = day_start_ns
    for opened_ns, closed_ns in (*held, (until_ns, until_ns)):
        if opened_ns > flat_since_ns:
            realized = sum((net for at_ns, net in nets if at_ns <= flat_since_ns), Decimal(0))
            found.append(Worth(flat_since_ns, realized))
            # The millisecond before: of the instant itself the opening fill is part.
            found.append(Worth(max(flat_since_ns, opened_ns - NS_PER_MS), realized))
        if opened_ns < until_ns:
            found.append(Worth(max(opened_ns, day_start_ns), None))
        flat_since_ns = max(flat_since_ns, closed_ns)
    return found
