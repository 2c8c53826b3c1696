"""Whether one more command of an account may go out: the brake, and the broker's own limit.

Cancels have one brake, moves of stops a smaller one: together they keep the limit that is set.
The closes of each contract have one of their own, which cancels, moves and other contracts cannot
fill. A close that is refused is tried again at a pace that fits the reason (`retry_pace`); no row
of that table, and no mixture of rows, gets to `CLOSES_A_MINUTE`. So this brake is for loops of our
own making alone. Without a change at the broker an account sends in any minute at most the limit,
and `CLOSES_A_MINUTE` closes for each contract with a position; by the pace it is fewer than ten a
minute once a refusal has lasted a minute. A market that opens, and the broker that lets the account
trade again (`let_in`), let commands go once more.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from risk_actors.core.account_state import AccountState
from risk_actors.core.brake import Brake, BrakeState
from risk_actors.core.broker import Fill
from risk_actors.core.broker_changes import BrokerChanges
from risk_actors.core.busy_gate import BusyGate
from risk_actors.core.commands import (
    Answer,
    CloseContract,
    Command,
    MoveStop,
    Outcome,
    Refusal,
)
from risk_actors.core.evidence import NS_PER_S

TELL_EVERY_NS = 60 * NS_PER_S
"""How often a brake that is on says so, besides at each probe."""
CLOSES_A_MINUTE = 60
"""For one contract, without any change. The quickest pauses of all reasons in turn make 38."""
SHARE_OF_MOVES = 4
"""Moves of stops have this part of the limit."""
SMALLEST_SHARE = 3


class BrakedKind:
    """The brake of one kind of commands, what it counted, and what was told of it."""

    def __init__(self, limit: int) -> None:
        self.brake = Brake(limit)
        self.commands: deque[Command] = deque(maxlen=limit)
        """The latest since the last change."""
        self.count = 0
        """How many since then."""
        self.was_released = False
        """Whether it was released and nobody told so."""
        self._told_ns: int | None = None
        self._told_opens_ns = 0

    @property
    def is_at_rest(self) -> bool:
        """Whether time alone changes nothing here, and there is nothing to tell."""
        return self.brake.state is BrakeState.FREE and not self.was_released

    def note(self, command: Command, now_ns: int) -> None:
        """Take a command that goes out now."""
        self.brake.note_sent(now_ns)
        self.commands.append(command)
        self.count += 1

    def take_back(self, command_id: int) -> None:
        """Take that a command never left."""
        for command in self.commands:
            if command.id == command_id:
                self.brake.take_back()
                self.commands.remove(command)
                self.count -= 1
                return

    def changed(self, now_ns: int) -> None:
        """Take a change of the broker's state."""
        if self.brake.is_fresh:
            return  # nothing was sent since the last one
        if self.brake.changed(now_ns) and self._told_ns is not None:
            self.was_released = True
        self.commands.clear()
        self.count = 0
        self._told_ns = None

    def run_clock(self, now_ns: int) -> None:
        """Let time pass."""
        was_on = self.brake.is_on
        self.brake.run_clock(now_ns)
        if was_on and not self.brake.is_on:
            self.was_released |= self._told_ns is not None
            self._told_ns = None

    def is_to_tell(self, now_ns: int) -> bool:
        """Tell whether the trader is to be told (again) that the brake is on."""
        if not self.brake.is_on:
            return False
        return (
            self._told_ns is None
            or self._told_opens_ns != self.brake.opens_ns
            or not 0 <= now_ns - self._told_ns < TELL_EVERY_NS
        )

    def note_told(self, now_ns: int) -> None:
        """Take that it was told now."""
        self._told_ns, self._told_opens_ns = now_ns, self.brake.opens_ns

    def forget_told(self) -> None:
        """Take that what was told is over: the enforcement has ended."""
        self._told_ns = None
        self.was_released = False


