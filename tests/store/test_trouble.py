"""A store that cannot be used is noticed before it is needed."""

from pathlib import Path

from risk_actors.store.schema import DATABASE_FILE, migrate, open_database
from risk_actors.store.trouble import store_trouble


def test_a_sound_store_is_no_trouble(tmp_path: Path) -> None:
    migrate(tmp_path)

    assert store_trouble(tmp_path) is None


def test_one_that_is_gone_is_said_to_be_gone_and_not_made_anew(tmp_path: Path) -> None:
    assert store_trouble(tmp_path) == "risk.db is gone"
    assert not (tmp_path / DATABASE_FILE).exists()


def test_garbage_is_trouble(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"\x00garbage" * 4096)

    assert "cannot be used" in (store_trouble(tmp_path) or "")


def test_a_missing_table_is_trouble(tmp_path: Path) -> None:
    migrate(tmp_path)
    database = open_database(tmp_path)
    database.execute("drop table locks")
    database.close()

    assert "locks" in (store_trouble(tmp_path) or "")
