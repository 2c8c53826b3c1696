"""What every test may use: time that stands still, outboxes that record, and no thread left over.

Import the classes for annotations: `from tests.conftest import RecordingOutbox, eventually`.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis_profiles  # noqa: F401 - for what it sets
import pykka
import pytest

from risk_actors.messages import Message
from risk_actors.runtime.actor import Actor
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.outbox import UndeclaredSendError

MS = 1_000_000
S = 1000 * MS

NOON_NS = 1_794_938_400 * S
"""Tuesday 2026-11-17 18:00 UTC, noon in Chicago: the market is open, the day ends at 23:00 UTC."""

_OUR_THREADS = re.compile(r"\w*Actor-\d+|crew-\w+|supervisor|heartbeat|pulse")
_LOOK_EVERY_S = 0.002

_OVER_SOCKETS = frozenset({"projectx", "signalr_js", "simulator", "web"})
"""Directories whose tests talk over sockets, with deadlines that a machine too busy would break."""
_BROAD = frozenset({"conformance", "fuzz", "properties"})
"""Directories whose tests go many times over what others cover already: measured, each took three
times as long."""
_TOGETHER = _BROAD | {"system"}
"""Directories whose tests look at many parts at once, on a virtual clock too."""


for _name in ("COLUMNS", "LINES"):
    # Set in the processes of pytest-xdist: what we print would be folded to the size they name.
    os.environ.pop(_name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests for those who run them (tools/check.py): by directory, and the longest first."""
    tests = Path(__file__).parent
    for item in items:
        directory = item.path.relative_to(tests).parts[0]
        is_system = item.get_closest_marker("system") is not None
        if is_system or directory in _OVER_SOCKETS:
            item.add_marker("real_time")
        is_real_time = item.get_closest_marker("real_time") is not None
        if not is_system and (is_real_time or directory in _TOGETHER):
            item.add_marker("integration")
        if is_system or directory in _BROAD:
            item.add_marker("no_cover")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def eventually(condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """Return the first true value of a condition; fail when it stays false."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not (seen := condition()):
        assert time.monotonic() < deadline, f"not so within {timeout_s} s"
        pause.wait(_LOOK_EVERY_S)
    return seen


class RecordingOutbox:
    """Keeps what is sent; given an actor class it refuses what that class does not declare."""

    def __init__(self, actor: type[Actor] | None = None) -> None:
        self._actor = actor
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        if self._actor is not None and type(message) not in self._actor.sends:
            raise UndeclaredSendError(f"{self._actor.kind} sent {type(message).__name__}")
        self.sent.append(message)

    def of[M: Message](self, kind: type[M]) -> list[M]:
        """Return the messages of one type, in the order they were sent."""
        return [message for message in self.sent if type(message) is kind]

    def only[M: Message](self, kind: type[M]) -> M:
        """Return the one message of a type."""
        (message,) = self.of(kind)
        return message

    def clear(self) -> None:
        """Forget what was sent so far."""
        self.sent.clear()


class RecordingOverseer:
    """Keeps what actors tell about their lives."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.failed: list[tuple[str, BaseException, object | None]] = []
        self.faults: list[str] = []

    def actor_started(self, address: str) -> None:
        self.started.append(address)

    def actor_failed(self, address: str, error: BaseException, message: object | None) -> None:
        self.failed.append((address, error, message))

    def actor_fault(self, address: str, detail: str) -> None:
        self.faults.append(detail)


def _our_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if _OUR_THREADS.fullmatch(thread.name)}


@pytest.fixture(autouse=True)
def nothing_of_ours_is_left_running() -> Iterator[None]:
    """Fail the test that leaves an actor, its thread, a supervisor or a pulse behind."""
    before = _our_threads()
    registered = set(pykka.ActorRegistry.get_all())
    yield
    try:
        eventually(lambda: _our_threads() <= before, 20.0)
    except AssertionError:
        names = sorted(thread.name for thread in _our_threads() - before)
        pytest.fail(f"still running after the test: {', '.join(names)}")
    assert set(pykka.ActorRegistry.get_all()) <= registered


@pytest.fixture
def new_threads() -> Callable[[], set[str]]:
    """Name the threads that began after the test did: a fixture of the session has some, too."""
    before = set(threading.enumerate())
    return lambda: {thread.name for thread in set(threading.enumerate()) - before}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON_NS)


@pytest.fixture
def outbox() -> RecordingOutbox:
    """Records anything; for an actor's own declarations make `RecordingOutbox(ActorClass)`."""
    return RecordingOutbox()


@pytest.fixture
def overseer() -> RecordingOverseer:
    return RecordingOverseer()
