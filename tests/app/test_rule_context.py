"""Whatever settings are accepted make a rule that can say itself."""

import types
from datetime import date, time
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from core.builders import at
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from risk_actors.app.rule_context import make_rule, rule_context
from risk_actors.app.settings import SessionSettings, Settings
from risk_actors.app.settings_load import load_settings
from risk_actors.core.holidays import Holiday
from risk_actors.core.news import NewsEvent
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.trading_hours import TradingHoursSettings

TEXTS = {
    "id": st.sampled_from(["a", "my rule"]),
    "accounts": st.just("50K*"),
    "days": st.sampled_from(["Mon", "Sun-Thu", "fri-mon"]),
    "start": st.sampled_from(["08:30", "17:00", "00:00:00"]),
    "end": st.sampled_from(["15:10", "08:30", "23:59:59"]),
    "zone": st.sampled_from(["America/Chicago", "Europe/Berlin"]),
}
"""What a text may be, by its key; any other is a symbol."""
SYMBOLS = st.sampled_from(["ES", "MNQ", "CL", "XX", "nq"])


def values_of(hint: Any, key: str = "") -> st.SearchStrategy[Any]:
    """Return values as TOML would give them for a type of the settings."""
    if isinstance(hint, TypeAliasType):
        return values_of(hint.__value__, key)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bounded(arguments[0], arguments[1], key)
    if origin in (Union, types.UnionType):
        (inner,) = (each for each in arguments if each is not type(None))
        return values_of(inner, key)
    if origin is tuple:
        return st.lists(values_of(arguments[0], key), min_size=1, max_size=3)
    if origin is dict:
        return st.dictionaries(SYMBOLS, values_of(arguments[1], key), min_size=1, max_size=3)
    if issubclass(hint, msgspec.Struct):
        return tables_of(hint)
    if issubclass(hint, Enum):
        return st.sampled_from([each.value for each in hint])
    if hint is bool:
        return st.booleans()
    return TEXTS.get(key, SYMBOLS) if hint is str else _bounded(hint, msgspec.Meta(), key)


def _bounded(hint: Any, meta: msgspec.Meta, key: str) -> st.SearchStrategy[Any]:
    if hint not in (int, float):
        return values_of(hint, key)
    least = meta.ge if meta.ge is not None else meta.gt if meta.gt is not None else -5000
    most = meta.le if meta.le is not None else meta.lt if meta.lt is not None else 100_000
    if hint is int:
        return st.integers(int(least) + (meta.gt is not None), min(int(most), 10_000))
    return st.floats(
        least,
        most,
        exclude_min=meta.gt is not None,
        exclude_max=meta.lt is not None,
        allow_nan=False,
    )


def tables_of(struct: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    hints = get_type_hints(struct, include_extras=True)
    fields = msgspec.structs.fields(struct)
    needed = {f.name: values_of(hints[f.name], f.name) for f in fields if f.required}
    others = {f.name: values_of(hints[f.name], f.name) for f in fields if not f.required}
    return st.fixed_dictionaries(needed, optional=others)


@pytest.mark.parametrize("kind", catalogue())
def test_all_accepted_settings_make_a_rule_that_says_itself(kind: str) -> None:
    context = rule_context(Settings(session=SessionSettings(), rules=()))

    @settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(table=tables_of(catalogue()[kind].Settings))
    def judge(table: dict[str, Any]) -> None:
        try:
            made = msgspec.convert(table, catalogue()[kind].Settings)
        except msgspec.ValidationError:
            reject()
        rule = make_rule(made, context)
        assert rule.context is context
        assert rule.summary().endswith(".")
        rule.initial_state()

    judge()


def test_the_context_holds_the_settings_calendars() -> None:
    context = rule_context(
        Settings(
            session=SessionSettings(timezone="America/New_York", daily_reset="0 18 * * *"),
            rules=(),
            holidays=(Holiday(day=date(2026, 11, 18), closes=time(10)),),
            news=(NewsEvent(at_ns=at(2026, 11, 18, 9), name="CPI"),),
        )
    )
    assert context.calendar.zone.key == "America/New_York"
    assert context.market.is_open("ES", at(2026, 11, 18, 9, 59))
    assert not context.market.is_open("ES", at(2026, 11, 18, 10, 1))
    assert context.news.blackout_at("ES", at(2026, 11, 18, 9), 60, 60) is not None


def test_holidays_and_news_are_read_with_the_other_files(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(
        '[[rules]]\nid = "h"\ntype = "trading_hours"\n'
        '[[rules.windows]]\ndays = ["Mon-Fri"]\nstart = "08:30"\nend = "15:00"\n'
    )
    (tmp_path / "holidays.toml").write_text("[[holidays]]\ndate = 2026-11-18\nclosed = true\n")
    (tmp_path / "news.toml").write_text('[[news]]\nat = 2026-11-18T09:00:00\nname = "CPI"\n')
    loaded = load_settings(tmp_path)
    assert [holiday.day for holiday in loaded.holidays] == [date(2026, 11, 18)]
    assert [event.name for event in loaded.news] == ["CPI"]
    (rule,) = loaded.rules
    assert isinstance(rule, TradingHoursSettings)
    assert rule.windows[0].end == "15:00"
