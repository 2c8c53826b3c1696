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


class FailClosed(Control, frozen=True, kw_only=True):
    """Whoever stood at this address failed too often: say so and do what is safe without it."""

    reason: str
    """Why, in a few words: the class of the error."""


class TryAgain(Control, frozen=True, kw_only=True):
    """Do again what was not done since `FailClosed`."""


class Leave(Control, frozen=True, kw_only=True):
    """End now, and leave what waits in the mailbox to the next at this address.

    It is never queued, or the next one would take it: the mailbox hands it to whoever's seat was
    vacated.
    """
