"""What is counted for metrics: each thing once, over actors that come and go."""

import pytest

from risk_actors import messages as m
from risk_actors.actors.buckets import Buckets
from risk_actors.actors.tally import KEPT_CAUSES, Tally
from risk_actors.core.commands import Answer, CancelOrder, Refusal
from risk_actors.core.evidence import NS_PER_S
from tests.actors.facts import (
    MNQ,
    breach_found,
    breached,
    connected,
    evidence,
    fill,
    lock,
    ok,
    quote,
    say,
    snapshot,
    unknown,
    verdict_changed,
)
from tests.actors.tally_facts import answer, close
from tests.conftest import NOON_NS

MS = NS_PER_S // 1000


def took(buckets: Buckets) -> int:
    return buckets.counted().up_to[-1][1]


def told(*messages: m.Message) -> Tally:
    tally = Tally()
    for message in messages:
        tally.take(message)
    return tally


def test_what_the_broker_tells_is_counted_by_kind() -> None:
    a_fill = say(m.FillReported, fill=fill(1, 2), at_ns=NOON_NS + 5)
    tally = told(a_fill, a_fill, snapshot())
    assert (tally.events["fill"], tally.events["snapshot"], tally.events["order"]) == (2, 1, 0)
    assert tally.user_hub_ns == NOON_NS + 5


def test_a_snapshot_is_no_sign_of_life_of_the_user_hub() -> None:
    assert told(snapshot()).user_hub_ns is None


def test_a_verdict_is_counted_when_it_becomes_another_not_when_a_figure_moves() -> None:
    tally = told(
        *(verdict_changed(each) for each in (ok(), ok(-20), unknown(), ok(), breached())),
        verdict_changed(ok(), account_id=2),
    )
    assert dict(tally.verdicts) == {
        ("daily-loss", "ok"): 3,
        ("daily-loss", "unknown"): 1,
        ("daily-loss", "breach"): 1,
    }


def test_a_breach_that_is_told_again_is_counted_once() -> None:
    found = breach_found()
    again = m.BreachFound(
        correlation_id=found.correlation_id,
        at_ns=found.at_ns,
        rule_id=found.rule_id,
        account_id=1,
        breach=found.breach,
        event=found.event,
        is_repeat=True,
    )
    tally = told(found, again)
    assert tally.breaches == {("daily-loss", "enforce"): 1}
    assert took(tally.event_to_breach) == 1


def test_a_shadow_breach_is_counted_as_such() -> None:
    event = say(m.FillReported, fill=fill(1, 2))
    shadow = say(m.ShadowBreachFound, rule_id="size", account_id=1, breach=breached(), event=event)
    assert told(shadow).breaches == {("size", "shadow"): 1}


def test_the_way_from_the_event_to_its_first_command_is_measured_once() -> None:
    tally = told(
        breach_found(),
        close(1),
        answer(1, sent_ns=NOON_NS + 3 * MS, at_ns=NOON_NS + 40 * MS),
        close(2, at_ns=NOON_NS + NS_PER_S),
        answer(2, sent_ns=NOON_NS + NS_PER_S, at_ns=NOON_NS + NS_PER_S + 20 * MS),
    )
    counted = tally.event_to_command["close"].counted()
    assert dict(counted.up_to)[0.002] == 0
    assert dict(counted.up_to)[0.005] == dict(counted.up_to)[float("inf")] == 1
    assert counted.sum_s == pytest.approx(0.003)
    answers = tally.command_to_answer["close"].counted()
    assert answers.up_to[-1] == (float("inf"), 2)
    assert answers.sum_s == pytest.approx(0.057)


def test_the_journal_may_hear_of_a_command_before_its_breach() -> None:
    tally = told(close(1), breach_found(), answer(1, sent_ns=NOON_NS + MS))
    assert took(tally.event_to_command["close"]) == 1


