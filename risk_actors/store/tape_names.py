"""Texts that come again and again on a tape, kept once each."""

from collections.abc import Sequence


class Names:
    """Texts by number, in the order in which they first came."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._told = 0

    def number(self, text: str) -> int:
        """Return the number of a text, a new one if it never came."""
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return number

    def text(self, number: int) -> str:
        """Return the text of a number."""
        return self._texts[number]

    def take_new(self) -> list[str]:
        """Return what came since this was asked last."""
        new, self._told = self._texts[self._told :], len(self._texts)
        return new

    def learn(self, texts: Sequence[str]) -> None:
        """Take what the writer had that was new."""
        for text in texts:
            self.number(text)


def split_counter(text: str) -> tuple[str, int] | None:
    """Part `tick-17` into `tick-` and 17; None where the text does not end so."""
    start = len(text)
    while start > 0 and text[start - 1] in _DIGITS:
        start -= 1
    digits = text[start:]
    if not digits or len(digits) > _MOST_DIGITS or (digits[0] == "0" and digits != "0"):
        return None
    return text[:start], int(digits)


_DIGITS = frozenset("0123456789")
_MOST_DIGITS = 18
