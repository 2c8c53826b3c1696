"""Where the gates decide, what was not judged has failed."""

import json
from pathlib import Path

import pytest

from tests.tools.conftest import RunTool

pytestmark = pytest.mark.real_time


def test_a_skipped_gate_fails_where_nothing_may_be_skipped(
    run_tool: RunTool, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.gates]\nbenchmark_baseline = "old.json"\n')
    (tmp_path / "old.json").write_text('{"python": "2.7", "figures": {}}')
    told = tmp_path / "told.json"
    arguments = ("--only", "benchmark", "--root", tmp_path, "--json", told)

    usual = run_tool("gates", *arguments)
    strict = run_tool("gates", "--no-skips", *arguments)

    assert (usual.returncode, strict.returncode) == (0, 1)
    assert "== 0 passed; failed: benchmark" in strict.stdout
    (gate,) = json.loads(told.read_text())["gates"]
    assert gate["verdict"] == "failed"
    assert gate["advice"][-1] == "nothing may be skipped here (`--no-skips`)"
