"""Setting the daemon up and taking it back: what is done in which order, and what is left."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from risk_actors.app.doctor_guard import ServiceLook
from risk_actors.app.service import (
    Manager,
    ServiceError,
    Write,
    carry_out,
    install_steps,
    manager_of,
    remove_steps,
)
from risk_actors.app.service_status import status_of
from risk_actors.app.service_text import Plan

SYSTEMS = ("linux", "darwin", "win32")
FILES = {
    "linux": ".config/systemd/user/risk-actors.service",
    "darwin": "Library/LaunchAgents/risk-actors.guard.plist",
    "win32": "AppData/Local/risk-actors/risk-actors-task.xml",
}


class System:
    """Records the commands it is given; some of them fail."""

    def __init__(self, *failing: str, says: str = "") -> None:
        self.done: list[str] = []
        self._failing = failing
        self._says = says

    def __call__(self, words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        line = " ".join(words)
        self.done.append(line)
        code = int(any(part in line for part in self._failing))
        return subprocess.CompletedProcess(
            list(words), code, self._says, "Failed to connect to bus"
        )


RUNS = {
    "linux": "ActiveState=active\nSubState=running\n",
    "darwin": "\tstate = running\n\tpid = 7\n",
    "win32": "Running\n267009\n",
}


def status(manages: Manager, machine: System) -> ServiceLook:
    return status_of(manages.kind, manages.file, manages.ways, machine)


def manager(system: str, home: Path) -> Manager:
    return manager_of(system, home, {}, 501, "me")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    base = tmp_path / "my guard"
    return Plan(base / "python", base / "settings", base / "data", base, "paper")


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_install_and_a_removal_leave_all_as_it_was(
    tmp_path: Path, plan: Plan, system: str
) -> None:
    manages, machine = manager(system, tmp_path), System(says=RUNS[system])
    assert manages.file == tmp_path / FILES[system]
    assert not status(manages, machine).is_installed
    assert remove_steps(manages) == ()

    carry_out(install_steps(manages, plan), machine)
    assert manages.file.read_bytes() == manages.render(plan)
    assert status(manages, machine).is_active

    carry_out(remove_steps(manages), machine)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (
            "linux",
            [
                "systemctl --user daemon-reload",
                "systemctl --user enable risk-actors.service",
                "systemctl --user restart risk-actors.service",
                "systemctl --user disable --now risk-actors.service",
                "systemctl --user daemon-reload",
            ],
        ),
        (
            "darwin",
            [
                "launchctl bootout gui/501/risk-actors.guard",
                "launchctl bootstrap gui/501 {file}",
                "launchctl bootout gui/501/risk-actors.guard",
            ],
        ),
        (
            "win32",
            [
                "schtasks /Create /TN risk-actors /XML {file} /F",
                "schtasks /Run /TN risk-actors",
                "schtasks /End /TN risk-actors",
                "schtasks /Delete /TN risk-actors /F",
            ],
        ),
    ],
)
def test_what_the_system_is_told(tmp_path: Path, plan: Plan, system: str, said: list[str]) -> None:
    manages, machine = manager(system, tmp_path), System()
    carry_out(install_steps(manages, plan), machine)
    carry_out(remove_steps(manages), machine)
    assert machine.done == [line.format(file=manages.file) for line in said]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, plan: Plan, system: str) -> None:
    manages = manager(system, tmp_path)
    manages.file.parent.mkdir(parents=True)
    manages.file.write_bytes("[Unit]\nDescription=mine\n".encode(manages.encoding))
    with pytest.raises(ServiceError, match="not written by this command"):
        install_steps(manages, plan)
    with pytest.raises(ServiceError, match="not written by this command"):
        remove_steps(manages)


def test_an_install_may_be_done_again_with_another_plan(tmp_path: Path, plan: Plan) -> None:
    manages = manager("linux", tmp_path)
    carry_out(install_steps(manages, plan), System())
    carry_out(install_steps(manages, plan._replace(mode="live")), System())
    assert b"--live" in manages.file.read_bytes()


def test_a_command_that_fails_is_quoted_and_ends_it(tmp_path: Path, plan: Plan) -> None:
    machine = System("daemon-reload")
    with pytest.raises(ServiceError, match=r"run systemctl --user daemon-reload: Failed to conn"):
        carry_out(install_steps(manager("linux", tmp_path), plan), machine)
    assert machine.done == ["systemctl --user daemon-reload"]


def test_an_install_that_fails_half_way_names_what_it_leaves(tmp_path: Path, plan: Plan) -> None:
    manages = manager("linux", tmp_path)
    with pytest.raises(ServiceError) as failed:
        carry_out(install_steps(manages, plan), System("enable"))
    assert [str(step) for step in failed.value.done] == [
        f"write {manages.file}",
        "run systemctl --user daemon-reload",
    ]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_removal_goes_on_where_nobody_can_be_told(
    tmp_path: Path, plan: Plan, system: str
) -> None:
    manages = manager(system, tmp_path)
    carry_out(install_steps(manages, plan), System())
    notes = carry_out(remove_steps(manages), System("systemctl", "launchctl", "schtasks"))
    assert not manages.file.exists()
    # Elsewhere that something had ended already looks the same.
    assert len(notes) == (2 if system == "linux" else 0)
    assert all("Failed to connect to bus" in note for note in notes)


def test_a_write_that_fails_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "unit" / "in the way").mkdir(parents=True)
    with pytest.raises(ServiceError, match="could not write"):
        carry_out((Write(tmp_path / "unit", b"text"),), System())
    assert [path.name for path in tmp_path.iterdir()] == ["unit"]


def test_the_usual_directories_can_be_elsewhere(tmp_path: Path) -> None:
    linux = manager_of("linux", tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "conf")}, 1, "me")
    assert linux.file.parent == tmp_path / "conf" / "systemd" / "user"
    odd = manager_of("linux", tmp_path, {"XDG_CONFIG_HOME": "relative"}, 1, "me")
    assert odd.file == tmp_path / FILES["linux"]
    windows = manager_of("win32", tmp_path, {"USERDOMAIN": "PC"}, 0, "me")
    plan = Plan(tmp_path, tmp_path, tmp_path, tmp_path, "live")
    assert "PC\\me" in windows.render(plan).decode("utf-16")


def test_a_system_without_a_known_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="freebsd14"):
        manager("freebsd14", tmp_path)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(ServiceError, match="could not write"):
        carry_out((Write(tmp_path / "in the way" / "unit", b""),), System())
