"""Small engines that each get one thing wrong, by the name of the reading (wrong_readings.toml)."""

from datetime import datetime, timedelta, timezone, tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from conformance.corpus import NS_PER_S, Fill, Hours, contracts
from conformance.engine import ACCOUNT
from conformance.plain_engine import PlainEngine, Span, cents

CENT = Decimal("0.01")
HOUR_NS = 3600 * NS_PER_S


class _AsIf(PlainEngine):
    """Reads the rule as if its high followed something else."""

    follows = ""

    def follow(self) -> None:
        equity_usd = self.value() if self.rule.kind == "loss_floor" else None
        if self.follows == "equity" and equity_usd is not None:
            self.high_usd = max(self.high_usd, equity_usd)
        if self.follows == "closed_balance":
            self.high_usd = max(self.high_usd, self.balance_usd)

    def end_day(self) -> None:
        self.high_usd = max(self.high_usd, self.balance_usd)


class TrailsOpenProfit(_AsIf):
    follows = "equity"


class TrailsClosedTrades(_AsIf):
    follows = "closed_balance"


class TrailsClosedOnly(_AsIf):
    follows = "closed_balance"


class TrailsDayEndOnly(_AsIf):
    follows = "day_end_balance"


class CheckedAtDayEndOnly(PlainEngine):
    def is_reached(self) -> bool | None:
        if self.now_ns != self.day[0]:
            return False
        return cents(self.balance_usd) <= cents(self.floor_usd())


class PercentOfHigh(PlainEngine):
    def below_high(self, high_usd: Decimal, allowance_usd: Decimal) -> Decimal:
        share = allowance_usd / (self.rule.start_balance_usd or Decimal(1))
        return high_usd * (1 - share)


class NeverStops(PlainEngine):
    def stopped(self, floor_usd: Decimal) -> Decimal:
        return floor_usd


class StopsAtStart(PlainEngine):
    def stopped(self, floor_usd: Decimal) -> Decimal:
        return min(floor_usd, self.rule.start_balance_usd or Decimal(0))


class FallsWithBalance(PlainEngine):
    def end_day(self) -> None:
        self.high_usd = self.balance_usd

    def below_high(self, high_usd: Decimal, allowance_usd: Decimal) -> Decimal:
        return self.high_usd - allowance_usd


class FloorStaysAfterPayout(PlainEngine):
    def change_settings(self, rule: object) -> None:
        """The trader changes nothing."""


class PayoutCountsAsLoss(PlainEngine):
    def pay(self, paid_usd: Decimal) -> None:
        self.balance_usd += paid_usd
        self.day_net_usd += paid_usd
        self.week_net_usd += paid_usd


class OpenProfitLeftOut(PlainEngine):
    def open_usd(self) -> Decimal | None:
        return Decimal(0)


class BaselineTakenAtStart(PlainEngine):
    def begin(self) -> None:
        self.day_net_usd = self.week_net_usd = Decimal(0)
        self.day_start_usd = self.high_usd = self.balance_usd


class FeesLeftOut(PlainEngine):
    def costs_usd(self, fill: Fill) -> Decimal:
        return Decimal(0)


class OpeningFeesLeftOut(PlainEngine):
    def costs_usd(self, fill: Fill) -> Decimal:
        held = self.positions.get(fill.contract)
        is_closing = held is not None and held.size * fill.signed < 0
        return fill.fees_usd if is_closing else Decimal(0)


class CentsPerTick(PlainEngine):
    def gross_usd(self, fill: Fill) -> Decimal:
        gross_usd = super().gross_usd(fill)
        held = self.positions.get(fill.contract)
        if not gross_usd or held is None:
            return gross_usd
        product = contracts()[fill.contract]
        rounded = product.tick_value_usd.quantize(CENT, ROUND_HALF_UP)
        return gross_usd / product.tick_value_usd * rounded


class MarkedAtLast(PlainEngine):
    def exit_price(self, contract: str, size: int) -> Decimal:
        prices = self.quotes[contract]
        return (
            prices[-1] if len(prices) > len(("bid", "ask")) else super().exit_price(contract, size)
        )


class ReachingIsKept(PlainEngine):
    def is_reached(self) -> bool | None:
        value, limit = self.value(), self.limit()
        is_equal = value is not None and limit is not None and cents(value) == cents(limit)
        return False if is_equal else super().is_reached()


