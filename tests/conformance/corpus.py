"""The corpus as read from its TOML files: rules, cases, steps and what is expected of them.

Nothing here knows an engine. Whatever the files hold is checked on reading: a key that is not
known, a date that is not the weekday it says, a source that is not listed are errors.
"""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

HERE = Path(__file__).parent
NS_PER_S = 1_000_000_000

type Kind = Literal[
    "loss_floor",
    "day_loss",
    "week_loss",
    "day_profit",
    "day_giveback",
    "contracts",
    "scaling",
    "hours",
]
type Size = Annotated[int, msgspec.Meta(gt=0)]
type Local = str
"""A wall-clock time with its weekday: `Mon 2026-06-01 09:30:00`; with a Z at its end, UTC."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a file; a key that it does not have is an error."""


class Source(_Table, frozen=True, kw_only=True):
    """Where a rule or a figure is published."""

    page: str
    url: str
    read: str
    """The date on which it was read, or that the copy bears."""
    says: str


class Reading(_Table, frozen=True, kw_only=True):
    """A way in which these rules are often got wrong."""

    title: str
    met_in: str


class Contract(_Table, frozen=True, kw_only=True):
    """A product: dollars of one contract for one tick, and its id where an engine needs one."""

    tick_size: Decimal
    tick_value_usd: Decimal
    is_micro: bool = False
    gateway_id: str
    """The ProjectX Gateway's contract id, for engines that speak it."""


class Session(_Table, frozen=True, kw_only=True):
    """When trading days and weeks begin, by the clocks of a zone."""

    zone: str
    day_begins: str
    week_begins: str
    """A weekday and a time: `Sun 17:00`."""
    source: str


class Hours(_Table, frozen=True, kw_only=True):
    """A span of wall-clock time in which a position or order may be open: start in, end out."""

    days: tuple[str, ...]
    """The weekdays on which it starts: `Mon` to `Sun`."""
    start: str
    end: str
    zone: str
    contracts: tuple[str, ...] = ()
    """Empty means every contract that has no hours of its own."""


class EarlyClose(_Table, frozen=True, kw_only=True):
    """A holiday's closure: trading ends earlier than on other days, or a day has none."""

    closes: Local
    reopens: Local
    contracts: tuple[str, ...]


class ScalingStep(_Table, frozen=True, kw_only=True):
    """While the measure of the day's beginning is above this, so many contracts are allowed."""

    above_usd: Decimal | None = None
    """None for the first step, which has no lower end."""
    contracts: Size


class RuleTable(_Table, frozen=True, kw_only=True):
    """One rule with its figures, in words that belong to no engine. The README explains each."""

    kind: Kind
    sources: tuple[str, ...]
    start_balance_usd: Decimal | None = None
    allowance_usd: Decimal | None = None
    follows: Literal["nothing", "day_end_balance", "closed_balance", "equity"] | None = None
    stops_at_usd: Decimal | None = None
    set_floor_usd: Decimal | None = None
    act_above_usd: Decimal | None = None
    limit_usd: Decimal | None = None
    arm_at_usd: Decimal | None = None
    contracts: Size | None = None
    micros_per_mini: Size | None = None
    steps: tuple[ScalingStep, ...] = ()
    hours: tuple[Hours, ...] = ()
    follows_early_closes: bool = False
    ends_early_s: int = 0


class Fill(_Table, frozen=True, kw_only=True):
    """A trade of the account: `buy` or `sell` so many contracts."""

    contract: str
    buy: Size | None = None
    sell: Size | None = None
    price: Decimal
    fees_usd: Decimal = Decimal(0)
    order: int | None = None
    """Fills of one order are one entry; without a number each fill is of an order of its own."""
    profit_usd: Decimal | None = None
    """Gross profit of what it closes; without it, ticks from the average entry price."""
    id: int | None = None
    """Given where the same fill is told again: one with a known id is no new fill."""

    @property
    def signed(self) -> int:
        """Return what it adds to the position."""
        return (self.buy or 0) - (self.sell or 0)


class Order(_Table, frozen=True, kw_only=True):
    """A working limit order to open a position."""

    id: int
    contract: str
    buy: Size | None = None
    sell: Size | None = None
    price: Decimal


