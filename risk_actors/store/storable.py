"""What SQLite can hold, and what of ours it cannot."""

NO_COLUMN_HOLDS = (ArithmeticError, ValueError, TypeError, OSError)
"""What is raised by a number too large for SQLite or for a date, by text that is no valid Unicode,
and by what cannot be told in JSON. None of it gets better by trying again."""

_SQLITE_BITS = 64


def readable(text: str) -> str:
    """Return text that SQLite takes: half a surrogate pair is spelled out."""
    return text.encode(errors="backslashreplace").decode()


def held(number: int | None) -> int | None:
    """Return a number that SQLite can hold, None for any other."""
    return number if number is not None and number.bit_length() < _SQLITE_BITS else None
