"""Whether protection returned slower or faster than in earlier runs."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

from risk_actors.chaos.results import Recovery, Result

_SHARE = 0.25
_LEAST_S = 0.3
"""Less than this is how busy the machine was."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One recovery held against those of the same step in the past."""

    median_s: float | None
    """None without a past."""
    runs: int
    """Earlier runs in which it returned."""
    verdict: Literal["first", "slower", "faster", "same", "missing"]
    """`missing`: this time it did not return."""


def compare(recovery: Recovery, past: Sequence[Result]) -> Comparison:
    """Return how a recovery compares with the median of earlier runs."""
    took_s = [
        before.measure_s
        for result in past
        for before in result.recoveries
        if (before.step, before.since) == (recovery.step, recovery.since)
        and before.measure_s is not None
    ]
    if recovery.measure_s is None:
        return Comparison(
            median_s=median(took_s) if took_s else None, runs=len(took_s), verdict="missing"
        )
    if not took_s:
        return Comparison(median_s=None, runs=0, verdict="first")
    usual_s = median(took_s)
    bound_s = max(usual_s * _SHARE, _LEAST_S)
    verdict: Literal["slower", "faster", "same"] = "same"
    if recovery.measure_s > usual_s + bound_s:
        verdict = "slower"
    elif recovery.measure_s < usual_s - bound_s:
        verdict = "faster"
    return Comparison(median_s=usual_s, runs=len(took_s), verdict=verdict)
