"""Rules 003 and 005: the day's P&L against a loss limit and against a profit target."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    MNQ,
    NOON,
    S,
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
from core.desk import RuleDesk

from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import (
    Breached,
    Existing,
    Flatten,
    LockEnd,
    LockTerms,
    Ok,
    Unknown,
    Warned,
)


def loss_limit(limit_usd: float = 500, **settings: Any) -> Any:
    return rule("daily_loss_limit", limit_usd=limit_usd, **settings)


def profit_target(target_usd: float = 500, **settings: Any) -> Any:
    return rule("daily_profit_target", target_usd=target_usd, **settings)


# Amounts as losses; the target's tests take the same amounts as profits.
AROUND_500 = [
    ("0", Ok),
    ("-1000", Ok),
    ("499.98", Ok),
    ("499.99", Ok),
    ("499.994999", Ok),
    ("499.995", Breached),
    ("500", Breached),
    ("500.00", Breached),
    ("500.01", Breached),
    ("500.005", Breached),
    ("1000000", Breached),
]


@pytest.mark.parametrize(("amount", "kind"), AROUND_500)
def test_a_loss_of_exactly_the_limit_breaks_it_and_a_cent_less_does_not(
    amount: str, kind: type
) -> None:
    loss = -Decimal(amount)

    verdict = judge(loss_limit(), pnl(realized=loss))

    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (loss, -500)


@pytest.mark.parametrize(("amount", "kind"), AROUND_500)
def test_a_profit_of_exactly_the_target_reaches_it_and_a_cent_less_does_not(
    amount: str, kind: type
) -> None:
    verdict = judge(profit_target(), pnl(realized=amount))

    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (Decimal(amount), 500)


def test_ticks_with_half_cents_are_summed_exactly_and_compared_at_the_cent() -> None:
    # 32 ticks of ZN are 500.00 exactly; 31 and the costs of 15.62 lack half a cent of it,
    # which rounds away from zero.
    tick = Decimal("15.625")

    assert isinstance(judge(loss_limit(), pnl(realized=0, unrealized=-32 * tick)), Breached)
    assert isinstance(judge(loss_limit(), pnl(realized="-15.62", unrealized=-31 * tick)), Breached)
    assert isinstance(judge(loss_limit(), pnl(realized="-15.61", unrealized=-31 * tick)), Ok)
    assert isinstance(judge(profit_target(), pnl(realized="15.62", unrealized=31 * tick)), Breached)
    assert isinstance(judge(profit_target(), pnl(realized="15.61", unrealized=31 * tick)), Ok)


def test_limits_in_the_settings_are_the_decimals_that_were_written() -> None:
    # 0.1 + 0.2 in binary is more than 0.3.
    assert isinstance(judge(loss_limit(0.3), pnl(realized="-0.3")), Breached)
    assert isinstance(judge(loss_limit(1234.57), pnl(realized="-1234.56")), Ok)
    assert isinstance(judge(loss_limit(1234.57), pnl(realized="-1234.57")), Breached)


def test_the_smallest_limit_is_a_cent_and_not_reached_by_a_day_without_trades() -> None:
    assert isinstance(judge(loss_limit(0.01), pnl()), Ok)
    assert isinstance(judge(profit_target(0.01), pnl()), Ok)
    assert isinstance(judge(loss_limit(0.01), pnl(realized="-0.01")), Breached)
    with pytest.raises(ValueError, match=r">= 0\.01"):
        loss_limit(0.009)


@pytest.mark.parametrize("make", [loss_limit, profit_target])
@pytest.mark.parametrize(
    ("basis", "realized", "unrealized", "kind"),
    [
        ("realized", 500, None, Breached),
        ("realized", 500, -400, Breached),
        ("realized", 499, 400, Ok),
        ("realized", None, 400, Unknown),
        ("equity", 100, 400, Breached),
        ("equity", 600, -101, Ok),
        ("equity", 500, None, Unknown),
        ("equity", None, 500, Unknown),
        ("equity", None, None, Unknown),
    ],
)
def test_the_basis_says_which_p_and_l_counts_and_unknown_is_never_ok(
    make: Any, basis: str, realized: int | None, unrealized: int | None, kind: type
) -> None:
    sign = -1 if make is loss_limit else 1
    fact = pnl(
        realized=None if realized is None else sign * realized,
        unrealized=None if unrealized is None else sign * unrealized,
    )

    assert type(judge(make(basis=basis), fact)) is kind


def test_the_basis_is_equity_by_default() -> None:
    assert isinstance(judge(loss_limit(), pnl(realized=-100, unrealized=-400)), Breached)
    assert isinstance(judge(profit_target(), pnl(realized=100, unrealized=400)), Breached)


def test_unknown_says_why() -> None:
    verdict = judge(loss_limit(), pnl(unrealized=None, unknown="MNQ: the last price is stale"))

    assert isinstance(verdict, Unknown)
    assert verdict.limit == -500
    assert verdict.evidence.sentence() == "Day P&L is unknown: MNQ: the last price is stale"


@pytest.mark.parametrize("make", [loss_limit, profit_target])
def test_a_breach_flattens_and_locks_the_account_until_the_daily_reset(make: Any) -> None:
    sign = -1 if make is loss_limit else 1

    breach = breach_of(make(), pnl(realized=sign * 500))

    assert breach.action == Flatten()
    assert breach.locks == (
        LockTerms(
            contract_id=None,
            end=LockEnd.DAILY_RESET,
            until_ns=None,
            existing=Existing.FLATTEN,
        ),
    )


@pytest.mark.parametrize("make", [loss_limit, profit_target])
def test_a_broken_day_stays_broken_and_is_one_cause_whatever_follows(make: Any) -> None:
    sign = -1 if make is loss_limit else 1

    verdicts = judge_all(
        make(),
        pnl(realized=sign * 500),
        pnl(realized=sign * 500),
        pnl(realized=sign * 900),
        pnl(realized=sign * 499),
        pnl(realized=0),
        pnl(realized=0, unrealized=None, unknown="no price yet"),
    )

    # The sentence of the first time, figures and instant included; the value goes on living.
    assert isinstance(verdicts[0], Breached)
    assert all(isinstance(verdict, Breached) for verdict in verdicts)
    assert {verdict.cause for verdict in verdicts} == {verdicts[0].cause}
    assert all(verdict.evidence == verdicts[0].evidence for verdict in verdicts)
    assert [verdict.value for verdict in verdicts] == [
        sign * amount for amount in (500, 500, 900, 499, 0, 500)
    ]
    assert verdicts[0].evidence.figures["at"] == NOON


@pytest.mark.parametrize("make", [loss_limit, profit_target])
def test_another_day_begins_unbroken_and_breaks_with_a_cause_of_its_own(make: Any) -> None:
    sign = -1 if make is loss_limit else 1

    first, rested, unknown, again = judge_all(
        make(),
        pnl(realized=sign * 500, day=1),
        pnl(realized=0, day=2),
        pnl(realized=0, unrealized=None, day=2),
        pnl(realized=sign * 500, day=2),
    )

    assert isinstance(first, Breached)
    assert isinstance(rested, Ok)
    assert isinstance(unknown, Unknown)
    assert isinstance(again, Breached)
    assert first.cause != again.cause
    assert again.evidence.figures["at"] == NOON + 3 * S


def test_a_rule_that_starts_in_the_middle_of_a_broken_day_finds_it_broken() -> None:
    assert isinstance(judge(loss_limit(), pnl(realized=-812)), Breached)


def test_accounts_do_not_share_a_broken_day() -> None:
    judging = loss_limit()
    broken, _ = judging.evaluate(judging.initial_state(), pnl(realized=-500), NOON)

    _, other = judging.evaluate(judging.initial_state(), pnl(realized=-1), NOON)

    assert broken is not None
    assert isinstance(other, Ok)


@pytest.mark.parametrize("make", [loss_limit, profit_target])
@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        ("399.98", Ok),
        ("399.99", Ok),
        ("399.995", Warned),
        ("400", Warned),
        ("475", Warned),
        ("499.99", Warned),
        ("500", Breached),
        ("-450", Ok),
    ],
)
def test_a_warning_comes_at_its_fraction_of_the_limit(make: Any, amount: str, kind: type) -> None:
    sign = -1 if make is loss_limit else 1

    verdict = judge(make(warn_at=[0.95, 0.8]), pnl(realized=sign * Decimal(amount)))

    assert type(verdict) is kind


@pytest.mark.parametrize("make", [loss_limit, profit_target])
def test_a_warning_tells_the_highest_fraction_that_is_reached(make: Any) -> None:
    sign = -1 if make is loss_limit else 1
    judging = make(warn_at=[0.95, 0.5, 0.8])

    told = [judge(judging, pnl(realized=sign * amount)) for amount in (250, 399, 400, 499)]

    assert [verdict.fraction for verdict in told] == [0.5, 0.5, 0.8, 0.95]


@pytest.mark.parametrize(
    ("make", "basis", "moved_by"),
    [
        (loss_limit, "equity", MovedBy.EQUITY_LOSS),
        (loss_limit, "realized", MovedBy.REALIZED_LOSS),
        (profit_target, "equity", MovedBy.EQUITY_GAIN),
        (profit_target, "realized", MovedBy.REALIZED_GAIN),
    ],
)
def test_what_moves_it_follows_from_the_basis(make: Any, basis: str, moved_by: MovedBy) -> None:
    assert make(basis=basis).measure == Measure(Unit.USD, moved_by)


@pytest.mark.parametrize("make", [loss_limit, profit_target])
def test_a_broken_day_outlives_a_restart(make: Any) -> None:
    sign = -1 if make is loss_limit else 1
    judging = make()
    state, before = judging.evaluate(judging.initial_state(), pnl(realized=sign * 512.4), NOON)

    after_state, after = judging.evaluate(
        restored(judging, state), pnl(realized=sign * 100), NOON + 3600 * S
    )
    _, next_day = judging.evaluate(restored(judging, state), pnl(day=2), NOON + 3600 * S)

    assert after_state == state
    assert isinstance(after, Breached)
    assert (after.cause, after.evidence, after.limit) == (
        before.cause,
        before.evidence,
        before.limit,
    )
    assert isinstance(next_day, Ok)


ROWS = (
    fill(1, 2, 20000, costs=2),
    position(2, 20000),
    fill(2, -2, 19900, profit=-400, costs=2),
    position(0, 20000),
    account_row(49596),
)


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_a_trade_told_in_any_order_counts_once(rows: tuple[Any, ...]) -> None:
    within, broken = RuleDesk(loss_limit(404.01)), RuleDesk(loss_limit(404))
    for desk in (within, broken):
        desk.see(quote(MNQ, bid=19900, ask=19900.25), *rows, *rows, position(0, 20000))

    assert not any(isinstance(verdict, Breached) for verdict in within.verdicts)
    assert isinstance(broken.verdicts[-1], Breached)
    assert broken.verdicts[-1].value == -404
    assert isinstance(broken.at(at(2026, 11, 17, 16, 59, second=59)), Breached)
    assert isinstance(broken.at(at(2026, 11, 17, 17, 0)), Ok)


def test_a_start_in_the_middle_of_a_day_reads_its_fills() -> None:
    desk = RuleDesk(loss_limit(404))
    today = (fill(1, 2, 20000, costs=2), fill(2, -2, 19900, profit=-400, costs=2))

    verdict = desk.see(snapshot(desk.now_ns, fills=today, account=account_row(49596)))

    assert isinstance(verdict, Breached)


def test_the_evidence_tells_amount_limit_time_trades_and_fees() -> None:
    breach = breach_of(loss_limit(1500), pnl(realized="-1234.5", unrealized="-265.5"))
    near = judge(profit_target(warn_at=[0.5]), pnl(realized=300))

    assert breach.evidence.sentence() == (
        "Day P&L -1,500.00 reached the limit of -1,500.00 at 18:00:00 UTC: 3 trades, fees 1.24"
    )
    assert isinstance(near, Warned)
    assert near.evidence.sentence() == "Day P&L 300.00 is near the target of 500.00"


@pytest.mark.parametrize(("trades", "told"), [(0, "0 trades"), (1, "1 trade"), (2, "2 trades")])
def test_trades_are_counted_in_plain_words(trades: int, told: str) -> None:
    day = msgspec.structs.replace(pnl(realized=-1500), trades=trades)

    assert f": {told}, fees" in breach_of(loss_limit(1500), day).evidence.sentence()


def test_the_summaries_are_sentences_with_the_effective_figures() -> None:
    assert loss_limit(1500).summary() == (
        "When the day's equity P&L reaches -$1,500.00, "
        "flatten and lock the account until the daily reset."
    )
    assert profit_target(250.5, basis="realized").summary() == (
        "When the day's realized P&L reaches $250.50, "
        "flatten and lock the account until the daily reset."
    )


# --- a broken day under other settings, and back inside the limit ------------------------------


@pytest.mark.parametrize(
    ("now_usd", "limit_usd", "broken_value"),
    [
        ("-672.74", 500, None),
        ("-500", 500, None),
        ("-499.99", 500, Decimal("-672.74")),
        ("-672.74", 800, Decimal("-672.74")),
        ("-810", 800, None),
        ("-350", 300, None),
    ],
)
def test_a_broken_day_shows_the_present_limit_and_when_it_broke_if_it_is_back_inside(
    now_usd: str, limit_usd: float, broken_value: Decimal | None
) -> None:
    first = loss_limit(500)
    state, _ = first.evaluate(None, pnl(realized="-672.74"), NOON)

    _, verdict = loss_limit(limit_usd).evaluate(state, pnl(realized=now_usd), NOON + 1)

    assert isinstance(verdict, Breached)
    assert (verdict.value, verdict.limit) == (Decimal(now_usd), -limit_usd)
    assert verdict.evidence.figures["limit"] == -500
    assert verdict.evidence.figures["pnl"] == Decimal("-672.74")
    assert verdict.broken_value == broken_value
    assert verdict.broken_ns == (None if broken_value is None else NOON)
    assert verdict.stands_until is LockEnd.DAILY_RESET
