"""Rule 004: balance plus open P&L must stay above a floor that rises with the account."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    MNQ,
    MS,
    NOON,
    account,
    account_row,
    at,
    breach_of,
    closing,
    fill,
    held,
    judge,
    judge_all,
    position,
    quote,
    restored,
    rule,
    snapshot,
    worth,
)
from core.builders import S as SECOND
from core.desk import RuleDesk

from risk_actors.core.headroom.room import used_of
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Warned

COMBINE: dict[str, Any] = {
    "amount_usd": 2000,
    "start_balance_usd": 50000,
    "lock_at_usd": 50000,
}
"""Topstep's 50K Combine: end of day, and the floor stops at the start balance."""
FUNDED: dict[str, Any] = {"amount_usd": 2000, "start_balance_usd": 0, "lock_at_usd": 0}
"""Topstep's 50K funded account counts from zero."""


def drawdown(**settings: Any) -> Any:
    return rule("trailing_drawdown", **settings)


def floor_of(judging: Any, *facts: Any) -> Decimal | None:
    return judge_all(judging, *facts)[-1].limit


@pytest.mark.parametrize(
    ("settings", "facts", "floor"),
    [
        # Static: nothing moves it.
        ({"trail": "static", "lock_at_usd": None}, [worth(50000), worth(56000)], 48000),
        # End of day: by the balance at the day's start and earlier ends, never by today's.
        ({}, [worth(50000)], 48000),
        ({}, [worth(51500, realized=1500)], 48000),
        ({}, [worth(51500, 3000)], 49500),
        ({}, [worth(51500), worth(50900, day=2)], 49500),
        ({}, [worth(49000)], 48000),
        ({}, [worth(52000)], 50000),
        ({}, [worth(55000)], 50000),
        ({}, [worth(50200, closings=(closing(7, 50000), closing(8, 51000)), day=9)], 49000),
        ({"lock_at_usd": 50100}, [worth(52099.99)], "50099.99"),
        ({"lock_at_usd": 50100}, [worth(52100)], 50100),
        ({"lock_at_usd": 50100}, [worth(52100.01)], 50100),
        ({"lock_at_usd": None}, [worth(58000)], 56000),
        # Closed balance: by the highest balance after any fill.
        ({"trail": "closed_balance"}, [worth(50500, high=51200)], 49200),
        ({"trail": "closed_balance"}, [worth(50500, 900, high=50500)], 48500),
        ({"trail": "closed_balance"}, [worth(49500, high=49800)], 48000),
        # Intraday: by the highest equity that was seen.
        ({"trail": "intraday"}, [worth(50000, 800), worth(50000, 100)], 48800),
        ({"trail": "intraday"}, [worth(50000, -300)], 48000),
        ({"trail": "intraday", "lock_at_usd": None}, [worth(50000, 7000)], 55000),
        # An account that counts from zero.
        ({**FUNDED}, [worth(0)], -2000),
        ({**FUNDED}, [worth(600)], -1400),
        ({**FUNDED}, [worth(5000)], 0),
        # Without a start balance the trail begins with what is known.
        ({"start_balance_usd": None, "lock_at_usd": None}, [worth(50400, realized=150)], 48250),
        (
            {"start_balance_usd": None, "lock_at_usd": None, "trail": "intraday"},
            [worth(50400, -50, realized=150)],
            48350,
        ),
        (
            {"start_balance_usd": None, "lock_at_usd": None, "trail": "intraday"},
            [worth(49900, 0, realized=-350), worth(49900, -50, realized=-350)],
            48250,
        ),
        # By hand: the rest is without effect.
        ({"floor_usd": 50000}, [worth(53000), worth(56000, day=2)], 50000),
        ({**FUNDED, "floor_usd": 0}, [worth(300)], 0),
        ({"floor_usd": 47000, "trail": "static", "lock_at_usd": None}, [worth(53000)], 47000),
        # What is kept away from the floor comes on top of it.
        ({"keep_away_usd": 100}, [worth(50000)], 48100),
        ({"keep_away_usd": 100}, [worth(53000)], 50100),
        ({"keep_away_usd": 100, "floor_usd": 47000}, [worth(53000)], 47100),
    ],
)
def test_where_the_floor_lies(settings: dict[str, Any], facts: list[Any], floor: str) -> None:
    assert floor_of(drawdown(**{**COMBINE, **settings}), *facts) == Decimal(floor)


