"""Headroom in words: what an account may still do."""

from collections.abc import Iterator
from datetime import datetime

from risk_actors.actors.picture import (
    AccountPicture,
    FirstToFirePicture,
    HeadroomPicture,
    SizePicture,
    StopOutPicture,
)
from risk_actors.cli import words


def headroom_lines(account: AccountPicture, now: datetime) -> Iterator[str]:
    """Yield what is safe, what fires first and what the stops would make of it; none if unknown.

    Nothing is safe in an account that is not seen; the rest is told as being of then.
    """
    headroom = account.headroom
    if account.seen_at is not None:
        at = words.clock(account.seen_at, now)
        yield f"Safe to add now: none, for what is open is not known since {at}"
        if headroom is not None:
            yield from (f"As of {at}: {line}" for line in _risks(headroom))
        return
    if headroom is None:
        return
    if headroom.unknown:
        yield f"Safe to add now: unknown ({headroom.unknown})"
    if headroom.sizes:
        yield "Safe to add now: " + ", ".join(_size(size) for size in headroom.sizes)
    yield from _risks(headroom)


def _risks(headroom: HeadroomPicture) -> Iterator[str]:
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
