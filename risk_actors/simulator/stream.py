"""The way of a hub's events to those subscribed, with everything that can go wrong on it."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from risk_actors.simulator import garble, signalr
from risk_actors.simulator.connection import Topic
from risk_actors.simulator.fault_base import ANY, Counted, is_named
from risk_actors.simulator.faults import (
    DelayEvent,
    DropEvent,
    Faults,
    GarbleEvent,
    HoldEvent,
    ReorderEvent,
    RepeatEvent,
)

type Deliver = Callable[[Topic, str, int], int]
"""Sends a frame to a topic's subscribers, so many ns after the frame before; returns how many."""


class _Event(msgspec.Struct):
    """An event on its way."""

    topic: Topic
    target: str
    frames: list[str]
    behind: int = 0
    """How many more events must pass before it is sent."""


class Stream:
    """Sends one hub's events. A fault strikes only an event that somebody would receive."""

    def __init__(
        self, faults: Faults, deliver: Deliver, has_receivers: Callable[[Topic], bool]
    ) -> None:
        self._faults = faults
        self._deliver = deliver
        self._has_receivers = has_receivers
        self._held: list[_Event] = []
        self._passing: list[_Event] = []

    def send(self, topic: Topic, target: str, arguments: list[Any], delay_ns: int) -> int:
        """Send an event and return how many receive it now: none of one that is lost or late."""
        if not self._has_receivers(topic):
            return 0
        if self._struck(DropEvent, target):
            return 0
        event = _Event(topic, target, self._frames(target, arguments))
        if self._struck(HoldEvent, target):
            self._held.append(event)
            return 0
        reorder = self._struck(ReorderEvent, target)
        if reorder is not None:
            event.behind = reorder.behind
            self._passing.append(event)
            return 0
        delay = self._struck(DelayEvent, target)
        if delay is not None:
            asyncio.get_running_loop().call_later(delay.delay_s, self._put_out, event)
            return 0
        receivers = self._put_out(event, delay_ns)
        self._let_pass()
        return receivers

    def release(self, target: str = ANY) -> None:
        """Send what is held back, oldest first."""
        self._flush(self._held, target)

    def release_all(self) -> None:
        """Send everything that is held back or waits for others to pass."""
        self._flush(self._held, ANY)
        self._flush(self._passing, ANY)

    def let_pass_now(self, target: str) -> None:
        """Send what waits for others to pass."""
        self._flush(self._passing, target)

    def _flush(self, waiting: list[_Event], target: str) -> None:
        freed = [event for event in waiting if is_named(target, event.target)]
        waiting[:] = [event for event in waiting if not is_named(target, event.target)]
        for event in freed:
            self._put_out(event)

    def _frames(self, target: str, arguments: list[Any]) -> list[str]:
        garbled = self._struck(GarbleEvent, target)
        if garbled is None:
            frames = [signalr.invocation(target, arguments)]
        else:
            frames = garble.frames(garbled.how, target, arguments)
        repeat = self._struck(RepeatEvent, target)
        return frames if repeat is None else frames * (1 + repeat.copies)

    def _struck[F: Counted](self, kind: type[F], target: str) -> F | None:
        return self._faults.take_one(kind, lambda fault: is_named(_target_of(fault), target))

    def _put_out(self, event: _Event, delay_ns: int = 0) -> int:
        receivers = 0
        for frame in event.frames:
            receivers = self._deliver(event.topic, frame, delay_ns)
            delay_ns = 0
        return receivers

    def _let_pass(self) -> None:
        for event in self._passing:
            event.behind -= 1
        due = [event for event in self._passing if event.behind <= 0]
        self._passing = [event for event in self._passing if event.behind > 0]
        for event in due:
            self._put_out(event)


def _target_of(fault: Any) -> str:
    return str(fault.target)
