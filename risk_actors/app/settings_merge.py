"""The settings that hold now, out of those in force and those wanted."""

from typing import Any, NamedTuple

from risk_actors.app.settings import Settings


class Merged(NamedTuple):
    """What holds, what is new in it, and what waits."""

    settings: Settings
    applied: tuple[Any, ...]
    pending: tuple[Any, ...]
