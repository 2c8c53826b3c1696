"""`init`: asks a few questions and writes commented settings."""

import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from risk_actors.cli.options import CommandError, SettingsRefused, settings_option

if TYPE_CHECKING:
    from risk_actors.app.init import Proposal
    from risk_actors.app.init_text import Answers
    from risk_actors.app.settings import Settings
    from risk_actors.cli.prose import Page

_NONE = "none"
_DAILY_LOSS = Decimal(500)
_CENT = Decimal("0.01")
_CENT_DECIMALS = 2
_INTRO = (
    'A few questions; Enter takes what stands in [brackets], and "none" leaves a rule out. Nothing'
    " is written before you have seen it."
)


def usd(said: Any) -> Decimal | str:
    """Return an exact amount above 0, or `none`."""
    text = str(said).strip()
    if text.lower() == _NONE:
        return _NONE
    try:
        amount = Decimal(text.lstrip("$").replace(",", ""))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise click.BadParameter(f"{text!r} is no amount of dollars above 0; or say {_NONE}")
    if _has_parts_of_a_cent(amount):
        raise click.BadParameter(f"{text!r} has parts of a cent; money is compared at the cent")
    return amount


def _has_parts_of_a_cent(amount: Decimal) -> bool:
    if amount < _CENT:
        return True
    exponent = amount.as_tuple().exponent
    return int(exponent) < 0 and len(f"{amount:f}".rstrip("0").partition(".")[2]) > _CENT_DECIMALS


def count(said: Any) -> int | str:
    """Return a whole number above 0, or `none`."""
    text = str(said).strip()
    if text.lower() == _NONE:
        return _NONE
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise click.BadParameter(f"{text!r} is no whole number above 0; or say {_NONE}")
    return int(text)


@click.command()
@settings_option
@click.option("--preset", help='A firm\'s account, such as topstep-50k; or "none".')
@click.option("--account", "accounts", multiple=True, help="Guard these; a name, pattern or id.")
@click.option("--daily-loss", type=usd, help="Lock for the day at this loss.")
@click.option("--weekly-loss", type=usd, help="Lock for the week at this loss.")
@click.option("--daily-target", type=usd, help="Lock for the day at this profit.")
@click.option("--max-contracts", type=count, help="The most contracts at once.")
@click.option(
    "--alerts", help='An address of apprise, such as ntfy://topic; "-" reads it from stdin.'
)
@click.option("--yes", is_flag=True, help="Ask nothing: defaults where no option is given.")
@click.option("--replace", is_flag=True, help="With --yes: replace what is there; a copy is kept.")
def init(settings_dir: Path, *, yes: bool, replace: bool, **given: Any) -> None:
    """Ask a few questions and write commented settings for risk-actors run.

    Questions that an option answers are not asked. What is there is never replaced without being
    asked for, and a copy of it is kept.
    """
    from risk_actors.app import init as making  # noqa: PLC0415  # kept out of `--help`
    from risk_actors.app.settings_problem import SettingsError  # noqa: PLC0415

    answers = _answers(settings_dir, given, asks=not yes)
    if not answers.has_rule:
        raise click.UsageError("no preset and no limit: nothing would be guarded")
    files = making.proposals(settings_dir, answers)
    try:
        settings = making.tried(settings_dir, files)
    except SettingsError as error:
        raise SettingsRefused(error) from error
    _show(settings_dir, files, settings)
    _agree(settings_dir, making.in_the_way(settings_dir, files), yes=yes, replace=replace)
    _write(settings_dir, files)


def _answers(settings_dir: Path, given: dict[str, Any], *, asks: bool) -> "Answers":
    """Return what the trader wants: from the options, then from the questions."""
    from risk_actors.app import init as making  # noqa: PLC0415
    from risk_actors.app.init_text import Answers  # noqa: PLC0415

    presets = making.titles(settings_dir)
    if asks:
        page = _page()
        page.paragraph(_INTRO)
        page.blank()
    preset = _preset(given["preset"], presets, asks=asks)
    accounts = given["accounts"]
    if asks and not accounts:
        text = "Accounts to guard (names, patterns or ids, with commas)"
        said = click.prompt(text, default="all")
        accounts = tuple(part.strip() for part in str(said).split(",") if part.strip())
    accounts = () if accounts == ("all",) else accounts

    def amount(name: str, text: str, kind: Callable[[str], Any], default: Any) -> Any:
        value = given[name]
        if value is None:
            value = click.prompt(text, value_proc=kind, default=default) if asks else default
        return None if value == _NONE else value

    return Answers(
        preset=preset,
        preset_title="" if preset is None else presets[preset],
        accounts=accounts,
        daily_loss_usd=amount("daily_loss", "Lock for the day at a loss of $", usd, _DAILY_LOSS),
        weekly_loss_usd=amount("weekly_loss", "Lock for the week at a loss of $", usd, _NONE),
        daily_target_usd=amount("daily_target", "Lock for the day at a gain of $", usd, _NONE),
        max_contracts=amount("max_contracts", "Most contracts at once", count, _NONE),
        alert_url=_alert_url(given["alerts"], asks=asks),
    )