@pytest.mark.parametrize("trail", ["static", "end_of_day", "closed_balance", "intraday"])
@pytest.mark.parametrize(
    ("balance", "unrealized", "kind"),
    [
        ("48000.01", 0, Ok),
        ("48000.005", 0, Ok),
        ("48000.004", 0, Breached),
        ("48000", 0, Breached),
        ("47999.99", 0, Breached),
        ("49500", "-1499.99", Ok),
        ("49500", "-1500", Breached),
        ("47000", "1000.01", Ok),
        ("47000", "1000", Breached),
        ("30000", 0, Breached),
    ],
)
def test_balance_plus_open_p_and_l_on_the_floor_is_a_breach_and_a_cent_above_is_not(
    trail: str, balance: str, unrealized: str, kind: type
) -> None:
    judging = drawdown(amount_usd=2000, start_balance_usd=50000, trail=trail)

    verdict = judge(judging, worth(balance, unrealized, high=50000))

    equity = Decimal(balance) + Decimal(str(unrealized))
    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (equity, 48000)


@pytest.mark.parametrize(
    ("equity", "kind"), [("-1999.99", Ok), ("-2000", Breached), ("-2000.005", Breached)]
)
def test_below_zero_the_cent_counts_as_well(equity: str, kind: type) -> None:
    assert type(judge(drawdown(**FUNDED), worth(0, equity))) is kind


def test_the_room_is_what_is_left_above_what_it_acts_on() -> None:
    verdict = judge(drawdown(**COMBINE, keep_away_usd=250), worth(50000, -500))

    assert isinstance(verdict, Ok)
    assert (verdict.room, verdict.allowance) == (1250, 1750)


def test_a_day_that_ended_high_raises_the_floor_from_the_next_day_on() -> None:
    verdicts = judge_all(
        drawdown(**COMBINE),
        worth(50000, day=1),
        worth(51500, realized=1500, day=1),
        worth(51500, day=2),
        worth(50300, realized=-1200, day=2),
        worth(50300, day=3),
    )

    assert [verdict.limit for verdict in verdicts] == [48000, 48000, 49500, 49500, 49500]


def test_a_payout_does_not_lower_the_floor() -> None:
    end_of_day = drawdown(amount_usd=2000, start_balance_usd=50000)
    closed = drawdown(amount_usd=2000, start_balance_usd=50000, trail="closed_balance")
    intraday = drawdown(amount_usd=2000, start_balance_usd=50000, trail="intraday")

    # 54,000 at the day's start; then 1,500 are paid out, and all is reckoned back from 52,500.
    facts = (
        worth(54000, day=5),
        worth(52500, high=52500, closings=(closing(5, 52500),), day=5),
        worth(52500, high=52500, closings=(closing(5, 52500), closing(6, 52500)), day=6),
    )

    for judging in (end_of_day, closed, intraday):
        assert [verdict.limit for verdict in judge_all(judging, *facts)] == [52000, 52000, 52000]


def test_a_deposit_raises_the_end_of_day_floor_once_a_day_has_ended_with_it() -> None:
    floors = [
        verdict.limit
        for verdict in judge_all(
            drawdown(amount_usd=2000, start_balance_usd=50000),
            worth(50000, day=5),
            worth(51000, day=5),
            worth(51000, closings=(closing(5, 51500),), day=6),
        )
    ]

    # The days before it are in already, as they were: 51,500 is what they look like since.
    assert floors == [48000, 48000, 49000]


