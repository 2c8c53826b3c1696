"""When each order was first seen, or one that the broker numbered after it.

Events come in any order: an order that is heard of late is no newer for that (I2). The broker
numbers orders as they come, so one is at least as old as any with a higher number.
"""

from bisect import bisect_left, bisect_right, insort

from risk_actors.core.evidence import NS_PER_S

REMEMBER_ORDERS = 10_000
"""How many orders' first sight is remembered; more than can matter to one close."""
OUT_OF_ORDER_NS = 60 * NS_PER_S
"""An order that the broker says it created so much before one with a lower number has a number of
another kind, by which nothing is to be judged. Numbers given at the same time may come in any
order by seconds, not by so much."""


class FirstSights:
    """The orders seen last. Of two, the one with the higher number was never seen before the other.

    That holds because each instant that is noted is no earlier than the one before.
    """

    def __init__(self) -> None:
        self._seen_ns: dict[int, int] = {}
        self._created_ns: dict[int, int] = {}
        """By the broker's clock, where it said so."""
        self._numbers: list[int] = []
        """In their order, those left out that are out of order."""
        self._now_ns = 0

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._seen_ns

    def get(self, order_id: int, default_ns: int) -> int:
        """Return when an order was first seen."""
        return self._seen_ns.get(order_id, default_ns)

    def note(self, order_id: int, now_ns: int, created_ns: int = 0) -> int:
        """Take that an order is seen; return when it, or one numbered after it, first was.

        Args:
            order_id: its number.
            now_ns: the present.
            created_ns: when the broker created it, by the broker's clock; 0 if it did not say.
        """
        known_ns = self._seen_ns.get(order_id)
        if known_ns is not None:
            return known_ns
        self._now_ns = first_ns = max(self._now_ns, now_ns)
        later_id = self._next_number(order_id, created_ns)
        if later_id is not None:
            first_ns = self._seen_ns[later_id]
        self._seen_ns[order_id] = first_ns
        if created_ns:
            self._created_ns[order_id] = created_ns
        insort(self._numbers, order_id)
        return first_ns

    def _next_number(self, order_id: int, created_ns: int) -> int | None:
        numbers = self._numbers
        at = bisect_right(numbers, order_id)
        while at < len(numbers):
            later_id = numbers[at]
            later_created_ns = self._created_ns.get(later_id, created_ns)
            if not created_ns or created_ns - later_created_ns <= OUT_OF_ORDER_NS:
                return later_id
            del numbers[at]
        return None

    def forget_oldest(self) -> None:
        """Forget what is more than can be remembered."""
        while len(self._seen_ns) > REMEMBER_ORDERS:
            order_id = next(iter(self._seen_ns))
            del self._seen_ns[order_id]
            self._created_ns.pop(order_id, None)
            at = bisect_left(self._numbers, order_id)
            if at < len(self._numbers) and self._numbers[at] == order_id:
                del self._numbers[at]
