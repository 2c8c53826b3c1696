"""Every kind of settings error names its file and line, and none hides another."""

from pathlib import Path

import pytest

from risk_actors.app.settings_load import load_app_settings, load_settings
from risk_actors.app.settings_problem import SettingsError

A_RULE = '[[rules]]\nid = "loss"\ntype = "daily_loss_limit"\nlimit_usd = 500.0\n'

HOURS = '[[rules]]\nid = "h"\ntype = "trading_hours"\n'
STEPS = (
    '[[rules]]\nid = "s"\ntype = "scaling_plan"\n'
    "steps = [\n  { max_contracts = 2 },\n  { above = 1500, max_contracts = 0 },\n]\n"
)
TIERS = '[[rules]]\nid = "c"\ntype = "trade_cooldown"\ntiers = [{ loss_usd = 5, second = 9 }]\n'
PER_INSTRUMENT = '[[rules]]\nid = "i"\ntype = "max_contracts_per_instrument"\n'

OBEYED = "the text holds a control character, which a terminal would obey instead of showing it"

RISK_ERRORS = {
    "unknown key of a rule": (
        A_RULE + "limt_usd = 5.0\n",
        [(5, "unknown key `limt_usd`; did you mean `limit_usd`?")],
    ),
    "control characters in a name": (
        A_RULE.replace('"loss"', r'"\u001b[2Jloss\n"'),
        [
            (
                2,
                f'id = "\x1b[2Jloss\n": {OBEYED}',
            )
        ],
    ),
    "one that turns the direction of writing, in a list": (
        A_RULE + 'accounts = ["*", "PRA\u202e1"]\n',
        [
            (
                5,
                f'accounts[1] = "PRA\u202e1": {OBEYED}',
            )
        ],
    ),
    "wrong type": (
        A_RULE.replace("500.0", '"500"'),
        [(4, 'limit_usd = "500": expected a number')],
    ),
    "true is no number": (
        A_RULE.replace("500.0", "true"),
        [(4, "limit_usd = true: expected a number")],
    ),
    "impossible value": (
        A_RULE.replace("500.0", "-500.0"),
        [(4, "limit_usd = -500.0: expected a number >= 0.01")],
    ),
    "less than a cent": (
        A_RULE.replace("500.0", "0.009"),
        [(4, "limit_usd = 0.009: expected a number >= 0.01")],
    ),
    "not a number": (
        A_RULE.replace("500.0", "nan"),
        [(4, "limit_usd = nan: expected a finite number")],
    ),
    "endless": (
        A_RULE.replace("500.0", "inf"),
        [(4, "limit_usd = inf: expected a finite number")],
    ),
    "missing key": (
        '[[rules]]\nid = "loss"\ntype = "daily_loss_limit"\n',
        [(1, "missing key `limit_usd`")],
    ),
    "misspelled choice": (
        A_RULE + 'basis = "equty"\n',
        [(5, 'basis = "equty": expected one of realized, equity; did you mean `equity`?')],
    ),
    "item of a list": (
        A_RULE + "warn_at = [\n  0.5,\n  1.5,\n]\n",
        [(7, "warn_at[1] = 1.5: expected a number < 1.0")],
    ),
    "entry of a table": (
        PER_INSTRUMENT + "[rules.limits]\nES = 2\nMNQ = -1\n",
        [(6, "limits.MNQ = -1: expected a whole number >= 0")],
    ),
    "unknown key of the lock": (
        A_RULE + 'lock = { untl = "weekly_reset" }\n',
        [(5, "unknown key `untl`; did you mean `until`?")],
    ),
    "wrong end of the lock": (
        A_RULE + '[rules.lock]\nuntil = "weekly"\n',
        [(6, 'lock.until = "weekly": expected one of daily_reset, weekly_reset; did you mean')],
    ),
    "lock with two ends": (
        A_RULE + 'lock = { until = "daily_reset", for_s = 60 }\n',
        [(5, "give either `until` or `for_s`, not both")],
    ),
    "lock that is no table": (
        A_RULE + 'lock = "weekly_reset"\n',
        [(5, 'lock = "weekly_reset": expected a table')],
    ),
    "misspelled on_unknown": (
        A_RULE + 'on_unknown = "block"\n',
        [(5, 'on_unknown = "block": expected one of alert, lock; did you mean `lock`?')],
    ),
    "keys of tables in a list": (
        HOURS + 'windows = [\n  { days = ["Mon"], start = "08:30", end = "15:00" },\n'
        '  { dayz = ["Tue"], start = 8, end = "15:00" },\n]\n',
        [
            (6, "unknown key `dayz`; did you mean `days`?"),
            (6, "windows[1].start = 8: expected text in quotes"),
            (6, "missing key `days`"),
        ],
    ),
    "values of tables in a list": (
        HOURS + '[[rules.windows]]\ndays = ["Mon"]\nstart = "08:30"\nend = "15:00"\n'
        '[[rules.windows]]\ndays = ["Tue"]\nstart = "8:30"\nend = "15:00"\n',
        [(8, "`8:30` is no time of day; write it as 08:30")],
    ),
    "table where a list of tables belongs": (
        HOURS + '[rules.windows]\ndays = ["Mon"]\nstart = "08:30"\nend = "15:00"\n',
        [(4, "windows = { ... }: expected a list in [brackets]")],
    ),
    "list that may not be empty": (HOURS + "windows = []\n", [(4, "windows = []: expected")]),
    "steps and tiers": (
        STEPS + TIERS,
        [
            (6, "unknown key `above`; did you mean `above_usd`?"),
            (6, "steps[1].max_contracts = 0: expected a whole number >= 1"),
            (11, "unknown key `second`; did you mean `seconds`?"),
            (11, "missing key `seconds`"),
        ],
    ),
    "a misspelt key does not hide a wrong value beside it": (
        HOURS + 'windows = [\n  { dayz = ["Tue"], start = "8:30", end = "15:00" },\n]\n',
        [
            (5, "unknown key `dayz`; did you mean `days`?"),
            (5, "missing key `days`"),
            (5, "`8:30` is no time of day; write it as 08:30"),
        ],
    ),
    "nor keys that contradict each other": (
        A_RULE + 'lock = { untl = "daily_reset", for_s = 60 }\n',
        [
            (5, "unknown key `untl`; did you mean `until`?"),
            (5, "give either `until` or `for_s`, not both"),
        ],
    ),
    "a key that stands for nothing is no reason to guess": (
        TIERS.replace("second = 9", "seconds = 9, soon = 1"),
        [(4, "unknown key `soon`")],
    ),
    "rule that says nothing": (
        '[[rules]]\nid = "s"\ntype = "symbol_block"\n',
        [(1, "give either `blocked` or `allowed` symbols")],
    ),
    "empty id": (
        A_RULE.replace('"loss"', '""'),
        [(2, 'id = "": expected text in quotes that is not empty')],
    ),
    "duplicate id": (
        A_RULE + "\n" + A_RULE,
        [(7, 'id = "loss" is taken by the rule in line 2')],
    ),
    "unknown rule type": (
        A_RULE.replace("daily_loss_limit", "dayly_loss_limit"),
        [(3, 'type = "dayly_loss_limit": no such rule; did you mean `daily_loss_limit`?')],
    ),
    "unknown type does not hide the shared keys": (
        '[[rules]]\ntype = "nope_nope"\nmode = "enforced"\n',
        [
            (1, "missing key `id`"),
            (2, 'type = "nope_nope": no such rule'),
            (3, 'mode = "enforced": expected one of enforce, shadow, off'),
        ],
    ),
    "missing rule type": (A_RULE.replace('type = "daily_loss_limit"', ""), [(1, "missing key")]),
    "bad cron expression": (
        '[session]\ndaily_reset = "0 25 * * *"\n' + A_RULE,
        [
            (
                2,
                'session.daily_reset = "0 25 * * *": `25` is no hour; write minute hour day',
            )
        ],
    ),
    "cron expression of words": (
        '[session]\nweekly_reset = "0 17 * * sunday"\n' + A_RULE,
        [(2, "`sunday` is no weekday; write")],
    ),
    "cron expression with seconds": (
        '[session]\nweekly_reset = "0 17 * * SUN 30"\n' + A_RULE,
        [
            (
                2,
                "expected 5 parts, found 6; write minute hour day month weekday, such as `0",
            )
        ],
    ),
    "cron expression that never comes": (
        '[session]\ndaily_reset = "0 0 31 2 *"\n' + A_RULE,
        [(2, "there is no such date; write")],
    ),
    "random cron expression": (
        '[session]\ndaily_reset = "R 17 * * *"\n' + A_RULE,
        [(2, "random")],
    ),
    "unknown time zone": (
        '[session]\ntimezone = "America/Chicgo"\n' + A_RULE,
        [(2, "no such time zone; did you mean `America/Chicago`?")],
    ),
    "time zone in small letters": (
        '[session]\ntimezone = "america/chicago2"\n' + A_RULE,
        [(2, "did you mean `America/Chicago`?")],
    ),
    "unknown table": (
        "[sesion]\n" + A_RULE,
        [(1, "unknown key `sesion`; did you mean `session`?")],
    ),
    "session is no table": (
        "session = 5\n" + A_RULE,
        [(1, "session: expected a table")],
    ),
    "rules is no list of tables": ("rules = 5\n", [(1, "expected tables, each written")]),
    "no rule at all": ("[session]\n", [(None, "no rule is set")]),
    "quote left out": (
        A_RULE + 'mode = "enforce\nwarn_at = [0.5]\n',
        [(5, "not valid TOML: the text is not closed with a quote")],
    ),
    "quote left out in the last line": (
        A_RULE + 'mode = "enforce',
        [(5, "not valid TOML: here or further up, the text is not closed with a quote")],
    ),
    "single quote left out": (
        A_RULE + "mode = 'enforce\nwarn_at = [0.5]\n",
        [(6, "not valid TOML: here or further up, the text is not closed with a quote")],
    ),
    "TOML syntax": (A_RULE + "mode = enforce\n", [(5, "not valid TOML: invalid value")]),
    "TOML syntax at the end": (A_RULE + "warn_at = [0.5", [(5, "not valid TOML")]),
    "key given twice": (A_RULE + "limit_usd = 6.0\n", [(5, "not valid TOML")]),
}

