"""Whose turn it is to read, on virtual time."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

from virtual_loop import VirtualLoop, run_virtually

from risk_actors.projectx.budget import BARS_PER_WINDOW, READS, RequestBudget, Urgency
from risk_actors.projectx.read_queue import ReadQueue, together

S = 1_000_000_000
NORMAL, URGENT = Urgency.NORMAL, Urgency.ENFORCEMENT


class Broker:
    """Answers reads after 50 ms, with 429 while it will; remembers when each was sent."""

    def __init__(
        self, per_minute: int, is_busy: Callable[[float], bool] = lambda _s: False
    ) -> None:
        self.loop = VirtualLoop()
        self.budget = RequestBudget(per_minute)
        self.queue = ReadQueue(self.budget, self.loop)
        self.sent: list[tuple[float, str]] = []
        self._is_busy = is_busy

    async def read(self, name: str, urgency: Urgency = NORMAL, *, is_bars: bool = False) -> bool:
        async with self.queue.turn(urgency, is_bars=is_bars) as sent_ns:
            sent_s = self.loop.time()
            self.sent.append((sent_s, name))
            is_busy = self._is_busy(sent_s)
            await asyncio.sleep(0.05)
            if is_busy:
                self.budget.refused(self.loop.now_ns(), sent_ns)
            else:
                self.budget.answered(sent_ns)
            return not is_busy

    async def read_on(
        self, name: str, urgency: Urgency, until_s: float, rest_s: float = 20
    ) -> None:
        """Read again and again: at once after a refusal, and some time after an answer."""
        while self.loop.time() < until_s:
            if await self.read(name, urgency):
                await asyncio.sleep(rest_s)

    def sent_between(self, since_s: float, until_s: float, name: str) -> int:
        return sum(since_s <= at_s < until_s and who == name for at_s, who in self.sent)


def test_reads_go_in_the_order_in_which_they_were_asked_for() -> None:
    broker = Broker(100)

    async def day() -> None:
        await asyncio.gather(*(broker.read(f"{number}") for number in range(100)))

    run_virtually(broker.loop, day())
    assert [name for _, name in broker.sent] == [f"{number}" for number in range(100)]
    assert broker.sent[59][0] == 0
    # Beyond what may go at once they go little by little, and never beyond the reads' share.
    assert 0 < round(broker.sent[60 + 12][0]) <= 15
    assert all(
        len([at_s for at_s, _ in broker.sent if since_s - 60 < at_s <= since_s]) <= 80
        for since_s, _ in broker.sent
    )


def test_an_enforcement_overtakes_ordinary_reads_that_wait() -> None:
    broker = Broker(100)
    left: list[int] = []

    async def day() -> None:
        ordinary = [asyncio.create_task(broker.read("ordinary")) for _ in range(120)]
        await asyncio.sleep(6)
        left.append(95 - len(broker.sent))
        assert 95 - 80 <= left[0] < 95 - 60
        assert broker.queue.waiting == 120 - len(broker.sent)
        await asyncio.gather(*(broker.read("enforcement", URGENT) for _ in range(50)))
        await asyncio.gather(*ordinary)

    run_virtually(broker.loop, day())
    urgent_s = [at_s for at_s, name in broker.sent if name == "enforcement"]
    # What is left of the reserve goes at once, but for a floor that is to last: see `budget.py`.
    floor = 14
    assert [round(at_s) for at_s in urgent_s[: left[0] - floor]] == [6] * (left[0] - floor)
    assert all(later - earlier <= 4.1 for earlier, later in pairwise(urgent_s[: left[0]]))
    # Beyond the reserve it waits too, and still goes before those that have waited longer.
    assert max(urgent_s) <= min(at_s for at_s, name in broker.sent[95:] if name == "ordinary")


def test_bars_that_wait_for_their_own_window_hold_up_nobody() -> None:
    broker = Broker(1000)

    async def day() -> None:
        bars = [
            asyncio.create_task(broker.read("bars", is_bars=True))
            for _ in range(BARS_PER_WINDOW + 1)
        ]
        await asyncio.sleep(1)
        await broker.read("other")
        await asyncio.gather(*bars)

    run_virtually(broker.loop, day())
    assert broker.sent[-2][1] == "other"
    assert round(broker.sent[-2][0]) == 1
    assert 30 <= broker.sent[-1][0] <= 31


def test_a_read_that_waits_can_be_called_off_and_costs_nothing() -> None:
    broker = Broker(10)

    async def day() -> None:
        tasks = [asyncio.create_task(broker.read("first")) for _ in range(20)]
        await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert broker.queue.waiting == 0
        await asyncio.sleep(60)
        assert broker.budget.used(broker.loop.now_ns()) == 0
        await broker.read("later")

    run_virtually(broker.loop, day())
    assert len(broker.sent) == 6 + 1 + 1  # at once, at a pace, and later


def test_no_storm_while_the_broker_answers_429() -> None:
    """However many ask: what is sent is bounded by the pauses, and a trial is one request."""
    broker = Broker(200, is_busy=lambda at_s: at_s < 300)

    async def day() -> None:
        async with asyncio.TaskGroup() as readers:
            for _ in range(20):
                readers.create_task(broker.read_on("ordinary", NORMAL, 400))
            for _ in range(4):
                readers.create_task(broker.read_on("enforcement", URGENT, 400))

    run_virtually(broker.loop, day())
    # Those of the first instant left before any answer; then the pauses are 2, 4, 5, 5, 5 s, ...
    assert broker.sent_between(0, 0.001, "ordinary") == 20
    assert broker.sent_between(0.001, 60, "ordinary") <= 12
    assert broker.sent_between(60, 300, "ordinary") <= 48
    # Urgent ones pause 1, 2, 4, 4, ... s, two at a time.
    assert broker.sent_between(0.001, 60, "enforcement") <= 34
    assert 100 <= broker.sent_between(60, 300, "enforcement") <= 130
    # And it is over as soon as the broker lets them pass.
    assert broker.sent_between(300, 305, "enforcement") >= 4
    assert broker.sent_between(300, 306, "ordinary") >= 4


def test_ordinary_reads_alone_try_every_few_seconds_and_no_more() -> None:
    broker = Broker(200, is_busy=lambda at_s: at_s < 300)

    async def day() -> None:
        async with asyncio.TaskGroup() as readers:
            for _ in range(20):
                readers.create_task(broker.read_on("ordinary", NORMAL, 320))

    run_virtually(broker.loop, day())
    assert 10 <= broker.sent_between(0.001, 60, "ordinary") <= 12
    assert 45 <= broker.sent_between(60, 300, "ordinary") <= 48
    assert broker.sent_between(300, 305.5, "ordinary") >= 6


def test_another_program_that_uses_up_the_limit_makes_us_slower_not_blind() -> None:
    """The broker allows 200 a minute, and another program takes 150 of them."""
    allowed = 50
    answered: list[tuple[float, bool]] = []

    def is_busy(at_s: float) -> bool:
        let_pass = sum(1 for sent_s, passed in answered if passed and sent_s > at_s - 60)
        answered.append((at_s, let_pass < allowed))
        return let_pass >= allowed

    broker = Broker(200, is_busy)

    async def day() -> None:
        async with asyncio.TaskGroup() as readers:
            for _ in range(6):
                readers.create_task(broker.read_on("ordinary", NORMAL, 1200, rest_s=1))

    run_virtually(broker.loop, day())
    refused = [at_s for at_s, passed in answered if not passed]
    passed_late = [at_s for at_s, passed in answered if passed and at_s > 600]
    assert len(refused) < 10 * 20  # a minute: one every few seconds while the limit is used up
    assert len(passed_late) > 250


def test_one_429_is_forgotten_after_its_pause_however_much_was_sent_before() -> None:
    """A start reads much within a second; the rest of its minute must not be lost with one 429."""
    broker = Broker(200, is_busy=lambda at_s: 1 <= at_s < 1.1)

    async def day() -> None:
        await asyncio.gather(*(broker.read("start") for _ in range(100)))
        await asyncio.sleep(1)
        assert not await broker.read("refused")
        for _ in range(READS):
            assert await broker.read("then")

    run_virtually(broker.loop, day())
    assert broker.sent[-READS][0] < 3.2
    assert broker.sent[-1][0] < 5


def test_one_account_is_read_every_few_seconds_once_429s_are_over() -> None:
    """A few 429s lower the share below what was used before them; that must not make blind."""
    broker = Broker(200)
    whole_s: list[float] = []

    async def day() -> None:
        await asyncio.gather(*(broker.read("start") for _ in range(77)))
        for _ in range(8):
            broker.budget.refused(broker.loop.now_ns(), broker.loop.now_ns())
            await asyncio.sleep(3)
        whole_s.append(broker.loop.time())
        while broker.loop.time() < 60:
            for _ in range(6):
                await broker.read("account")
            whole_s.append(broker.loop.time())

    run_virtually(broker.loop, day())
    gaps_s = [later - earlier for earlier, later in pairwise(whole_s)]
    assert max(gaps_s) < 5.5


def test_what_was_begun_is_ended_before_another_begins() -> None:
    """With little room, many accounts are read one after the other, not all of them never."""
    broker = Broker(200)
    whole: dict[str, float] = {}

    async def account(name: str) -> None:
        with together():
            await broker.read(name)
            await asyncio.gather(*(broker.read(name) for _ in range(4)))
            await broker.read(name)
        whole[name] = broker.loop.time()

    async def day() -> None:
        await asyncio.gather(*(broker.read("start") for _ in range(100)))
        for _ in range(6):
            broker.budget.refused(broker.loop.now_ns(), broker.loop.now_ns())
            await asyncio.sleep(0.1)
        began_s = broker.loop.time()
        await asyncio.gather(*(account(f"{number}") for number in range(6)))
        assert list(whole) == [f"{number}" for number in range(6)]
        for turn, at_s in enumerate(whole.values(), 1):
            assert at_s - began_s <= 6 * (turn + 1)

    run_virtually(broker.loop, day())
