"""Each piece of advice: the settings that deserve it, and near ones that do not."""

import inspect
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from app.advice_builders import (
    A_TUESDAY,
    preset_from,
    rule_of_type,
    rules_from,
    said,
    situation_of,
)

from risk_actors.app import settings_advice as general
from risk_actors.app import settings_advice_limits as limits
from risk_actors.app import settings_advice_locks as locks
from risk_actors.app import settings_advice_preset as presets
from risk_actors.app.settings import SessionSettings, TradingMode
from risk_actors.app.settings_advice_words import (
    Advice,
    Situation,
    covers,
    dollars,
    listed,
    overlap,
    time_span,
)
from risk_actors.core import cme_holidays
from risk_actors.core.news import NewsEvent
from risk_actors.core.rules import catalogue

type Adviser = Callable[[Situation], Iterable[Advice]]

LOSS = rule_of_type("daily_loss_limit", id="loss", limit_usd=500)
ALWAYS = '[{ days = ["Mon-Sun"], start = "00:00", end = "00:00" }]'
DAY = '[{ days = ["Mon-Fri"], start = "08:30", end = "15:10" }]'
OVERNIGHT = '[{ days = ["Sun-Thu"], start = "17:00", end = "15:10" }]'
OVERNIGHT_IN_NEW_YORK = (
    '[{ days = ["Sun-Thu"], start = "18:00", end = "16:10", zone = "America/New_York" }]'
)
OVERNIGHT_IN_UTC = '[{ days = ["Sun-Thu"], start = "22:00", end = "20:10", zone = "Etc/UTC" }]'
STEPS = "[{ max_contracts = 2 }, { above_usd = 1500, max_contracts = 5 }]"


def rules(*tables: str) -> str:
    return "\n".join(tables)


def days(**more: Any) -> str:
    return rule_of_type("daily_loss_limit", id="day", **({"limit_usd": 500} | more))


