"""The part `lane`: from a command in the outbound actor's hand to its bytes at the broker's side.

Three ways, one after the other in turn, over warm connections to the same server in a process of
its own: `loop` hands the command to the gateway's event loop, which posts it with aiohttp; `wire`
writes it from the thread that has it; `raw` is a socket and bytes that are ready, the limit. With
and without a load of 1,000 callbacks a second on the event loop.
"""

import asyncio
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

import msgspec

from risk_actors.core.commands import CloseContract, Command
from risk_actors.projectx.budget import RequestBudget
from risk_actors.projectx.lane import EnforcementLane, Sending
from risk_actors.projectx.loop_thread import LoopThread
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.projectx.time_desk import TimeDesk
from risk_actors.projectx.wire_request import Requests, target_of

from .figures import Figure, Part, Terms, median, percentile
from .parts import ROOT, tools_environment

_SENDS, _QUICK_SENDS = 200, 20
"""Commands each way in each round."""
_WARM_UP = 10
_LOAD_EVERY_S = 0.001
_LOAD_WORK_S = 0.0001
"""About what a quote takes to be read and told."""
_LONGEST_PAUSE_S = 0.004
_ANSWER_S = 5.0
_BUDGET = 1_000_000_000
_TOKEN = "t" * 400
"""As long as the broker's."""
_WAYS = ("loop", "wire", "raw")
_LOADS = ("idle", "busy")

type Send = Callable[[Command, threading.Event], None]


class _Clock:
    def now_ns(self) -> int:
        return time.time_ns()


class _ByLoop(EnforcementLane):
    """The longer way, always."""

    def _write(self, _command: Command) -> Sending | None:
        return None


def run(terms: Terms) -> Part:
    """Measure."""
    taken: dict[str, dict[str, list[float]]] = {load: {way: [] for way in _WAYS} for load in _LOADS}
    sends = _QUICK_SENDS if terms.is_quick else _SENDS
    with _server() as port, _ways(f"http://127.0.0.1:{port}/api") as (ways, set_busy):
        _measure(ways, port, _WARM_UP)
        for _ in range(terms.rounds):
            for load in _LOADS:
                set_busy(load == "busy")
                for way, times_us in _measure(ways, port, sends).items():
                    taken[load][way] += times_us
        set_busy(False)
    return Part("lane", tuple(_figures(taken)), _detail(taken))


def _figures(taken: dict[str, dict[str, list[float]]]) -> Iterator[Figure]:
    note = "command in a foreign thread to its bytes read by a server in another process"
    for load, ways in taken.items():
        where = "loop idle" if load == "idle" else "1,000 callbacks a second on the loop"
        for word, of in (("median", median), ("p99", lambda each: percentile(each, 0.99))):
            wire, loop, raw = of(ways["wire"]), of(ways["loop"]), of(ways["raw"])
            name = f"command to wire, {load}, {word}"
            yield Figure(f"{name}, direct / by the loop", wire / loop, "x", 1.0, note=where)
            yield Figure(f"{name}, direct / bare socket", wire / raw, "x", note=where)
            yield Figure(name, wire, "us", note=note)


