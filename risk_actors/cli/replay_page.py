"""What a replay found, in words."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from risk_actors.app.replay import Replayed, ReplayedRun
from risk_actors.app.replay_compare import Difference
from risk_actors.core.evidence import NS_PER_S

SHOWN = 20
"""Differences, and last decisions that are not in the record, shown of one run."""
_DETAILS_SHOWN = 5


def lines(replayed: Replayed) -> Iterator[str]:
    """Yield what is printed."""
    if replayed.day is not None:
        yield f"Trading day {replayed.day:%a %Y-%m-%d}"
    for run in replayed.runs:
        yield from _run(run)
    if replayed.broken is not None:
        yield f"BROKEN: {replayed.broken.sentence()}."
    yield _verdict(replayed)


def _run(run: ReplayedRun) -> Iterator[str]:
    zone = ZoneInfo(run.zone)
    last = _instant(run.run.last_ns, zone)
    end = f"ended {last}" if run.run.is_complete else f"last alive {last}, not ended in order"
    yield f"Run {run.run.id}: started {_instant(run.run.started_ns, zone)}, {end}"
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
        yield (
            f"  {_count(len(run.unrecorded), 'decision')} had not reached the record when it "
            "stopped:"
        )
        yield from (f"    {each}" for each in run.unrecorded[:SHOWN])


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
    took = f"in {replayed.took_s:.1f} s"
    if replayed.agrees:
        return f"All {_count(compared, 'decision')} came out as recorded, {took}."
    found = sum(len(run.differences) for run in replayed.runs)
    reasons = [_count(found, "difference")] if found else []
    faults = sum(1 for run in replayed.runs if run.fault)
    reasons += [f"{_count(faults, 'run')} not replayed to the end"] if faults else []
    reasons += ["a broken row in the record"] if replayed.broken is not None else []
    return f"NOT AS RECORDED: {', '.join(reasons)}, {took}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _instant(at_ns: int, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(at_ns // NS_PER_S, zone)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_ns % NS_PER_S // 1_000_000:03d} {at:%Z}"
