"""What is known of one contract: the size reported, and the size that fills add up to."""

from collections.abc import Iterable

from risk_actors.core.broker import Fill
from risk_actors.core.instruments import symbol_of
from risk_actors.core.position_math import FLAT, Holding, after_fill, after_fills


class ContractBook:
    """What is known of one contract."""

    __slots__ = (
        "_fills",
        "_start",
        "by_fills",
        "named_symbol",
        "opened_ns",
        "reported",
        "reported_ns",
        "symbol",
    )

    def __init__(self, contract_id: str) -> None:
        self.symbol = symbol_of(contract_id)
        self.named_symbol: str | None = None
        self.reported = FLAT
        self.reported_ns = 0
        self.by_fills = FLAT
        self.opened_ns = 0
        self._start = FLAT
        self._fills: list[Fill] = []

    def start_from(self, holding: Holding, fills: Iterable[Fill]) -> None:
        """Take what a snapshot holds, and the fills that came after it."""
        self._start = holding
        self._fills = sorted(fills, key=_by_time)
        self.by_fills = after_fills(holding, self._fills)

    def add_fill(self, fill: Fill) -> None:
        """Add a fill; one that overtook an earlier one does not change the average price."""
        is_late = bool(self._fills) and _by_time(fill) < _by_time(self._fills[-1])
        self._fills.append(fill)
        if is_late:
            self.start_from(self._start, self._fills)
        else:
            self.by_fills = after_fill(self.by_fills, fill)

    @property
    def is_settled(self) -> bool:
        """Whether report and fills agree."""
        return self.reported.size == self.by_fills.size


def _by_time(fill: Fill) -> tuple[int, int]:
    return fill.at_ns, fill.id
