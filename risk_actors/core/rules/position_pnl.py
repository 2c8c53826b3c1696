"""What the rules on one position's P&L share: each position by itself, and no lock."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.limits import UsdMarks
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import Breached, Flatten, Ok, Unknown, Verdict, Warned


class BrokenTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that reached the limit, with the figures of that instant."""

    contract_id: str
    opened_ns: int
    """Tells it from another trade in the contract."""
    symbol: str
    at_ns: int
    unrealized_usd: Decimal
    size: int
    """Signed contracts."""
    entry_price: Decimal
    mark_price: Decimal


class BrokenTrades(msgspec.Struct, frozen=True, kw_only=True):
    """The trades that reached the limit and are still open; each goes, whatever its price does."""

    cause: str
    """Those that broke last; it stays while others are being closed."""
    trades: tuple[BrokenTrade, ...]
    """In the order in which they broke."""


class _Valued(msgspec.Struct, frozen=True):
    """An open position with its P&L."""

    position: OpenPosition
    opened_ns: int
    unrealized_usd: Decimal | None
    mark_price: Decimal | None
    unknown_reason: str | None


class PositionLimit:
    """A limit of each position's unrealised P&L: a loss if it is negative, else a target."""

    def __init__(self, *, limit_usd: Decimal, warn_at: tuple[float, ...]) -> None:
        self._limit_usd = limit_usd
        self._sign = -1 if limit_usd < 0 else 1
        self._marks = UsdMarks(abs(limit_usd), warn_at)
        self._flat = Ok(limit=limit_usd, room=abs(limit_usd))
        self._word = "limit" if limit_usd < 0 else "target"

    @property
    def measure(self) -> Measure:
        """What is measured, and what brings it nearer to the limit."""
        return Measure(Unit.USD, MovedBy.POSITION_LOSS if self._sign < 0 else MovedBy.POSITION_GAIN)

    @property
    def summary(self) -> str:
        """The rule in one sentence."""
        sign = "-" if self._sign < 0 else ""
        return (
            "When the unrealised P&L of one position reaches"
            f" {sign}${abs(self._limit_usd):,.2f}, flatten that contract."
        )

    def judge(
        self, state: BrokenTrades | None, pnl: PnlState, now_ns: int
    ) -> tuple[BrokenTrades | None, Verdict]:
        """Compare each open position with the limit."""
        account = pnl.account
        if account is None or not account.is_reconciled:
            return state, Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet"),
                limit=self._limit_usd,
            )
        if state is None:
            far = self._far(account, pnl)
            if far is not None:
                return None, far
        valued = [*_valued(account, pnl)]
        state = self._with_newly_broken(_still_open(state, account), valued, now_ns)
        if state is not None:
            return state, self._breach(state, valued)
        return None, self._unbroken(account, valued, now_ns)

    def _far(self, account: AccountState, pnl: PnlState) -> Ok | None:
        """Return what is said where every P&L is known and none is near the limit, else None.

        It is what the whole look would say, which takes several times as long.
        """
        positions = account.positions
        if (
            account.distrusted is not None
            or account.awaited
            or len(positions) != len(pnl.positions)
        ):
            return None
        nearest: tuple[Decimal, str, Decimal] | None = None
        first_usd = self._marks.first_usd
        for position, valued in zip(positions, pnl.positions, strict=True):
            usd, contract_id = valued.unrealized_usd, position.contract_id
            if usd is None or valued.unknown_reason is not None:
                return None
            toward_usd = usd if self._sign > 0 else -usd
            if toward_usd >= first_usd or valued.contract_id != contract_id:
                return None
            if nearest is None or (toward_usd, contract_id) > nearest[:2]:
                nearest = (toward_usd, contract_id, usd)
        if nearest is None:
            return self._flat
        return Ok(value=nearest[2], limit=self._limit_usd, contract_id=nearest[1])

    def _toward(self, unrealized_usd: Decimal) -> Decimal:
        return self._sign * unrealized_usd

    def _with_newly_broken(
        self, state: BrokenTrades | None, valued: list[_Valued], now_ns: int
    ) -> BrokenTrades | None:
        trades = state.trades if state is not None else ()
        known = {trade.contract_id for trade in trades}
        new = tuple(
            BrokenTrade(
                contract_id=each.position.contract_id,
                opened_ns=each.opened_ns,
                symbol=each.position.symbol,
                at_ns=now_ns,
                unrealized_usd=each.unrealized_usd,
                size=each.position.fills_size,
                entry_price=each.position.fills_average_price,
                mark_price=each.mark_price,
            )
            for each in valued
            if each.unrealized_usd is not None
            and each.mark_price is not None
            and each.position.contract_id not in known
            and self._marks.is_reached(self._toward(each.unrealized_usd))
        )
        if not new:
            return state
        return BrokenTrades(
            cause="; ".join(f"{trade.contract_id} opened {trade.opened_ns}" for trade in new),
            trades=(*trades, *new),
        )

    def _breach(self, state: BrokenTrades, valued: list[_Valued]) -> Breached:
        """Return the breach; its value goes on living, the sentence is that of the first time."""
        told = state.trades[-1]
        live = {each.position.contract_id: each.unrealized_usd for each in valued}
        value = live.get(told.contract_id)
        figures: dict[str, Figure] = {
            "symbol": told.symbol,
            "pnl": told.unrealized_usd,
            "limit": self._limit_usd,
            "at": told.at_ns,
            "size": abs(told.size),
            "side": "long" if told.size > 0 else "short",
            "entry": told.entry_price,
            "mark": told.mark_price,
        }
        return Breached(
            value=told.unrealized_usd if value is None else value,
            limit=self._limit_usd,
            evidence=Evidence(
                template="{symbol}: unrealised P&L {pnl:usd} reached the"
                f" {self._word} of {{limit:usd}} at {{at:time}}:"
                " {size} {side} from {entry}, marked at {mark}",
                figures=figures,
            ),
            cause=state.cause,
            action=Flatten(contract_ids=tuple(sorted({t.contract_id for t in state.trades}))),
            contract_id=told.contract_id,
        )

    def _unbroken(self, account: AccountState, valued: list[_Valued], now_ns: int) -> Verdict:
        unknown = account.distrusted or next(
            (each.unknown_reason for each in valued if each.unrealized_usd is None), None
        )
        if unknown is not None:
            return Unknown(
                evidence=Evidence(
                    template="A position's P&L is unknown: {why}", figures={"why": unknown}
                ),
                limit=self._limit_usd,
            )
        figures = [
            (self._toward(each.unrealized_usd), each)
            for each in valued
            if each.unrealized_usd is not None
        ]
        if not figures:
            return self._flat
        amount_usd, nearest = max(figures, key=lambda f: (f[0], f[1].position.contract_id))
        value, contract_id = nearest.unrealized_usd, nearest.position.contract_id
        fraction = self._marks.fraction(amount_usd)
        if fraction is None:
            return Ok(value=value, limit=self._limit_usd, contract_id=contract_id)
        return Warned(
            value=value,
            limit=self._limit_usd,
            fraction=fraction,
            cause=f"{contract_id} opened {nearest.opened_ns}",
            contract_id=contract_id,
            evidence=Evidence(
                template="{symbol}: unrealised P&L {pnl:usd} is near the"
                f" {self._word} of {{limit:usd}}",
                figures={
                    "symbol": nearest.position.symbol,
                    "pnl": value,
                    "limit": self._limit_usd,
                    "at": now_ns,
                },
            ),
        )


