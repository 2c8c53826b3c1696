"""How far a price may move at once, and bid and ask lie apart, and still be believed at sight.

A bound is a share of the price (so it stays right when an index doubles), but at least so many
ticks (so it stays above the noise where a tick is large). They are the project's own judgement:
well above what one quote moves in an ordinary market, well below what a broken quote does. Too
tight a bound costs one quote's delay, too wide a one lets a bad price through, so they are tight.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import msgspec

from risk_actors.core.evidence import NS_PER_S

type TickCount = Annotated[int, msgspec.Meta(gt=0)]

FARTHEST_SHARE = Decimal("0.1")
"""However long the silence: beyond this share of the price a second witness is asked for. It is
wider than the exchange's own daily limits for indices, and far below a misplaced decimal point."""


class PriceBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one quote may do, as a share of the price and in ticks; the larger counts."""

    jump_share: Decimal
    jump_ticks: int
    spread_share: Decimal
    spread_ticks: int


class TickBounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trader's own bounds for one symbol, in ticks; what is left out stays as it ships."""

    jump_ticks: TickCount | None = None
    """The largest move from one quote to the next that is believed at sight."""
    spread_ticks: TickCount | None = None
    """The largest distance between bid and ask that is believed at sight."""

    def replacing(self, bounds: PriceBounds) -> PriceBounds:
        """Return the bounds with the trader's own in place."""
        if self.jump_ticks is not None:
            bounds = msgspec.structs.replace(
                bounds, jump_share=Decimal(0), jump_ticks=self.jump_ticks
            )
        if self.spread_ticks is not None:
            bounds = msgspec.structs.replace(
                bounds, spread_share=Decimal(0), spread_ticks=self.spread_ticks
            )
        return bounds


def _bounds(jump_share: str, jump_ticks: int, spread_share: str, spread_ticks: int) -> PriceBounds:
    return PriceBounds(
        jump_share=Decimal(jump_share),
        jump_ticks=jump_ticks,
        spread_share=Decimal(spread_share),
        spread_ticks=spread_ticks,
    )


DEFAULT_BOUNDS = _bounds("0.003", 8, "0.003", 8)
"""For a product that is not listed here."""

_INDEX = _bounds("0.0008", 8, "0.0005", 6)
_RATES = _bounds("0.0005", 4, "0.0003", 3)
_CURRENCY = _bounds("0.0008", 6, "0.0005", 5)
_ENERGY = _bounds("0.003", 10, "0.002", 6)
_GAS = _bounds("0.006", 10, "0.004", 6)
_GOLD = _bounds("0.001", 10, "0.0006", 8)
_METAL = _bounds("0.002", 8, "0.0015", 6)
_CRYPTO = _bounds("0.004", 10, "0.003", 10)

BOUNDS: Mapping[str, PriceBounds] = {
    symbol: bounds
    for symbols, bounds in (
        ("MNQ NQ MES ES MYM YM M2K RTY NKD", _INDEX),
        ("ZT ZF ZN TN ZB UB", _RATES),
        ("6E M6E E7 6B 6A 6C 6J", _CURRENCY),
        ("MCL CL QM", _ENERGY),
        ("NG QG", _GAS),
        ("MGC GC", _GOLD),
        ("SI SIL HG MHG", _METAL),
        ("MBT MET", _CRYPTO),
    )
    for symbol in symbols.split()
}
"""By exchange symbol, for everything in the catalogue."""


def bounds_of(symbol: str, own: Mapping[str, TickBounds] | None = None) -> PriceBounds:
    """Return the bounds of a symbol, the trader's own (keys in capitals) before ours."""
    bounds = BOUNDS.get(symbol, DEFAULT_BOUNDS)
    replaced = own.get(symbol) if own else None
    return bounds if replaced is None else replaced.replacing(bounds)


def reach_after(jump: Decimal, price: Decimal, silent_ns: int) -> Decimal:
    """Return how far a price may have gone while nothing was heard of it.

    It grows with the square root of the silence, as prices do, counted in seconds: `jump` at
    once, 5.6 times that after 30 s, 60 times after an hour's pause; `FARTHEST_SHARE` of the price
    at most. So the gap after a closed market surprises nobody.
    """
    grown = jump * (1 + Decimal(max(silent_ns, 0)) / NS_PER_S).sqrt()
    return max(jump, min(grown, price * FARTHEST_SHARE))
