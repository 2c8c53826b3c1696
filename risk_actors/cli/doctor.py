"""`doctor`: looks at everything that the guard needs, and says what to do about each fault."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.options import data_option, is_named, settings_option

if TYPE_CHECKING:
    from risk_actors.app.doctor import Examined

_SIGNS = {"ok": "✓", "warning": "!", "failed": "✗", "not checked": "?"}
_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "not checked": "dim"}


@click.command()
@settings_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="The same for programs.")
@click.option("--paper", is_flag=True, help="Look at paper trading: the bundled simulator.")
@click.option("--live", is_flag=True, help="Look at the broker; needs credentials.")
@click.option("--send", is_flag=True, help="Send a test message on each channel of [alerts].")
def doctor(
    settings_dir: Path, data_dir: Path, as_json: bool, paper: bool, live: bool, send: bool
) -> None:
    """Look whether everything the guard needs is well, and say what to do where it is not.

    Without --paper or --live: live when there are credentials, else paper. It logs in as the
    daemon does, and orders or cancels nothing. Exit code 1 when something failed; warnings, and
    what could not be checked, do not change it. Nobody is sent anything without --send.
    """
    if paper and live:
        raise click.UsageError("--paper and --live exclude each other; give one of them")
    from risk_actors.app.doctor import examine  # noqa: PLC0415  # brings the SDK
    from risk_actors.app.settings import TradingMode  # noqa: PLC0415

    asked = TradingMode.PAPER if paper else TradingMode.LIVE if live else None
    examined = examine(settings_dir, data_dir, asked, send=send, is_named=is_named("settings_dir"))
    if as_json:
        click.echo(_json(examined))
    else:
        _print(examined)
    sys.exit(0 if examined.is_well else 1)


def _json(examined: "Examined") -> str:
    import msgspec  # noqa: PLC0415  # kept out of `--help`

    body = {"mode": examined.mode, "ok": examined.is_well, "checks": examined.checks}
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _print(examined: "Examined") -> None:
    from rich.text import Text  # noqa: PLC0415  # brings rich

    from risk_actors.cli.tables import make_console  # noqa: PLC0415

    console = make_console()
    width = max(len(check.title) for check in examined.checks)
    margin = " " * (width + 4)
    for check in examined.checks:
        first, *more = check.says.splitlines()
        sign, style = _SIGNS[check.state], _STYLES[check.state]
        console.print(
            Text.assemble(
                (f"{sign} ", style),
                (f"{check.title:<{width}}", "bold"),
                "  ",
                _said(check.state),
                first,
            ),
            soft_wrap=True,
        )
        for line in more:
            console.print(Text(f"{margin}- {line}"), soft_wrap=True)
        if check.todo is not None:
            console.print(Text(f"{margin}→ {check.todo}", "dim"), soft_wrap=True)
    console.print()
    console.print(_summary(examined), style=None if examined.is_well else "bold red")


def _said(state: str) -> str:
    """Return the state as a word where all is not well: a sign alone is easily overlooked."""
    return "" if state == "ok" else f"{state.upper()}: "


def _summary(examined: "Examined") -> str:
    """Return how many there are of each state."""
    states = [check.state.value for check in examined.checks]
    counts = ", ".join(f"{states.count(state)} {state}" for state in _SIGNS if state in states)
    mode = "" if examined.mode is None else f" ({examined.mode} trading)"
    return f"{len(states)} checks{mode}: {counts}."