class DayAtUtcMidnight(PlainEngine):
    def zone(self) -> tzinfo:
        return timezone.utc  # noqa: UP017

    def day_begins(self) -> str:
        return "00:00"


class DayAnHourEarly(PlainEngine):
    def resets(self, at_ns: int) -> list[int]:
        return [reset - HOUR_NS for reset in super().resets(at_ns)]


class DayByFixedOffset(PlainEngine):
    def zone(self) -> tzinfo:
        return timezone(timedelta(hours=-6))


class DayAtMidnight(PlainEngine):
    def day_begins(self) -> str:
        return "00:00"


class WeekAtMidnight(PlainEngine):
    def week_of(self, at_ns: int) -> Span:
        seven_hours = 7 * HOUR_NS  # from Sunday 17:00 to Monday 00:00
        start_ns, end_ns = super().week_of(at_ns - seven_hours)
        return start_ns + seven_hours, end_ns + seven_hours


class BrokenDayHeals(PlainEngine):
    def look(self) -> None:
        self.broken_period = None
        if not self.is_reached():
            self.locks.pop(ACCOUNT, None)
        super().look()


class LockForADay(PlainEngine):
    def lock(self) -> None:
        self.locks[ACCOUNT] = self.now_ns + 24 * HOUR_NS


class ToldTwiceCountsTwice(PlainEngine):
    def is_new(self, fill: Fill) -> bool:
        return True


class MicroCountsAsMini(PlainEngine):
    def units(self, contract: str, size: int) -> Decimal:
        return Decimal(abs(size))


class MicrosDoNotCount(PlainEngine):
    def units(self, contract: str, size: int) -> Decimal:
        return super().units(contract, size).to_integral_value(ROUND_FLOOR)


class MicrosRoundUp(PlainEngine):
    def units(self, contract: str, size: int) -> Decimal:
        return super().units(contract, size).to_integral_value(ROUND_CEILING)


class ScalingGrowsIntraday(PlainEngine):
    def scaling_measure_usd(self) -> Decimal:
        return self.balance_usd


class ScalingByHigh(PlainEngine):
    def end_day(self) -> None:
        self.high_usd = max(self.high_usd, self.balance_usd)

    def scaling_measure_usd(self) -> Decimal:
        return self.high_usd


class ScalingIncludesStep(PlainEngine):
    def scaling_measure_usd(self) -> Decimal:
        return self.day_start_usd + CENT


class HoursAMinuteLate(PlainEngine):
    def hours_of(self, contract: str) -> list[Span]:
        return [(start, end + 60 * NS_PER_S) for start, end in super().hours_of(contract)]


class _HoursByOffset(PlainEngine):
    hours = 0

    def hours_zone(self, hours: Hours) -> tzinfo:
        return timezone(timedelta(hours=self.hours))


class HoursByFixedOffset(_HoursByOffset):
    hours = -6


class HoursBySummerOffset(_HoursByOffset):
    hours = -5


class EarlyClosesIgnored(PlainEngine):
    def cut(self, contract: str, span: Span) -> list[Span]:
        return [span]


class ReopensNextMorning(PlainEngine):
    def next_opening_ns(self, contract: str) -> int:
        today = datetime.fromtimestamp(self.now_ns // NS_PER_S, self.zone())
        tomorrow = (today + timedelta(1)).replace(hour=0, minute=0, second=0)
        return int(tomorrow.timestamp()) * NS_PER_S


class OrdersDoNotCount(PlainEngine):
    def open_contracts(self) -> list[str]:
        return sorted(self.positions)


def _name(model: type[PlainEngine]) -> str:
    """Return `trails_open_profit` for TrailsOpenProfit."""
    letters = (f"_{c.lower()}" if c.isupper() else c for c in model.__name__)
    return "".join(letters).lstrip("_")


def _models(base: type[PlainEngine]) -> list[type[PlainEngine]]:
    direct = base.__subclasses__()
    return [*direct, *(model for each in direct for model in _models(each))]


WRONG_MODELS = {
    _name(model): model
    for model in _models(PlainEngine)
    if model.__module__ == __name__ and not model.__name__.startswith("_")
}
