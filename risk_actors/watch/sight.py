"""What is known of the daemon, by which way, and since when: old figures never pass for present."""

import time
from enum import StrEnum
from typing import NamedTuple

import msgspec

from risk_actors.actors.picture import Picture

LOST_AFTER_S = 4.0
"""A daemon that said nothing for so long is gone, as on the dashboard; figures that took so long to
come are old."""


class Way(StrEnum):
    """How the picture comes."""

    SEEKING = "connecting"
    LIVE = "live"
    POLLING = "asking every second"
    GONE = "gone"
    REFUSED = "refused"
    """The daemon answers, but not to us: the token is missing or wrong."""


class Moment(NamedTuple):
    """An instant on both clocks, for each has its blind spot.

    The wall clock may be set; the other one may stand still while the machine sleeps.
    """

    monotonic_s: float
    wall_s: float

    @classmethod
    def now(cls) -> "Moment":
        """Return the present."""
        return cls(time.monotonic(), time.time())

    def since(self, earlier: "Moment") -> float:
        """Return the seconds since an earlier moment, the more of what the clocks say."""
        return max(self.monotonic_s - earlier.monotonic_s, self.wall_s - earlier.wall_s, 0.0)


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """The last picture and how it came."""

    way: Way = Way.SEEKING
    picture: Picture | None = None
    heard: Moment | None = None
    """When the daemon last told that this is how it stands; null before it ever did."""
    fault: str = ""
    """Why the last attempt failed; empty while none did."""
    skew_s: float = 0.0
    """How far the daemon's clock is ahead of ours; 0 while they may agree."""
    lag_s: float = 0.0
    """How old the picture was when it was heard, by the instant that the daemon told with it."""
    is_dated: bool = True
    """Whether the daemon tells that instant: one of an older version does not, and then the age can
    only be counted from when the picture was heard."""
    run: str | None = None
    """The id of the run that told it, where it tells one."""
    notice: str = ""
    """That another run of the guard answers than at first; empty while it is the same."""
    address: str = ""

    def age_s(self, now: Moment) -> float:
        """Return how old the picture is; 0 where there is none."""
        return 0.0 if self.heard is None else self.lag_s + now.since(self.heard)

    def is_old(self, now: Moment) -> bool:
        """Tell whether what is shown may not be how things are now."""
        return self.way in (Way.GONE, Way.REFUSED) or self.age_s(now) >= LOST_AFTER_S

    def is_late(self, now: Moment) -> bool:
        """Tell whether the daemon is heard, but what it says was long on its way."""
        is_heard = self.way in (Way.LIVE, Way.POLLING) and self.heard is not None
        return is_heard and self.is_old(now) and self.age_s(now) - self.lag_s < LOST_AFTER_S

    def told_at_s(self, now: Moment) -> float:
        """Return the daemon's wall time that the picture is of: now, or when it was told last."""
        if self.heard is not None and self.is_old(now):
            return self.heard.wall_s + self.skew_s - self.lag_s
        return now.wall_s + self.skew_s
