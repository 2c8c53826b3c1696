"""Rule 020 against a model that goes through the whole day anew."""

from fractions import Fraction
from typing import Any

from core.builders import rule as rule_of
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from properties.naive_trading import NaiveTrading, cents, usd

from risk_actors.core.verdict import Breached, Ok

ARM_AT = 30_000


def half_up(amount: Fraction) -> int:
    """Return whole cents; half a cent counts as one."""
    return int(amount + Fraction(1, 2))


class ProfitGivebackMachine(NaiveTrading):
    """An account whose profit is watched over."""

    @initialize(pct=st.sampled_from([None, 7, 33, 100]), amount=st.sampled_from([12_345, 90_000]))
    def open_account(self, pct: int | None, amount: int) -> None:
        self.pct, self.amount = pct, amount
        settings: dict[str, Any] = {"arm_at_usd": float(usd(ARM_AT))}
        if pct is None:
            settings["giveback_usd"] = float(usd(amount))
        else:
            settings["giveback_pct"] = pct
        self.begin(rule_of("profit_giveback", **settings), 5_000_000)

    def allowed(self, peak: int) -> Fraction:
        return Fraction(self.amount) if self.pct is None else Fraction(peak * self.pct, 100)

    def compare(self) -> None:
        seen = [moment.day_equity for moment in self.today if moment.is_seen]
        peaks = [max(seen[:n]) for n in range(1, len(seen) + 1)]
        first = next(
            (
                (peak, equity)
                for peak, equity in zip(peaks, seen, strict=True)
                if peak >= ARM_AT and peak - equity >= half_up(self.allowed(peak))
            ),
            None,
        )
        verdict = self.desk.verdicts[-1]
        assert isinstance(verdict, Ok | Breached)
        assert isinstance(verdict, Breached) == (first is not None)
        assert verdict.value is not None
        assert cents(verdict.value) == seen[-1]
        if first is not None:
            assert isinstance(verdict, Breached)
            assert verdict.evidence.figures["pnl"] == usd(first[1])
            assert verdict.evidence.figures["peak"] == usd(first[0])
        elif peaks[-1] >= ARM_AT:
            assert verdict.limit is not None
            assert Fraction(verdict.limit) * 100 == peaks[-1] - self.allowed(peaks[-1])
        else:
            assert verdict.limit is None


TestProfitGivebackMachine = ProfitGivebackMachine.TestCase
