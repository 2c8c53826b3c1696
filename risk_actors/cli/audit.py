"""`audit`: what happened and why, read from the store; needs no daemon and disturbs none."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click

from risk_actors.cli.audit_day import DAY_HELP, DayType, WantedDay
from risk_actors.cli.options import CommandError, data_option

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.core.trading_calendar import TradingCalendar
    from risk_actors.store.audit import Record, Selection
    from risk_actors.store.audit_locks import LocksVerified
    from risk_actors.store.audit_verify import Verified


class _Wanted(NamedTuple):
    """What the command line asked for."""

    day: WantedDay | None
    account: str | None
    correlation_id: str | None
    lock_id: int | None
    format: str
    output: Path | None
    everything: bool


@click.command()
@data_option
@click.option("--day", type=DayType(), metavar="YYYY-MM-DD", help=DAY_HELP)
@click.option("--account", help="Name or id of one account; without it, all of them.")
@click.option(
    "--correlation",
    "correlation_id",
    metavar="ID",
    help="One chain, of any day; the beginning of its id is enough where no other begins so.",
)
@click.option(
    "--lock",
    "lock_id",
    type=int,
    metavar="N",
    help="The chains in which a lock was engaged, asked to end, and ended; of any day.",
)
@click.option("--all", "everything", is_flag=True, help="Also the events that led to nothing.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "jsonl", "csv"]),
    default="text",
    show_default=True,
    help="Chains to read, or every row of the selection as JSON lines or CSV.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of the terminal.",
)
@click.option(
    "--verify",
    "is_verifying",
    is_flag=True,
    help=(
        "Check that no row was changed since it was written, and that the table of locks is what "
        "the rows tell; print the hash of the last row."
    ),
)
def audit(
    data_dir: Path,
    *,
    day: WantedDay | None,
    account: str | None,
    correlation_id: str | None,
    lock_id: int | None,
    everything: bool,
    format_: str,
    output: Path | None,
    is_verifying: bool,
) -> None:
    """Show what happened and why: from each event to the command and what was observed.

    A chain is what one event led to. Each step bears the time since the first step and, in
    brackets, since the one before; `!` marks what is alarming.

    With --verify: exit code 0 when the record is whole and the table of locks fits it, 1 when not,
    with the first broken row or lock.
    """
    wanted = _Wanted(day, account, correlation_id, lock_id, format_, output, everything)
    if is_verifying:
        if wanted != _Wanted(None, None, None, None, "text", None, everything=False):
            raise click.UsageError("--verify checks the whole record; give it alone")
        _verify(data_dir)
        return
    if correlation_id is not None and lock_id is not None:
        raise click.UsageError("give --correlation or --lock, not both")
    if output is not None and output.resolve().parent == data_dir.resolve():
        raise click.UsageError(f"{output} lies in the data directory, which is the daemon's own")
    with _opened(data_dir) as record:
        _show(record, data_dir, wanted)


@contextmanager
def _opened(data_dir: Path) -> "Iterator[Record]":
    """Open the record, and end with plain words when it cannot be read."""
    from risk_actors.store.audit import Record  # noqa: PLC0415  # kept out of `--help`

    try:
        with Record(data_dir) as record:
            yield record
    except FileNotFoundError:
        message = f"there is no record in {data_dir}; a daemon leaves one with `risk-actors run`"
        raise CommandError(message) from None
    except sqlite3.Error as error:
        raise CommandError(f"the record in {data_dir} cannot be read: {error}") from error


def _verify(data_dir: Path) -> None:
    """Say whether the record is whole and the locks are as it tells; exit code 1 when not."""
    from risk_actors.cli.audit_selection import calendar_of  # noqa: PLC0415  # kept out of `--help`
    from risk_actors.store.audit_locks import BrokenLock, verify_locks  # noqa: PLC0415
    from risk_actors.store.audit_verify import BrokenRow, verify_record  # noqa: PLC0415

    with _opened(data_dir) as record:
        zone = calendar_of(record).zone
        found = verify_record(record, zone)
        if isinstance(found, BrokenRow):
            click.echo(f"BROKEN: {found.sentence()}.")
            click.echo(f"{_rows(found.rows)} before it are as they were written.")
            sys.exit(1)
        locks = verify_locks(record, zone)
    if isinstance(locks, BrokenLock):
        click.echo(f"BROKEN: {locks.sentence()}.")
        click.echo(f"{_rows(found.rows)} of the record are as they were written.")
        sys.exit(1)
    click.echo("\n".join(_intact(found, locks)))


def _intact(found: "Verified", locks: "LocksVerified") -> list[str]:
    lines = []
    if found.rows or found.cut_off_seq:
        lines.append(f"Intact: {_rows(found.rows)}, the last is {found.head_seq}.")
        lines.append(f"Its hash: {found.head_hash}")
    else:
        lines.append("Intact: nothing is recorded yet.")
    if found.cut_off_seq:
        lines.append(f"Rows up to {found.cut_off_seq} are not here any more: {found.follows}.")
    elif found.follows:
        lines.append(f"It begins anew: {found.follows}.")
    if found.unchained:
        lines.append(f"{_rows(found.unchained)} of an earlier version bear no hash to check.")
    if locks.compared or locks.not_judged:
        lines.append(f"The table of locks is as the record tells: {locks.compared:,} compared.")
    if locks.not_judged:
        lines.append(f"Of {locks.not_judged:,} more the record does not tell; they are not judged.")
    return lines


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _show(record: "Record", data_dir: Path, wanted: _Wanted) -> None:
    """Write what is asked for, or say that there is nothing."""
    from risk_actors.cli.audit_selection import (  # noqa: PLC0415
        calendar_of,
        nothing_found,
        select,
    )

    is_text = wanted.format == "text"
    is_one = wanted.correlation_id is not None or wanted.lock_id is not None
    if record.latest_ns() is None and not is_one:
        # Where rows for another program are expected, a sentence does not belong among them.
        click.echo(f"Nothing is recorded yet in {data_dir}.", err=not is_text)
        return
    calendar = calendar_of(record)
    day, selection = select(
        record,
        calendar,
        day=wanted.day,
        account=wanted.account,
        correlation_id=wanted.correlation_id,
        lock_id=wanted.lock_id,
    )
    nothing = nothing_found(record, calendar, day, wanted.account or "", selection)
    if nothing is not None:
        click.echo(f"{nothing[0].upper()}{nothing[1:]}.", err=not is_text)
        return
    if is_text:
        _written(wanted, lambda out: _print(record, calendar, wanted, day, selection, out))
        return

    from risk_actors.cli.audit_export import write_csv, write_json_lines  # noqa: PLC0415

    write = write_csv if wanted.format == "csv" else write_json_lines

    def export(out: TextIO) -> None:
        count = write(record.rows(selection), record.account_names(), out)
        if wanted.output is not None:
            click.echo(f"{_rows(count)} written to {wanted.output}")

    _written(wanted, export)


def _written(wanted: _Wanted, write: Callable[[TextIO], None]) -> None:
    """Write to the file that was asked for, or to standard output."""
    if wanted.output is None:
        write(sys.stdout)
        return
    try:
        with wanted.output.open("w", encoding="utf-8", errors="replace", newline="") as out:
            write(out)
    except OSError as error:
        raise CommandError(f"{wanted.output} cannot be written: {error}") from error


def _print(
    record: "Record",
    calendar: "TradingCalendar",
    wanted: _Wanted,
    day: date | None,
    selection: "Selection",
    out: TextIO,
) -> None:
    from risk_actors.cli.audit_page import AuditPage  # noqa: PLC0415  # brings rich
    from risk_actors.store.audit_chains import chains_of  # noqa: PLC0415

    names = record.account_names()
    touched = dict.fromkeys(row.correlation_id for row in record.rows(selection))
    found = chains_of(record.rows_of(list(touched)))
    # A chain that is asked for by its id or lock is shown whatever it led to.
    is_all = wanted.everything or selection.correlation_ids is not None
    chains = [chain for chain in found if is_all or chain.led_to_something]
    page = AuditPage(_console(wanted, out), names, calendar.zone)
    page.heading(day, wanted.account or "", chains)
    for chain in chains:
        page.chain(chain)
    hidden = len(found) - len(chains)
    if hidden:
        what = (
            "1 event that led to nothing is"
            if hidden == 1
            else (f"{hidden:,} events that led to nothing are")
        )
        page.note(f"{what} left out; --all shows them.")
    page.note("Not verified; --verify checks.")


def _console(wanted: _Wanted, out: TextIO) -> "Console":
    from rich.console import Console  # noqa: PLC0415  # slow to import

    from risk_actors.cli.tables import make_console  # noqa: PLC0415

    if wanted.output is None:
        return make_console()
    return Console(file=out, highlight=False, markup=False, emoji=False, width=200, no_color=True)
