import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from risk_actors.store.record_chain import GENESIS, HASHED, RecordColumns, row_hash
from tests.store.written import a_breach, change, write_record

ROW: RecordColumns = {
    "table": "events",
    "seq": 1,
    "at": "2026-11-17T18:00:00.000+00:00",
    "at_ns": 1_794_938_400_000_000_000,
    "run_id": 3,
    "account_id": None,
    "correlation_id": "mh3k2x9f-17",
    "kind": "FillReported",
    "text": "sold 2 MNQ — as told",
    "message": "{}",
}


def changed(**columns: Any) -> dict[str, Any]:
    return {**ROW, **columns}


def run_the_pages_program(data_dir: Path) -> subprocess.CompletedProcess[str]:
    page = (Path(__file__).parents[2] / "docs" / "record.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    return subprocess.run(
        [sys.executable, "-I", "-c", program, data_dir / "risk.db"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_hash_is_of_the_documented_bytes() -> None:
    parts = [GENESIS, *(ROW[name] for name in HASHED)]  # type: ignore[literal-required]
    spelled = "".join(
        "-," if part is None else f"{len(str(part).encode())}:{part}," for part in parts
    )

    assert row_hash(GENESIS, ROW) == sha256(spelled.encode()).hexdigest()
    assert spelled.startswith(f"64:{'0' * 64},6:events,1:1,29:2026-11-17T")
    assert "-,11:mh3k2x9f-17," in spelled


@pytest.mark.parametrize("name", HASHED)
def test_every_column_and_the_table_count(name: str) -> None:
    value = 99 if isinstance(ROW[name], int) else "other"  # type: ignore[literal-required]

    assert row_hash(GENESIS, changed(**{name: value})) != row_hash(GENESIS, ROW)


def test_the_row_before_counts() -> None:
    assert row_hash("1" * 64, ROW) != row_hash(GENESIS, ROW)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"kind": "ab", "text": "c"}, {"kind": "a", "text": "bc"}),
        ({"kind": "a,1:b", "text": ""}, {"kind": "a", "text": "1:b"}),
        ({"text": None}, {"text": ""}),
        ({"text": None}, {"text": "-"}),
        ({"text": "é"}, {"text": "é".encode().decode("latin-1")}),
        ({"run_id": 1, "at_ns": 12}, {"run_id": 11, "at_ns": 2}),
    ],
)
def test_nothing_can_be_shifted_from_one_column_to_another(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert row_hash(GENESIS, changed(**one)) != row_hash(GENESIS, changed(**other))


def test_what_the_hash_does_not_cover_does_not_matter() -> None:
    assert row_hash(GENESIS, changed(hash="anything")) == row_hash(GENESIS, ROW)


def test_a_column_that_is_missing_is_refused() -> None:
    with pytest.raises(KeyError):
        row_hash(GENESIS, {name: ROW[name] for name in HASHED[:-1]})  # type: ignore[literal-required]


def test_a_program_of_one_page_that_knows_nothing_of_ours_finds_the_same(tmp_path: Path) -> None:
    """The one that docs/record.md prints."""
    head = write_record(tmp_path, a_breach())

    done = run_the_pages_program(tmp_path)

    assert done.stdout == f"7 rows follow from one another; the last hash is {head}\n", done.stderr


def test_that_program_finds_a_change(tmp_path: Path) -> None:
    write_record(tmp_path, a_breach())
    change(tmp_path, "update commands set text = 'nothing' where seq = 3")

    done = run_the_pages_program(tmp_path)

    assert done.returncode == 1
    assert done.stderr == "row 3 is not as it was written\n"