class CommandGate:
    """The brakes of one account, and what they count."""

    def __init__(self, limit: int) -> None:
        """Take how many cancels and moves may go out in a minute without a change."""
        of_moves = max(limit // SHARE_OF_MOVES, SMALLEST_SHARE)
        self.cancels = BrakedKind(max(limit - of_moves, SMALLEST_SHARE))
        self.moves = BrakedKind(of_moves)
        self.closes: dict[str, BrakedKind] = {}
        """By contract."""
        self._busy = BusyGate()
        self._changes = BrokerChanges()

    @property
    def of_account(self) -> Iterator[BrakedKind]:
        """Closes and cancels: what an enforcement sends."""
        yield from self.closes.values()
        yield self.cancels

    @property
    def kinds(self) -> Iterator[BrakedKind]:
        """All, the most urgent first."""
        yield from self.of_account
        yield self.moves

    @property
    def is_at_rest(self) -> bool:
        """Whether no brake holds anything back, and there is nothing to tell of any."""
        if not (self.cancels.is_at_rest and self.moves.is_at_rest):
            return False
        return all(kind.is_at_rest for kind in self.closes.values())

    @property
    def is_on(self) -> bool:
        """Whether the brake of closes or of cancels is on."""
        return any(kind.brake.is_on for kind in self.of_account)

    def observe(self, state: AccountState, fills: Iterable[Fill], now_ns: int) -> None:
        """Take what the broker shows, and all fills it told with it."""
        changes = self._changes.observe(state, fills)
        if changes.of_account:
            self.changed(now_ns)
        if changes.of_stops:
            self.moves.changed(now_ns)

    def changed(self, now_ns: int) -> None:
        """Let closes and cancels go: something is not as it was."""
        for kind in self.of_account:
            kind.changed(now_ns)

    def release(self, now_ns: int) -> None:
        """Let commands go: the trader asks for it."""
        self.changed(now_ns)
        self._busy.release()

    def take(self, outcome: Outcome, now_ns: int) -> None:
        """Take the answer to a command."""
        self._changes.take(outcome)
        match outcome.reason:
            case Refusal.DISARMED | Refusal.UNREACHABLE:
                for kind in self.kinds:
                    kind.take_back(outcome.command_id)
            case Refusal.BUSY:
                self._busy.busy(now_ns)
            case _ if outcome.answer is not Answer.UNCERTAIN:
                self._busy.answered()
            case _:
                pass

    def may_close(self, contract_id: str, now_ns: int) -> bool:
        """Tell whether a close may go out now; the first since a change always may."""
        kind = self.closes.get(contract_id)
        if kind is None or kind.brake.is_fresh:
            return True
        return self._busy.admits(now_ns) and kind.brake.admits(now_ns)

    def may_cancel(self, now_ns: int) -> bool:
        """Tell whether a cancel may go out now."""
        return self._busy.admits(now_ns) and self.cancels.brake.admits(now_ns)

    def may_move(self, now_ns: int) -> bool:
        """Tell whether a move of a stop may go out now."""
        return self._busy.admits(now_ns) and self.moves.brake.admits(now_ns)

    def note(self, command: Command, now_ns: int) -> None:
        """Take a command that goes out now."""
        self._busy.note_sent(now_ns)
        self._changes.note(command)
        match command:
            case CloseContract(contract_id=contract_id):
                kind = self.closes.setdefault(contract_id, BrakedKind(CLOSES_A_MINUTE))
            case MoveStop():
                kind = self.moves
            case _:
                kind = self.cancels
        kind.note(command, now_ns)

    def run_clock(self, now_ns: int) -> None:
        """Let time pass."""
        if not self.is_at_rest:
            for kind in self.kinds:
                kind.run_clock(now_ns)

    def forget_told(self) -> None:
        """Take that an enforcement has ended, and what was told of its brakes with it."""
        for kind in self.of_account:
            kind.forget_told()
