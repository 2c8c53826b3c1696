"""What a promotion is measured by: `specs/promotion.toml`, or another file given with --config."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

type Count = Annotated[int, msgspec.Meta(ge=1)]
type Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class WrongConfigError(Exception):
    """The file cannot be used; the text says why."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key that it does not have is an error."""


class TestsConfig(_Table, frozen=True, kw_only=True):
    """The stage `tests`."""

    over_sockets: bool = False
    """Whether the rule's scenarios are played over sockets, too, in real time."""


class GatesConfig(_Table, frozen=True, kw_only=True):
    """The stage `gates`: what tools/gates.py is asked for."""

    only: tuple[str, ...] = ()
    """These gates and no others; empty means all."""
    skip: tuple[str, ...] = ()
    root: str = "."
    """The checkout that is judged, from the root of this one."""


class StagingConfig(_Table, frozen=True, kw_only=True):
    """The stage `staging`."""

    scenarios: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("tests/scenarios",)
    """Directories of scenario files, from the root of the checkout; the rule's are played."""
    days: Count = 60
    """Seeded days of the soak; each is played twice, with faults and without."""
    first_seed: int = 1
    least_breaches: Annotated[int, msgspec.Meta(ge=0)] = 20
    """A soak with fewer true breaches proves too little."""
    most_false_share: Share = 0.0
    """Of the breaches that were found, so many may be false."""
    most_missed_share: Share = 0.0
    """Of the true breaches that could be seen, so many may be missed."""


class ProductionConfig(_Table, frozen=True, kw_only=True):
    """The stage `production`."""

    days: Count = 5
    """Trading days in shadow without a wrong decision."""
    least_watched_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 3600.0
    """A day counts when the guard watched the rule in shadow for so long at the least."""
    least_fills: Annotated[int, msgspec.Meta(ge=0)] = 1
    """And when so many fills were made in the accounts that it guards."""


class Config(_Table, frozen=True, kw_only=True):
    """The whole file."""

    tests: TestsConfig = TestsConfig()
    gates: GatesConfig = GatesConfig()
    staging: StagingConfig = StagingConfig()
    production: ProductionConfig = ProductionConfig()


def read_config(path: Path) -> Config:
    """Read the file.

    Raises:
        WrongConfigError: it cannot be read, or something in it makes no sense.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(raw, Config)
    except OSError as error:
        raise WrongConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise WrongConfigError(f"{path}: {error}") from error
