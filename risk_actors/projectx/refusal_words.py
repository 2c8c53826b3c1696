"""What the broker's own words for a refusal mean.

Codes are few and coarse: "order rejected" stands for a halted market as well as for a reserved
one, and the text beside it, if there is any, is all that tells them apart. The patterns are from
the Gateway's documentation, the exchange's rules and what users have seen; none is certain, so
they only decide where the code leaves it open (`codes.py`).
"""

import re
from typing import NamedTuple

from risk_actors.core.commands import Refusal

RESERVED = (
    "the exchange holds this market in its reserved state (CME code 7027), in which nothing"
    " trades; it is tried again until trading goes on"
)
PAUSED = (
    "the exchange pauses this contract for some seconds after a fast move (velocity logic);"
    " it is tried again"
)
HALTED = "the market is closed or halted, or has no price; it is tried again until it trades"
BUSY = (
    "the broker says there were too many requests, from this or from another program that uses"
    " the same login; it is tried again"
)
FOLLOWER = (
    "this account copies another one, and programs may not act in it: close it yourself, or guard"
    " the account that it follows"
)
LIVE = (
    "this is a live account, in which the broker lets no program act: close it yourself on the"
    " broker's platform"
)
BLOCKED = (
    "the broker or the firm has locked this account or is closing it: look at it on the broker's"
    " platform"
)
NOT_ACTIVE = (
    "this contract is no longer active or has expired: if a position is still open in it, call"
    " the broker's trade desk"
)
PENDING = "another order or change for the same thing is still being worked on; it is tried again"


class Recognised(NamedTuple):
    """Why something was refused, and what to tell the trader."""

    reason: Refusal
    words: str


_PATTERNS: tuple[tuple[re.Pattern[str], Recognised], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), Recognised(reason, words))
    for pattern, reason, words in (
        (r"(?<!\d)7027(?!\d)|\breserved\b", Refusal.RESERVED, RESERVED),
        (r"\bvelocity\b", Refusal.PAUSED, PAUSED),
        (r"\brate[ -]?limit|\btoo many requests", Refusal.BUSY, BUSY),
        (r"\bfollow(er|ers|ing|s)\b", Refusal.ACCOUNT, FOLLOWER),
        (r"\blive accounts?\b.*\b(not |un)supported\b", Refusal.ACCOUNT, LIVE),
        (r"\bnot supported (for|on|in) live\b", Refusal.ACCOUNT, LIVE),
        (r"\bonly simulated accounts\b", Refusal.ACCOUNT, LIVE),
        (r"\bb?locked\b|\blockout\b|\bviolat|\bliquidat", Refusal.ACCOUNT, BLOCKED),
        (
            r"\baccount\b.*\b(not active|inactive|disabled|suspended|closed|ineligible)\b",
            Refusal.ACCOUNT,
            BLOCKED,
        ),
        (r"\bnot (eligible|allowed|permitted) to trade\b", Refusal.ACCOUNT, BLOCKED),
        (r"\b(not|no longer) active\b|\binactive\b|\bexpired\b", Refusal.CONTRACT, NOT_ACTIVE),
        (r"\bpending\b|\bin progress\b", Refusal.PENDING, PENDING),
        (r"\bhalt|(?<!already )\bclosed\b|\boutside\b.*\bhours\b", Refusal.HALTED, HALTED),
        (r"\bno (\w+ )?(price|market|quote)s?\b", Refusal.HALTED, HALTED),
        (r"\bnot open\b|\bpre-?open\b", Refusal.HALTED, HALTED),
    )
)
"""The most telling first: a text may fit several."""


def recognise(said: str) -> Recognised | None:
    """Return what the broker's words mean, or None when they tell nothing that is known."""
    for pattern, recognised in _PATTERNS:
        if pattern.search(said):
            return recognised
    return None
