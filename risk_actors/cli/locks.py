"""`locks`: what is locked, why, and when it ends."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import CommandError, data_option

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.actors.picture import AccountPicture, Picture
    from risk_actors.store.locks import StoredLock


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="As a list of JSON objects, one per lock.")
@click.option(
    "--stored",
    is_flag=True,
    help="Read the store instead of asking the daemon; works while none runs.",
)
def locks(data_dir: Path, as_json: bool, stored: bool) -> None:
    """Show the locks in force and when each ends.

    An account may have several at once. Below them is what waits: requests to end a lock, and the
    running times of rules.
    """
    picture = _stored(data_dir) if stored else DaemonClient.find(data_dir).picture()
    if as_json:
        click.echo(_json(picture))
        return
    from risk_actors.cli.tables import make_console  # noqa: PLC0415  # brings rich

    console = make_console()
    if not any(account.locks for account in picture.accounts):
        console.print("No account is locked.")
    print_locks(console, picture)
    _print_chains(console, picture)
    _print_deadlines(console, picture)


def print_locks(console: "Console", picture: "Picture") -> None:
    """Print a table of the locks, each with its reason below, then the requests to end them."""
    from risk_actors.cli import words  # noqa: PLC0415
    from risk_actors.cli.tables import NotedRow, print_noted_rows  # noqa: PLC0415

    now = words.now_in(picture)
    is_locked = "locked" if picture.armed else "would be locked"
    rows = [
        NotedRow(
            cells=(
                str(lock.id),
                account.name,
                words.lock_scope(lock),
                lock.rule,
                words.lock_end(lock, now),
            ),
            note=f"since {words.clock(lock.since, now)}: {lock.reason}",
        )
        for account in picture.accounts
        for lock in account.locks
    ]
    if rows and not picture.armed:
        console.print(f"These locks are not enforced: {words.NOT_ENFORCED}.")
    if rows:
        print_noted_rows(console, ("lock>", "account", is_locked, "by rule", "ends"), rows)
    for account in picture.accounts:
        for lock in account.locks:
            if lock.unlock is not None:
                console.print(f"Lock {lock.id}: {words.unlock_wait(lock.unlock, now)}")
    console.print(words.unlock_policy(picture))
    for _, sentence in words.all_waived(picture, now):
        console.print(f"! {sentence}", style="bold yellow")


def _print_chains(console: "Console", picture: "Picture") -> None:
    """Print how to see what each lock came from."""
    for account in picture.accounts:
        for lock in account.locks:
            if lock.correlation_id:
                where = f"risk-actors audit --correlation {lock.correlation_id}"
                console.print(f"Lock {lock.id}: how it came about: {where}")


def _print_deadlines(console: "Console", picture: "Picture") -> None:
    """Print the times of rules that run now: cooldowns, holding times, graces."""
    from risk_actors.cli import words  # noqa: PLC0415

    for account in picture.accounts:
        for rule in words.rules_of(picture, account):
            left = words.running(rule)
            if left:
                console.print(f"{account.name}: {rule.id}: {left}")


def _json(picture: "Picture") -> str:
    import msgspec  # noqa: PLC0415  # kept out of `--help`

    told = [
        {"account": account.id, "account_name": account.name, **msgspec.structs.asdict(lock)}
        for account in picture.accounts
        for lock in account.locks
    ]
    return msgspec.json.encode(told).decode()


def _stored(data_dir: Path) -> "Picture":
    """Return what the store has, in the form in which the daemon tells it."""
    import sqlite3  # noqa: PLC0415  # kept out of `--help`

    from risk_actors.actors.picture import Picture  # noqa: PLC0415
    from risk_actors.cli.audit_selection import session_in_force  # noqa: PLC0415
    from risk_actors.store.audit import Record  # noqa: PLC0415
    from risk_actors.store.locks import stored_locks  # noqa: PLC0415

    if not data_dir.is_dir():
        raise CommandError(f"there is no data directory {data_dir}; give it with --data")
    try:
        with Record(data_dir) as record:
            names, session = record.account_names(), session_in_force(record)
        rows = stored_locks(data_dir, time.time_ns())
    except FileNotFoundError:
        message = f"there is no store in {data_dir}; a daemon leaves one with `risk-actors run`"
        raise CommandError(message) from None
    except (sqlite3.Error, OSError) as error:
        raise CommandError(f"the store in {data_dir} cannot be read: {error}") from error
    accounts: dict[int, AccountPicture] = {}
    for row in rows:
        accounts[row.account_id] = _with_lock(accounts.get(row.account_id), row, names)
    return Picture(
        version="",
        mode="",
        armed=True,
        phase="stored",
        accounts=tuple(accounts.values()),
        unlock=session.unlock.value,
        timezone=session.timezone,
    )


def _with_lock(
    account: "AccountPicture | None", stored: "StoredLock", names: dict[int, str]
) -> "AccountPicture":
    import msgspec  # noqa: PLC0415  # kept out of `--help`

    from risk_actors.actors.picture import (  # noqa: PLC0415
        AccountPicture,
        LockPicture,
        UnlockPicture,
    )
    from risk_actors.core.evidence import iso_utc  # noqa: PLC0415

    unlock = None
    if stored.due_ns is not None:
        unlock = UnlockPicture(due=iso_utc(stored.due_ns), reason=stored.asked_for or "")
    lock = LockPicture(
        id=stored.id,
        rule=stored.rule_id,
        scope=stored.contract_id or "account",
        since=iso_utc(stored.since_ns),
        until=None if stored.until_ns is None else iso_utc(stored.until_ns),
        reason=stored.reason,
        unlock=unlock,
        correlation_id=stored.correlation_id,
    )
    if account is None:
        name = names.get(stored.account_id) or str(stored.account_id)
        account = AccountPicture(id=stored.account_id, name=name)
    return msgspec.structs.replace(account, locks=(*account.locks, lock))
