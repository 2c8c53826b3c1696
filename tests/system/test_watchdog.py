"""The daemon as a process, and what it tells watchers outside of it."""

import json
import socket
from pathlib import Path

import pytest
from daemon_process import StartDaemon, eventually

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here"),
]


def test_systemd_and_the_heartbeat_file_are_told_from_the_start_to_the_end(
    tmp_path: Path, start_daemon: StartDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.setblocking(False)
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        heard: list[str] = []

        def listen() -> list[str]:
            while True:
                try:
                    heard.append(systemd.recv(4096).decode())
                except BlockingIOError:
                    return heard

        daemon = start_daemon()
        eventually(lambda: listen().count("WATCHDOG=1") >= 3, what="signs of life")
        assert daemon.process is not None
        file = daemon.data_dir / "heartbeat.json"
        told = json.loads(file.read_text(encoding="utf-8"))
        eventually(
            lambda: json.loads(file.read_text(encoding="utf-8"))["phase"] == "armed", what="armed"
        )
        assert (told["pid"], told["healthy"]) == (daemon.process.pid, True)

        assert daemon.terminate() == 0

        assert heard[0].startswith("STATUS=live, armed, phase ")
        assert "READY=1" in heard
        assert listen()[-1] == "STOPPING=1"
        assert not file.exists()
