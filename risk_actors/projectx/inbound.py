"""From hub callbacks to messages: decode, emit, and nothing else on the way.

Registered on the SDK's hub objects directly rather than as the SDK's own callbacks: those drop
every argument after the first, give quotes latest-wins (which loses the last price of partial
ones), and hide the broker's `GatewayLogout`. An exception in here would end the hub, so none
leaves.
"""

from collections.abc import Callable, Collection
from typing import Any

from loguru import logger

from risk_actors.core.broker import Account, OrderStatus, Quote
from risk_actors.messages import Message, PayloadRejected, QuoteReported
from risk_actors.projectx import translation
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.lines import Line
from risk_actors.projectx.lines_gate import DISAGREE, BrokerRow, LineGate
from risk_actors.projectx.ports import Clock, Emit
from risk_actors.projectx.quotes import QuoteMerger, market_arguments
from risk_actors.runtime.right_of_way import Courtesy

type OnDoubt = Callable[[int | None, str, str], None]
"""Account (None for all), reason, correlation id: something was not understood, so read again."""


class Inbound:
    """Turns hub events into messages for the guarded accounts."""

    def __init__(
        self,
        account_ids: frozenset[int],
        clock: Clock,
        ids: CorrelationIds,
        emit: Emit,
        on_contract: Callable[[str], None],
        on_doubt: OnDoubt,
        on_logout: Callable[[str], None],
        on_stranger: Callable[[Account], None] = lambda _account: None,
        *,
        on_heard: Callable[[Message], None] = lambda _message: None,
        gate: LineGate | None = None,
        on_told: Callable[[Message], None] = lambda _message: None,
    ) -> None:
        """Take where things go.

        Args:
            account_ids: the accounts whose events count.
            clock: the present.
            ids: gives each message its id.
            emit: takes every message.
            on_contract: hears of contracts that an account has to do with.
            on_doubt: is told what was not understood, so that the account is read again.
            on_logout: is told which hub's session the broker has ended.
            on_stranger: is told of accounts that are not guarded.
            on_heard: hears what the streams themselves told, after it was emitted.
            gate: emits the rows that the second line has not told before; its own without one.
            on_told: hears what the gate has emitted for this line.
        """
        self._account_ids = account_ids
        self._clock = clock
        self._ids = ids
        self._emit = emit
        self._on_contract = on_contract
        self._on_doubt = on_doubt
        self._on_logout = on_logout
        self._on_stranger = on_stranger
        self._on_heard = on_heard
        self._gate = gate or LineGate(clock, ids, emit)
        self._on_told = on_told
        self._quotes = QuoteMerger()
        self.tells_only: tuple[str, ...] | None = None
        """The contracts whose prices the SDK's market hub is to tell; None for all."""
        self.quotes_told = 0
        """What the market hub told of prices so far; for any thread to read."""
        self.quoted_ns: int | None = None
        """When it last did."""
        self._give_way = Courtesy()

    def attach_user(self, hub: Any, is_present: Callable[[], bool]) -> None:
        """Register for everything on a user hub object of the SDK (before it is started).

        Events count while the hub object is the one in use.
        """
        for event, handle in (
            ("GatewayUserAccount", self._account),
            ("GatewayUserPosition", self._position),
            ("GatewayUserOrder", self._order),
            ("GatewayUserTrade", self._fill),
            ("GatewayLogout", lambda *_: self._on_logout("user")),
        ):
            hub.on(event, self._guard(handle, is_present, self._keep_on))

    def attach_market(self, hub: Any, is_present: Callable[[], bool]) -> None:
        """Register for everything on a market hub object of the SDK (before it is started)."""
        for event, handle in (
            ("GatewayQuote", self._quote),
            ("GatewayTrade", self._market_trade),
            ("GatewayLogout", lambda *_: self._on_logout("market")),
        ):
            hub.on(event, self._guard(handle, is_present, self._give_way))

    def forget_quotes(self, but: Collection[str] = ()) -> None:
        """Drop half-known quotes, as after a gap in the market hub's stream.

        Args:
            but: the contracts whose stream has no gap.
        """
        self._quotes.forget(but)

    def known_quotes(self) -> tuple[Quote, ...]:
        """Return the latest quote of every contract since there was a gap."""
        return self._quotes.latest()

    def repeat_quotes(self) -> None:
        """Tell the last quote of every contract again, as old as it is."""
        for quote in self.known_quotes():
            if self._is_told(quote):
                self.tell_quote(quote)

    def known_quote(self, contract_id: str) -> Quote | None:
        """Return the latest quote of a contract; None where none came with this connection."""
        return self._quotes.latest_of(contract_id)

    def tell_quote(self, quote: Quote) -> None:
        """Tell a price that no hub has told just now."""
        self._emit(
            QuoteReported(correlation_id=self._ids.next(), at_ns=self._clock.now_ns(), quote=quote)
        )

    def mention(self, contract_id: str) -> None:
        """Take note of a contract that an account has to do with."""
        self._on_contract(contract_id)

    def reject(self, error: PayloadError, correlation_id: str | None = None) -> None:
        """Report a payload that made no sense."""
        self._emit(
            PayloadRejected(
                correlation_id=correlation_id or self._ids.next(),
                at_ns=self._clock.now_ns(),
                source=error.source,
                detail=error.detail,
                payload=error.payload_excerpt,
            )
        )

    @staticmethod
    def _keep_on() -> None:
        """Give way to nobody.

        What an account's fill breaks is closed when its position is known, which the next event
        tells.
        """

    def _guard(
        self,
        handle: Callable[..., None],
        is_present: Callable[[], bool],
        give_way: Callable[[], None],
    ) -> Callable[..., None]:
        def guarded(*arguments: Any) -> None:
            if not is_present():
                return
            # Many events may come in one piece.
            give_way()
            try:
                try:
                    handle(*arguments)
                except PayloadError as error:
                    self._rejected(error)
            except Exception:  # noqa: BLE001 -- leaving this function would end the hub's task
                logger.exception("A hub event could not be handled")

        return guarded

    def _rejected(self, error: PayloadError) -> None:
        if not error.source.startswith("GatewayUser"):
            self.reject(error)
            return
        rejected = self._gate.reject(Line.A, error)
        if rejected is not None:
            self._on_told(rejected)
            reason = f"{error.source} not understood"
            self._on_doubt(None, reason, rejected.correlation_id)

    def _each(self, source: str, arguments: tuple[Any, ...], handle: Callable[[Any], None]) -> None:
        """Handle every row in an event; one that makes no sense does not cost the others."""
        for argument in arguments:
            for row in translation.event_rows(source, argument):
                try:
                    handle(row)
                except PayloadError as error:
                    self._rejected(error)

    def _account(self, *arguments: Any) -> None:
        def handle(row: Any) -> None:
            account = translation.account_from(row, "GatewayUserAccount")
            if account.id in self._account_ids:
                self._report(account.id, account)
            else:
                self._on_stranger(account)

        self._each("GatewayUserAccount", arguments, handle)

    def _position(self, *arguments: Any) -> None:
        def handle(row: Any) -> None:
            position = translation.position_from(row, "GatewayUserPosition")
            if position.account_id in self._account_ids:
                self._report(position.account_id, position)
                self._on_contract(position.contract_id)

        self._each("GatewayUserPosition", arguments, handle)

    def _order(self, *arguments: Any) -> None:
        def handle(row: Any) -> None:
            order = translation.order_from(row, "GatewayUserOrder")
            if order.account_id not in self._account_ids:
                return
            message = self._report(order.account_id, order)
            self._on_contract(order.contract_id)
            if message is not None and order.status is OrderStatus.NONE:
                # NONE does not count as working, so what it really is must be read.
                self._on_doubt(order.account_id, "order status unknown", message.correlation_id)

        self._each("GatewayUserOrder", arguments, handle)

    def _fill(self, *arguments: Any) -> None:
        def handle(row: Any) -> None:
            fill = translation.fill_from(row, "GatewayUserTrade")
            if fill.account_id in self._account_ids:
                self._report(fill.account_id, fill)
                self._on_contract(fill.contract_id)

        self._each("GatewayUserTrade", arguments, handle)

    def _quote(self, *arguments: Any) -> None:
        if self.tells_only == ():
            return
        contract_id, payload = market_arguments(arguments)
        now_ns = self._clock.now_ns()
        self._tell_market(self._quotes.update(contract_id, payload, now_ns))

    def _market_trade(self, *arguments: Any) -> None:
        if self.tells_only == ():
            return
        contract_id, payload = market_arguments(arguments)
        now_ns = self._clock.now_ns()
        self._tell_market(self._quotes.trade(contract_id, payload, now_ns))

    def _is_told(self, quote: Quote) -> bool:
        return self.tells_only is None or quote.contract_id in self.tells_only

    def _report(self, account_id: int, row: BrokerRow) -> Message | None:
        """Tell a row of the user hub; None where the second line has told it before."""
        message, verdict = self._gate.tell(Line.A, row)
        if message is not None:
            self._on_told(message)
            self._on_heard(message)
        if verdict.is_doubtful:
            self._on_doubt(account_id, DISAGREE, "" if message is None else message.correlation_id)
        return message

    def _tell_market(self, quote: Quote) -> None:
        if not self._is_told(quote):
            return
        now_ns = self._clock.now_ns()
        message = QuoteReported(correlation_id=self._ids.next(), at_ns=now_ns, quote=quote)
        self._emit(message)
        self.quotes_told, self.quoted_ns = self.quotes_told + 1, now_ns
        self._on_heard(message)