APP_ERRORS = {
    "unknown table": ("[gatway]\n", [(1, "unknown key `gatway`; did you mean `gateway`?")]),
    "unknown key": (
        "[web]\nprot = 1\n",
        [(2, "unknown key `prot`; did you mean `port`?")],
    ),
    "wrong type": ('armed = "yes"\n', [(1, 'armed = "yes": expected true or false')]),
    "value where a table belongs": ("web = 5\n", [(1, "web = 5: expected a table")]),
    "port out of range": (
        "[web]\nport = 70000\n",
        [(2, "web.port = 70000: expected a whole number <= 65535")],
    ),
    "host that others reach": (
        '[web]\nhost = "0.0.0.0"\n',
        [(2, 'web.host = "0.0.0.0": only this machine may be served')],
    ),
    "unknown trader": (
        '[simulator]\ntrader = "titled"\n',
        [(2, "expected one of none, calm, overtrading, tilted; did you mean `tilted`?")],
    ),
    "inline table": (
        'log = { console_level = "LOUD", keep_files = 0 }\n',
        [
            (1, 'log.console_level = "LOUD": expected one of DEBUG, INFO, WARNING, ERROR'),
            (1, "log.keep_files = 0: expected a whole number >= 1"),
        ],
    ),
    "dotted key": (
        "\nsimulator.pace = 0\n",
        [(2, "simulator.pace = 0: expected a number > 0.0")],
    ),
}


