"""The wheel in an empty environment and an empty directory guards the simulator.

One daemon serves all of these tests, in the order in which they stand; the last one ends it.
"""

import http.client
import json
import os
import zipfile
from pathlib import Path

import pytest
from daemon_process import eventually

import risk_actors
from tests.packaging.conftest import ROOT, InstalledDaemon

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("wheel"),
]

DASHBOARD = "risk_actors/web/dashboard/"


def page(daemon: InstalledDaemon, path: str) -> tuple[int, bytes]:
    address = json.loads((daemon.data_dir / "daemon.json").read_text(encoding="utf-8"))
    connection = http.client.HTTPConnection(address["host"], address["port"], timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_it_is_the_wheel_that_runs_and_not_the_checkout(
    daemon: InstalledDaemon, environment_dir: Path
) -> None:
    place = daemon.python("import risk_actors; print(risk_actors.__file__)")
    assert Path(place).is_relative_to(environment_dir)
    said = daemon.python("from importlib.metadata import version; print(version('risk-actors'))")
    assert said == risk_actors.__version__


def test_a_breach_is_locked(daemon: InstalledDaemon) -> None:
    locks = eventually(lambda: daemon.account()["locks"], what="locked")
    assert locks[0]["rule"] in {"daily-loss", "daily-target"}
    eventually(lambda: not daemon.account()["positions"], what="flat")


def test_status_shows_the_lock(daemon: InstalledDaemon) -> None:
    done = daemon.client("status")
    assert done.returncode == 0, done.stderr
    assert "LOCKED" in done.stdout, f"{done.stdout}\n{daemon.account()}"


def test_every_part_of_the_dashboard_is_served(daemon: InstalledDaemon, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        parts = [name for name in archive.namelist() if name.startswith(DASHBOARD)]
        assert len(parts) == sum(path.is_file() for path in (ROOT / DASHBOARD).rglob("*"))
        for name in parts:
            path = name.removeprefix(DASHBOARD)
            asked = "/" if path == "index.html" else f"/static/{path}"
            assert page(daemon, asked) == (200, archive.read(name)), asked


def test_presets_are_there(daemon: InstalledDaemon, tmp_path: Path) -> None:
    own = str(tmp_path / "own")
    written = daemon.client_of("init", "--yes", "--preset", "topstep-50k", "--settings", own)
    assert written.returncode == 0, written.stderr
    checked = daemon.client_of("check", "--settings", own)
    assert checked.returncode == 0, checked.stderr


def test_doctor_finds_nothing_wrong(daemon: InstalledDaemon) -> None:
    done = daemon.client("doctor", "--paper", "--json")
    failed = [each for each in json.loads(done.stdout)["checks"] if each["state"] == "failed"]
    assert failed == []
    assert done.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM: the process is ended at once")
def test_it_ends_in_order_and_has_said_what_it_did(
    daemon: InstalledDaemon, environment_dir: Path
) -> None:
    assert daemon.terminate(15.0) == 0, daemon.output
    assert not (daemon.data_dir / "daemon.json").exists()
    assert "Traceback" not in daemon.output
    assert "guarded by the example settings" in daemon.output
    assert "risk-actors init" in daemon.output
    line = next(line for line in daemon.output.splitlines() if "To read: " in line)
    pages = Path(line.partition("To read: ")[2])
    assert pages.is_relative_to(environment_dir)
    assert {path.name for path in pages.glob("*.md")} == {
        path.name for path in (ROOT / "docs").glob("*.md")
    }
