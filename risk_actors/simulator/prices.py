"""Where quotes come from: a seeded random walk per contract, or a recorded file.

The walk moves in whole ticks, keeps a spread of one or two, bounces around its own slow drift (so
whoever chases the last move buys high), and now and then bursts one way for a while, because risk
rules are tested by bursts.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.records import Quote

_BURST_CHANCE = 0.004
_BURST_STEPS = (12, 32)
_BURST_DRIFT = 0.8
_DRIFT_SHARE = 0.5
_BOUNCE_SHARE = 2.0
_BOUNCE_KEPT = 0.75
_WIDE_SPREAD_CHANCE = 0.1
_MIN_TICKS = 10
_NS_PER_S = 1_000_000_000


class PriceWalk:
    """The price process of one contract. Each step is drawn from its own generator."""

    def __init__(self, contract: Contract, rng: Random) -> None:
        self._contract = contract
        self._rng = rng
        self._level_ticks = float(contract.start_price / contract.tick_size)
        self._bounce_ticks = 0.0
        self._burst_left = 0
        self._burst_sign = 1

    def step(self) -> Quote:
        """Return the next quote."""
        rng, sigma = self._rng, self._contract.step_ticks
        if self._burst_left:
            self._burst_left -= 1
            drift = self._burst_sign * sigma * _BURST_DRIFT
        else:
            drift = 0.0
            if rng.random() < _BURST_CHANCE:
                self._burst_left = rng.randint(*_BURST_STEPS)
                self._burst_sign = rng.choice((-1, 1))
        self._level_ticks += rng.gauss(drift, sigma * _DRIFT_SHARE)
        self._bounce_ticks *= _BOUNCE_KEPT
        self._bounce_ticks += rng.gauss(0.0, sigma * _BOUNCE_SHARE)
        bid = max(_MIN_TICKS, round(self._level_ticks + self._bounce_ticks))
        ask = bid + (2 if rng.random() < _WIDE_SPREAD_CHANCE else 1)
        last = rng.choice((bid, ask))
        tick = self._contract.tick_size
        return Quote(bid * tick, ask * tick, last * tick)

    def move_to(self, quote: Quote) -> None:
        """Go on from a price that was set by hand."""
        self._level_ticks = float(quote.bid / self._contract.tick_size)
        self._bounce_ticks = 0.0


class RecordedQuote(NamedTuple):
    """One line of a price file; `offset_ns` counts from the file's first line."""

    offset_ns: int
    contract_id: str
    quote: Quote


def read_prices(path: Path, contract_ids: dict[str, str]) -> Iterator[RecordedQuote]:
    """Yield the quotes of a price file in file order.

    `contract_ids` maps what the contract column may say (id, name or exchange symbol) to ids.
    Times are ISO 8601; without an offset they are UTC.

    Raises:
        ValueError: a line is not understood; the message has the line number.
    """
    first_ns: int | None = None
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            line = f"{path}: {row}"
            try:
                when = datetime.fromisoformat(row["time"])
                contract_id = contract_ids[row["contract"]]
                quote = Quote(Decimal(row["bid"]), Decimal(row["ask"]), Decimal(row["last"]))
            except (KeyError, ValueError, ArithmeticError) as error:
                raise ValueError(f"not a price line ({error!r}): {line}") from error
            if when.tzinfo is None:
                when = when.replace(tzinfo=UTC)
            at_ns = int(when.timestamp() * _NS_PER_S)
            first_ns = at_ns if first_ns is None else first_ns
            yield RecordedQuote(at_ns - first_ns, contract_id, quote)
