"""Reads while nothing reaches the broker: not counted, not a storm, and at once when it is back."""

import asyncio

from virtual_loop import VirtualLoop, run_virtually

from risk_actors.projectx.budget import RequestBudget, Urgency
from risk_actors.projectx.read_queue import ReadQueue

S = 1_000_000_000
NORMAL, URGENT = Urgency.NORMAL, Urgency.ENFORCEMENT


class Cut:
    """A broker to which there is no connection until an instant."""

    def __init__(self, until_s: float) -> None:
        self.loop = VirtualLoop()
        self.budget = RequestBudget(200)
        self.queue = ReadQueue(self.budget, self.loop)
        self.tried: list[tuple[float, Urgency]] = []
        self.answered: list[tuple[float, Urgency]] = []
        self._until_s = until_s

    async def read_on(self, urgency: Urgency) -> None:
        """Read again and again, at once, until there is an answer."""
        while True:
            async with self.queue.turn(urgency) as sent_ns:
                now_s = self.loop.time()
                self.tried.append((now_s, urgency))
                await asyncio.sleep(0.01)
                if now_s >= self._until_s:
                    self.budget.answered(sent_ns)
                    self.answered.append((now_s, urgency))
                    return
                self.budget.unsent(self.loop.now_ns(), sent_ns)


def test_a_long_outage_uses_up_nothing_and_makes_no_storm() -> None:
    broker = Cut(until_s=75)

    async def day() -> None:
        async with asyncio.TaskGroup() as readers:
            for _ in range(30):
                readers.create_task(broker.read_on(NORMAL))
            for _ in range(10):
                readers.create_task(broker.read_on(URGENT))
            await asyncio.sleep(74.9)
            assert broker.budget.used(broker.loop.now_ns()) <= 3

    run_virtually(broker.loop, day())
    during = [at_s for at_s, _ in broker.tried if 5 < at_s < 65]
    assert 60 <= len(during) <= 60 * 6
    # On return the look-ups of an enforcement come first, and all are through at once.
    back_s = broker.answered[0][0]
    assert back_s < 75 + 0.5
    went = [urgency for at_s, urgency in broker.tried if at_s > back_s]
    assert went[:8] == [URGENT] * 8
    assert broker.answered[-1][0] < 75 + 1.5


def test_a_request_that_never_left_is_taken_back_and_only_once() -> None:
    budget = RequestBudget(100)
    for number in range(5):
        budget.count(number)
    budget.take_back(3)
    budget.take_back(3)
    budget.take_back(99)
    assert budget.used(S) == 4


def test_a_look_goes_sooner_than_an_ordinary_read() -> None:
    budget = RequestBudget(100)
    for number in range(10):
        budget.begin_read(number * S, NORMAL, is_bars=True)
        budget.unsent(number * S, number * S)
        budget.end_read(NORMAL)
    assert budget.used(9 * S) == 0
    assert 0 < budget.wait_ns(9 * S, URGENT) < budget.wait_ns(9 * S, NORMAL) <= S
    budget.refused(9 * S, 9 * S)
    assert budget.wait_ns(12 * S, NORMAL) == 0
