"""Prices of open positions from recent bars, while the market hub tells none.

A bar's close is told as the last price, dated with the bar's own end: P&L is marked by it, and it
grows stale as any price does. While the hub is up and silent, the bars tell whether the market is
quiet (the price known stands) or the hub is deaf (it is connected anew). In a closed market the
last price stands, and nothing is asked while the hub is up. But a calendar may be wrong: what moves
is open whatever it says, and while the hub is down a closed market too is looked at now and then.
"""

import asyncio
from collections.abc import Callable, Iterable

import msgspec.structs
from loguru import logger

from risk_actors.core.broker import Quote
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.market_proof import QUIET_AFTER_NS
from risk_actors.messages import (
    AccountSnapshot,
    FillReported,
    Message,
    PositionReported,
)
from risk_actors.projectx.bars import BarReader, Traded
from risk_actors.projectx.connection import ConnectionBoard
from risk_actors.projectx.errors import PayloadError, ReadFailed, ReadProblem
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.quiet import (
    CLOSED_EACH_EVERY_S,
    EACH_EVERY_S,
    Finding,
    Hours,
    MarketEar,
)
from risk_actors.projectx.say import Repeats

_LOOK_EVERY_S = 0.25
_READ_EVERY_S = 1.0
"""One read at a time, so often at most: 30 in 30 s, where the broker allows 50, and two at once
when bars of a second are lacking."""
_BUSY_PAUSE_S = 4.0
"""After the broker has said that there were too many requests; a price must not grow stale of it.
"""
STALE_AFTER_NS = 10 * NS_PER_S
"""How old a price may grow, unless the settings say otherwise."""
_ASK_AFTER_SHARE = 0.5
"""Bars are asked for when a contract was silent for this share of it, so that a quiet market's
price is confirmed before it counts as stale."""


