"""Edited settings files are noticed, whatever way they are saved."""

import threading
from pathlib import Path

import pytest

from risk_actors.app.settings_watch import SettingsWatch, fingerprint

DEADLINE_S = 10


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "risk.toml").write_text("a = 1\n", encoding="utf-8")
    (tmp_path / "presets").mkdir()
    return tmp_path


def test_the_same_files_have_the_same_fingerprint(directory: Path) -> None:
    assert fingerprint(directory) == fingerprint(directory)


@pytest.mark.parametrize("name", ["risk.toml", "news.toml", "calendar.ics", "presets/mine.toml"])
def test_a_file_that_is_written_is_noticed(directory: Path, name: str) -> None:
    before = fingerprint(directory)

    (directory / name).write_text("a = 12\n", encoding="utf-8")

    assert fingerprint(directory) != before


def test_a_file_that_is_replaced_or_removed_is_noticed(directory: Path) -> None:
    before = fingerprint(directory)

    new = directory / "risk.toml.new"
    new.write_text("a = 12\n", encoding="utf-8")
    new.replace(directory / "risk.toml")
    replaced = fingerprint(directory)
    (directory / "risk.toml").unlink()

    assert len({before, replaced, fingerprint(directory)}) == 3


def test_other_files_are_none_of_its_business(directory: Path) -> None:
    before = fingerprint(directory)

    (directory / "notes.txt").write_text("x", encoding="utf-8")

    assert fingerprint(directory) == before


def test_a_change_is_told_once_and_again_where_taking_it_on_failed(directory: Path) -> None:
    looks: list[bool] = []
    done = threading.Event()

    def on_look(changed: bool) -> None:
        looks.append(changed)
        if looks.count(True) == 1 and changed:
            raise OSError("as when a file is being written")
        if len(looks) > 3 and looks[-1] is False:
            done.set()

    watch = SettingsWatch(directory, on_look, every_s=0.01)
    (directory / "risk.toml").write_text("a = 12\n", encoding="utf-8")
    watch.start()

    assert done.wait(DEADLINE_S)
    watch.stop()
    assert looks[:2] == [True, True]
    assert looks.count(True) == 2
