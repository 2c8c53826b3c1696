"""Killed and started again: how soon it protects, and that it takes up what was left."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from daemon_process import RULES, Daemon, StartDaemon, eventually
from test_daemon import ACCOUNT, buy, is_flat, is_locked, lose_600, price

from risk_actors.simulator import Fault, SimulatorThread

pytestmark = pytest.mark.system

STARTS = 4
PROTECTS_WITHIN_S = 10.0
"""A deadline for a noisy machine only; the figures themselves are printed (`pytest -s`)."""
CLOSE, PARTIAL_CLOSE = "Position/closeContract", "Position/partialCloseContract"
NEVER_AGAIN_TICKS = 20
UNDER_WAY_S = 2.3
"""A command may take effect for so long after it was sent; a little more is allowed for."""


def size(sim: SimulatorThread) -> int:
    return sim.size(ACCOUNT, sim.contract_id("MNQ"))


def locks(daemon: Daemon) -> list[tuple[str, str, str, str]]:
    return [
        (lock["rule"], lock["scope"], lock["since"], lock["until"])
        for lock in daemon.account()["locks"]
    ]


def test_it_protects_again_soon_after_its_start(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """From the start of the process until what was opened under a lock meanwhile is closed."""
    daemon = start_daemon()
    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))
    figures = []

    for _ in range(STARTS):
        daemon.kill()
        buy(sim, 1)
        begun = time.monotonic()
        daemon.start(until_armed=False)
        eventually(lambda: is_flat(sim), PROTECTS_WITHIN_S, "closed")
        closed_s = time.monotonic() - begun
        eventually(daemon._is_armed_or_dead, PROTECTS_WITHIN_S, "armed")
        figures.append((closed_s, time.monotonic() - begun))

    for name, seconds in zip(("closed", "armed"), zip(*figures, strict=True), strict=True):
        listed = ", ".join(f"{each:.2f}" for each in seconds)
        print(f"from process start to {name}: {listed} s")  # noqa: T201 - the figure is the point


def test_i3_a_flatten_that_is_stuck_goes_on_after_a_kill_until_it_is_observed_flat(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    sim.inject(Fault(kind="refuse", endpoint=CLOSE, times=100_000))
    lose_600(sim)
    eventually(lambda: is_locked(daemon) and sim.requests(CLOSE))
    before = locks(daemon)

    daemon.kill()
    tried = len(sim.requests(CLOSE))
    daemon.start()

    eventually(lambda: len(sim.requests(CLOSE)) > tried, what="tried again")
    assert size(sim) == 5
    assert daemon.account()["enforcement"] is not None
    assert locks(daemon) == before
    sim.call(sim.faults.clear)
    eventually(lambda: is_flat(sim) and daemon.account()["enforcement"] is None)
    assert locks(daemon) == before


def test_i1_a_reduction_that_was_under_way_when_killed_is_not_made_twice(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """The broker takes its time, and does it when the next process guards already."""
    daemon = start_daemon()
    price(sim, 25_000)
    sim.inject(Fault(kind="hang", endpoint=PARTIAL_CLOSE))
    buy(sim, 8)
    eventually(lambda: sim.requests(PARTIAL_CLOSE), what="sent")
    sent = time.monotonic()

    daemon.kill()
    daemon.start(until_armed=False)
    eventually(lambda: daemon._is_armed_or_dead() or time.monotonic() - sent > UNDER_WAY_S)
    if time.monotonic() - sent < UNDER_WAY_S:
        daemon.let_ticks_pass(3)
    exchange, now_ns = sim.gateway.exchange, sim.gateway.clock
    # What the first process asked for takes effect, although its connection is gone.
    sim.call(
        lambda: exchange.close(ACCOUNT, sim.contract_id("MNQ"), now_ns(), size=3, source="client")
    )

    eventually(daemon._is_armed_or_dead, what="armed")
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)
    assert size(sim) == 5
    assert len(sim.requests(PARTIAL_CLOSE)) == 1


def test_i1_a_reduction_that_was_killed_before_it_was_sent_is_made(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    price(sim, 25_000)
    sim.inject(Fault(kind="refuse", endpoint=PARTIAL_CLOSE, times=100_000))
    buy(sim, 8)
    eventually(lambda: sim.requests(PARTIAL_CLOSE), what="sent")

    daemon.kill()
    sim.call(sim.faults.clear)
    daemon.start()

    eventually(lambda: size(sim) == 5)
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)
    assert size(sim) == 5


@pytest.mark.timeout(240)
def test_i5_resets_that_fell_into_the_gap_happen_once(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """Day and week end with every minute here."""
    every_minute = (
        '[session]\ntimezone = "UTC"\ndaily_reset = "* * * * *"\nweekly_reset = "* * * * *"\n'
    )
    daemon = start_daemon(rules=every_minute + RULES)
    price(sim, 25_000)
    boundary = _next_minute(at_least_s=8)
    _wait_until(boundary - timedelta(seconds=5))
    buy(sim, 1)
    sim.close(ACCOUNT, sim.contract_id("MNQ"))
    eventually(lambda: daemon.account()["day"]["trades"] == 1, what="counted")

    daemon.kill()
    _wait_until(boundary + timedelta(seconds=1))
    daemon.start()
    daemon.let_ticks_pass(3)
    assert daemon.account()["day"]["trades"] == 0
    daemon.kill()
    daemon.start()
    daemon.let_ticks_pass(3)

    boundary_ns = int(boundary.timestamp()) * 1_000_000_000
    told = eventually(
        lambda: daemon.rows(
            "select name, caught_up from resets where at_ns = ? order by name", boundary_ns
        )
    )
    assert [caught_up for _, caught_up in told] == [1, 1]
    # The next minute may have ended since; what ended while it was down was told once.
    record = daemon.rows(
        "select kind, message from record where kind in ('DailyReset', 'WeeklyReset')"
    )
    begun = [
        kind
        for kind, message in record
        for key in ("day_start_ns", "week_start_ns")
        if json.loads(message).get(key) == boundary_ns
    ]
    assert sorted(begun) == ["DailyReset", "WeeklyReset"]


def _next_minute(at_least_s: float) -> datetime:
    now = datetime.now(UTC) + timedelta(seconds=at_least_s)
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _wait_until(at: datetime) -> None:
    eventually(lambda: datetime.now(UTC) >= at, 120.0, f"{at}")
