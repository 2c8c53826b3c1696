"""Requests to end a lock before its time: what the policy says, and what becomes of them."""

from typing import Any

import pytest
from core.builders import ACCOUNT, CHICAGO, NOON, S
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock
from risk_actors.core.unlock_policy import NEVER, UnlockPolicy, UnlockTerms
from risk_actors.core.unlock_requests import (
    ADMIN_NEEDED,
    NEVER_REFUSES,
    REASON_NEEDED,
    Asking,
    UnlockDesk,
    UnlockStatus,
    rule_on,
)

HOUR = 3600 * S
DELAYED = UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=HOUR)
ADMIN = UnlockTerms(policy=UnlockPolicy.ADMIN)
REFUSED, ASKED, DONE = UnlockStatus.REFUSED, UnlockStatus.ASKED, UnlockStatus.DONE


def asking(reason: str = "an appointment", at_ns: int = NOON, **terms: Any) -> Asking:
    return Asking(reason=reason, at_ns=at_ns, correlation_id=f"op-{at_ns}", **terms)


def lock(lock_id: int = 1, account_id: int = ACCOUNT) -> Lock:
    return Lock(
        id=lock_id,
        account_id=account_id,
        contract_id=None,
        rule_id="daily-loss",
        since_ns=NOON - HOUR,
        until_ns=NOON + 5 * HOUR,
        evidence=Evidence(template="it was reached"),
        correlation_id="event-1",
    )


AUTHORISED = {"is_authorised": True}
IN_AN_HOUR = "takes effect at Tue 13:00:00 CST; it can be withdrawn until then"
AS_BEFORE = "it was asked for before and takes effect at Tue 12:30:00 CST all the same"