def _detail(taken: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    return {
        load: {
            way: {
                "count": len(times_us),
                "median_us": median(times_us),
                "p99_us": percentile(times_us, 0.99),
            }
            for way, times_us in ways.items()
        }
        for load, ways in taken.items()
    }


def _measure(ways: dict[str, Send], port: int, sends: int) -> dict[str, list[float]]:
    """Send so many commands each way, in turn, and return how long each took to arrive (us)."""
    chance = random.Random(sends)  # noqa: S311 -- so that every run is alike
    pause = threading.Event()
    sent: dict[str, tuple[str, int]] = {}
    for number in range(sends):
        for place, way in enumerate(chance.sample(_WAYS, len(_WAYS))):
            pause.wait(chance.uniform(0, _LONGEST_PAUSE_S))
            account_id = 1_000_000 + number * len(_WAYS) + place
            command = CloseContract(
                id=account_id,
                account_id=account_id,
                contract_id="CON.F.US.MNQ.Z26",
                correlation_id="bench",
            )
            answered = threading.Event()
            began_ns = time.monotonic_ns()
            ways[way](command, answered)
            if not answered.wait(_ANSWER_S):
                raise TimeoutError(f"No answer to a command sent by {way}.")
            sent[str(account_id)] = (way, began_ns)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/times") as answer:
        came = msgspec.json.decode(answer.read())
    times: dict[str, list[float]] = {way: [] for way in _WAYS}
    for account_id_text, (way, began_ns) in sent.items():
        times[way].append((came[account_id_text] - began_ns) / 1e3)
    return times


@contextmanager
def _server() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.lane_server"],
        cwd=ROOT,
        env=tools_environment(),
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            if process.stdout is None:
                raise OSError("The server says nothing.")
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def _ways(api_url: str) -> Iterator[tuple[dict[str, Send], Callable[[bool], None]]]:
    """Give the three ways to send, and how to load the event loop."""
    thread = LoopThread("gateway")
    thread.start()
    lanes = thread.run(_open(api_url))
    by_loop, direct = lanes
    load = _Load()

    def send_by_loop(command: Command, answered: threading.Event) -> None:
        thread.call(partial(_task, _then(by_loop.send(command), answered)))

    def send_direct(command: Command, answered: threading.Event) -> None:
        sending = direct.send_at_once(command)
        if sending is None:
            raise OSError("No warm connection was free.")
        thread.call(lambda: _task(_then(direct.follow(sending), answered)))

    keeping = thread.run(_keep(direct))
    try:
        thread.run(_all_warm(direct), _ANSWER_S)
        with _Raw(api_url) as raw:
            yield (
                {"loop": send_by_loop, "wire": send_direct, "raw": raw.send},
                lambda is_busy: thread.run(load.set(is_busy), _ANSWER_S),
            )
    finally:
        thread.call(keeping.cancel)
        for lane in lanes:
            thread.run(lane.close(), _ANSWER_S)
        thread.stop(_ANSWER_S)


async def _open(api_url: str) -> tuple[EnforcementLane, EnforcementLane]:
    clock, budget, settings = _Clock(), RequestBudget(_BUDGET), GatewaySettings()
    session = Session(
        settings,
        Credentials(username="bench", api_key="bench-key"),
        GatewayEndpoints(api_url=api_url),
        clock,
    )
    session.token = _TOKEN
    args = (api_url, session, budget, clock, settings.command_timeout_s, TimeDesk(clock))
    lanes = (_ByLoop(*args), EnforcementLane(*args))
    for lane in lanes:
        lane.open()
    return lanes


async def _keep(lane: EnforcementLane) -> asyncio.Task[None]:
    return asyncio.create_task(lane.keep_warm())


async def _all_warm(lane: EnforcementLane) -> None:
    while not lane.is_warm:  # noqa: ASYNC110 -- it becomes so by itself, once
        await asyncio.sleep(0.01)


_running: set[asyncio.Task[None]] = set()


def _task(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _then(work: Coroutine[Any, Any, Any], answered: threading.Event) -> None:
    await work
    answered.set()


class _Load:
    """Callbacks on the event loop, each of some work."""

    def __init__(self) -> None:
        self._is_busy = False

    async def set(self, is_busy: bool) -> None:
        """Begin or end."""
        was, self._is_busy = self._is_busy, is_busy
        if is_busy and not was:
            self._tick(asyncio.get_running_loop(), asyncio.get_running_loop().time())

    def _tick(self, loop: asyncio.AbstractEventLoop, due_s: float) -> None:
        until_s = time.perf_counter() + _LOAD_WORK_S
        while time.perf_counter() < until_s:
            pass
        if self._is_busy:
            next_s = max(due_s + _LOAD_EVERY_S, loop.time() - 1)
            loop.call_at(next_s, self._tick, loop, next_s)


class _Raw:
    """A socket that is written and read by the thread that has the command."""

    def __init__(self, api_url: str) -> None:
        target = target_of(api_url)
        if target is None:
            raise ValueError(api_url)
        self._requests = Requests(target)
        self._sock = socket.create_connection((target.host, target.port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def send(self, command: Command, answered: threading.Event) -> None:
        """Send, and wait for the answer."""
        body = b'{"accountId":%d}' % command.account_id
        self._sock.sendall(self._requests.post("/Position/closeContract", _TOKEN, body))
        self._sock.recv(65_536)
        answered.set()
