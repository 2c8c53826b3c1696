"""Headroom in words: what an account may still do."""

from collections.abc import Iterator

from risk_actors.actors.picture import (
    AccountPicture,
    FirstToFirePicture,
    SizePicture,
    StopOutPicture,
)
from risk_actors.cli import words


def headroom_lines(account: AccountPicture) -> Iterator[str]:
    """Yield what is safe, what fires first and what the stops would make of it; none if unknown."""
    headroom = account.headroom
    if headroom is None:
        return
    if headroom.sizes:
        yield "Safe to add now: " + ", ".join(_size(size) for size in headroom.sizes)
    if headroom.first is not None:
        yield _first(headroom.first)
    if headroom.stop_out is not None:
        yield from _stop_out(headroom.stop_out)


def _stop_out(out: StopOutPicture) -> Iterator[str]:
    if out.day is not None:
        yield f"If every stop fills: day P&L {words.usd(out.day, signed=True)}, less fees"
    if out.unprotected:
        bare = ", ".join(f"{size} {symbol}" for symbol, size in out.unprotected.items())
        yield f"NO STOP on {bare}"


def _size(size: SizePicture) -> str:
    if size.contracts is None:
        return f"{size.symbol} without limit"
    if size.contracts == 0:
        return f"no {size.symbol} ({size.rule})"
    return f"{size.contracts} {size.symbol} ({size.rule})"


def _first(first: FirstToFirePicture) -> str:
    shadow = "" if first.mode == "enforce" else f" ({first.mode})"
    text = f"First to fire: {first.rule}{shadow}, {words.usd(first.room)} away"
    prices = ", ".join(f"{each.symbol} at {words.price(each.price)}" for each in first.prices)
    return f"{text} ({prices})" if prices else text
