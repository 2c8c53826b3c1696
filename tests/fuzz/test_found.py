"""Every bug that the fuzzer found, as the smallest day that showed it; it stays mended.

A day is data, so it is the same day whatever becomes of how days are drawn.
"""

from pathlib import Path

import pytest

from risk_actors.fuzz.campaign import play
from risk_actors.fuzz.day import from_json
from risk_actors.fuzz.tell import told_findings

FOUND = {
    "stop_moved_by_a_quote": "I9: a stop moved because of a quote had no event in the record",
    "cooldown_on_a_slow_clock": "after a win the cooldown for losses raised, on a PC whose clock is"
    " behind the broker's",
    "bracket_of_a_kept_exit": "I3: under a lock that keeps what is open, the enforcement waited for"
    " ever for the bracket of an exit that works",
    "own_stop_beside_a_reduction": "I2: the trader's own stop filled while a partial close was on"
    " its way, was taken for its effect, and a second close was sent",
    "older_order_told_late": "I2: a fill told late, of an order older than the close, was taken for"
    " its effect, and a second flatten was sent",
    "own_exit_before_the_report": "I2: the trader's own exit was taken for the whole effect of a"
    " flatten whose position had been reported in part, and a second flatten was sent",
    "part_of_a_close_after_an_entry_only_read": "I2: a part of a flatten was taken for all of it"
    " where a snapshot alone told of an entry, and a second flatten was sent",
    "flat_reported_late_beside_a_reduction": "I2: a flat reported late, of a position that had"
    " turned round, was taken for the effect of a reduction, and a second one was sent",
    "stop_placed_and_moved_at_once": "I1: a stop was placed and moved further in the same instant;"
    " the older row came last, and a move that went by it took the trader's own back",
    "flat_read_early": "I2: a flat of a snapshot asked for before the close was sent was taken for"
    " its effect, and a second flatten was sent when the next one still showed the position",
    "position_actor_made_anew": "I5: entries under a lock counted once the position actor was"
    " started anew",
    "fills_not_listed_for_a_while": "I5: entries under a lock counted once a stale snapshot had"
    " dropped their fills for a while",
    "stop_larger_than_what_stays": "I3: after a reduction under a lock, a stop larger than what"
    " stays was taken for protection of what is to be closed, and the enforcement never ended",
    "locks_one_after_another": "I6: under locks that followed each other a close that the broker"
    " refused began its quick repeats anew each time",
    "entry_as_the_week_began": "I5: by our clock an entry was under a lock that ended with the"
    " week, by the broker's it was the new week's first; after a restart that lock was forgotten",
}
DAYS = Path(__file__).parent / "days"


@pytest.mark.parametrize("name", FOUND)
def test_a_bug_that_was_found_stays_mended(name: str) -> None:
    findings = play(from_json((DAYS / f"{name}.json").read_bytes()))

    assert not findings, "\n".join([FOUND[name], *told_findings(findings)])


def test_every_day_says_what_it_showed() -> None:
    assert {path.stem for path in DAYS.glob("*.json")} == set(FOUND)
