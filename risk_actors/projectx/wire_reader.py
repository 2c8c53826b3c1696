"""The thread that reads what comes over the enforcement lane's own connections.

A thread with a selector instead of the event loop's own watch: it works alike on all systems
(asyncio on Windows cannot watch a plain socket), and a busy loop does not delay it.
"""

import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable

from loguru import logger

type Ready = Callable[[], None]
"""Called on this thread when there is something to read, or room to write."""


class WireReader:
    """Watches sockets. Other threads use `call` alone, once it is started."""

    def __init__(self, name: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._jobs: deque[Callable[[], None]] = deque()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._selector.register(self._wake_out, selectors.EVENT_READ, self._woken)
        self._thread.start()

    def call(self, job: Callable[[], None]) -> None:
        """Have a function called on the thread soon; never once it has ended."""
        self._jobs.append(job)
        try:
            self._wake_in.send(b"!")
        except BlockingIOError:
            return  # it has been woken often enough
        except OSError:
            self._jobs.clear()

    def stop(self, timeout_s: float) -> None:
        """Do what is still to be done, end the thread and join it."""
        self.call(self._end)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.error("Thread {} did not end within {} s", self._thread.name, timeout_s)

    def watch(self, sock: socket.socket, ready: Ready, *, for_room: bool = False) -> None:
        """Watch a socket, in place of how it was watched. On this thread only."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if for_room else 0)
        if sock in self._selector.get_map():
            self._selector.modify(sock, events, ready)
        else:
            self._selector.register(sock, events, ready)

    def forget(self, sock: socket.socket) -> None:
        """Watch a socket no more, before it is closed. On this thread only."""
        if sock in self._selector.get_map():
            self._selector.unregister(sock)

    def _run(self) -> None:
        try:
            while not self._is_over:
                for key, _ in self._selector.select():
                    self._do(key.data)
                while self._jobs:
                    self._do(self._jobs.popleft())
        finally:
            self._selector.close()
            self._wake_in.close()
            self._wake_out.close()

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001 -- the other connections must be read all the same
            logger.exception("An enforcement connection could not be read")

    def _woken(self) -> None:
        try:
            while self._wake_out.recv(4096):
                pass
        except BlockingIOError:
            return

    def _end(self) -> None:
        self._is_over = True
