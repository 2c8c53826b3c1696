"""`audit`: which chain, lock or day is shown, and what is said when there is none."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from risk_actors import messages as m
from risk_actors.cli.main import main
from tests.actors.facts import lock, say
from tests.conftest import NOON_NS, S
from tests.store.written import Told, a_breach, quiet_fill, write_record

HELD = "Mon 2026-11-16 to Tue 2026-11-17"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, arguments)])


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    record = [
        *a_breach("quote-0", since_ns=NOON_NS - 86_400 * S),
        *a_breach("quote-1", lock_id=2),
        quiet_fill(2),
        *a_breach("quote-2", account_id=102, since_ns=NOON_NS + 60 * S, lock_id=3),
    ]
    write_record(tmp_path, record)
    return tmp_path


def test_the_chain_of_a_lock(data_dir: Path) -> None:
    shown = call("--data", data_dir, "--lock", "2").stdout

    assert shown.startswith("The whole record: 1 chain\n")
    assert re.findall(r"quote-\d", shown) == ["quote-1"]
    lines = call("--data", data_dir, "--lock", "3", "--format", "jsonl").stdout.splitlines()
    assert {json.loads(line)["correlation_id"] for line in lines} == {"quote-2"}


def test_the_chains_of_a_lock_are_of_its_begin_its_requests_and_its_end(tmp_path: Path) -> None:
    asked = m.UnlockRequested(
        correlation_id="op-1", at_ns=NOON_NS + S, account_id=101, lock_id=1, reason="calm"
    )
    ended = say(m.LocksChanged, "op-2", account_id=101, locks=(), ended=lock(1, 101))
    other = say(m.LocksChanged, "op-3", account_id=101, locks=(), ended=lock(11, 101))
    write_record(
        tmp_path,
        [
            *a_breach(),
            Told("events", asked, "asked"),
            Told("decisions", ended, "ended"),
            Told("decisions", other, "ended"),
        ],
    )

    shown = call("--data", tmp_path, "--lock", "1", "--format", "csv").stdout

    rows = csv.DictReader(io.StringIO(shown))
    assert {row["correlation_id"] for row in rows} == {"quote-1", "op-1", "op-2"}


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(data_dir: Path) -> None:
    one = call("--data", data_dir, "--correlation", "fil")
    several = call("--data", data_dir, "--correlation", "quo")

    assert "fill-2" in one.stdout
    assert several.exit_code == 1
    assert "several chains begin with quo: quote-0, quote-1, quote-2" in several.stderr


def test_the_id_itself_is_meant_where_others_begin_with_it(tmp_path: Path) -> None:
    write_record(tmp_path, [*a_breach("quote-1"), *a_breach("quote-10", lock_id=2)])

    shown = call("--data", tmp_path, "--correlation", "quote-1").stdout

    assert "quote-10" not in shown


@pytest.mark.parametrize("format_", ["text", "jsonl", "csv"])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--correlation", "nope"), "no chain nope is in the record"),
        (("--correlation", ""), "no chain  is in the record"),
        (("--correlation", "quote%"), "no chain quote% is in the record"),
        (("--lock", "99"), "no lock 99 is in the record"),
    ],
)
def test_what_is_not_in_the_record_is_said_and_no_file_made(
    data_dir: Path, option: tuple[str, str], words: str, format_: str
) -> None:
    file = data_dir.parent / "none.csv"

    result = call("--data", data_dir, *option, "--format", format_, "--output", file)

    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stdout == ""
    assert not file.exists()


def test_a_chain_and_a_lock_are_not_asked_for_at_once(data_dir: Path) -> None:
    assert call("--data", data_dir, "--correlation", "quote-1", "--lock", "1").exit_code == 2


def test_a_day_without_a_row_says_which_days_there_are(data_dir: Path) -> None:
    empty = call("--data", data_dir, "--day", "2026-11-20")
    exported = call("--data", data_dir, "--day", "2026-11-20", "--format", "csv")
    of_one = call("--data", data_dir, "--day", "2026-11-20", "--account", "102")

    words = f"Nothing is recorded for Fri 2026-11-20; the record holds {HELD}"
    assert (empty.exit_code, empty.stdout) == (0, f"{words}.\n")
    assert (exported.stdout, exported.stderr) == ("", f"{words}.\n")
    assert of_one.stdout == (
        "Nothing is recorded for Fri 2026-11-20 of 102; the record holds Tue 2026-11-17.\n"
    )


def test_today_and_yesterday_are_trading_days(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    # After 17:00 in Chicago it is the next trading day.
    for now_ns in (NOON_NS, NOON_NS + 8 * 3600 * S):
        monkeypatch.setattr("time.time_ns", lambda now_ns=now_ns: now_ns)
        shown += [
            call("--data", data_dir, "--day", word).stdout.split(":")[0]
            for word in ("today", "Yesterday")
        ]

    assert shown == [
        "Trading day Tue 2026-11-17",
        "Trading day Mon 2026-11-16",
        f"Nothing is recorded for Wed 2026-11-18; the record holds {HELD}.\n",
        "Trading day Tue 2026-11-17",
    ]


def test_a_wrong_date_is_said_with_an_example(data_dir: Path) -> None:
    result = call("--data", data_dir, "--day", "21.11.2026")

    assert result.exit_code == 2
    assert "a date such as 2026-11-21" in result.stderr
