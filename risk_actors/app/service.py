"""Sets the daemon up to start at login and to come back after a fault, and takes that back.

What will be done is a list of steps, made before anything is done, so that it can be shown.
"""

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from risk_actors.app.doctor_guard import ServiceLook
from risk_actors.app.doctor_words import Unseen
from risk_actors.app.service_status import (
    LAST_LINES,
    Runner,
    Standing,
    Ways,
    read_launchd,
    read_systemd,
    read_windows,
    status_of,
)
from risk_actors.app.service_text import (
    LABEL,
    MARK,
    NAME,
    Plan,
    launchd_agent,
    systemd_unit,
    windows_task,
)

_RUN_WITHIN_S = 150.0
"""systemd answers once the daemon guards, and gives it two minutes for that."""
UNIT = f"{NAME}.service"
_TASK_FILE = "risk-actors-task.xml"
_PROPERTIES = "LoadState,ActiveState,SubState,Result,ExecMainStatus,NRestarts"
_MAY_RUN_ON = "if it runs, it runs on until you log out: see `risk-actors status`"
_FORGOTTEN_LATER = "systemd forgets the unit at your next login"
_ASK_WINDOWS = (
    f"(Get-ScheduledTask -TaskName '{NAME}' -ErrorAction Stop).State.ToString();"
    f" (Get-ScheduledTaskInfo -TaskName '{NAME}').LastTaskResult"
)


class ServiceError(Exception):
    """It cannot be set up or taken back; the text says why and what to do."""

    def __init__(self, text: str, done: "Sequence[Step]" = ()) -> None:
        """Take what to say, and the steps that were done before and stay done."""
        super().__init__(text)
        self.done = tuple(done)


class Write(NamedTuple):
    """A file that is written, its directory made where it is not there."""

    path: Path
    content: bytes

    def __str__(self) -> str:
        return f"write {self.path}"


class Delete(NamedTuple):
    """A file that is taken away; none there is no fault."""

    path: Path

    def __str__(self) -> str:
        return f"delete {self.path}"


class Run(NamedTuple):
    """A command of the system's."""

    words: tuple[str, ...]
    may_fail: bool = False
    """Whether its failure is none: what it ends may have ended already."""
    means: str = ""
    """What such a failure means for the trader, where it means anything."""

    def __str__(self) -> str:
        return f"run {subprocess.list2cmdline(self.words)}"


type Step = Write | Delete | Run


class Manager(NamedTuple):
    """What starts programs on this system."""

    kind: str
    """For people."""
    file: Path
    """Where our text stands while it is installed."""
    program: str
    """What has to be there to talk to it."""
    encoding: str
    render: Callable[[Plan], bytes]
    after_write: tuple[Run, ...]
    before_delete: tuple[Run, ...]
    after_delete: tuple[Run, ...]
    ways: Ways
    """To ask how it is."""
    hint: str
    """What is good to know after an install."""


def manager_of(
    system: str, home: Path, environment: Mapping[str, str], user_id: int, user: str
) -> Manager:
    """Return what starts programs on a system.

    Raises:
        ServiceError: no way is known there.
    """
    if system.startswith("linux"):
        return _systemd(home, environment)
    if system == "darwin":
        return _launchd(home, user_id)
    if system == "win32":
        return _scheduler(home, environment, user)
    raise ServiceError(f"no way is known to start a program at login on {system}")


def _systemd(home: Path, environment: Mapping[str, str]) -> Manager:
    config = environment.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config and Path(config).is_absolute() else home / ".config"
    tell = ("systemctl", "--user")
    return Manager(
        kind="systemd user unit",
        file=base / "systemd" / "user" / UNIT,
        program="systemctl",
        encoding="utf-8",
        render=lambda plan: systemd_unit(plan).encode(),
        after_write=(
            Run((*tell, "daemon-reload")),
            Run((*tell, "enable", UNIT)),
            # Not `enable --now`: what runs already would go on with the text before.
            Run((*tell, "restart", UNIT)),
        ),
        before_delete=(Run((*tell, "disable", "--now", UNIT), may_fail=True, means=_MAY_RUN_ON),),
        after_delete=(Run((*tell, "daemon-reload"), may_fail=True, means=_FORGOTTEN_LATER),),
        ways=Ways(
            (*tell, "show", UNIT, f"--property={_PROPERTIES}"),
            read_systemd,
            tells=(
                *("journalctl", "--user", "-u", NAME, "-n", str(LAST_LINES)),
                *("--no-pager", "-o", "cat"),
            ),
        ),
        hint=(
            f"Its log: journalctl --user -u {NAME} -f. To have it run while you are not logged in:"
            ' loginctl enable-linger "$USER"'
        ),
    )


