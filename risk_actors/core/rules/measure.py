"""What a rule measures, in which unit, and what moves it: what headroom is reckoned from."""

from enum import StrEnum
from typing import NamedTuple


class Unit(StrEnum):
    """The unit of a rule's value, limit and room."""

    USD = "usd"
    CONTRACTS = "contracts"
    TRADES = "trades"
    ENTRIES = "entries"
    LOSSES = "losses"
    SECONDS = "seconds"
    NONE = "none"
    """It has no figure: something is so, or is not."""


class MovedBy(StrEnum):
    """What brings a rule nearer to breaking."""

    EQUITY_LOSS = "equity_loss"
    """It breaks when realised plus unrealised P&L falls by its room."""
    EQUITY_GAIN = "equity_gain"
    REALIZED_LOSS = "realized_loss"
    """As equity loss, but only what is closed counts."""
    REALIZED_GAIN = "realized_gain"
    POSITION_LOSS = "position_loss"
    """It breaks when the unrealised P&L of one position falls by its room."""
    POSITION_GAIN = "position_gain"
    SIZE = "size"
    ENTRY = "entry"
    TIME = "time"
    STATE = "state"
    """Nothing gradual brings it nearer."""


class Measure(NamedTuple):
    """A unit, and what moves the value."""

    unit: Unit
    moved_by: MovedBy


NO_MEASURE = Measure(Unit.NONE, MovedBy.STATE)
