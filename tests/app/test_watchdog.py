"""What watchers outside of the process are told, over a real socket and in a real file."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from core.builders import S

from risk_actors.actors.picture import Picture
from risk_actors.app.heartbeat import Heartbeat, HeartbeatFile
from risk_actors.app.sd_notify import ServiceManager
from risk_actors.app.vital_signs import (
    LOOP_ANSWERS_WITHIN_NS,
    REBUILT_WITHIN_NS,
    SLEPT_NS,
    LoopProbe,
    Signs,
    VitalSigns,
)
from risk_actors.app.watchdog import SILENT_NS, Watchdog
from risk_actors.projectx.loop_thread import LoopThread

needs_unix_sockets = pytest.mark.skipif(
    not hasattr(socket, "AF_UNIX"), reason="no systemd without unix sockets"
)


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, directory: Path, *, abstract: bool = False) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        name = f"risk-actors-test-{os.getpid()}-{id(self)}"
        self.address = f"@{name}" if abstract else str(directory / "notify")
        self._socket.bind(f"\0{name}" if abstract else self.address)

    def heard(self) -> list[str]:
        lines = []
        while True:
            try:
                lines.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return lines

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path)
    yield made
    made.close()


class Daemon:
    """What a watchdog looks at; a test makes it ill."""

    def __init__(self) -> None:
        self.problems: tuple[str, ...] = ()
        self.is_guarding = True
        self.lives = True
        self.answers = True
        self.has_thread = True

    def ping(self, answered: Callable[[], object]) -> bool:
        if self.answers:
            answered()
        return self.has_thread

    def signs(self) -> VitalSigns:
        return VitalSigns(
            Signs(
                problems=lambda: self.problems,
                is_guarding=lambda: self.is_guarding,
                ping=self.ping,
                threads={"the mender": lambda: self.lives},
            )
        )


PICTURE = Picture(version="1.0", mode="paper", armed=True, phase="armed")


class Watched:
    """A watchdog with a clock that a test moves."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.daemon = Daemon()
        self.monotonic_ns = 0
        self.file = HeartbeatFile(directory)
        self.can_be_read = True
        self.watchdog = Watchdog(
            self.daemon.signs(),
            self.picture,
            ServiceManager(environment),
            self.file,
            now_ns=lambda: 1_794_938_400 * S,
            monotonic_ns=lambda: self.monotonic_ns,
        )

    def picture(self) -> Picture:
        if not self.can_be_read:
            raise ZeroDivisionError("a rule")
        return PICTURE

    def look_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.watchdog.look()
            self.monotonic_ns += S

    def told(self) -> dict[str, object]:
        found = json.loads(self.file.path.read_text(encoding="utf-8"))
        assert isinstance(found, dict)
        return found


# --- systemd ----------------------------------------------------------------------------------


@needs_unix_sockets
@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_over_its_socket(tmp_path: Path, *, abstract: bool) -> None:
    systemd = Systemd(tmp_path, abstract=abstract)
    manager = ServiceManager({"NOTIFY_SOCKET": systemd.address})

    manager.ready()
    manager.status("paper,\narmed")
    manager.alive()
    manager.stopping()

    assert systemd.heard() == ["READY=1", "STATUS=paper, armed", "WATCHDOG=1", "STOPPING=1"]
    systemd.close()


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative/path"])
def test_where_nobody_listens_all_is_silent(address: str) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})

    manager.ready()

    assert manager.watchdog_s is None


