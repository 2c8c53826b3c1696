"""Advice on trailing drawdowns: whether they fit the paper account, and what does nothing."""

from typing import Any

import pytest
from app.advice_builders import rule_of_type, said, situation_of
from core.builders import judge, worth
from core.builders import rule as core_rule

from risk_actors.app.settings import PaperSettings, TradingMode
from risk_actors.app.settings_advice_drawdown import (
    floors_that_do_not_fit_the_account,
    keys_without_effect_on_a_floor_by_hand,
)
from risk_actors.app.settings_advice_limits import rules_given_twice
from risk_actors.core.verdict import Breached


def drawdown(**keys: Any) -> str:
    return rule_of_type("trailing_drawdown", **({"id": "dd", "amount_usd": 2000} | keys))


COMBINE = {"start_balance_usd": 50000, "lock_at_usd": 50000, "keep_away_usd": 100}
COMBINE_100K = {"amount_usd": 3000, "start_balance_usd": 100000, "lock_at_usd": 100000}
FUNDED = {"start_balance_usd": 0, "lock_at_usd": 0, "keep_away_usd": 100}
STATIC = {"start_balance_usd": 50000, "trail": "static"}


@pytest.mark.parametrize(
    ("keys", "balance_usd", "says"),
    [
        (COMBINE, 50000, None),
        (COMBINE_100K, 50000, "acts at once: the paper account begins with $50,000.00, and the"),
        (COMBINE_100K, 100000, None),
        (FUNDED, 50000, "acts only after a loss of $49,900.00, not of $1,900.00: the paper"),
        (FUNDED, 1, None),
        (STATIC, 50000, None),
        (STATIC, 51000, "acts only after a loss of $3,000.00, not of $2,000.00: the paper"),
        (STATIC, 49000, "acts already after a loss of $1,000.00, not of $2,000.00: the paper"),
        (STATIC, 48000, "acts at once: the paper account begins with $48,000.00"),
        # It trails the balance that it meets, so it fits.
        ({"start_balance_usd": 50000}, 60000, None),
        ({}, 60000, None),
        ({"floor_usd": 50000}, 50000, "acts at once"),
        ({"floor_usd": 50000}, 53000, None),
        (COMBINE_100K | {"accounts": '["150K*"]'}, 50000, None),
        (COMBINE_100K | {"accounts": '["50KTC*"]'}, 50000, "acts at once"),
        (COMBINE_100K | {"mode": "off"}, 50000, None),
    ],
)
def test_a_floor_that_does_not_fit_the_paper_account(
    keys: dict[str, Any], balance_usd: float, says: str | None
) -> None:
    paper = PaperSettings(balance_usd=balance_usd)

    found = said(
        floors_that_do_not_fit_the_account(situation_of(drawdown(**keys), simulator=paper))
    )

    if says is None:
        assert found == []
    else:
        ((rule, sentence),) = found
        assert rule == "dd"
        assert sentence.startswith(says)
        assert sentence.endswith("see `balance_usd` of [simulator] in app.toml")


def test_a_live_account_is_not_compared_with_the_paper_one() -> None:
    situation = situation_of(drawdown(**COMBINE_100K), mode=TradingMode.LIVE)
    assert said(floors_that_do_not_fit_the_account(situation)) == []


@pytest.mark.parametrize("trail", ["static", "end_of_day", "closed_balance", "intraday"])
@pytest.mark.parametrize("balance_usd", [47000, 48000, 48001, 50000, 53000])
def test_what_is_said_to_act_at_once_does(trail: str, balance_usd: int) -> None:
    keys = {"start_balance_usd": 50000, "trail": trail}
    situation = situation_of(drawdown(**keys), simulator=PaperSettings(balance_usd=balance_usd))
    found = said(floors_that_do_not_fit_the_account(situation))

    verdict = judge(core_rule("trailing_drawdown", amount_usd=2000, **keys), worth(balance_usd))

    acts_at_once = any(sentence.startswith("acts at once") for _, sentence in found)
    assert acts_at_once is isinstance(verdict, Breached)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"floor_usd": 0, "lock_at_usd": 0}, "`lock_at_usd` has no effect: `floor_usd` fixes"),
        (
            {"floor_usd": 0, "lock_at_usd": 0, "start_balance_usd": 0},
            "`lock_at_usd` and `start_balance_usd` have no effect: `floor_usd` fixes",
        ),
        ({"floor_usd": 0}, None),
        ({"lock_at_usd": 0}, None),
    ],
)
def test_keys_that_a_floor_by_hand_leaves_without_effect(
    keys: dict[str, Any], says: str | None
) -> None:
    found = said(keys_without_effect_on_a_floor_by_hand(situation_of(drawdown(**keys))))

    assert [sentence.startswith(says) for _, sentence in found] == ([True] if says else [])


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"trail": "intraday"}, "guards the same accounts as dd, which is of type"),
        ({"amount_usd": 3000}, "can never act first: dd stops the same accounts at $2,000.00"),
        ({"trail": "intraday", "accounts": '["50K*"]'}, "guards the same accounts as dd"),
    ],
)
def test_a_second_drawdown_of_the_same_accounts_is_told(keys: dict[str, Any], says: str) -> None:
    two = drawdown() + drawdown(**({"id": "other"} | keys))

    ((rule, sentence),) = said(rules_given_twice(situation_of(two)))

    assert rule == "other"
    assert sentence.startswith(says)


def test_drawdowns_of_different_accounts_go_without_saying() -> None:
    two = drawdown(accounts='["A*"]') + drawdown(id="b", trail="intraday", accounts='["B*"]')
    assert said(rules_given_twice(situation_of(two))) == []
