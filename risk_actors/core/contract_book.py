"""What is known of one contract: the size reported, and the size that fills add up to."""

from collections.abc import Iterable

from risk_actors.core.account_state import OpenPosition
from risk_actors.core.broker import Fill
from risk_actors.core.instruments import symbol_of
from risk_actors.core.position_math import FLAT, Holding, after_fill, after_fills


class ContractBook:
    """What is known of one contract."""

    __slots__ = (
        "_fills",
        "_shown",
        "_start",
        "by_fills",
        "contract_id",
        "named_symbol",
        "opened_ns",
        "reported",
        "reported_ns",
        "symbol",
    )

    def __init__(self, contract_id: str) -> None:
        self.contract_id = contract_id
        self.symbol = symbol_of(contract_id)
        self.named_symbol: str | None = None
        self.reported = FLAT
        self.reported_ns = 0
        self.by_fills = FLAT
        self.opened_ns = 0
        self._start = FLAT
        self._fills: list[Fill] = []
        self._shown: OpenPosition | None = None

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

    def position(self) -> OpenPosition | None:
        """Return the open position, the same object while it is the same; None when flat."""
        reported, by_fills, shown = self.reported, self.by_fills, self._shown
        if not (reported.size or by_fills.size):
            return None
        if (
            shown is None
            or shown.average_price is not reported.average_price
            or shown.fills_average_price is not by_fills.average_price
            or shown.size != reported.size
            or shown.fills_size != by_fills.size
            or shown.opened_ns != self.opened_ns
            or shown.symbol != self.symbol
        ):
            shown = self._shown = OpenPosition(
                contract_id=self.contract_id,
                symbol=self.symbol,
                size=reported.size,
                average_price=reported.average_price,
                opened_ns=self.opened_ns,
                fills_size=by_fills.size,
                fills_average_price=by_fills.average_price,
            )
        return shown

    @property
    def is_settled(self) -> bool:
        """Whether report and fills agree."""
        return self.reported.size == self.by_fills.size


def _by_time(fill: Fill) -> tuple[int, int]:
    return fill.at_ns, fill.id
