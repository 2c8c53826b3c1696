"""Weather: faults that come by chance, the same ones at the same moments for the same seed."""

import heapq
from collections.abc import Iterator
from itertools import takewhile
from random import Random
from typing import Annotated

import msgspec

from risk_actors.simulator.fault_base import AnyFault
from risk_actors.simulator.faults import (
    CloseHub,
    CutHub,
    DeafHub,
    DelayEvent,
    DropEvent,
    ExpireTokens,
    Fault,
    FreezeHub,
    GarbleEvent,
    HubDown,
    NegotiateRefusal,
    ReorderEvent,
    RepeatEvent,
    RepeatRows,
    SliceFills,
    Stale,
)

_S_PER_MINUTE = 60.0
_CLOSE = "Position/closeContract"


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault, and how often it comes."""

    fault: AnyFault
    per_minute: Annotated[float, msgspec.Meta(gt=0)]
    """How many come in a minute on average; the moments are independent of each other."""


class Weather(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A seeded source of faults."""

    rates: tuple[Rate, ...]
    seed: int = 1
    start_after_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Good weather for so long first, so that a daemon can start."""


def forecast(weather: Weather) -> Iterator[tuple[float, AnyFault]]:
    """Yield what comes and when, in seconds from the start, in order and without end.

    Each rate draws from a generator of its own: leaving one out does not move the others.
    """
    return heapq.merge(
        *(_moments(weather, n, rate) for n, rate in enumerate(weather.rates)), key=_when
    )


def until(weather: Weather, length_s: float) -> list[tuple[float, AnyFault]]:
    """Return what comes within `length_s` seconds."""
    return list(takewhile(lambda moment: moment[0] < length_s, forecast(weather)))


def _when(moment: tuple[float, AnyFault]) -> float:
    return moment[0]


def _moments(weather: Weather, number: int, rate: Rate) -> Iterator[tuple[float, AnyFault]]:
    rng = Random(f"weather {weather.seed}:{number}")
    at_s = weather.start_after_s
    while True:
        at_s += rng.expovariate(rate.per_minute / _S_PER_MINUTE)
        yield at_s, rate.fault


def changeable(seed: int, *, start_after_s: float = 10.0) -> Weather:
    """Return a normal bad day: lost and late events, short outages, a slow answer now and then."""
    return Weather(
        seed=seed,
        start_after_s=start_after_s,
        rates=(
            Rate(fault=DropEvent(), per_minute=4),
            Rate(fault=RepeatEvent(), per_minute=4),
            Rate(fault=DelayEvent(delay_s=0.5), per_minute=4),
            Rate(fault=ReorderEvent(target="GatewayUserPosition"), per_minute=2),
            Rate(fault=Fault(kind="delay", delay_s=1.5), per_minute=2),
            Rate(fault=Fault(kind="status", status=503), per_minute=2),
            Rate(fault=Fault(kind="status", status=429), per_minute=1),
            Rate(fault=RepeatRows(), per_minute=1),
            Rate(fault=CutHub(), per_minute=0.5),
        ),
    )


def storm(seed: int, *, start_after_s: float = 10.0) -> Weather:
    """Return a day on which everything fails that has ever failed, each again within minutes."""
    return Weather(
        seed=seed,
        start_after_s=start_after_s,
        rates=(
            *changeable(seed).rates,
            Rate(fault=Fault(kind="drop", endpoint=_CLOSE, execute=True), per_minute=0.5),
            Rate(fault=Fault(kind="hang"), per_minute=0.5),
            Rate(
                fault=Fault(kind="refuse", endpoint=_CLOSE, error_code=5, for_s=3), per_minute=0.3
            ),
            Rate(fault=Fault(kind="status", status=503, for_s=5), per_minute=0.3),
            Rate(fault=Fault(kind="body", body="html"), per_minute=0.5),
            Rate(fault=Stale(age_s=3, times=2), per_minute=1),
            Rate(fault=GarbleEvent(how="text"), per_minute=1),
            Rate(fault=GarbleEvent(how="string_ids", times=5), per_minute=1),
            Rate(fault=GarbleEvent(how="unknown_keys"), per_minute=0.3),
            Rate(fault=SliceFills(), per_minute=1),
            Rate(fault=CloseHub(hub="user"), per_minute=0.3),
            Rate(fault=NegotiateRefusal(hub="user", times=2), per_minute=0.3),
            Rate(fault=HubDown(hub="user", for_s=6), per_minute=0.3),
            Rate(fault=DeafHub(hub="user", for_s=20), per_minute=0.2),
            Rate(fault=FreezeHub(hub="market", for_s=20), per_minute=0.2),
            Rate(fault=ExpireTokens(hubs="close"), per_minute=0.2),
        ),
    )
