"""Rule 007 against a model that goes through everything counted, oldest first."""

from decimal import Decimal
from typing import NamedTuple

from properties.habit_machine import Expected, HabitMachine, S
from properties.naive_history import Moment, NaiveHistory, NaiveTrade

from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Breached, Ok


class Item(NamedTuple):
    """One thing counted."""

    at: Moment
    key: int
    enters: bool


class Episode(NamedTuple):
    """What was too many in a window since there was room last."""

    excess: dict[int, int]
    """Each by its key, with the number it was in its window."""
    until_ns: int


class MaxTradesMachine(HabitMachine):
    """The day is a list, and the windows are counted before each item."""

    kind = "max_trades"
    settings = (
        {"per_day": 2},
        {"per_day": 3, "count": "entries"},
        {"per_day": 4, "count": "fills"},
        {"per_minute": 2},
        {"per_minute": 2, "count": "entries"},
        {"per_minute": 3, "count": "fills"},
        {"per_day": 5, "per_hour": 3, "per_minute": 1},
        {"per_hour": 4, "per_minute": 2, "count": "entries"},
    )

    @property
    def count(self) -> str:
        return str(self.chosen.get("count", "trades"))

    def items(self, history: NaiveHistory) -> list[Item]:
        if self.count == "trades":
            return [Item(t.begun, t.begun[1], enters=True) for t in history.counted_trades]
        entries = {entry.made: entry.order for entry in history.counted_entries}
        if self.count == "entries":
            return [Item(made, order, enters=True) for made, order in entries.items()]
        return [Item(at, order, at in entries) for at, order in history.counting_fills]

    def episode(self, items: list[Item], limit: int, window_ns: int) -> Episode:
        excess: dict[int, int] = {}
        for number, item in enumerate(items):
            before = sum(each.at[0] > item.at[0] - window_ns for each in items[:number])
            if before < limit:
                excess = {}
            elif item.enters:
                excess[item.key] = before + 1
        ends = sorted(item.at[0] + window_ns for item in items)
        rooms = [end for end in ends if sum(each.at[0] > end - window_ns for each in items) < limit]
        if sum(each.at[0] > self.now_ns - window_ns for each in items) < limit:
            excess = {}
        return Episode(excess, min(rooms, default=0))

    def expected(self, history: NaiveHistory, day: Window) -> Expected:
        items = self.items(history)
        spans = [
            (self.episode(items, self.chosen[name], length_ns), self.chosen[name])
            for name, length_ns in (("per_hour", 3600 * S), ("per_minute", 60 * S))
            if name in self.chosen
        ]
        broken = [(episode, limit) for episode, limit in spans if episode.excess]
        keys = {key for episode, _ in broken for key in episode.excess}
        last = max((episode.until_ns for episode, _ in broken), default=0)
        if "per_day" in self.chosen:
            today = [item for item in items if day.start_ns <= item.at[0] < day.end_ns]
            beyond = [
                (number, item)
                for number, item in enumerate(today, start=1)
                if item.enters and number > self.chosen["per_day"]
            ]
            until_ns = last if last > day.end_ns else None
            if beyond:
                keys |= {item.key for _, item in beyond}
                number, newest = beyond[-1]
                key = ("day", day, newest.key, until_ns)
                return self.breach(history, Decimal(number), key, until_ns, keys)
            if len(today) >= self.chosen["per_day"] and self.is_flat(history, today):
                key = ("used up", day, 0, until_ns)
                return self.breach(history, Decimal(len(today)), key, until_ns, keys)
        if broken:
            episode, _ = max(broken, key=lambda each: each[0].until_ns)
            newest_key, number = list(episode.excess.items())[-1]
            key = ("rolling", None, newest_key, episode.until_ns)
            return self.breach(history, Decimal(number), key, episode.until_ns, keys)
        return Expected(Ok, self.nearest(items, day))

    def nearest(self, items: list[Item], day: Window) -> Decimal:
        """Return the count of the limit that leaves least room."""
        counts = []
        if "per_day" in self.chosen:
            today = [item for item in items if day.start_ns <= item.at[0] < day.end_ns]
            counts.append((self.chosen["per_day"] - len(today), 0, len(today)))
        for name, length_ns in (("per_hour", 3600 * S), ("per_minute", 60 * S)):
            if name in self.chosen:
                within = sum(item.at[0] > self.now_ns - length_ns for item in items)
                counts.append((self.chosen[name] - within, len(counts), within))
        return Decimal(min(counts)[2])

    def is_flat(self, history: NaiveHistory, today: list[Item]) -> bool:
        keys = {item.key for item in today if item.enters}
        open_trades = [trade for trade in history.counted_trades if trade.ended is None]
        if self.count == "trades":
            return not any(trade.begun[1] in keys for trade in open_trades)
        return not any(self.has_any(trade, keys) for trade in open_trades)

    def breach(
        self,
        history: NaiveHistory,
        number: Decimal,
        key: object,
        until_ns: int | None,
        keys: set[int],
    ) -> Expected:
        targets: set[tuple[str, int]] = set()
        for trade in history.counted_trades:
            if trade.ended is not None:
                continue
            if self.count == "trades":
                if trade.begun[1] in keys:
                    targets.add((trade.contract, 0))
            elif self.has_any(trade, keys):
                targets.add((trade.contract, trade.left_without(keys)))
        return Expected(Breached, number, key, until_ns, frozenset(targets))

    def has_any(self, trade: NaiveTrade, keys: set[int]) -> bool:
        return any(order in keys for order, _ in trade.moves)


TestMaxTrades = MaxTradesMachine.TestCase
