"""What the broker's answers to a close, a cancel or a move of a stop mean.

Every endpoint numbers its refusals differently (from the Gateway's machine-readable description
and documentation), so the tables are per endpoint; `errorMessage` is usually null.
"""

from typing import NamedTuple

from risk_actors.core.commands import Answer, Refusal
from risk_actors.projectx import refusal_words
from risk_actors.projectx.refusal_words import recognise

CLOSE = "/Position/closeContract"
PARTIAL_CLOSE = "/Position/partialCloseContract"
CANCEL = "/Order/cancel"
MODIFY = "/Order/modify"

_GONE = Answer.GONE
_NO = Answer.REFUSED
_UNSURE = Answer.UNCERTAIN


class Meaning(NamedTuple):
    """One error code: how it counts, and what to tell the trader."""

    answer: Answer
    words: str
    reason: Refusal | None = None
    is_vague: bool = False
    """The code stands for several reasons: what the broker says beside it decides, if it can."""


_ACCOUNT_NOT_FOUND = Meaning(
    _NO,
    "the broker does not know this account any more: look at it on the broker's platform",
    Refusal.ACCOUNT,
)
_CONTRACT_NOT_FOUND = Meaning(
    _NO,
    "the broker does not know this contract: close it yourself on the broker's platform",
    Refusal.CONTRACT,
)
_CONTRACT_NOT_ACTIVE = Meaning(_NO, refusal_words.NOT_ACTIVE, Refusal.CONTRACT)
_POSITION_NOT_FOUND = Meaning(_GONE, "there is no such position any more")
_CLOSE_REJECTED = Meaning(
    _NO,
    "the closing order was rejected (market closed or halted, or no price); it is tried again",
    Refusal.HALTED,
    is_vague=True,
)
_CLOSE_PENDING = Meaning(
    _NO, "a closing order is already pending; it is watched and tried again", Refusal.PENDING
)
_SIZE_TOO_LARGE = Meaning(_NO, "the position is not larger than the size to close", Refusal.OTHER)
# It may have happened or not, so it must be looked at before it is sent again.
_UNKNOWN_ERROR = Meaning(_UNSURE, "the broker reported an unknown error")
_ORDER_NOT_FOUND = Meaning(_GONE, "there is no such order any more")
_CANCEL_REJECTED = Meaning(
    _NO, "the cancel was rejected; it is tried again", Refusal.OTHER, is_vague=True
)
_MOVE_REJECTED = Meaning(
    _NO,
    "the move was rejected (the market has passed the price, or is closed)",
    Refusal.OTHER,
    is_vague=True,
)
_CHANGE_PENDING = Meaning(_NO, "the order has a change pending; it is tried again", Refusal.PENDING)


def _account_rejected(deed: str) -> Meaning:
    return Meaning(
        _NO,
        f"the broker does not let programs {deed} in this account (live, follower or blocked):"
        " do it yourself on the broker's platform",
        Refusal.ACCOUNT,
    )


_ACCOUNT_REJECTED = _account_rejected("close positions")

MEANINGS: dict[str, dict[int, Meaning]] = {
    CLOSE: {
        1: _ACCOUNT_NOT_FOUND,
        2: _POSITION_NOT_FOUND,
        3: _CONTRACT_NOT_FOUND,
        4: _CONTRACT_NOT_ACTIVE,
        5: _CLOSE_REJECTED,
        6: _CLOSE_PENDING,
        7: _UNKNOWN_ERROR,
        8: _ACCOUNT_REJECTED,
    },
    PARTIAL_CLOSE: {
        1: _ACCOUNT_NOT_FOUND,
        2: _POSITION_NOT_FOUND,
        3: _CONTRACT_NOT_FOUND,
        4: _CONTRACT_NOT_ACTIVE,
        5: _SIZE_TOO_LARGE,
        6: _CLOSE_REJECTED,
        7: _CLOSE_PENDING,
        8: _UNKNOWN_ERROR,
        9: _ACCOUNT_REJECTED,
    },
    CANCEL: {
        1: _ACCOUNT_NOT_FOUND,
        2: _ORDER_NOT_FOUND,
        3: _CANCEL_REJECTED,
        4: _CHANGE_PENDING,
        5: _UNKNOWN_ERROR,
        6: _account_rejected("cancel orders"),
    },
    MODIFY: {
        1: _ACCOUNT_NOT_FOUND,
        2: _ORDER_NOT_FOUND,
        3: _MOVE_REJECTED,
        4: _CHANGE_PENDING,
        5: _UNKNOWN_ERROR,
        6: _account_rejected("change orders"),
        7: _CONTRACT_NOT_FOUND,
    },
}


def meaning_of(endpoint: str, code: int | None, said: str) -> Meaning:
    """Return what a refusal means, by its code and by what the broker says beside it."""
    meaning = MEANINGS[endpoint].get(code) if code is not None else None
    if meaning is None:
        told = "without a code" if code is None else f"with unknown code {code}"
        meaning = Meaning(_NO, f"the broker refused {told}", Refusal.OTHER, is_vague=True)
    if meaning.answer is not _NO:
        return meaning
    recognised = recognise(said)
    if recognised is None:
        return meaning
    if meaning.is_vague or meaning.reason is recognised.reason:
        return meaning._replace(words=recognised.words, reason=recognised.reason)
    return meaning


LOGIN_REFUSALS: dict[int, str] = {
    1: "the user name is unknown",
    2: "the API key is wrong",
    3: "the user name or the API key is wrong",
    4: "the application is unknown to the broker",
    5: "the application could not be verified",
    6: "the device is not accepted",
    7: "the broker's agreements are not signed yet: log in to the web platform and sign them",
    9: "there is no API subscription for this user",
    10: "access by API key is switched off for this user",
}
"""Refusals of a login that trying again does not change (8 is "unknown error", so it may)."""
