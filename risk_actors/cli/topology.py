"""`topology`: the declared graph of the actors, or the running one with its counters."""

import json
from pathlib import Path
from typing import Any

import click

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import data_option

_COUNTERS = (
    ("mailbox_depth", "waiting>"),
    ("mailbox_high_water", "high water>"),
    ("handled", "handled>"),
    ("last_message", "last message"),
    ("status", "status"),
    ("restarts", "restarts>"),
    ("dead_letters", "dead letters>"),
)
"""What a running actor adds to its entry in the topology, and its column here."""
_ABOUT_CLOCK = (
    "clock is no actor: it is the pulse that sends the timer its beat, ten times a second, and"
    " stands here because whatever sends a message is shown."
)


@click.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "dot", "mermaid", "json"]),
    default="text",
    show_default=True,
)
@click.option("--live", is_flag=True, help="Ask the running daemon; text or json.")
@data_option
def topology(format_: str, live: bool, data_dir: Path) -> None:
    """Print the actors and the messages between them."""
    if not live:
        from risk_actors.app import topology as declaration  # noqa: PLC0415  # brings the actors

        click.echo(declaration.declared().render(format_))
        return
    if format_ not in ("text", "json"):
        raise click.UsageError(f"--live goes with text or json, not {format_}")
    running = DaemonClient.find(data_dir).topology()
    if format_ == "json":
        click.echo(json.dumps(running, indent=2, ensure_ascii=False))
    else:
        _print_live(running)


def _print_live(running: dict[str, Any]) -> None:
    from risk_actors.cli.tables import make_console, make_table  # noqa: PLC0415  # brings rich

    console = make_console()
    table = make_table(console, "actor", "kind", *(title for _, title in _COUNTERS))
    for actor in running.get("actors", ()):
        counters = ("" if (v := actor.get(key)) is None else str(v) for key, _ in _COUNTERS)
        is_troubled = any(actor.get(key) for key in ("restarts", "dead_letters"))
        style = "bold yellow" if is_troubled else None
        table.add_row(str(actor.get("id")), str(actor.get("kind", "")), *counters, style=style)
    console.print(table)
    if any(actor.get("id") == "clock" for actor in running.get("actors", ())):
        console.print(_ABOUT_CLOCK, style="dim")
