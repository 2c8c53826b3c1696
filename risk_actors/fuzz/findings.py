"""What the checks find."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Something that must not be."""

    invariant: str
    """`I1` to `I10`, `actor` for an actor that failed, `rule` for a breach that was missed,
    `fuzzer` for a fault of the fuzzer itself."""
    at_s: float
    """Seconds since the start of the day."""
    what: str
