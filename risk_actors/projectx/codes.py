"""What the broker's answers to a close, a cancel or a move of a stop mean.

Every endpoint numbers its refusals differently (from the Gateway's machine-readable description
and documentation), so the tables are per endpoint; `errorMessage` is usually null.
"""

from typing import NamedTuple

from risk_actors.core.commands import Answer, Refusal

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


_ACCOUNT_NOT_FOUND = Meaning(_NO, "the broker does not know this account", reason=Refusal.ACCOUNT)
_CONTRACT_NOT_FOUND = Meaning(_NO, "the broker does not know this contract")
_CONTRACT_NOT_ACTIVE = Meaning(_NO, "this contract is no longer active")
_POSITION_NOT_FOUND = Meaning(_GONE, "there is no such position any more")
_CLOSE_REJECTED = Meaning(
    _NO, "the closing order was rejected (market closed or halted, or no price)"
)
_CLOSE_PENDING = Meaning(_NO, "a closing order is already pending")
# It may have happened or not, so it must be looked at before it is sent again.
_UNKNOWN_ERROR = Meaning(_UNSURE, "the broker reported an unknown error")
_ORDER_NOT_FOUND = Meaning(_GONE, "there is no such order any more")
_CHANGE_PENDING = Meaning(_NO, "the order has a change pending")


def _account_rejected(deed: str) -> Meaning:
    return Meaning(
        _NO,
        f"the broker does not let programs {deed} in this account (live, follower or blocked)",
        reason=Refusal.ACCOUNT,
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
        5: Meaning(_NO, "the position is not larger than the size to close"),
        6: _CLOSE_REJECTED,
        7: _CLOSE_PENDING,
        8: _UNKNOWN_ERROR,
        9: _ACCOUNT_REJECTED,
    },
    CANCEL: {
        1: _ACCOUNT_NOT_FOUND,
        2: _ORDER_NOT_FOUND,
        3: Meaning(_NO, "the cancel was rejected"),
        4: _CHANGE_PENDING,
        5: _UNKNOWN_ERROR,
        6: _account_rejected("cancel orders"),
    },
    MODIFY: {
        1: _ACCOUNT_NOT_FOUND,
        2: _ORDER_NOT_FOUND,
        3: Meaning(_NO, "the move was rejected (the market has passed the price, or is closed)"),
        4: _CHANGE_PENDING,
        5: _UNKNOWN_ERROR,
        6: _account_rejected("change orders"),
        7: _CONTRACT_NOT_FOUND,
    },
}

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
