"""Which decisions count as the same, and what is said of those that are not."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest

from risk_actors import messages as m
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.actors.pnl import PnlActor
from risk_actors.actors.position import PositionActor
from risk_actors.actors.rule import RuleActor
from risk_actors.app.replay_compare import ORDERED, Comparison, Decision, Difference
from risk_actors.core.commands import CloseContract
from risk_actors.core.rules.measure import NO_MEASURE
from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Ok
from risk_actors.store.record_rows import message_json

UTC = ZoneInfo("UTC")


def close(number: int, size: int | None = None) -> m.SendClose:
    return m.SendClose(
        correlation_id=f"q-{number}",
        at_ns=number,
        command=CloseContract(
            id=number,
            account_id=101,
            contract_id="CON.F.US.MNQ.Z26",
            correlation_id=f"q-{number}",
            size=size,
        ),
    )


def verdict(number: int, account_id: int = 101) -> m.VerdictChanged:
    return m.VerdictChanged(
        correlation_id=f"q-{number}",
        at_ns=number,
        rule_id="a",
        rule_type="max_contracts",
        mode="enforce",
        account_id=account_id,
        verdict=Ok(),
        measure=NO_MEASURE,
    )


def row(message: m.Message, sender: str) -> Decision:
    return Decision(
        seq=1,
        sender=sender,
        at_ns=message.at_ns,
        account_id=101,
        correlation_id=message.correlation_id,
        kind=type(message).__name__,
        text="",
        message=message_json(message),
    )


def found(
    recorded: Sequence[m.SendClose], replayed: Sequence[m.SendClose], *, is_complete: bool = True
) -> list[Difference]:
    comparison = Comparison([row(each, "enforcer") for each in recorded], UTC)
    for each in replayed:
        comparison.said("enforcer", each)
    return comparison.differences(is_complete=is_complete)[0]


def test_every_decision_of_a_judging_actor_is_compared() -> None:
    """A new message to the journal has to be listed, or left out on purpose."""
    actors = (PositionActor, PnlActor, RuleActor, LockoutActor, EnforcerActor)
    said = {message for actor in actors for message in actor.sends}
    not_recorded = {
        m.AccountUpdated,
        m.NoteLocks,
        m.PnlUpdated,
        m.PricesJudged,
        m.RequestBars,
        m.RequestSnapshot,
        m.RuleStateChanged,
    }

    assert said == set(ORDERED) | {m.VerdictChanged} | not_recorded


@pytest.mark.parametrize(
    ("recorded", "replayed", "differences"),
    [
        ([close(1), close(2)], [close(1), close(2)], []),
        ([close(1), close(2)], [close(1)], [(2, True, False)]),
        ([close(1), close(2), close(3)], [close(1), close(3)], [(2, True, False)]),
        ([close(1), close(3)], [close(1), close(2), close(3)], [(2, False, True)]),
        ([close(1)], [close(1), close(2)], [(2, False, True)]),
        ([close(1), close(2)], [close(2), close(1)], [(1, True, False), (1, False, True)]),
        ([close(1, size=1), close(2)], [close(1, size=2), close(2)], [(1, True, True)]),
    ],
    ids=["alike", "end", "missing", "more", "more at the end", "order", "content"],
)
def test_differences(
    recorded: Sequence[m.SendClose],
    replayed: Sequence[m.SendClose],
    differences: list[tuple[int, bool, bool]],
) -> None:
    told = [
        (each.at_ns, each.recorded is not None, each.replayed is not None)
        for each in found(recorded, replayed)
    ]

    assert told == differences


def test_what_differs_inside_a_decision_is_named() -> None:
    (difference,) = found([close(1, size=1)], [close(1, size=2)])

    assert difference.details == ("command.size: 1 recorded, 2 replayed",)


def test_after_a_kill_what_was_said_last_may_be_missing_but_nothing_before_it() -> None:
    assert found([close(1)], [close(1), close(2)], is_complete=False) == []
    assert len(found([close(1), close(3)], [close(1), close(2), close(3)], is_complete=False)) == 1


def test_of_verdicts_the_recorded_ones_must_come() -> None:
    """The journal records few of them, and a lasting unknown later than others."""
    comparison = Comparison([row(verdict(2), "rule:a"), row(verdict(5), "rule:a")], UTC)
    for number in (1, 2, 3):
        comparison.said("rule:a", verdict(number))
    comparison.said("rule:a", verdict(5, account_id=102))

    differences, _ = comparison.differences(is_complete=True)

    assert comparison.compared == 1
    assert [(each.at_ns, each.replayed) for each in differences] == [(5, None)]


def test_only_the_day_that_is_asked_for_counts() -> None:
    rows = [row(close(number), "enforcer") for number in (1, 2, 3)]
    comparison = Comparison(rows, UTC, Window(2, 3))
    comparison.said("enforcer", close(1, size=9))
    comparison.said("enforcer", close(2))

    assert comparison.differences(is_complete=True)[0] == []
    assert comparison.compared == 1
