"""The settings that ship: they are valid, they explain every key, and their examples work."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from risk_actors.app.settings import AppFile, Settings, TradingMode
from risk_actors.app.settings_advice import advise
from risk_actors.app.settings_advice_words import Situation
from risk_actors.app.settings_load import load_app_settings, load_settings
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.rules import RuleSettings, catalogue
from risk_actors.core.trading_calendar import TradingCalendar

SHIPPED = Path(__file__).parents[2] / "settings"
SWITCHED_OFF = re.compile(r"^#(?=[\w\[{\]])", re.MULTILINE)
"""A setting that is switched off; prose has a blank after its sign."""
ANOTHER_WAY = re.compile(r"^#?\w+ = .*\n(?:# .*\n)*#~ (?P<other>\w+ = .*)$", re.MULTILINE)
"""A setting with another way to write it below."""


def switched_on(name: str) -> str:
    return SWITCHED_OFF.sub("", (SHIPPED / name).read_text(encoding="utf-8"))


def rule_blocks() -> list[str]:
    """Return the text of every rule of the sample, those that are switched off too."""
    text = (SHIPPED / "risk.toml").read_text(encoding="utf-8")
    _, *blocks = re.split(r"^(?=#?\[\[rules\]\])", text, flags=re.MULTILINE)
    return blocks


def test_the_shipped_settings_guard_a_50k_account() -> None:
    settings = load_settings(SHIPPED)
    assert isinstance(settings, Settings)
    assert {rule.type for rule in settings.rules} <= set(catalogue())
    summaries = [catalogue()[rule.type](rule).summary() for rule in settings.rules]
    assert any("-$500.00" in summary for summary in summaries)
    assert all(rule.mode.value == "enforce" for rule in settings.rules)


def test_the_shipped_settings_deserve_no_warning() -> None:
    now_ns = int(datetime(2026, 11, 17, 18, tzinfo=UTC).timestamp()) * NS_PER_S
    situation = Situation(load_settings(SHIPPED), TradingMode.PAPER, now_ns)
    assert [each.text for each in advise(situation) if each.is_warning] == []


def test_the_shipped_app_settings_are_the_defaults() -> None:
    assert load_app_settings(SHIPPED) == AppFile()


def test_the_shipped_session_makes_a_calendar() -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    session = load_settings(SHIPPED).session
    TradingCalendar(
        zone=ZoneInfo(session.timezone),
        daily_reset=session.daily_reset,
        weekly_reset=session.weekly_reset,
    )


def test_every_key_of_app_toml_is_there_with_its_default() -> None:
    root = tomllib.loads(switched_on("app.toml"))
    defaults = AppFile()
    without_default = {"armed", "account_name", "prices_file", "heartbeat_url", "channels"}
    for section in msgspec.structs.fields(AppFile):
        assert section.name in root
        default = getattr(defaults, section.name)
        if not isinstance(default, msgspec.Struct):
            continue
        table: dict[str, Any] = root[section.name]
        assert set(table) == {field.name for field in msgspec.structs.fields(default)}
        for key, value in table.items():
            if key not in without_default:
                expected = msgspec.to_builtins(getattr(default, key))
                assert (section.name, key, value) == (
                    section.name,
                    key,
                    list(expected) if isinstance(expected, tuple) else expected,
                )


def test_app_toml_is_valid_with_every_setting_switched_on(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text(switched_on("app.toml"), encoding="utf-8")
    assert load_app_settings(tmp_path).armed is True


def test_the_commented_rules_are_valid_once_they_are_switched_on(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(switched_on("risk.toml"), encoding="utf-8")
    settings = load_settings(tmp_path)
    assert {rule.type for rule in settings.rules} == set(catalogue())
    assert settings.preset is not None


@pytest.mark.parametrize("block", rule_blocks())
def test_each_commented_rule_is_valid_by_itself(block: str, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(SWITCHED_OFF.sub("", block), encoding="utf-8")
    assert len(load_settings(tmp_path).rules) == 1


@pytest.mark.parametrize("other", ANOTHER_WAY.findall((SHIPPED / "risk.toml").read_text("utf-8")))
def test_another_way_to_write_a_setting_is_valid_too(other: str, tmp_path: Path) -> None:
    text = (SHIPPED / "risk.toml").read_text(encoding="utf-8")
    (match,) = (each for each in ANOTHER_WAY.finditer(text) if each["other"] == other)
    changed = f"{text[: match.start()]}{other}{text[match.end() :]}"
    (tmp_path / "risk.toml").write_text(SWITCHED_OFF.sub("", changed), encoding="utf-8")
    key = other.split(" = ", maxsplit=1)[0]
    rules = load_settings(tmp_path).rules
    assert any(getattr(rule, key, None) not in (None, ()) for rule in rules)


@pytest.mark.parametrize("rule_type", catalogue())
def test_every_rule_and_every_key_of_it_is_shown(rule_type: str) -> None:
    blocks = [block for block in rule_blocks() if f'type = "{rule_type}"' in block]
    shown = {key for block in blocks for key in re.findall(r"^#?~? ?(\w+) = ", block, re.MULTILINE)}
    keys = {field.name for field in msgspec.structs.fields(catalogue()[rule_type].Settings)}
    shared = {field.name for field in msgspec.structs.fields(RuleSettings)}
    assert blocks
    assert keys - shared <= shown


def test_the_keys_that_every_rule_has_are_explained() -> None:
    text = (SHIPPED / "risk.toml").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(RuleSettings):
        assert re.search(rf"^#   {field.name} +\S", text, re.MULTILINE), field.name
