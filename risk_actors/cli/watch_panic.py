"""The question before a panic, what became of it, and the page of keys."""

from rich.text import Text

from risk_actors.app.plain_text import spelt
from risk_actors.cli import words
from risk_actors.cli.watch_lines import assembled, flowed, folded
from risk_actors.cli.watch_scene import Scene
from risk_actors.core.schedules import DAILY_RESET
from risk_actors.watch.api import Answer, Fate
from risk_actors.watch.look import Panic

_BY_HAND = "Look at your broker's platform, and cancel and close there if need be."
_CANNOT_CLOSE = "▲ NOTHING can be seen or closed now: use your platform."
_UNTIL_FLAT = "Watch until it is FLAT."

KEYS = (
    ("↑ ↓ PgUp PgDn", "scroll; Home, End: to the ends"),
    ("tab", "next page: overview, account, events, system"),
    ("o, enter, e, s", "overview, the account, events, system"),
    ("← →, 1 to 9", "choose an account"),
    ("f", "events of enforcement only, or all"),
    ("p", "panic: flatten and lock until the daily reset; asks once, and only tightens"),
    ("?", "this page; Esc leads back"),
    ("q", "quit; the guard goes on, it is another process"),
)
"""No key loosens anything."""


def panic_page(scene: Scene, panic: Panic, width: int) -> list[Text]:
    """Return the question that names whom and until when, then what is under way or answered."""
    whom = _whom(scene, panic)
    if panic.answer is not None:
        return [
            *_answered(scene, panic.answer, whom, width),
            Text(""),
            Text("Any key: back", "dim"),
        ]
    title = f" PANIC: flatten and lock {whom}? "
    lines = folded(Text(title, "bold white on red"), width)
    if scene.is_blind:
        # First of all: on the smallest terminal not everything is in sight.
        lines += folded(Text(_CANNOT_CLOSE, "bold red"), width)
        told = f"It locks {whom} here {_until(scene)}, and closes once the broker is reached again."
    else:
        told = f"Cancels every order, closes every position and locks {whom} {_until(scene)}."
    lines += folded(Text(told), width)
    lines += folded(Text("It cannot be taken back here."), width)
    if panic.is_sent:
        return [*lines, Text(""), *folded(Text("… sent, waiting for the answer", "bold"), width)]
    if not scene.picture.armed:
        lines += folded(Text("The guard is NOT ARMED and will refuse.", "bold yellow"), width)
    if scene.is_old:
        why = "The line is slow" if scene.is_late else "The guard does not answer"
        lines += folded(Text(f"{why}: it may not arrive.", "bold red"), width)
    units = [Text("y: yes, now", "bold red"), Text("n, Esc: no", "bold")]
    if len(scene.picture.accounts) > 1:
        units.append(Text("← →: another account, or all"))
    return [*lines, Text(""), *flowed(units, width, 0)]


def help_page(width: int) -> list[Text]:
    """Return the keys, and what the signs of old figures mean."""
    lines = []
    for keys, what in KEYS:
        lines += folded(assembled((f"{keys:<15} ", "bold"), what), width, 4)
    told = (
        "Figures that are not of now are dim, and say so: GONE at the top with their age, WAS or"
        " was beside each; LATE, when they were long on their way. The guard is asked again every"
        " second."
    )
    return [*lines, Text(""), *folded(Text(told, "dim"), width)]


def _whom(scene: Scene, panic: Panic) -> str:
    accounts = scene.picture.accounts
    names = [account.name for account in accounts if panic.account in (None, account.id)]
    if len(names) <= 1:
        return names[0] if names else f"account {panic.account}"
    return f"all {len(names)} accounts ({', '.join(names)})"


def _until(scene: Scene) -> str:
    """Return until when a panic locks: the daily reset, with its time where it is known."""
    for schedule in scene.picture.schedules:
        if schedule.name == DAILY_RESET:
            at = words.clock(schedule.next, scene.now)
            return f"until the daily reset, {at} (in {words.countdown(schedule.next, scene.now)})"
    return "until the daily reset"


def _answered(scene: Scene, answer: Answer, whom: str, width: int) -> list[Text]:
    said = spelt(answer.text).rstrip(". ")
    match answer.fate:
        case Fate.TAKEN if scene.is_blind:
            title, style = f"▲ LOCKED HERE: {whom}. NOTHING CAN BE CLOSED NOW", "bold white on red"
            told = (
                f"USE YOUR PLATFORM: cancel and close there. The guard says: {said}. {_UNTIL_FLAT}"
            )
        case Fate.TAKEN:
            title, style = f"✓ PANIC TAKEN for {whom}", "bold black on green"
            told = f"The guard says: {said}. {_UNTIL_FLAT}"
        case Fate.REFUSED:
            title, style = "✗ PANIC REFUSED: nothing was done", "bold white on red"
            told = f"The guard says: {said}. {_BY_HAND}"
        case Fate.SILENT:
            title, style = "? NO ANSWER: it may or may not have been taken", "bold white on red"
            told = f"It was sent for {whom}; {said}. {_BY_HAND}"
        case _:
            title, style = "✗ PANIC NOT SENT: nothing was done", "bold white on red"
            told = f"The guard cannot be reached: {said}. {_BY_HAND}"
    return [*folded(Text(f" {title} ", style), width), *folded(Text(told), width)]