@pytest.mark.parametrize("trail", ["end_of_day", "closed_balance"])
def test_a_balance_that_was_wrong_for_a_moment_does_not_stay(trail: str) -> None:
    judging = drawdown(amount_usd=2000, start_balance_usd=50000, trail=trail)
    state = judging.initial_state()

    # A win's rows overtook those of a loss before it: the high never was.
    state, first = judging.evaluate(state, worth(51000), NOON)
    state, corrected = judging.evaluate(state, worth(50200, high=50200), NOON + SECOND - 1)
    state, later = judging.evaluate(state, worth(50200, high=50200), NOON + 9 * SECOND)

    assert [first.limit, corrected.limit, later.limit] == [49000, 48200, 48200]


def test_a_balance_with_rows_still_due_does_not_move_the_floor() -> None:
    due = account(held(0, fills_size=2))

    for trail in ("end_of_day", "closed_balance", "intraday"):
        judging = drawdown(amount_usd=2000, trail=trail)
        state, verdict = judging.evaluate(
            judging.initial_state(), worth(51000, None, account=due), NOON
        )
        assert isinstance(verdict, Unknown)
        assert state.high.usd is None


@pytest.mark.parametrize(
    ("settings", "fact", "limit"),
    [
        ({}, worth(50000, None, unknown="MNQ: the last price is stale"), 48000),
        ({}, worth(None, unknown="MNQ: the last price is stale"), 48000),
        (
            {"start_balance_usd": None},
            worth(None, unknown="MNQ: the last price is stale"),
            None,
        ),
    ],
)
def test_what_is_not_known_is_unknown_and_says_why(
    settings: dict[str, Any], fact: Any, limit: int | None
) -> None:
    verdict = judge(drawdown(**{**COMBINE, **settings}), fact)

    assert isinstance(verdict, Unknown)
    assert verdict.limit == limit
    assert verdict.evidence.sentence() == (
        "Balance plus open P&L is unknown: MNQ: the last price is stale"
    )


def test_a_breach_flattens_and_locks_the_account_until_the_daily_reset() -> None:
    breach = breach_of(drawdown(**COMBINE), worth(48000))

    assert breach.action == Flatten()
    assert breach.locks == (LockTerms(end=LockEnd.DAILY_RESET),)


def test_a_broken_day_stays_broken_and_the_next_one_breaks_anew_while_still_below() -> None:
    verdicts = judge_all(
        drawdown(**COMBINE),
        worth(48200, -200, day=1),
        worth(48200, -200, day=1),
        worth(48600, day=1),
        worth(48600, None, day=1, unknown="no price yet"),
        worth(48600, day=2),
        worth(47900, day=2),
        worth(47900, day=3),
    )

    assert [type(verdict) for verdict in verdicts] == [Breached] * 4 + [Ok] + [Breached] * 2
    broken = [verdict for verdict in verdicts if isinstance(verdict, Breached)]
    assert len({verdict.cause for verdict in broken}) == 3
    assert len({verdict.cause for verdict in broken[:4]}) == 1
    assert all(verdict.evidence == broken[0].evidence for verdict in broken[:4])
    assert [verdict.value for verdict in broken[:4]] == [48000, 48000, 48600, 48000]


@pytest.mark.parametrize(
    ("equity", "fraction"),
    [
        ("49050.01", None),
        ("49050", 0.5),
        ("48575.01", 0.5),
        ("48575", 0.75),
        ("48100.01", 0.75),
        ("55000", None),
    ],
)
def test_a_warning_tells_the_highest_fraction_that_is_used_of_what_may_be_lost(
    equity: str, fraction: float | None
) -> None:
    judging = drawdown(**COMBINE, keep_away_usd=100, warn_at=[0.5, 0.75])

    verdict = judge(judging, worth(50000, Decimal(equity) - 50000))

    if fraction is None:
        assert isinstance(verdict, Ok)
    else:
        assert isinstance(verdict, Warned)
        assert verdict.fraction == fraction
        assert verdict.room == Decimal(equity) - 48100


