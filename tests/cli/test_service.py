"""`service` says what it will do before it does it, and does nothing that it did not say."""

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from risk_actors.cli.main import main
from risk_actors.core.rules.examples import example_of

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="tests/app/test_service.py has the other systems"
)
KEY = "service-test-key-2"
SYSTEMCTL = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in *" show "*) printf "{state}";; esac
exit {code}
"""
RUNS = "ActiveState=active\\n"
FAILS = "ActiveState=activating\\nSubState=auto-restart\\nResult=exit-code\\nExecMainStatus=3\\n"
JOURNAL = """#!/bin/sh
echo "gateway not reached"
"""


class Machine:
    """A home directory of its own, and a systemctl that only notes what it is told."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = base / "my guard"
        (self.place / "settings").mkdir(parents=True)
        rules = self.place / "settings" / "risk.toml"
        rules.write_text(example_of("daily_loss_limit"), encoding="utf-8")
        self.unit = base / "config" / "systemd" / "user" / "risk-actors.service"
        self._log = base / "said"
        self._program = base / "bin" / "systemctl"
        self._program.parent.mkdir()
        self.answer(0)
        journal = self._program.with_name("journalctl")
        journal.write_text(JOURNAL)
        journal.chmod(0o755)
        monkeypatch.setenv("PATH", f"{self._program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(base / "config"))
        monkeypatch.chdir(self.place)

    def answer(self, code: int, state: str = RUNS) -> None:
        self._program.write_text(SYSTEMCTL.format(log=self._log, code=code, state=state))
        self._program.chmod(0o755)

    def said(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def run(self, *arguments: str, said: str = "") -> Result:
        return CliRunner().invoke(main, ["service", *arguments], input=said)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_a_dry_run_does_nothing(machine: Machine) -> None:
    done = machine.run("install", "--dry-run")

    assert done.exit_code == 0, done.output
    assert "Would do:" in done.output
    assert f"write {machine.unit}" in done.output
    assert "run systemctl --user enable risk-actors.service" in done.output
    assert machine.said() == []
    assert not machine.unit.exists()


@pytest.mark.parametrize("said", ["", "n\n", "\n"])
def test_nothing_is_done_without_a_yes(machine: Machine, said: str) -> None:
    assert machine.run("install", said=said).exit_code == 1
    assert machine.said() == []
    assert not machine.unit.exists()


def test_install_status_and_removal(machine: Machine) -> None:
    assert machine.run("status").exit_code == 1
    assert machine.run("install", said="y\n").exit_code == 0
    unit = machine.unit.read_text()
    assert f"WorkingDirectory={machine.place}\n" in unit
    assert f'--settings "{machine.place}/settings" --data "{machine.place}/data"' in unit

    runs = machine.run("status")
    assert (runs.exit_code, "installed and running" in runs.output) == (0, True)
    machine.answer(0, FAILS)
    dead = machine.run("status")
    assert dead.exit_code == 1
    assert "does not run: FAILING: it ended with code 3" in dead.output
    assert "  gateway not reached\n" in dead.output
    machine.answer(1)
    unknown = machine.run("status")
    assert (unknown.exit_code, "whether it runs is not known" in unknown.output) == (1, True)

    machine.answer(0)
    assert machine.run("remove", "--dry-run").exit_code == 0
    assert machine.unit.exists()
    assert machine.run("remove", "--yes").exit_code == 0
    assert not machine.unit.exists()
    assert "nothing to remove" in machine.run("remove").output


def test_the_mode_is_that_of_the_file_and_never_of_this_shell(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT_X_USERNAME", "me")
    monkeypatch.setenv("PROJECT_X_API_KEY", KEY)
    shell = machine.run("install", "--dry-run")
    paper = machine.run("install", "--dry-run", "--paper")
    refused = machine.run("install", "--dry-run", "--live")
    (machine.place / ".env").write_text(f"PROJECT_X_USERNAME=me\nPROJECT_X_API_KEY={KEY}\n")
    of_file = machine.run("install", "--dry-run")

    assert (shell.exit_code, refused.exit_code) == (2, 2)
    assert "PROJECT_X_API_KEY: set here, but not in" in shell.output
    assert "in paper mode" in paper.output
    assert "in live mode" in of_file.output
    assert "--live" in of_file.output
    assert KEY not in shell.output + refused.output + of_file.output
    assert f"{machine.place}/.env" in of_file.output


def test_settings_that_are_wrong_are_not_installed(machine: Machine) -> None:
    (machine.place / "settings" / "risk.toml").write_text("")
    done = machine.run("install", "--yes")
    assert done.exit_code == 2
    assert not machine.unit.exists()


def test_somebody_elses_unit_is_left_alone(machine: Machine) -> None:
    machine.unit.parent.mkdir(parents=True)
    machine.unit.write_text("[Unit]\nDescription=mine\n")
    for command in ("install", "remove"):
        done = machine.run(command, "--yes")
        assert done.exit_code == 1
        assert "was not written by this command" in done.output
    assert machine.said() == []


def test_a_system_that_refuses_is_quoted(machine: Machine) -> None:
    machine.answer(1)
    done = machine.run("install", "--yes")
    assert done.exit_code == 1
    assert "could not run systemctl --user daemon-reload" in done.output
    assert f"Done before that, and left so:\n  write {machine.unit}\n" in done.output
    assert "`risk-actors service remove` undoes it" in done.output
    assert machine.unit.exists()

    removed = machine.run("remove", "--yes")
    assert removed.exit_code == 0
    assert not machine.unit.exists()
    assert "Note: could not run systemctl --user disable --now" in removed.output
    assert "it runs on until you log out" in removed.output
    assert f"Removed: {machine.unit} is deleted." in removed.output


def test_paper_and_live_exclude_each_other(machine: Machine) -> None:
    assert machine.run("install", "--paper", "--live").exit_code == 2
