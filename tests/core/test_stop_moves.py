"""Moving stops through the enforcement plan: toward less risk only, one at a time (I1, I2)."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import ACCOUNT, BUY, ES, MNQ, MS, SELL, S, account, dec, held, order, stop

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import OrderStatus, OrderType
from risk_actors.core.command_slot import RETRY_AFTER_NS
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, MoveStop, Outcome
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import AskSnapshot, Effect, Started
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock
from risk_actors.core.stop_moves import lowers_risk
from risk_actors.core.verdict import Existing, Flatten, Reduce, StopMove

LONG = account(held(2), orders=(stop(7, SELL, 2, 90),))


def move(price: str | float, order_id: int = 7, contract: str = MNQ) -> StopMove:
    return StopMove(order_id=order_id, contract_id=contract, stop_price=dec(price))


def lock(existing: Existing, *kept: tuple[str, int]) -> Lock:
    return Lock(
        id=1,
        account_id=ACCOUNT,
        contract_id=None,
        rule_id="r",
        since_ns=0,
        until_ns=None,
        evidence=Evidence(template="because"),
        correlation_id="c",
        existing=existing,
        kept=kept,
    )


class Plan:
    """A plan that was shown a long position of 2 with its stop at 90."""

    def __init__(self, state: AccountState = LONG, **terms: Any) -> None:
        self.plan = EnforcementPlan(ACCOUNT, command_ids=itertools.count(1), **terms)
        self.plan.on_account(state, "e-0", 0)

    def want(self, *moves: StopMove, at_ns: int = 1, rule: str = "trail") -> list[Effect]:
        return self.plan.on_stop_moves(rule, moves, f"wish-{at_ns}", at_ns)

    def answer(self, command_id: int, answer: Answer, at_ns: int = 2) -> list[Effect]:
        outcome = Outcome(command_id=command_id, account_id=ACCOUNT, answer=answer)
        return self.plan.on_outcome(outcome, "answer", at_ns)

    def show(self, state: AccountState, at_ns: int = 3) -> list[Effect]:
        return self.plan.on_account(state, "e-1", at_ns)

    def ticks(self, since_ns: int, until_ns: int) -> list[Effect]:
        step = 100 * MS
        return [
            effect
            for now_ns in range(since_ns, until_ns, step)
            for effect in self.plan.on_tick("tick", now_ns)
        ]


def moved(effects: list[Effect]) -> list[tuple[int, Decimal]]:
    return [(e.order_id, e.stop_price) for e in effects if isinstance(e, MoveStop)]


def with_stop_at(price: str | float) -> AccountState:
    return account(held(2), orders=(stop(7, SELL, 2, price),))


def test_a_move_is_one_command_with_the_id_of_the_wish_and_no_enforcement() -> None:
    effects = Plan().want(move(95))

    (command,) = effects
    assert command == MoveStop(
        id=1,
        account_id=ACCOUNT,
        contract_id=MNQ,
        order_id=7,
        stop_price=Decimal(95),
        correlation_id="wish-1",
    )


def test_nothing_more_is_sent_once_the_row_shows_the_price() -> None:
    p = Plan()
    p.want(move(95))
    p.answer(1, Answer.ACCEPTED)

    effects = p.show(with_stop_at(95))
    effects += p.want(at_ns=4)
    effects += p.ticks(5, 60 * S)

    assert effects == []


@pytest.mark.parametrize("answered", [None, Answer.ACCEPTED, Answer.UNCERTAIN, Answer.GONE])
def test_i2_a_newer_target_waits_while_a_move_is_outstanding(answered: Answer | None) -> None:
    p = Plan()
    p.want(move(95))
    if answered is not None:
        p.answer(1, answered)

    assert moved(p.want(move(96), at_ns=3)) == []
    assert moved(p.want(move(97), at_ns=4)) == []
    seen = p.show(with_stop_at(95), at_ns=5 * S)

    assert moved(seen) == [(7, Decimal(97))]


def test_a_stop_is_moved_at_most_once_a_second() -> None:
    p = Plan()
    sent = moved(p.want(move(95)))
    price = Decimal(95)
    for now_ns in range(50 * MS, 5 * S, 50 * MS):
        sent += moved(p.show(with_stop_at(price), at_ns=now_ns))
        sent += moved(p.want(move(95 + now_ns // (50 * MS)), at_ns=now_ns))
        price = sent[-1][1]

    assert len(sent) == 5


def test_a_clock_that_is_set_back_holds_no_move_up() -> None:
    p = Plan()
    p.want(move(95), at_ns=100 * S)
    p.show(with_stop_at(95), at_ns=100 * S)

    assert moved(p.want(move(96), at_ns=50 * S)) == [(7, Decimal(96))]


def test_a_refused_move_is_tried_again_later_and_with_the_newest_target() -> None:
    p = Plan()
    p.want(move(95))
    p.answer(1, Answer.REFUSED, at_ns=1 * S)
    p.want(move(96), at_ns=1 * S + 1)

    before = p.ticks(1 * S + 2, 1 * S + RETRY_AFTER_NS[0])
    due = p.plan.on_tick("tick", 1 * S + RETRY_AFTER_NS[0])

    assert before == []
    assert moved(due) == [(7, Decimal(96))]


def test_a_move_that_is_always_refused_does_not_spin() -> None:
    p = Plan()
    sent = len(moved(p.want(move(95))))
    p.answer(1, Answer.REFUSED)
    for now_ns in range(100 * MS, 600 * S, 100 * MS):
        for effect in p.want(move(95 + now_ns // S), at_ns=now_ns):
            assert isinstance(effect, MoveStop)
            sent += 1
            p.answer(effect.id, Answer.REFUSED, at_ns=now_ns)

    assert sent <= 27


def test_a_move_that_the_rule_no_longer_wants_is_dropped() -> None:
    p = Plan()
    p.want(move(95))
    p.answer(1, Answer.REFUSED)
    p.want(at_ns=3)

    assert p.ticks(4, 60 * S) == []


def test_an_uncertain_move_is_looked_into_before_it_is_tried_again() -> None:
    p = Plan()
    p.want(move(95))

    doubted = p.answer(1, Answer.UNCERTAIN, at_ns=S)
    quiet = p.ticks(S + 1, 2 * S)
    unmoved = msgspec.structs.replace(LONG, snapshot_asked_ns=2 * S)
    again = p.show(unmoved, at_ns=3 * S)

    assert doubted == [AskSnapshot("uncertain answer", "wish-1")]
    assert moved(quiet) == []
    assert moved(again) == [(7, Decimal(95))]


def test_a_move_without_an_answer_or_without_effect_becomes_uncertain() -> None:
    silent, accepted = Plan(), Plan()
    silent.want(move(95))
    accepted.want(move(95))
    accepted.answer(1, Answer.ACCEPTED, at_ns=2)

    assert [type(e) for e in silent.ticks(1, 3 * S + 200 * MS)] == [AskSnapshot]
    assert [type(e) for e in accepted.ticks(2, 1 * S + 200 * MS)] == [AskSnapshot]


def test_a_move_of_an_order_that_is_gone_is_over() -> None:
    p = Plan()
    p.want(move(95))
    p.answer(1, Answer.GONE)

    effects = p.show(account(held(2)))
    effects += p.ticks(4, 10 * S)

    assert effects == []


def test_of_two_rules_the_one_with_less_risk_is_heard() -> None:
    p = Plan(account(held(-2), orders=(stop(7, BUY, 2, 110),)))
    p.want(move(108), rule="a")
    p.show(account(held(-2), orders=(stop(7, BUY, 2, 108),)), at_ns=S)

    assert moved(p.want(move(107), at_ns=3 * S, rule="b")) == [(7, Decimal(107))]
    p.show(account(held(-2), orders=(stop(7, BUY, 2, 107),)), at_ns=4 * S)
    assert p.ticks(5 * S, 9 * S) == []


def test_several_stops_move_side_by_side() -> None:
    p = Plan(account(held(2), orders=(stop(7, SELL, 1, 90), stop(8, SELL, 1, 91))))

    effects = p.want(move(95), move(95, order_id=8))

    assert moved(effects) == [(7, Decimal(95)), (8, Decimal(95))]


# --- I1: the plan decides by what it knows itself -------------------------------------------


@pytest.mark.parametrize(
    ("state", "price"),
    [
        (with_stop_at(90), 90),
        (with_stop_at(90), "89.75"),
        (with_stop_at(90), 0),
        (with_stop_at(90), "NaN"),
        (with_stop_at(90), "Infinity"),
        (account(held(-2), orders=(stop(7, BUY, 2, 110),)), 111),
        (account(held(-2), orders=(stop(7, BUY, 2, 110),)), -1),
        (account(held(-2), orders=(stop(7, SELL, 2, 90),)), 95),
        (account(held(2), orders=(stop(7, BUY, 2, 110),)), 105),
        (account(orders=(stop(7, SELL, 2, 90),)), 95),
        (account(held(2, contract=ES), orders=(stop(7, SELL, 2, 90),)), 95),
        (account(held(1), orders=(stop(7, SELL, 2, 90),)), 95),
        (account(held(2, fills_size=1), orders=(stop(7, SELL, 2, 90),)), 95),
        (account(held(2, fills_size=0), orders=(stop(7, SELL, 2, 90),)), 95),
        (account(held(2), orders=(stop(7, SELL, 2, 90, status=OrderStatus.SUSPENDED),)), 95),
        (account(held(2), orders=(stop(7, SELL, 2, 90, status=OrderStatus.PENDING),)), 95),
        (account(held(2), orders=(stop(7, SELL, 2, 90, kind=OrderType.STOP_LIMIT),)), 95),
        (account(held(2), orders=(stop(7, SELL, 2, 90, kind=OrderType.TRAILING_STOP),)), 95),
        (account(held(2), orders=(order(7, SELL, 2),)), 95),
        (account(held(2)), 95),
        (msgspec.structs.replace(LONG, awaited=(MNQ,)), 95),
        (msgspec.structs.replace(LONG, distrusted="fill 1 was voided"), 95),
        (msgspec.structs.replace(LONG, is_reconciled=False), 95),
    ],
)
def test_i1_what_does_not_surely_lower_the_risk_is_never_sent(
    state: AccountState, price: str | float
) -> None:
    assert moved(Plan(state).want(move(price))) == []


@pytest.mark.parametrize(
    ("state", "price"),
    [
        (with_stop_at(90), "90.25"),
        (account(held(3), orders=(stop(7, SELL, 2, 90),)), 95),
        (account(held(-2), orders=(stop(7, BUY, 2, 110),)), "109.75"),
    ],
)
def test_what_surely_lowers_the_risk_is_sent(state: AccountState, price: str | float) -> None:
    assert moved(Plan(state).want(move(price))) == [(7, dec(price))]


def test_i1_a_wish_for_another_contract_than_the_orders_own_is_ignored() -> None:
    assert Plan().want(move(95, contract=ES)) == []


def test_i1_what_a_wish_was_for_is_checked_again_when_it_is_tried_again() -> None:
    """The trader moved the stop further meanwhile: ours would now loosen it."""
    p = Plan()
    p.want(move(95))
    p.answer(1, Answer.REFUSED)

    effects = p.show(with_stop_at(96))
    effects += p.ticks(4, 60 * S)

    assert effects == []


def test_i1_the_check_itself_needs_the_order_and_the_position_to_agree() -> None:
    (protecting,) = LONG.orders

    assert lowers_risk(protecting, Decimal(95), LONG)
    assert not lowers_risk(protecting, Decimal(95), account())


# --- beside an enforcement ------------------------------------------------------------------


def test_nothing_is_moved_in_a_contract_that_is_being_flattened() -> None:
    p = Plan()
    p.plan.on_breach("loss", Flatten(contract_ids=(MNQ,)), "e-9", 1)

    assert moved(p.want(move(95))) == []
    assert moved(p.ticks(2, 2 * S)) == []


def test_nothing_is_moved_under_a_lock_that_flattens() -> None:
    p = Plan()
    p.want(move(95))
    p.answer(1, Answer.REFUSED)
    p.plan.on_locks((lock(Existing.FLATTEN),), "e-9", 2)

    assert moved(p.ticks(3, 20 * S)) == []


def test_a_position_that_a_lock_keeps_has_its_stop_moved() -> None:
    p = Plan()
    p.plan.on_locks((lock(Existing.KEEP, (MNQ, 2)),), "e-9", 1)

    assert moved(p.want(move(95))) == [(7, Decimal(95))]


def test_nothing_is_moved_while_a_reduction_is_on_its_way() -> None:
    """The stop is about to be more than the position."""
    p = Plan()
    (started, close) = p.plan.on_breach("max", Reduce(targets=((MNQ, 1),)), "e-9", 1)

    assert isinstance(started, Started)
    assert isinstance(close, CloseContract)
    assert moved(p.want(move(95))) == []


def test_nothing_is_moved_that_is_being_cancelled() -> None:
    p = Plan()
    effects = p.plan.on_breach("max", Reduce(cancel_order_ids=(7,)), "e-9", 1)

    assert [e.order_id for e in effects if isinstance(e, CancelOrder)] == [7]
    assert moved(p.want(move(95))) == []


def test_moves_go_on_beside_an_enforcement_in_another_contract() -> None:
    p = Plan(account(held(2), held(1, contract=ES), orders=(stop(7, SELL, 2, 90),)))
    p.plan.on_breach("block", Flatten(contract_ids=(ES,)), "e-9", 1)

    assert moved(p.want(move(95))) == [(7, Decimal(95))]


def test_a_refused_move_is_not_why_an_enforcement_is_stuck() -> None:
    p = Plan(account(held(2), held(1, contract=ES), orders=(stop(7, SELL, 2, 90),)))
    p.want(move(95))
    outcome = Outcome(
        command_id=1, account_id=ACCOUNT, answer=Answer.REFUSED, detail="the move was rejected"
    )
    p.plan.on_outcome(outcome, "a", 2)
    p.plan.on_breach("block", Flatten(contract_ids=(ES,)), "e-9", 3)
    p.answer(2, Answer.ACCEPTED)

    said = [e for e in p.ticks(4, 5 * S) if type(e).__name__ == "Stuck"]

    assert said
    assert "move" not in str(said)


def test_unarmed_nothing_is_moved() -> None:
    assert Plan(armed=False).want(move(95)) == []


def test_a_plan_made_anew_lets_a_move_under_way_end_first() -> None:
    """An older, looser target that arrives last would loosen the stop."""
    fresh = msgspec.structs.replace(LONG, snapshot_asked_ns=10 * S)
    p = Plan(fresh, made_ns=10 * S, under_way_until_ns=13 * S)

    assert moved(p.want(move(95), at_ns=10 * S)) == []
    assert moved(p.plan.on_tick("t", 13 * S)) == [(7, Decimal(95))]
