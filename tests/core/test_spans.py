"""Sets of instants: joined, cut and shared, against a model that looks at each instant."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.spans import intersect, merge, subtract
from risk_actors.core.trading_calendar import Window

spans = st.lists(st.builds(Window, st.integers(0, 30), st.integers(0, 30)), max_size=6)


def instants(windows: list[Window]) -> set[int]:
    return {at for window in windows for at in range(window.start_ns, window.end_ns)}


def is_tidy(windows: list[Window]) -> bool:
    """Tell whether windows are in order, not empty, and apart from each other."""
    return all(w.start_ns < w.end_ns for w in windows) and all(
        first.end_ns < second.start_ns for first, second in pairwise(windows)
    )


@given(spans)
def test_joined_windows_hold_the_same_instants(windows: list[Window]) -> None:
    assert instants(merge(windows)) == instants(windows)
    assert is_tidy(merge(windows))


@given(spans, spans)
def test_a_hole_takes_away_what_lies_in_it(windows: list[Window], holes: list[Window]) -> None:
    left = subtract(windows, holes)

    assert instants(left) == instants(windows) - instants(holes)
    assert is_tidy(left)


@given(spans, spans)
def test_what_two_share_lies_in_both(first: list[Window], second: list[Window]) -> None:
    assert instants(intersect(first, second)) == instants(first) & instants(second)
