"""What several rules share: warning fractions, and taking contracts off the newest positions."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated

import msgspec

from risk_actors.core.account_state import OpenPosition
from risk_actors.core.direction import LOWER, Effect, joined
from risk_actors.core.money import CENT, decimal_from, to_cents

AnyUsd = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
"""A balance or a floor: it may be zero or less."""


def reached_fraction(value: Decimal, limit: Decimal, fractions: Iterable[float]) -> float | None:
    """Return the highest warning fraction of the limit that the value has reached, or None."""
    reached = [fraction for fraction in fractions if value >= limit * decimal_from(fraction)]
    return max(reached, default=None)


def reached_usd_fraction(
    amount_usd: Decimal, limit_usd: Decimal, fractions: Iterable[float]
) -> float | None:
    """Return the highest warning fraction of a limit in dollars that is reached, or None."""
    reached = [f for f in fractions if reaches_usd(amount_usd, limit_usd * decimal_from(f))]
    return max(reached, default=None)


def reaches_usd(amount_usd: Decimal, limit_usd: Decimal) -> bool:
    """Tell whether an amount has reached a limit, compared at the cent.

    A limit below a cent counts as a cent, so that nothing never reaches it.
    """
    return to_cents(amount_usd) >= max(to_cents(limit_usd), 1)


class UsdMarks:
    """A limit in dollars and its warning fractions, as the least amounts that reach them.

    Says the same as `reaches_usd` and `reached_usd_fraction`; what depends on the limit alone is
    reckoned once, for these are asked with each price.
    """

    __slots__ = ("_least_usd", "_warnings", "first_usd")

    def __init__(self, limit_usd: Decimal, fractions: Iterable[float] = ()) -> None:
        self._least_usd = _least_reaching(limit_usd)
        self._warnings = [
            (fraction, _least_reaching(limit_usd * decimal_from(fraction)))
            for fraction in fractions
        ]
        self.first_usd = min([self._least_usd, *(least_usd for _, least_usd in self._warnings)])
        """Below this amount there is nothing to say."""

    def is_reached(self, amount_usd: Decimal) -> bool:
        """Tell whether an amount has reached the limit, compared at the cent."""
        return amount_usd >= self._least_usd

    def fraction(self, amount_usd: Decimal) -> float | None:
        """Return the highest warning fraction that is reached, or None."""
        if amount_usd < self.first_usd:
            return None
        reached = [f for f, least_usd in self._warnings if amount_usd >= least_usd]
        return max(reached, default=None)


def _least_reaching(limit_usd: Decimal) -> Decimal:
    """Return the least amount that rounds to the limit's cents, half a cent away from zero."""
    return Decimal(2 * max(to_cents(limit_usd), 1) - 1) / 200


ANY_USD = UsdMarks(CENT)
"""What is a cent at least: a win, or turned round a loss."""


def newest_first(positions: Iterable[OpenPosition]) -> list[OpenPosition]:
    """Return positions with the most lately opened one first; ties by contract id."""
    return sorted(positions, key=lambda p: (-p.opened_ns, p.contract_id))


def take_off(
    positions: Iterable[OpenPosition], excess: int, units_of: dict[str, int] | None = None
) -> dict[str, int]:
    """Return the size that may stay per contract once `excess` units are taken off.

    Args:
        positions: where to take from, in this order.
        excess: units above the limit.
        units_of: units that one contract of a symbol counts (1 where it is missing).
    """
    targets: dict[str, int] = {}
    for position in positions:
        if excess <= 0:
            break
        units = (units_of or {}).get(position.symbol, 1)
        size = abs(position.counted_size)
        taken = min(size, -(-excess // units))
        targets[position.contract_id] = size - taken
        excess -= taken * units
    return targets


def limits_effect(
    old: Mapping[str, int], old_default: int | None, new: Mapping[str, int], new_default: int | None
) -> Effect:
    """Compare limits by symbol, in any case, where a default stands for symbols without one."""
    was = {symbol.upper(): limit for symbol, limit in old.items()}
    now = {symbol.upper(): limit for symbol, limit in new.items()}
    return joined(
        LOWER.judge(was.get(symbol, old_default), now.get(symbol, new_default))
        for symbol in (*was, *now, "any other")
    )