def problems_of(directory: Path) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings(directory)
    return caught.value


def assert_reported(
    error: SettingsError, file: Path, expected: list[tuple[int | None, str]]
) -> None:
    assert [problem.line for problem in error.problems] == [line for line, _ in expected]
    for problem, (_, message) in zip(error.problems, expected, strict=True):
        assert problem.file == str(file)
        assert message in problem.message


@pytest.mark.parametrize(("text", "expected"), RISK_ERRORS.values(), ids=RISK_ERRORS)
def test_an_error_in_risk_toml_names_its_line(
    tmp_path: Path, text: str, expected: list[tuple[int | None, str]]
) -> None:
    (tmp_path / "risk.toml").write_text(text)
    assert_reported(problems_of(tmp_path), tmp_path / "risk.toml", expected)


def test_a_problem_is_told_on_one_line_that_only_shows(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(A_RULE.replace('"loss"', r'"\u001b[2Jloss\n\u009b"'))
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path)
    assert r'id = "\x1b[2Jloss\n\x9b": the text' in str(refused.value)


@pytest.mark.parametrize(("text", "expected"), APP_ERRORS.values(), ids=APP_ERRORS)
def test_an_error_in_app_toml_names_its_line(
    tmp_path: Path, text: str, expected: list[tuple[int | None, str]]
) -> None:
    (tmp_path / "risk.toml").write_text(A_RULE)
    (tmp_path / "app.toml").write_text(text)
    assert_reported(problems_of(tmp_path), tmp_path / "app.toml", expected)
    with pytest.raises(SettingsError):
        load_app_settings(tmp_path)


