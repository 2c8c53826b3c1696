"""Rules keep what they found for one account; another account, time or day never gets it."""

from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from core.builders import ES, MNQ, account, at, held, judge, judge_all, order, rule, worth
from core.tape import Tape, at_s

from risk_actors.core.broker import Side
from risk_actors.core.rules.base import Rule
from risk_actors.core.rules.contract_symbols import open_symbols
from risk_actors.core.rules.trade_counts import CountOf, Newest
from risk_actors.core.trade_history import TradeHistory

HABITS: list[tuple[str, dict[str, Any]]] = [
    ("trade_cooldown", {"seconds": 60, "tiers": [{"loss_usd": 50, "seconds": 600}]}),
    ("max_consecutive_losses", {"limit": 2}),
    ("max_consecutive_losses", {"limit": 2, "lock_s": 90}),
    ("rapid_fire", {"max_entries": 1, "window_s": 30, "lock_s": 60}),
    ("revenge_trading", {"loss_usd": 10, "window_s": 60, "max_entries": 1, "lock_s": 60}),
    ("max_trades", {"per_day": 3, "per_hour": 2, "per_minute": 1}),
]
LOSSES = Tape().trade(0, 10, -100).trade(20, 30, -20).trade(40, 50, -5)
WINS = Tape().trade(0, 10, 5).trade(12, 14, 5)
TIMES = (at_s(51), at_s(55), at_s(115), at_s(640), at(2026, 11, 17, 17), at(2026, 11, 18, 12))


def said(judging: Rule[Any, Any], fact: Any, now_ns: int) -> tuple[Any, int | None]:
    state, verdict = judging.evaluate(judging.initial_state(), fact, now_ns)
    return verdict, judging.next_look_ns(state, fact, now_ns)


@pytest.mark.parametrize(("kind", "settings"), HABITS)
def test_habits_are_judged_as_by_a_rule_that_never_looked_before(
    kind: str, settings: dict[str, Any]
) -> None:
    kept = rule(kind, **settings)
    facts = [LOSSES.account(), WINS.account(), Tape().account()]

    for now_ns in (*TIMES, *reversed(TIMES)):
        for fact in facts:
            assert said(kept, fact, now_ns) == said(rule(kind, **settings), fact, now_ns)


def test_a_plan_keeps_the_step_of_one_balance_only() -> None:
    steps = [{"max_contracts": 1}, {"above_usd": 1000, "max_contracts": 2}]
    plan = rule("scaling_plan", steps=steps, micro_ratio=1)
    low, high = Decimal(500), Decimal(5000)

    limits = [
        judge_all(plan, worth(balance, account=account()))[-1].limit
        for balance in (low, high, high, low)
    ]

    assert limits == [1, 2, 2, 1]


def test_open_symbols_are_of_the_account_that_is_asked_about() -> None:
    working = account(held(1, contract=ES), orders=(order(1, Side.BUY, contract=MNQ),))
    named = msgspec.structs.replace(working, named_symbols={ES: "QQQ"})

    for _ in range(2):
        assert open_symbols(working) == {ES: "ES", MNQ: "MNQ"}
        assert open_symbols(named) == {ES: "QQQ", MNQ: "MNQ"}
        assert open_symbols(account()) == {}


def test_an_order_that_ends_is_no_longer_of_an_open_symbol() -> None:
    blocking = rule("symbol_block", blocked=["MNQ"])
    working = account(orders=(order(1, Side.BUY, contract=MNQ),))

    before, after = judge(blocking, working), judge(blocking, account())

    assert (type(before).__name__, type(after).__name__) == ("Breached", "Ok")


@pytest.mark.parametrize("count", list(CountOf))
def test_what_came_after_an_instant_is_counted_alike_in_any_order_of_asking(count: CountOf) -> None:
    tape = Tape()
    for number in range(12):
        tape.trade(number * 10, number * 10 + 7, 1)
    history: TradeHistory = tape.account().history
    randomly = Random(1)
    newest = Newest(history, count)

    for _ in range(200):
        at_ns, first = at_s(randomly.randint(-5, 130)), randomly.randint(0, 30)
        one_by_one = Newest(history, count)
        expected = 0
        while (made := one_by_one[first + expected]) is not None and made.at_ns > at_ns:
            expected += 1
        assert newest.after(at_ns, first) == expected
        newest[randomly.randint(0, 30)]
