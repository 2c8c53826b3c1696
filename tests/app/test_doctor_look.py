"""The doctor's eyes: what is there is seen, nothing is left behind, nothing is changed."""

import contextlib
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from sqlite_utils import Database

from risk_actors.app import doctor_look as look
from risk_actors.app.doctor_guard import StoreLook
from risk_actors.app.doctor_machine import Packages, Power
from risk_actors.app.doctor_words import Unseen
from risk_actors.app.heartbeat import Heartbeat, HeartbeatFile
from risk_actors.store.schema import DATABASE_FILE, migrate, migrations, open_database

PMSET = """System-wide power settings:
Currently in use:
 standby              1
 disksleep            10
 sleep                {minutes} (sleep prevented by coreaudiod)
 displaysleep         5
"""
POWERCFG = """
    GUID Alias: STANDBYIDLE
      Possible Settings units: Seconds
    Current AC Power Setting Index: 0x{mains:08x}
    Current DC Power Setting Index: 0x0000012c
"""
GNOME = """org.gnome.settings-daemon.plugins.power sleep-inactive-ac-timeout 1200
org.gnome.settings-daemon.plugins.power sleep-inactive-ac-type '{kind}'
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A data directory with a store that some daemon has used."""
    migrate(tmp_path)
    return tmp_path


def test_this_machine_is_fit_to_run_the_tests_on_it() -> None:
    assert look.look_at_python().version == sys.version_info[:3]
    packages = look.look_at_packages()
    assert isinstance(packages, Packages)
    assert packages.wanted.keys() == packages.present.keys()
    assert "project-x-py" in packages.wanted
    assert look.look_at_zones("Europe/Berlin").missing == ()
    assert look.look_at_zones("Europe/Nowhere").missing == ("Europe/Nowhere",)


def test_an_installed_package_has_no_list_of_tested_versions(tmp_path: Path) -> None:
    assert isinstance(look.look_at_packages(tmp_path / "risk_actors"), Unseen)


def test_pins_for_other_systems_do_not_count() -> None:
    text = (
        "aiohttp==3.14.5 \\\n    --hash=sha256:00\n    # via x\n"
        "colorama==0.4.6 ; sys_platform == 'no-such' \\\n    --hash=sha256:00\n"
        "pycparser==3.12 ; implementation_name != 'PyPy' \\\n    --hash=sha256:00\n"
    )
    assert look.locked_versions(text) == {"aiohttp": "3.14.5", "pycparser": "3.12"}


def test_looking_at_a_data_directory_leaves_nothing_behind(tmp_path: Path) -> None:
    there, not_there = look.look_at_data(tmp_path), look.look_at_data(tmp_path / "a" / "b")

    assert there.exists
    assert not not_there.exists
    assert (there.fault, not_there.fault) == (None, None)
    assert there.free_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_directory_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert look.look_at_data(tmp_path / "data").fault is not None


def test_a_sound_store_is_sound_and_stays_as_it_is(store: Path) -> None:
    before = (store / DATABASE_FILE).read_bytes()
    seen = look.look_at_store(store)

    assert isinstance(seen, StoreLook)
    assert (seen.damage, seen.newer) == (None, None)
    assert seen.size_bytes == len(before)
    assert (store / DATABASE_FILE).read_bytes() == before


def test_a_store_that_is_not_there_or_empty_or_torn_is_told_apart(store: Path) -> None:
    path = store / DATABASE_FILE
    sound = path.read_bytes()

    path.write_bytes(sound[: len(sound) // 2])
    torn = look.look_at_store(store)
    path.write_bytes(b"")
    empty = look.look_at_store(store)
    path.unlink()

    assert isinstance(torn, StoreLook)
    assert torn.damage
    assert empty == StoreLook(exists=True, damage="it is empty")
    assert look.look_at_store(store) == StoreLook(exists=False)


def test_a_store_of_a_later_version_is_not_called_damaged(store: Path) -> None:
    with contextlib.closing(sqlite3.connect(store / DATABASE_FILE)) as database:
        table = migrations.migrations_table
        row = {"migration_set": "risk_actors", "name": "of_tomorrow", "applied_at": "now"}
        Database(database)[table].insert(row)
        database.commit()
    seen = look.look_at_store(store)

    assert isinstance(seen, StoreLook)
    assert seen.damage is None
    assert seen.newer is not None


def test_a_store_in_use_is_looked_at_all_the_same(store: Path) -> None:
    database = open_database(store)
    try:
        seen = look.look_at_store(store)
    finally:
        database.close()
    assert isinstance(seen, StoreLook)
    assert seen.damage is None


def test_a_large_store_is_not_looked_at_for_ever(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "STORE_WITHIN_S", -1.0)
    monkeypatch.setattr(look, "_PROGRESS_STEPS", 1)
    seen = look.look_at_store(store)

    assert isinstance(seen, Unseen)
    assert "large" in seen.why


def test_a_port_is_free_or_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert look.look_at_port("127.0.0.1", port, tmp_path).fault
    seen = look.look_at_port("127.0.0.1", port, tmp_path)
    assert (seen.fault, seen.is_ours) == (None, False)


def test_a_daemon_that_was_killed_has_left_an_old_sign_of_life(tmp_path: Path) -> None:
    assert look.look_at_daemon(tmp_path).heartbeat is None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    told = Heartbeat(
        pid=ended.pid, at="", version="1", mode="paper", armed=True, phase="armed", healthy=True
    )
    HeartbeatFile(tmp_path).write(told)
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # not listening, so it refuses
        port = unheard.getsockname()[1]
        left = msgspec.json.encode({"host": "127.0.0.1", "port": port, "pid": 9})
        (tmp_path / "daemon.json").write_bytes(left)
        seen = look.look_at_daemon(tmp_path)
    assert (seen.port, seen.answers, seen.heartbeat) == (port, False, told)
    assert seen.lives is (None if sys.platform == "win32" else False)
    assert 0 <= seen.age_s < 60


@pytest.mark.parametrize("text", ["", "[]", '{"port": "x"}', '{"pid": 3}'])
def test_an_address_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "daemon.json").write_text(text)
    assert look.look_at_daemon(tmp_path).port is None


@pytest.mark.parametrize(
    ("read", "text", "minutes"),
    [
        (look.macos_sleep_min, PMSET.format(minutes=10), 10),
        (look.macos_sleep_min, PMSET.format(minutes=0), 0),
        (look.macos_sleep_min, "", None),
        (look.windows_sleep_min, POWERCFG.format(mains=1_800), 30),
        (look.windows_sleep_min, POWERCFG.format(mains=0), 0),
        (look.windows_sleep_min, "no such scheme", None),
        (look.gnome_sleep_min, GNOME.format(kind="suspend"), 20),
        (look.gnome_sleep_min, GNOME.format(kind="nothing"), 0),
        (look.gnome_sleep_min, "", None),
    ],
)
def test_when_a_machine_falls_asleep_is_read(read: object, text: str, minutes: float) -> None:
    assert callable(read)
    assert read(text) == minutes


def test_a_system_that_cannot_be_asked_is_not_said_to_stay_awake() -> None:
    assert isinstance(look.look_at_power("plan9"), Unseen)
    assert isinstance(look.look_at_power(), Unseen | Power)
