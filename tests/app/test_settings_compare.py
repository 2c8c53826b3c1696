"""Each setting says which way it tightens, and a comparison of every one of them decides."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec
import pytest
from app import settings_samples as samples
from core.builders import NOON, H, S
from core.loosening import MIXED, PAIRS, UNCLEAR, Pair
from hypothesis import given

from risk_actors.app.settings import SessionSettings, Settings
from risk_actors.app.settings_compare import Change, changes_of_table, compare, shown
from risk_actors.app.settings_load import load_settings
from risk_actors.app.settings_merge import merge
from risk_actors.core import direction
from risk_actors.core.direction import Effect, directions_of
from risk_actors.core.holidays import Holiday
from risk_actors.core.news import NewsEvent
from risk_actors.core.rules import Mode, RuleSettings, catalogue

SHIPPED = Path(__file__).parents[2] / "settings"


def with_rules(*rules: RuleSettings) -> Settings:
    return Settings(session=SessionSettings(), rules=rules)


def effects(old: Settings, new: Settings) -> set[Effect]:
    return {change.effect for change in compare(old, new)}


def swapped(pair: Pair) -> tuple[Settings, Settings]:
    """Return the settings with the looser and with the tighter value."""
    return (
        with_rules(pair.settings(pair.loose)),
        with_rules(pair.settings(pair.tight)),
    )


# --- every setting has a direction ----------------------------------------------------------


class Field(NamedTuple):
    """A field of a settings struct."""

    struct: type[msgspec.Struct]
    name: str
    declared: direction.Direction | None

    @property
    def word(self) -> str:
        return f"{self.struct.__name__}.{self.name}"


def structs_in(hint: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield the structs that a value of this type may hold; any rule's for `RuleSettings`."""
    hint = getattr(hint, "__value__", hint)
    if hint is RuleSettings:
        yield from (rule.Settings for rule in catalogue().values())
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    else:
        for inner in get_args(hint):
            yield from structs_in(inner)


def fields_of(struct: type[msgspec.Struct]) -> Iterator[Field]:
    """Yield every field below a struct, as far as its change is not judged as a whole."""
    hints = get_type_hints(struct, include_extras=True)
    for name, declared in directions_of(struct).items():
        inner = [*structs_in(hints[name])]
        if declared is not None or not inner:
            yield Field(struct, name, declared)
        if declared is None or declared.has_parts:
            for each in inner:
                yield from fields_of(each)


EVERY = {field.word: field for field in fields_of(Settings)}


@pytest.mark.parametrize("word", EVERY)
def test_every_setting_says_which_way_it_tightens(word: str) -> None:
    assert EVERY[word].declared is not None, f"{word} declares no direction"


def test_all_the_settings_are_looked_at() -> None:
    assert {"GatewaySettings.accounts", "SessionSettings.unlock", "StoreSettings.keep_days"} < {
        *EVERY
    }
    assert {"LockSettings.for_s", "CooldownTier.seconds", "TradingWindow.zone"} < {*EVERY}
    for rule in catalogue().values():
        for name in rule.Settings.__struct_fields__:
            assert f"{rule.Settings.__name__}.{name}" in EVERY


def test_a_new_setting_without_a_direction_would_be_found() -> None:
    class Newer(Settings, frozen=True, kw_only=True):
        forgotten: int = 0

    (found,) = (field for field in fields_of(Newer) if field.declared is None)
    assert found.word == "Newer.forgotten"


def test_what_declares_no_direction_waits() -> None:
    class Newer(Settings, frozen=True, kw_only=True):
        forgotten: int = 0

    class Table(msgspec.Struct):
        forgotten: int = 0

    (of_table,) = changes_of_table(Table(), Table(forgotten=1), "[table]")
    older, newer = (
        Newer(session=SessionSettings(), rules=(), forgotten=number) for number in (0, 1)
    )
    assert of_table.effect is Effect.UNCLEAR
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("risk_actors.app.settings_compare.Settings", Newer)
        (of_key,) = compare(older, newer)
    assert of_key.effect is Effect.UNCLEAR


# --- the rules ------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_tighter_value_holds_at_once_and_a_looser_one_waits(pair: Pair) -> None:
    loose, tight = swapped(pair)

    (tightening,) = compare(loose, tight)
    (loosening,) = compare(tight, loose)

    assert (tightening.key, tightening.effect) == (pair.key, Effect.TIGHTENS)
    assert (loosening.key, loosening.effect) == (pair.key, Effect.LOOSENS)
    assert merge(loose, tight) == (tight, (tightening,), ())
    held = merge(tight, loose)
    assert held.settings == tight
    assert [change._replace(until=None) for change in held.pending] == [loosening]


