"""A specification agrees with the code, and what is wrong with one is said with its line."""

from pathlib import Path

import pytest
from promotion.examples import settings_of
from promotion.spec_file import FENCE, WrongSpecError, read_spec
from promotion.spec_stage import check_specification
from promotion.staging import soak_settings

SPECS = Path(__file__).parents[3] / "specs"
WRITTEN = [path for path in sorted(SPECS.glob("*.md")) if path.name != "README.md"]
TEXT = (SPECS / "max_trades.md").read_text(encoding="utf-8")


def said(tmp_path: Path, old: str, new: str, rule: str = "max_trades") -> str:
    """Return what is wrong once a text is changed, less the line of the change: `LINE`."""
    assert old in TEXT
    begin = TEXT.index(old)
    path = tmp_path / "spec.md"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    line = TEXT[:begin].count("\n") + 1
    try:
        told = "; ".join(check_specification(read_spec(path), rule).problems)
    except WrongSpecError as error:
        told = str(error)
    return told.replace(f"line {line}:", "LINE")


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_every_specification_agrees_with_its_rule(path: Path) -> None:
    file = read_spec(path)

    assert check_specification(file, path.stem).problems == []
    for settings in soak_settings(file.spec):
        settings_of(file.spec.rule, settings)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (FENCE, "# Trades", "LINE the front matter is missing; begin the file with a line `+++`"),
        ("rule = ", "rule = max ", "LINE not valid TOML"),
        ('rule = "max_trades"', 'rule = "max_trade"', "LINE it specifies `max_trade`, and you"),
        ('purpose = """', 'purpos = """', "LINE `purpos` is not known here"),
        ("one more entry", "two more entries", "LINE `breaks_when` differs from the rule's"),
        ("[parameters.per_hour]", "[parameters.per_hours]", "LINE the rule has no key `per_hours`"),
        ("[parameters.per_hour]", "[parameters.per_hours]", "add [parameters.per_hour]"),
        (
            '"whole number, above 0"',
            '"number"',
            "LINE `per_day` is of type 'whole number, above 0'",
        ),
        ('unit = "trades, entries or fills"', 'unit = "seconds"', "LINE `per_day` does not end as"),
        ('default = "not set"', "default = 5", 'LINE the default of `per_day` is "not set", not 5'),
        (
            'default = "not set"',
            "required = true",
            'LINE `per_day` should have default = "not set"',
        ),
        ('means = "what is counted"\n', "", "`means` is missing; add it"),
        ("settings = { per_day = 2 }", "settings = { per_dy = 2 }", "unknown field `per_dy`"),
        ("settings = { per_day = 2 }", "settings = { per_day = 0 }", "Expected `int` >= 1"),
        ('"NQ", buy = 1', '"XX", buy = 1', "no contract 'XX' is known; take of "),
        ("Tue 2026-06-02 09:30:00", "Wed 2026-06-02 09:30:00", "is a Tue, not a Wed"),
        ("Tue 2026-06-02 10:05:00", "Tue 2026-06-02 09:05:00", "put them in order of time"),
        ("buy = 2, price", "buy = 2, sell = 2, price", "either `buy` or `sell`"),
        ('Tue 2026-06-02 17:00:00" } } },', 'Tue 2026-06-02 16:00:00" } } },', "LINE 'Two trades"),
        ('at = "Tue 2026-06-02 09:30:00"', 'at = "99:99"', "step 1, at = '99:99': Invalid"),
        ('at = "Tue 2026-06-02 09:30:00"', 'at = "99:99"', "like `Tue 2026-06-02 09:30:00`"),
        ("[[examples]]", "[[exampels]]", "LINE `exampels` is not known here; take it out"),
        ("price = 6_000", "price = nan", "LINE `price`: NaN is no amount; write a number"),
        ("settings = {", "balance_usd = -inf\nsettings = {", "LINE `balance_usd`: -Infinity is no"),
        ("[[soak]]\nper_day = 2", "[[soak]]\nper_day = 0", "soak settings 1: Expected `int` >= 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert words in said(tmp_path, old, new)


def test_a_mark_before_the_text_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "spec.md"
    path.write_text(TEXT, encoding="utf-8-sig")

    assert read_spec(path).spec.rule == "max_trades"


def test_an_example_that_the_rule_does_not_bear_out_says_both(tmp_path: Path) -> None:
    told = said(tmp_path, 'verdict = "breach", broken_at', 'verdict = "ok", broken_at')

    assert "verdict is breach, should be ok; correct the example or the rule" in told


def test_a_rule_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    told = said(tmp_path, 'rule = "max_trades"', 'rule = "max_trade"', rule="max_trade")

    assert "there is no rule of type `max_trade`" in told
    assert "did you mean `max_trades`?" in told


def test_examples_that_never_break_prove_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spec.md"
    begin = TEXT.split("[[examples]]", 1)[0]
    quiet = (
        '[[examples]]\nsay = "Nothing"\nsettings = { per_day = 2 }\n'
        'steps = [{ at = "Tue 2026-06-02 09:30:00", expect = { verdict = "ok" } }]\n+++\n'
    )
    path.write_text(begin + quiet, encoding="utf-8")

    (problem,) = check_specification(read_spec(path), "max_trades").problems

    assert "no step of any example expects `breach`; add one that does" in problem