CASES: list[tuple[str, Adviser, str, dict[str, Any], list[str]]] = [
    ("all off", general.rules_that_do_nothing, days(mode="off"), {}, ["no rule is on"]),
    (
        "one off, one in shadow",
        general.rules_that_do_nothing,
        rules(LOSS, days(mode="off"), rule_of_type("max_contracts", limit=3, mode="shadow")),
        {},
        ["is off, so nothing", "is in shadow: it decides and records, and nothing is sent"],
    ),
    ("all on", general.rules_that_do_nothing, LOSS, {}, []),
    (
        "a rule for an account that is not guarded",
        general.rules_for_other_accounts,
        days(accounts='["150K*"]'),
        {"account_name": "50KTC-1"},
        ["selects no account: the only one guarded is 50KTC-1"],
    ),
    (
        "a rule for the account that is guarded",
        general.rules_for_other_accounts,
        days(accounts='["50k*"]'),
        {"account_name": "50KTC-1"},
        [],
    ),
    (
        "a window on a Saturday",
        general.windows_that_never_open,
        rule_of_type(
            "trading_hours",
            windows='[{ days = ["Sat"], start = "09:00", end = "12:00" },'
            ' { days = ["Mon"], start = "09:00", end = "12:00" }]',
        ),
        {},
        ["the window Sat 09:00-12:00 never opens"],
    ),
    (
        "a window for crypto on a Saturday",
        general.windows_that_never_open,
        rule_of_type(
            "trading_hours",
            windows='[{ days = ["Sat"], start = "09:00", end = "12:00", symbols = ["MBT"] }]',
        ),
        {},
        [],
    ),
    (
        "a window in the daily pause",
        general.windows_that_never_open,
        rule_of_type(
            "trading_hours", windows='[{ days = ["Mon"], start = "16:05", end = "16:50" }]'
        ),
        {},
        ["never opens"],
    ),
    (
        "windows without an end",
        general.windows_that_never_open,
        rule_of_type("trading_hours", windows=ALWAYS),
        {},
        ["its windows never end, so it cannot act, except on holidays"],
    ),
    (
        "windows of the day",
        general.windows_that_never_open,
        rule_of_type("trading_hours", windows=DAY),
        {},
        [],
    ),
    (
        "no news ahead",
        general.news_that_is_missing,
        rule_of_type("news_blackout", before_s=60, after_s=60),
        {"news": (NewsEvent(at_ns=1, name="past"),)},
        ["no news lies ahead"],
    ),
    (
        "news without a rule",
        general.news_that_is_missing,
        LOSS,
        {"news": (NewsEvent(at_ns=2_000_000_000_000_000_000, name="CPI"),)},
        ["news.toml has no effect without a rule of type news_blackout"],
    ),
    (
        "news with its rule",
        general.news_that_is_missing,
        rule_of_type("news_blackout", before_s=60, after_s=60),
        {"news": (NewsEvent(at_ns=2_000_000_000_000_000_000, name="CPI"),)},
        [],
    ),
    (
        "what was left out of a calendar",
        general.news_that_is_missing,
        LOSS,
        {"news_notes": ("a.ics: 2 events without a time are left out",)},
        ["a.ics: 2 events"],
    ),
    (
        "the last year of the table of holidays",
        general.holidays_that_run_out,
        LOSS,
        {"now": datetime(cme_holidays.LAST_YEAR, 1, 2, tzinfo=UTC)},
        [f"ends with {cme_holidays.LAST_YEAR}"],
    ),
    (
        "the year before",
        general.holidays_that_run_out,
        LOSS,
        {"now": datetime(cme_holidays.LAST_YEAR, 1, 1, 5, tzinfo=UTC)},
        [],
    ),
    ("live", general.what_live_means, LOSS, {"mode": TradingMode.LIVE}, ["simulated accounts"]),
    ("paper", general.what_live_means, LOSS, {}, []),
    (
        "a daily loss limit",
        general.platform_locks_to_set,
        LOSS,
        {},
        ["set the platform's own daily loss limit to $500.00 or a little more"],
    ),
    (
        "a drawdown alone",
        general.platform_locks_to_set,
        rule_of_type("trailing_drawdown", amount_usd=2000, mode="enforce"),
        {},
        ["set a daily loss limit with lockout on the platform's settings page too"],
    ),
    ("a shadow needs no backing", general.platform_locks_to_set, days(mode="shadow"), {}, []),
    (
        "nothing limits loss",
        limits.nothing_limits_loss,
        rule_of_type("max_contracts", limit=1),
        {},
        ["no rule limits what a day may lose; see daily_loss_limit, trailing_drawdown and"],
    ),
    ("something limits loss", limits.nothing_limits_loss, LOSS, {}, []),
    (
        "a second, looser limit",
        limits.rules_given_twice,
        rules(LOSS, days(limit_usd=600)),
        {},
        ["can never act first: loss stops the same accounts at $500.00 already"],
    ),
    (
        "the same limit twice",
        limits.rules_given_twice,
        rules(LOSS, days()),
        {},
        ["can never act first"],
    ),
    (
        "a second limit for fewer accounts, stricter",
        limits.rules_given_twice,
        rules(LOSS, days(limit_usd=300, accounts='["50K*"]')),
        {},
        [],
    ),
    (
        "a second limit for fewer accounts, looser",
        limits.rules_given_twice,
        rules(LOSS, days(limit_usd=700, accounts='["50K*"]')),
        {},
        ["can never act first"],
    ),
    (
        "limits on another basis",
        limits.rules_given_twice,
        rules(LOSS, days(limit_usd=600, basis="realized")),
        {},
        [],
    ),
    (
        "a looser limit with a longer lock",
        limits.rules_given_twice,
        rules(LOSS, days(limit_usd=600, lock='{ until = "weekly_reset" }')),
        {},
        [],
    ),
    (
        "a looser limit behind one in shadow",
        limits.rules_given_twice,
        rules(days(mode="shadow", limit_usd=300), LOSS),
        {},
        [],
    ),
    (
        "two blackouts",
        limits.rules_given_twice,
        rules(
            rule_of_type("news_blackout", id="a", before_s=1, after_s=1),
            rule_of_type("news_blackout", id="b", before_s=9, after_s=1),
        ),
        {},
        ["guards the same accounts as a, which is of type news_blackout too"],
    ),
    (
        "two for accounts of their own",
        limits.rules_given_twice,
        rules(
            rule_of_type("news_blackout", id="a", before_s=1, after_s=1, accounts='["A*"]'),
            rule_of_type("news_blackout", id="b", before_s=9, after_s=1, accounts='["B*"]'),
        ),
        {},
        [],
    ),
    (
        "symbols above the whole",
        limits.instrument_limits_out_of_reach,
        rules(
            rule_of_type("max_contracts", limit=3, micro_ratio=10),
            rule_of_type(
                "max_contracts_per_instrument", limits="{ ES = 5, NQ = 3, MES = 30, MNQ = 31 }"
            ),
            rule_of_type("max_order_size", limit=31),
        ),
        {},
        [
            "ES 5 and MNQ 31 cannot be reached: max_contracts allows 3 contracts",
            "limit 31 cannot be reached",
        ],
    ),
    (
        "symbols within the whole",
        limits.instrument_limits_out_of_reach,
        rules(
            rule_of_type("max_contracts", limit=3),
            rule_of_type("max_contracts_per_instrument", limits="{ ES = 3 }", default=3),
        ),
        {},
        [],
    ),
    (
        "a step above the whole",
        limits.steps_out_of_reach,
        rules(rule_of_type("max_contracts", limit=4), rule_of_type("scaling_plan", steps=STEPS)),
        {},
        ["its step of 5 contracts cannot be reached: max_contracts allows 4 contracts"],
    ),
    (
        "steps up to the whole",
        limits.steps_out_of_reach,
        rules(rule_of_type("max_contracts", limit=5), rule_of_type("scaling_plan", steps=STEPS)),
        {},
        [],
    ),
    (
        "a day that may lose the account",
        limits.daily_limits_behind_others,
        rules(
            days(limit_usd=1900),
            rule_of_type("trailing_drawdown", amount_usd=2000, keep_away_usd=100),
        ),
        {},
        ["its $1,900.00 are not less than the $1,900.00 that trailing_drawdown leaves"],
    ),
    (
        "a day that leaves a cent",
        limits.daily_limits_behind_others,
        rules(
            days(limit_usd=1899.99),
            rule_of_type("trailing_drawdown", amount_usd=2000, keep_away_usd=100),
        ),
        {},
        [],
    ),
    (
        "a floor by hand says nothing of a day",
        limits.daily_limits_behind_others,
        rules(
            days(limit_usd=9000), rule_of_type("trailing_drawdown", amount_usd=2000, floor_usd=0)
        ),
        {},
        [],
    ),
    (
        "a day as large as the week",
        limits.daily_limits_behind_others,
        rules(days(), rule_of_type("weekly_loss_limit", limit_usd=500)),
        {},
        ["its $500.00 are not less than the week's $500.00 (weekly_loss_limit)"],
    ),
    (
        "a position as large as the day",
        limits.position_limits_behind_the_day,
        rules(days(), rule_of_type("max_unrealized_loss", limit_usd=500)),
        {},
        ["its $500.00 for one position are not less than the day's $500.00 (day)"],
    ),
    (
        "a day that counts closed trades alone",
        limits.position_limits_behind_the_day,
        rules(days(basis="realized"), rule_of_type("max_unrealized_loss", limit_usd=500)),
        {},
        [],
    ),
    (
        "a giveback above the target",
        limits.giveback_that_never_arms,
        rules(
            rule_of_type("daily_profit_target", target_usd=800),
            rule_of_type("profit_giveback", arm_at_usd=800, giveback_pct=40),
        ),
        {},
        ["can never act: it is armed at $800.00, and daily_profit_target ends the day at $800.00"],
    ),
    (
        "a giveback below the target",
        limits.giveback_that_never_arms,
        rules(
            rule_of_type("daily_profit_target", target_usd=800),
            rule_of_type("profit_giveback", arm_at_usd=799, giveback_pct=40),
        ),
        {},
        [],
    ),
    (
        "a giveback of more than arms it",
        limits.giveback_into_a_loss,
        rule_of_type("profit_giveback", arm_at_usd=500, giveback_usd=600),
        {},
        ["lets a day that was up by $500.00 end at a loss of $100.00: it may give back $600.00"],
    ),
    (
        "a giveback of all and no more",
        limits.giveback_into_a_loss,
        rules(
            rule_of_type("profit_giveback", id="a", arm_at_usd=500, giveback_usd=500),
            rule_of_type("profit_giveback", id="b", arm_at_usd=500, giveback_pct=100),
        ),
        {},
        [],
    ),
    (
        "a bigger loss that pauses for less",
        limits.pauses_that_grow_shorter,
        rule_of_type(
            "trade_cooldown",
            tiers="[{ loss_usd = 400, seconds = 60 }, { loss_usd = 200, seconds = 900 }]",
        ),
        {},
        ["a loss of $400.00 pauses for 1 minute, one of $200.00 for 15 minutes"],
    ),
    (
        "a loss that pauses for less than any trade",
        limits.pauses_that_grow_shorter,
        rule_of_type("trade_cooldown", seconds=120, tiers="[{ loss_usd = 400, seconds = 60 }]"),
        {},
        ["a loss of $400.00 pauses for 1 minute, other trades for 2 minutes"],
    ),
    (
        "pauses that grow",
        limits.pauses_that_grow_shorter,
        rule_of_type(
            "trade_cooldown",
            seconds=60,
            tiers="[{ loss_usd = 400, seconds = 900 }, { loss_usd = 200, seconds = 60 }]",
        ),
        {},
        [],
    ),
    (
        "a short time that allows as much as a long one",
        limits.slower_counts_out_of_reach,
        rule_of_type("max_trades", per_day=5, per_hour=5, per_minute=1),
        {},
        ["its 5 an hour can never be exceeded: 5 a day come first"],
    ),
    (
        "shorter times that allow less",
        limits.slower_counts_out_of_reach,
        rule_of_type("max_trades", per_day=5, per_minute=4),
        {},
        [],
    ),
    (
        "allowed and blocked",
        limits.symbols_allowed_and_blocked,
        rules(
            rule_of_type("symbol_block", id="only", allowed='["ES", "nq"]'),
            rule_of_type("symbol_block", id="not", blocked='["NQ", "CL"]'),
        ),
        {},
        ["allows NQ, which not blocks: it stays blocked"],
    ),
    (
        "nothing allowed in common",
        limits.symbols_allowed_and_blocked,
        rules(
            rule_of_type("symbol_block", id="a", allowed='["ES"]'),
            rule_of_type("symbol_block", id="b", allowed='["NQ"]'),
        ),
        {},
        ["allows no symbol that b allows: nothing can be traded"],
    ),
    (
        "a limit for a blocked symbol",
        limits.limits_for_blocked_symbols,
        rules(
            rule_of_type("symbol_block", allowed='["ES"]'),
            rule_of_type("max_contracts_per_instrument", limits="{ ES = 2, CL = 1, NG = 0 }"),
        ),
        {},
        ["has a limit for CL, which symbol_block forbids"],
    ),
    (
        "warnings of a rule without a limit",
        limits.warnings_without_effect,
        rule_of_type("symbol_block", blocked='["ES"]', warn_at="[0.5]"),
        {},
        ["`warn_at` has no effect"],
    ),
    (
        "two warnings at the same count",
        limits.warnings_without_effect,
        rule_of_type("max_contracts", limit=3, warn_at="[0.4, 0.6]"),
        {},
        ["two of its `warn_at` come at the same count of a limit of 3"],
    ),
    (
        "the same warning twice, in any order",
        limits.warnings_without_effect,
        rule_of_type("max_contracts", limit=3, warn_at="[0.6, 0.3, 0.6]"),
        {},
        [],
    ),
    (
        "warnings that tell something",
        limits.warnings_without_effect,
        rules(
            rule_of_type("max_contracts", limit=3, warn_at="[0.3, 0.6]"),
            days(warn_at="[0.5, 0.8]"),
        ),
        {},
        [],
    ),
    (
        "a day's lock for minutes",
        locks.locks_that_end_early,
        days(lock="{ for_s = 900 }"),
        {},
        ["lets trading begin again after 15 minutes, though the day stays broken"],
    ),
    (
        "a day's lock for the week",
        locks.locks_that_end_early,
        days(lock='{ until = "weekly_reset" }'),
        {},
        [],
    ),
    (
        "a week's lock for the day",
        locks.locks_that_end_early,
        rule_of_type("weekly_loss_limit", limit_usd=900, lock='{ until = "daily_reset" }'),
        {},
        ["lets trading begin again at the daily reset, though the week stays broken"],
    ),
    (
        "a lock that does not wait for the broker",
        locks.locks_that_end_early,
        rule_of_type("account_guard", lock="{ for_s = 60 }"),
        {},
        ["its lock ends after 1 minute, and no longer when what it watches is well again"],
    ),
    (
        "hours that lock for a time",
        locks.locks_that_end_early,
        rule_of_type("trading_hours", windows=DAY, lock='{ until = "daily_reset" }'),
        {},
        ["its lock ends at the daily reset, and no longer at the next opening"],
    ),
    (
        "a lock that keeps",
        locks.locks_that_keep_what_broke_them,
        days(lock='{ existing = "keep" }'),
        {},
        ['`existing = "keep"` leaves the positions open that broke the rule'],
    ),
    (
        "a lock of what only moves stops",
        locks.keys_of_a_rule_that_never_breaks,
        rule_of_type("trade_management", breakeven_after_ticks=9, lock="{ for_s = 9 }"),
        {},
        ["`lock` has no effect"],
    ),
    (
        "two lengths of one lock",
        locks.locks_given_twice,
        rule_of_type("rapid_fire", max_entries=3, window_s=60, lock_s=900, lock="{ for_s = 90 }"),
        {},
        ["`lock_s` has no effect: by `lock` its lock ends after 90 seconds"],
    ),
    (
        "old figures",
        general.presets_that_are_old,
        "",
        {"preset": preset_from(LOSS), "now": datetime(2027, 3, 1, tzinfo=UTC)},
        ["are as of 2026-09-30; compare them with its page"],
    ),
    ("fresh figures", general.presets_that_are_old, "", {"preset": preset_from(LOSS)}, []),
    (
        "another trading day than the firm's",
        presets.sessions_unlike_the_firms,
        "",
        {
            "preset": preset_from(LOSS, daily_reset="0 17 * * *"),
            "session": SessionSettings(daily_reset="0 16 * * *"),
        },
        ['[session] daily_reset = "0 16 * * *" is not A Firm\'s "0 17 * * *"'],
    ),
    (
        "the firm's trading day by another zone's clock",
        presets.sessions_unlike_the_firms,
        "",
        {
            "preset": preset_from(
                LOSS,
                timezone="America/New_York",
                daily_reset="0 18 * * *",
                weekly_reset="0 18 * * SUN",
            ),
            "session": SessionSettings(),
        },
        [],
    ),
    (
        "a zone whose clocks do not change",
        presets.sessions_unlike_the_firms,
        "",
        {
            "preset": preset_from(LOSS, timezone="America/Chicago", daily_reset="0 17 * * *"),
            "session": SessionSettings(timezone="Etc/UTC", daily_reset="0 22 * * *"),
        },
        ['[session] daily_reset = "0 22 * * *" in Etc/UTC is not A Firm\'s "0 17 * * *" in'],
    ),
    (
        "the firm's hour by another zone's clock",
        presets.sessions_unlike_the_firms,
        "",
        {
            "preset": preset_from(LOSS, timezone="America/Chicago"),
            "session": SessionSettings(timezone="America/New_York"),
        },
        ['[session] daily_reset = "0 17 * * *" in America/New_York is not'],
    ),
]


