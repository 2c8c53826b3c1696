"""Does recorded runs again with the same actors and compares every decision with the recorded one.

From what the sources said (the broker, the clock, the trader) and from the order and instants at
which each judging actor was given its messages, all decisions follow; so they must come out the
same, to the letter. Where they do not, either the record was changed, or this version decides
otherwise than the one that ran.
"""

import time
from collections.abc import Sequence
from datetime import UTC, date, tzinfo
from pathlib import Path
from typing import NamedTuple

import msgspec

from risk_actors import __version__
from risk_actors.app.replay_actors import OutOfStepError, ReplayedActors
from risk_actors.app.replay_compare import Comparison, Difference
from risk_actors.app.replay_recorded import RecordedRun, RecordedRuns
from risk_actors.app.run_setup import RunSetup, calendar_of, decode_setup
from risk_actors.core.day_names import name_of_day, named_day
from risk_actors.core.trading_calendar import Window
from risk_actors.messages import Message, Tick
from risk_actors.store.audit_verify import BrokenRow, verify
from risk_actors.store.tape import TapeCutOffError, TapeDamagedError
from risk_actors.store.tape_rows import KeptNote, KeptRow


class NothingToReplayError(Exception):
    """There is nothing that could be replayed; the text says why."""


class ReplayedRun(NamedTuple):
    """What came of one run."""

    run: RecordedRun
    zone: str
    events: int = 0
    """Messages of the broker, of the trader and of supervision; resets too."""
    ticks: int = 0
    compared: int = 0
    differences: Sequence[Difference] = ()
    unrecorded: Sequence[str] = ()
    """What was decided last and did not reach the record before the process was killed."""
    notes: Sequence[str] = ()
    """What a reader should know."""
    not_compared: int = 0
    """Decisions of the day of which the tape does not tell enough."""
    fault: str = ""
    """Why it could not be replayed to its end although it should."""


