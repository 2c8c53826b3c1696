"""Where things lie in the checkout, and what of the tests is used here.

The engine that plays an example and the stage on which a scenario is played are those of the tests:
a second one could say something else. They are found once `use_tests` was called.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
RULE_TESTS = TESTS / "core" / "rules"
SCENARIOS = TESTS / "scenarios"
SPECS = ROOT / "specs"
REPORTS = ROOT / "test_reports" / "promotion"
SETTINGS = ROOT / "settings"
CONFIG = SPECS / "promotion.toml"
_ON_THE_PATH = (TESTS, TESTS / "system")
"""As pytest has them."""


def use_tests() -> None:
    """Let `conformance` and `scenario_world` be imported."""
    sys.path.extend(str(each) for each in _ON_THE_PATH if str(each) not in sys.path)


def shown(path: Path) -> str:
    """Return a path as a person in the checkout writes it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