class BarPrices:
    """Reads bars of contracts in which a position is open. Use it on its event loop only."""

    def __init__(
        self,
        bars: BarReader,
        inbound: Inbound,
        board: ConnectionBoard,
        clock: Clock,
        on_deaf: Callable[[str], None],
        market: MarketCalendar,
        stale_after_ns: int = STALE_AFTER_NS,
        known: Callable[[str], Quote | None] | None = None,
    ) -> None:
        """Take what reads, where prices go, and who hears (in words) that the hub is deaf.

        What is known of a contract's price is asked of `known`, or of where prices go.
        """
        self._bars = bars
        self._inbound = inbound
        self._known = known or inbound.known_quote
        self._board = board
        self._clock = clock
        self._on_deaf = on_deaf
        self._hours = Hours(market)
        self._stale_after_ns = stale_after_ns
        self._ear = MarketEar(int(stale_after_ns * _ASK_AFTER_SHARE))
        self._ear.closed(clock.now_ns())
        self._held: dict[tuple[int, str], int] = {}
        self._told: dict[str, Traded] = {}
        self._asked_s: dict[str, float] = {}
        self._repeats = Repeats()

    def follow(self, market: MarketCalendar, stale_after_ns: int) -> None:
        """Take other hours, and how old a price may grow."""
        self._hours.follow(market)
        self._stale_after_ns = stale_after_ns
        self._ear.silent_after_ns = int(stale_after_ns * _ASK_AFTER_SHARE)

    def take(self, message: Message) -> None:
        """Take which positions are open, as it is told to the actors."""
        match message:
            case AccountSnapshot(account_id=account_id):
                read = {(p.account_id, p.contract_id): p.size for p in message.positions}
                others = {key: size for key, size in self._held.items() if key[0] != account_id}
                self._held = {**others, **read}
                lately_ns = self._clock.now_ns() - QUIET_AFTER_NS
                for fill in message.fills or ():
                    if fill.at_ns > lately_ns:
                        self._hours.traded(fill.contract_id, fill.at_ns)
            case FillReported(fill=fill):
                self._hours.traded(fill.contract_id, fill.at_ns)
            case PositionReported(position=position):
                self._held[position.account_id, position.contract_id] = position.size
            case _:
                return
        self._held = {key: size for key, size in self._held.items() if size}
        self._ear.want(self._contracts, self._clock.now_ns())

    def heard(self, quote: Quote) -> None:
        """Take what the market hub told."""
        now_ns = self._clock.now_ns()
        self._ear.heard(quote.contract_id, now_ns)
        self._hours.quoted(quote, now_ns)

    def set_hub(self, *, up: bool) -> None:
        """Take whether the market hub is up."""
        if up:
            self._ear.opened(self._clock.now_ns())
        else:
            self._ear.closed(self._clock.now_ns())

    async def serve(self) -> None:
        """Read bars where quotes are missed; runs until cancelled."""
        try:
            while True:
                await asyncio.sleep(_LOOK_EVERY_S)
                now_ns = self._clock.now_ns()
                silent = {c: o for c in self._contracts if (o := self._silent(c, now_ns))}
                if not silent or not self._board.rest:
                    self._tell_board()
                    continue
                contract_id = self._next_of(silent, now_ns)
                if contract_id is None:
                    continue
                await self._read(contract_id, silent[contract_id])
                self._tell_board()
                await asyncio.sleep(_READ_EVERY_S - _LOOK_EVERY_S)
        finally:
            self._told.clear()

    @property
    def _contracts(self) -> frozenset[str]:
        return frozenset(contract_id for _, contract_id in self._held)

    def _silent(self, contract_id: str, now_ns: int) -> int | None:
        """Return when the market of a silent contract opened; None where nothing is missed."""
        if self._bars.is_given_up(contract_id):
            return None
        opened_ns = self._hours.opened_ns(contract_id, now_ns)
        if opened_ns is None and self._ear.is_down:
            opened_ns = now_ns  # for all we know
        return opened_ns if self._ear.is_silent(contract_id, opened_ns, now_ns) else None

    def _next_of(self, silent: Iterable[str], now_ns: int) -> str | None:
        """Return the contract to read now: the one read longest ago of those that are due."""
        now_s = asyncio.get_running_loop().time()
        since_s = {each: now_s - self._asked_s.get(each, -CLOSED_EACH_EVERY_S) for each in silent}
        due = [each for each in since_s if since_s[each] >= self._every_s(each, now_ns)]
        contract_id = max(due, key=since_s.__getitem__, default=None)
        if contract_id is not None:
            self._asked_s[contract_id] = now_s
        return contract_id

    def _every_s(self, contract_id: str, now_ns: int) -> float:
        is_closed = self._hours.opened_ns(contract_id, now_ns) is None
        return CLOSED_EACH_EVERY_S if is_closed else EACH_EVERY_S

    async def _read(self, contract_id: str, opened_ns: int) -> None:
        try:
            traded = await self._bars.newest(contract_id)
        except (ReadFailed, PayloadError) as error:
            if self._repeats.is_due((contract_id, str(error))):
                logger.warning("No price of {} from bars: {}", contract_id, error)
            if isinstance(error, ReadFailed) and error.problem is ReadProblem.BUSY:
                await asyncio.sleep(_BUSY_PAUSE_S)
            return
        now_ns = self._clock.now_ns()
        if not self._ear.is_silent(contract_id, opened_ns, now_ns):
            return  # quotes are back
        newest_ns = None if traded is None else traded.start_ns
        if newest_ns is not None:
            self._hours.traded(contract_id, newest_ns)
        finding = self._ear.judge(contract_id, opened_ns, newest_ns, now_ns)
        if finding is Finding.QUIET and self._confirm(contract_id, now_ns):
            return
        if traded is not None:
            self._tell(contract_id, traded, now_ns)
        if finding is Finding.DEAF and self._is_overdue(contract_id, opened_ns, now_ns):
            self._say_deaf(contract_id, now_ns)

    def _confirm(self, contract_id: str, now_ns: int) -> bool:
        """Tell the known quote again as of now: nothing was traded since; false without one."""
        quote = self._known(contract_id)
        if quote is None:
            return False
        self._inbound.tell_quote(msgspec.structs.replace(quote, at_ns=now_ns))
        return True

    def _tell(self, contract_id: str, traded: Traded, now_ns: int) -> None:
        """Tell a bar's close as the last price, unless a quote told of a later one."""
        if traded.end_ns <= self._ear.heard_ns(contract_id):
            return
        self._told[contract_id] = traded
        # A bar that has not ended yet counts up to now.
        at_ns = min(traded.end_ns, now_ns)
        self._inbound.tell_quote(Quote(contract_id=contract_id, last=traded.close, at_ns=at_ns))

    def _is_overdue(self, contract_id: str, opened_ns: int, now_ns: int) -> bool:
        since_ns = self._ear.silent_since_ns(contract_id, opened_ns)
        return since_ns is not None and now_ns - since_ns > self._stale_after_ns

    def _say_deaf(self, contract_id: str, now_ns: int) -> None:
        if self._ear.may_kick(contract_id, now_ns):
            silent_s = (now_ns - self._ear.heard_ns(contract_id)) // NS_PER_S
            since = f" for {silent_s} s" if self._ear.heard_ns(contract_id) else ""
            self._on_deaf(f"connected, but no quote of {contract_id}{since} although it is traded")

    def _tell_board(self) -> None:
        """Say whether prices come from bars: some did, and quotes are not back."""
        now_ns = self._clock.now_ns()
        for contract_id in list(self._told):
            is_missed = contract_id in self._contracts and self._silent(contract_id, now_ns)
            if not is_missed:
                del self._told[contract_id]
        names = ", ".join(sorted(self._told))
        self._board.set_bars(
            bool(self._told),
            f"prices of {names} from recent bars" if names else "no prices from bars any more",
        )
