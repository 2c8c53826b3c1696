"""What the broker's answers to a close or a cancel mean.

Every endpoint numbers its refusals differently (from the Gateway's machine-readable description
and documentation), so the tables are per endpoint; `errorMessage` is usually null.
"""

from typing import NamedTuple

from risk_actors.core.commands import Answer

CLOSE = "/Position/closeContract"
PARTIAL_CLOSE = "/Position/partialCloseContract"
CANCEL = "/Order/cancel"

_GONE = Answer.GONE
_NO = Answer.REFUSED
_UNSURE = Answer.UNCERTAIN


class Meaning(NamedTuple):
    """One error code: how it counts, and what to tell the trader."""

    answer: Answer
    words: str


_ACCOUNT_NOT_FOUND = Meaning(_NO, "the broker does not know this account")
_CONTRACT_NOT_FOUND = Meaning(_NO, "the broker does not know this contract")
_CONTRACT_NOT_ACTIVE = Meaning(_NO, "this contract is no longer active")
_POSITION_NOT_FOUND = Meaning(_GONE, "there is no such position any more")
_CLOSE_REJECTED = Meaning(
    _NO, "the closing order was rejected (market closed or halted, or no price)"
)
_CLOSE_PENDING = Meaning(_NO, "a closing order is already pending")
# It may have happened or not, so it must be looked at before it is sent again.
_UNKNOWN_ERROR = Meaning(_UNSURE, "the broker reported an unknown error")
_ACCOUNT_REJECTED = Meaning(
    _NO, "the broker does not let programs close positions in this account (live or follower)"
)

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
        2: Meaning(_GONE, "there is no such order any more"),
        3: Meaning(_NO, "the cancel was rejected"),
        4: Meaning(_NO, "the order has a change pending"),
        5: _UNKNOWN_ERROR,
        6: Meaning(
            _NO,
            "the broker does not let programs cancel orders in this account (live or follower)",
        ),
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
