"""Whether figures of a running process grow, told from samples that are noisy.

The slope of a figure is the median of the slopes between all pairs of samples (Theil-Sen), which a
few outliers do not move. Growth is that slope times the time that was sampled. A figure has grown
when it grew more than allowed over all samples and, at that same pace, over their second half too:
what fills up once and then stays is no leak.
"""

import statistics
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

MOST_SAMPLES = 300
"""More are thinned out evenly: the number of pairs grows with the square."""
_MINUTE_S = 60.0


class Sample(NamedTuple):
    """The figures at one time."""

    at_s: float
    memory_mb: float
    threads: float
    handles: float
    mailbox_depth: float


class Allowance(NamedTuple):
    """How much a figure may grow and still count as steady."""

    figure: str
    unit: str
    once: float
    """Whatever the time: noise, and what is made when it is needed first."""
    per_minute: float
    """What a day's fills, orders and record rightly take, at the soak's own pace of trading."""
    why: str

    def over(self, span_s: float) -> float:
        """Return the growth that is allowed over a time."""
        return self.once + self.per_minute * span_s / _MINUTE_S


ALLOWANCES = (
    Allowance("memory_mb", "MB", 6.0, 1.0, "every fill of the week is kept, to count it once"),
    Allowance("threads", "threads", 2.0, 0.0, "helpers that are started when first needed"),
    Allowance("handles", "handles", 4.0, 0.0, "connections that are kept for the next request"),
    Allowance("mailbox_depth", "messages", 20.0, 0.0, "what waits at the instant of a look"),
)


class Growth(NamedTuple):
    """What became of one figure."""

    allowance: Allowance
    first: float
    last: float
    grown: float
    """By the robust slope, over all samples."""
    allowed: float
    has_grown: bool

    def sentence(self) -> str:
        """Return it in words."""
        verdict = "GREW" if self.has_grown else "steady"
        return (
            f"{self.allowance.figure:<14} {verdict:<6} {self.first:8.1f} -> {self.last:8.1f}"
            f" {self.allowance.unit}; robust growth {self.grown:+.2f}, allowed {self.allowed:.2f}"
        )


def judge(samples: Sequence[Sample]) -> list[Growth]:
    """Return what became of each figure.

    Raises:
        ValueError: there are too few samples to tell anything.
    """
    if len(samples) < 8:  # noqa: PLR2004 - four for each half
        raise ValueError(f"{len(samples)} samples tell nothing; sample for longer")
    return [_growth(samples, allowance) for allowance in ALLOWANCES]


def _growth(samples: Sequence[Sample], allowance: Allowance) -> Growth:
    points = [(sample.at_s, float(getattr(sample, allowance.figure))) for sample in samples]
    span_s = points[-1][0] - points[0][0]
    allowed = allowance.over(span_s)
    slope = theil_sen(points)
    late = theil_sen(points[len(points) // 2 :])
    return Growth(
        allowance=allowance,
        first=points[0][1],
        last=points[-1][1],
        grown=slope * span_s,
        allowed=allowed,
        has_grown=min(slope, late) * span_s > allowed,
    )


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """Return the median slope between all pairs of points, in units a second."""
    step = max(1, -(-len(points) // MOST_SAMPLES))
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points[::step], 2)]
    return statistics.median(slopes)
