# ruff: noqa: S608  # the statements are the test's own
"""`audit`: on a record that was written, with no daemon."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from risk_actors import messages as m
from risk_actors.cli.audit_page import elapsed
from risk_actors.cli.main import main
from risk_actors.store.record_chain import GENESIS
from risk_actors.store.schema import RECORD_TABLES, migrate, migrations, open_database
from tests.actors.facts import (
    actor_changed,
    answered,
    breach_found,
    connected,
    fill,
    ok,
    say,
    unknown,
    verdict_changed,
)
from tests.conftest import MS, NOON_NS, S
from tests.store.written import Told, a_breach, change, quiet_fill, quiet_order, write_record

YESTERDAY_NS = NOON_NS - 86_400 * S
LATER_NS = NOON_NS + 60 * S
RECORD = [
    *a_breach("quote-0", since_ns=YESTERDAY_NS),
    quiet_order(1),
    *a_breach("quote-1", lock_id=2),
    quiet_fill(2),
    *a_breach("quote-2", account_id=102, since_ns=LATER_NS, lock_id=3),
]


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)])


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_record(tmp_path, RECORD)
    return tmp_path


@pytest.fixture
def show(tmp_path: Path) -> Callable[..., str]:
    """Write rows, ask for them, and return what is shown."""

    def shown(*told: Told, arguments: tuple[str, ...] = ()) -> str:
        write_record(tmp_path, told)
        return call("--data", tmp_path, *arguments).stdout

    return shown


def test_a_chain_leads_from_the_event_to_observed_flat_with_the_times(data_dir: Path) -> None:
    shown = call("--data", data_dir, "--correlation", "quote-1").stdout

    assert shown == (
        "The whole record: 1 chain\n"
        "\n"
        "Tue 2026-11-17 12:00:00.000 CST  50K-101  quote-1  7 steps in 182.4 ms\n"
        "        +0.0 ms      (+0.0 ms)  event       quote MNQ 24940 / 24940.25\n"
        " !      +0.5 ms      (+0.5 ms)  breach      daily-loss: Day P&L -600.00 reached the limit"
        " of -500.00\n"
        "        +1.0 ms      (+0.5 ms)  command     close MNQ (#000007)\n"
        " !      +1.0 ms      (+0.0 ms)  enforcing   daily-loss: closing MNQ\n"
        " !      +3.5 ms      (+2.5 ms)  lock        account locked by daily-loss until"
        " Tue 17:00:00 CST\n"
        "       +40.0 ms     (+36.5 ms)  outcome     #000007 accepted in 39.0 ms\n"
        "      +182.4 ms    (+142.4 ms)  observed    observed flat for daily-loss after 0.182 s\n"
        "\n"
        "Not verified; --verify checks.\n"
    )


def test_without_a_day_it_is_the_latest_with_what_led_to_something(data_dir: Path) -> None:
    shown = call("--data", data_dir).stdout

    assert shown.startswith("Trading day Tue 2026-11-17: 2 chains\n")
    assert re.findall(r"quote-\d", shown) == ["quote-1", "quote-2"]
    assert "2 events that led to nothing are left out; --all shows them." in shown
    assert "bought 1 MNQ" not in shown


def test_all_shows_what_led_to_nothing_too(data_dir: Path) -> None:
    shown = call("--data", data_dir, "--all").stdout

    assert shown.startswith("Trading day Tue 2026-11-17: 4 chains\n")
    assert re.findall(r"(?:quote|order|fill)-\d", shown) == [
        "order-1",
        "quote-1",
        "fill-2",
        "quote-2",
    ]
    assert "left out" not in shown


@pytest.mark.parametrize(
    ("day", "ids"),
    [("2026-11-16", ["quote-0"]), ("2026-11-17", ["quote-1", "quote-2"]), ("2026-11-18", [])],
)
def test_a_day_is_called_by_the_date_on_which_it_ends(
    data_dir: Path, day: str, ids: list[str]
) -> None:
    assert re.findall(r"quote-\d", call("--data", data_dir, "--day", day).stdout) == ids


@pytest.mark.parametrize("account", ["50K-102", "50k-102", "102"])
def test_an_account_goes_by_name_or_id(data_dir: Path, account: str) -> None:
    shown = call("--data", data_dir, "--account", account).stdout

    assert f"Trading day Tue 2026-11-17, {account}: 1 chain\n" in shown
    assert re.findall(r"quote-\d", shown) == ["quote-2"]
    assert "quote MNQ" in shown, "the event is of no account, but of the chain"


def test_an_account_that_nobody_knows_is_a_wrong_usage(data_dir: Path) -> None:
    result = call("--data", data_dir, "--account", "50K-103")

    assert result.exit_code == 2
    assert "no account 50K-103" in result.stderr
    assert "50K-101 (101), 50K-102 (102)" in result.stderr


def test_days_are_those_of_the_settings_in_force(data_dir: Path) -> None:
    session = {"timezone": "Europe/Berlin", "daily_reset": "0 0 * * *"}
    change(
        data_dir,
        f"insert into settings (id, in_force) values (1, '{json.dumps({'session': session})}')",
    )

    shown = call("--data", data_dir).stdout

    assert "Tue 2026-11-17 19:00:00.000 CET" in shown
    assert shown.startswith("Trading day Tue 2026-11-17: 2 chains\n")


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"session": {"timezone": "Mars"}}'])
def test_settings_that_cannot_be_read_leave_the_usual_days(data_dir: Path, text: str) -> None:
    change(data_dir, f"insert into settings (id, in_force) values (1, '{text}')")

    assert "12:00:00.000 CST" in call("--data", data_dir).stdout


@pytest.mark.parametrize("width", ["40", "60", "72", "100", "160"])
def test_it_fits_any_terminal(data_dir: Path, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")

    shown = re.sub(r"\x1b\[[\d;]*m", "", call("--data", data_dir, "--all").stdout)

    assert max(map(len, shown.splitlines())) <= int(width)
    assert "observed flat for daily-loss after 0.182 s" in " ".join(shown.split())


def test_what_two_accounts_share_says_whose_each_step_is(show: Callable[..., str]) -> None:
    shown = show(
        Told("decisions", breach_found(account_id=101), "a"),
        Told("decisions", breach_found(account_id=102), "b"),
        Told("decisions", breach_found(account_id=7), "c"),
    )

    assert "50K-101, 50K-102, account 7  event-1" in shown
    assert [line[44:] for line in shown.splitlines()[3:6]] == [
        "50K-101: a",
        "50K-102: b",
        "account 7: c",
    ]


def test_a_breach_told_again_after_a_restart_does_not_begin_the_chain_hours_ago(
    show: Callable[..., str],
) -> None:
    found = say(
        m.BreachFound,
        "snapshot-9",
        at_ns=NOON_NS - 3_600 * S,
        rule_id="daily-loss",
        account_id=101,
        breach=breach_found().breach,
        event=say(m.FillReported, "snapshot-9", fill=fill(1, 1)),
    )

    shown = show(Told("events", found.event, "the event"), Told("decisions", found, "why"))

    assert "2 steps in 0.0 ms" in shown


@pytest.mark.parametrize(
    ("message", "word", "is_alarming"),
    [
        (breach_found(), "breach", True),
        (answered(1), "outcome", False),
        (verdict_changed(unknown()), "unknown", True),
        (connected(rest=False), "connection", True),
        (connected(), "connection", False),
        (connected(rest=False, detail="starting"), "connection", False),
        (actor_changed("rule:a", m.ActorStatus.FAILED), "fault", True),
        (actor_changed("rule:a", m.ActorStatus.RESTARTED), "fault", False),
        (say(m.WeeklyReset, week_start_ns=0, week_end_ns=1), "reset", False),
        (say(m.TraderActed, action="disarm", accepted=False, detail=""), "trader", True),
        (
            say(
                m.EnforcementChanged,
                account_id=101,
                phase=m.EnforcementPhase.STUCK,
                cause="x",
                detail="",
            ),
            "stuck",
            True,
        ),
    ],
)
def test_each_step_has_a_word_and_alarming_ones_a_mark(
    show: Callable[..., str], message: m.Message, word: str, is_alarming: bool
) -> None:
    line = show(Told("events", message, "the sentence")).splitlines()[3]

    assert line[1] == ("!" if is_alarming else " ")
    assert line.split()[-3:] == [word, "the", "sentence"]


def test_a_row_without_a_sentence_says_what_it_is(show: Callable[..., str]) -> None:
    reset = say(m.DailyReset, day_start_ns=0, day_end_ns=1)

    assert "reset       daily reset\n" in show(Told("events", reset, ""))


def test_the_end_of_a_breach_is_told_once_and_in_words(show: Callable[..., str]) -> None:
    ended = say(m.BreachEnded, rule_id="max-contracts", account_id=101)

    shown = show(
        Told("decisions", ended, ""),
        Told(
            "decisions",
            verdict_changed(ok(), rule_id="max-contracts", account_id=101),
            "max-contracts: ok",
        ),
        Told("decisions", verdict_changed(ok(), rule_id="other", account_id=101), "other: ok"),
    )

    assert "cleared     max-contracts: no longer broken\n" in shown
    assert "max-contracts: ok" not in shown
    assert "other: ok" in shown


def test_a_verdict_that_its_breach_says_again_is_shown_once(show: Callable[..., str]) -> None:
    verdict = verdict_changed(breach_found().breach, account_id=101)

    shown = show(
        Told("decisions", verdict, "daily-loss: reached"),
        Told("decisions", breach_found(account_id=101), "daily-loss: reached"),
    )

    assert shown.count("daily-loss: reached") == 1
    assert "breach" in shown


@pytest.mark.parametrize("format_", ["text", "jsonl", "csv"])
def test_what_looks_like_a_secret_is_hidden(show: Callable[..., str], format_: str) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_"
    rejected = say(m.PayloadRejected, source="hub", detail=token, payload=token)

    shown = show(Told("events", rejected, f"told {token}"), arguments=("--format", format_))

    assert "[hidden]" in shown
    assert "eyJ" not in shown


@pytest.mark.parametrize(
    ("length_ns", "words"),
    [
        (0, "0.0 ms"),
        (1_234_567, "1.2 ms"),
        (59_999_900_000, "59,999.9 ms"),
        (60 * S, "0:01:00"),
        (3_600 * S + 5 * S, "1:00:05"),
        (-40 * MS, "-40.0 ms"),
    ],
)
def test_lengths_of_time_are_milliseconds_up_to_a_minute(length_ns: int, words: str) -> None:
    assert elapsed(length_ns) == words


# --- for other programs -------------------------------------------------------------------------


def test_json_lines_have_every_column_and_the_message(data_dir: Path) -> None:
    lines = call("--data", data_dir, "--format", "jsonl").stdout.splitlines()

    rows = [json.loads(line) for line in lines]
    assert len(rows) == 16
    assert [row["seq"] for row in rows] == list(range(8, 24))
    assert rows[2]["table"] == "decisions"
    assert rows[2]["message"]["rule_id"] == "daily-loss"
    assert len(rows[2]["hash"]) == 64


def test_csv_has_every_column_and_the_accounts_name(data_dir: Path) -> None:
    text = call("--data", data_dir, "--format", "csv", "--account", "102").stdout

    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["account"] for row in rows} == {"50K-102"}
    assert {row["table"] for row in rows} == {"decisions", "commands", "outcomes"}
    assert json.loads(rows[0]["message"])["rule_id"] == "daily-loss"


@pytest.mark.parametrize("format_", ["text", "jsonl", "csv"])
def test_a_file_gets_what_the_terminal_would(data_dir: Path, format_: str) -> None:
    file = data_dir / "out" / "audit"
    file.parent.mkdir()
    shown = call("--data", data_dir, "--format", format_).stdout

    result = call("--data", data_dir, "--format", format_, "--output", file)

    assert result.exit_code == 0, result.output
    assert file.read_text(encoding="utf-8") == shown
    assert result.stdout == ("" if format_ == "text" else f"16 rows written to {file}\n")


def test_a_file_that_cannot_be_written_is_said(data_dir: Path) -> None:
    result = call("--data", data_dir, "--output", data_dir / "none" / "audit.txt")

    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_the_daemons_own_files_are_not_written_over(data_dir: Path) -> None:
    result = call("--data", data_dir, "--output", data_dir / "risk.db")

    assert result.exit_code == 2
    assert call("--data", data_dir, "--verify").exit_code == 0


def test_json_lines_have_the_accounts_name_too(data_dir: Path) -> None:
    lines = call("--data", data_dir, "--format", "jsonl").stdout.splitlines()

    rows = [json.loads(line) for line in lines]
    assert {(row["account_id"], row["account"]) for row in rows} == {
        (None, None),
        (101, "50K-101"),
        (102, "50K-102"),
    }


# --- nothing to show ----------------------------------------------------------------------------


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    migrate(tmp_path)

    assert call("--data", tmp_path).stdout == f"Nothing is recorded yet in {tmp_path}.\n"
    assert call("--data", tmp_path, "--format", "jsonl").stdout == ""
    assert call("--data", tmp_path, "--verify").stdout == "Intact: nothing is recorded yet.\n"


@pytest.mark.parametrize("option", [(), ("--verify",)])
def test_where_there_is_no_store_it_says_so(tmp_path: Path, option: tuple[str, ...]) -> None:
    result = call("--data", tmp_path, *option)

    assert result.exit_code == 1
    assert "there is no record" in result.stderr


def test_a_file_that_is_no_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "risk.db").write_bytes(b"this is no database, and long enough to be one" * 99)

    result = call("--data", tmp_path)

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize("is_migrated", [False, True])
def test_rows_of_an_earlier_version_are_shown(tmp_path: Path, is_migrated: bool) -> None:
    database = open_database(tmp_path)
    migrations.apply(database, stop_before=migrations.pending(database)[2].name)
    for told in a_breach():
        database["journal"].insert(
            {
                "at_ns": told.message.at_ns,
                "correlation_id": told.message.correlation_id,
                "kind": type(told.message).__name__,
                "account_id": 101,
                "text": told.text,
                "message": "{}",
            }
        )
    database.close()
    if is_migrated:
        migrate(tmp_path)

    shown = call("--data", tmp_path, "--account", "101").stdout

    assert "7 steps in 182.4 ms" in shown
    assert "account 101" in shown
    verified = call("--data", tmp_path, "--verify").stdout
    assert ("7 rows of an earlier version bear no hash" in verified) is not is_migrated


# --- verifying ----------------------------------------------------------------------------------


def test_verify_says_that_all_is_whole_and_prints_the_last_hash(tmp_path: Path) -> None:
    head = write_record(tmp_path, RECORD)

    result = call("--data", tmp_path, "--verify")

    assert result.exit_code == 0
    assert result.stdout == (
        f"Intact: 23 rows, the last is 23.\nIts hash: {head}\n"
        "The table of locks is as the record tells: 3 compared.\n"
    )


def test_verify_names_the_first_lock_that_is_not_as_the_record_tells(data_dir: Path) -> None:
    change(data_dir, f"update locks set ended_ns = {LATER_NS}, ended_by = 'condition' where id = 3")

    result = call("--data", data_dir, "--verify")

    assert result.exit_code == 1
    assert result.stdout == (
        "BROKEN: lock 3 of daily-loss on account 102: the table locks says that it ended at Tue "
        "2026-11-17 12:01:00.000 CST, by condition; no lock like it ends so.\n"
        "23 rows of the record are as they were written.\n"
    )


def test_verify_names_the_first_broken_row(data_dir: Path) -> None:
    change(data_dir, "update decisions set text = 'all was well' where seq >= 9")

    result = call("--data", data_dir, "--verify")

    assert result.exit_code == 1
    assert result.stdout == (
        "BROKEN: row 10 of table decisions (Tue 2026-11-17 12:00:00.000 CST): what it says was "
        "changed after it was written.\n9 rows before it are as they were written.\n"
    )


@pytest.mark.parametrize(
    "option", [("--day", "2026-11-17"), ("--all",), ("--format", "csv"), ("--output", "x")]
)
def test_verify_stands_alone(data_dir: Path, option: tuple[str, ...]) -> None:
    assert call("--data", data_dir, "--verify", *option).exit_code == 2


@pytest.mark.parametrize("option", [("--day", "2026-13-01"), ("--format", "xml"), ("--lock", "x")])
def test_what_is_not_understood_is_a_wrong_usage(data_dir: Path, option: tuple[str, ...]) -> None:
    assert call("--data", data_dir, *option).exit_code == 2


@pytest.mark.parametrize(
    ("seq", "words"),
    [
        (0, "It begins anew: the file before was damaged.\n"),
        (23, "Rows up to 23 are not here any more: the file before was damaged.\n"),
    ],
)
def test_verify_says_why_the_record_has_no_beginning(tmp_path: Path, seq: int, words: str) -> None:
    head = write_record(tmp_path, RECORD)
    anchor = head if seq else GENESIS
    change(
        tmp_path,
        f"insert into record_anchors values ({seq}, '{anchor}', 1, 'the file before was damaged')",
        *(f"delete from {table} where seq <= {seq}" for table in RECORD_TABLES),
    )

    result = call("--data", tmp_path, "--verify")

    assert result.exit_code == 0
    assert f"Its hash: {head}\n{words}" in result.stdout
