"""Presets: found, put under the trader's own rules, and wrong ones reported with their line."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from core.builders import at

from risk_actors.app import settings_preset
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_advice import advise
from risk_actors.app.settings_advice_words import Situation
from risk_actors.app.settings_load import load_settings
from risk_actors.app.settings_preset import preset_files
from risk_actors.app.settings_problem import SettingsError
from risk_actors.core.rules import Mode
from risk_actors.core.rules.trailing_drawdown import TrailingDrawdownSettings

ROOT = Path(__file__).parents[2]
A_PRESET = """\
[preset]
name = "mine"
firm = "A Firm"
title = "A 50K"
source = "its page"
as_of = 2026-09-30

[session]
daily_reset = "0 16 * * *"
weekly_reset = "0 16 * * FRI"

[[rules]]
id = "loss"
type = "daily_loss_limit"
limit_usd = 1000

[[rules]]
id = "size"
type = "max_contracts"
limit = 5
micro_ratio = 10
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a preset of the trader's own."""
    (tmp_path / "presets").mkdir()
    file = tmp_path / "presets" / "mine.toml"
    file.write_text(A_PRESET)
    return file


def problems(directory: Path, risk: str) -> list[str]:
    (directory / "risk.toml").write_text(risk)
    with pytest.raises(SettingsError) as caught:
        load_settings(directory)
    return [f"{Path(each.file).name}:{each.line}: {each.message}" for each in caught.value.problems]


