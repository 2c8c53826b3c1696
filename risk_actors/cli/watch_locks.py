"""A lock in lines: whose, until when, by which rule, and why."""

from rich.text import Text

from risk_actors.actors.picture import LockPicture
from risk_actors.cli import words
from risk_actors.cli.watch_lines import flowed, folded
from risk_actors.cli.watch_scene import Scene


def lock_lines(scene: Scene, lock: LockPicture, width: int, whose: str = "") -> list[Text]:
    """Return a lock in full; nothing of it is cut.

    Args:
        scene: whether it is of now, and enforced.
        lock: what to tell.
        width: of the lines.
        whose: the account's name, where that is not clear from the place.
    """
    held, style = _held(scene)
    scope = "" if lock.scope == "account" else words.lock_scope(lock)
    sign, *word = held.split(" ", maxsplit=1)
    units = [
        Text(" ".join(part for part in (sign, whose, *word, scope) if part), style),
        *(Text(part, "bold") for part in words.lock_end(lock, scene.now).split(", ")),
        Text(f"by {lock.rule}"),
    ]
    lines = [*flowed(units, width), *folded(Text(f"  {lock.reason}"), width, 2)]
    if lock.unlock is not None:
        told = words.unlock_wait(lock.unlock, scene.now)
        lines += folded(Text(f"  {told}", "yellow"), width, 2)
    return lines


def _held(scene: Scene) -> tuple[str, str]:
    if scene.is_old:
        return "■ was LOCKED" if scene.picture.armed else "□ would have been locked", "dim"
    if scene.picture.armed:
        return "■ LOCKED", "bold red"
    return "□ would be locked", "bold yellow"