@pytest.mark.parametrize("pair", UNCLEAR, ids=lambda pair: pair.name)
def test_what_is_neither_waits_in_both_ways(pair: Pair) -> None:
    one, other = swapped(pair)

    for old, new in ((one, other), (other, one)):
        (change,) = compare(old, new)
        assert change.effect in (Effect.UNCLEAR, Effect.LOOSENS)
        assert merge(old, new).settings == old
    assert Effect.UNCLEAR in effects(one, other) | effects(other, one)


@pytest.mark.parametrize("pair", MIXED, ids=lambda pair: pair.name)
def test_what_is_partly_looser_is_looser(pair: Pair) -> None:
    one, other = swapped(pair)

    assert effects(one, other) == effects(other, one) == {Effect.LOOSENS}


REPORTED_ONLY = {"PositionHoldTimeSettings.min_s"}
NEVER_ALONE = {("scaling_plan", "basis")}
"""Keys that cannot change without another one; they have tests of their own."""


@pytest.mark.parametrize("kind", catalogue())
def test_every_setting_of_every_rule_is_in_the_tables(kind: str) -> None:
    settings = catalogue()[kind].Settings
    own = set(settings.__struct_fields__) - {*RuleSettings.__struct_fields__}
    told = {pair.key for pair in (*PAIRS, *UNCLEAR) if pair.kind == kind}
    told |= {key for rule, key in NEVER_ALONE if rule == kind}
    free = {word.rpartition(".")[2] for word in REPORTED_ONLY if word.startswith(settings.__name__)}

    tables = {
        name for name, each in directions_of(settings).items() if each is not direction.FREE
    } & own

    assert tables <= told
    assert own - tables == free


def test_the_settings_that_every_rule_has_are_in_the_tables() -> None:
    told = {pair.key for pair in (*PAIRS, *UNCLEAR)}

    assert {*RuleSettings.__struct_fields__} - told == {"id"}


LIMIT = Pair("daily_loss_limit", "limit_usd", 800, 500)


def test_a_rule_that_is_added_tightens_and_one_that_is_gone_stays_until_the_reset() -> None:
    none, one = with_rules(), with_rules(LIMIT.settings(500))

    assert effects(none, one) == {Effect.TIGHTENS}
    assert merge(none, one).settings == one
    assert effects(one, none) == {Effect.LOOSENS}
    assert merge(one, none).settings == one


def test_a_rule_under_another_name_is_one_more() -> None:
    renamed = msgspec.structs.replace(LIMIT.settings(800), id="other")
    merged = merge(with_rules(LIMIT.settings(500)), with_rules(renamed))

    assert merged.settings.rules == (renamed, LIMIT.settings(500))


def test_a_rule_cannot_be_put_in_the_place_of_another() -> None:
    other = Pair("max_trades", "per_day", 99, 99).settings(99)
    merged = merge(with_rules(LIMIT.settings(500)), with_rules(other))

    assert merged.settings.rules == (LIMIT.settings(500),)
    assert [change.sentence() for change in merged.pending] == [
        "Waits until the daily reset: watched daily_loss_limit -> max_trades"
    ]


def test_a_rule_that_is_off_protects_nothing_and_is_not_switched_on_before_the_reset() -> None:
    off = msgspec.structs.replace(LIMIT.settings(500), mode=Mode.OFF)
    on = LIMIT.settings(800)

    assert effects(with_rules(), with_rules(off)) == {Effect.FREE}
    assert effects(with_rules(off), with_rules()) == {Effect.FREE}
    merged = merge(with_rules(off), with_rules(on))
    assert [(change.key, change.effect) for change in merged.applied] == [
        ("limit_usd", Effect.FREE)
    ]
    assert [(change.key, change.effect) for change in merged.pending] == [("mode", Effect.UNCLEAR)]


def test_enforcing_less_loosens() -> None:
    enforced = with_rules(LIMIT.settings(500))
    for mode in ("shadow", "off"):
        looser = Pair("daily_loss_limit", "mode", mode, mode, {"limit_usd": 500}).settings(mode)
        assert effects(enforced, with_rules(looser)) == {Effect.LOOSENS}


def test_the_order_of_rules_is_no_change() -> None:
    rules = (LIMIT.settings(500), msgspec.structs.replace(LIMIT.settings(500), id="other"))

    assert compare(with_rules(*rules), with_rules(*reversed(rules))) == ()


