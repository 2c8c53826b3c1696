"""The actors are made anew at a pace that leaves room for reading."""

import pytest

from risk_actors.app.rebuild_pace import REST_NS, WAIT_AT_MOST_NS, RebuildPace

S = 1_000_000_000


def test_the_first_change_is_taken_on_at_once() -> None:
    pace = RebuildPace()
    assert not pace.is_due(0, has_room=True)

    pace.owe(5)

    assert pace.is_due(5, has_room=True)


def test_the_next_one_waits_and_those_in_between_are_one() -> None:
    pace = RebuildPace()
    pace.owe(0)
    pace.done(0)

    for second in range(1, 30):
        pace.owe(second * S)
        assert not pace.is_due(second * S, has_room=True)

    assert pace.is_due(REST_NS, has_room=True)
    pace.done(REST_NS)
    assert not pace.is_owed
    assert not pace.is_due(10 * REST_NS, has_room=True)


@pytest.mark.parametrize(
    ("waited_ns", "due"), [(0, False), (WAIT_AT_MOST_NS - 1, False), (WAIT_AT_MOST_NS, True)]
)
def test_without_room_for_reads_it_waits_but_not_for_ever(waited_ns: int, *, due: bool) -> None:
    pace = RebuildPace()
    pace.owe(7)

    assert pace.is_due(7 + waited_ns, has_room=False) is due


def test_what_was_taken_back_is_owed_no_more() -> None:
    pace = RebuildPace()
    pace.owe(0)

    pace.settle()

    assert not pace.is_due(WAIT_AT_MOST_NS, has_room=True)


def test_what_was_tried_in_vain_stays_owed_and_is_tried_ever_less_often() -> None:
    pace, now_ns, tried_s = RebuildPace(), 0, []
    pace.owe(0)
    while now_ns <= 600 * S:
        if pace.is_due(now_ns, has_room=True):
            pace.failed(now_ns)
            tried_s.append(now_ns // S)
        now_ns += S

    assert tried_s == [0, 30, 90, 210, 330, 450, 570]
    pace.done(now_ns)
    pace.owe(now_ns)
    assert pace.is_due(now_ns + REST_NS, has_room=True)
