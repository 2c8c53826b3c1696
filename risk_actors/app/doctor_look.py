"""The doctor's eyes on this machine: each look returns what is there, or why it cannot be seen."""

import json
import os
import platform
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import closing
from datetime import datetime
from enum import Enum, auto
from importlib import metadata
from pathlib import Path
from typing import NamedTuple
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

import msgspec

import risk_actors
from risk_actors.app.doctor_guard import DaemonLook, StoreLook
from risk_actors.app.doctor_machine import DataPlace, Packages, Port, Power, Python, Zones
from risk_actors.app.doctor_words import Unseen
from risk_actors.app.heartbeat import HEARTBEAT_FILE, Heartbeat
from risk_actors.app.instance import ADDRESS_FILE
from risk_actors.store.schema import (
    DATABASE_FILE,
    NewerStoreError,
    missing_columns,
    refuse_newer_file,
)

STORE_WITHIN_S = 15.0
_LOCKED = "run.txt"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$", re.MULTILINE)
_ASK_WITHIN_S = 5.0
_ANSWER_WITHIN_S = 2.0
_PROGRESS_STEPS = 100_000


def look_at_python() -> Python:
    """Look at the interpreter."""
    version = (sys.version_info.major, sys.version_info.minor, sys.version_info.micro)
    has_gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
    return Python(version, platform.python_implementation(), has_gil)


def locked_versions(text: str) -> dict[str, str]:
    """Return the pinned versions of a lock file that are for this machine, by name."""
    from packaging.markers import Marker  # noqa: PLC0415  # for this only

    return {
        name: version
        for name, version, marker in _PIN.findall(text)
        if not marker or Marker(marker).evaluate()
    }


def look_at_packages(package: Path | None = None) -> Packages | Unseen:
    """Look at what is installed beside this package, and which versions were tested."""
    root = (package or Path(risk_actors.__file__).parent).parent
    try:
        wanted = locked_versions((root / "requirements" / _LOCKED).read_text(encoding="utf-8"))
    except OSError:
        return Unseen(
            "the list of tested versions is only in a checkout",
            "nothing; `pip check` compares what was installed with what is asked for",
        )
    present: dict[str, str | None] = {}
    for name in wanted:
        try:
            present[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            present[name] = None
    return Packages(wanted, present)


def look_at_zones(own: str) -> Zones:
    """Look whether the exchange's zone and the settings' own are known."""
    missing = []
    for name in dict.fromkeys(("America/Chicago", own)):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            missing.append(name)
    if missing:
        return Zones(tuple(missing), None, None, "")
    summer, winter = (_offset_h(month) for month in (7, 1))
    has_system = any(Path(path, "America", "Chicago").exists() for path in TZPATH)
    source = "the system's" if has_system else f"tzdata {metadata.version('tzdata')}"
    return Zones((), summer, winter, source)


def _offset_h(month: int) -> float | None:
    offset = datetime(2026, month, 1, tzinfo=ZoneInfo("America/Chicago")).utcoffset()
    return None if offset is None else offset.total_seconds() / 3_600


def look_at_data(data_dir: Path) -> DataPlace:
    """Look whether files can be made in a directory, or where it would be made; leave none."""
    there = data_dir.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    fault = None
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"doctor")
            file.flush()
    except OSError as error:
        fault = error.strerror or str(error)
    free = shutil.disk_usage(there).free
    return DataPlace(str(data_dir), data_dir.is_dir(), fault, free)


def look_at_store(data_dir: Path) -> StoreLook | Unseen:
    """Look at the store to read only, so that a daemon may run on it."""
    path = data_dir / DATABASE_FILE
    if not path.exists():
        return StoreLook(exists=False)
    size = path.stat().st_size
    if not size:
        return StoreLook(exists=True, damage="it is empty")
    until_s = time.monotonic() + STORE_WITHIN_S
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)
        ) as store:
            store.set_progress_handler(lambda: time.monotonic() > until_s, _PROGRESS_STEPS)
            refuse_newer_file(store, path)
            (found,) = store.execute("pragma quick_check(1)").fetchone()
            missing = missing_columns(store)
    except NewerStoreError as error:
        return StoreLook(exists=True, size_bytes=size, newer=str(error))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return _store_fault(size, error)
    damage = found.replace("\n", " ") if found != "ok" else None
    if damage is None and missing:
        damage = f"it has no {missing[0]}"
    return StoreLook(exists=True, size_bytes=size, damage=damage)


