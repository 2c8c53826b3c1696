"""Requests for snapshots: joined, hurried where an enforcement waits, and tried again."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import pytest
from virtual_loop import VirtualLoop, run_virtually

from risk_actors.core.broker import Account
from risk_actors.messages import AccountSnapshot, Message
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.snapshot_desk import SnapshotDesk, urgency_of
from risk_actors.projectx.snapshots import SnapshotReader
from risk_actors.runtime.clock import VirtualClock


class Reader:
    """Answers when it is let; unhurried reads wait, as for the budget."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Urgency]] = []
        self.has_room = asyncio.Event()
        self.holds_urgent = False
        self.failures = 0
        self.problem = ReadProblem.UNREACHABLE
        self.asked_s: list[float] = []

    async def read(
        self, account_id: int, reason: str, correlation_id: str, *, urgency: Urgency
    ) -> AccountSnapshot:
        self.asked.append((reason, correlation_id, urgency))
        self.asked_s.append(asyncio.get_running_loop().time())
        if urgency is not Urgency.ENFORCEMENT or self.holds_urgent:
            await self.has_room.wait()
        if self.failures:
            self.failures -= 1
            raise ReadFailed("x", self.problem, "down")
        return AccountSnapshot(
            correlation_id=correlation_id,
            at_ns=1,
            account=Account(id=account_id, name="a", balance_usd=Decimal(1), can_trade=True),
            positions=(),
            orders=(),
            covers_suspended=True,
            fills=(),
            fills_since_ns=0,
            asked_ns=1,
            reason=reason,
        )


class Bench:
    def __init__(self, *, is_rest_up: bool = True) -> None:
        self.told: list[Message] = []
        self.changed = asyncio.Event()
        self.reader = Reader()
        ids, clock = CorrelationIds(1), VirtualClock(1)
        inbound = Inbound(
            frozenset({101}),
            clock,
            ids,
            self._emit,
            lambda _: None,
            lambda *_: None,
            lambda _: None,
        )
        self.desk = SnapshotDesk(
            [101],
            cast("SnapshotReader", self.reader),
            inbound,
            clock,
            ids,
            self._emit,
            lambda: is_rest_up,
        )

    def _emit(self, message: Message) -> None:
        self.told.append(message)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 -- some conditions tell nobody
                await asyncio.sleep(0)

    @property
    def snapshots(self) -> list[AccountSnapshot]:
        return [m for m in self.told if isinstance(m, AccountSnapshot)]


def run(scenario: Callable[[Bench], Coroutine[Any, Any, None]], **options: Any) -> Bench:
    async def main() -> Bench:
        bench = Bench(**options)
        serving = asyncio.create_task(bench.desk.serve(101))
        await scenario(bench)
        serving.cancel()
        await asyncio.wait({serving})
        return bench

    return asyncio.run(main())


def test_what_the_enforcer_asks_is_urgent() -> None:
    for reason in ("uncertain answer", "confirm flat", "enforcement before the first snapshot"):
        assert urgency_of(reason) is Urgency.ENFORCEMENT
    assert urgency_of("polling") is urgency_of("what an actor asks") is Urgency.NORMAL
    assert urgency_of("periodic") is Urgency.BACKGROUND


def test_i3_an_enforcement_does_not_wait_for_a_reading_that_waits_for_the_budget() -> None:
    async def scenario(bench: Bench) -> None:
        bench.desk.request(101, "periodic")
        await bench.until(lambda: len(bench.reader.asked) == 1)
        bench.desk.request(101, "polling")
        await bench.until(lambda: len(bench.reader.asked) == 2)
        bench.desk.request(101, "confirm flat", "corr-9")
        await bench.until(lambda: bool(bench.snapshots))

    bench = run(scenario)
    assert bench.snapshots[0].correlation_id == "corr-9"
    assert bench.snapshots[0].reason == "periodic; polling; confirm flat"
    assert [urgency for *_, urgency in bench.reader.asked] == [
        Urgency.BACKGROUND,
        Urgency.NORMAL,
        Urgency.ENFORCEMENT,
    ]
    assert len(bench.snapshots) == 1


def test_what_has_changed_hurries_a_reading_that_waits_for_the_budget() -> None:
    async def scenario(bench: Bench) -> None:
        bench.desk.request(101, "start")
        await bench.until(lambda: len(bench.reader.asked) == 1)
        bench.desk.request(101, "polling", urgency=Urgency.CHANGED)
        await bench.until(lambda: len(bench.reader.asked) == 2)
        assert not bench.desk.is_enforcing(101)
        bench.reader.holds_urgent = True
        bench.desk.request(101, "confirm flat", "corr-9")
        await bench.until(lambda: len(bench.reader.asked) == 3)
        assert bench.desk.is_enforcing(101)
        bench.reader.has_room.set()
        await bench.until(lambda: bool(bench.snapshots))
        await bench.until(lambda: not bench.desk.is_enforcing(101))

    bench = run(scenario)
    assert [urgency for *_, urgency in bench.reader.asked] == [
        Urgency.NORMAL,
        Urgency.CHANGED,
        Urgency.ENFORCEMENT,
    ]


def test_an_urgent_reading_is_not_begun_anew_for_another() -> None:
    async def scenario(bench: Bench) -> None:
        bench.desk.request(101, "confirm flat", "corr-1")
        await bench.until(lambda: len(bench.reader.asked) == 1)
        bench.desk.request(101, "uncertain answer", "corr-2")
        await bench.until(lambda: len(bench.snapshots) == 2)

    bench = run(scenario)
    assert [m.correlation_id for m in bench.snapshots] == ["corr-1", "corr-2"]


def test_while_rest_is_down_its_first_sign_of_life_is_awaited_not_the_retry() -> None:
    async def scenario(bench: Bench) -> None:
        bench.reader.failures = 1
        bench.desk.request(101, "confirm flat", "corr-1")
        await bench.until(lambda: len(bench.told) == 1)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        bench.desk.retry_now()
        bench.reader.has_room.set()
        await bench.until(lambda: bool(bench.snapshots))
        assert loop.time() - began_s < 0.5

    bench = run(scenario, is_rest_up=False)
    assert bench.snapshots[0].correlation_id == "corr-1"


@pytest.mark.parametrize(
    ("problem", "pauses_s"),
    [
        (ReadProblem.BUSY, [1, 2, 4, 4, 4]),
        (ReadProblem.SERVER_FAULT, [1, 2, 4, 8, 8]),
    ],
)
def test_a_failed_reading_is_tried_again_ever_slower_but_soon_after_a_429(
    problem: ReadProblem, pauses_s: list[int]
) -> None:
    async def main() -> list[float]:
        bench = Bench()
        bench.reader.has_room.set()
        bench.reader.failures, bench.reader.problem = 5, problem
        serving = asyncio.create_task(bench.desk.serve(101))
        bench.desk.request(101, "polling")
        await asyncio.sleep(40)
        serving.cancel()
        await asyncio.wait({serving})
        return bench.reader.asked_s

    asked_s = run_virtually(VirtualLoop(), main())
    assert [round(later - earlier) for earlier, later in pairwise(asked_s)] == pauses_s
