"""What the trader says of decisions that were made in shadow: `reviewed.toml`, a small file.

`[[wrong]]` names a decision that would have flattened and should not have, `[[right]]` one that was
right although a correction of the broker came later, both by `decision` (the correlation id that
the report and `risk-actors audit` show) and `why`. `[[missed]]` says `at` and `why` of a breach
that the rule should have found.
"""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from risk_actors.core.evidence import NS_PER_S

type Text = Annotated[str, msgspec.Meta(min_length=1)]


class WrongReviewError(Exception):
    """The file cannot be used; the text says why."""


class Reviewed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of one decision."""

    decision: Text
    """Its correlation id."""
    why: Text


class Missed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A breach that nobody found."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    why: Text

    @property
    def at_ns(self) -> int:
        """Return the instant in ns of UTC."""
        return int(self.at.timestamp() * NS_PER_S)


class Review(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    wrong: tuple[Reviewed, ...] = ()
    right: tuple[Reviewed, ...] = ()
    missed: tuple[Missed, ...] = ()

    def strangers(self, decisions: set[str]) -> list[str]:
        """Return the decisions that it names and that are in no record: slips of the pen."""
        named = [each.decision for each in (*self.wrong, *self.right)]
        return [name for name in named if name not in decisions]


def read_review(path: Path) -> Review:
    """Read the file; without one nothing was reviewed.

    Raises:
        WrongReviewError: it cannot be read, or says something that makes no sense.
    """
    if not path.is_file():
        return Review()
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Review)
    except OSError as error:
        raise WrongReviewError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise WrongReviewError(f"{path}: {error}") from error