def _launchd(home: Path, user_id: int) -> Manager:
    file = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    errors = home / "Library" / "Logs" / f"{LABEL}.log"
    domain = f"gui/{user_id}"
    return Manager(
        kind="launchd agent",
        file=file,
        program="launchctl",
        encoding="utf-8",
        render=lambda plan: launchd_agent(plan, errors),
        after_write=(
            Run(("launchctl", "bootout", f"{domain}/{LABEL}"), may_fail=True),
            Run(("launchctl", "bootstrap", domain, str(file))),
        ),
        before_delete=(Run(("launchctl", "bootout", f"{domain}/{LABEL}"), may_fail=True),),
        after_delete=(),
        ways=Ways(
            ("launchctl", "print", f"{domain}/{LABEL}"),
            read_launchd,
            absent=Standing(False, "not loaded"),
            log=errors,
        ),
        hint="A closed lid sleeps, and asleep it guards nothing.",
    )


def _scheduler(home: Path, environment: Mapping[str, str], user: str) -> Manager:
    kept = environment.get("LOCALAPPDATA", "")
    base = Path(kept) if kept else home / "AppData" / "Local"
    file = base / "risk-actors" / _TASK_FILE
    domain = environment.get("USERDOMAIN", "")
    whose = f"{domain}\\{user}" if domain else user
    return Manager(
        kind="scheduled task",
        file=file,
        program="schtasks",
        encoding="utf-16",
        render=lambda plan: windows_task(plan, whose).encode("utf-16"),
        after_write=(
            Run(("schtasks", "/Create", "/TN", NAME, "/XML", str(file), "/F")),
            Run(("schtasks", "/Run", "/TN", NAME)),
        ),
        before_delete=(
            Run(("schtasks", "/End", "/TN", NAME), may_fail=True),
            Run(("schtasks", "/Delete", "/TN", NAME, "/F"), may_fail=True),
        ),
        after_delete=(),
        # schtasks answers in the system's language.
        ways=Ways(
            ("powershell", "-NoProfile", "-NonInteractive", "-Command", _ASK_WINDOWS), read_windows
        ),
        hint="It is tried every minute, and starts when it does not run.",
    )


def own_manager() -> Manager:
    """Return what starts programs on this system, for this user.

    Raises:
        ServiceError: no way is known.
    """
    user_id = os.getuid() if hasattr(os, "getuid") else 0
    return manager_of(sys.platform, Path.home(), os.environ, user_id, getpass.getuser())


def install_steps(manager: Manager, plan: Plan) -> tuple[Step, ...]:
    """Return what an install does, in order.

    Raises:
        ServiceError: somebody else's file stands in the way.
    """
    _refuse_foreign(manager)
    return (Write(manager.file, manager.render(plan)), *manager.after_write)


def remove_steps(manager: Manager) -> tuple[Step, ...]:
    """Return what undoes an install, in order; nothing where there is none.

    Raises:
        ServiceError: the file there is not ours.
    """
    if not manager.file.exists():
        return ()
    _refuse_foreign(manager)
    return (*manager.before_delete, Delete(manager.file), *manager.after_delete)


def _refuse_foreign(manager: Manager) -> None:
    try:
        text = manager.file.read_text(encoding=manager.encoding)
    except FileNotFoundError:
        return
    except (OSError, UnicodeError):
        text = ""
    if MARK not in text:
        raise ServiceError(
            f"{manager.file} is there and was not written by this command; move it away first"
        )


def run_quietly(words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command of the system's and keep what it says."""
    program = shutil.which(words[0]) or words[0]
    return subprocess.run(  # noqa: S603 - one of the commands above
        [program, *words[1:]],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_RUN_WITHIN_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def carry_out(steps: Sequence[Step], run: Runner = run_quietly) -> tuple[str, ...]:
    """Do the steps in order; one that fails ends it.

    Returns:
        What the trader should know of steps that failed and may.

    Raises:
        ServiceError: a step failed; those before it are done, and named in the error.
    """
    notes = []
    for number, step in enumerate(steps):
        fault = _fault_of(step, run)
        if fault and isinstance(step, Run) and step.may_fail:
            notes += [f"could not {step}: {fault}; {step.means}"] if step.means else []
        elif fault:
            raise ServiceError(f"could not {step}: {fault}", steps[:number])
    return tuple(notes)


def _fault_of(step: Step, run: Runner) -> str:
    """Do a step; return why it failed, empty where it did not."""
    try:
        return _carry_out(step, run)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)


def _carry_out(step: Step, run: Runner) -> str:
    match step:
        case Write(path, content):
            path.parent.mkdir(parents=True, exist_ok=True)
            written = path.with_name(f"{path.name}.new")
            try:
                written.write_bytes(content)
                written.replace(path)
            except OSError:
                written.unlink(missing_ok=True)
                raise
        case Delete(path):
            path.unlink(missing_ok=True)
        case Run(words):
            done = run(words)
            if done.returncode != 0:
                return (done.stderr or done.stdout or "").strip() or f"code {done.returncode}"
    return ""


def look_at_service() -> ServiceLook | Unseen:
    """Look whether the daemon is set up to be started on this system."""
    try:
        manager = own_manager()
    except (ServiceError, OSError, KeyError) as error:
        return Unseen(str(error), "see yourself that something starts it: docs/watchdog.md")
    if not manager.file.exists() and shutil.which(manager.program) is None:
        return Unseen(
            f"there is no {manager.program} here", "see that something starts it: docs/watchdog.md"
        )
    return status_of(manager.kind, manager.file, manager.ways, run_quietly)
