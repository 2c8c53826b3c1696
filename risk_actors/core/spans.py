"""Sets of instants as sorted, separate, half-open windows: joined, cut and shared."""

from collections.abc import Iterable

from risk_actors.core.trading_calendar import Window


def merge(windows: Iterable[Window]) -> list[Window]:
    """Return the same instants in as few windows as possible; those that touch become one."""
    merged: list[Window] = []
    for window in sorted(windows):
        if window.start_ns >= window.end_ns:
            continue
        if merged and window.start_ns <= merged[-1].end_ns:
            longest_ns = max(merged[-1].end_ns, window.end_ns)
            merged[-1] = Window(merged[-1].start_ns, longest_ns)
        else:
            merged.append(window)
    return merged


def subtract(windows: Iterable[Window], holes: Iterable[Window]) -> list[Window]:
    """Return the instants of the windows that lie in none of the holes."""
    left = merge(windows)
    for hole in merge(holes):
        left = [
            part
            for window in left
            for part in (
                Window(window.start_ns, min(window.end_ns, hole.start_ns)),
                Window(max(window.start_ns, hole.end_ns), window.end_ns),
            )
            if part.start_ns < part.end_ns
        ]
    return left


def intersect(first: Iterable[Window], second: Iterable[Window]) -> list[Window]:
    """Return the instants that lie in both."""
    others = merge(second)
    return [
        Window(max(a.start_ns, b.start_ns), min(a.end_ns, b.end_ns))
        for a in merge(first)
        for b in others
        if max(a.start_ns, b.start_ns) < min(a.end_ns, b.end_ns)
    ]
