"""The broker's trade rows in the store, amended when they are sent again."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlite_utils import Database

from risk_actors import messages as m
from risk_actors.core.broker import Fill, Side
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.store.schema import open_database
from risk_actors.store.storable import NO_COLUMN_HOLDS, readable


class Reconciled(NamedTuple):
    """What a snapshot's fills changed in the store."""

    new: Sequence[Fill]
    """Not known before, or known otherwise."""
    gone_ids: Sequence[int]
    """Known, and not listed by the broker any more."""


class FillTable:
    """The table `fills`. The caller begins and commits the transaction."""

    def __init__(
        self, database: Database, local: Callable[[int], str], day_start: Callable[[int], int]
    ) -> None:
        """Take how an instant reads, and when its trading day began."""
        self._database = database
        self._local = local
        self._day_start_ns = day_start
        self._pushed_ns: dict[tuple[int, int], int] = {}
        self._dropped: dict[tuple[int, int], SeenBefore] = {}
        """When fills were seen to come that the broker did not list any more; it may do so again,
        and then they were not entered any later."""
        self.changed_days: set[tuple[int, int]] = set()
        """Account and start of each day whose sums have to be reckoned anew."""

    def take(self, fill: Fill, pushed_ns: int) -> None:
        """Keep a fill that was pushed at an instant of our clock."""
        self._pushed_ns[fill.account_id, fill.id] = pushed_ns
        known = self._known(fill.account_id, "id = ?", fill.id).get(fill.id)
        self._put(fill, known, pushed_ns)

    def reconcile(self, snapshot: m.AccountSnapshot) -> Reconciled | None:
        """Make what is stored what the broker lists (I8); None when it listed nothing to compare.

        What was pushed after the snapshot was asked for may be newer than its list, and stays; so
        does what was voided.
        """
        if snapshot.fills is None:
            return None
        account_id, since_ns = snapshot.account_id, snapshot.fills_since_ns
        oldest_ns = min((fill.at_ns for fill in snapshot.fills), default=since_ns)
        known = self._known(account_id, "at_ns >= ?", min(oldest_ns, since_ns))
        new = [fill for fill in snapshot.fills if self._is_new(fill, known.get(fill.id))]
        listed = {fill.id for fill in snapshot.fills}
        gone = [
            fill
            for fill in known.values()
            if fill.id not in listed
            and fill.at_ns >= since_ns
            and not fill.voided
            and self._pushed_ns.get((account_id, fill.id), -1) < snapshot.asked_ns
        ]
        for fill in gone:
            self._note_dropped(fill)
            self._database.execute(
                "delete from fills where account_id = ? and id = ?", [account_id, fill.id]
            )
            self.changed_days.add((account_id, self._day_start_ns(fill.at_ns)))
        self._pushed_ns = {
            key: at_ns
            for key, at_ns in self._pushed_ns.items()
            if key[0] != account_id or at_ns >= snapshot.asked_ns
        }
        return Reconciled(new, [fill.id for fill in gone])

    def _note_dropped(self, fill: Fill) -> None:
        seen_ns = self._database.execute(
            "select seen_ns from fills where account_id = ? and id = ?", [fill.account_id, fill.id]
        ).fetchone()[0]
        if seen_ns is not None:
            self._dropped[fill.account_id, fill.id] = SeenBefore(fill.at_ns, seen_ns)

    def _is_new(self, fill: Fill, known: Fill | None) -> bool:
        """Store a listed fill; one that no column holds is news each time, and spoils no other."""
        try:
            return self._put(fill, known)
        except NO_COLUMN_HOLDS:
            return True

    def _put(self, fill: Fill, known: Fill | None, seen_ns: int | None = None) -> bool:
        """Store a fill merged with what is known of it; tell whether that changed anything.

        A row sent again may lack the profit told before; and voided once is voided. When it was
        seen first stays, or whether it was entered under a lock would be judged anew.
        """
        if known is not None:
            fill = msgspec.structs.replace(
                fill,
                profit_usd=known.profit_usd if fill.profit_usd is None else fill.profit_usd,
                voided=known.voided or fill.voided,
            )
            if fill == known:
                return False
        dropped = self._dropped.get((fill.account_id, fill.id))
        if dropped is not None and dropped.at_ns == fill.at_ns:
            seen_ns = dropped.seen_ns
        day_start_ns = self._day_start_ns(fill.at_ns)
        self._database.execute(
            "insert into fills (account_id, id, at, at_ns, day_start_ns, contract_id, order_id,"
            " side, size, price, profit_usd, costs_usd, voided, seen_ns)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (account_id, id) do update set at = excluded.at, at_ns = excluded.at_ns,"
            " day_start_ns = excluded.day_start_ns, contract_id = excluded.contract_id,"
            " order_id = excluded.order_id, side = excluded.side, size = excluded.size,"
            " price = excluded.price, profit_usd = excluded.profit_usd,"
            " costs_usd = excluded.costs_usd, voided = excluded.voided",
            [
                fill.account_id,
                fill.id,
                self._local(fill.at_ns),
                fill.at_ns,
                day_start_ns,
                readable(fill.contract_id),
                fill.order_id,
                fill.side.name.lower(),
                fill.size,
                exact(fill.price),
                None if fill.profit_usd is None else exact(fill.profit_usd),
                exact(fill.costs_usd),
                int(fill.voided),
                seen_ns,
            ],
        )
        # Only now: a day of what could not be stored cannot be reckoned.
        self.changed_days.add((fill.account_id, day_start_ns))
        if known is not None:
            self.changed_days.add((fill.account_id, self._day_start_ns(known.at_ns)))
        return True

    def _known(self, account_id: int, where: str, value: int) -> dict[int, Fill]:
        rows = self._database.execute(
            f"select {_COLUMNS} from fills where account_id = ? and {where}",  # noqa: S608 - ours
            [account_id, value],
        )
        return {row[1]: _fill(row) for row in rows.fetchall()}