def test_other_words_for_the_same_are_taken_at_once() -> None:
    pair = Pair("max_order_size", "limits", {"MNQ": 3}, {"mnq": 3})
    loose, tight = swapped(pair)

    assert effects(loose, tight) == {Effect.FREE}
    assert merge(loose, tight).settings == tight


# --- everything else ------------------------------------------------------------------------


def files(directory: Path, **texts: str) -> Settings:
    risk = texts.pop("risk", "") + '\npreset = "topstep-50k"\n'
    texts.setdefault("risk_end", "")
    (directory / "risk.toml").write_text(risk + texts.pop("risk_end"), encoding="utf-8")
    for name in ("app", "news", "holidays"):
        (directory / f"{name}.toml").write_text(texts.get(name, ""), encoding="utf-8")
    return load_settings(directory)


TIGHTER = [
    ("session", "unlock", '"delayed"', '"never"'),
    ("session", "unlock", '"admin"', '"never"'),
    ("session", "unlock_delay_s", "600", "601"),
    ("session", "on_rule_failure", '"alert"', '"lock"'),
    ("store", "keep_days", "30", "400"),
    ("store", "keep_tape_days", "1", "14"),
    ("store", "tape_mb", "1", "256"),
]
NEITHER = [
    ("session", "timezone", '"America/Chicago"', '"Europe/Berlin"'),
    ("session", "daily_reset", '"0 17 * * *"', '"0 16 * * *"'),
    ("session", "weekly_reset", '"0 17 * * SUN"', '"0 17 * * SAT"'),
    ("session", "unlock", '"delayed"', '"admin"'),
    ("gateway", "requests_per_minute", "200", "100"),
    ("gateway", "command_timeout_s", "3", "30"),
    ("gateway", "reconcile_every_s", "30", "300"),
    ("gateway", "brake_after_commands", "40", "20"),
    ("gateway", "second_line", "true", "false"),
    ("gateway", "price_line", "true", "false"),
    ("gateway", "accounts", "[]", '["50K*"]'),
    ("gateway", "account_name", '"one"', '"other"'),
    ("pnl", "quote_stale_after_s", "10", "1"),
    ("pnl", "confirm_ms", "500", "5000"),
    ("pnl", "bounds", "{}", "{ ES = { jump_ticks = 3 } }"),
]
NO_MATTER = [
    ("gateway", "login_timeout_s", "20", "5"),
    ("log", "console_level", '"INFO"', '"ERROR"'),
    ("log", "file_level", '"INFO"', '"ERROR"'),
    ("log", "file_size_mb", "20", "2"),
    ("log", "keep_files", "10", "1"),
    ("web", "port", "8787", "0"),
    ("web", "host", '"127.0.0.1"', '"localhost"'),
    ("web", "token_file", '""', '"web.token"'),
    ("web", "metrics_pnl", "false", "true"),
    ("simulator", "trader", '"tilted"', '"none"'),
]


def table_of(directory: Path, table: str, key: str, value: str) -> Settings:
    text = f"[{table}]\n{key} = {value}\n"
    return files(directory, risk_end=text) if table == "session" else files(directory, app=text)


@pytest.mark.parametrize(("table", "key", "loose", "tight"), TIGHTER)
def test_a_key_of_a_table_tightens(
    table: str, key: str, loose: str, tight: str, tmp_path: Path
) -> None:
    one, other = (table_of(tmp_path, table, key, value) for value in (loose, tight))

    (tightening,) = compare(one, other)
    assert (tightening.where, tightening.effect) == (f"[{table}]", Effect.TIGHTENS)
    assert effects(other, one) == {Effect.LOOSENS}
    assert merge(one, other).settings == other
    assert merge(other, one).settings == other


@pytest.mark.parametrize(("table", "key", "one", "other"), NEITHER)
def test_a_key_of_a_table_waits(table: str, key: str, one: str, other: str, tmp_path: Path) -> None:
    before, after = (table_of(tmp_path, table, key, value) for value in (one, other))

    assert effects(before, after) == effects(after, before) == {Effect.UNCLEAR}
    assert merge(before, after).settings == before


@pytest.mark.parametrize(("table", "key", "one", "other"), NO_MATTER)
def test_a_key_of_a_table_has_no_bearing(
    table: str, key: str, one: str, other: str, tmp_path: Path
) -> None:
    before, after = (table_of(tmp_path, table, key, value) for value in (one, other))

    assert effects(before, after) == effects(after, before) == {Effect.FREE}
    assert merge(before, after) == (after, compare(before, after), ())


