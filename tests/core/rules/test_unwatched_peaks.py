"""Rules that keep a high, over a time that nobody watched (I5, I7, I10)."""

from typing import Any

import msgspec
import pytest
from core.builders import NOON, S, judge_all, pnl, restored, rule, worth

from risk_actors.core.evidence import Evidence
from risk_actors.core.pnl_state import Gap, PnlState
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.rules.watched_until import watched_until_ns
from risk_actors.core.verdict import Breached, Ok, Unknown, Verdict

GAP = Gap(since_ns=NOON - 60 * S, until_ns=NOON, why="the bars of MNQ are being read")
LASTING = Gap(since_ns=NOON - 60 * S, until_ns=None, why="nobody watches now")


def drawdown(**settings: Any) -> Any:
    given = {"amount_usd": 2000, "trail": "intraday", "start_balance_usd": 50000} | settings
    return rule("trailing_drawdown", **given)


def giveback() -> Any:
    return rule("profit_giveback", arm_at_usd=500, giveback_usd=200)


def over(fact: PnlState, gap: Gap | None = None, **peaks: Any) -> PnlState:
    return msgspec.structs.replace(fact, gap=gap, **peaks)


def last(judging: Any, *facts: PnlState) -> Verdict:
    return judge_all(judging, *facts)[-1]


def sentence(verdict: Verdict) -> str:
    evidence: Evidence = verdict.evidence  # type: ignore[union-attr]
    return evidence.sentence()


# --- 004 --------------------------------------------------------------------------------------


def test_a_peak_that_bars_prove_raises_the_intraday_floor_as_if_it_had_been_seen() -> None:
    seen = last(drawdown(), worth(50000, 1500), worth(50000))
    proven = last(drawdown(), worth(50000), over(worth(50000), gap_high_usd=51500))

    assert isinstance(seen, Ok)
    assert seen == proven
    assert seen.limit == 49500


@pytest.mark.parametrize("gap", [GAP, LASTING])
def test_i7_a_peak_that_is_not_known_makes_the_floor_unknown(gap: Gap) -> None:
    verdict = last(drawdown(), over(worth(50000), gap))

    assert isinstance(verdict, Unknown)
    assert verdict.limit == 48000


def test_the_reason_says_when_nobody_watched_and_how_it_ends() -> None:
    verdict = last(drawdown(), over(worth(50000), GAP))

    assert sentence(verdict) == (
        "The price peaks between 17:59:00 UTC and 18:00:00 UTC are not known yet: the bars of MNQ"
        " are being read; set `floor_usd` if they cannot be read"
    )


def test_a_floor_that_is_reached_all_the_same_is_a_breach() -> None:
    assert isinstance(last(drawdown(), over(worth(50000, -2000), GAP)), Breached)


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"floor_usd": 48500}, [over(worth(50000), GAP)]),
        ({"lock_at_usd": 50000}, [worth(52000), over(worth(52000), GAP)]),
        ({"trail": "closed_balance"}, [over(worth(50000), GAP)]),
        ({"trail": "end_of_day"}, [over(worth(50000), GAP)]),
        ({"trail": "static"}, [over(worth(50000), GAP)]),
    ],
    ids=["set by hand", "has stopped rising", "by fills", "by days", "never rises"],
)
def test_a_floor_that_no_price_can_move_is_known_all_the_same(
    settings: dict[str, Any], facts: list[PnlState]
) -> None:
    assert isinstance(last(drawdown(**settings), *facts), Ok)


# --- 020 --------------------------------------------------------------------------------------


def test_a_profit_that_bars_prove_arms_the_giveback() -> None:
    seen = judge_all(giveback(), pnl(700), pnl(500))[-1]
    proven = judge_all(giveback(), pnl(0), over(pnl(500), gap_day_high_usd=700))[-1]

    assert isinstance(seen, Breached)
    assert isinstance(proven, Breached)
    assert proven.limit == seen.limit == 500


@pytest.mark.parametrize(
    ("facts", "limit"), [([pnl(0)], None), ([pnl(700), pnl(600)], 500)], ids=["unarmed", "armed"]
)
def test_i7_a_profit_that_is_not_known_makes_the_giveback_unknown(
    facts: list[PnlState], limit: int | None
) -> None:
    *before, now = facts
    verdict = last(giveback(), *before, over(now, GAP))

    assert isinstance(verdict, Unknown)
    assert verdict.limit == limit
    assert "are not known yet: the bars of MNQ are being read" in sentence(verdict)


def test_what_was_given_back_of_a_known_profit_is_a_breach_all_the_same() -> None:
    assert isinstance(last(giveback(), pnl(700), over(pnl(400), GAP)), Breached)


def test_a_gap_of_yesterday_says_nothing_of_today() -> None:
    today = pnl(0, day=GAP.until_ns or 0)

    assert isinstance(last(giveback(), over(today, GAP)), Ok)
    assert isinstance(last(giveback(), over(today, LASTING)), Unknown)


def test_once_the_gap_is_settled_a_day_that_is_not_armed_is_forgotten() -> None:
    judging = giveback()
    state, _ = judging.evaluate(None, over(pnl(0), GAP), NOON)
    after, verdict = judging.evaluate(state, pnl(0), NOON)

    assert state is not None
    assert after is None
    assert isinstance(verdict, Ok)


# --- what outlives a restart --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judging", "fact"), [(drawdown(), worth(50000)), (giveback(), pnl(0)), (giveback(), pnl(700))]
)
def test_i5_a_kill_before_the_prices_were_read_forgets_no_gap(judging: Any, fact: Any) -> None:
    state, _ = judging.evaluate(judging.initial_state(), over(fact, GAP), NOON)
    memories = {("rule", 101): RuleMemory(state=restored(judging, state))}

    again = watched_until_ns([101, 102], NOON + S, memories)
    settled, _ = judging.evaluate(state, fact, NOON)
    after = watched_until_ns([101], NOON + S, {("rule", 101): RuleMemory(state=settled)})

    assert again == {101: GAP.since_ns, 102: NOON + S}
    assert after == {101: NOON + S}
    assert watched_until_ns([101], None, {}) == {}
