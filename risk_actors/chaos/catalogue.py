"""The chaos scenarios that come with the program, by name."""

from pathlib import Path

_DIRECTORY = Path(__file__).parent / "scenarios"


class NoSuchScenarioError(LookupError):
    """Neither a scenario of ours nor a file has that name."""


def names() -> tuple[str, ...]:
    """Return the names of all that come with the program, in order."""
    return tuple(sorted(path.stem for path in _DIRECTORY.glob("*.toml")))


def path_of(wanted: str) -> Path:
    """Return the file of a scenario by its name, or the file itself where one is named.

    Raises:
        NoSuchScenarioError: there is neither.
    """
    if wanted in names():
        return _DIRECTORY / f"{wanted}.toml"
    path = Path(wanted)
    if path.is_file():
        return path
    raise NoSuchScenarioError(
        f"no chaos scenario {wanted}; there are {', '.join(names())}, and files of your own"
    )
