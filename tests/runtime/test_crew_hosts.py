"""Whoever has read an event serves those who act on it, and the crew's own thread sleeps on."""

import threading
from collections.abc import Iterator

import pytest

from risk_actors.runtime.crew import HOSTED_AT_MOST_S, Crew
from risk_actors.runtime.right_of_way import THE_WAY
from tests.conftest import eventually
from tests.runtime.crew_rig import Worker, join, running


class Located(Worker):
    """Remembers on which threads it had its turns."""

    def __init__(self, name: str, done: list[str], send_to: Worker | None = None) -> None:
        super().__init__(name, done, send_to)
        self.threads: list[str] = []

    def turn(self, member: object) -> bool:
        if self.todo:
            self.threads.append(threading.current_thread().name)
        return super().turn(member)  # type: ignore[arg-type]


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew("crew", 3, patience_s=0.02)
    yield crew
    assert crew not in THE_WAY.hosted


def asleep(crew: Crew) -> bool:
    shift = crew._shift
    return shift is not None and shift.is_asleep and not crew._turns.is_ready


def end(*workers: Worker) -> None:
    for worker in workers:
        worker.end()
    eventually(lambda: not running())


def test_a_host_serves_downstream_first_and_wakes_nobody(crew: Crew, done: list[str]) -> None:
    out = Located("out", done)
    source = Located("source", done, out)
    join(crew, out, 0)
    join(crew, source, 2)
    eventually(lambda: asleep(crew))
    here = threading.current_thread().name

    crew.promise()
    source.put("1")
    source.put("2")
    crew.serve()

    assert done == ["source 1", "out 1", "source 2", "out 2"]
    assert {*out.threads, *source.threads} == {here}
    source.put("3")
    eventually(lambda: done[-1] == "out 3")
    assert here not in source.threads[2:]
    end(out, source)


def test_a_promise_with_nothing_to_do_is_over_with_it(crew: Crew, done: list[str]) -> None:
    worker = Located("worker", done)
    join(crew, worker, 0)
    eventually(lambda: asleep(crew))

    crew.promise()
    crew.serve()
    worker.put("1")

    eventually(lambda: done == ["worker 1"])
    end(worker)


def test_a_promise_that_is_not_kept_is_noticed(crew: Crew, done: list[str]) -> None:
    worker = Located("worker", done)
    join(crew, worker, 0)
    eventually(lambda: asleep(crew))

    crew.promise()
    worker.put("1")

    eventually(lambda: done == ["worker 1"])
    crew.serve()
    worker.put("2")
    eventually(lambda: done == ["worker 1", "worker 2"])
    end(worker)


def test_a_host_that_is_held_up_is_relieved_like_any_other(crew: Crew, done: list[str]) -> None:
    stuck, other = Located("stuck", done), Located("other", done)
    join(crew, stuck, 0)
    join(crew, other, 1)
    eventually(lambda: asleep(crew))
    stuck.may_go_on.clear()

    def read() -> None:
        crew.promise()
        stuck.put("1")
        stuck.put("2")
        crew.serve()

    host = threading.Thread(target=read, daemon=True)
    host.start()
    other.put("a")

    eventually(lambda: done == ["other a"])
    assert crew.relieved == 1
    assert len(running()) <= 3
    stuck.may_go_on.set()
    eventually(lambda: done[1:] == ["stuck 1", "stuck 2"])
    host.join(10)
    assert not host.is_alive()
    assert stuck.most_at_once == 1
    end(stuck, other)


def test_a_host_with_much_to_do_hands_over(crew: Crew, done: list[str]) -> None:
    worker = Located("worker", done)
    join(crew, worker, 0)
    eventually(lambda: asleep(crew))
    count = 0

    crew.promise()
    while len(worker.todo) < 200_000:
        worker.put(f"{count}")
        count += 1
    crew.serve()

    assert 0 < len(done) < count, HOSTED_AT_MOST_S
    eventually(lambda: len(done) == count)
    assert done == [f"worker {number}" for number in range(count)]
    end(worker)


def test_hosts_and_others_at_once_miss_nothing_and_keep_each_ones_order(
    crew: Crew, done: list[str]
) -> None:
    workers = [Located(f"{number}", done) for number in range(6)]
    for number, worker in enumerate(workers):
        join(crew, worker, number % 3)
    each, pause = 600, threading.Event()

    def send(worker: Worker, *, is_host: bool) -> None:
        for number in range(each):
            if is_host:
                crew.promise()
            worker.put(f"{number}")
            if is_host:
                crew.serve()
            if number % 40 == 0:
                pause.wait(0.001)

    senders = [
        threading.Thread(target=send, args=(worker,), kwargs={"is_host": number == 0})
        for number, worker in enumerate(workers)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(20)

    eventually(lambda: len(done) == each * len(workers))
    for worker in workers:
        own = [int(line.split()[1]) for line in done if line.startswith(f"{worker.name} ")]
        assert own == list(range(each))
        assert worker.most_at_once == 1
    end(*workers)
