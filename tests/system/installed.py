"""A daemon as `service install` sets it up: the unit's own command, with nothing of a shell's."""

import http.client
import json
import os
import shlex
import socket
import subprocess
from pathlib import Path

from daemon_process import Daemon

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/said"
"""


class InstalledDaemon(Daemon):
    """Installs the service from another directory, and starts what the unit says."""

    def __init__(self, directory: Path, *, rules: str, app: str, dotenv: dict[str, str]) -> None:
        super().__init__(directory, {}, rules=rules, app=app)
        text = "".join(f"{name}={value}\n" for name, value in dotenv.items())
        (directory / ".env").write_text(text, encoding="utf-8")
        (directory / ".env").chmod(0o600)
        self.token = ""
        self.notified: list[str] = []
        self.words: list[str] = []
        """What was started."""
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(directory / "notify"))
        self._told.setblocking(False)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._told.close()

    def install(self) -> dict[str, str]:
        """Run `service install`; return what the unit says, by name."""
        programs = self._directory / "programs"
        programs.mkdir()
        (programs / "systemctl").write_text(SYSTEMCTL)
        (programs / "systemctl").chmod(0o755)
        elsewhere = self._directory / "elsewhere"
        elsewhere.mkdir()
        shell = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(self._directory / "config"),
        }
        done = subprocess.run(
            self.command(
                *("service", "install", "--yes", "--settings", "../settings", "--data", "../data")
            ),
            cwd=elsewhere,
            env=self._environment | shell,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.output += done.stdout
        unit = self._directory / "config" / "systemd" / "user" / "risk-actors.service"
        lines = [line for line in unit.read_text().splitlines() if not line.startswith("#")]
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def start(self, *, until_armed: bool = True) -> None:
        """Start what the unit says, with what systemd gives a user's program."""
        unit = self.install()
        given = {name: os.environ[name] for name in ("HOME", "USER", "LANG") if name in os.environ}
        self.words = shlex.split(unit["ExecStart"])
        self.process = subprocess.Popen(
            self.words,
            cwd=unit["WorkingDirectory"],
            env=given
            | {
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "INVOCATION_ID": "5f0b7d1e9a3c4d2b8e6f7a1b2c3d4e5f",
                "NOTIFY_SOCKET": str(self._directory / "notify"),
                "WATCHDOG_USEC": str(int(unit["WatchdogSec"]) * 1_000_000),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def is_ready(self) -> bool:
        """Tell whether it has told systemd that it guards; fail when it has ended instead."""
        assert self.process is not None
        assert self.process.poll() is None, self.finish()
        try:
            while True:
                self.notified += self._told.recv(4096).decode().splitlines()
        except BlockingIOError:
            return "READY=1" in self.notified

    def get_text(self, path: str) -> str:
        """Return a page as text, asked for with the token."""
        address = json.loads((self.data_dir / "daemon.json").read_text(encoding="utf-8"))
        connection = http.client.HTTPConnection(address["host"], address["port"], timeout=10)
        try:
            header = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            connection.request("GET", path, headers=header)
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, object]:
        return 200, json.loads(self.get_text(path))
