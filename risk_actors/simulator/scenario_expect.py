"""What a scenario expects: one struct, of which each expectation uses one verb.

A command is expected once and within its time; every command that no expectation asked for fails
the scenario. Anything else is a state: it must come true within its time and then stay true until
the next step.
"""

from typing import Annotated, Literal

import msgspec

from risk_actors.simulator.scenario_time import When

type NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
type Count = Annotated[int, msgspec.Meta(gt=0)]
type Amount = float | Literal["unknown"]
"""US dollars to the cent, or that the figure cannot be known."""

COMMAND_VERBS = ("close", "cancel", "move")

MODIFIERS: dict[str, frozenset[str]] = {
    "close": frozenset({"size", "times", "at_most"}),
    "cancel": frozenset({"times", "at_most"}),
    "move": frozenset({"to", "times", "at_most"}),
    "lock": frozenset({"scope", "until", "until_reset", "on_condition", "lasts_s", "reason"}),
    "unlocked": frozenset(),
    "verdict": frozenset({"of", "value", "limit", "reason"}),
    "flat": frozenset(),
    "positions": frozenset(),
    "orders": frozenset(),
    "day": frozenset(),
    "week_realized": frozenset(),
    "balance": frozenset(),
    "can_trade": frozenset(),
    "phase": frozenset(),
    "said": frozenset(),
    "unsaid": frozenset(),
}
"""Each verb and the keys that go with it."""

_ALWAYS = frozenset({"within_s", "account"})


class DayFigures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures of the trading day; those left out are not looked at."""

    realized: Amount | None = None
    unrealized: Amount | None = None
    equity: Amount | None = None
    fees: Amount | None = None
    trades: int | None = None
    entries: int | None = None


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that must come, or be, after its step."""

    close: NonEmpty | None = None
    """A close of this symbol's position: the whole, or `size` contracts of it."""
    cancel: NonEmpty | None = None
    """A cancel of the order of this name."""
    move: NonEmpty | None = None
    """The stop of this name moved `to` a price."""

    lock: NonEmpty | None = None
    """A lock by the rule of this id."""
    unlocked: bool | NonEmpty | None = None
    """No lock at all (true), or none by the rule of this id."""
    verdict: Literal["ok", "warning", "breach", "unknown"] | None = None
    """What the rule `of` this id says."""
    flat: Literal[True] | None = None
    """No position, no working order, no enforcement under way."""
    positions: dict[str, int] | None = None
    """Exactly these signed sizes by symbol, at the broker and as shown."""
    orders: tuple[NonEmpty, ...] | None = None
    """Exactly these orders work, at the broker and as shown."""
    day: DayFigures | None = None
    week_realized: Amount | None = None
    balance: Amount | None = None
    can_trade: bool | None = None
    phase: NonEmpty | None = None
    said: NonEmpty | None = None
    """An event with these words since the step."""
    unsaid: NonEmpty | None = None
    """No event with these words since the step."""

    size: Count | None = None
    to: float | None = None
    times: Annotated[int, msgspec.Meta(ge=0)] = 1
    """So many commands: exactly, or at least when `at_most` says how many may come. 0 is for one
    that may come or not, as the events of a fill happen to be ordered."""
    at_most: Count | None = None
    scope: NonEmpty = "account"
    """`account`, or the symbol of the contract."""
    until: When | None = None
    until_reset: Literal["daily", "weekly"] | None = None
    on_condition: Literal[True] | None = None
    """The lock ends at no instant, but on a condition."""
    lasts_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """From the lock's beginning to its end."""
    reason: str | None = None
    """Words that the reason contains."""
    of: str | None = None
    value: float | None = None
    limit: float | None = None

    within_s: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    account: NonEmpty | None = None
    """Name of the account; the first one when left out."""

    def __post_init__(self) -> None:
        """Refuse an expectation that says nothing, two things, or what would be ignored."""
        verbs = [verb for verb in MODIFIERS if getattr(self, verb) is not None]
        if len(verbs) != 1:
            said = " and ".join(f"`{verb}`" for verb in verbs) or "none"
            raise ValueError(
                f"an expectation has exactly one of {', '.join(MODIFIERS)}; found {said}"
            )
        allowed = MODIFIERS[verbs[0]] | _ALWAYS | {verbs[0]}
        for field in msgspec.structs.fields(type(self)):
            if field.name not in allowed and getattr(self, field.name) != field.default:
                raise ValueError(f"`{field.name}` means nothing beside `{verbs[0]}`")
        if self.times == 0 and self.at_most is None:
            raise ValueError("with `times = 0` say how many may come: `at_most`")
        if self.at_most is not None and self.at_most < self.times:
            raise ValueError("`at_most` is less than `times`")
        if self.verdict is not None and self.of is None:
            raise ValueError("`verdict` needs the id of the rule: `of`")
        if self.unlocked is False:
            raise ValueError("`unlocked` is true or the id of a rule; expect a `lock` instead")

    @property
    def verb(self) -> str:
        """Return what it is about."""
        return next(verb for verb in MODIFIERS if getattr(self, verb) is not None)

    @property
    def is_command(self) -> bool:
        """Tell whether it asks for a command."""
        return self.verb in COMMAND_VERBS

    def sentence(self) -> str:
        """Return it as its file writes it."""
        given = {
            field.name: getattr(self, field.name)
            for field in msgspec.structs.fields(type(self))
            if getattr(self, field.name) != field.default
        }
        ordered = {self.verb: given.pop(self.verb), **given}
        return ", ".join(f"{key} {_said(value)}".strip() for key, value in ordered.items())


def _said(value: object) -> str:
    if isinstance(value, msgspec.Struct):
        figures = msgspec.structs.asdict(value).items()
        return ", ".join(
            f"{name} {_said(figure)}" for name, figure in figures if figure is not None
        )
    if isinstance(value, dict):
        return ", ".join(f"{key} {figure:+d}" for key, figure in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "" if value is True else f"{value:,.2f}" if isinstance(value, float) else str(value)
