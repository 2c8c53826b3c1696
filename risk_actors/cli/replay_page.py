"""What a replay found, in words."""

import textwrap
from collections.abc import Iterator
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from risk_actors.app.replay import Replayed, ReplayedRun
from risk_actors.app.replay_compare import Difference
from risk_actors.core.evidence import NS_PER_S

SHOWN = 20
"""Differences, and last decisions that are not in the record, shown of one run."""
_DETAILS_SHOWN = 5
_WIDTH = 80


def lines(replayed: Replayed, *, lives_since_ns: int | None = None) -> Iterator[str]:
    """Yield what is printed, folded at words; what goes on stands two columns further in.

    Args:
        replayed: what the replay found.
        lives_since_ns: a run that has not ended and lived after this still runs; None: none does.
    """
    for line in _lines(replayed, lives_since_ns):
        margin = line[: len(line) - len(line.lstrip())]
        yield from textwrap.wrap(
            line,
            _WIDTH,
            subsequent_indent=f"{margin}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _lines(replayed: Replayed, lives_since_ns: int | None) -> Iterator[str]:
    if replayed.day is not None:
        yield f"Trading day {replayed.day:%a %Y-%m-%d}"
    for run in replayed.runs:
        # Only the newest can be running; one before it may have been killed a moment ago.
        yield from _run(run, lives_since_ns if run is replayed.runs[-1] else None)
    if replayed.broken is not None:
        yield f"BROKEN: {replayed.broken.sentence()}."
    yield _verdict(replayed)


def _run(run: ReplayedRun, lives_since_ns: int | None) -> Iterator[str]:
    zone = ZoneInfo(run.zone)
    lives = lives_since_ns is not None and run.run.last_ns > lives_since_ns
    yield f"Run {run.run.id}: from {_instant(run.run.started_ns, zone)} {_until(run, zone, lives)}"
    yield (
        f"  {_count(run.events, 'event')}, {_count(run.ticks, 'tick')}, "
        f"{_count(run.compared, 'decision')} compared, "
        f"{_count(len(run.differences), 'difference')}"
    )
    for note in run.notes:
        yield f"  Note: {note}."
    if run.fault:
        yield f"  NOT REPLAYED TO ITS END: {run.fault}."
    if run.not_compared:
        yield f"  NOT COMPARED: {_count(run.not_compared, 'decision')} of this day."
    for difference in run.differences[:SHOWN]:
        yield from _difference(difference, zone)
    if len(run.differences) > SHOWN:
        yield f"  ... and {_count(len(run.differences) - SHOWN, 'difference')} more"
    if run.unrecorded:
        yet = "yet" if lives and not run.run.is_complete else "when it stopped"
        yield f"  {_count(len(run.unrecorded), 'decision')} had not reached the record {yet}:"
        yield from (f"    {each}" for each in run.unrecorded[:SHOWN])


def _until(run: ReplayedRun, zone: tzinfo, lives: bool) -> str:
    last = _instant(run.run.last_ns, zone)
    if run.run.is_complete:
        return f"to {last}"
    return "and still running" if lives else f"to {last}, not ended in order"


def _difference(difference: Difference, zone: tzinfo) -> Iterator[str]:
    yield f"  DIFFERS at {_instant(difference.at_ns, zone)}, {difference.sender}"
    yield f"    recorded: {difference.recorded or 'nothing of the kind'}"
    yield f"    replayed: {difference.replayed or 'nothing of the kind'}"
    for detail in difference.details[:_DETAILS_SHOWN]:
        yield f"      {detail}"
    if len(difference.details) > _DETAILS_SHOWN:
        yield f"      ... and {len(difference.details) - _DETAILS_SHOWN} more"


def _verdict(replayed: Replayed) -> str:
    compared = sum(run.compared for run in replayed.runs)
    took = f"(Took {replayed.took_s:.1f} s.)"
    if replayed.agrees:
        return f"All {_count(compared, 'decision')} came out as recorded. {took}"
    found = sum(len(run.differences) for run in replayed.runs)
    reasons = [_count(found, "difference")] if found else []
    faults = sum(1 for run in replayed.runs if run.fault)
    reasons += [f"{_count(faults, 'run')} not replayed to the end"] if faults else []
    reasons += ["a broken row in the record"] if replayed.broken is not None else []
    return f"NOT AS RECORDED: {', '.join(reasons)}. {took}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _instant(at_ns: int, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(at_ns // NS_PER_S, zone)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_ns % NS_PER_S // 1_000_000:03d} {at:%Z}"
