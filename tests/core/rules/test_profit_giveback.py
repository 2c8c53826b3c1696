"""Rule 020: once the day's profit has peaked high enough, only so much of it may be given back."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    MNQ,
    NOON,
    account_row,
    at,
    fill,
    judge,
    judge_all,
    pnl,
    position,
    quote,
    restored,
    rule,
)
from core.builders import S as SECOND
from core.desk import RuleDesk

from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Warned


def giveback(arm_at_usd: float = 500, **settings: Any) -> Any:
    settings = settings or {"giveback_usd": 200}
    return rule("profit_giveback", arm_at_usd=arm_at_usd, **settings)


def after_peak(judging: Any, peak: Any, equity: Any) -> Any:
    return judge_all(judging, pnl(realized=peak), pnl(realized=equity))[-1]


@pytest.mark.parametrize(
    ("settings", "peak", "equity", "kind"),
    [
        ({"giveback_usd": 200}, 499.99, 0, Ok),
        ({"giveback_usd": 200}, "499.995", 299.99, Breached),
        ({"giveback_usd": 200}, 500, 300.01, Ok),
        ({"giveback_usd": 200}, 500, 300, Breached),
        ({"giveback_usd": 200}, 500, 299.99, Breached),
        ({"giveback_usd": 200}, 500, -4000, Breached),
        ({"giveback_usd": 200}, 1000, 801, Ok),
        ({"giveback_usd": 200}, 1000, 800, Breached),
        ({"giveback_usd": 800}, 500, -299.99, Ok),
        ({"giveback_usd": 800}, 500, -300, Breached),
        ({"giveback_pct": 40}, 500, 300.01, Ok),
        ({"giveback_pct": 40}, 500, 300, Breached),
        ({"giveback_pct": 40}, 1000, 600.01, Ok),
        ({"giveback_pct": 40}, 1000, 600, Breached),
        ({"giveback_pct": 33.3}, 1000, 667.01, Ok),
        ({"giveback_pct": 33.3}, 1000, 667, Breached),
        ({"giveback_pct": 100}, 500, 0.01, Ok),
        ({"giveback_pct": 100}, 500, 0, Breached),
    ],
)
def test_giving_back_exactly_what_is_allowed_breaks_it_and_a_cent_less_does_not(
    settings: dict[str, Any], peak: Any, equity: Any, kind: type
) -> None:
    verdict = after_peak(giveback(**settings), peak, equity)

    assert type(verdict) is kind
    assert verdict.value == Decimal(str(equity))


def test_the_limit_follows_the_peak_up_and_never_down() -> None:
    verdicts = judge_all(
        giveback(giveback_pct=40),
        pnl(realized=499),
        pnl(realized=500),
        pnl(realized=500, unrealized=500),
        pnl(realized=700),
        pnl(realized=2000),
    )

    assert [verdict.limit for verdict in verdicts] == [None, 300, 600, 600, 1200]
    assert all(isinstance(verdict, Ok) for verdict in verdicts)
    assert [getattr(verdict, "allowance", 0) for verdict in verdicts] == [
        None,
        200,
        400,
        400,
        800,
    ]


def test_open_profit_arms_it_and_open_loss_breaks_it() -> None:
    armed, broken = judge_all(
        giveback(), pnl(realized=100, unrealized=400), pnl(realized=400, unrealized=-100)
    )

    assert (type(armed), type(broken)) == (Ok, Breached)


def test_a_breach_flattens_and_locks_the_account_until_the_daily_reset() -> None:
    verdict = after_peak(giveback(), 500, 300)

    assert (verdict.action, verdict.locks) == (Flatten(), (LockTerms(),))


def test_a_broken_day_stays_broken_and_the_next_begins_unarmed() -> None:
    verdicts = judge_all(
        giveback(),
        pnl(realized=600),
        pnl(realized=400),
        pnl(realized=400),
        pnl(realized=900),
        pnl(realized=900, unrealized=None, unknown="no price yet"),
        pnl(realized=0, day=2),
        pnl(realized=500, day=2),
        pnl(realized=300, day=2),
    )

    kinds = [Ok, Breached, Breached, Breached, Breached, Ok, Ok, Breached]
    assert [type(verdict) for verdict in verdicts] == kinds
    broken = [verdict for verdict in verdicts if isinstance(verdict, Breached)]
    assert len({verdict.cause for verdict in broken[:4]}) == 1
    assert broken[4].cause != broken[0].cause
    assert all(verdict.evidence == broken[0].evidence for verdict in broken[:4])
    assert [verdict.value for verdict in broken[:4]] == [400, 400, 900, 400]


def test_unknown_is_never_ok_and_keeps_the_peak() -> None:
    _, unknown, broken = judge_all(
        giveback(),
        pnl(realized=600),
        pnl(realized=300, unrealized=None, unknown="MNQ: the last price is stale"),
        pnl(realized=400),
    )

    assert isinstance(unknown, Unknown)
    assert unknown.limit == 400
    assert unknown.evidence.sentence() == "Day P&L is unknown: MNQ: the last price is stale"
    assert isinstance(broken, Breached)


@pytest.mark.parametrize(
    ("equity", "fraction"),
    [("550.01", None), ("550", 0.25), ("440", 0.8), ("440.01", 0.25), ("600", None)],
)
def test_a_warning_comes_at_its_fraction_of_what_may_be_given_back(
    equity: str, fraction: float | None
) -> None:
    verdict = after_peak(giveback(giveback_usd=200, warn_at=[0.25, 0.8]), 600, equity)

    assert getattr(verdict, "fraction", None) == fraction
    assert isinstance(verdict, Ok if fraction is None else Warned)


def test_the_evidence_tells_both_instants_and_all_figures() -> None:
    breach = after_peak(giveback(), 1250.5, 1000)
    near = after_peak(giveback(giveback_usd=200, warn_at=[0.5]), 600, 450)

    assert breach.evidence.sentence() == (
        "Day P&L 1,000.00 gave back 250.50 of its peak of 1,250.50 (at 18:00:00 UTC)"
        " at 18:00:01 UTC, 200.00 are allowed"
    )
    assert near.evidence.sentence() == (
        "Day P&L 450.00 has given back 150.00 of its peak of 600.00, 200.00 are allowed"
    )


def test_a_rule_that_starts_in_the_middle_of_a_day_begins_with_the_present() -> None:
    judging = giveback()

    assert isinstance(judge(judging, pnl(realized=800)), Ok)
    assert isinstance(after_peak(judging, 800, 600), Breached)


def test_what_it_remembers_outlives_a_restart() -> None:
    judging = giveback(giveback_pct=25)
    through, stored = judging.initial_state(), judging.initial_state()
    amounts = ["100", "612.37", "500", "612.37", "459.2775", "700"]

    for number, amount in enumerate(amounts):
        now_ns = NOON + number * SECOND
        through, expected = judging.evaluate(through, pnl(realized=amount), now_ns)
        stored, verdict = judging.evaluate(restored(judging, stored), pnl(realized=amount), now_ns)
        assert (stored, verdict) == (through, expected)
    assert isinstance(verdict, Breached)


def test_the_same_fact_again_changes_nothing() -> None:
    judging = giveback()
    armed, _ = judging.evaluate(None, pnl(realized=600), NOON)
    again, _ = judging.evaluate(armed, pnl(realized=600), NOON + SECOND)
    broken, first = judging.evaluate(again, pnl(realized=400), NOON + 2 * SECOND)
    later, second = judging.evaluate(broken, pnl(realized=400), NOON + 3 * SECOND)

    assert armed == again
    assert (broken, first) == (later, second)


def test_two_accounts_have_peaks_of_their_own() -> None:
    judging = giveback()
    one, _ = judging.evaluate(judging.initial_state(), pnl(realized=900), NOON)

    other, verdict = judging.evaluate(judging.initial_state(), pnl(realized=300), NOON)

    assert isinstance(verdict, Ok)
    assert other is None
    assert one.peak_usd == 900


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"arm_at_usd": 500}, "give either `giveback_pct` or `giveback_usd`"),
        (
            {"arm_at_usd": 500, "giveback_pct": 40, "giveback_usd": 200},
            "give either `giveback_pct` or `giveback_usd`",
        ),
        ({"giveback_pct": 40}, "missing required field `arm_at_usd`"),
        ({"arm_at_usd": 0, "giveback_pct": 40}, ">= 0.01"),
        ({"arm_at_usd": 500, "giveback_pct": 0}, "> 0.0"),
        ({"arm_at_usd": 500, "giveback_pct": 100.1}, "<= 100.0"),
        ({"arm_at_usd": 500, "giveback_usd": -1}, ">= 0.01"),
    ],
)
def test_impossible_settings_are_refused_in_clear_words(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        rule("profit_giveback", **settings)


def test_the_summary_is_a_sentence_with_the_effective_figures() -> None:
    assert giveback(giveback_pct=40).summary() == (
        "Once the day's equity P&L has reached $500.00, giving back 40% of its peak"
        " flattens and locks the account until the daily reset."
    )
    assert giveback(750.5, giveback_usd=1200).summary() == (
        "Once the day's equity P&L has reached $750.50, giving back $1,200.00"
        " flattens and locks the account until the daily reset."
    )


def test_a_loss_without_a_profit_before_it_gives_nothing_back() -> None:
    assert judge(giveback(), pnl(realized=-9000)) == Ok(value=Decimal(-9000))


ROWS = (
    fill(1, 2, 20000),
    position(2, 20000),
    fill(2, -2, 20250, profit=1000),
    position(0, 20000),
    account_row(51000),
)


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_a_trade_told_in_any_order_is_no_giveback_and_arms_at_its_result(
    rows: tuple[Any, ...],
) -> None:
    desk = RuleDesk(giveback())
    desk.see(quote(MNQ, bid=20250, ask=20250.25), *rows)
    desk.see(position(0, 20000))

    assert not any(isinstance(verdict, Breached) for verdict in desk.verdicts)
    assert desk.state.peak_usd == 1000
    assert desk.at(at(2026, 11, 17, 17, 0)).value == 0
    assert desk.state is None


def test_a_broken_day_shows_the_present_limit_and_when_it_broke_if_it_is_back_above() -> None:
    asked, loosened = giveback(giveback_usd=200), giveback(giveback_usd=400)
    not_armed = giveback(arm_at_usd=900, giveback_usd=100)
    armed, _ = asked.evaluate(asked.initial_state(), pnl(realized=600), NOON)
    broken, _ = asked.evaluate(armed, pnl(realized=390), NOON + 1)

    def told(rule_in_force: Any, equity: Any) -> tuple[Any, ...]:
        _, verdict = rule_in_force.evaluate(broken, pnl(realized=equity), NOON + 2)
        assert verdict.stands_until is LockEnd.DAILY_RESET
        return verdict.limit, verdict.broken_value, verdict.broken_ns

    assert told(asked, 400) == (400, None, None)
    assert told(asked, "400.01") == (400, 390, NOON + 1)
    assert told(loosened, 390) == (200, 390, NOON + 1)
    assert told(not_armed, 390) == (400, None, None)
