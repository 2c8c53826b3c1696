"""The texts for systemd, launchd and the task scheduler: made and read back on every system."""

import os
import plistlib
import shlex
import shutil
import subprocess
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree as ET

import pytest

from risk_actors.app.service_text import (
    LABEL,
    MARK,
    Plan,
    UnfitPathError,
    launchd_agent,
    systemd_unit,
    systemd_word,
    windows_task,
)

HOMES = (
    "/home/me/risk_actors",
    "/home/my self/risk actors",
    '/home/"me"/100%/$HOME/a\\b',
    "/home/me/it's;here & <there>",
    "/home/müller/guard",
)
_VERIFIER = shutil.which("systemd-analyze")
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def plan(home: str, mode: str = "live") -> Plan:
    base = PurePosixPath(home)
    python = PurePosixPath(home.replace("$", "")) / ".venv/bin/python"
    return Plan(python, base / "settings", base / "data", base, mode)


def settings_of(unit: str) -> dict[str, str]:
    lines = [line for line in unit.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def systemd_words(command: str) -> list[str]:
    """Split a command line as systemd.service(5) says: quotes and C escapes, then % and $."""
    words = shlex.split(command)
    return [word.replace("%%", "%").replace("$$", "$") for word in words]


@pytest.mark.parametrize("home", HOMES)
def test_a_unit_runs_exactly_what_is_planned(home: str) -> None:
    unit = systemd_unit(plan(home))
    settings = settings_of(unit)

    assert tuple(systemd_words(settings["ExecStart"])) == plan(home).words
    assert settings["WorkingDirectory"].replace("%%", "%") == home
    assert settings["Type"] == "notify"
    assert settings["Restart"] == "always"
    assert settings["RestartPreventExitStatus"] == "2 4"
    assert float(settings["WatchdogSec"]) > 2
    assert MARK in unit
    assert f"# {home}/.env\n" in unit


@pytest.mark.skipif(_VERIFIER is None, reason="there is no systemd here")
@pytest.mark.parametrize("name", ["plain", "with space", "100% $HOME"])
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path, name: str) -> None:
    base = tmp_path / name
    base.mkdir()
    (tmp_path / name.replace("$", "")).mkdir(exist_ok=True)
    python = tmp_path / name.replace("$", "") / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    unit = tmp_path / "risk-actors.service"
    unit.write_text(systemd_unit(Plan(python, base / "s", base / "d", base, "paper")))
    done = subprocess.run(
        [_VERIFIER or "", "verify", "--user", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
    )
    about_it = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, about_it) == (0, []), done.stderr


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/usr/bin/python", "/usr/bin/python"),
        ("a b", '"a b"'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ('"', '"\\""'),
        ("\\", '"\\\\"'),
        ("", '""'),
        (";", '";"'),
    ],
)
def test_a_word_is_quoted_for_systemd(word: str, written: str) -> None:
    assert systemd_word(word) == written


@pytest.mark.parametrize("home", HOMES)
def test_an_agent_says_exactly_what_is_planned(home: str) -> None:
    agent = plistlib.loads(launchd_agent(plan(home), PurePosixPath(home, "errors.log")))

    assert tuple(agent["ProgramArguments"]) == plan(home).words
    assert agent["WorkingDirectory"] == home
    assert agent["StandardErrorPath"] == f"{home}/errors.log"
    assert agent["Label"] == LABEL
    assert agent["RunAtLoad"] is agent["KeepAlive"] is True
    assert agent["ThrottleInterval"] >= 30
    assert MARK in agent["Comment"]
    assert "EnvironmentVariables" not in agent


@pytest.mark.parametrize("home", [r"C:\risk_actors", r"C:\Users\My Self\r & <d>", "D:\\end\\"])
def test_a_task_runs_exactly_what_is_planned(home: str) -> None:
    base = PureWindowsPath(home)
    planned = Plan(base / "Scripts/python.exe", base / "set tings", base / "data", base, "live")
    text = windows_task(planned, "PC\\My Self")
    root = ET.fromstring(text.encode("utf-16"))  # noqa: S314 - our own text

    def at(path: str) -> str:
        found = root.findtext("/".join(TASK + part for part in path.split("/")))
        assert found is not None, path
        return found

    assert at("Actions/Exec/Command") == str(planned.python)
    assert at("Actions/Exec/Arguments") == subprocess.list2cmdline(planned.words[1:])
    assert at("Actions/Exec/WorkingDirectory") == str(base)
    assert at("Principals/Principal/UserId") == "PC\\My Self"
    assert at("Triggers/LogonTrigger/Repetition/Interval") == "PT1M"
    assert at("Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert at("Settings/ExecutionTimeLimit") == "PT0S"
    assert at("Settings/DisallowStartIfOnBatteries") == "false"
    assert at("Settings/StopIfGoingOnBatteries") == "false"
    assert MARK in at("RegistrationInfo/Description")


def test_a_program_that_systemd_would_not_find_is_refused() -> None:
    with pytest.raises(UnfitPathError, match=r"a \$"):
        systemd_unit(plan("/home/me")._replace(python=PurePosixPath("/home/$me/python")))


def test_a_line_break_cannot_smuggle_in_a_setting() -> None:
    with pytest.raises(UnfitPathError):
        systemd_unit(plan("/home/me\nExecStartPre=/bin/false"))
    with pytest.raises(UnfitPathError):
        windows_task(plan("/home/me\r\n"), "me")
