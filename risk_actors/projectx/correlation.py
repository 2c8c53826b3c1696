"""Correlation ids for what enters the system here: unique, also across restarts."""

import itertools

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NS_PER_MS = 1_000_000


class CorrelationIds:
    """Makes ids such as `mh3k2x9f-17`: the start time in base 36, then a counter."""

    def __init__(self, started_ns: int) -> None:
        self._prefix = _base36(started_ns // _NS_PER_MS)
        self._counter = itertools.count(1)

    def next(self) -> str:
        """Return an id that was never returned before."""
        return f"{self._prefix}-{next(self._counter)}"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits or "0"