def read_seen_fills(data_dir: Path, since_ns: int) -> dict[int, dict[int, SeenBefore]]:
    """Return by account and fill id when fills since an instant were pushed, by our clock.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    database = open_database(data_dir)
    try:
        rows = database.execute(
            "select account_id, id, at_ns, seen_ns from fills"
            " where at_ns >= ? and seen_ns is not null",
            [since_ns],
        ).fetchall()
    finally:
        database.close()
    seen: dict[int, dict[int, SeenBefore]] = {}
    for account_id, fill_id, at_ns, seen_ns in rows:
        seen.setdefault(account_id, {})[fill_id] = SeenBefore(at_ns, seen_ns)
    return seen


def exact(amount: Decimal) -> str:
    """Return a decimal as text that says the same: never with an exponent."""
    return format(amount, "f")


def day_sums(rows: Iterable[tuple[str | None, str]]) -> tuple[Decimal, Decimal]:
    """Return the realised P&L and the costs of fills, given profit and costs of each."""
    realized_usd = costs_usd = Decimal(0)
    for profit, costs in rows:
        costs_usd += Decimal(costs)
        realized_usd += (Decimal(profit) if profit is not None else 0) - Decimal(costs)
    return realized_usd, costs_usd


_COLUMNS = (
    "account_id, id, contract_id, order_id, side, size, price, at_ns, profit_usd, costs_usd, voided"
)


def _fill(row: tuple[int, int, str, int, str, int, str, int, str | None, str, int]) -> Fill:
    account_id, fill_id, contract_id, order_id, side, size, price, at_ns, profit, costs, voided = (
        row
    )
    return Fill(
        id=fill_id,
        account_id=account_id,
        contract_id=contract_id,
        order_id=order_id,
        side=Side[side.upper()],
        size=size,
        price=Decimal(price),
        at_ns=at_ns,
        profit_usd=None if profit is None else Decimal(profit),
        costs_usd=Decimal(costs),
        voided=bool(voided),
    )
