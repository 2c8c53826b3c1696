"""What a replay found, as it is printed."""

from datetime import date

import pytest

from risk_actors.app.replay import Replayed, ReplayedRun
from risk_actors.app.replay_compare import Difference
from risk_actors.app.replay_recorded import RecordedRun
from risk_actors.cli.replay_page import lines
from risk_actors.store.audit_verify import BrokenRow
from tests.conftest import NOON_NS, S

BROKEN = BrokenRow(
    "events",
    7,
    "Tue 2026-11-17 12:00:00.000 CST",
    "what it says was changed after it was written",
    6,
)


def run(*differences: Difference) -> ReplayedRun:
    recorded = RecordedRun(1, NOON_NS, NOON_NS + S, is_complete=True, version="1", setup="{}")
    return ReplayedRun(recorded, "America/Chicago", 3, 40, 1_234, differences)


def test_the_time_it_took_is_no_reason() -> None:
    agreed = list(lines(Replayed(date(2026, 11, 17), None, [run()], 0.24)))
    broken = list(lines(Replayed(date(2026, 11, 17), BROKEN, [run()], 0.24)))

    assert agreed[-1] == "All 1,234 decisions came out as recorded. (Took 0.2 s.)"
    assert broken[-1] == "NOT AS RECORDED: a broken row in the record. (Took 0.2 s.)"
    assert broken[-3:-1] == [
        "BROKEN: row 7 of table events (Tue 2026-11-17 12:00:00.000 CST): what it says",
        "  was changed after it was written.",
    ]


@pytest.mark.parametrize("words", ["a lock " * 30, "x" * 70 + " daily-loss " * 9])
def test_it_is_folded_at_words(words: str) -> None:
    told = Difference(NOON_NS, "lockout", words, None, (words,))

    shown = list(lines(Replayed(None, None, [run(told)])))

    assert max(map(len, shown)) <= 80
    assert " ".join(" ".join(shown).split()).count(" ".join(words.split())) == 2
    (first,) = [line for line in shown if line.lstrip().startswith("recorded:")]
    after = shown[shown.index(first) + 1]
    assert after.startswith("      ")