def _valued(account: AccountState, pnl: PnlState) -> Iterable[_Valued]:
    """Yield what is open with its P&L, unknown where a fill in the contract is still due."""
    told = {each.contract_id: each for each in pnl.positions}
    opened = _opened(account)
    for position in account.positions:
        value = told.get(position.contract_id)
        unknown = value.unknown_reason if value is not None else "it has not been valued yet"
        if position.contract_id in account.awaited:
            unknown = f"{position.symbol}: fills have not come yet"
        is_known = value is not None and unknown is None and account.distrusted is None
        yield _Valued(
            position,
            opened[position.contract_id],
            value.unrealized_usd if value is not None and is_known else None,
            value.mark_price if value is not None else None,
            unknown,
        )


def _opened(account: AccountState) -> dict[str, int]:
    """Return when what is open in each contract was opened: by its fills where they are known."""
    opened = {position.contract_id: position.opened_ns for position in account.positions}
    return opened | {trade.contract_id: trade.opened_ns for trade in account.history.open}


def _still_open(state: BrokenTrades | None, account: AccountState) -> BrokenTrades | None:
    """Drop the trades that were closed, or ended in a reversal."""
    if state is None:
        return None
    trades = tuple(trade for trade in state.trades if _is_open(trade, account))
    return BrokenTrades(cause=state.cause, trades=trades) if trades else None


def _is_open(broken: BrokenTrade, account: AccountState) -> bool:
    for trade in account.history.open:
        if trade.contract_id == broken.contract_id:
            return trade.opened_ns == broken.opened_ns
    # Without its fills a position that is older than the breach is taken for the same.
    position = account.position_in(broken.contract_id)
    return position is not None and position.opened_ns <= broken.at_ns