def _store_fault(size: int, error: Exception) -> StoreLook | Unseen:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return Unseen(
            f"it is large, and a look at all of it takes more than {STORE_WITHIN_S:g} s",
            "run `risk-actors audit --verify`, which takes its time",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unseen("another program holds it", "end that program, and look again")
    return StoreLook(exists=True, size_bytes=size, damage=str(error))


def look_at_daemon(data_dir: Path) -> DaemonLook:
    """Look for the address and the sign of life of a daemon, and whether it answers."""
    beat, age_s = _heartbeat(data_dir)
    lives = None if beat is None else _lives(beat.pid)
    address = _address(data_dir)
    if address is None:
        return DaemonLook(str(data_dir), None, False, beat, age_s, lives)
    who = _who_answers(address)
    return DaemonLook(
        str(data_dir),
        address.port,
        who is Who.OURS,
        beat,
        age_s,
        lives,
        is_another=who is Who.ANOTHER,
    )


def _lives(pid: int) -> bool | None:
    """Tell whether a process is there; None where asking would end it."""
    if sys.platform == "win32" or pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # of another user
    return True


def look_at_port(host: str, port: int, data_dir: Path) -> Port:
    """Look whether a port can be had, or is our own daemon's."""
    address = _address(data_dir)
    if address is not None and address.port == port and _who_answers(address) is Who.OURS:
        return Port(host, port, is_ours=True, fault=None)
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind) as probe:
        if sys.platform != "win32":
            # As the server does, or a port that was just given back would seem taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            return Port(host, port, is_ours=False, fault=error.strerror or str(error))
    return Port(host, port, is_ours=False, fault=None)


class _Address(NamedTuple):
    """What a daemon left: where it answers, and which run it is, None where it is an older one."""

    host: str
    port: int
    run: str | None


def _address(data_dir: Path) -> _Address | None:
    try:
        left = json.loads((data_dir / ADDRESS_FILE).read_text(encoding="utf-8"))
        return _Address(str(left.get("host", "127.0.0.1")), int(left["port"]), left.get("run"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _heartbeat(data_dir: Path) -> tuple[Heartbeat | None, float]:
    path = data_dir / HEARTBEAT_FILE
    try:
        age_s = time.time() - path.stat().st_mtime
        return msgspec.json.decode(path.read_bytes(), type=Heartbeat), age_s
    except (OSError, msgspec.MsgspecError):
        return None, 0.0


class Who(Enum):
    """Who has the port that a daemon left."""

    NOBODY = auto()
    OURS = auto()
    ANOTHER = auto()
    """Of another data directory, or no guard at all."""


def _who_answers(address: _Address) -> Who:
    """Tell who says anything at all there; no token is sent."""
    import http.client  # noqa: PLC0415

    connection = http.client.HTTPConnection(address.host, address.port, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", "/api/run")
        answer = connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return Who.NOBODY
    finally:
        connection.close()
    if address.run is None:
        return Who.OURS
    try:
        return Who.OURS if json.loads(answer)["run"] == address.run else Who.ANOTHER
    except (ValueError, KeyError, TypeError):
        return Who.ANOTHER


def look_at_power(system: str = sys.platform) -> Power | Unseen:
    """Ask the system when it falls asleep on mains."""
    todo = "see yourself that this machine does not fall asleep while it is plugged in"
    asked = _POWER.get("linux" if system.startswith("linux") else system)
    if asked is None:
        return Unseen(f"no way is known to ask {system}", todo)
    words, source, read = asked
    program = shutil.which(words[0])
    if program is None:
        return Unseen(f"there is no {words[0]} to ask", todo)
    environment = os.environ | {"LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - the system's own program
            [program, *words[1:]],
            capture_output=True,
            text=True,
            timeout=_ASK_WITHIN_S,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Unseen(f"{words[0]} does not answer ({type(error).__name__})", todo)
    after_min = read(done.stdout) if done.returncode == 0 else None
    if after_min is None:
        return Unseen(f"{words[0]} tells nothing of it", todo)
    return Power(after_min, source)


def gnome_sleep_min(text: str) -> float | None:
    """Read `gsettings list-recursively` of the power plugin: minutes, 0 never, None not there."""
    kind = re.search(r"sleep-inactive-ac-type '(\S+)'", text)
    after = re.search(r"sleep-inactive-ac-timeout (\d+)", text)
    if kind is None or after is None:
        return None
    return 0.0 if kind[1] == "nothing" else int(after[1]) / 60


def macos_sleep_min(text: str) -> float | None:
    """Read `pmset -g`: the minutes of the line `sleep`, 0 never."""
    found = re.search(r"^\s*sleep\s+(\d+)", text, re.MULTILINE)
    return float(found[1]) if found else None


def windows_sleep_min(text: str) -> float | None:
    """Read `powercfg /query`: the mains setting is the second last index, in seconds, as hex."""
    found = re.findall(r":\s*0x([0-9a-fA-F]{8})\s*$", text, re.MULTILINE)
    return int(found[-2], 16) / 60 if len(found) > 1 else None


_GNOME = "org.gnome.settings-daemon.plugins.power"
_POWER = {
    "linux": (("gsettings", "list-recursively", _GNOME), "the desktop's settings", gnome_sleep_min),
    "darwin": (("pmset", "-g"), "pmset", macos_sleep_min),
    "win32": (
        ("powercfg", "/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE"),
        "the power plan",
        windows_sleep_min,
    ),
}
