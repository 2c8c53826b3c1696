"""Whether what is heard proves a market open that the calendar says is closed.

A calendar may be wrong (a holiday that is none, a product's hours that changed) and the paper
market never closes; P&L must not stand still because of it (I7). A price that changes well after
the close, from one statement to the next, or a fill there, was traded. What comes once after a
close proves nothing: the last price of the session, told late or again with a new connection.
"""

from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.market_calendar import MarketCalendar

GRACE_NS = 60 * NS_PER_S
"""What was traded just before the close may be told, or dated, so much later."""
TOGETHER_NS = 5 * 60 * NS_PER_S
"""Of two statements further apart, nobody knows whether the market was open between them."""
QUIET_AFTER_NS = 3600 * NS_PER_S
"""Without any change for so long the calendar is believed again."""


class _Stated(NamedTuple):
    what: object
    at_ns: int


class _Proof(NamedTuple):
    since_ns: int
    last_ns: int


class MarketProof:
    """What was heard of each contract in times in which its market should be closed."""

    def __init__(self, market: MarketCalendar) -> None:
        self.market = market
        self._stated: dict[str, _Stated] = {}
        self._proofs: dict[str, _Proof] = {}

    def stated(self, contract_id: str, symbol: str, what: object, at_ns: int) -> None:
        """Take what the price of a contract is said to be at an instant (ns of UTC)."""
        before = self._stated.get(contract_id)
        self._stated[contract_id] = _Stated(what, at_ns)
        if before is None or before.what == what or at_ns - before.at_ns > TOGETHER_NS:
            return
        if self._is_well_closed(symbol, before.at_ns):
            self.traded(contract_id, symbol, at_ns)

    def traded(self, contract_id: str, symbol: str, at_ns: int) -> None:
        """Take that a contract was traded at an instant."""
        if not self._is_well_closed(symbol, at_ns):
            return
        proof = self._proofs.get(contract_id)
        if proof is None or at_ns - proof.last_ns > QUIET_AFTER_NS:
            proof = _Proof(at_ns, at_ns)
        self._proofs[contract_id] = _Proof(proof.since_ns, max(proof.last_ns, at_ns))

    def open_since_ns(self, contract_id: str, now_ns: int) -> int | None:
        """Return since when a contract is known to trade although its market should be closed.

        None where nothing says so, or nothing has for long.
        """
        proof = self._proofs.get(contract_id)
        if proof is None or now_ns - proof.last_ns > QUIET_AFTER_NS:
            return None
        return proof.since_ns

    def _is_well_closed(self, symbol: str, at_ns: int) -> bool:
        """Tell whether the calendar has the market closed, and not only since a moment ago."""
        return not (
            self.market.is_open(symbol, at_ns) or self.market.is_open(symbol, at_ns - GRACE_NS)
        )