@pytest.mark.parametrize(
    ("adviser", "text", "more", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_advice(adviser: Adviser, text: str, more: dict[str, Any], expected: list[str]) -> None:
    found = said(adviser(situation_of(text, **more)))

    assert len(found) == len(expected), found
    for (_, sentence), words in zip(found, expected, strict=True):
        assert words in sentence


FIRMS = rules(
    rule_of_type(
        "trailing_drawdown",
        id="dd",
        amount_usd=2000,
        start_balance_usd=50000,
        lock_at_usd=50000,
        keep_away_usd=100,
    ),
    rule_of_type("max_contracts", id="size", limit=5, micro_ratio=10),
    rule_of_type("trading_hours", id="hours", windows=OVERNIGHT, flatten_before_close_s=120),
    rule_of_type("scaling_plan", id="plan", steps=STEPS),
    rule_of_type("max_contracts_per_instrument", id="each", limits="{ ES = 2 }", default=3),
    rule_of_type("daily_loss_limit", id="day", limit_usd=1000),
)


def drawdown(**keys: Any) -> str:
    own = {"amount_usd": 2000, "start_balance_usd": 50000, "lock_at_usd": 50000} | keys
    return rule_of_type("trailing_drawdown", id="dd", **own)


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        (drawdown(amount_usd=2500), "amount_usd $2,500.00, not $2,000.00"),
        (drawdown(amount_usd=1500), None),
        (drawdown(), None),
        (drawdown(trail="intraday"), None),
        (
            rule_of_type(
                "trailing_drawdown",
                id="dd",
                amount_usd=2000,
                start_balance_usd=50000,
                trail="static",
            ),
            'trail "static", not "end_of_day"',
        ),
        (drawdown(start_balance_usd=49000), "it starts at $49,000.00, not at $50,000.00"),
        (drawdown(lock_at_usd=49500), "its floor stops at $49,500.00, the firm's at $50,000.00"),
        (drawdown(lock_at_usd=50100), None),
        (rule_of_type("trailing_drawdown", id="dd", amount_usd=9000, floor_usd=0), None),
        (rule_of_type("max_contracts", id="size", limit=6, micro_ratio=10), "limit 6, not 5"),
        (rule_of_type("max_contracts", id="size", limit=5), None),
        (
            rule_of_type("max_contracts", id="size", limit=5, micro_ratio=20),
            "20 micros count as one contract, not 10",
        ),
        (
            rule_of_type("max_contracts", id="size", limit=5, micro_ratio=10, count="net"),
            'count "net", not "gross"',
        ),
        (rule_of_type("trading_hours", id="hours", windows=DAY, flatten_before_close_s=120), None),
        (
            rule_of_type("trading_hours", id="hours", windows=DAY, flatten_before_close_s=60),
            "its hours are longer, by up to 1 minute",
        ),
        (
            rule_of_type("trading_hours", id="hours", windows=ALWAYS),
            "its hours are longer, by up to",
        ),
        (
            rule_of_type(
                "trading_hours",
                id="hours",
                windows=OVERNIGHT_IN_NEW_YORK,
                flatten_before_close_s=120,
            ),
            None,
        ),
        (
            # Right in summer, an hour long in winter.
            rule_of_type(
                "trading_hours", id="hours", windows=OVERNIGHT_IN_UTC, flatten_before_close_s=120
            ),
            "its hours are longer, by up to 1 hour",
        ),
        (
            rule_of_type(
                "trading_hours",
                id="hours",
                windows=OVERNIGHT,
                flatten_before_close_s=120,
                holidays=False,
            ),
            "it ignores holidays and early closes",
        ),
        (
            rule_of_type(
                "scaling_plan",
                id="plan",
                steps="[{ max_contracts = 2 }, { above_usd = 1000, max_contracts = 3 }]",
            ),
            "3 contracts above $1,000.00, not 2",
        ),
        (
            rule_of_type("scaling_plan", id="plan", steps="[{ max_contracts = 3 }]"),
            "3 contracts from the start, not 2",
        ),
        (rule_of_type("scaling_plan", id="plan", steps="[{ max_contracts = 2 }]"), None),
        (rule_of_type("max_contracts_per_instrument", id="each", default=3), "ES 3, not 2"),
        (
            rule_of_type("daily_loss_limit", id="day", limit_usd=1200.5, basis="realized"),
            'limit_usd $1,200.50, not $1,000.00 and basis "realized", not "equity"',
        ),
        (
            rule_of_type("daily_loss_limit", id="day", limit_usd=900, accounts='["50K*"]'),
            "it guards only 50K*",
        ),
    ],
)
def test_an_own_rule_that_is_looser_than_the_firms(text: str, ways: str | None) -> None:
    situation = situation_of(text, preset=preset_from(FIRMS))

    found = said(presets.rules_looser_than_the_firm(situation))

    if ways is None:
        assert found == []
    else:
        ((rule, sentence),) = found
        assert rule == rules_from(text)[0].id
        assert sentence.startswith("is looser than A Firm's own rule: ")
        assert ways in sentence


