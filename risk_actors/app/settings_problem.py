"""What is wrong with the settings, and the error that carries all of it at once."""

from collections.abc import Iterable

import msgspec

from risk_actors.app.plain_text import spelt


class Problem(msgspec.Struct, frozen=True, order=True):
    """One error in the trader's settings."""

    file: str
    """The file as the trader would open it, or `environment`."""
    line: int | None
    """Counted from 1; None where the whole file (or its absence) is meant."""
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return spelt(f"{where}: {self.message}")


class SettingsError(Exception):
    """The settings cannot be used; `problems` lists every reason, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