def test_every_key_of_every_table_is_in_these_lists() -> None:
    told = {(table, key) for table, key, *_ in (*TIGHTER, *NEITHER, *NO_MATTER)}
    tables = {
        (name, key)
        for name in ("session", "store", "gateway", "pnl", "log", "web")
        for key in getattr(with_rules(), name).__struct_fields__
    }

    assert tables <= told


@pytest.mark.parametrize(
    ("one", "other"), [("", "armed = true"), ("armed = false", "armed = true")]
)
def test_arming_waits(one: str, other: str, tmp_path: Path) -> None:
    before, after = (files(tmp_path, app=text) for text in (one, other))

    assert effects(before, after) == effects(after, before) == {Effect.UNCLEAR}
    assert merge(before, after).settings == before


def test_holidays_wait_for_they_open_and_close_and_silence_the_watch_over_prices() -> None:
    off = Holiday(day=date(2026, 11, 27), name="off")
    before, after = (msgspec.structs.replace(with_rules(), holidays=days) for days in ((), (off,)))

    assert effects(before, after) == effects(after, before) == {Effect.UNCLEAR}
    assert "holidays" in compare(before, after)[0].sentence()


def test_another_preset_is_as_loose_as_its_rules_are(tmp_path: Path) -> None:
    small = files(tmp_path)
    (tmp_path / "risk.toml").write_text('preset = "topstep-150k"\n', encoding="utf-8")
    big = load_settings(tmp_path)

    merged = merge(small, big)

    assert merged.settings.preset == big.preset
    before, now = ({rule.id: rule for rule in each.rules} for each in (small, merged.settings))
    assert {rule_id for rule_id in now if now[rule_id] != before[rule_id]} == {"drawdown"}
    assert {change.where for change in merged.pending} == {"max-contracts"}
    assert all("preset" not in change.key for change in merged.pending)


NEWS = NewsEvent(at_ns=NOON, name="FOMC")
LONGER = msgspec.structs.replace(NEWS, before_s=120, after_s=600)
SHORTER = msgspec.structs.replace(NEWS, before_s=120, after_s=300)
OF_ES = msgspec.structs.replace(NEWS, symbols=("ES",))
OF_BOTH = msgspec.structs.replace(NEWS, symbols=("ES", "NQ"))
RENAMED = msgspec.structs.replace(NEWS, name="Fed")


@pytest.mark.parametrize(
    ("loose", "tight"),
    [((), (NEWS,)), ((SHORTER,), (LONGER,)), ((OF_ES,), (OF_BOTH,)), ((OF_BOTH,), (NEWS,))],
)
def test_more_news_tightens(loose: tuple[NewsEvent, ...], tight: tuple[NewsEvent, ...]) -> None:
    one, other = (msgspec.structs.replace(with_rules(), news=news) for news in (loose, tight))

    assert effects(one, other) == {Effect.TIGHTENS}
    assert merge(one, other).settings == other
    assert Effect.LOOSENS in effects(other, one)
    assert {*merge(other, one).settings.news} == {*tight, *loose}


def test_news_that_moves_keeps_both_times_until_the_reset() -> None:
    later = msgspec.structs.replace(NEWS, at_ns=NOON + H)
    one, other = (msgspec.structs.replace(with_rules(), news=(each,)) for each in (NEWS, later))

    merged = merge(one, other)

    assert merged.settings.news == (NEWS, later)
    assert [change.sentence() for change in merged.pending] == [
        "Waits until the daily reset: news.toml: FOMC at 2026-11-17 18:00 UTC removed"
    ]
    assert merge(merged.settings, other).settings == merged.settings


def test_news_of_another_name_is_the_same_news() -> None:
    one, other = (msgspec.structs.replace(with_rules(), news=(each,)) for each in (NEWS, RENAMED))

    assert compare(one, other) == ()
    assert merge(one, other).settings == other


def test_news_that_is_over_may_go() -> None:
    one = msgspec.structs.replace(with_rules(), news=(NEWS,))
    day_later = NOON + 24 * H

    assert merge(one, with_rules(), now_ns=day_later - S).settings == one
    assert merge(one, with_rules(), now_ns=day_later).settings == with_rules()


# --- merging --------------------------------------------------------------------------------

AT_ONCE = {Effect.TIGHTENS, Effect.FREE}


