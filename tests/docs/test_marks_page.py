"""The page on marks: its figures are what the tool measures, and its example is valid."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from risk_actors.app.settings_load import load_app_settings
from risk_actors.core.mark_filter import CONFIRM_NS, OUT_OF_ORDER_NS
from risk_actors.core.price_bounds import FARTHEST_SHARE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "marks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Return tools/measure_marks.py as a module."""
    spec = importlib.util.spec_from_file_location("measure_marks", ROOT / "tools/measure_marks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def between(name: str) -> str:
    return PAGE.split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->")[0]


def test_i10_the_figures_on_the_page_are_those_of_the_documented_seeds(tool: ModuleType) -> None:
    measured = tool.tables(tool.measure(tool.SEEDS, tool.FIRST_SEED))

    assert measured == between("measured")
    last = tool.FIRST_SEED + tool.SEEDS - 1
    assert f"the tables are of {tool.FIRST_SEED} to\n{last}" in PAGE


def test_i10_while_a_market_is_busy_hardly_a_bad_price_flattens(tool: ModuleType) -> None:
    """On seeds of its own; one in a hundred may have silence behind it. No true breach is missed
    at any pace."""
    found = [each for each in tool.measure(3, 7001) if each.way == "ours"]

    one_bad = [e for e in found if e.pace == "busy" and e.bad in tool.WITHIN_PROMISE]
    assert len(one_bad) > 100
    assert sum(each.result.is_false for each in one_bad) <= len(one_bad) // 100
    assert sum(each.result.is_true for each in found) > 20
    assert [each for each in found if each.result.is_missed] == []


def test_the_bounds_on_the_page_are_those_that_ship(tool: ModuleType) -> None:
    assert tool.bounds_table() == between("bounds")


def test_the_figures_in_the_text_are_the_codes() -> None:
    assert f"`confirm_ms` ({CONFIRM_NS // 1_000_000})" in PAGE
    assert OUT_OF_ORDER_NS == 5_000_000_000
    assert "more than five seconds older" in PAGE
    assert FARTHEST_SHARE * 10 == 1
    assert "up to a tenth of the price" in PAGE


def test_the_example_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "app.toml").write_text(example, encoding="utf-8")

    terms = load_app_settings(tmp_path).pnl.mark_terms()

    assert terms.confirm_ns == CONFIRM_NS
    assert (terms.own_bounds["ES"].jump_ticks, terms.own_bounds["ES"].spread_ticks) == (30, 16)


def test_the_tool_prints_its_tables() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/measure_marks.py", "--seeds", "1", "--first-seed", "3"],
        check=True,
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )

    assert "| outlier | busy | 6 |" in done.stdout
