"""What a page of the terminal view is drawn from: the picture, its time, and whether it is old."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from risk_actors.actors.picture import Picture
from risk_actors.cli import words
from risk_actors.watch.look import Look
from risk_actors.watch.sight import Moment, Sight


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
    age_s: float
    told: Picture
    """The picture as it came."""


def scene(sight: Sight, picture: Picture, look: Look, moment: Moment) -> Scene:
    """Return what is to be drawn; every account of an old picture as last seen when it was told."""
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
        age_s=sight.age_s(moment),
        told=picture,
    )


def _as_last_seen(picture: Picture, as_of: datetime) -> Picture:
    at = as_of.astimezone(UTC).isoformat()
    return msgspec.structs.replace(
        picture,
        accounts=tuple(
            msgspec.structs.replace(account, seen_at=account.seen_at or at)
            for account in picture.accounts
        ),
    )
