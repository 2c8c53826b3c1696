"""The page on what is kept: every table and column there is, and queries that run."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from risk_actors.app.settings import StoreSettings
from risk_actors.store.schema import DATABASE_FILE, RECORD_TABLES
from tests.store.written import a_breach, write_record

PAGE = (Path(__file__).parents[2] / "docs" / "record.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
NOT_OURS = {"_sqlite_migrations", "sqlite_sequence", "sqlite_stat1"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    data_dir = tmp_path_factory.mktemp("data")
    write_record(data_dir, a_breach())
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection:
        yield connection


def columns_of(database: sqlite3.Connection, name: str) -> list[str]:
    return [row[1] for row in database.execute(f"pragma table_info({name})")]


def first_cells(markdown: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", markdown, re.MULTILINE)


def test_every_table_is_described_and_no_other(database: sqlite3.Connection) -> None:
    found = database.execute("select name from sqlite_master where type in ('table', 'view')")
    told = {*re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)}
    tables, _ = PAGE.split("## The record")[1].split("## Runs")[0].split("| column |")

    assert {*first_cells(tables)} == {*RECORD_TABLES, "record"}
    assert told | {*RECORD_TABLES, "record"} == {name for (name,) in found} - NOT_OURS


@pytest.mark.parametrize("name", RECORD_TABLES)
def test_the_columns_of_the_record_are_described(database: sqlite3.Connection, name: str) -> None:
    told = first_cells(PAGE.split("## The record")[1].split("| column |")[1].split("## Runs")[0])

    assert told == columns_of(database, name)
    assert ["place", *told] == columns_of(database, "record")


@pytest.mark.parametrize("name", re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE))
def test_the_columns_of_each_table_are_described(database: sqlite3.Connection, name: str) -> None:
    told = first_cells(re.split(r"^##", PAGE.split(f"### `{name}`")[1], flags=re.MULTILINE)[0])

    assert told == columns_of(database, name)


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_runs(database: sqlite3.Connection, query: str) -> None:
    assert database.execute(query).description


def test_the_queries_find_what_they_are_for(database: sqlite3.Connection) -> None:
    found = [database.execute(query).fetchall() for query in QUERIES]

    lately, chain, took, refused, without_decision, *_, broken = found
    assert len(lately) == len(chain) == 7
    assert [row[1] for row in chain][0::6] == ["events", "decisions"]
    assert chain[-1][-1] == pytest.approx(182.4)
    assert [row[-1] for row in took] == [pytest.approx(182.4)]
    assert (refused, without_decision) == ([], [])
    assert broken == [("daily-loss", 1)]


def test_the_defaults_in_the_text_are_the_codes() -> None:
    kept = StoreSettings()

    assert f"`keep_days` ({kept.keep_days})" in PAGE
    assert f"`keep_tape_days` ({kept.keep_tape_days})" in PAGE
    assert f"`tape_mb` ({kept.tape_mb})" in PAGE
