"""What is made of pytest's results and of what it prints."""

from pathlib import Path

import pytest
from testing.child import plain
from testing.results import PartRun, Try, exit_code, read_record, split_group, status


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("\x1b[32m1 passed\x1b[0m in 1s\r\n", "1 passed in 1s\n"),
        ("\x1b]8;;file:x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("starting\rready    \r\nnext", "ready    \nnext"),
        ("\x1b[?25l\x1b[2Kdone", "done"),
    ],
)
def test_a_file_gets_what_a_terminal_shows_in_the_end(shown: str, kept: str) -> None:
    assert plain(shown) == kept


@pytest.mark.parametrize(
    ("told", "test", "group"),
    [
        ("tests/test_a.py::test_b", "tests/test_a.py::test_b", ""),
        ("tests/test_a.py::test_b@a group", "tests/test_a.py::test_b", "a group"),
        ("tests/test_a.py::test_b[x@y]", "tests/test_a.py::test_b[x@y]", ""),
        ("tests/test_a.py::test_b[x@y]@group", "tests/test_a.py::test_b[x@y]", "group"),
        ("tests@home/test_a.py::test_b", "tests@home/test_a.py::test_b", ""),
    ],
)
def test_the_group_is_no_part_of_a_tests_name(told: str, test: str, group: str) -> None:
    assert split_group(told) == (test, group)


def test_neighbours_are_of_the_same_group_in_the_same_file() -> None:
    ran = ["a.py::one", "b.py::one", "a.py::two", "a.py::lone", "a.py::three", "c.py::lone"]
    groups = dict.fromkeys(["a.py::one", "b.py::one", "a.py::two"], "browser")
    groups["a.py::three"] = "another"
    run = Try(
        command="pytest",
        exit_code=1,
        seconds=1.0,
        outcomes=dict.fromkeys(ran, "failed"),
        groups=groups,
    )

    assert run.with_neighbours(["a.py::two"]) == ["a.py::one", "a.py::two"]
    assert run.with_neighbours(["c.py::lone", "a.py::three"]) == ["a.py::three", "c.py::lone"]


def phase(when: str, outcome: str) -> str:
    return (
        f'{{"kind": "phase", "test": "t.py::t", "when": "{when}", "outcome": "{outcome}",'
        ' "seconds": 0.5, "text": "why"}\n'
    )


@pytest.mark.parametrize(
    ("call", "teardown", "outcome", "failures"),
    [
        ("passed", "passed", "passed", []),
        ("failed", "passed", "failed", ["call"]),
        ("failed", "failed", "failed", ["call", "teardown"]),
        ("passed", "failed", "error", ["teardown"]),
        ("skipped", "passed", "skipped", []),
        ("xskipped", "passed", "xfailed", []),
        ("xpassed", "passed", "xpassed", []),
    ],
)
def test_the_phases_of_a_test_make_one_outcome(
    tmp_path: Path, call: str, teardown: str, outcome: str, failures: list[str]
) -> None:
    record = tmp_path / "record"
    lines = (phase("setup", "passed"), phase("call", call), phase("teardown", teardown))
    record.write_text("".join((*lines, '{"kind": "pha')), encoding="utf-8")

    found = read_record(record)

    assert found["outcomes"] == {"t.py::t": outcome}
    assert found["durations"] == {"t.py::t": 1.5}
    assert [failure.when for failure in found["failures"]] == failures


@pytest.mark.parametrize(
    ("codes", "second", "interrupted", "code", "word"),
    [
        ((0, 0), None, False, 0, "passed"),
        ((0, 5), None, False, 0, "passed"),
        ((5, 5), None, False, 5, "nothing ran"),
        ((5, 1), None, False, 1, "failed"),
        ((4, 1), None, False, 4, "failed"),
        ((0, 1), 0, False, 0, "passed"),
        ((0, 1), 1, False, 1, "failed"),
        ((0, 2), None, True, 2, "interrupted"),
    ],
)
def test_one_exit_code_for_all_parts(
    codes: tuple[int, int], second: int | None, interrupted: bool, code: int, word: str
) -> None:
    again = None if second is None else Try(command="", exit_code=second, seconds=1)
    parts = [
        PartRun(name="a", first=Try(command="", exit_code=codes[0], seconds=1)),
        PartRun(
            name="b",
            first=Try(command="", exit_code=codes[1], seconds=1, is_interrupted=interrupted),
            second=again,
        ),
    ]

    assert exit_code(parts) == code
    assert status(code, parts) == word


def test_a_test_that_was_broken_off_has_not_passed(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.write_text(phase("setup", "passed"), encoding="utf-8")

    assert read_record(record)["outcomes"] == {"t.py::t": "unfinished"}