@pytest.mark.parametrize(
    ("settings", "fact", "sentence"),
    [
        (
            {},
            worth(51000, -2010),
            (
                "Balance plus open P&L 48,990.00 reached the floor of 49,000.00 at 18:00:00 UTC:"
                " the highest end-of-day balance of 51,000.00 less 2,000.00"
            ),
        ),
        (
            {},
            worth(48000),
            (
                "Balance plus open P&L 48,000.00 reached the floor of 48,000.00 at 18:00:00 UTC:"
                " the start balance of 50,000.00 less 2,000.00"
            ),
        ),
        (
            {"keep_away_usd": 100},
            worth(53000, "-2950.5"),
            (
                "Balance plus open P&L 50,049.50 came within 100.00 of the floor of 50,000.00"
                " at 18:00:00 UTC: it stopped rising there,"
                " the highest end-of-day balance is 53,000.00"
            ),
        ),
        (
            {"floor_usd": 47000},
            worth(46000),
            (
                "Balance plus open P&L 46,000.00 reached the floor of 47,000.00 at 18:00:00 UTC:"
                " it was set by hand"
            ),
        ),
    ],
)
def test_the_evidence_tells_equity_floor_time_and_how_the_floor_was_reckoned(
    settings: dict[str, Any], fact: Any, sentence: str
) -> None:
    breach = breach_of(drawdown(**{**COMBINE, **settings}), fact)

    assert breach.evidence.sentence() == sentence


@pytest.mark.parametrize("settings", [{}, {"keep_away_usd": 100}, {"keep_away_usd": 1500}])
def test_a_warning_comes_when_the_bar_of_what_is_used_is_there(settings: dict[str, Any]) -> None:
    judging = drawdown(**COMBINE, **settings, warn_at=[0.5])
    half_usd = (2000 - Decimal(settings.get("keep_away_usd", 0))) / 2

    before, reached = (
        judge(judging, worth(50000, cents - half_usd)) for cents in (Decimal("0.01"), Decimal(0))
    )

    assert isinstance(before, Ok)
    assert isinstance(reached, Warned)
    assert used_of(reached) == 0.5


def test_a_warning_says_what_is_left() -> None:
    verdict = judge(drawdown(**COMBINE, warn_at=[0.5]), worth(50000, -1250))

    assert isinstance(verdict, Warned)
    assert verdict.evidence.sentence() == (
        "Balance plus open P&L 48,750.00 is 750.00 above the floor of 48,000.00:"
        " the start balance of 50,000.00 less 2,000.00"
    )


@pytest.mark.parametrize("trail", ["static", "end_of_day", "closed_balance", "intraday"])
def test_what_it_remembers_outlives_a_restart(trail: str) -> None:
    judging = drawdown(amount_usd=2000, start_balance_usd=50000, trail=trail)
    through, stored = judging.initial_state(), judging.initial_state()
    facts = (
        worth(51000, 700, day=1),
        worth(50100, -200, realized=-900, high=51000, day=1),
        worth(50100, day=2),
        worth(48000, -500, realized=-2100, day=2),
        worth(48000, None, realized=-2100, day=2),
        worth(49500, day=3),
    )

    for number, fact in enumerate(facts):
        now_ns = NOON + number * SECOND
        through, expected = judging.evaluate(through, fact, now_ns)
        stored, verdict = judging.evaluate(restored(judging, stored), fact, now_ns)
        assert (stored, verdict) == (through, expected)
    assert restored(judging, stored) == stored


def test_the_same_fact_again_changes_nothing() -> None:
    for trail in ("static", "end_of_day", "closed_balance", "intraday"):
        judging = drawdown(amount_usd=2000, trail=trail, start_balance_usd=50000)
        state, fact = judging.initial_state(), worth(51000, -100, high=51200)
        states, verdicts = [], []
        for number in range(5):
            state, verdict = judging.evaluate(state, fact, NOON + number * SECOND)
            states.append(state)
            verdicts.append(verdict)

        assert all(verdict == verdicts[0] for verdict in verdicts)
        # A figure that stands is taken for good after a second, then there is nothing to store.
        assert states[1] == states[2] == states[4]


