"""The words for the trader's requests, and for a breach that is told again."""

from zoneinfo import ZoneInfo

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.describe import describe
from risk_actors.core.unlock_requests import UnlockStatus
from tests.actors.facts import breach_found
from tests.conftest import NOON_NS

ZONE = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("status", "rule_id", "detail", "text"),
    [
        (
            UnlockStatus.ASKED,
            "daily-loss",
            "takes effect at Tue 13:00:00 CST",
            "lock 1 (daily-loss): unlock asked for, takes effect at Tue 13:00:00 CST",
        ),
        (
            UnlockStatus.WITHDRAWN,
            "daily-loss",
            "the lock ends by its own condition",
            "lock 1 (daily-loss): unlock withdrawn, the lock ends by its own condition",
        ),
        (
            UnlockStatus.DONE,
            "daily-loss",
            "ended after the cooling-off time",
            "lock 1 (daily-loss): unlocked, ended after the cooling-off time",
        ),
        (
            UnlockStatus.MOOT,
            "daily-loss",
            "the lock ended by itself first",
            "lock 1 (daily-loss): unlock came to nothing, the lock ended by itself first",
        ),
        (
            UnlockStatus.REFUSED,
            "",
            "no request for this lock waits",
            "lock 1: refused, no request for this lock waits",
        ),
    ],
)
def test_what_became_of_a_request_is_a_sentence(
    status: UnlockStatus, rule_id: str, detail: str, text: str
) -> None:
    changed = m.UnlockChanged(
        correlation_id="op-1",
        at_ns=NOON_NS,
        account_id=1,
        lock_id=1,
        rule_id=rule_id,
        status=status,
        reason="lunch",
        detail=detail,
        due_ns=None,
    )

    line = describe(changed, ZONE)

    assert line is not None
    assert line.text == text


def test_a_withdrawal_is_an_attempt_until_something_is_withdrawn() -> None:
    asked = m.UnlockWithdrawn(correlation_id="op-1", at_ns=NOON_NS, account_id=1, lock_id=3)

    line = describe(asked, ZONE)

    assert line is not None
    assert line.text == "you asked to withdraw the request to end lock 3"


def test_a_breach_that_is_told_again_does_not_alarm() -> None:
    found = breach_found()

    first, again = (
        describe(told, ZONE) for told in (found, msgspec.structs.replace(found, is_repeat=True))
    )

    assert first is not None
    assert again is not None
    assert (first.is_alarming, again.is_alarming) == (True, False)
    assert again.text == first.text.replace(": ", ": told again: ", 1)
