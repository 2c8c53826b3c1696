"""What the doctor thinks of the machine: Python, packages, time zones, disk, port, power."""

from collections.abc import Mapping
from typing import NamedTuple

from risk_actors.app.doctor_words import Finding, failed, fine, warning

OLDEST_PYTHON = (3, 12)
LITTLE_DISK_BYTES = 100_000_000
"""Less, and the store soon cannot be written."""
SOME_DISK_BYTES = 1_000_000_000
"""What tape and logs of the default settings grow to, about twice."""
REINSTALL = "run `make install`, or install risk-actors anew"
_SHOWN = 4


class Python(NamedTuple):
    """The interpreter."""

    version: tuple[int, int, int]
    implementation: str
    has_gil: bool = True


def judge_python(python: Python) -> Finding:
    """Judge the interpreter."""
    name = f"{python.implementation} {'.'.join(map(str, python.version))}"
    if python.version[:2] < OLDEST_PYTHON:
        return failed(f"{name} is too old", "install Python 3.12 or newer, then `make install`")
    if python.implementation != "CPython" or not python.has_gil:
        kind = name if python.has_gil else f"{name} without its global lock"
        return warning(f"{kind} is not what this is tested with", "use an ordinary CPython")
    return fine(name)


class Packages(NamedTuple):
    """What is needed and what is there, by name."""

    wanted: Mapping[str, str]
    """The versions this was tested with."""
    present: Mapping[str, str | None]


def judge_packages(packages: Packages) -> Finding:
    """Judge the installed packages against the locked versions."""
    missing = [name for name in packages.wanted if packages.present.get(name) is None]
    if missing:
        return failed(f"{_named(missing)} not installed", REINSTALL)
    others = [
        f"{name} {packages.present[name]} (tested with {version})"
        for name, version in packages.wanted.items()
        if packages.present[name] != version
    ]
    if others:
        return warning(f"other versions than tested: {_named(others)}", REINSTALL)
    return fine(f"all {len(packages.wanted)} in the versions this was tested with")


class Zones(NamedTuple):
    """Whether the time zones that are needed can be had."""

    missing: tuple[str, ...]
    summer_h: float | None
    """Chicago's offset from UTC in July; -5 where the data is sound."""
    winter_h: float | None
    source: str


_CHICAGO_SUMMER_H, _CHICAGO_WINTER_H = -5, -6


def judge_zones(zones: Zones) -> Finding:
    """Judge the time zone data: without it no trading day can be told."""
    todo = "install the package tzdata (`pip install --upgrade tzdata`)"
    if zones.missing:
        return failed(f"no data for {_named(zones.missing)}", todo)
    if (zones.summer_h, zones.winter_h) != (_CHICAGO_SUMMER_H, _CHICAGO_WINTER_H):
        return failed("the data has Chicago's daylight saving wrong, so resets would be too", todo)
    return fine(f"Chicago and your zone are known ({zones.source})")


class DataPlace(NamedTuple):
    """The data directory."""

    path: str
    exists: bool
    fault: str | None
    """Why nothing can be written there."""
    free_bytes: int


def judge_data(place: DataPlace) -> Finding:
    """Judge whether the data directory can be written."""
    if place.fault is not None:
        return failed(
            f"{place.path} cannot be written: {place.fault}",
            "give yourself the right to write there, or choose another with --data",
        )
    if not place.exists:
        return fine(f"{place.path} is not there yet; the first start makes it")
    return fine(f"{place.path} can be written")


def judge_disk(place: DataPlace) -> Finding:
    """Judge the room that is left."""
    left = size_words(place.free_bytes)
    todo = "free some space on that disk, or move the data directory (--data)"
    if place.free_bytes < LITTLE_DISK_BYTES:
        return failed(f"only {left} free: the store soon cannot be written", todo)
    if place.free_bytes < SOME_DISK_BYTES:
        return warning(f"only {left} free; tape and logs grow to about half a gigabyte", todo)
    return fine(f"{left} free")


class Port(NamedTuple):
    """The port of the HTTP side."""

    host: str
    port: int
    is_ours: bool
    """Whether the daemon of this data directory serves on it."""
    fault: str | None
    """Why it cannot be had; None when it is free."""


def judge_port(port: Port) -> Finding:
    """Judge whether the dashboard can be served where the settings say."""
    where = f"{port.host}:{port.port}"
    if port.port == 0:
        return fine("the settings let the daemon take any free port")
    if port.is_ours:
        return fine(f"{where} is served by the daemon of this data directory")
    if port.fault is not None:
        return warning(
            f"{where} cannot be had ({port.fault}); the daemon would take another one",
            "end the program that has it, or set another `[web] port` in app.toml",
        )
    return fine(f"{where} is free")


class Power(NamedTuple):
    """When the machine falls asleep by itself, on mains."""

    after_min: float
    """0 is never."""
    source: str


def judge_power(power: Power) -> Finding:
    """Judge whether the machine stays awake: asleep it guards nothing."""
    if power.after_min > 0:
        return warning(
            f"this machine falls asleep after {power.after_min:g} min ({power.source}), and asleep"
            " it guards nothing",
            "switch automatic sleep off while it is plugged in, and leave the lid open",
        )
    return fine(f"it does not fall asleep by itself ({power.source})")


def size_words(count: int) -> str:
    """Return a number of bytes for people."""
    for unit, size in (("GB", 1_000_000_000), ("MB", 1_000_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _named(names: "list[str] | tuple[str, ...]") -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