def test_another_trail_in_the_settings_begins_with_a_high_of_its_own() -> None:
    intraday = drawdown(amount_usd=2000, start_balance_usd=50000, trail="intraday")
    end_of_day = drawdown(amount_usd=2000, start_balance_usd=50000)
    state, _ = intraday.evaluate(intraday.initial_state(), worth(50000, 1900), NOON)

    _, verdict = end_of_day.evaluate(restored(end_of_day, state), worth(50000), NOON)

    assert verdict.limit == 48000


def test_two_accounts_have_floors_of_their_own() -> None:
    judging = drawdown(amount_usd=2000)
    one, other = judging.initial_state(), judging.initial_state()

    one, first = judging.evaluate(one, worth(50000), NOON)
    other, second = judging.evaluate(other, worth(150000, -2000), NOON)
    one, third = judging.evaluate(one, worth(50000, -1999), NOON + SECOND)

    assert [type(each) for each in (first, second, third)] == [Ok, Breached, Ok]
    assert (first.limit, second.limit, third.limit) == (48000, 148000, 48000)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "missing required field `amount_usd`"),
        ({"amount_usd": 0}, ">= 0.01"),
        ({"amount_usd": 2000, "trail": "eod"}, "Invalid enum value 'eod'"),
        ({"amount_usd": 2000, "keep_away_usd": -1}, ">= 0.0"),
        ({"amount_usd": 2000, "keep_away_usd": 0.001}, "must be 0, or a cent"),
        ({"amount_usd": 2000, "keep_away_usd": 2000}, "must be less than `amount_usd`"),
        ({"amount_usd": 2000, "trail": "static"}, "give `start_balance_usd`"),
        (
            {
                "amount_usd": 2000,
                "trail": "static",
                "start_balance_usd": 50000,
                "lock_at_usd": 50000,
            },
            "leave `lock_at_usd` out",
        ),
        (
            {"amount_usd": 2000, "start_balance_usd": 50000, "lock_at_usd": 47999.99},
            "must not be less than 48000.00",
        ),
        ({"amount_usd": 2000, "floor_usd": float("nan")}, "floor_usd"),
    ],
)
def test_impossible_settings_are_refused_in_clear_words(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        drawdown(**settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            COMBINE,
            (
                "When balance plus open P&L falls to the floor, the highest end-of-day balance"
                " (at least $50,000.00) less $2,000.00, at most $50,000.00,"
                " flatten and lock the account until the daily reset."
            ),
        ),
        (
            {"amount_usd": 2500, "trail": "intraday", "keep_away_usd": 50},
            (
                "When balance plus open P&L comes within $50.00 of the floor, the highest equity"
                " less $2,500.00, flatten and lock the account until the daily reset."
            ),
        ),
        (
            {"amount_usd": 2500, "trail": "static", "start_balance_usd": 50000},
            (
                "When balance plus open P&L falls to the floor, the start balance of $50,000.00"
                " less $2,500.00, flatten and lock the account until the daily reset."
            ),
        ),
        (
            {"amount_usd": 2000, "floor_usd": 0},
            (
                "When balance plus open P&L falls to the floor of $0.00 set by hand,"
                " flatten and lock the account until the daily reset."
            ),
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    assert drawdown(**settings).summary() == sentence


# --- on the broker's facts ------------------------------------------------------------------

OPEN, CLOSE = fill(1, 2, 20000, costs=2), fill(2, -2, 20250, profit=1000, costs=2)
ROWS = (OPEN, position(2, 20000), CLOSE, position(0, 20000), account_row(50996))


@pytest.mark.parametrize("trail", ["end_of_day", "closed_balance", "intraday"])
@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_a_trade_told_in_any_order_ends_with_the_same_floor(
    trail: str, rows: tuple[Any, ...]
) -> None:
    desk = RuleDesk(drawdown(amount_usd=2000, trail=trail))
    desk.see(quote(MNQ, bid=20000, ask=20000.25), *rows)

    today = desk.see(account_row(50996), position(0, 20000))
    next_day = desk.at(at(2026, 11, 17, 17, 0) + 3 * SECOND)

    assert desk.verdicts[0].limit == 48000
    assert not any(isinstance(verdict, Breached) for verdict in desk.verdicts)
    assert today.value == next_day.value == 50996
    # Open P&L never peaked here: the position was marked where it was opened.
    assert today.limit == (48000 if trail == "end_of_day" else 48996)
    assert next_day.limit == 48996


def test_a_start_in_the_middle_of_the_week_reckons_its_days_back() -> None:
    monday = fill(1, -1, 20000, profit=1400, at_ns=at(2026, 11, 16, 10))
    tuesday = fill(2, -1, 20000, profit=-900, at_ns=NOON - 3600 * SECOND)
    desk = RuleDesk(drawdown(amount_usd=2000, start_balance_usd=50000))

    verdict = desk.see(
        snapshot(desk.now_ns + MS, fills=(monday, tuesday), account=account_row(50500))
    )

    # Monday ended with 51,400: today's loss does not lower the floor.
    assert isinstance(verdict, Ok)
    assert (verdict.value, verdict.limit) == (50500, 49400)


def test_a_fill_of_the_evening_that_is_told_after_the_reset_is_in_the_end_of_day() -> None:
    reset_ns = at(2026, 11, 17, 17, 0)
    desk = RuleDesk(drawdown(amount_usd=2000, start_balance_usd=50000))
    opened = fill(1, 1, 20000, at_ns=reset_ns - 60 * SECOND)
    desk.see(quote(MNQ, bid=20000, ask=20000.25), opened, position(1, 20000))

    desk.at(reset_ns + 10 * MS)
    desk.see(position(0, 20000))
    desk.see(fill(2, -1, 20500, profit=1000, at_ns=reset_ns - MS))
    verdict = desk.at(reset_ns + 5 * SECOND)

    assert (verdict.value, verdict.limit) == (51000, 49000)


def test_a_payout_read_from_the_broker_leaves_the_floor_where_it_is() -> None:
    desk = RuleDesk(drawdown(amount_usd=2000, start_balance_usd=50000), balance=54000)
    desk.at(NOON + 60 * SECOND)

    after = desk.see(snapshot(desk.now_ns, account=account_row(52500)))

    assert isinstance(after, Ok)
    assert (after.value, after.limit) == (52500, 52000)
    assert isinstance(desk.see(snapshot(desk.now_ns + MS, account=account_row(52000))), Breached)


def test_a_broken_day_shows_the_present_floor_and_when_it_broke_if_it_is_back_above() -> None:
    asked = drawdown(**COMBINE)
    loosened = drawdown(**COMBINE | {"amount_usd": 2500})
    broken, _ = asked.evaluate(asked.initial_state(), worth(47900), NOON)

    def told(rule_in_force: Any, equity: Any) -> tuple[Any, ...]:
        _, verdict = rule_in_force.evaluate(broken, worth(equity), NOON + 1)
        assert verdict.stands_until is LockEnd.DAILY_RESET
        return verdict.limit, verdict.broken_value, verdict.broken_ns

    assert told(asked, 47900) == (48000, None, None)
    assert told(asked, 48000) == (48000, None, None)
    assert told(asked, "48000.01") == (48000, 47900, NOON)
    assert told(loosened, 47900) == (47500, 47900, NOON)


def test_accounts_in_turn_have_floors_of_their_own() -> None:
    judging = drawdown(**{**COMBINE, "trail": "intraday"})
    states = {1: judging.initial_state(), 2: judging.initial_state()}
    found = []

    for account_id, equity in ((1, 50000), (2, 51000), (1, 50500), (2, 50900), (1, 50400)):
        fact = msgspec.structs.replace(worth(equity), account_id=account_id)
        states[account_id], verdict = judging.evaluate(states[account_id], fact, NOON)
        found.append(verdict.limit)

    assert found == [48000, 49000, 48500, 49000, 48500]
