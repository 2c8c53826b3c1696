"""Plays many days, on several processes, and tells which failed and how to see it again."""

import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import NamedTuple

from loguru import logger

from risk_actors.fuzz.day import Day
from risk_actors.fuzz.draw import draw_day
from risk_actors.fuzz.findings import Finding
from risk_actors.fuzz.play import Player
from risk_actors.fuzz.shrink import shrink

_DAYS_AT_ONCE = 10
"""So many days are handed to a process at a time."""


class Result(NamedTuple):
    """What became of a day."""

    seed: int
    findings: tuple[Finding, ...]
    took_s: float


def play(day: Day) -> tuple[Finding, ...]:
    """Play one day and return what broke; nothing of it is logged.

    That the fuzzer itself raised is a finding too: it must not end a night's run of the others.
    """
    logger.disable("risk_actors")
    try:
        return tuple(Player(day).run())
    except Exception:  # noqa: BLE001 - whatever it was, the seed is to be told with it
        return (Finding("fuzzer", 0.0, traceback.format_exc()),)
    finally:
        logger.enable("risk_actors")


def play_seeds(seeds: Iterable[int], jobs: int = 1) -> Iterator[Result]:
    """Play the days of many seeds; the results come as they are ready."""
    if jobs == 1:
        for seed in seeds:
            yield _play_seed(seed)
        return
    waiting = iter(seeds)
    with ProcessPoolExecutor(jobs) as pool:
        running: set[Future[list[Result]]] = set()
        while True:
            while len(running) < 2 * jobs and (batch := list(islice(waiting, _DAYS_AT_ONCE))):
                running.add(pool.submit(_play_batch, batch))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()


def _play_batch(seeds: list[int]) -> list[Result]:
    return [_play_seed(seed) for seed in seeds]


def _play_seed(seed: int) -> Result:
    began = time.perf_counter()
    findings = play(draw_day(seed))
    return Result(seed, findings, time.perf_counter() - began)


def smallest(day: Day, invariant: str, budget_s: float) -> Day:
    """Return as small a day as could be found that breaks the same invariant."""
    return shrink(
        day,
        lambda smaller: any(finding.invariant == invariant for finding in play(smaller)),
        budget_s=budget_s,
    )
