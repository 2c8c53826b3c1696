import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk_actors.app.instance import (
    ADDRESS_FILE,
    LOCK_FILE,
    AlreadyRunningError,
    DataDirectoryError,
    Instance,
)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "new" / "data"


@pytest.fixture
def held(data_dir: Path) -> Iterator[Instance]:
    instance = Instance(data_dir)
    instance.hold()
    yield instance
    instance.release()


def test_holding_makes_the_directory(held: Instance, data_dir: Path) -> None:
    assert data_dir.is_dir()


def test_a_second_daemon_on_the_same_directory_is_refused(held: Instance, data_dir: Path) -> None:
    with pytest.raises(AlreadyRunningError, match=r"another risk-actors runs on .*--data"):
        Instance(data_dir).hold()


def test_being_refused_does_not_take_the_address_of_the_one_that_runs(
    held: Instance, data_dir: Path
) -> None:
    held.publish("127.0.0.1", 8787)

    with pytest.raises(AlreadyRunningError):
        Instance(data_dir).hold()

    assert (data_dir / ADDRESS_FILE).exists()


def test_clients_find_the_address(held: Instance, data_dir: Path) -> None:
    held.publish("127.0.0.1", 8787)

    told = json.loads((data_dir / ADDRESS_FILE).read_text(encoding="utf-8"))

    assert told == {"host": "127.0.0.1", "port": 8787, "pid": os.getpid(), "run": held.run}
    assert len(held.run) >= 16
    assert Instance(data_dir).run != held.run


def test_after_the_release_nobody_is_found_and_another_may_hold(data_dir: Path) -> None:
    first, second = Instance(data_dir), Instance(data_dir)
    first.hold()
    first.publish("127.0.0.1", 8787)

    first.release()
    second.hold()

    assert not (data_dir / ADDRESS_FILE).exists()
    second.release()


def test_an_address_that_a_killed_daemon_left_behind_is_removed(data_dir: Path) -> None:
    data_dir.mkdir(parents=True)
    (data_dir / ADDRESS_FILE).write_text("{}", encoding="utf-8")
    instance = Instance(data_dir)

    instance.hold()

    assert not (data_dir / ADDRESS_FILE).exists()
    instance.release()


@pytest.mark.parametrize("name", ["file", "file/data"])
def test_a_directory_that_cannot_be_made_is_named_with_the_reason(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(
        DataDirectoryError, match=rf"the data directory .*{name} cannot be made: \w"
    ):
        Instance(tmp_path / name).hold()


@pytest.mark.parametrize("name", [LOCK_FILE, ADDRESS_FILE])
def test_a_directory_that_cannot_be_written_is_named_with_the_reason(
    data_dir: Path, name: str
) -> None:
    (data_dir / name).mkdir(parents=True)

    with pytest.raises(
        DataDirectoryError, match=r"the data directory .*data cannot be written: \w"
    ):
        Instance(data_dir).hold()

    (data_dir / name).rmdir()
    other = Instance(data_dir)
    other.hold()
    other.release()