@pytest.mark.parametrize(
    ("terms", "given", "waits", "status", "detail", "due_ns"),
    [
        (NEVER, asking(), None, REFUSED, NEVER_REFUSES, None),
        (NEVER, asking(**AUTHORISED), None, REFUSED, NEVER_REFUSES, None),
        (DELAYED, asking(), None, ASKED, IN_AN_HOUR, NOON + HOUR),
        (DELAYED, asking(**AUTHORISED), None, ASKED, IN_AN_HOUR, NOON + HOUR),
        (DELAYED, asking(""), None, REFUSED, REASON_NEEDED, None),
        (DELAYED, asking("  \n "), None, REFUSED, REASON_NEEDED, None),
        (DELAYED, asking("again"), NOON + HOUR // 2, ASKED, AS_BEFORE, NOON + HOUR // 2),
        (ADMIN, asking(), None, REFUSED, ADMIN_NEEDED, None),
        (ADMIN, asking(denied="it is wrong"), None, REFUSED, "it is wrong", None),
        (ADMIN, asking(denied="no", is_authorised=True), None, REFUSED, "no", None),
        (ADMIN, asking("", **AUTHORISED), None, REFUSED, REASON_NEEDED, None),
        (ADMIN, asking(**AUTHORISED), None, DONE, "ended with the admin secret", NOON),
    ],
)
def test_what_the_policy_says(
    terms: UnlockTerms,
    given: Asking,
    waits: int | None,
    status: UnlockStatus,
    detail: str,
    due_ns: int | None,
) -> None:
    ruling = rule_on(terms, given, waits, CHICAGO)

    assert (ruling.status, ruling.detail, ruling.due_ns) == (status, detail, due_ns)


def desk_with_request() -> UnlockDesk:
    desk = UnlockDesk(CHICAGO)
    desk.judge(lock(), asking(), DELAYED)
    return desk


def test_a_request_waits_until_it_is_due_and_not_a_moment_longer() -> None:
    desk = desk_with_request()

    assert desk.next_due(NOON + HOUR - 1) is None
    due = desk.next_due(NOON + HOUR)

    assert due is not None
    assert (due.lock_id, due.reason, due.due_ns) == (1, "an appointment", NOON + HOUR)
    assert desk.done(due).status is DONE
    assert desk.next_due(NOON + 9 * HOUR) is None


def test_asking_again_neither_shortens_nor_resets() -> None:
    desk = desk_with_request()

    ruling, request = desk.judge(lock(), asking("now!", NOON + HOUR // 2), DELAYED)
    sooner = UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=60 * S)
    again, _ = desk.judge(lock(), asking("now!", NOON + HOUR // 2), sooner)

    assert (ruling.status, ruling.is_new, request.reason) == (ASKED, False, "an appointment")
    assert again.due_ns == NOON + HOUR
    assert [each.due_ns for each in desk.pending(ACCOUNT)] == [NOON + HOUR]


def test_a_refused_request_leaves_the_one_that_waits() -> None:
    desk = desk_with_request()

    ruling, _ = desk.judge(lock(), asking(""), DELAYED)

    assert ruling.status is REFUSED
    assert len(desk.pending(ACCOUNT)) == 1


def test_requests_belong_to_their_lock_and_account() -> None:
    desk = desk_with_request()
    desk.judge(lock(2), asking(at_ns=NOON - 60 * S), DELAYED)
    desk.judge(lock(3, account_id=7), asking(), DELAYED)

    assert [each.lock_id for each in desk.pending(ACCOUNT)] == [1, 2]
    assert [each.lock_id for each in desk.pending(7)] == [3]
    earliest = desk.next_due(NOON + 2 * HOUR)
    assert earliest is not None
    assert earliest.lock_id == 2


def test_a_request_can_be_withdrawn_once_and_by_its_account_only() -> None:
    desk = desk_with_request()

    assert desk.withdraw(1, account_id=7) is None
    withdrawn = desk.withdraw(1, ACCOUNT)

    assert withdrawn is not None
    assert withdrawn.status is UnlockStatus.WITHDRAWN
    assert desk.withdraw(1, ACCOUNT) is None
    assert desk.next_due(NOON + 9 * HOUR) is None


def test_a_request_whose_lock_ended_first_is_moot() -> None:
    desk = desk_with_request()

    moot = desk.ended(1)

    assert moot is not None
    assert moot.status is UnlockStatus.MOOT
    assert desk.ended(1) is None


@pytest.mark.parametrize(
    ("terms", "refused", "due_ns"),
    [
        (NEVER, [1], []),
        (ADMIN, [1], []),
        (DELAYED, [], [NOON + HOUR]),
        (UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=60 * S), [], [NOON + HOUR]),
        (UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=2 * HOUR), [], [NOON + 2 * HOUR]),
    ],
    ids=["never", "admin", "the same", "shorter", "longer"],
)
def test_a_tighter_policy_decides_on_what_was_asked_for_under_another(
    terms: UnlockTerms, refused: list[int], due_ns: list[int]
) -> None:
    waiting = desk_with_request().pending(ACCOUNT)
    restarted = UnlockDesk(CHICAGO, waiting)

    tightened = restarted.tighten(terms)

    assert [each.lock_id for each in tightened.refused] == refused
    assert [each.due_ns for each in restarted.pending(ACCOUNT)] == due_ns
    assert {each.status for each in tightened.refused} <= {REFUSED}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "secret", "withdraw", "restart", "wait"]), st.integers(0, HOUR)
        ),
        max_size=30,
    )
)
def test_under_never_nothing_the_trader_does_lets_a_request_wait(
    steps: list[tuple[str, int]],
) -> None:
    desk, now_ns = UnlockDesk(CHICAGO), NOON
    for step, for_ns in steps:
        now_ns += for_ns
        match step:
            case "ask":
                assert desk.judge(lock(), asking(at_ns=now_ns), NEVER)[0].status is REFUSED
            case "secret":
                given_ = asking(at_ns=now_ns, is_authorised=True)
                assert desk.judge(lock(), given_, NEVER)[0].status is REFUSED
            case "withdraw":
                assert desk.withdraw(1, ACCOUNT) is None
            case "restart":
                desk = UnlockDesk(CHICAGO, desk.pending(ACCOUNT))
                desk.tighten(NEVER)
        assert desk.next_due(now_ns + 10**6 * HOUR) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([NEVER, DELAYED, ADMIN]), st.integers(0, 2 * HOUR)),
        min_size=1,
        max_size=8,
    )
)
def test_no_run_of_policies_ends_a_delay_early(runs: list[tuple[UnlockTerms, int]]) -> None:
    desk, now_ns = desk_with_request(), NOON
    for terms, for_ns in runs:
        desk = UnlockDesk(CHICAGO, desk.pending(ACCOUNT))
        desk.tighten(terms)
        now_ns += for_ns
        due = desk.next_due(now_ns)
        assert due is None or due.due_ns >= NOON + HOUR