def test_a_socket_that_is_gone_hurts_nothing(tmp_path: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


@needs_unix_sockets
@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_a_sign_of_life_is_given_where_this_process_is_asked_for_one(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": "/run/notify", **environment})

    assert manager.watchdog_s == watchdog_s


@needs_unix_sockets
def test_the_sign_of_life_comes_at_half_the_time_and_only_while_all_is_well(
    tmp_path: Path, systemd: Systemd
) -> None:
    watched = Watched(
        tmp_path, {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": str(20 * 1_000_000)}
    )
    watched.look_for(31)
    assert systemd.heard() == ["STATUS=paper, armed, phase armed", *["WATCHDOG=1"] * 4]

    watched.daemon.problems = ("enforcer was given up",)
    watched.look_for(60)
    assert systemd.heard() == ["STATUS=NOT HEALTHY: enforcer was given up"]

    watched.daemon.problems = ()
    watched.look_for(1)
    assert systemd.heard() == ["STATUS=paper, armed, phase armed", "WATCHDOG=1"]


@needs_unix_sockets
def test_a_picture_that_cannot_be_read_costs_no_sign_of_life_and_is_shown(
    tmp_path: Path, systemd: Systemd
) -> None:
    watched = Watched(
        tmp_path, {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": str(20 * 1_000_000)}
    )
    watched.look_for(1)
    systemd.heard()
    watched.can_be_read = False
    watched.look_for(20)

    assert systemd.heard() == [
        "STATUS=paper, armed, phase unknown, the picture cannot be read: ZeroDivisionError: a rule",
        *["WATCHDOG=1"] * 2,
    ]
    told = watched.told()
    assert (told["phase"], told["healthy"], told["version"]) == ("unknown", True, "1.0")


@needs_unix_sockets
def test_ready_is_said_after_the_first_look_and_the_end_at_the_end(
    tmp_path: Path, systemd: Systemd
) -> None:
    watched = Watched(tmp_path, {"NOTIFY_SOCKET": systemd.address})

    watched.watchdog.start()
    assert watched.file.path.is_file()
    watched.watchdog.stop()

    assert systemd.heard() == ["STATUS=paper, armed, phase armed", "READY=1", "STOPPING=1"]
    assert list(tmp_path.glob("heartbeat*")) == []


# --- the file ---------------------------------------------------------------------------------


def test_the_file_says_how_the_daemon_is(tmp_path: Path) -> None:
    watched = Watched(tmp_path, {})
    watched.look_for(1)
    assert watched.told() == {
        "pid": os.getpid(),
        "at": "2026-11-17T18:00:00.000+00:00",
        "version": "1.0",
        "mode": "paper",
        "armed": True,
        "phase": "armed",
        "healthy": True,
        "wrong": [],
    }

    watched.daemon.problems = ("timer is stuck",)
    watched.look_for(1)

    assert (watched.told()["healthy"], watched.told()["wrong"]) == (False, ["timer is stuck"])


@pytest.mark.parametrize("healthy", [True, False])
def test_where_it_cannot_be_written_its_time_alone_goes_on_while_all_is_well(
    tmp_path: Path, *, healthy: bool
) -> None:
    """As on a full disk: an old file would be taken for a dead daemon."""
    file = HeartbeatFile(tmp_path)
    heartbeat = Heartbeat(
        pid=1, at="", version="", mode="live", armed=True, phase="armed", healthy=healthy
    )
    file.write(heartbeat)
    os.utime(file.path, (1000, 1000))
    (tmp_path / "heartbeat.new").mkdir()

    file.write(heartbeat)

    assert (file.path.stat().st_mtime > 1000) is healthy


def test_a_directory_that_is_gone_hurts_nothing(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "gone", {})

    watched.look_for(2)
    watched.file.remove()


# --- the signs --------------------------------------------------------------------------------


def test_a_thread_that_ended_counts_when_it_is_still_missing_at_the_next_look() -> None:
    daemon = Daemon()
    signs = daemon.signs()
    daemon.lives = False
    assert signs.troubles(0) == ()

    assert signs.troubles(S) == ("the mender has ended",)


def test_after_a_sleep_all_have_one_look_to_show_themselves() -> None:
    daemon = Daemon()
    signs = daemon.signs()
    assert signs.troubles(0) == ()
    daemon.problems = ("nobody asks the actors for signs of life any more",)

    assert signs.troubles(600 * S) == ()
    assert signs.troubles(601 * S) == daemon.problems


def test_a_watchdog_that_always_comes_late_finds_what_there_is() -> None:
    daemon = Daemon()
    signs = daemon.signs()
    signs.troubles(0)
    daemon.problems = ("enforcer was given up",)

    assert [bool(signs.troubles(n * SLEPT_NS)) for n in (1, 2, 3)] == [False, True, True]


def test_being_made_anew_is_no_trouble_unless_it_lasts() -> None:
    daemon = Daemon()
    signs = daemon.signs()
    daemon.is_guarding = False

    assert signs.troubles(0) == ()
    assert signs.troubles(REBUILT_WITHIN_NS - 1) == ()
    assert signs.troubles(REBUILT_WITHIN_NS) == ("there are no actors",)
    daemon.is_guarding = True
    assert signs.troubles(REBUILT_WITHIN_NS + S) == ()


def test_a_gateway_thread_that_ended_is_found() -> None:
    daemon = Daemon()
    daemon.has_thread = False

    assert daemon.signs().troubles(0) == ("the gateway's thread has ended",)


def test_a_gateway_thread_that_does_not_answer_is_found_and_forgiven() -> None:
    """On a real loop that is kept busy."""
    thread = LoopThread("gateway")
    thread.start()
    probe = LoopProbe(thread.call)
    may_go_on, is_busy, is_free = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        is_busy.set()
        may_go_on.wait(10)

    thread.call(work)
    assert is_busy.wait(5)
    assert probe.trouble(0) is None
    assert probe.trouble(LOOP_ANSWERS_WITHIN_NS - 1) is None
    assert probe.trouble(7 * S) == "the gateway's thread has not answered for 7 s"

    may_go_on.set()
    thread.call(is_free.set)
    assert is_free.wait(5)
    assert probe.trouble(8 * S) is None
    thread.stop(5)


def test_who_asks_is_told_what_the_last_look_found(tmp_path: Path) -> None:
    watched = Watched(tmp_path, {})
    assert watched.watchdog.wrong() == (), "nobody has looked yet"
    watched.look_for(2)
    assert watched.watchdog.wrong() == ()
    watched.daemon.problems = ("timer has handled nothing for 12 s",)
    watched.look_for(1)
    assert watched.watchdog.wrong() == ("timer has handled nothing for 12 s",)
    watched.daemon.problems = ()
    watched.look_for(1)
    assert watched.watchdog.wrong() == ()


def test_a_watchdog_that_looks_no_more_is_itself_what_is_wrong(tmp_path: Path) -> None:
    """A disk that hangs holds it in the heartbeat file, and nobody knows how the rest is."""
    watched = Watched(tmp_path, {})
    watched.look_for(1)
    watched.monotonic_ns += SILENT_NS
    assert watched.watchdog.wrong() == ("the watchdog has not looked for 16 s",)
