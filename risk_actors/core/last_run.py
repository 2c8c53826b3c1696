"""What the run before this one left behind, as far as a start must know it."""

import msgspec


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """Instants of the run before; None where there was none, or it did not get that far."""

    alive_ns: int | None = None
    """When it was last known to be alive: a command of that instant may still take effect."""
    may_be_under_way: bool = True
    """Whether it may have sent such a command then; actors made anew know better."""
    day_start_ns: int | None = None
    """The trading day that it was last told of."""
    week_start_ns: int | None = None
