"""What became of the three ways to the broker, told as a person would: lost, still down, back.

A message says which ways are up. What that means depends on what was said before, so whoever tells
of it keeps one of these.
"""

import re
from collections.abc import Iterable

from risk_actors import messages as m
from risk_actors.actors.line import Line
from risk_actors.core.evidence import NS_PER_S

_STARTING = "starting"
_TENTHS_BELOW_S = 10
_ENDPOINT = re.compile(r"/[A-Z]\w+/\w+(?:/\w+)*: ")
_NO_NEWS = frozenset({"connection lost", "connection failed", _STARTING})
"""Reasons that say no more than that a way is down."""


def ways_down(connection: m.ConnectionChanged) -> list[str]:
    """Return the names of the ways to the broker that are down."""
    ways = {
        "user hub": connection.user_hub,
        "market hub": connection.market_hub,
        "REST": connection.rest,
    }
    return [name for name, is_up in ways.items() if not is_up]


class ConnectionStory:
    """Follows the ways to the broker from one message to the next."""

    def __init__(self) -> None:
        self.down_ns: dict[str, int] = {}
        """The ways that are down, and since when each is."""
        self.began_ns: int | None = None
        """Since when something has been down without a break; None while all is up."""
        self.is_news = True
        """Whether the last message told of a way that was lost or came back."""
        self.outage = ""
        """The outage in one line, as of the last message: all that was down in it, and why."""
        self._was_complete = False
        self._ever_down: list[str] = []
        self._reason = ""

    def take(self, message: m.ConnectionChanged) -> Line:
        """Take a message in; return its line."""
        down = ways_down(message)
        before, began_ns = self.down_ns, self.began_ns
        self.down_ns = {name: before.get(name, message.at_ns) for name in down}
        lost = [name for name in down if name not in before]
        back = [name for name in before if name not in down]
        self.is_news = bool(lost or back)
        reason = _reason(message.detail, down)
        if not down:
            self.began_ns, self._ever_down, self._reason = None, [], ""
            is_first, self._was_complete = not self._was_complete, True
            again = began_ns is not None and not is_first
            text = f"connected again after {_length(message.at_ns, began_ns)}" if again else ""
            return Line("connection", None, text or f"connected{reason}")
        self.began_ns = message.at_ns if began_ns is None else began_ns
        self._ever_down += [name for name in down if name not in self._ever_down]
        if not back:
            self._reason = reason or self._reason
        head = "connection lost" if self._was_complete else "connecting"
        self.outage = f"{head}: {_names(self._ever_down)}{self._reason}"
        is_alarming = self._was_complete or bool(reason)
        text = self._told(message, lost, back, before) + reason
        return Line("connection", None, text, is_alarming)

    def _told(
        self, message: m.ConnectionChanged, lost: list[str], back: list[str], before: dict[str, int]
    ) -> str:
        down = list(self.down_ns)
        if not self._was_complete:
            return f"connecting: {_names(down)}"
        if lost:
            rest = [name for name in down if name not in lost]
            also = f"; also down: {_names(rest)}" if rest else ""
            return f"connection lost: {_names(lost)}{also}"
        if back:
            took = _length(message.at_ns, before[back[0]])
            return f"{_names(back)} back after {took}; still down: {_names(down)}"
        return f"still down after {_length(message.at_ns, self.began_ns)}: {_names(down)}"


def without_endpoint(detail: str) -> str:
    """Return why something could not be read without the path that was asked."""
    return _ENDPOINT.sub("", detail)


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _reason(detail: str | None, down: list[str]) -> str:
    """Return why in brackets, without what the line says anyway."""
    if not detail:
        return ""
    detail = without_endpoint(detail)
    about, _, words = detail.partition(": ")
    if words and [about] == down:
        detail = words
    return "" if detail in _NO_NEWS or words in _NO_NEWS else f" ({detail})"


def _length(at_ns: int, since_ns: int | None) -> str:
    seconds = 0.0 if since_ns is None else max(at_ns - since_ns, 0) / NS_PER_S
    return f"{seconds:.1f} s" if seconds < _TENTHS_BELOW_S else f"{seconds:.0f} s"
