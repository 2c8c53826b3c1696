"""Rule 013: when the week's P&L reaches minus the limit, lock until the weekly reset."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    MNQ,
    NOON,
    account_row,
    at,
    breach_of,
    fill,
    judge,
    judge_all,
    pnl,
    position,
    quote,
    restored,
    rule,
    snapshot,
)
from core.builders import S as SECOND
from core.desk import RuleDesk

from risk_actors.core.pnl_state import PnlState
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Warned


def week_limit(limit_usd: float = 1000, **settings: Any) -> Any:
    return rule("weekly_loss_limit", limit_usd=limit_usd, **settings)


def in_week(
    realized: Any, unrealized: Any = 0, *, week: int = 1, day: int = 1, today: Any = 0
) -> PnlState:
    return msgspec.structs.replace(
        pnl(realized=today, unrealized=unrealized, day=day, unknown="MNQ: no price yet"),
        week_realized_usd=None if realized is None else Decimal(str(realized)),
        week_start_ns=week,
    )


@pytest.mark.parametrize(
    ("basis", "realized", "unrealized", "kind"),
    [
        ("equity", "-999.99", 0, Ok),
        ("equity", "-999.995", 0, Breached),
        ("equity", "-1000", 0, Breached),
        ("equity", "-600", "-399.99", Ok),
        ("equity", "-600", "-400", Breached),
        ("equity", "-1200", "200.01", Ok),
        ("equity", "5000", 0, Ok),
        ("equity", "-1000", None, Unknown),
        ("equity", None, "-1000", Unknown),
        ("realized", "-1000", 900, Breached),
        ("realized", "-999.99", -900, Ok),
        ("realized", "-1000", None, Breached),
        ("realized", None, 0, Unknown),
    ],
)
def test_a_loss_of_exactly_the_limit_breaks_the_week(
    basis: str, realized: Any, unrealized: Any, kind: type
) -> None:
    verdict = judge(week_limit(basis=basis), in_week(realized, unrealized))

    assert type(verdict) is kind
    assert verdict.limit == -1000


def test_the_day_alone_says_nothing() -> None:
    assert isinstance(judge(week_limit(), in_week(-200, today=-1500)), Ok)


def test_a_breach_locks_the_account_until_the_weekly_reset() -> None:
    breach = breach_of(week_limit(), in_week(-1000))

    assert breach.action == Flatten()
    assert breach.locks == (LockTerms(end=LockEnd.WEEKLY_RESET),)


def test_a_broken_week_stays_broken_over_its_days_and_is_one_cause() -> None:
    verdicts = judge_all(
        week_limit(),
        in_week(-1000, day=1),
        in_week(-800, day=1),
        in_week(-800, None, day=2),
        in_week(400, day=3),
        in_week(0, day=8, week=8),
        in_week(-1000, day=9, week=8),
    )

    assert [type(verdict) for verdict in verdicts] == [Breached] * 4 + [Ok, Breached]
    assert len({verdict.cause for verdict in verdicts if isinstance(verdict, Breached)}) == 2
    assert len({verdict.cause for verdict in verdicts[:4]}) == 1
    assert [verdict.value for verdict in verdicts[:4]] == [-1000, -800, -1000, 400]


def test_the_evidence_tells_the_week_and_the_day() -> None:
    breach = breach_of(week_limit(), in_week(-700, -350, today=-200))
    near = judge(week_limit(warn_at=[0.5]), in_week(-600))
    unknown = judge(week_limit(), in_week(None))

    assert breach.evidence.sentence() == (
        "Week P&L -1,050.00 reached the limit of -1,000.00 at 18:00:00 UTC:"
        " day P&L -550.00, 3 trades, fees 1.24"
    )
    assert isinstance(near, Warned)
    assert near.fraction == 0.5
    assert near.evidence.sentence() == "Week P&L -600.00 is near the limit of -1,000.00"
    assert isinstance(unknown, Unknown)
    assert unknown.evidence.sentence() == "Week P&L is unknown: MNQ: no price yet"


def test_what_it_remembers_outlives_a_restart_and_is_of_one_account() -> None:
    judging = week_limit()
    state, before = judging.evaluate(judging.initial_state(), in_week(-1000), NOON)

    after_state, after = judging.evaluate(restored(judging, state), in_week(-10), NOON + SECOND)
    _, other = judging.evaluate(judging.initial_state(), in_week(-10), NOON + SECOND)

    assert after_state == state
    assert isinstance(after, Breached)
    assert (after.cause, after.evidence) == (before.cause, before.evidence)
    assert isinstance(other, Ok)


def test_the_summary_is_a_sentence_with_the_effective_figures() -> None:
    assert week_limit(1500).summary() == (
        "When the week's equity P&L reaches -$1,500.00,"
        " flatten and lock the account until the weekly reset."
    )


def test_a_week_of_fills_that_is_read_in_its_middle_is_counted_whole() -> None:
    days = [
        fill(n, -1, 20000, profit=profit, costs=1, at_ns=at(2026, 11, 15 + n, 10))
        for n, profit in ((1, -400), (2, -350))
    ]
    desk = RuleDesk(week_limit())
    desk.see(snapshot(desk.now_ns, fills=tuple(days), account=account_row(49248)))

    held = desk.see(quote(MNQ, bid=19877, ask=19878), fill(3, 1, 20000), position(1, 20000))
    broken = desk.see(quote(MNQ, bid=19876, ask=19877))
    weekend = desk.at(at(2026, 11, 22, 16, 59))

    assert isinstance(held, Ok)
    assert held.value == -752 - 246
    assert isinstance(broken, Breached)
    assert isinstance(weekend, Breached)
    desk.see(position(0, 20000), fill(4, -1, 19876, profit=-248))
    assert isinstance(desk.at(at(2026, 11, 22, 17, 0)), Ok)
