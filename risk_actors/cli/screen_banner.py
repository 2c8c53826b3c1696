"""The first lines of the screen, which say what counts most, and the last one."""

from datetime import datetime
from textwrap import wrap

from rich.text import Text

from risk_actors.actors.picture import Picture
from risk_actors.cli import words
from risk_actors.cli.screen_lines import fitted, spread

_MODE_STYLES = {"paper": "bold white on blue", "live": "bold white on magenta"}
_MOST_WAIVED = 2
"""Sentences that say what does not protect after an unlock."""
_PHASES = {
    "starting": ("STARTING", "bold black on yellow"),
    "degraded": ("DEGRADED", "bold black on bright_yellow"),
    "faulted": ("FAULTED", "bold white on red"),
    "stopping": ("STOPPING", "bold black on yellow"),
}


def banner(picture: Picture, now: datetime, width: int) -> list[Text]:
    """Return one line of signs, and another with the reason when something is not as it should."""
    signs = Text(no_wrap=True)
    signs.append(f" {picture.mode.upper()} ", _MODE_STYLES.get(picture.mode, "reverse"))
    signs.append(" ")
    if picture.armed and picture.connection.is_blind:
        signs.append(f" {words.arming(picture)} ", "bold white on red")
    elif picture.armed:
        signs.append(" ARMED ", "bold black on green")
    else:
        signs.append(" SHADOW ", "bold black on yellow")
    if picture.phase in _PHASES:
        word, style = _PHASES[picture.phase]
        signs.append(" ")
        signs.append(f" {word} ", style)
    locked = sum(1 for account in picture.accounts if account.locks)
    if locked and picture.armed:
        count = f" {locked} OF {len(picture.accounts)}" if len(picture.accounts) > 1 else ""
        signs.append(" ")
        signs.append(f" LOCKED{count} ", "bold white on red")
    lines = [spread(signs, _connection(picture, now), width)]
    if not picture.armed:
        told = f" ▲ {words.NOT_ENFORCED}: rules and locks only watch and record"
        lines.append(fitted(Text(told, "bold yellow"), width))
    if picture.notices:
        lines.append(fitted(Text(f" ▲ {_notices(picture.notices)}", "bold red"), width))
    lines += _waived(picture, now, width)
    if picture.settings_fault:
        lines.append(fitted(Text(f" ▲ {picture.settings_fault}", "bold red"), width))
    if picture.pending:
        lines.append(fitted(Text(f" ▲ {_pending(picture.pending)}", "yellow"), width))
    if picture.phase != "armed":
        reason = picture.detail or "not guarding yet"
        style = "bold yellow" if picture.phase in ("starting", "stopping") else "bold red"
        lines.append(fitted(Text(f" ▲ {reason}", style), width))
    return lines


def _notices(sentences: tuple[str, ...]) -> str:
    """Return the only sentence, or the first after where to read all of them."""
    if len(sentences) == 1:
        return sentences[0]
    return f"{len(sentences)} notices, see `risk-actors status`: {sentences[0]}"


def _waived(picture: Picture, now: datetime, width: int) -> list[Text]:
    """Return a sentence for each rule that does not act because an unlock waived what it found."""
    waived = words.all_waived(picture, now)
    if len(picture.accounts) > 1:
        told = [sentence for _, sentence in waived]
    else:
        told = [words.waived(rule, now) for rule, _ in waived]
    if len(told) > _MOST_WAIVED:
        more = len(told) - _MOST_WAIVED + 1
        told[_MOST_WAIVED - 1 :] = [f"{more} more rules do not act: risk-actors status"]
    return [
        fitted(Text(f" {' ' if number else '▲'} {part}", "bold yellow"), width)
        for sentence in told
        for number, part in enumerate(wrap(sentence, max(width - 3, 20)))
    ]


def _pending(sentences: tuple[str, ...]) -> str:
    if len(sentences) == 1:
        return sentences[0]
    return f"{len(sentences)} changes wait for the daily reset, see `risk-actors status`"


def _connection(picture: Picture, now: datetime) -> Text:
    ways = picture.connection
    text = Text(no_wrap=True)
    for name, is_up in (("user", ways.user_hub), ("market", ways.market_hub), ("REST", ways.rest)):
        text.append(f"{name} ", "dim")
        text.append("✓  " if is_up else "✗  ", "green" if is_up else "bold red")
    if ways.fallback:
        text.append(f"{ways.fallback}  ", "yellow")
    elif ways.user_hub and ways.second_line is False:
        text.append("one line only  ", "yellow")
    text.append(now.strftime("%H:%M:%S %Z"), "bold")
    return text


def footer(picture: Picture, address: str, width: int) -> Text:
    """Return where else to look, and how to stop."""
    left = Text(f" {address}" if address else "", "dim")
    left.append(f"  risk_actors {picture.version}", "dim")
    stop = "Ctrl+C stops guarding " if picture.armed else "Ctrl+C stops "
    return spread(left, Text(stop, "dim"), width)
