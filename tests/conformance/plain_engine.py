"""A plain engine: the rules as the firms word them, with nothing but arithmetic.

It shows that the corpus runs against any engine and agrees with itself, and it is what the wrong
readings (`wrong_models.py`) get wrong one thing of. It shares no code with the project.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import msgspec
from conformance.corpus import (
    NS_PER_S,
    Contract,
    Fill,
    Hours,
    RuleTable,
    Step,
    WorkedCase,
    contracts,
    time_of,
)
from conformance.engine import ACCOUNT, Seen

ZERO = Decimal(0)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NEAR_DAYS = 10
"""How far around an instant days and hours are looked for."""

type Span = tuple[int, int]
"""From an instant to another one, in ns: start in, end out."""


class Position(msgspec.Struct, kw_only=True):
    """What is open in one contract."""

    size: int = 0
    average: Decimal = ZERO
    opened: int = 0
    """A number that grows with every position opened."""


def cents(amount_usd: Decimal) -> int:
    """Return whole cents; half a cent counts away from zero."""
    return int((amount_usd * 100).to_integral_value(ROUND_HALF_UP))


class PlainEngine:
    """One account under one rule. What a reading may get wrong is a method of its own."""

    def __init__(self, worked: WorkedCase) -> None:
        self.worked = worked
        self.rule: RuleTable = worked.rule
        self.now_ns = worked.ns(worked.case.steps[0].at) - NS_PER_S
        self.is_watching = worked.case.watched_from is None
        self.balance_usd = worked.case.balance_usd
        self.positions: dict[str, Position] = {}
        self.orders: dict[int, str] = {}
        self.quotes: dict[str, tuple[Decimal, ...]] = {}
        self.known_fills: set[int] = set()
        self.opened = 0
        self.day = self.day_of(self.now_ns)
        self.week = self.week_of(self.now_ns)
        self.day_net_usd = self.week_net_usd = ZERO
        self.day_start_usd = self.balance_usd
        self.high_usd = self.balance_usd
        self.day_peak_usd = ZERO
        self.broken_ns: int | None = None
        self.broken_period: Span | None = None
        self.reduced: dict[str, int] = {}
        self.locks: dict[str, int] = {}

    # --- time -----------------------------------------------------------------------------

    def step(self, step: Step) -> Seen:
        """Let time pass to the step, let it happen, and look."""
        at_ns = self.worked.ns(step.at)
        while (next_ns := min(self.day[1], self.week[1], self.hours_end_ns())) <= at_ns:
            self.now_ns = next_ns
            self.turn()
            self.look()
        self.now_ns = at_ns
        if not self.is_watching and at_ns >= self.worked.watched_ns:
            self.is_watching = True
            self.begin()
        self.happen(step)
        self.look()
        self.end_locks()
        return Seen(
            verdict=self.verdict(),
            broken_ns=self.broken_ns,
            value=self.value(),
            limit=self.limit(),
            reduce_to=self.reduced,
            locked=self.locks,
        )

    def begin(self) -> None:
        """Begin to watch: all that was before is known from the broker."""

    def turn(self) -> None:
        """Begin another day or week where one begins now."""
        if self.now_ns >= self.day[1]:
            self.end_day()
            self.day = self.day_of(self.now_ns)
            self.day_net_usd = self.day_peak_usd = ZERO
            self.day_start_usd = self.balance_usd
        if self.now_ns >= self.week[1]:
            self.week = self.week_of(self.now_ns)
            self.week_net_usd = ZERO
        self.end_locks()

    def end_locks(self) -> None:
        self.locks = {scope: end for scope, end in self.locks.items() if end > self.now_ns}

    def zone(self) -> tzinfo:
        """Return the zone of the resets."""
        return ZoneInfo(self.worked.session.zone)

    def day_begins(self) -> str:
        return self.worked.session.day_begins

    def resets(self, at_ns: int) -> list[int]:
        """Return the resets around an instant."""
        return [_instant(day, self.day_begins(), self.zone()) for day in _dates(at_ns, self.zone())]

    def day_of(self, at_ns: int) -> Span:
        """Return the trading day of an instant."""
        return _span(self.resets(at_ns), at_ns)

    def week_of(self, at_ns: int) -> Span:
        """Return the trading week of an instant."""
        weekday, begins = self.worked.session.week_begins.split()
        days = [d for d in _dates(at_ns, self.zone()) if WEEKDAYS[d.weekday()] == weekday]
        return _span([_instant(day, begins, self.zone()) for day in days], at_ns)

    # --- what happens ---------------------------------------------------------------------

    def happen(self, step: Step) -> None:
        for contract, prices in step.quote.items():
            self.quotes[contract] = prices
        if step.fill is not None and self.is_new(step.fill):
            self.trade(step.fill)
        if step.order is not None:
            self.orders[step.order.id] = step.order.contract
        if step.order_ended is not None:
            del self.orders[step.order_ended]
        if step.paid_usd is not None:
            self.pay(step.paid_usd)
        if step.rule is not None:
            self.change_settings(self.worked.rules[step.rule])

    def is_new(self, fill: Fill) -> bool:
        if fill.id is None:
            return True
        is_new = fill.id not in self.known_fills
        self.known_fills.add(fill.id)
        return is_new

    def trade(self, fill: Fill) -> None:
        """Move the position, and the balance by gross profit less costs."""
        net_usd = self.gross_usd(fill) - self.costs_usd(fill)
        self.fill_position(fill)
        self.balance_usd += net_usd
        self.day_net_usd += net_usd
        self.week_net_usd += net_usd

    def gross_usd(self, fill: Fill) -> Decimal:
        if fill.profit_usd is not None:
            return fill.profit_usd
        held = self.positions.get(fill.contract, Position())
        if held.size * fill.signed >= 0:
            return ZERO
        closed = min(abs(held.size), abs(fill.signed)) * (1 if held.size > 0 else -1)
        return profit_usd(contracts()[fill.contract], closed, held.average, fill.price)

    def costs_usd(self, fill: Fill) -> Decimal:
        return fill.fees_usd

    def fill_position(self, fill: Fill) -> None:
        held = self.positions.pop(fill.contract, Position())
        size = held.size + fill.signed
        if size == 0:
            return
        if held.size * size <= 0:
            self.opened += 1
            held = Position(average=fill.price, opened=self.opened)
        elif held.size * fill.signed > 0:
            total = held.average * abs(held.size) + fill.price * abs(fill.signed)
            held.average = total / abs(size)
        held.size = size
        self.positions[fill.contract] = held

    def pay(self, paid_usd: Decimal) -> None:
        self.balance_usd += paid_usd

    def change_settings(self, rule: RuleTable) -> None:
        self.rule = rule

    # --- what it is worth -----------------------------------------------------------------

    def exit_price(self, contract: str, size: int) -> Decimal:
        """Return the price one would exit at: a long at the bid, a short at the ask."""
        return self.quotes[contract][0 if size > 0 else 1]

    def open_usd(self) -> Decimal | None:
        """Return the P&L of what is open; None without a price."""
        if not self.positions.keys() <= self.quotes.keys():
            return None
        return sum(
            (
                profit_usd(contracts()[c], p.size, p.average, self.exit_price(c, p.size))
                for c, p in self.positions.items()
            ),
            ZERO,
        )

    def plus_open(self, closed_usd: Decimal) -> Decimal | None:
        open_usd = self.open_usd()
        return None if open_usd is None else closed_usd + open_usd

    def value(self) -> Decimal | None:
        """Return what the rule compares."""
        match self.rule.kind:
            case "loss_floor":
                return self.plus_open(self.balance_usd)
            case "day_loss" | "day_profit" | "day_giveback":
                return self.plus_open(self.day_net_usd)
            case "week_loss":
                return self.plus_open(self.week_net_usd)
            case "contracts" | "scaling":
                return sum((self.units(c, p.size) for c, p in self.positions.items()), ZERO)
            case _:
                return None

    def units(self, contract: str, size: int) -> Decimal:
        """Return what a position counts in contracts."""
        ratio = self.rule.micros_per_mini if contracts()[contract].is_micro else None
        return Decimal(abs(size)) / (ratio or 1)

    # --- the limits -----------------------------------------------------------------------

    def end_day(self) -> None:
        if self.rule.follows == "day_end_balance":
            self.high_usd = max(self.high_usd, self.balance_usd)

    def follow(self) -> None:
        """Raise the high where it follows every trade or every price."""
        if self.rule.follows == "closed_balance":
            self.high_usd = max(self.high_usd, self.balance_usd)
        equity_usd = self.value() if self.rule.kind in ("loss_floor", "day_giveback") else None
        if equity_usd is None:
            return
        if self.rule.follows == "equity":
            self.high_usd = max(self.high_usd, equity_usd)
        self.day_peak_usd = max(self.day_peak_usd, equity_usd)

    def floor_usd(self) -> Decimal:
        """Return min(stop, high - allowance), or what was set by hand."""
        rule = self.rule
        if rule.set_floor_usd is not None:
            return rule.set_floor_usd + (rule.act_above_usd or ZERO)
        start_usd, allowance_usd = rule.start_balance_usd, rule.allowance_usd
        if start_usd is None or allowance_usd is None:
            raise ValueError("a loss floor needs a start balance and an allowance")
        floor_usd = self.stopped(self.below_high(max(start_usd, self.high_usd), allowance_usd))
        return floor_usd + (rule.act_above_usd or ZERO)

    def below_high(self, high_usd: Decimal, allowance_usd: Decimal) -> Decimal:
        if self.rule.follows == "nothing":
            return (self.rule.start_balance_usd or ZERO) - allowance_usd
        return high_usd - allowance_usd

    def stopped(self, floor_usd: Decimal) -> Decimal:
        stop_usd = self.rule.stops_at_usd
        return floor_usd if stop_usd is None else min(stop_usd, floor_usd)

    def scaling_measure_usd(self) -> Decimal:
        return self.day_start_usd

    def limit(self) -> Decimal | None:
        match self.rule.kind:
            case "loss_floor":
                return self.floor_usd()
            case "day_loss" | "week_loss":
                return -(self.rule.limit_usd or ZERO)
            case "day_profit":
                return self.rule.limit_usd
            case "day_giveback":
                return self.day_peak_usd - (self.rule.limit_usd or ZERO)
            case "contracts":
                return Decimal(self.rule.contracts or 0)
            case "scaling":
                measure_usd = self.scaling_measure_usd()
                reached = [
                    step.contracts
                    for step in self.rule.steps
                    if step.above_usd is None or cents(measure_usd) > cents(step.above_usd)
                ]
                return Decimal(max(reached))
            case _:
                return None

    # --- the verdict ----------------------------------------------------------------------

    def is_reached(self) -> bool | None:
        """Tell whether the limit is reached now; None where that cannot be known."""
        kind = self.rule.kind
        if kind == "hours":
            return any(self.is_out_of_hours(contract) for contract in self.open_contracts())
        value, limit = self.value(), self.limit()
        if value is None or limit is None:
            return None
        if kind in ("contracts", "scaling"):
            return value > limit
        if kind == "day_giveback" and self.day_peak_usd < (self.rule.arm_at_usd or ZERO):
            return False
        if kind == "day_profit":
            return cents(value) >= cents(limit)
        return cents(value) <= cents(limit)

    def period(self) -> Span | None:
        """Return the period that stays broken once it is; None where only the present counts."""
        if self.rule.kind in ("loss_floor", "day_loss", "day_profit", "day_giveback"):
            return self.day
        return self.week if self.rule.kind == "week_loss" else None

    def look(self) -> None:
        """Judge, and lock and reduce where the rule breaks."""
        self.follow()
        is_lasting = self.broken_period is not None and self.broken_period == self.period()
        if is_lasting:
            return
        if not self.is_reached():
            self.broken_ns = self.broken_period = None
            self.reduced = {}
            return
        if self.broken_ns is None or self.period() is not None:
            self.broken_ns = self.now_ns
        self.broken_period = self.period()
        self.lock()
        self.reduced = self.targets()

    def verdict(self) -> str:
        if self.broken_ns is not None:
            return "breach"
        return "unknown" if self.is_reached() is None else "ok"

    def lock(self) -> None:
        period = self.period()
        if period is not None:
            self.locks[ACCOUNT] = period[1]
        if self.rule.kind == "hours":
            for contract in self.open_contracts():
                if self.is_out_of_hours(contract):
                    self.locks[contract] = self.next_opening_ns(contract)

    def targets(self) -> dict[str, int]:
        """Return what may stay: the newest position shrinks first, by whole contracts."""
        value, limit = self.value(), self.limit()
        if self.rule.kind not in ("contracts", "scaling") or value is None or limit is None:
            return {}
        excess, targets = value - limit, dict[str, int]()
        for contract, held in sorted(self.positions.items(), key=lambda item: -item[1].opened):
            size = abs(held.size)
            while excess > 0 and size > 0:
                size -= 1
                excess -= self.units(contract, 1)
            if size < abs(held.size):
                targets[contract] = size
        return targets

    # --- trading hours --------------------------------------------------------------------

    def open_contracts(self) -> list[str]:
        return sorted({*self.positions, *self.orders.values()})

    def is_out_of_hours(self, contract: str) -> bool:
        return not any(start <= self.now_ns < end for start, end in self.hours_of(contract))

    def hours_end_ns(self) -> int:
        """Return when the hours of something open end next; far away if nothing is."""
        if self.rule.kind != "hours":
            return 2**62
        ends = (end for c in self.open_contracts() for _, end in self.hours_of(c))
        return min((end for end in ends if end > self.now_ns), default=2**62)

    def next_opening_ns(self, contract: str) -> int:
        return min(start for start, _ in self.hours_of(contract) if start > self.now_ns)

    def hours_zone(self, hours: Hours) -> tzinfo:
        return ZoneInfo(hours.zone)

    def hours_of(self, contract: str) -> list[Span]:
        """Return the hours of a contract around now, cut by early closes."""
        own = [hours for hours in self.rule.hours if contract in hours.contracts]
        spans: list[Span] = []
        for hours in own or [hours for hours in self.rule.hours if not hours.contracts]:
            zone = self.hours_zone(hours)
            for day in _dates(self.now_ns, zone):
                if WEEKDAYS[day.weekday()] in hours.days:
                    is_overnight = time_of(hours.end) <= time_of(hours.start)
                    last = day + timedelta(1) if is_overnight else day
                    spans.append(
                        (_instant(day, hours.start, zone), _instant(last, hours.end, zone))
                    )
        cut = [part for span in spans for part in self.cut(contract, span)]
        early_ns = self.rule.ends_early_s * NS_PER_S
        return sorted((start, end - early_ns) for start, end in cut if start < end)

    def cut(self, contract: str, span: Span) -> list[Span]:
        """Return what is left of some hours once closures are taken away."""
        parts = [span]
        for closed in self.worked.case.early_closes:
            if self.rule.follows_early_closes and contract in closed.contracts:
                closes_ns, reopens_ns = (self.worked.ns(t) for t in (closed.closes, closed.reopens))
                parts = [
                    part
                    for start, end in parts
                    for part in ((start, min(end, closes_ns)), (max(start, reopens_ns), end))
                    if part[0] < part[1]
                ]
        return parts


def profit_usd(contract: Contract, size: int, entry: Decimal, price: Decimal) -> Decimal:
    """Return the ticks between two prices in dollars, for a signed size."""
    return (price - entry) / contract.tick_size * contract.tick_value_usd * size


def _dates(at_ns: int, zone: tzinfo) -> list[date]:
    today = datetime.fromtimestamp(at_ns // NS_PER_S, zone).date()
    return [today + timedelta(days) for days in range(-_NEAR_DAYS, _NEAR_DAYS + 1)]


def _instant(day: date, at: str, zone: tzinfo) -> int:
    wall = datetime.combine(day, time_of(at), tzinfo=zone)
    return int(wall.astimezone(UTC).timestamp()) * NS_PER_S


def _span(starts: list[int], at_ns: int) -> Span:
    before = [start for start in starts if start <= at_ns]
    return max(before), min(start for start in starts if start > at_ns)