def _preset(given: str | None, presets: dict[str, str], *, asks: bool) -> str | None:
    """Return the name of a preset there is, or None."""
    names = [*presets, _NONE]
    if given is None and asks:
        page = _page()
        page.paragraph("Rules of a firm's account, each figure with its source in the preset:")
        page.pairs(list(presets.items()))
        given = str(
            click.prompt("Preset", type=click.Choice(names), default=_NONE, show_choices=False)
        )
    if given is None or given == _NONE:
        return None
    if given not in presets:
        raise click.UsageError(f"no preset {given}; there are {', '.join(names)}")
    return given


def _alert_url(given: str | None, *, asks: bool) -> str | None:
    """Return the address of the alerts' channel, a credential: not shown as it is typed."""
    if given == "-":
        given = sys.stdin.readline().strip()
    if given is not None:
        return _address(given)
    if asks:
        _page().paragraph(
            "Alerts go to any address of apprise: discord://..., tgram://..., ntfys://...,"
            " mailtos://...; or to the one in a variable of `.env`: env:NAME"
        )
        # Without a terminal there is nobody to hide it from, and nothing to hide it with.
        is_terminal = sys.stdin.isatty()
        while True:
            said = click.prompt(
                "Address for alerts", default=_NONE, hide_input=is_terminal, show_default=True
            )
            try:
                return _address(str(said))
            except click.BadParameter as fault:  # click itself says no reason for what it hides
                click.echo(f"Error: {fault.message}")
    return None


def _address(said: str) -> str | None:
    """Return an address that alerts can go to, None for none; what is wrong is said without it."""
    from risk_actors.app.init import address_fault  # noqa: PLC0415  # brings apprise

    url = said.strip()
    if url in ("", _NONE):
        return None
    fault = address_fault(url)
    if fault is not None:
        raise click.BadParameter(fault)
    return url


def _show(settings_dir: Path, files: "tuple[Proposal, ...]", settings: "Settings") -> None:
    """Show what would be written, and what it means."""
    from risk_actors.core.rules import catalogue  # noqa: PLC0415

    page = _page()
    for file in files:
        click.echo(f"\n=== {settings_dir / file.name} ===\n")
        click.echo(file.shown.rstrip("\n"))
    click.echo("\n=== What that means ===\n")
    for rule in settings.rules:
        page.paragraph(f"{rule.id}: {catalogue()[rule.type](rule).summary()}", mark="- ")
    click.echo()


def _agree(settings_dir: Path, there: tuple[str, ...], *, yes: bool, replace: bool) -> None:
    """Ask whether to write; end where the trader does not want to."""
    names = ", ".join(str(settings_dir / name) for name in there)
    if yes:
        if there and not replace:
            raise CommandError(f"{names} already there; --replace replaces it and keeps a copy")
        return
    question = f"Replace {names} (a copy is kept)?" if there else "Write this?"
    # What is there is not replaced by a careless Enter.
    click.confirm(question, default=not there, abort=True)


def _write(settings_dir: Path, files: "tuple[Proposal, ...]") -> None:
    from datetime import datetime  # noqa: PLC0415

    from risk_actors.app import init as making  # noqa: PLC0415

    try:
        kept = making.put_in_place(settings_dir, files, datetime.now().astimezone())
    except OSError as error:
        raise CommandError(f"{settings_dir} cannot be written: {error.strerror}") from error
    for file in files:
        click.echo(f"Wrote {settings_dir / file.name}")
    for name in kept:
        click.echo(f"What was there is kept as {settings_dir / name}")
    page = _page()
    page.blank()
    page.paragraph(
        f"Next: credentials into {settings_dir.resolve().parent / '.env'} (none for paper"
        " trading), then `risk-actors doctor`, then `risk-actors run`."
    )
    if any(file.is_secret for file in files):
        page.paragraph("To see whether alerts arrive: `risk-actors alerts test`.")


def _page() -> "Page":
    from risk_actors.cli.prose import Page  # noqa: PLC0415  # brings rich
    from risk_actors.cli.tables import make_console  # noqa: PLC0415  # the same

    return Page(make_console())
