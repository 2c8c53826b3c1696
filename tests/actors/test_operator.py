"""The operator inlet: what the trader asks for, what is answered, and what is recorded."""

from typing import Any

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.picture import (
    AccountPicture,
    LockPicture,
    Picture,
    RulePicture,
    UnlockPicture,
)
from risk_actors.actors.trader_requests import AnswerKind
from risk_actors.core.evidence import iso_utc
from risk_actors.core.unlock_policy import NEVER, UnlockPolicy, UnlockTerms
from tests.actors.trader_rig import TraderRig
from tests.conftest import NOON_NS, S

ACCEPTED, REFUSED = AnswerKind.ACCEPTED, AnswerKind.REFUSED
UNKNOWN, CONFLICT = AnswerKind.UNKNOWN, AnswerKind.CONFLICT
DELAYED = UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=3600 * S)
ADMIN = UnlockTerms(policy=UnlockPolicy.ADMIN)
SINCE_NS = NOON_NS - 600 * S
SECRET = "correct horse battery"


class Check:
    """Knows one secret, set at an instant; the edge of the file that the real one is kept in."""

    def __init__(self, set_ns: int = 0) -> None:
        self.set_ns = set_ns

    def refusal(self, secret: str | None, since_ns: int) -> str:
        if secret != SECRET:
            return "it is not right"
        return "it was set later" if self.set_ns > since_ns else ""


def lock(lock_id: int = 1, **terms: Any) -> LockPicture:
    given = {"rule": "daily-loss", "scope": "account", "until": None, "reason": "so it is"} | terms
    return LockPicture(id=lock_id, since=iso_utc(SINCE_NS), **given)


def picture(*locks: LockPicture, **terms: Any) -> Picture:
    given = {"version": "t", "mode": "paper", "armed": True, "phase": "armed"} | terms
    accounts = (AccountPicture(id=1, name="A", locks=locks), AccountPicture(id=2, name="B"))
    return Picture(accounts=accounts, **given)


def rig(shown: Picture | None = None, unlock: UnlockTerms = NEVER, set_ns: int = 0) -> TraderRig:
    held = picture(lock()) if shown is None else shown
    return TraderRig(lambda: held, unlock, Check(set_ns))


WAITS = UnlockPicture(due=iso_utc(NOON_NS + 60 * S), reason="before")


@pytest.mark.parametrize(
    ("shown", "terms", "secret", "kind", "says", "is_authorised", "denied"),
    [
        (None, NEVER, None, REFUSED, '"never"', False, ""),
        (None, NEVER, SECRET, REFUSED, '"never"', False, ""),
        (None, DELAYED, None, ACCEPTED, "takes effect at Tue 19:00:00 UTC", False, ""),
        (picture(lock(unlock=WAITS)), DELAYED, None, CONFLICT, "Tue 18:01:00 UTC", False, ""),
        (None, ADMIN, SECRET, ACCEPTED, "ended with the admin secret", True, ""),
        (None, ADMIN, "guess", REFUSED, "it is not right", False, "it is not right"),
        (None, ADMIN, None, REFUSED, "it is not right", False, "it is not right"),
    ],
)
def test_an_unlock_is_answered_as_the_policy_says_and_sent_on_in_any_case(
    shown: Picture | None,
    terms: UnlockTerms,
    secret: str | None,
    kind: AnswerKind,
    says: str,
    is_authorised: bool,
    denied: str,
) -> None:
    trader = rig(shown, terms)

    answer = trader.desk.unlock(1, None, " my reason ", secret)

    assert answer.kind is kind
    assert says in answer.sentence
    request = trader.outbox.only(m.UnlockRequested)
    assert (request.account_id, request.lock_id, request.reason) == (1, 1, "my reason")
    assert (request.is_authorised, request.denied) == (is_authorised, denied)


@pytest.mark.parametrize(("lock_id", "account_id"), [(9, None), (1, 2)])
def test_a_lock_that_is_not_there_is_unknown_and_the_attempt_is_recorded(
    lock_id: int, account_id: int | None
) -> None:
    trader = rig(unlock=DELAYED)

    answer = trader.desk.unlock(lock_id, account_id, "please", None)

    assert answer.kind is UNKNOWN
    acted = trader.outbox.only(m.TraderActed)
    assert (acted.action, acted.accepted) == ("unlock", False)
    assert "please" in acted.detail


@pytest.mark.parametrize(
    ("locks", "account_id", "says"),
    [
        ((lock(), lock(2, rule="pause")), None, "in force; in force: 1 (daily-loss), 2 (pause)"),
        ((), None, "no lock 9 is in force; in force: none"),
        ((lock(9),), 2, "no lock 9 is in force on this account; in force: none"),
    ],
)
def test_who_asks_for_a_lock_that_is_not_there_is_told_which_are(
    locks: tuple[LockPicture, ...], account_id: int | None, says: str
) -> None:
    answer = rig(picture(*locks), DELAYED).desk.unlock(9, account_id, "please", None)

    assert says in answer.sentence


def broken_rule(next_cause_ns: int | None) -> RulePicture:
    return RulePicture(
        id="daily-loss",
        type="daily_loss_limit",
        mode="enforce",
        account=1,
        verdict="breach",
        value=-510.0,
        limit=-500.0,
        reason="so it is",
        unit="usd",
        distance=0.0,
        used=1.0,
        contract=None,
        next_cause=None if next_cause_ns is None else iso_utc(next_cause_ns),
    )


