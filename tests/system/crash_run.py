"""Plays a day to a guarded broker, without kills or with, and says where the two came apart."""

import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple, Self

from crash_day import SHORT_LOCK_S, Hands, Step
from crash_sight import Deeds, SeenLock, Sight, agrees_with_broker, deeds, order_names, sight
from crash_store import faults_of_store
from daemon_process import Daemon, eventually

from risk_actors.simulator import SimulatorSettings, SimulatorThread, paper_accounts
from risk_actors.simulator.checker import check

AFTER_THE_ACT_S = 0.4
"""A kill falls so long after what happened, at the most."""
WHILE_STARTING_S = 2.0
"""Or so long after the start of the process: the start takes about as long."""
REST_TICKS = 3
"""Nothing has changed for so many ticks once things have come to rest."""
REST_WITHIN_S = 45.0
"""A start on a busy machine, and a short lock's end."""
STEPS_UNDER_A_LOCK_S = 4.0
"""What the steps under a short lock take, kills aside."""
SAME_END = timedelta(seconds=1)
"""A lock for a duration runs from the broker's time of what broke the rule, so that a restart does
not move its end; counted from the act it differs only by how quickly things went."""


class Kill(NamedTuple):
    """When the daemon is killed."""

    after_s: float
    while_starting: bool
    """Counted from the start of the process; else from the act, or from when it guarded again."""
    stays_down: bool
    """Where the next step allows it, it is started again after that step only."""


def kills_of_a_day(seed: int, count: int, steps: int) -> list[list[Kill]]:
    """Return the kills of each step."""
    rng = Random(f"kills {seed}")
    plan: list[list[Kill]] = [[] for _ in range(steps)]
    for _ in range(count):
        starting = rng.random() < 0.35
        plan[rng.randrange(steps)].append(
            Kill(
                rng.uniform(0, WHILE_STARTING_S if starting else AFTER_THE_ACT_S),
                starting,
                rng.random() < 0.5,
            )
        )
    return plan


@dataclass
class StepResult:
    """What a step came to."""

    name: str
    acted_at: datetime
    rested_at: datetime
    sight: Sight
    done: Deeds


