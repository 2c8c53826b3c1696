"""Whether a contract without quotes is quiet, or the market hub is deaf to it: pure reckoning."""

from enum import Enum, auto

from risk_actors.core.broker import Quote
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.instruments import symbol_of
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.market_proof import MarketProof
from risk_actors.projectx.deaf import KickPace

SKEW_NS = 3 * NS_PER_S
"""A trade in a bar that began this much after the last quote cannot be the one it told of: bars
are dated by the broker's clock, and quotes by ours, which may be up to 2 s late."""
QUIET_AT_MOST_NS = 120 * NS_PER_S
"""Nothing traded and nothing quoted for longer is not taken for a quiet market any more: the
broker's own prices may have stopped, and P&L by them would pass for known."""

EACH_EVERY_S = 2.0
"""How often one contract's bars are asked for."""
CLOSED_EACH_EVERY_S = 20.0
"""The same where the calendar has its market closed, and the hub is down that could tell better."""
_DOWN_NS = NS_PER_S
"""A hub that is down for less is about to come back."""


class Finding(Enum):
    """What the newest bar says of a silent contract."""

    QUIET = auto()
    """Nothing was traded since the last quote: the price stands."""
    DEAF = auto()
    """It was traded, and no quote told."""
    UNKNOWN = auto()
    """Nothing is known, or it has been silent for too long to say."""


class Hours:
    """When markets are open: by the calendar, unless what is heard contradicts it."""

    def __init__(self, market: MarketCalendar) -> None:
        self._proof = MarketProof(market)

    def follow(self, market: MarketCalendar) -> None:
        """Take other hours; what was heard stays."""
        self._proof.market = market

    def quoted(self, quote: Quote, now_ns: int) -> None:
        """Take a quote; any change of it counts, also of the book alone: asking costs little."""
        stated = quote.bid, quote.ask, quote.last
        self._proof.stated(quote.contract_id, symbol_of(quote.contract_id), stated, now_ns)

    def traded(self, contract_id: str, at_ns: int) -> None:
        """Take a fill, or a bar that was traded in from an instant on."""
        self._proof.traded(contract_id, symbol_of(contract_id), at_ns)

    def opened_ns(self, contract_id: str, now_ns: int) -> int | None:
        """Return since when a contract's market is open, as far as known; None while closed."""
        opened_ns = self._proof.market.opened_ns(symbol_of(contract_id), now_ns)
        return self._proof.open_since_ns(contract_id, now_ns) if opened_ns is None else opened_ns


class MarketEar:
    """When each contract was heard last. Instants are ns of UTC, as received."""

    def __init__(self, silent_after_ns: int) -> None:
        """Take how long a contract may be silent before its bars are asked."""
        self.silent_after_ns = silent_after_ns
        self._opened_ns: int | None = None
        self._closed_ns = 0
        self._heard_ns: dict[str, int] = {}
        self._wanted_ns: dict[str, int] = {}
        self._paces: dict[str, KickPace] = {}

    def opened(self, now_ns: int) -> None:
        """Begin with a new connection that is subscribed."""
        self._opened_ns = now_ns

    def closed(self, now_ns: int) -> None:
        """Expect nothing of a hub that is down."""
        if self._opened_ns is not None or not self._closed_ns:
            self._closed_ns = now_ns
        self._opened_ns = None

    def heard(self, contract_id: str, now_ns: int) -> bool:
        """Take that a quote came; tell whether the contract had been missed."""
        self._heard_ns[contract_id] = now_ns
        return self._paces.pop(contract_id, None) is not None

    def heard_ns(self, contract_id: str) -> int:
        """Return when a contract was heard last, 0 where it never was."""
        return self._heard_ns.get(contract_id, 0)

    def want(self, contract_ids: frozenset[str], now_ns: int) -> None:
        """Take which contracts' prices matter now."""
        self._wanted_ns = {
            contract_id: self._wanted_ns.get(contract_id, now_ns) for contract_id in contract_ids
        }

    @property
    def is_down(self) -> bool:
        """Whether the hub is down."""
        return self._opened_ns is None

    def is_silent(self, contract_id: str, opened_ns: int | None, now_ns: int) -> bool:
        """Tell whether a wanted contract should have been heard: its market is open.

        Args:
            contract_id: the contract.
            opened_ns: when its market opened; None while it is closed, which is never silence.
            now_ns: the present.
        """
        if opened_ns is None:
            return False
        since_ns = self.silent_since_ns(contract_id, opened_ns)
        if since_ns is None:
            return now_ns - self._closed_ns > _DOWN_NS
        return now_ns - since_ns > self.silent_after_ns

    def silent_since_ns(self, contract_id: str, opened_ns: int) -> int | None:
        """Return since when a quote could have come and did not; None while the hub is down."""
        if self._opened_ns is None:
            return None
        return max(
            self._opened_ns,
            opened_ns,
            self._wanted_ns.get(contract_id, 0),
            self.heard_ns(contract_id),
        )

    def judge(
        self, contract_id: str, opened_ns: int, newest_bar_ns: int | None, now_ns: int
    ) -> Finding:
        """Return what the start of the newest bar (None: no bar) says of a silent contract."""
        since_ns = self.silent_since_ns(contract_id, opened_ns)
        if since_ns is None:
            return Finding.UNKNOWN
        if newest_bar_ns is not None and newest_bar_ns > since_ns + SKEW_NS:
            return Finding.DEAF
        return Finding.QUIET if now_ns - since_ns <= QUIET_AT_MOST_NS else Finding.UNKNOWN

    def may_kick(self, contract_id: str, now_ns: int) -> bool:
        """Tell whether to connect anew because of a contract; if so, the next time is later."""
        return self._paces.setdefault(contract_id, KickPace()).may_kick(now_ns)

    @property
    def missed(self) -> frozenset[str]:
        """Contracts that the hub was deaf to, and that have not been heard since."""
        return frozenset(self._paces)
