"""`make gates` as its users run it: what it says, keeps, and returns."""

import json
from pathlib import Path

import pytest

from tests.tools.conftest import RunTool
from tests.tools.quality.conftest import SIZE

pytestmark = pytest.mark.real_time


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.gates]\nsources = ["."]\ndocs = []\n')
    (tmp_path / "size.py").write_text(SIZE)
    return tmp_path


def test_it_lists_its_gates(run_tool: RunTool) -> None:
    done = run_tool("gates", "--list", "--skip", "tests")

    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == [
        *("lint", "format", "types", "imports", "complexity", "security", "secrets"),
        *("vulnerabilities", "benchmark", "docs", "coverage"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "beauty"), "there is no gate `beauty`; there are lint, format,"),
        (("--only", "lint", "--skip", "lint"), "no gate is left to judge"),
        (("--root", "/there/is/none"), "is no directory"),
        (("--beauty",), "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_told(run_tool: RunTool, arguments: tuple[str, ...], words: str) -> None:
    done = run_tool("gates", *arguments)

    assert done.returncode == 2
    assert words in done.stderr


def test_a_threshold_that_there_is_not_is_wrong_usage(run_tool: RunTool, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.gates]\ncoverage = 90\n")
    done = run_tool("gates", "--root", tmp_path, "--list")

    assert done.returncode == 2
    assert "pyproject.toml: Object contains unknown field `coverage`" in done.stderr


def test_runs_are_judged_mended_and_kept(run_tool: RunTool, project: Path) -> None:
    (project / "size.py").write_text(SIZE.replace("count > 9", "count>9"))
    told, page = project / "told.json", project / "told.html"
    files = ("--json", told, "--html", page, "--root", project)

    failed = run_tool("gates", "--only", "format,lint", *files)
    assert failed.returncode == 1
    assert "== 1 passed; failed: format" in failed.stdout
    assert "`--fix` formats them" in failed.stdout
    assert "\x1b" not in failed.stdout
    run = json.loads(told.read_text())
    assert run["verdict"] == "failed"
    assert [(gate["name"], gate["verdict"]) for gate in run["gates"]] == [
        ("lint", "passed"),
        ("format", "failed"),
    ]
    assert {"threshold", "measured", "seconds", "advice", "figures"} <= run["gates"][1].keys()

    mended = run_tool("gates", "--only", "format", "lint", "--fix", *files)
    assert mended.returncode == 0
    assert "== 2 passed (" in mended.stdout
    assert (project / "size.py").read_text() == SIZE

    kept = sorted((project / "test_reports" / "gates").glob("*.json"))
    assert len(kept) == 2
    for file in (page, project / "test_reports" / "gates" / "latest.html"):
        text = file.read_text()
        assert '<td class="good">passed</td>' in text
        assert "gates that failed: 2 runs" in text
        assert "highest 1, last 0" in text


def test_a_gate_that_cannot_be_judged_fails_and_the_others_go_on(
    run_tool: RunTool, project: Path
) -> None:
    (project / "size.py").write_text("def broken(:\n")
    done = run_tool("gates", "--only", "complexity", "docs", "--root", project)

    assert done.returncode == 1
    assert "could not be judged" in done.stdout
    assert "== 1 passed; failed: complexity" in done.stdout


def test_skipped_alone_is_no_failure_and_is_said(run_tool: RunTool, project: Path) -> None:
    baseline = {"python": "2.7", "figures": {}}
    (project / "tools" / "quality").mkdir(parents=True)
    (project / "tools" / "quality" / "baseline.json").write_text(json.dumps(baseline))
    told = project / "told.json"
    done = run_tool("gates", "--only", "benchmark", "--root", project, "--json", told)

    assert done.returncode == 0
    assert "== 0 passed; skipped, so not judged: benchmark" in done.stdout
    assert json.loads(told.read_text())["verdict"] == "skipped"


def test_the_baseline_is_what_the_measurement_says(run_tool: RunTool, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.gates]\nbenchmark = ["measure.py"]\n')
    (tmp_path / "measure.py").write_text("""print('{"an event": 2.0}')""")
    saved = run_tool("gates", "--save-baseline", "--root", tmp_path)
    judged = run_tool("gates", "--only", "benchmark", "--root", tmp_path)

    assert (saved.returncode, judged.returncode) == (0, 0)
    file = tmp_path / "tools" / "quality" / "baseline.json"
    assert json.loads(file.read_text())["figures"] == {"an event": 2.0}


def test_the_real_measurement_measures_what_our_baseline_has() -> None:
    from quality.measure import figures  # noqa: PLC0415

    root = Path(__file__).parents[2]
    baseline = json.loads((root / "tools" / "quality" / "baseline.json").read_text())

    measured = figures(rounds=1)
    assert measured.keys() == baseline["figures"].keys()
    assert all(value > 0 for value in measured.values())
