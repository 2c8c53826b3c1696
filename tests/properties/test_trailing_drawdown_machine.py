"""Rule 004 against a model that reckons the floor anew from everything that ever happened."""

from typing import Any

from core.builders import rule as rule_of
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from properties.naive_trading import Moment, NaiveTrading, cents, usd

from risk_actors.core.verdict import Breached, Ok

AMOUNT = 200_000
LATE = 30
"""Moments after which an account may be brought to its limit; it would be broken all along."""
TRAILS = ("static", "end_of_day", "closed_balance", "intraday")


class TrailingDrawdownMachine(NaiveTrading):
    """An account with a floor, by each of the four trails."""

    @initialize(
        trail=st.sampled_from(TRAILS),
        balance=st.sampled_from([0, 5_000_000, 5_130_055]),
        is_start_known=st.booleans(),
        stop=st.sampled_from([None, -150_000, 0, 10_000]),
        keep_away=st.sampled_from([0, 12_345]),
    )
    def open_account(
        self, trail: str, balance: int, stop: int | None, keep_away: int, *, is_start_known: bool
    ) -> None:
        self.trail, self.keep_away = trail, keep_away
        opened_with = 0 if balance == 0 else 5_000_000
        is_start_known = is_start_known or trail == "static"
        self.start = opened_with if is_start_known else None
        self.stop = None if stop is None or trail == "static" else opened_with + stop
        settings: dict[str, Any] = {
            "amount_usd": float(usd(AMOUNT)),
            "trail": trail,
            "keep_away_usd": float(usd(keep_away)),
        }
        if self.start is not None:
            settings["start_balance_usd"] = float(usd(self.start))
        if self.stop is not None:
            settings["lock_at_usd"] = float(usd(self.stop))
        self.begin(rule_of("trailing_drawdown", **settings), balance)

    @precondition(lambda self: len(self.moments) > LATE)
    @rule(above=st.integers(-1, 1))
    def a_payout_down_to_the_limit(self, above: int) -> None:
        """Leave the account on the limit, or a cent beside it."""
        amount = self.moments[-1].equity - self.limit(self.moments) - above
        if amount > 0:
            self.pay_out(amount)

    def highs(self, moments: list[Moment]) -> list[int]:
        """Return every figure that the floor may hang from, up to the last of the moments."""
        starts = [] if self.start is None else [self.start]
        match self.trail:
            case "static":
                return starts
            case "end_of_day":
                ends = {m.day_start_ns: m.balance for m in moments}
                del ends[moments[-1].day_start_ns]
                return [*starts, moments[0].balance, *ends.values()]
            case "closed_balance":
                return [*starts, *(m.balance for m in moments)]
            case _:
                first = [] if starts else [moments[0].balance]
                return [*starts, *first, *(m.equity for m in moments if m.is_seen)]

    def limit(self, moments: list[Moment]) -> int:
        """Return where the rule acts after the last of the moments."""
        floor = max(self.highs(moments)) - AMOUNT
        if self.stop is not None:
            floor = min(floor, self.stop)
        return floor + self.keep_away

    def compare(self) -> None:
        first = next(
            (
                (limit, moment)
                for n, moment in enumerate(self.moments, 1)
                if moment.day_start_ns == self.day_ns
                and moment.is_seen
                and moment.equity <= (limit := self.limit(self.moments[:n]))
            ),
            None,
        )
        verdict = self.desk.verdicts[-1]
        assert isinstance(verdict, Ok | Breached)
        assert isinstance(verdict, Breached) == (first is not None)
        assert verdict.value is not None
        assert verdict.limit is not None
        assert cents(verdict.value) == self.moments[-1].equity
        if first is None:
            assert cents(verdict.limit) == self.limit(self.moments)
        else:
            assert cents(verdict.limit) == first[0]
            assert isinstance(verdict, Breached)
            told = verdict.evidence.figures["equity"]
            assert told == usd(first[1].equity)


TestTrailingDrawdownMachine = TrailingDrawdownMachine.TestCase