def test_all_errors_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(
        '[session]\ntimezone = "Mars"\ndaily_reset = "x"\nweekly_rest = "y"\n'
        + A_RULE.replace("500.0", "0")
        + 'basis = "none"\nmode = 5\n'
        + A_RULE
    )
    (tmp_path / "app.toml").write_text("armd = true\n[web]\nport = -1\nhost = 7\n")
    lines = [(Path(p.file).name, p.line) for p in problems_of(tmp_path).problems]
    risk_lines = (2, 3, 4, 8, 9, 10, 12)
    assert lines == [("risk.toml", n) for n in risk_lines] + [("app.toml", n) for n in (1, 3, 4)]


def test_a_syntax_error_in_one_file_does_not_hide_the_other(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text("[[rules]\n")
    (tmp_path / "app.toml").write_text("armd = true\n")
    assert [p.line for p in problems_of(tmp_path).problems] == [1, 1]


def test_a_missing_directory_and_a_missing_risk_toml_are_told_apart(tmp_path: Path) -> None:
    assert "`risk.toml` is missing" in str(problems_of(tmp_path))
    assert "no such directory" in str(problems_of(tmp_path / "nowhere"))


def test_a_file_that_is_not_utf8_says_so(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_bytes(A_RULE.encode() + b'mode = "\xff"\n')
    (problem,) = problems_of(tmp_path).problems
    assert (problem.line, "UTF-8" in problem.message) == (5, True)


def test_the_error_prints_one_problem_a_line(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(A_RULE.replace("500.0", "0") + "x = 1\n")
    error = problems_of(tmp_path)
    assert str(error).splitlines()[0].startswith(f"{tmp_path / 'risk.toml'}:4: limit_usd")
    assert len(str(error).splitlines()) == 2


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (
            "risk.toml",
            '[[rules]]\nid = "a"\ntype = "max_contracts"\nlimit = 1\non_rule_failure = "lock"\n',
            "unknown key `on_rule_failure`; it belongs in `[session]` of risk.toml",
        ),
        (
            "risk.toml",
            'on_rule_failure = "lock"\n[[rules]]\nid = "a"\ntype = "max_contracts"\nlimit = 1\n',
            "unknown key `on_rule_failure`; it belongs in `[session]` of risk.toml",
        ),
        (
            "app.toml",
            "brake_after_commands = 9\n",
            "unknown key `brake_after_commands`; it belongs in `[gateway]` of app.toml",
        ),
        (
            "app.toml",
            "[gateway]\narmed = true\n",
            "unknown key `armed`; it belongs in app.toml, above its tables",
        ),
    ],
)
def test_a_key_in_the_wrong_table_is_told_where_it_belongs(
    tmp_path: Path, file: str, text: str, words: str
) -> None:
    rule = '[[rules]]\nid = "a"\ntype = "max_contracts"\nlimit = 1\n'
    (tmp_path / "risk.toml").write_text(rule, encoding="utf-8")
    (tmp_path / file).write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)

    assert words in str(caught.value)