class Replayed(NamedTuple):
    """What came of all."""

    day: date | None
    broken: BrokenRow | None
    """The first row of the record that is not as it was written."""
    runs: Sequence[ReplayedRun] = ()
    took_s: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether every decision came out as recorded."""
        return self.broken is None and not any(run.differences or run.fault for run in self.runs)


def replay(file: Path, day: date | None = None, zone: tzinfo = UTC) -> Replayed:
    """Replay the runs of a trading day, by default the latest, from the start of each run.

    What is wrong with the record itself is said with times in the zone.

    Raises:
        NothingToReplayError: nothing is kept of that day.
        sqlite3.Error: the store cannot be read or is no database.
    """
    began_s = time.monotonic()
    broken = verify(file, zone)
    with RecordedRuns(file) as store:
        runs = store.runs()
        if not runs:
            raise NothingToReplayError(f"{file} has no run of this version or a later one")
        day, chosen = _chosen(runs, day)
        replayed = [_replayed(store, run, setup, window) for run, setup, window in chosen]
    if all(run.compared == 0 and run.ticks == 0 and not run.fault for run in replayed):
        reasons = "; ".join(note for run in replayed for note in run.notes)
        raise NothingToReplayError(f"nothing of {day} can be replayed: {reasons}")
    return Replayed(
        day=day,
        broken=broken if isinstance(broken, BrokenRow) else None,
        runs=replayed,
        took_s=time.monotonic() - began_s,
    )


type _Chosen = list[tuple[RecordedRun, RunSetup | str, Window | None]]


def _chosen(runs: Sequence[RecordedRun], day: date | None) -> tuple[date | None, _Chosen]:
    """Return the runs that overlap a day, each with the day by its own calendar."""
    setups: list[tuple[RecordedRun, RunSetup | str]] = [(run, _setup(run)) for run in runs]
    if day is None:
        readable = [(run, setup) for run, setup in setups if isinstance(setup, RunSetup)]
        if not readable:
            return None, [(*setups[-1], None)]
        run, setup = max(readable, key=lambda each: each[0].last_ns)
        day = name_of_day(run.last_ns, calendar_of(setup))
    chosen: _Chosen = []
    for run, begun in setups:
        window = None if isinstance(begun, str) else named_day(day, calendar_of(begun))
        if window is None or (run.started_ns < window.end_ns and run.last_ns >= window.start_ns):
            chosen.append((run, begun, window))
    if not any(window for _, _, window in chosen):
        raise NothingToReplayError(f"no run is kept that lived on the trading day {day}")
    return day, chosen


def _setup(run: RecordedRun) -> RunSetup | str:
    """Return what a run began from, or in words why that cannot be read."""
    try:
        setup = decode_setup(run.setup)
        calendar_of(setup)
    except (msgspec.MsgspecError, ValueError, OSError) as error:
        return f"what it began from cannot be read by this version: {error}"
    return setup


def _replayed(
    store: RecordedRuns, run: RecordedRun, setup: RunSetup | str, window: Window | None
) -> ReplayedRun:
    if isinstance(setup, str):
        return ReplayedRun(run, "UTC", fault=setup)
    calendar = calendar_of(setup)
    zone = calendar.zone.key
    comparison = Comparison(store.decisions(run), calendar.zone, window)
    notes = []
    if run.version != __version__:
        notes.append(f"it was recorded by version {run.version}, and this is {__version__}")
    unfit = _unfit(store, run, setup)
    if unfit:
        return ReplayedRun(run, zone, notes=(*notes, unfit), not_compared=comparison.skipped())
    return _Replay(store, run, zone, comparison, notes).result(setup)


def _unfit(store: RecordedRuns, run: RecordedRun, setup: RunSetup) -> str:
    """Return why a run cannot be replayed although nothing is wrong."""
    if not store.has_tape(run):
        return "its tape is not kept any more"
    if not setup.locks_are_known:
        return (
            "the store could not tell the locks when it began, so what it began from is not known"
        )
    return ""


class _Replay:
    """The replay of one run."""

    def __init__(
        self,
        store: RecordedRuns,
        run: RecordedRun,
        zone: str,
        comparison: Comparison,
        notes: list[str],
    ) -> None:
        self._store = store
        self._run = run
        self._zone = zone
        self._comparison = comparison
        self._notes = notes
        self._events = 0

    def result(self, setup: RunSetup) -> ReplayedRun:
        """Replay, and return what came of it."""
        fault, is_whole, actors = "", True, None
        try:
            failing = self._store.store_failures(self._run)
            actors = ReplayedActors(setup, failing, self._comparison)
            is_whole = self._play(actors)
        except TapeCutOffError as error:
            is_whole = False
            self._notes.append(str(error))
        except (OutOfStepError, TapeDamagedError) as error:
            fault = str(error)
        except msgspec.MsgspecError as error:
            fault = f"what it began from cannot be read by this version: {error}"
        not_compared = 0
        if fault or not is_whole:
            not_compared = self._comparison.skipped()
            self._comparison.forget_rest()
        differences, unrecorded = self._comparison.differences(
            is_complete=self._run.is_complete and not fault and is_whole
        )
        players = () if actors is None else tuple(actors.players.values())
        differences += [
            Difference(at_ns, player.address, None, problem)
            for player in players
            for at_ns, problem in player.problems
        ]
        unheard = sum(player.unheard for player in players)
        if unheard:
            self._notes.append(f"{unheard} notes are from before the tape says who was made")
        return ReplayedRun(
            run=self._run,
            zone=self._zone,
            events=self._events,
            ticks=max((player.ticks for player in players), default=0),
            compared=self._comparison.compared,
            differences=differences,
            unrecorded=unrecorded,
            notes=tuple(self._notes),
            not_compared=not_compared,
            fault=fault,
        )

    def _play(self, actors: ReplayedActors) -> bool:
        """Go through the tape; return False where it ends before the run did."""
        for row in self._store.tape(self._run):
            if row.lost:
                self._notes.append(
                    f"{row.lost} notes of the tape were lost while the store could not be "
                    "written; what was decided after that cannot be compared"
                )
                return False
            self._events += _events(row)
            actors.play(row.notes)
        return True


def _events(row: KeptRow) -> int:
    """Return how many messages of sources a row holds, ticks aside."""
    return len(
        {
            id(note.message)
            for notes in row.notes.values()
            for note in notes
            if isinstance(note, KeptNote)
            and isinstance(note.message, Message)
            and not isinstance(note.message, Tick)
        }
    )
