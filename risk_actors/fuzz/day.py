"""A simulated trading day as data: who trades what, when prices move, and what goes wrong.

Everything random is drawn before the day begins (`draw.py`), so that a day can be written to a
file, read by a person, cut down to what matters (`shrink.py`) and played again. Times are seconds
since the start of the day.
"""

from typing import Any

import msgspec

from risk_actors.core.unlock_policy import UnlockPolicy


class Element(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that happens once."""

    at_s: float


class Enter(Element, frozen=True, kw_only=True):
    """The trader sends an order; `size` is signed. Exits are given in ticks from the entry."""

    account: int
    symbol: str
    size: int
    kind: str = "market"
    """`market`, `limit` or `stop`."""
    away_ticks: int = 0
    """How far from the market a limit or stop rests."""
    stop_ticks: int | None = None
    target_ticks: int | None = None


class Exit(Element, frozen=True, kw_only=True):
    """The trader closes a position at the market, or a part of it."""

    account: int
    symbol: str
    size: int | None = None


class Reverse(Element, frozen=True, kw_only=True):
    """The trader sends an order of twice the position against it."""

    account: int
    symbol: str


class Protect(Element, frozen=True, kw_only=True):
    """The trader places a stop for the position, so many ticks away."""

    account: int
    symbol: str
    ticks: int


class Shift(Element, frozen=True, kw_only=True):
    """The trader moves his orders away from the market, or toward it, by so many ticks."""

    account: int
    ticks: int


class CancelAll(Element, frozen=True, kw_only=True):
    """The trader cancels everything that works."""

    account: int


class Panic(Element, frozen=True, kw_only=True):
    """The trader asks the guard to flatten and lock."""

    account: int


class Unlock(Element, frozen=True, kw_only=True):
    """The trader asks for the oldest lock of the account to be ended."""

    account: int


class Withdraw(Element, frozen=True, kw_only=True):
    """The trader takes back the oldest such request of the account."""

    account: int


class Move(Element, frozen=True, kw_only=True):
    """A price moves by so many ticks, two quotes a second."""

    symbol: str
    ticks: int
    over_s: float = 0.0


class BadTick(Element, frozen=True, kw_only=True):
    """One quote is wrong, and the next one is right; nothing trades at it."""

    symbol: str
    kind: str
    """`zero`, `off_grid`, `crossed` or `spike`."""
    ticks: int = 0
    """Of a spike: how far it lies from the market."""


class Kill(Element, frozen=True, kw_only=True):
    """The guard is killed before it has handled so many more messages, and started again."""

    after_messages: int
    down_s: float


class Fail(Element, frozen=True, kw_only=True):
    """An actor fails at the next message that it takes, and is started anew by itself."""

    which: float
    """Which of all actors, in the order of their start, as a share of their number."""


class ClockSet(Element, frozen=True, kw_only=True):
    """Somebody sets the clock of the guard's PC."""

    by_s: float


type Deed = (
    Enter
    | Exit
    | Reverse
    | Protect
    | Shift
    | CancelAll
    | Panic
    | Unlock
    | Withdraw
    | Move
    | BadTick
    | Kill
    | Fail
    | ClockSet
)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that goes wrong from one instant until another, with a probability each time."""

    kind: str
    """One of `hostile.KINDS`."""
    begin_s: float
    end_s: float
    chance: float = 1.0
    account: int | None = None
    symbol: str | None = None
    reason: str | None = None
    """Of refusals: one of `core.commands.Refusal`."""


class AccountPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A guarded account."""

    id: int
    name: str
    balance_usd: float


class News(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled release."""

    at_s: float
    symbols: tuple[str, ...] = ()


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day, all of it."""

    seed: int
    """Of the schedule of actors, of delays, and of whatever a fault's chance decides."""
    start_ns: int
    length_s: float
    symbols: tuple[str, ...]
    accounts: tuple[AccountPlan, ...]
    rules: tuple[dict[str, Any], ...]
    """As they would stand in risk.toml."""
    unlock: UnlockPolicy = UnlockPolicy.NEVER
    unlock_delay_s: int = 600
    news: tuple[News, ...] = ()
    pc_ahead_s: float | None = None
    """How wrong the PC's clock is; None where the PC has the broker's own."""
    partial_fills: bool = True
    deeds: tuple[Deed, ...] = ()
    faults: tuple[Fault, ...] = ()


def to_json(day: Day) -> bytes:
    """Return a day for a file that a person can read."""
    return msgspec.json.format(msgspec.json.encode(day), indent=1)


def from_json(text: bytes) -> Day:
    """Return the day that a file says.

    Raises:
        msgspec.ValidationError: it is no day.
    """
    return msgspec.json.decode(text, type=Day)
