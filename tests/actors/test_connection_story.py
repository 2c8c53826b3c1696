"""Connection changes told as a person would, and what is told again and again told once."""

from typing import Any

import pytest

from risk_actors import messages as m
from risk_actors.actors.connection_story import ConnectionStory
from risk_actors.actors.repeats import Repeats
from risk_actors.core.commands import Answer, CloseContract, Outcome
from tests.actors.facts import MNQ, say, snapshot
from tests.conftest import NOON_NS, S


def ways(after_s: float, **up: Any) -> m.ConnectionChanged:
    told: dict[str, Any] = {"user_hub": True, "market_hub": True, "rest": True} | up
    return m.ConnectionChanged(
        correlation_id="connection-1", at_ns=NOON_NS + round(after_s * S), **told
    )


def test_an_outage_is_told_from_its_loss_to_its_end() -> None:
    story = ConnectionStory()
    lines = [
        story.take(each)
        for each in (
            ways(0, user_hub=False, market_hub=False, detail="starting"),
            ways(1, market_hub=False, detail="starting"),
            ways(2),
            ways(10, user_hub=False, detail="user hub: connection lost"),
            ways(11, user_hub=False, market_hub=False, detail="market hub: connection lost"),
            ways(11.5, user_hub=False, market_hub=False, detail="REST: /Order/searchOpen: silent"),
            ways(12, user_hub=False, market_hub=False, detail="user hub: cannot connect"),
            ways(22.4, market_hub=False),
            ways(40),
            ways(50, detail="REST: the fills are cut off"),
        )
    ]

    assert [line.text for line in lines] == [
        "connecting: user hub, market hub",
        "connecting: market hub",
        "connected",
        "connection lost: user hub",
        "connection lost: market hub; also down: user hub",
        "still down after 1.5 s: user hub, market hub (REST: silent)",
        "still down after 2.0 s: user hub, market hub (user hub: cannot connect)",
        "user hub back after 12 s; still down: market hub",
        "connected again after 30 s",
        "connected (REST: the fills are cut off)",
    ]
    assert [line.is_alarming for line in lines] == [False] * 3 + [True] * 5 + [False] * 2


def answered(answer: Answer, command_id: int, detail: str = "no answer") -> m.CommandAnswered:
    outcome = Outcome(command_id=command_id, account_id=1, answer=answer, detail=detail)
    return say(m.CommandAnswered, outcome=outcome, sent_ns=NOON_NS)


def close(command_id: int) -> m.SendClose:
    command = CloseContract(
        id=command_id, correlation_id="c-1", account_id=1, contract_id=MNQ, size=None
    )
    return say(m.SendClose, command=command)


def stuck(detail: str) -> m.EnforcementChanged:
    return say(
        m.EnforcementChanged,
        account_id=1,
        cause="panic",
        phase=m.EnforcementPhase.STUCK,
        detail=detail,
    )


UNREAD = say(m.SnapshotFailed, account_id=1, detail="no connection")


def test_what_lasts_is_told_at_first_and_then_once_a_minute() -> None:
    repeats = Repeats()
    rounds = [
        (UNREAD, close(n), answered(Answer.UNCERTAIN, n), stuck(f"after {n} tries"))
        for n in range(1, 4)
    ]

    told = [
        [not repeats.is_repeat(each, at_s * S) for each in round_]
        for at_s, round_ in zip((0, 10, 70), rounds, strict=True)
    ]

    # The second close is the first that is a try, so it is told once as well.
    assert told == [[True] * 4, [False, True, False, False], [True] * 4]


@pytest.mark.parametrize(
    ("trouble", "end"),
    [
        (UNREAD, snapshot()),
        (answered(Answer.UNCERTAIN, 1), answered(Answer.ACCEPTED, 2)),
        (
            stuck("halted"),
            say(
                m.EnforcementChanged,
                account_id=1,
                cause="panic",
                phase=m.EnforcementPhase.FLAT_OBSERVED,
                detail="",
            ),
        ),
    ],
)
def test_once_it_is_over_it_is_news_again(trouble: m.Message, end: m.Message) -> None:
    repeats = Repeats()

    told = [not repeats.is_repeat(each, at_s * S) for at_s, each in enumerate((trouble,) * 2)]
    repeats.note_end(end)

    assert told == [True, False]
    assert not repeats.is_repeat(trouble, 3 * S)


def test_another_reason_another_account_and_ordinary_commands_are_always_told() -> None:
    repeats = Repeats()
    different = (
        UNREAD,
        say(m.SnapshotFailed, account_id=2, detail="no connection"),
        say(m.SnapshotFailed, account_id=1, detail="too many requests"),
        close(1),
        close(2),
        answered(Answer.ACCEPTED, 1),
        answered(Answer.ACCEPTED, 2),
    )

    assert [repeats.is_repeat(each, 0) for each in different] == [False] * len(different)
    assert [repeats.is_repeat(ways(0, rest=False), 0, is_news=news) for news in (True, True)] == [
        False,
        False,
    ]
    assert [repeats.is_repeat(ways(0, rest=False), 0, is_news=False) for _ in range(2)] == [
        False,
        True,
    ]
