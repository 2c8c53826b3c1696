from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from risk_actors import messages as m
from risk_actors.actors.describe import describe, describe_event
from risk_actors.core.broker import Position
from risk_actors.core.commands import MoveStop
from risk_actors.core.enforcement_effects import RULE_BROKEN
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.core.verdict import StopMove
from tests.actors.facts import ES, MNQ, lock, say, tick
from tests.conftest import NOON_NS


def test_a_move_of_a_stop_is_a_command_in_plain_words() -> None:
    command = MoveStop(
        id=7_000_245,
        account_id=1,
        contract_id=MNQ,
        order_id=9156,
        stop_price=Decimal("20005.25"),
        correlation_id="quote-1",
    )

    line = describe(say(m.SendMoveStop, command=command), ZoneInfo("UTC"))

    assert line is not None
    assert (line.kind, line.account_id, line.is_alarming) == ("command", 1, False)
    assert line.text == "move the stop of order 9156 in MNQ to 20005.25 (#000245)"


def test_a_move_of_stops_in_shadow_says_what_would_have_been_done() -> None:
    moves = (
        StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal("21000.25")),
        StopMove(order_id=8, contract_id=ES, stop_price=Decimal(6990)),
    )

    line = describe(
        say(m.ShadowStopMoves, rule_id="trail", account_id=1, moves=moves, event=tick()),
        ZoneInfo("UTC"),
    )

    assert line is not None
    assert (line.kind, line.account_id, line.is_alarming) == ("command", 1, False)
    assert line.text == (
        "trail: shadow, would have moved the stop of order 7 in MNQ to 21,000.25 and the stop of "
        "order 8 in ES to 6,990"
    )


def test_what_was_closed_is_flat() -> None:
    def told(size: int) -> str:
        held = Position(
            account_id=1,
            contract_id=MNQ,
            size=size,
            average_price=Decimal(20000),
            opened_ns=NOON_NS,
        )
        return describe_event(say(m.PositionReported, position=held)).text

    assert (told(0), told(-2)) == ("flat MNQ", "position -2 MNQ")


def test_an_event_is_told_in_words_and_not_by_its_class() -> None:
    noted = describe_event(say(m.LocksNoted, account_id=1, spans=()))
    reset = describe_event(say(m.DailyReset, day_start_ns=0, day_end_ns=1))

    assert (noted.text, reset.text) == ("the gateway noted the locks", "daily reset")


def test_the_end_of_a_breach_says_that_the_rule_is_kept_again() -> None:
    line = describe(say(m.BreachEnded, rule_id="max-contracts", account_id=1), ZoneInfo("UTC"))

    assert line is not None
    assert (line.kind, line.text) == ("cleared", "max-contracts: no longer broken")


@pytest.mark.parametrize(
    ("cause", "detail", "text"),
    [
        ("daily-loss", RULE_BROKEN, "closing and cancelling for daily-loss"),
        ("panic", RULE_BROKEN, "closing and cancelling for panic at your request"),
        (
            "daily-loss",
            "something appeared under a lock",
            "closing and cancelling for daily-loss: something appeared under a lock",
        ),
    ],
)
def test_the_beginning_of_an_enforcement_says_what_is_done(
    cause: str, detail: str, text: str
) -> None:
    started = say(
        m.EnforcementChanged,
        account_id=1,
        phase=m.EnforcementPhase.STARTED,
        cause=cause,
        detail=detail,
    )

    line = describe(started, ZoneInfo("UTC"))

    assert line is not None
    assert line.text == text


def test_locks_that_are_told_for_a_request_say_the_request() -> None:
    request = UnlockRequest(
        lock_id=4,
        account_id=1,
        rule_id="daily-loss",
        asked_ns=NOON_NS,
        due_ns=NOON_NS,
        reason="calm",
        correlation_id="op-1",
    )
    asked = say(m.LocksChanged, "op-1", account_id=1, locks=(lock(4),), unlocks=(request,))
    again = say(m.LocksChanged, "resync-1", account_id=1, locks=(lock(4),), unlocks=(request,))

    lines = [describe(each, ZoneInfo("UTC")) for each in (asked, again)]

    assert [line and line.text for line in lines] == [
        "asked to end lock 4 of daily-loss at Tue 18:00:00 UTC",
        "locks in force: daily-loss until Tue 23:00:00 UTC; asked to end: lock 4",
    ]


@pytest.mark.parametrize(
    ("phase", "text", "is_alarming"),
    [
        (m.EnforcementPhase.BRAKED, "BRAKED daily-loss: the words", True),
        (m.EnforcementPhase.RESUMED, "resumed daily-loss: the words", True),
        (
            m.EnforcementPhase.STUCK,
            "CANNOT FINISH daily-loss after 2.0 s, still trying: the words",
            True,
        ),
    ],
)
def test_how_an_enforcement_stands_is_told_in_plain_words(
    phase: m.EnforcementPhase, text: str, *, is_alarming: bool
) -> None:
    told = say(
        m.EnforcementChanged,
        account_id=1,
        phase=phase,
        cause="daily-loss",
        detail="the words",
        took_ns=2_000_000_000,
    )

    line = describe(told, ZoneInfo("UTC"))

    assert line is not None
    assert (line.kind, line.text, line.is_alarming) == ("enforcement", text, is_alarming)