class Expect(_Table, frozen=True, kw_only=True):
    """What must be so once a step has happened; what is not named is not checked.

    The verdict is the exception: until the first breach that a case expects, a step that names
    none expects `ok`.
    """

    verdict: Literal["ok", "breach", "unknown"] | None = None
    broken_at: Local | None = None
    """The instant at which the present breach began: exactly, and not a second earlier."""
    floor_usd: Decimal | None = None
    equity_usd: Decimal | None = None
    pnl_usd: Decimal | None = None
    allowed: Decimal | None = None
    counted: Decimal | None = None
    reduce_to: dict[str, int] | None = None
    """Contracts that have to shrink, and what may stay."""
    locked: dict[str, Local] | None = None
    """Until when `account` or a contract is locked, `open` if it must not be; empty: nothing is."""


class Step(_Table, frozen=True, kw_only=True):
    """One thing that happens, or with none only time that passes; then what is expected."""

    at: Local
    say: str = ""
    quote: dict[str, tuple[Decimal, ...]] = {}
    """Bid and ask by contract, with the last price as a third where it matters."""
    fill: Fill | None = None
    order: Order | None = None
    order_ended: int | None = None
    paid_usd: Decimal | None = None
    """Money paid into the account, out of it when negative; no profit and no loss."""
    rule: str | None = None
    """The trader's settings change to another rule of the file."""
    expect: Expect = Expect()


class Case(_Table, frozen=True, kw_only=True):
    """Some days of one account under one rule."""

    title: str
    rule: str
    sources: tuple[str, ...] = ()
    """Beyond those of its rule."""
    note: str = ""
    balance_usd: Decimal
    """The account's balance before the first step, with nothing open."""
    session: str
    early_closes: tuple[EarlyClose, ...] = ()
    watched_from: Local | None = None
    """When the engine is first started; of what was before it has only what the broker tells."""
    not_read_as: tuple[str, ...] = ()
    """Wrong readings under which the case must not pass."""
    steps: tuple[Step, ...]


class _File(_Table, frozen=True, kw_only=True):
    theme: str
    rules: dict[str, RuleTable]
    cases: tuple[Case, ...]


class WorkedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case with all that its file says of it."""

    name: str
    case: Case
    rules: dict[str, RuleTable]
    session: Session

    @property
    def rule(self) -> RuleTable:
        """Return the rule it begins with."""
        return self.rules[self.case.rule]

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone of its wall-clock times."""
        return ZoneInfo(self.session.zone)

    @property
    def watched_ns(self) -> int:
        """Return the instant at which the engine starts: a second before the first step or more."""
        if self.case.watched_from is not None:
            return self.ns(self.case.watched_from)
        return self.ns(self.case.steps[0].at) - NS_PER_S

    def ns(self, local: Local) -> int:
        """Return the instant of a wall-clock time of the case."""
        return instant_ns(local, self.zone)


def instant_ns(text: Local, zone: ZoneInfo) -> int:
    """Return an instant in ns of UTC.

    Raises:
        ValueError: the weekday is another one, or the clocks show that time twice or never.
    """
    weekday, _, rest = text.partition(" ")
    wall = datetime.fromisoformat(rest.removesuffix("Z"))
    if wall.strftime("%a") != weekday:
        raise ValueError(f"{rest} is a {wall:%a}, not a {weekday}")
    aware = wall.replace(tzinfo=UTC if rest.endswith("Z") else zone)
    is_twice = aware.utcoffset() != aware.replace(fold=1).utcoffset()
    if is_twice:
        raise ValueError(f"the clocks of {zone} show {rest} twice or never; write it in UTC with Z")
    return int(aware.timestamp()) * NS_PER_S + aware.microsecond * 1000


def time_of(text: str) -> time:
    """Return a time of day."""
    return time.fromisoformat(text)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


@cache
def sources() -> dict[str, Source]:
    """Return the sources by name."""
    return msgspec.convert(_read(HERE / "sources.toml"), dict[str, Source])


@cache
def readings() -> dict[str, Reading]:
    """Return the wrong readings by name."""
    return msgspec.convert(_read(HERE / "wrong_readings.toml"), dict[str, Reading])


@cache
def contracts() -> dict[str, Contract]:
    """Return the products by the exchange's symbol."""
    return msgspec.convert(_read(HERE / "contracts.toml"), dict[str, Contract])


@cache
def sessions() -> dict[str, Session]:
    """Return the sessions by name."""
    return msgspec.convert(_read(HERE / "sessions.toml"), dict[str, Session])


