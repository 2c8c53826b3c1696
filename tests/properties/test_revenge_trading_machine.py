"""Rule 012 against a model that pairs every loss with every entry."""

from decimal import Decimal
from fractions import Fraction

from properties.habit_machine import NQ, ZN, Expected, HabitMachine, S
from properties.naive_history import NaiveEntry, NaiveHistory, NaiveTrade, cents

from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Breached, Ok, Unknown

FULL_SIZE = (NQ, ZN)


class RevengeMachine(HabitMachine):
    """Each pair of a loss and a later entry is looked at by itself."""

    kind = "revenge_trading"
    settings = (
        {"loss_usd": 100, "window_s": 60, "size_factor": 1.5},
        {"loss_usd": 100, "window_s": 30, "max_entries": 1, "lock_s": 60},
        {"loss_usd": 0.62, "window_s": 60, "size_factor": 2.0, "max_entries": 2, "lock_s": 30},
        {"loss_usd": 300, "window_s": 600, "size_factor": 0.5, "max_entries": 3},
    )

    def expected(self, history: NaiveHistory, day: Window) -> Expected:
        window_ns = self.chosen["window_s"] * S
        most = self.chosen.get("max_entries")
        certain: list[tuple[tuple[int, int], Expected]] = []
        unsure = False
        counts = [0]
        for loss in history.ended_trades:
            assert loss.ended is not None
            closed_ns = loss.ended[0]
            if loss.net is not None and -cents(loss.net) < round(self.chosen["loss_usd"] * 100):
                continue
            followed = [
                entry
                for entry in history.counted_entries
                if loss.ended <= entry.made and entry.made[0] < closed_ns + window_ns
            ]
            is_open = self.now_ns < closed_ns + window_ns
            unsure = unsure or (is_open and loss.net is None)
            if is_open:
                counts.append(len(followed))
            for number, entry in enumerate(followed, start=1):
                too_many = most is not None and number > most
                if not (too_many or self.is_too_big(entry, loss)):
                    continue
                holds, until_ns = self.holds(entry, day)
                if not holds:
                    continue
                if loss.net is None:
                    unsure = True
                    continue
                value = None if most is None else Decimal(number)
                breach = Expected(Breached, value, key=entry.order, until_ns=until_ns)
                certain.append(((entry.made[0], entry.order), breach))
        if certain:
            # Of the losses before the latest entry the last one closed is told of.
            newest = max(order for order, _ in certain)
            return [breach for order, breach in certain if order == newest][-1]
        if unsure:
            return Expected(Unknown)
        return Expected(Ok, None if most is None else Decimal(max(counts)))

    def holds(self, entry: NaiveEntry, day: Window) -> tuple[bool, int | None]:
        if "lock_s" not in self.chosen:
            return day.start_ns <= entry.made[0] < day.end_ns, None
        until_ns = entry.made[0] + self.chosen["lock_s"] * S
        return self.now_ns < until_ns, until_ns

    def is_too_big(self, entry: NaiveEntry, loss: NaiveTrade) -> bool:
        if "size_factor" not in self.chosen:
            return False
        micros = entry.size * (10 if entry.contract in FULL_SIZE else 1)
        lost_micros = loss.peak * (10 if loss.contract in FULL_SIZE else 1)
        return micros > Fraction(self.chosen["size_factor"]) * lost_micros


TestRevengeTrading = RevengeMachine.TestCase
