"""A scenario as a list of cues: what is done at which moment, price by price."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.simulator.contracts import Contract, front_contract
from risk_actors.simulator.matching import on_grid
from risk_actors.simulator.records import Quote
from risk_actors.simulator.scenario import Glide, Price, PriceTable, Scenario, Step
from risk_actors.simulator.scenario_time import NS_PER_S, to_moment

_SOME_DAY = date(2026, 3, 3)
"""Ticks are the same in every contract month."""


class SetPrice(NamedTuple):
    """The market moves to a quote."""

    symbol: str
    quote: Quote


class ShowPrice(NamedTuple):
    """A quote is shown at which nothing trades."""

    symbol: str
    quote: Quote


class Kill(NamedTuple):
    """The guard's process is killed."""


class Revive(NamedTuple):
    """The guard is started again on its data."""


type Deed = Step | SetPrice | ShowPrice | Kill | Revive
"""A step stands for all of it that is done at once."""


class Cue(NamedTuple):
    """Something to do, so many nanoseconds after the start."""

    after_ns: int
    step: int
    """Index of the step it belongs to."""
    deed: Deed

    @property
    def after_s(self) -> float:
        """Return the seconds after the start."""
        return self.after_ns / NS_PER_S


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that is ready to be played."""

    scenario: Scenario
    zone: ZoneInfo
    calendar: TradingCalendar
    start_ns: int
    """When it begins on a virtual clock."""
    first_quotes: dict[str, Quote]
    cues: tuple[Cue, ...]

    @property
    def length_s(self) -> float:
        """Return how long it takes to play."""
        last_s = self.cues[-1].after_s
        step = self.scenario.steps[-1]
        begins_s = next(cue.after_s for cue in self.cues if cue.deed is step)
        needed_s = max((expected.within_s for expected in step.expect), default=0.0)
        return max(last_s, begins_s + needed_s) + self.scenario.ends_after_s


def compile_script(scenario: Scenario, zone: ZoneInfo, daily: str, weekly: str) -> Script:
    """Return the script of a scenario.

    Raises:
        ValueError: the steps are not in order, or leave what they expect no time; a reset is no
            cron expression.
    """
    calendar = TradingCalendar(zone=zone, daily_reset=daily, weekly_reset=weekly)
    start_ns = scenario.start.instant_ns(zone=zone, start_ns=0, day=_SOME_DAY)
    moments = list(_moments(scenario, zone, start_ns))
    _check_room(scenario, moments)
    tape = _Tape(scenario)
    first_quotes = dict(tape.quotes)
    cues: list[Cue] = []
    for index, (step, after_ns) in enumerate(zip(scenario.steps, moments, strict=True)):
        cues += [Cue(after_ns + late_ns, index, deed) for late_ns, deed in tape.deeds(step)]
    cues.sort(key=lambda cue: cue.after_ns)
    return Script(
        scenario=scenario,
        zone=zone,
        calendar=calendar,
        start_ns=start_ns,
        first_quotes=first_quotes,
        cues=tuple(cues),
    )


def as_decimal(number: float) -> Decimal:
    """Return a number of the file as it was written."""
    return Decimal(repr(number))


def quote_of(price: Price, contract: Contract) -> Quote:
    """Return the quote that a price of the file stands for."""
    if isinstance(price, PriceTable):
        bid, ask = as_decimal(price.bid), as_decimal(price.ask)
        return Quote(bid, ask, bid if price.last is None else as_decimal(price.last))
    bid = as_decimal(price)
    return Quote(bid, bid + contract.tick_size, bid)


def _moments(scenario: Scenario, zone: ZoneInfo, start_ns: int) -> Iterator[int]:
    """Yield each step's nanoseconds after the start; a time of day is the last step's date's."""
    before_ns = 0
    for number, step in enumerate(scenario.steps, start=1):
        if step.at is not None:
            day = to_moment(start_ns + before_ns, zone).date()
            now_ns = step.at.instant_ns(zone=zone, start_ns=start_ns, day=day) - start_ns
        else:
            now_ns = before_ns + round((step.after or 0) * NS_PER_S)
        if now_ns < before_ns:
            raise ValueError(f"step {number}: {step.at} comes before the step before it")
        yield now_ns
        before_ns = now_ns


def _check_room(scenario: Scenario, moments: list[int]) -> None:
    """Refuse an expectation that would still have time when the next step ends it."""
    for index, (begins_ns, ends_ns) in enumerate(pairwise(moments)):
        step = scenario.steps[index]
        needed_s = max((expected.within_s for expected in step.expect), default=0.0)
        room_s = (ends_ns - begins_ns) / NS_PER_S
        if needed_s > room_s:
            raise ValueError(
                f"step {index + 1}: something is expected within {needed_s:g} s, "
                f"but the next step comes after {room_s:g} s"
            )


class _Tape:
    """Writes out moving prices; it knows where each symbol's price stands."""

    def __init__(self, scenario: Scenario) -> None:
        prices = scenario.broker.prices
        self._contracts = {symbol: front_contract(symbol, _SOME_DAY) for symbol in prices}
        self.quotes = {s: quote_of(price, self._contracts[s]) for s, price in prices.items()}

    def deeds(self, step: Step) -> Iterator[tuple[int, Deed]]:
        """Yield what a step does, each with its nanoseconds after the step."""
        for symbol, price in step.price.items():
            quote = self.quotes[symbol] = quote_of(price, self._contracts[symbol])
            yield 0, SetPrice(symbol, quote)
        yield 0, step
        if step.glide is not None:
            yield from self._glide(step.glide)
        if step.bad_tick is not None:
            symbol = step.bad_tick.symbol
            bad = quote_of(step.bad_tick.price, self._contracts[symbol])
            yield 0, ShowPrice(symbol, bad)
            yield round(step.bad_tick.for_s * NS_PER_S), ShowPrice(symbol, self.quotes[symbol])
        if step.restart is not None:
            yield 0, Kill()
            yield round(step.restart.down_s * NS_PER_S), Revive()

    def _glide(self, glide: Glide) -> Iterator[tuple[int, Deed]]:
        contract = self._contracts[glide.symbol]
        start = self.quotes[glide.symbol].bid
        count = max(1, round(glide.over_s / glide.every_s))
        way = as_decimal(glide.to) - start
        for n in range(1, count + 1):
            bid = on_grid(start + way * n / count, contract.tick_size)
            quote = self.quotes[glide.symbol] = Quote(bid, bid + contract.tick_size, bid)
            yield round(glide.over_s * NS_PER_S * n / count), SetPrice(glide.symbol, quote)


def session_date(start_ns: int) -> date:
    """Return the date that decides the front months of a run that begins at an instant."""
    return datetime.fromtimestamp(start_ns // NS_PER_S, UTC).date()
