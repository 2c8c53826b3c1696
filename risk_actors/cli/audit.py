"""`audit`: what happened and why, read from the store; needs no daemon and disturbs none."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click

from risk_actors.cli.options import CommandError, data_option

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.core.trading_calendar import TradingCalendar
    from risk_actors.store.audit import Record, Selection
    from risk_actors.store.audit_verify import BrokenRow, Verified


class _Wanted(NamedTuple):
    """What the command line asked for."""

    day: date | None
    account: str | None
    correlation_id: str | None
    format: str
    output: Path | None
    everything: bool


@click.command()
@data_option
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The trading day by the date on which it ends; without it, the latest.",
)
@click.option("--account", help="Name or id of one account; without it, all of them.")
@click.option("--correlation", "correlation_id", metavar="ID", help="One chain, of any day.")
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
    help="Check that no row was changed since it was written; print the hash of the last row.",
)
def audit(
    data_dir: Path,
    day: datetime | None,
    account: str | None,
    correlation_id: str | None,
    everything: bool,
    format_: str,
    output: Path | None,
    is_verifying: bool,
) -> None:
    """Show what happened and why: from each event to the command and what was observed.

    A chain is what one event led to. Each step bears the time since the first step and, in
    brackets, since the one before; `!` marks what is alarming.

    With --verify: exit code 0 when the record is whole, 1 when it is not, with the first broken
    row.
    """
    wanted = _Wanted(day and day.date(), account, correlation_id, format_, output, everything)
    if is_verifying:
        if wanted != _Wanted(None, None, None, "text", None, everything=False):
            raise click.UsageError("--verify checks the whole record; give it alone")
        _verify(data_dir)
        return
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
    """Say whether the record is whole; exit code 1 when it is not."""
    from risk_actors.store.audit_verify import (  # noqa: PLC0415  # kept out of `--help`
        BrokenRow,
        verify_record,
    )

    with _opened(data_dir) as record:
        found = verify_record(record)
    click.echo("\n".join(_result(found)))
    if isinstance(found, BrokenRow):
        sys.exit(1)


def _result(found: "Verified | BrokenRow") -> list[str]:
    from risk_actors.store.audit_verify import BrokenRow  # noqa: PLC0415

    if isinstance(found, BrokenRow):
        return [
            f"BROKEN: {found.sentence()}.",
            f"{_rows(found.rows)} before it are as they were written.",
        ]
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
    return lines


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _show(record: "Record", data_dir: Path, wanted: _Wanted) -> None:
    """Write what is asked for, or say that there is nothing."""
    from risk_actors.cli.audit_selection import calendar_of, select  # noqa: PLC0415

    if record.latest_ns() is None:
        if wanted.format == "text":
            click.echo(f"Nothing is recorded yet in {data_dir}.")
        return
    calendar = calendar_of(record)
    day, selection = select(
        record,
        calendar,
        day=wanted.day,
        account=wanted.account,
        correlation_id=wanted.correlation_id,
    )
    if wanted.format == "text":
        _written(wanted, lambda out: _print(record, calendar, wanted, day, selection, out))
        return

    from risk_actors.cli.audit_export import write_csv, write_json_lines  # noqa: PLC0415

    def write(out: TextIO) -> None:
        if wanted.format == "csv":
            count = write_csv(record.rows(selection), record.account_names(), out)
        else:
            count = write_json_lines(record.rows(selection), out)
        if wanted.output is not None:
            click.echo(f"{_rows(count)} written to {wanted.output}")

    _written(wanted, write)


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
    from risk_actors.cli.audit_page import AuditPage, chains_of  # noqa: PLC0415  # brings rich

    names = record.account_names()
    touched = dict.fromkeys(row.correlation_id for row in record.rows(selection))
    found = chains_of(record.rows_of(list(touched)))
    # One chain that is asked for by its id is shown whatever it led to.
    is_all = wanted.everything or wanted.correlation_id is not None
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


def _console(wanted: _Wanted, out: TextIO) -> "Console":
    from rich.console import Console  # noqa: PLC0415  # slow to import

    from risk_actors.cli.tables import make_console  # noqa: PLC0415

    if wanted.output is None:
        return make_console()
    return Console(file=out, highlight=False, markup=False, emoji=False, width=200, no_color=True)
