"""When a command that did not happen is tried again: the pause fits the reason.

Each reason has its own row and is counted by itself, so that a market that is first paused and then
halted is asked at the pace of a halt from its beginning. The last pause of a row repeats: nothing
is ever given up (I3).
"""

from types import MappingProxyType

from risk_actors.core.commands import Refusal
from risk_actors.core.evidence import NS_PER_S


def _pauses(*seconds: float) -> tuple[int, ...]:
    return tuple(int(s * NS_PER_S) for s in seconds)


RETRY_AFTER_NS = _pauses(0.5, 1, 2, 4, 8, 15, 30)
"""Pause before the second, third, … attempt where no reason says more."""

RETRY_BY_REASON_NS = MappingProxyType(
    {
        # Velocity logic holds a contract for 2 to 10 s as a rule.
        Refusal.PAUSED: _pauses(1, 2, 2, 3, 5),
        # Nobody tells when a halt ends; 15 s after it at the latest the close is sent.
        Refusal.HALTED: _pauses(1, 2, 5, 10, 15),
        Refusal.RESERVED: _pauses(1, 2, 5, 10, 15),
        # Only the firm or the trader can change these.
        Refusal.ACCOUNT: _pauses(5, 30, 60, 120),
        Refusal.CONTRACT: _pauses(30, 60, 300),
        # A look at the account comes first, and may show at once that it can be tried again.
        Refusal.PENDING: _pauses(3, 3, 5, 5, 10, 15),
        Refusal.BUSY: _pauses(0.5, 1, 2, 4, 8, 15),
        Refusal.SESSION: _pauses(1, 1, 2, 4, 8, 15),
        # Nothing is sent meanwhile, and the first that gets through must not come late.
        Refusal.UNREACHABLE: _pauses(0.5, 1, 1, 2),
        # The actors are about to be made anew, unarmed.
        Refusal.DISARMED: _pauses(1, 2, 5, 15),
    }
)
"""The same where the broker, or we, gave a reason."""

LASTING = frozenset({Refusal.ACCOUNT, Refusal.CONTRACT, Refusal.HALTED, Refusal.RESERVED})
"""Reasons that do not go away within seconds: the trader is told at once."""

TURNED_AWAY = frozenset({Refusal.BUSY, Refusal.SESSION})
"""The broker did not look at the command at all."""

LOOK_AFTER_NS = MappingProxyType(
    {Refusal.PENDING: 1 * NS_PER_S, Refusal.BUSY: 0, Refusal.SESSION: 0}
)
"""Reasons after which the account is looked at before the next attempt, and when."""

LOOK_HURRIES_TIMES = 3
"""So many times a look that shows it undone lets a pending or unauthorised command go at once."""


def pause_ns(reason: Refusal, times: int, attempts: int) -> int:
    """Return how long to wait after a command was refused for a reason.

    Args:
        reason: why.
        times: how often that was the reason since an effect was last seen; at least 1.
        attempts: how many commands were sent since then; it counts where the reason says nothing.
    """
    pauses_ns = RETRY_BY_REASON_NS.get(reason)
    if pauses_ns is None:
        pauses_ns, times = RETRY_AFTER_NS, attempts
    return pauses_ns[min(max(times, 1), len(pauses_ns)) - 1]
