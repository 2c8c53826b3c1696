"""What a page of the terminal view is drawn from: the picture, its time, and whether it is old.

Whatever a name holds that a terminal would obey is spelt out before anything is laid out.
"""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from risk_actors.actors.picture import Picture
from risk_actors.app.plain_text import spelt
from risk_actors.cli import words
from risk_actors.watch.look import Look
from risk_actors.watch.sight import Moment, Sight

_OBEYED = re.compile(
    rb"\\[bfnrt]|\\u00[01]|\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]"
)
"""What may be such a character in JSON; most pictures have none, and need no more of a look."""


class Scene(NamedTuple):
    """All that the lines of one moment are drawn from."""

    sight: Sight
    look: Look
    picture: Picture
    now: datetime
    """The daemon's present, in the zone in which times are shown."""
    as_of: datetime
    """What the figures are of: now, or when the daemon was last heard."""
    is_old: bool
    is_late: bool
    """Whether it is old because it was long on its way, from a guard that is heard."""
    age_s: float
    told: Picture
    """The picture as it came."""

    @property
    def is_blind(self) -> bool:
        """Whether the guard itself says that it sees nothing and can close nothing."""
        return self.picture.connection.is_blind


def scene(sight: Sight, picture: Picture, look: Look, moment: Moment) -> Scene:
    """Return what is to be drawn; every account of an old picture as last seen when it was told."""
    picture, sight = shown_plainly(picture), _spelt(sight)
    zone = words.zone_of(picture)
    is_old = sight.is_old(moment)
    as_of = datetime.fromtimestamp(sight.told_at_s(moment), zone)
    return Scene(
        sight=sight,
        look=look,
        picture=_as_last_seen(picture, as_of) if is_old else picture,
        now=datetime.fromtimestamp(moment.wall_s + sight.skew_s, zone),
        as_of=as_of,
        is_old=is_old,
        is_late=sight.is_late(moment),
        age_s=sight.age_s(moment),
        told=picture,
    )


def shown_plainly(picture: Picture) -> Picture:
    """Return the picture with what a terminal would obey spelt out."""
    if _OBEYED.search(msgspec.json.encode(picture)) is None:
        return picture
    return msgspec.convert(_plainly(msgspec.to_builtins(picture)), Picture)


def _plainly(told: Any) -> Any:
    if isinstance(told, str):
        return spelt(told)
    if isinstance(told, dict):
        return {spelt(key): _plainly(value) for key, value in told.items()}
    return [_plainly(each) for each in told] if isinstance(told, list | tuple) else told


def _spelt(sight: Sight) -> Sight:
    return msgspec.structs.replace(sight, fault=spelt(sight.fault), notice=spelt(sight.notice))


def _as_last_seen(picture: Picture, as_of: datetime) -> Picture:
    at = as_of.astimezone(UTC).isoformat()
    return msgspec.structs.replace(
        picture,
        accounts=tuple(
            msgspec.structs.replace(account, seen_at=account.seen_at or at)
            for account in picture.accounts
        ),
    )