@samples.TRIALS
@given(samples.pairs_of_settings())
def test_what_holds_is_never_looser_than_what_was_in_force(pair: tuple[Settings, Settings]) -> None:
    in_force, wanted = pair
    merged = merge(in_force, wanted)

    assert effects(in_force, merged.settings) <= AT_ONCE
    assert {change.effect for change in merged.applied} <= AT_ONCE
    assert all(change.until is not None for change in merged.pending)
    assert len(merged.applied) + len(merged.pending) == len(compare(in_force, wanted))


@samples.TRIALS
@given(samples.pairs_of_settings())
def test_merging_again_changes_nothing(pair: tuple[Settings, Settings]) -> None:
    in_force, wanted = pair
    merged = merge(in_force, wanted)

    again = merge(merged.settings, wanted)

    assert again.settings == merged.settings
    assert merge(wanted, wanted) == (wanted, (), ())


@pytest.mark.no_cover
@samples.TRIALS
@given(samples.pairs_of_settings(), samples.pairs_of_settings())
def test_no_way_round_leads_to_looser_settings(
    pair: tuple[Settings, Settings], other: tuple[Settings, Settings]
) -> None:
    in_force = now = pair[0]
    for step in (pair[1], *other, in_force, pair[1]):
        now = merge(now, step).settings
        assert effects(in_force, now) <= AT_ONCE


def test_a_rule_that_would_contradict_itself_changes_when_all_of_it_can() -> None:
    days = {"days": ["Mon-Fri"], "start": "09:00"}
    hours = Pair("trading_hours", "windows", [{**days, "end": "10:00"}], [{**days, "end": "15:00"}])
    old = hours.settings(hours.loose)
    closing = {"windows": hours.tight, "flatten_before_close_s": 7200}
    new = Pair("trading_hours", "warn_at", [], [], closing).settings([])

    merged = merge(with_rules(old), with_rules(new))

    assert merged.settings.rules == (old,)
    (windows, closes) = merged.pending
    assert (windows.key, windows.effect, windows.reason) == ("windows", Effect.LOOSENS, "")
    assert closes.sentence() == (
        "Waits until the daily reset: watched flatten_before_close_s 0 -> 7200"
        " (without what waits, the window 09:00-10:00 is not longer than"
        " `flatten_before_close_s = 7200`)"
    )


DRAWDOWN = {"start_balance_usd": 50000, "lock_at_usd": 50000, "keep_away_usd": 100}
AS_ONE = [
    ("rapid_fire", {"max_entries": 3, "window_s": 60}, {"max_entries": 10, "window_s": 600}),
    ("max_consecutive_losses", {"limit": 3}, {"limit": 2, "min_loss_usd": 100}),
    (
        "revenge_trading",
        {"loss_usd": 200, "window_s": 600, "max_entries": 2},
        {"loss_usd": 100, "window_s": 300, "max_entries": 2},
    ),
    (
        "profit_giveback",
        {"arm_at_usd": 500, "giveback_pct": 40},
        {"arm_at_usd": 200, "giveback_usd": 150},
    ),
    (
        "trade_management",
        {"breakeven_after_ticks": 20, "offset_ticks": 12},
        {"breakeven_after_ticks": 10, "offset_ticks": 5},
    ),
    ("max_trades", {"per_day": 40, "count": "fills"}, {"per_day": 10, "count": "trades"}),
    (
        "trailing_drawdown",
        {**DRAWDOWN, "amount_usd": 2000},
        {"start_balance_usd": 51000, "lock_at_usd": 51000, "amount_usd": 4500},
    ),
    (
        "trailing_drawdown",
        {**DRAWDOWN, "amount_usd": 2000},
        {"start_balance_usd": 50000, "amount_usd": 2000, "trail": "static"},
    ),
    (
        "scaling_plan",
        {"steps": [{"max_contracts": 2}, {"above_usd": 1500, "max_contracts": 3}]},
        {
            "steps": [{"max_contracts": 1}, {"above_usd": 1500, "max_contracts": 9}],
            "basis": "profit",
            "start_balance_usd": 50000,
        },
    ),
]


