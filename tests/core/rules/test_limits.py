"""Limits that are reckoned once say what the comparison at the cent says."""

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from risk_actors.core.money import to_cents
from risk_actors.core.rules.limits import UsdMarks, reached_usd_fraction, reaches_usd

AMOUNTS = st.decimals(-10_000, 10_000, places=5)
LIMITS = st.decimals(0, 10_000, places=4)
FRACTIONS = st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.8, 0.9999]), unique=True, max_size=3)


@given(amount=AMOUNTS, limit=LIMITS, fractions=FRACTIONS)
@example(amount=Decimal("499.995"), limit=Decimal(500), fractions=[])
@example(amount=Decimal("499.99499"), limit=Decimal(500), fractions=[])
@example(amount=Decimal("0.005"), limit=Decimal(0), fractions=[0.5])
@example(amount=Decimal(0), limit=Decimal(0), fractions=[])
def test_marks_say_what_the_comparison_says(
    amount: Decimal, limit: Decimal, fractions: list[float]
) -> None:
    marks = UsdMarks(limit, fractions)
    assert marks.is_reached(amount) == reaches_usd(amount, limit)
    assert marks.fraction(amount) == reached_usd_fraction(amount, limit, fractions)
    if amount < marks.first_usd:
        assert not marks.is_reached(amount)
        assert marks.fraction(amount) is None


@given(amount=AMOUNTS)
@example(amount=Decimal("0.005"))
@example(amount=Decimal("-0.005"))
@example(amount=Decimal("-0.0049999"))
def test_cents_round_half_away_from_zero(amount: Decimal) -> None:
    wanted = int((abs(amount) * 1000 + 5) // 10)
    assert to_cents(amount) == (wanted if amount >= 0 else -wanted)
