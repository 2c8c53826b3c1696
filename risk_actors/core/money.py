"""US dollars, exact, compared at the cent.

Amounts are `Decimal`: some tick values carry fractions of a cent (ZN 15.625), so a sum is kept
exact and only a comparison rounds. Half a cent rounds away from zero, so a loss of 499.995 is a
loss of 500.00 and reaches a limit of 500.
"""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal(0)
_CENTS_A_DOLLAR = Decimal(100)


def to_cents(amount_usd: Decimal) -> int:
    """Return the amount in whole cents, half a cent rounded away from zero."""
    return int((amount_usd * _CENTS_A_DOLLAR).to_integral_value(ROUND_HALF_UP))


def decimal_from(number: float | str | Decimal) -> Decimal:
    """Return the decimal that a broker's JSON number was written as.

    A float's shortest representation is the text the broker sent (up to 17 digits), so going
    through it gives back `15.625`, not the binary neighbour.

    Raises:
        ValueError: the text is no number.
        ArithmeticError: the text is no number (the decimal module's own error).
    """
    if isinstance(number, Decimal):
        return number
    return Decimal(repr(number) if isinstance(number, float) else number)