@cache
def cases() -> tuple[WorkedCase, ...]:
    """Return every case of the corpus, in the order of the files."""
    return tuple(
        case for path in sorted((HERE / "cases").glob("*.toml")) for case in read_cases(path)
    )


def read_cases(path: Path) -> Iterator[WorkedCase]:
    """Yield the cases of one file.

    Raises:
        ValueError: the file says what no reader would understand, or nothing would check.
    """
    try:
        file = msgspec.convert(_read(path), _File)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    for case in file.cases:
        worked = WorkedCase(
            name=f"{path.stem}: {case.title}",
            case=case,
            rules=file.rules,
            session=sessions()[case.session],
        )
        try:
            _check(worked)
        except (ValueError, KeyError) as error:
            raise ValueError(f"{worked.name}: {error}") from error
        yield worked


_SPEAKS_OF = {
    "loss_floor": {"floor_usd", "equity_usd"},
    "day_loss": {"pnl_usd"},
    "week_loss": {"pnl_usd"},
    "day_profit": {"pnl_usd"},
    "day_giveback": set(),
    "contracts": {"allowed", "counted", "reduce_to"},
    "scaling": {"allowed", "counted", "reduce_to"},
    "hours": set(),
}
"""What can be expected of each kind of rule beside verdict and locks."""


_MADE_OF: dict[str, tuple[set[str], set[str]]] = {
    "loss_floor": (
        {"start_balance_usd", "allowance_usd", "follows"},
        {"stops_at_usd", "set_floor_usd", "act_above_usd"},
    ),
    "day_loss": ({"limit_usd"}, set()),
    "week_loss": ({"limit_usd"}, set()),
    "day_profit": ({"limit_usd"}, set()),
    "day_giveback": ({"limit_usd", "arm_at_usd"}, set()),
    "contracts": ({"contracts", "micros_per_mini"}, set()),
    "scaling": ({"steps", "micros_per_mini"}, set()),
    "hours": ({"hours"}, {"follows_early_closes", "ends_early_s"}),
}
"""What each kind of rule needs, and what else it may have."""


def _check(worked: WorkedCase) -> None:
    """Refuse what contradicts itself or the lists, and what nothing would ever look at."""
    case = worked.case
    for table in worked.rules.values():
        _check_rule(table)
    for name in (*worked.rule.sources, *case.sources, worked.session.source):
        sources()[name]
    for name in case.not_read_as:
        readings()[name]
    if case.early_closes and not worked.rule.follows_early_closes:
        raise ValueError("no rule of the case follows early closes")
    for closed in case.early_closes:
        if worked.ns(closed.closes) >= worked.ns(closed.reopens):
            raise ValueError(f"{closed.closes} is not before {closed.reopens}")
    instants = [worked.ns(step.at) for step in case.steps]
    if instants != sorted(instants):
        raise ValueError("a step lies before the one before it")
    for step, at_ns in zip(case.steps, instants, strict=True):
        if at_ns < worked.watched_ns and named(step.expect):
            raise ValueError(f"{step.at}: nobody watches yet")
        rule = worked.rules[step.rule] if step.rule is not None else worked.rule
        _check_step(step, rule)


def _check_rule(table: RuleTable) -> None:
    needed, possible = _MADE_OF[table.kind]
    given = {f for f in RuleTable.__struct_fields__ if getattr(table, f)} - {"kind", "sources"}
    given |= {f for f in needed | possible if getattr(table, f) is not None}
    wrong = (needed - given) | (given - needed - possible)
    if wrong:
        raise ValueError(f"a {table.kind} lacks, or cannot have, {sorted(wrong)}")


def _check_step(step: Step, rule: RuleTable) -> None:
    expected = set(named(step.expect)) - {"verdict", "broken_at", "locked"}
    if not expected <= _SPEAKS_OF[rule.kind]:
        raise ValueError(f"{step.at}: a {rule.kind} has no {sorted(expected)}")
    traded = [event for event in (step.fill, step.order) if event is not None]
    if any((event.buy is None) == (event.sell is None) for event in traded):
        raise ValueError(f"{step.at}: a fill or order either buys or sells")
    for contract in (*step.quote, *(event.contract for event in traded)):
        contracts()[contract]


def named(expect: Expect) -> dict[str, Any]:
    """Return the expectations that a step names."""
    values = {field: getattr(expect, field) for field in expect.__struct_fields__}
    return {field: value for field, value in values.items() if value is not None}
