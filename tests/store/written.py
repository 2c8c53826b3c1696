"""A record as the journal would have written it, with a chain that fits."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from risk_actors import messages as m
from risk_actors.core.broker import Quote
from risk_actors.core.commands import Answer, CloseContract, Outcome
from risk_actors.core.evidence import Evidence, iso_utc
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Breached, Existing, Flatten, LockTerms
from risk_actors.messages import Message
from risk_actors.store.lock_rows import row_of
from risk_actors.store.record_chain import GENESIS, row_hash
from risk_actors.store.schema import DATABASE_FILE, migrate
from tests.actors.facts import CHICAGO, DAY_END_NS, MNQ, fill, order
from tests.conftest import MS, NOON_NS, S


class Told(NamedTuple):
    """One row: which table it belongs to, its message and its sentence."""

    table: str
    message: Message
    text: str = ""


def change(data_dir: Path, *statements: str) -> None:
    """Do to the file what anybody with an SQLite tool could do."""
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def ask(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection:
        return connection.execute(query).fetchall()


def write_record(data_dir: Path, told: Iterable[Told], *, notes_end: bool = True) -> str:
    """Make a store of these rows, numbered from 1, and of the locks; return the last hash."""
    migrate(data_dir)
    previous, seq = GENESIS, 0
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection, connection:
        for seq, (table, message, text) in enumerate(told, 1):
            row: dict[str, Any] = {
                "seq": seq,
                "at": iso_utc(message.at_ns),
                "at_ns": message.at_ns,
                "run_id": 1,
                "account_id": _account_of(message),
                "correlation_id": message.correlation_id,
                "kind": type(message).__name__,
                "text": text,
                "message": msgspec.json.encode(message).decode(),
            }
            previous = row["hash"] = row_hash(previous, {**row, "table": table})
            columns = ", ".join(f":{name}" for name in row)
            connection.execute(
                f"insert into {table} ({', '.join(row)}) values ({columns})",  # noqa: S608 - ours
                row,
            )
            if isinstance(message, m.LocksChanged) and message.engaged is not None:
                lock = row_of(message.engaged, CHICAGO)
                connection.execute(
                    f"insert or replace into locks ({', '.join(lock)})"  # noqa: S608 - ours
                    f" values ({', '.join(f':{name}' for name in lock)})",
                    lock,
                )
        connection.executemany(
            "insert into accounts (id, name) values (?, ?)", ((101, "50K-101"), (102, "50K-102"))
        )
        if notes_end:
            connection.execute(
                "insert into runs (id, started_ns, last_seq, last_hash) values (1, 0, ?, ?)",
                (seq, previous),
            )
    return previous


def _account_of(message: Message) -> int | None:
    about = getattr(message, "command", message)
    account_id: int | None = getattr(about, "account_id", None)
    return account_id


def a_breach(
    correlation_id: str = "quote-1",
    *,
    account_id: int = 101,
    since_ns: int = NOON_NS,
    lock_id: int = 1,
) -> list[Told]:
    """Return the chain of a loss limit that a quote broke, until flat was observed."""

    def at(after_ms: float) -> dict[str, Any]:
        return {"correlation_id": correlation_id, "at_ns": since_ns + int(after_ms * MS)}

    quote = m.QuoteReported(
        **at(0),
        quote=Quote(contract_id=MNQ, bid=Decimal(24940), ask=Decimal("24940.25"), at_ns=since_ns),
    )
    sentence = Evidence(template="Day P&L -600.00 reached the limit of -500.00")
    breach = Breached(
        value=Decimal(-600),
        limit=Decimal(-500),
        evidence=sentence,
        cause="day 1",
        action=Flatten(),
        locks=(LockTerms(),),
    )
    found = m.BreachFound(
        **at(0.5), rule_id="daily-loss", account_id=account_id, breach=breach, event=quote
    )
    engaged = Lock(
        id=lock_id,
        account_id=account_id,
        contract_id=None,
        rule_id="daily-loss",
        since_ns=since_ns,
        until_ns=min(DAY_END_NS, since_ns + DAY_END_NS - NOON_NS),
        evidence=sentence,
        correlation_id=correlation_id,
        existing=Existing.FLATTEN,
    )
    locked = m.LocksChanged(**at(3.5), account_id=account_id, locks=(engaged,), engaged=engaged)
    close = CloseContract(
        id=7, account_id=account_id, contract_id=MNQ, correlation_id=correlation_id
    )
    outcome = Outcome(command_id=7, account_id=account_id, answer=Answer.ACCEPTED)

    def changed(after_ms: float, phase: m.EnforcementPhase) -> m.EnforcementChanged:
        return m.EnforcementChanged(
            **at(after_ms), account_id=account_id, phase=phase, cause="daily-loss", detail=""
        )

    answered = m.CommandAnswered(**at(40), outcome=outcome, sent_ns=since_ns + MS)
    why = "daily-loss: Day P&L -600.00 reached the limit of -500.00"
    return [
        Told("events", quote, "quote MNQ 24940 / 24940.25"),
        Told("decisions", found, why),
        Told("commands", m.SendClose(**at(1), command=close), "close MNQ (#000007)"),
        Told("decisions", changed(1, m.EnforcementPhase.STARTED), "daily-loss: closing MNQ"),
        Told("decisions", locked, "account locked by daily-loss until Tue 17:00:00 CST"),
        Told("outcomes", answered, "#000007 accepted in 39.0 ms"),
        Told(
            "decisions",
            changed(182.4, m.EnforcementPhase.FLAT_OBSERVED),
            "observed flat for daily-loss after 0.182 s",
        ),
    ]


def quiet_fill(number: int, *, account_id: int = 101, at_ns: int = NOON_NS) -> Told:
    """Return a fill that led to nothing."""
    told = m.FillReported(
        correlation_id=f"fill-{number}", at_ns=at_ns, fill=fill(number, 1, account_id)
    )
    return Told("events", told, "bought 1 MNQ at 20000")


def quiet_order(number: int, *, at_ns: int = NOON_NS - S) -> Told:
    """Return an order that led to nothing."""
    told = m.OrderReported(
        correlation_id=f"order-{number}", at_ns=at_ns, order=order(number, 1, 101)
    )
    return Told("events", told, "order open: buy 1 MNQ limit")