@pytest.mark.parametrize(("kind", "old", "new"), AS_ONE)
def test_half_of_one_limit_is_not_mixed_with_half_of_another(
    kind: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    before, after = (Pair(kind, "warn_at", [], [], keys).settings([]) for keys in (old, new))

    assert effects(with_rules(before), with_rules(after)) <= {Effect.LOOSENS, Effect.UNCLEAR}
    assert merge(with_rules(before), with_rules(after)).settings.rules == (before,)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (
            "trailing_drawdown",
            {**DRAWDOWN, "amount_usd": 2000},
            {"start_balance_usd": 50000, "amount_usd": 1500},
        ),
        (
            "scaling_plan",
            {"steps": [{"max_contracts": 2}, {"above_usd": 51500, "max_contracts": 3}]},
            {
                "steps": [{"max_contracts": 2}, {"above_usd": 1600, "max_contracts": 3}],
                "basis": "profit",
                "start_balance_usd": 50000,
            },
        ),
        ("symbol_block", {"blocked": ["ES", "NQ"]}, {"allowed": ["MES"]}),
    ],
)
def test_one_limit_put_in_other_words_is_judged_by_what_it_does(
    kind: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    before, after = (
        with_rules(Pair(kind, "warn_at", [], [], keys).settings([])) for keys in (old, new)
    )

    assert effects(before, after) == {Effect.TIGHTENS}
    assert merge(before, after).settings == after
    assert Effect.LOOSENS in effects(after, before)
    assert merge(after, before).settings == after


def test_a_warning_that_comes_too_late_to_matter_may_go_with_a_shorter_time() -> None:
    old = Pair("position_hold_time", "max_s", 0, 0, {"warn_s": 3000}).settings(3600)
    new = Pair("position_hold_time", "max_s", 0, 0).settings(1800)

    assert merge(with_rules(old), with_rules(new)).settings == with_rules(new)
    assert effects(with_rules(new), with_rules(old)) == {Effect.LOOSENS}


def test_a_part_that_tightens_holds_while_the_rest_waits() -> None:
    old = Pair("rapid_fire", "window_s", 0, 0, {"max_entries": 3, "lock_s": 900}).settings(60)
    new = Pair("rapid_fire", "window_s", 0, 0, {"max_entries": 2, "lock_s": 60}).settings(90)

    merged = merge(with_rules(old), with_rules(new), until="five o'clock")

    (rule,) = merged.settings.rules
    assert msgspec.structs.asdict(rule) | {"lock_s": 60} == msgspec.structs.asdict(new)
    assert [change.sentence() for change in merged.applied] == [
        "watched: max_entries 3 -> 2",
        "watched: window_s 60 -> 90",
    ]
    assert [change.sentence() for change in merged.pending] == [
        "Waits until five o'clock: watched lock_s 900 -> 60"
    ]


# --- in words -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("loss", "limit_usd", 500.0, 800.25), "loss: limit_usd 500 -> 800.25"),
        (("loss", "", None, LIMIT.settings(1)), "loss: added"),
        (("loss", "", LIMIT.settings(1), None), "loss: removed"),
        (("[store]", "keep_days", 400, 30), "[store]: keep_days 400 -> 30"),
        (("app.toml", "armed", None, True), "app.toml: armed not set -> true"),
        (("big", "limits", {"ES": 2}, {}), "big: limits { ES = 2 } -> {}"),
        (("block", "blocked", ("ES",), ("ES", "NQ")), 'block: blocked ["ES"] -> ["ES", "NQ"]'),
        (("x", "windows", ("a" * 90,), ()), "x: windows changed"),
    ],
)
def test_a_change_in_words(change: tuple[str, str, Any, Any], sentence: str) -> None:
    assert Change(*change, Effect.FREE).sentence() == sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("loss", "limit_usd", 500, 800), "Waits until then: loss limit_usd 500 -> 800"),
        (("loss", "", LIMIT.settings(1), None), "Waits until then: loss removed"),
        (("loss", "", None, LIMIT.settings(1)), "Waits until then: loss added"),
        (("x", "windows", ("a" * 90,), ()), "Waits until then: x windows changed"),
    ],
)
def test_a_change_that_waits_in_words(change: tuple[str, str, Any, Any], sentence: str) -> None:
    assert Change(*change, Effect.LOOSENS, until="then").sentence() == sentence


def test_tables_in_a_setting_are_shown_as_they_are_written() -> None:
    rule = samples.example_rule("scaling_plan")
    lock = Pair("daily_loss_limit", "lock", 0, 0, {"limit_usd": 1}).settings({"for_s": 9})

    assert shown(rule.steps) == (  # type: ignore[attr-defined]
        "[{ max_contracts = 2 }, { max_contracts = 3, above_usd = 1500 }]"
    )
    assert shown(lock.lock) == "{ for_s = 9 }"