def test_what_a_lock_closes_is_measured_from_what_appeared_under_it() -> None:
    appeared = say(m.PositionReported, position=None, at_ns=NOON_NS - 2 * MS)
    started = say(
        m.EnforcementChanged,
        account_id=1,
        phase=m.EnforcementPhase.STARTED,
        cause="daily-loss",
        detail="",
        event=appeared,
    )
    tally = told(started, close(1), answer(1, sent_ns=NOON_NS))
    assert tally.event_to_command["close"].counted().sum_s == pytest.approx(0.002)


@pytest.mark.parametrize("reason", [Refusal.DISARMED, Refusal.UNREACHABLE])
def test_a_command_that_never_left_has_no_time(reason: Refusal) -> None:
    tally = told(breach_found(), close(1), answer(1, Answer.REFUSED, reason=reason))
    assert tally.outcomes["close", "refused"] == 1
    assert tally.refusals == {("close", reason.value): 1}
    assert took(tally.event_to_command["close"]) == took(tally.command_to_answer["close"]) == 0


def test_an_answer_to_a_command_of_earlier_actors_is_counted_without_its_kind() -> None:
    tally = told(answer(9))
    assert tally.outcomes["unknown", "accepted"] == 1
    assert not any(took(each) for each in tally.command_to_answer.values())


def test_each_kind_of_command_has_a_first_of_its_own() -> None:
    cancel = CancelOrder(id=2, account_id=1, contract_id=MNQ, order_id=5, correlation_id="event-1")
    tally = told(breach_found(), close(1), say(m.SendCancel, command=cancel), answer(1), answer(2))
    assert tally.commands == {"close": 1, "cancel": 1, "move_stop": 0}
    assert took(tally.event_to_command["close"]) == took(tally.event_to_command["cancel"]) == 1


def test_an_end_of_an_enforcement_tells_how_long_it_took() -> None:
    flat = say(
        m.EnforcementChanged,
        account_id=1,
        phase=m.EnforcementPhase.FLAT_OBSERVED,
        cause="daily-loss",
        detail="",
        took_ns=120 * MS,
    )
    tally = told(flat)
    assert tally.enforcements["flat_observed"] == 1
    assert tally.to_flat.counted().sum_s == pytest.approx(0.12)


def test_locks_panics_and_corrections() -> None:
    tally = told(
        say(m.LocksChanged, account_id=1, locks=(lock(),), engaged=lock(), unsaved=1),
        say(m.LocksChanged, account_id=1, locks=(), ended=lock(), unsaved=0),
        say(m.PanicRequested, account_id=1, evidence=evidence()),
    )
    assert (tally.locks_engaged, tally.locks_ended) == ({"daily-loss": 1}, {"daily-loss": 1})
    assert (tally.unsaved_locks, tally.panics) == (0, 1)


def test_a_hub_that_was_told_to_be_up_again_has_come_back_once() -> None:
    up, down = connected(), connected(user_hub=False)
    # The same is told again to actors that are made anew.
    tally = told(connected(user_hub=False, market_hub=False), up, up, down, down, up)
    assert (tally.losses["user_hub"], tally.reconnects["user_hub"]) == (1, 1)
    assert (tally.losses["market_hub"], tally.reconnects["market_hub"]) == (0, 0)


def test_what_waits_for_an_answer_is_bounded() -> None:
    tally = Tally()
    for number in range(KEPT_CAUSES + 10):
        tally.take(breach_found(correlation_id=f"event-{number}"))
        tally.take(close(number, f"event-{number}"))
    assert len(tally._causes) == len(tally._sent) == KEPT_CAUSES


def test_what_is_not_counted_is_passed_by() -> None:
    before = Tally()
    assert told(quote(MNQ, "1", "2")).events == before.events


def test_buckets_are_cumulative_and_take_no_negative_time() -> None:
    buckets = Buckets((0.01, 0.1))
    for took_ms in (5, 10, 11, 500, -3):
        buckets.add(took_ms * MS)
    counted = buckets.counted()
    assert counted.up_to == ((0.01, 2), (0.1, 3), (float("inf"), 4))
    assert counted.sum_s == pytest.approx(0.526)
