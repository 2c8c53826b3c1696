"""Messages of the supervision plane: they overtake everything else in a mailbox."""

import msgspec


class Control(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A message from the runtime to one actor, not from another actor."""


class Pulse(Control, frozen=True, kw_only=True):
    """Look at the clock. Only the timer actor gets it."""


class Resync(Control, frozen=True, kw_only=True):
    """Someone downstream was restarted: say again what is true now."""

    address: str
    """Who was restarted."""
    reason: str
