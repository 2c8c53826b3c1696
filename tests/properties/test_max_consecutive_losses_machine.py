"""Rule 011 against a model that counts the row of every closed trade anew."""

from decimal import Decimal
from fractions import Fraction

from properties.habit_machine import Expected, HabitMachine, S
from properties.naive_history import NaiveHistory, NaiveTrade, cents

from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Breached, Ok, Unknown


class LossesMachine(HabitMachine):
    """Each losing trade is looked at by itself, back to the last winner of its day."""

    kind = "max_consecutive_losses"
    settings = (
        {"limit": 2},
        {"limit": 1, "lock_s": 60, "min_loss_usd": 100},
        {"limit": 3, "lock_s": 600},
        {"limit": 2, "lock_s": 30, "min_loss_usd": 0.005},
    )

    def expected(self, history: NaiveHistory, day: Window) -> Expected:
        ended = history.ended_trades
        found = None
        for number, trade in enumerate(ended):
            assert trade.ended is not None
            closed_ns = trade.ended[0]
            own_day = self.day_of(closed_ns)
            row = self.row_of(ended[: number + 1], own_day)
            is_loss = trade.net is not None and self.is_loss(-cents(trade.net))
            if not is_loss or row < self.chosen["limit"]:
                continue
            if "lock_s" not in self.chosen:
                if own_day == day:
                    found = Expected(Breached, Decimal(row), key=trade.ended)
            elif self.now_ns < closed_ns + self.chosen["lock_s"] * S:
                until_ns = closed_ns + self.chosen["lock_s"] * S
                found = Expected(Breached, Decimal(row), key=trade.ended, until_ns=until_ns)
        if found is not None:
            return found
        today = [t for t in ended if t.ended and day.start_ns <= t.ended[0] < day.end_ns]
        if any(trade.net is None for trade in today):
            return Expected(Unknown)
        row = 0
        for trade in today:
            lost = -cents(trade.net or Fraction(0))
            row = 0 if lost < 0 else row + self.is_loss(lost)
        return Expected(Ok, Decimal(row))

    def row_of(self, ended: list[NaiveTrade], day: Window) -> int:
        """Return the losses in a row up to the last of these trades."""
        row = 0
        for trade in reversed(ended):
            net = trade.net
            is_older = trade.ended is not None and trade.ended[0] < day.start_ns
            if is_older or net is None or cents(net) > 0:
                break
            row += self.is_loss(-cents(net))
        return row

    def is_loss(self, lost_cents: int) -> bool:
        least = self.chosen.get("min_loss_usd", 0)
        return lost_cents >= max(1, round(least * 100))


TestMaxConsecutiveLosses = LossesMachine.TestCase
