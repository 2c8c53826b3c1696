"""The texts that tell a system to start the daemon and keep it running: pure.

None holds a credential: the daemon reads `.env` itself, from the directory it is started in.
"""

import plistlib
import subprocess
from pathlib import PurePath
from typing import NamedTuple
from xml.sax.saxutils import escape

MARK = "Written by `risk-actors service install`"
"""In every text of ours: a file without it is somebody else's, and is left alone."""
NAME = "risk-actors"
LABEL = "risk-actors.guard"
RESTART_S = 30
"""Not sooner: a login that is refused must not be repeated every few seconds for ever."""
WATCHDOG_S = 30
_START_S = 120
_STOP_S = 30


class Plan(NamedTuple):
    """What is to be run; all paths are absolute."""

    python: PurePath
    settings_dir: PurePath
    data_dir: PurePath
    work_dir: PurePath
    """What the daemon is started in: the settings' parent, where `.env` stands."""
    mode: str
    """`paper` or `live`; said outright, so that a lost key does not turn live into paper."""

    @property
    def env_file(self) -> PurePath:
        """Where the daemon finds the credentials."""
        return self.work_dir / ".env"

    @property
    def words(self) -> tuple[str, ...]:
        """The command line."""
        return (
            str(self.python),
            "-m",
            "risk_actors",
            "run",
            "--plain",
            f"--{self.mode}",
            "--settings",
            str(self.settings_dir),
            "--data",
            str(self.data_dir),
        )


class UnfitPathError(ValueError):
    """A path that cannot be written into such a text."""


def systemd_unit(plan: Plan) -> str:
    """Return the user unit; docs/watchdog.md says why it is as it is.

    Raises:
        UnfitPathError: a path has a line break, or the program's a dollar sign.
    """
    _refuse_line_breaks(plan)
    if "$" in str(plan.python):
        # It is taken as it is to find the program, and expanded in what the program is told.
        raise UnfitPathError(f"systemd cannot start a program whose path has a $: {plan.python}")
    command = " ".join(map(systemd_word, plan.words))
    return f"""# {MARK}; `risk-actors service remove` takes it away.
# Credentials are not in here: the daemon reads them from
# {plan.env_file}
[Unit]
Description=risk_actors guards the trading accounts
# Never stop trying.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
WorkingDirectory={_systemd_path(plan.work_dir)}
ExecStart={command}
WatchdogSec={WATCHDOG_S}
Restart=always
# A login that is refused (code 3) is not to be repeated every few seconds for ever.
RestartSec={RESTART_S}
# Settings that are wrong (2) and a second daemon on the same data (4) do not mend themselves.
RestartPreventExitStatus=2 4
TimeoutStartSec={_START_S}
TimeoutStopSec={_STOP_S}

[Install]
WantedBy=default.target
"""


def systemd_word(word: str) -> str:
    """Return a word of a command line for systemd: quoted where it must be, nothing expanded."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    is_plain = all(letter.isalnum() or letter in "/._-+=:,@" for letter in word)
    return word if is_plain and word else f'"{escaped}"'


def _systemd_path(path: PurePath) -> str:
    """Return a path as the value of a setting of its own, which takes quotes for letters."""
    return str(path).replace("%", "%%")


def _refuse_line_breaks(plan: Plan) -> None:
    for word in (*plan.words, str(plan.work_dir)):
        if "\n" in word or "\r" in word:
            raise UnfitPathError(f"a path with a line break cannot be written there: {word!r}")


def launchd_agent(plan: Plan, errors: PurePath) -> bytes:
    """Return the property list of a launchd agent.

    launchd cannot leave out single exit codes, so wrong settings are tried again as well.

    Args:
        plan: what is to be run.
        errors: a file, in a directory that is there, for what is said on standard error.
    """
    return plistlib.dumps(
        {
            "Comment": f"{MARK}. Credentials: {plan.env_file}, read by the daemon itself",
            "Label": LABEL,
            "ProgramArguments": list(plan.words),
            "WorkingDirectory": str(plan.work_dir),
            "RunAtLoad": True,
            # After an orderly end too: a stray `kill` must not leave the accounts unguarded.
            "KeepAlive": True,
            "ThrottleInterval": RESTART_S,
            "ExitTimeOut": _STOP_S,
            # As a background process it would be slowed down.
            "ProcessType": "Interactive",
            # The log is in the data directory; this has what is said before it is open.
            "StandardErrorPath": str(errors),
        },
        sort_keys=False,
    )


_TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{description}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
      <Repetition>
        <Interval>PT1M</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>4</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{work_dir}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def windows_task(plan: Plan, user: str) -> str:
    """Return the description of a scheduled task, for `schtasks /Create /XML` (as UTF-16).

    It is tried every minute, and ignored while the daemon runs: the task scheduler does not take
    every exit code for a failure. Priority 4 is a normal one; a task's usual 7 is below.
    """
    _refuse_line_breaks(plan)
    about = f"{MARK}. Credentials: {plan.env_file}, read by the daemon itself"
    return _TASK.format(
        description=escape(about),
        user=escape(user),
        command=escape(str(plan.python)),
        arguments=escape(subprocess.list2cmdline(plan.words[1:])),
        work_dir=escape(str(plan.work_dir)),
    )
