"""What ships beside the code: settings to try it with, and the documentation.

Paper trading needs no settings of one's own: where nobody has made any it takes the examples. A
real account is never guarded by rules that its trader has not chosen.
"""

from pathlib import Path

import risk_actors
from risk_actors.app.settings import RunOptions, TradingMode

_PACKAGE = Path(risk_actors.__file__).parent
_INSIDE = "shipped"


def shipped(name: str, package: Path = _PACKAGE) -> Path:
    """Return a directory that ships: inside an installed package, or beside it in a checkout."""
    inside = package / _INSIDE / name
    return inside if inside.is_dir() else package.parent / name


def example_settings() -> Path:
    """Return the settings directory that ships."""
    return shipped("settings")


def documentation() -> Path:
    """Return the directory of the pages that ship."""
    return shipped("docs")


def settings_to_read(asked: Path, mode: TradingMode | None, *, is_named: bool) -> Path:
    """Return the settings directory in use: the one asked for, or the examples in its place.

    Args:
        asked: the directory, there or not.
        mode: what will be guarded; None where that is not known.
        is_named: whether the trader named the directory; then it must be there.
    """
    if is_named or mode is not TradingMode.PAPER or asked.exists():
        return asked
    return example_settings()


def uses_examples(options: RunOptions) -> bool:
    """Tell whether a run took the examples in place of the trader's own settings."""
    return not options.are_settings_named and options.settings_dir == example_settings()


ABOUT_EXAMPLES = (
    "There is no directory `settings` here: a simulated account is guarded by the example settings"
    " that ship. `risk-actors init` writes your own; then start again"
)
EXAMPLES_HINT = "example settings: `risk-actors init` writes your own"
"""The same for the foot of the screen."""
