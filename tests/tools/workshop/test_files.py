"""Files are replaced as a whole, and trouble with them is told in words."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from workshop.files import FileError, read_json, stamp, write_json


@pytest.mark.parametrize("value", [{}, {"a": [1, 2.5, None, "ä"]}, [], "text"])
def test_what_is_written_is_read_again(tmp_path: Path, value: Any) -> None:
    file = tmp_path / "new" / "directory" / "value.json"

    write_json(file, {"older": True})
    write_json(file, value)

    assert read_json(file) == value
    assert [each.name for each in file.parent.iterdir()] == ["value.json"]


@pytest.mark.parametrize("value", [object(), {"rate": float("nan")}])
def test_a_value_that_is_no_json_leaves_the_file_as_it_was(tmp_path: Path, value: Any) -> None:
    file = tmp_path / "value.json"
    write_json(file, 1)

    with pytest.raises(FileError, match=r"cannot write .*value\.json"):
        write_json(file, value)

    assert read_json(file) == 1


def test_trouble_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read .*missing\.json: No such file"):
        read_json(tmp_path / "missing.json")
    (tmp_path / "torn.json").write_text('{"half":')
    with pytest.raises(FileError, match=r"torn\.json is not JSON"):
        read_json(tmp_path / "torn.json")
    with pytest.raises(FileError, match=r"cannot write .*torn\.json"):
        write_json(tmp_path / "torn.json" / "below.json", 1)


def test_a_stamp_is_in_utc_whatever_the_zone() -> None:
    instant = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)

    assert stamp(instant) == "20261122T101500Z"
    assert stamp(instant.astimezone(timezone(timedelta(hours=-6)))) == "20261122T101500Z"
    with pytest.raises(ValueError, match="time zone"):
        stamp(instant.replace(tzinfo=None))