@dataclass
class Day:
    """One run of a day: broker, daemon, and what came of each step."""

    directory: Path
    rules: str
    seed: int
    kills_done: int = 0
    starts_s: list[float] = field(default_factory=list)
    """How long from the start of the process until it guarded, where it was not killed before."""
    results: list[StepResult] = field(default_factory=list)
    ends: dict[tuple[int, str], list[timedelta]] = field(default_factory=dict)
    """For each account and rule, how long after the act its short locks end, in their order."""
    faults: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.simulator = SimulatorThread(
            SimulatorSettings(
                auto_prices=False,
                contract_date=date(2026, 11, 21),
                accounts=paper_accounts(2),
                seed=self.seed,
                # A start reads a lot, and no trader starts it thirty times a minute.
                requests_per_minute=100_000,
                bar_requests_per_30_s=10_000,
            )
        )
        self.simulator.start()
        self._hands = Hands(self.simulator)
        self.daemon = Daemon(self.directory, self.simulator.environment, rules=self.rules)
        self._announced: dict[tuple[object, ...], SeenLock] = {}
        self._known_ends: set[datetime] = set()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.__exit__()
        self.simulator.stop()

    _unseen: "_Begun | None" = None
    """The beginning of the first of the steps that nobody has looked at yet."""

    # --- the day --------------------------------------------------------------------------

    def play(self, steps: Sequence[Step]) -> None:
        """Play the day without a kill."""
        for step in steps:
            begun = self._begin(step)
            shown = self._rest(step, None)
            self._end(step, begun, shown)

    def play_with_kills(
        self, steps: Sequence[Step], plan: Sequence[Sequence[Kill]], other: "Day"
    ) -> None:
        """Play the day with kills, and compare each step with the other run's."""
        for index, step in enumerate(steps):
            following = steps[index + 1] if index + 1 < len(steps) else None
            begun = self._begin(step)
            stays_down = self._kill(step, plan[index], following)
            if stays_down:
                self._unseen = begun if self._unseen is None else self._unseen
                continue
            first = self._unseen or begun
            self._unseen = None
            expected = other.results[index]
            shown = self._rest(step, expected.sight)
            self._end(step, first, shown)
            self._compare(index, step, other)

    def _begin(self, step: Step) -> "_Begun":
        begun = _Begun(datetime.now(UTC), *self._marks())
        if step.begins_short_lock:
            self._locked_since = time.monotonic()
        step.act(self._hands)
        if self._is_down:
            self._start(until_armed=False)
        return begun

    def _marks(self) -> tuple[int, int]:
        history = self.simulator.gateway.history
        return self.simulator.call(lambda: (len(history.requests), len(history.journal)))

    def _end(self, step: Step, begun: "_Begun", shown: Sight) -> None:
        names = self.simulator.call(
            lambda: order_names(self.simulator.gateway.exchange.orders.values())
        )
        symbols = {
            contract_id: contract.symbol
            for contract_id, contract in self.simulator.gateway.exchange.contracts.items()
        }
        done = deeds(
            self.simulator.requests()[begun.requests :],
            self.simulator.journal()[begun.journal :],
            names,
            symbols,
        )
        for lock in shown.locks:
            ends = self.ends.setdefault((lock.account, lock.rule), [])
            if lock.is_short and lock.until and lock.until not in self._known_ends:
                self._known_ends.add(lock.until)
                ends.append(lock.until - begun.at)
        self.results.append(StepResult(step.name, begun.at, datetime.now(UTC), shown, done))

    def _rest(self, step: Step, expected: Sight | None) -> Sight:
        """Return what is seen once broker and daemon have come to rest."""
        self._await_armed()
        last: list[Sight] = []

        def is_at_rest() -> bool:
            last[:] = [self._look()]
            return (
                agrees_with_broker(last[0], self.simulator)
                and (expected is None or not last[0].differences(expected))
                and not (step.waits_for_short_locks and any(x.is_short for x in last[0].locks))
            )

        deadline = time.monotonic() + REST_WITHIN_S
        while True:
            try:
                eventually(is_at_rest, max(deadline - time.monotonic(), 0.1))
            except AssertionError:
                found = [] if expected is None or not last else last[0].differences(expected)
                raise AssertionError(
                    f"step {step.name} did not come to rest: "
                    + ("\n".join(found) or f"daemon and broker differ: {last}")
                ) from None
            before = last[0]
            self.daemon.let_ticks_pass(REST_TICKS)
            if is_at_rest() and not last[0].differences(before):
                return last[0]

    def _look(self) -> Sight:
        shown = sight(self.daemon, self.simulator)
        for lock in shown.locks:
            self._announced[lock.account, lock.rule, lock.scope, lock.until] = lock
        return shown

    # --- kills ----------------------------------------------------------------------------

    @property
    def _is_down(self) -> bool:
        process = self.daemon.process
        return process is None or process.poll() is not None

    def _start(self, *, until_armed: bool = True) -> None:
        self._started = time.monotonic()
        self.daemon.start(until_armed=False)
        if until_armed:
            self._await_armed()

    def _await_armed(self) -> None:
        eventually(self.daemon._is_armed_or_dead, REST_WITHIN_S, "armed")
        if self._is_down:
            raise AssertionError(f"the daemon ended by itself:\n{self.daemon.finish()}")
        if self._started:
            self.starts_s.append(time.monotonic() - self._started)
            self._started = 0.0

    _locked_since = 0.0
    """When the step was made that begins the latest short lock."""
    _started = 0.0
    """When the process was started, until it was seen to guard."""

    def _kill(self, step: Step, kills: Sequence[Kill], following: Step | None) -> bool:
        """Kill and start again as planned; tell whether it was left down."""
        for kill in kills:
            if not self._may_kill(step, kill):
                continue
            if not kill.while_starting:
                self._await_armed()
            time.sleep(kill.after_s)
            self._note_locks()
            self.daemon.kill()
            self.kills_done += 1
            self.faults += [
                f"{step.name}: {fault}"
                for fault in faults_of_store(self.daemon, self._announced.values())
            ]
            if kill.stays_down and self._may_stay_down(step, following):
                return True
            self._start(until_armed=False)
        return False

    def _may_kill(self, step: Step, kill: Kill) -> bool:
        """Tell whether a short lock would still be in force after this kill and another start."""
        if not (step.begins_short_lock or step.under_short_lock):
            return True
        gone_s = time.monotonic() - self._locked_since
        start_s = max(self.starts_s)
        return gone_s + kill.after_s + 2 * start_s + STEPS_UNDER_A_LOCK_S < SHORT_LOCK_S

    def _may_stay_down(self, step: Step, following: Step | None) -> bool:
        return (
            following is not None
            and following.may_be_unseen
            and not (step.begins_short_lock or step.under_short_lock or step.waits_for_short_locks)
        )

    def _note_locks(self) -> None:
        """Remember which locks were announced by now, if it can tell yet."""
        try:
            self._look()
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return

    # --- comparing ------------------------------------------------------------------------

    def _compare(self, index: int, step: Step, other: "Day") -> None:
        mine, theirs = self.results[-1], other.results[index]
        covered = other.results[: index + 1]
        # Steps that passed unseen are looked at together with the one after them.
        names = [result.name for result in self.results]
        since = next((n + 1 for n in range(index - 1, -1, -1) if covered[n].name in names), 0)
        wanted = Deeds()
        for result in covered[since:]:
            wanted = wanted.with_(result.done)
        earlier = {each for result in covered[:since] for each in result.done.sent}
        self.faults += [f"{step.name}: {x}" for x in mine.done.worse_than(wanted, earlier)]
        self.faults += [f"{step.name}: {x}" for x in _lock_faults(mine, theirs)]
        for key, ends in self.ends.items():
            should = other.ends.get(key, [])[: len(ends)]
            is_same = len(ends) == len(should) and all(
                abs(end - other_end) <= SAME_END
                for end, other_end in zip(ends, should, strict=True)
            )
            if not is_same:
                self.faults.append(f"{step.name}: {key} ends after {ends}, not {should}")

    def locking_rules(self) -> set[str]:
        """Return the rules that locked anything."""
        return {lock.rule for result in self.results for lock in result.sight.locks}

    def kinds_sent(self) -> set[str]:
        """Return which kinds of commands were sent."""
        return {kind for result in self.results for kind, _, _ in result.done.sent}

    def violations(self) -> list[str]:
        """Return what the simulator's checker says against the whole day (I1, I2)."""
        simulator = self.simulator
        return [
            str(violation)
            for violation in check(simulator.journal(), simulator.requests(), simulator.events())
        ]


class _Begun(NamedTuple):
    at: datetime
    requests: int
    journal: int


def _lock_faults(mine: StepResult, theirs: StepResult) -> list[str]:
    """Return which locks do not end at the very instant at which they should: at a reset."""
    found = []
    for lock, other in zip(mine.sight.locks, theirs.sight.locks, strict=True):
        if not lock.is_short and lock.until != other.until:
            found.append(f"{lock} should end at {other.until}")
        if lock.since > mine.rested_at:
            found.append(f"{lock} begins after it was seen")
    return found
