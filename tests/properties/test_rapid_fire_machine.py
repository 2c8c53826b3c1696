"""Rule 010 against a model that looks at every window anew."""

from decimal import Decimal

from properties.habit_machine import Expected, HabitMachine, S
from properties.naive_history import NaiveHistory

from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Breached, Ok


class RapidFireMachine(HabitMachine):
    """Each entry ends a window; the last with too many in it breaks the rule."""

    kind = "rapid_fire"
    settings = (
        {"max_entries": 2, "window_s": 30},
        {"max_entries": 1, "window_s": 10, "lock_s": 60},
        {"max_entries": 3, "window_s": 60, "lock_s": 30},
    )

    def expected(self, history: NaiveHistory, day: Window) -> Expected:
        most, window_ns = self.chosen["max_entries"], self.chosen["window_s"] * S
        times = [entry.made[0] for entry in history.counted_entries]
        found = Expected(Ok, Decimal(sum(self.now_ns - window_ns < at for at in times)))
        for number, entry in enumerate(history.counted_entries):
            at_ns = entry.made[0]
            within = sum(at_ns - window_ns < at for at in times[: number + 1])
            if within <= most:
                continue
            if "lock_s" not in self.chosen:
                if day.start_ns <= at_ns < day.end_ns:
                    found = Expected(Breached, Decimal(within), key=entry.order)
            elif self.now_ns < at_ns + self.chosen["lock_s"] * S:
                until_ns = at_ns + self.chosen["lock_s"] * S
                found = Expected(Breached, Decimal(within), key=entry.order, until_ns=until_ns)
        return found


TestRapidFire = RapidFireMachine.TestCase