SPENT = "daily-loss does not act again before {}: until then nothing of it protects this account"
WAIVED = "daily-loss: what it had found is waived, what it finds from {} on is enforced"


@pytest.mark.parametrize(
    ("terms", "next_cause_ns", "ends_with"),
    [
        (ADMIN, NOON_NS + 5 * 3600 * S, f"; {SPENT.format('23:00:00 UTC')}"),
        (ADMIN, NOON_NS + 125 * 3600 * S, f"; {SPENT.format('Sun 23:00:00 UTC')}"),
        (ADMIN, None, f"; {WAIVED.format('now')}"),
        (
            DELAYED,
            NOON_NS + 5 * 3600 * S,
            f". Once the lock has ended: {SPENT.format('23:00:00 UTC')}",
        ),
        (DELAYED, NOON_NS + 3600 * S, f". Once the lock has ended: {WAIVED.format('then')}"),
        (DELAYED, None, f". Once the lock has ended: {WAIVED.format('then')}"),
    ],
)
def test_an_unlock_says_what_the_rule_still_does_afterwards(
    terms: UnlockTerms, next_cause_ns: int | None, ends_with: str
) -> None:
    shown = picture(lock(), rules=(broken_rule(next_cause_ns),))

    answer = rig(shown, terms).desk.unlock(1, None, "please", SECRET)

    assert answer.sentence.endswith(ends_with)


def test_a_lock_of_no_rule_says_nothing_of_rules() -> None:
    shown = picture(lock(rule="panic"), rules=(broken_rule(None),))

    answer = rig(shown, ADMIN).desk.unlock(1, None, "please", SECRET)

    assert answer.sentence == "ended with the admin secret"


def test_a_secret_that_was_set_after_the_lock_began_does_not_end_it() -> None:
    trader = rig(unlock=ADMIN, set_ns=SINCE_NS + S)

    assert trader.desk.unlock(1, None, "please", SECRET) == (REFUSED, "it was set later")
    assert trader.outbox.only(m.UnlockRequested).denied == "it was set later"


def test_the_secret_goes_into_no_message() -> None:
    trader = rig(unlock=ADMIN)
    trader.desk.unlock(1, None, "please", SECRET)
    trader.desk.unlock(1, None, "please", "guess-guess")
    trader.desk.disarm("please", SECRET)
    trader.desk.disarm("please", "guess-guess")

    said = b"".join(msgspec.json.encode(message) for message in trader.outbox.sent).decode()
    assert len(trader.outbox.sent) == 4
    assert SECRET not in said
    assert "guess-guess" not in said


@pytest.mark.parametrize(
    ("shown", "kind", "sent"),
    [
        (picture(lock(unlock=WAITS)), ACCEPTED, m.UnlockWithdrawn),
        (picture(lock()), CONFLICT, m.UnlockWithdrawn),
        (picture(), UNKNOWN, m.TraderActed),
    ],
)
def test_a_request_can_be_withdrawn(shown: Picture, kind: AnswerKind, sent: type) -> None:
    trader = rig(shown, DELAYED)

    assert trader.desk.withdraw(1).kind is kind
    assert [type(message) for message in trader.outbox.sent] == [sent]


@pytest.mark.parametrize(
    ("shown", "terms", "secret", "kind"),
    [
        (picture(), NEVER, None, ACCEPTED),
        (picture(), ADMIN, None, ACCEPTED),
        (picture(lock()), NEVER, SECRET, REFUSED),
        (picture(lock()), DELAYED, SECRET, REFUSED),
        (picture(lock()), ADMIN, None, REFUSED),
        (picture(lock()), ADMIN, "guess", REFUSED),
        (picture(lock()), ADMIN, SECRET, ACCEPTED),
        (picture(armed=False), NEVER, None, CONFLICT),
        (picture(phase="starting"), NEVER, None, CONFLICT),
    ],
)
def test_disarm_acts_at_once_unless_a_lock_is_in_force(
    shown: Picture, terms: UnlockTerms, secret: str | None, kind: AnswerKind
) -> None:
    trader = rig(shown, terms)

    answer = trader.desk.disarm("lunch", secret)

    assert answer.kind is kind
    assert trader.armings == ([False] if kind is ACCEPTED else [])
    acted = trader.outbox.only(m.TraderActed)
    assert (acted.action, acted.accepted) == ("disarm", kind is ACCEPTED)
    assert acted.detail.endswith("reason given: lunch")


def test_disarm_wants_a_reason() -> None:
    trader = rig(picture())

    assert trader.desk.disarm("  ", None) == (REFUSED, "a reason is needed to disarm")
    assert trader.armings == []


def test_a_delayed_policy_says_that_the_locks_come_first() -> None:
    answer = rig(unlock=DELAYED).desk.disarm("lunch", None)

    assert "ask for the locks to be ended first" in answer.sentence


@pytest.mark.parametrize("locks", [(), (lock(),)])
def test_arming_is_always_at_once(locks: tuple[LockPicture, ...]) -> None:
    trader = rig(picture(*locks, armed=False))

    assert trader.desk.arm().accepted
    assert trader.armings == [True]
    assert trader.outbox.only(m.TraderActed).action == "arm"


def test_arming_what_is_armed_changes_nothing() -> None:
    trader = rig()

    assert trader.desk.arm().kind is CONFLICT
    assert trader.armings == []