def test_a_preset_alone_is_enough(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text('preset = "mine"\n')
    settings = load_settings(tmp_path)
    assert [rule.id for rule in settings.rules] == ["loss", "size"]
    assert settings.session.daily_reset == "0 16 * * *"
    assert settings.preset is not None
    assert settings.preset.header.as_of == date(2026, 9, 30)
    assert settings.preset.file == str(mine)


def test_an_own_rule_takes_the_whole_place_of_the_presets(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(
        'preset = "mine"\n[session]\ndaily_reset = "0 17 * * *"\n'
        '[[rules]]\nid = "size"\ntype = "max_contracts"\nlimit = 2\n'
        '[[rules]]\nid = "no-oil"\ntype = "symbol_block"\nblocked = ["CL"]\nmode = "shadow"\n'
    )
    settings = load_settings(tmp_path)
    loss, size, no_oil = settings.rules
    assert (loss.id, size.id, no_oil.mode) == ("loss", "size", Mode.SHADOW)
    assert (getattr(size, "limit", None), getattr(size, "micro_ratio", 0)) == (2, None)
    assert settings.session.daily_reset == "0 17 * * *"
    assert settings.session.weekly_reset == "0 16 * * FRI"
    assert settings.preset is not None
    assert len(settings.preset.rules) == 2


def test_the_traders_own_preset_hides_one_that_ships(mine: Path, tmp_path: Path) -> None:
    mine.rename(mine.with_name("topstep-50k.toml"))
    mine.with_name("topstep-50k.toml").write_text(A_PRESET.replace("mine", "topstep-50k"))
    (tmp_path / "risk.toml").write_text('preset = "topstep-50k"\n')
    assert [rule.id for rule in load_settings(tmp_path).rules] == ["loss", "size"]


@pytest.mark.parametrize(
    ("risk", "expected"),
    [
        (
            'preset = "topstp-50k"\n',
            ['risk.toml:1: preset = "topstp-50k": no such preset; did you mean `topstep-50k`? '],
        ),
        ('\npreset = "zzz"\n', ['risk.toml:2: preset = "zzz": no such preset; known are apex-']),
        ("preset = 5\n", ["risk.toml:1: preset: expected the name of a preset"]),
        ('preset = "../secret"\n', ['risk.toml:1: preset = "../secret": no such preset']),
        ('presett = "mine"\n[[rules]]\n', ["risk.toml:1: unknown key `presett`; did you mean"]),
    ],
)
def test_an_unknown_preset_is_reported_with_what_there_is(
    tmp_path: Path, risk: str, expected: list[str]
) -> None:
    found = problems(tmp_path, risk)
    for problem, words in zip(found, expected, strict=False):
        assert words in problem
    if "no such preset" in expected[0]:
        assert "topstep-xfa-150k" in found[0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("limit_usd = 1000", "limt_usd = 1000", ["mine.toml:15: unknown key `limt_usd`"]),
        ('firm = "A Firm"', 'form = "A"', ["mine.toml:3: unknown key `form`; did you mean `firm`"]),
        ("as_of = 2026-09-30", 'as_of = "soon"', ['mine.toml:6: preset.as_of = "soon"']),
        ('name = "mine"', 'name = "yours"', ['mine.toml:2: preset.name = "yours": the file is']),
        ('"0 16 * * *"', '"0 26 * * *"', ["mine.toml:9: session.daily_reset"]),
        ("[preset]\n", "[pre]\n", ["mine.toml:1: unknown key `pre`", "a preset begins with"]),
        ("limit = 5", "limit = ", ["mine.toml:20: not valid TOML"]),
        ('id = "size"', 'id = "loss"', ['mine.toml:18: id = "loss" is taken by the rule in']),
    ],
)
def test_an_error_in_a_preset_names_its_file_and_line(
    mine: Path, tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    mine.write_text(A_PRESET.replace(old, new))
    found = problems(tmp_path, 'preset = "mine"\n')
    for words in expected:
        assert any(words in problem for problem in found), found


def test_a_preset_without_rules_is_none(mine: Path, tmp_path: Path) -> None:
    mine.write_text(A_PRESET.split("[[rules]]", maxsplit=1)[0])
    assert "a preset sets at least one rule" in problems(tmp_path, 'preset = "mine"\n')[0]


def test_errors_of_risk_toml_and_of_its_preset_come_together(mine: Path, tmp_path: Path) -> None:
    mine.write_text(A_PRESET.replace("limit = 5", "limit = 0"))
    found = problems(tmp_path, 'preset = "mine"\n[session]\ntimezone = "Mars"\n')
    assert [problem.split(": ")[0] for problem in found] == ["risk.toml:3", "mine.toml:20"]


def test_an_installed_package_brings_its_presets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["settings/presets"] == "risk_actors/presets"

    installed = tmp_path / "site" / "risk_actors" / "presets"
    installed.mkdir(parents=True)
    (installed / "mine.toml").write_text(A_PRESET)
    places = settings_preset.shipped_in(installed.parent)
    monkeypatch.setattr(settings_preset, "_SHIPPED", places)
    assert preset_files(tmp_path) == {"mine": installed / "mine.toml"}


SHIPPED = sorted((ROOT / "settings" / "presets").glob("*.toml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_preset_loads_and_every_figure_has_its_source(file: Path, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(f'preset = "{file.stem}"\n')
    settings = load_settings(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert settings.preset is not None
    assert settings.preset.header.name == file.stem
    assert settings.rules == settings.preset.rules
    assert all(rule.mode is Mode.ENFORCE for rule in settings.rules)
    assert "ours" in text
    if settings.preset.header.firm != "no firm":
        assert "third quarter of 2026" in text
        assert settings.preset.header.source.startswith("https://")
        for block in re.split(r"^# --- ", text, flags=re.MULTILINE)[1:]:
            assert re.search(r"topstep\.com|page named above|same page|atf\.com|Topstep's", block)


FIGURES = {
    "topstep-50k": (2000, 50_000, 50_000, 5),
    "topstep-100k": (3000, 100_000, 100_000, 10),
    "topstep-150k": (4500, 150_000, 150_000, 15),
    "topstep-xfa-50k": (2000, 0, 0, (2, 3, 5)),
    "topstep-xfa-100k": (3000, 0, 0, (3, 4, 5, 10)),
    "topstep-xfa-150k": (4500, 0, 0, (3, 4, 5, 10, 15)),
    "apex-intraday-50k": (2000, 50_000, None, None),
    "apex-eod-50k": (2000, 50_000, None, None),
    "static-50k": (2000, 50_000, None, 5),
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_figures_of_the_shipped_presets(name: str, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(f'preset = "{name}"\n')
    rules = {rule.type: rule for rule in load_settings(tmp_path).rules}
    floor = rules["trailing_drawdown"]
    plan = rules.get("scaling_plan")
    contracts: object = getattr(rules.get("max_contracts"), "limit", None)
    if plan is not None:
        contracts = tuple(step.max_contracts for step in getattr(plan, "steps", ()))
    keys = ("amount_usd", "start_balance_usd", "lock_at_usd")
    assert (*(getattr(floor, key) for key in keys), contracts) == FIGURES[name]
    trail = "static" if "static" in name else "intraday" if "intraday" in name else "end_of_day"
    assert getattr(floor, "trail", None) == trail


@pytest.mark.parametrize("name", FIGURES)
def test_a_shipped_preset_deserves_no_warning_when_it_is_fresh(name: str, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(f'preset = "{name}"\n')
    settings = load_settings(tmp_path)
    (start_usd,) = (
        rule.start_balance_usd
        for rule in settings.rules
        if isinstance(rule, TrailingDrawdownSettings)
    )
    # A paper account of the kind; one that counts from zero begins with a dollar.
    (tmp_path / "app.toml").write_text(f"[simulator]\nbalance_usd = {start_usd or 1}\n")
    situation = Situation(load_settings(tmp_path), TradingMode.PAPER, at(2026, 11, 17))
    assert [each.text for each in advise(situation) if each.is_warning] == []


def test_every_shipped_preset_is_tested() -> None:
    assert {file.stem for file in SHIPPED} == set(FIGURES)