def test_a_rule_of_another_type_leaves_the_presets_unwatched() -> None:
    own = rule_of_type("max_contracts", id="dd", limit=1)
    found = said(presets.rules_looser_than_the_firm(situation_of(own, preset=preset_from(FIRMS))))
    assert found == [
        ("dd", "takes the place of the preset's trailing_drawdown, which nothing watches now")
    ]


def test_warnings_come_before_what_is_good_to_know() -> None:
    found = general.advise(situation_of(rules(LOSS, days(mode="off")), mode=TradingMode.LIVE))
    weights = [advice.is_warning for advice in found]
    assert weights == sorted(weights, reverse=True)
    assert set(weights) == {True, False}


def test_sound_settings_get_no_warning() -> None:
    text = rules(LOSS, rule_of_type("max_contracts", limit=5, micro_ratio=10))
    assert [each for each in general.advise(situation_of(text)) if each.is_warning] == []


@pytest.mark.parametrize(
    ("wide", "narrow", "is_covered", "is_shared"),
    [
        ('["*"]', '["50K*"]', True, True),
        ('["50K*"]', '["*"]', False, True),
        ('["50k*"]', '["50KTC-1"]', True, True),
        ('["50K*"]', '["50K*", "150K*"]', False, True),
        ('["A*"]', '["B*"]', False, False),
    ],
)
def test_accounts_that_two_rules_share(
    wide: str, narrow: str, *, is_covered: bool, is_shared: bool
) -> None:
    first, second = rules_from(rules(days(accounts=wide), days(accounts=narrow)))
    assert covers(first, second) is is_covered
    assert overlap(first, second) is is_shared


@pytest.mark.parametrize("kind", catalogue())
def test_only_rules_that_read_warn_at_are_said_to_warn(kind: str) -> None:
    source = inspect.getsource(inspect.getmodule(catalogue()[kind]) or inspect)
    assert ("warn_at" in source) is (kind not in limits.WITHOUT_WARNINGS)


def test_words() -> None:
    assert [dollars(1234.5), dollars(-0.25)] == ["$1,234.50", "-$0.25"]
    assert [listed(["a"]), listed(["a", "b", "c"])] == ["a", "a, b and c"]
    spans = {90: "90 seconds", 60: "1 minute", 7200: "2 hours", 86400: "1 day", 1.5: "1.5 seconds"}
    assert {seconds: time_span(seconds) for seconds in spans} == spans
    assert situation_of(LOSS, now=A_TUESDAY).today.isoformat() == "2026-11-17"
