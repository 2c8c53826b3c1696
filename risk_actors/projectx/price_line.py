"""The lean reader of the market hub, on a thread of its own.

The SDK's hub needs several times as long for a quote as there is to do with it, and quotes are by
far the most that is read. Here an event goes from its bytes to the actors' mailboxes on the spot,
where of each contract the newest counts. The gateway's loop, which has other things to do, hears of
prices some times a second only.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from risk_actors.core.broker import Quote
from risk_actors.messages import Message, PayloadRejected, QuoteReported
from risk_actors.projectx import lean_frames as frames
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.lean_hub import LeanHub
from risk_actors.projectx.lean_quotes import quote_in
from risk_actors.projectx.lean_thread import LeanThread
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.quotes import QuoteMerger
from risk_actors.projectx.subscriptions import ContractSubscriptions, Invocation
from risk_actors.runtime.right_of_way import CourteousSelector, Courtesy

THREAD = "gateway prices"
LOGGED_OUT = "the broker ended the session"
PASSED_ON_EVERY_S = 0.1
"""How soon after a quote the gateway's loop hears of it, with all that came since."""


class PriceListener(NamedTuple):
    """Who hears of the price line; each is called on the gateway's loop, but for `emit`."""

    emit: Callable[[Message], None]
    """Takes every message; called on the line's thread."""
    heard: Callable[[Quote], None]
    """A contract's newest quote."""
    changed: Callable[[bool, str | None], None]
    """The line is up, or down and why."""
    refused: Callable[[frozenset[str]], None]
    """The contracts of which the broker refuses to send it something with this connection."""
    token_doubt: Callable[[], None]
    """The broker may want a new token."""
    fault: Callable[[str], None]
    """The line itself failed, and begins anew."""


class PriceLine:
    """Reads the market hub. Make and use it on the gateway's loop, where not said."""

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        clock: Clock,
        ids: CorrelationIds,
        listener: PriceListener,
        may_rest: Callable[[], bool],
    ) -> None:
        """Take where to read and who hears of it.

        Args:
            url: the market hub's address.
            token: gives the session's present token; called on this line's thread.
            clock: the present.
            ids: gives each message its id.
            listener: hears of it.
            may_rest: tells whether the SDK's hub is up; called on this line's thread.
        """
        self._url = url
        self._token = token
        self._clock = clock
        self._ids = ids
        self._listener = listener
        self._may_rest = may_rest
        self.thread = LeanThread(THREAD, partial(CourteousSelector, head_start_s=0.0))
        """Where it is read, and told what to do."""
        self._subscriptions = ContractSubscriptions()
        self._quotes = QuoteMerger()
        self._tells = False
        """Whether it is this line that tells. Both tell for no moment: one bad quote, told by two,
        would be its own second witness."""
        self._refused: frozenset[str] = frozenset()
        """The contracts that another line has to tell."""
        self._give_way = Courtesy()
        self._news: dict[str, Quote] = {}
        """By contract, what the gateway's loop is to hear."""
        self.told = 0
        """Quotes told so far; for any thread to read."""
        self.told_ns: int | None = None
        """When the last one was; for any thread to read."""

    def start(self) -> None:
        """Start its thread, which connects."""
        self.thread.start(self._make_hub, self._listener.fault)

    def want(self, contract_id: str) -> None:
        """Have a contract's quotes and trades sent."""
        if self._subscriptions.want(contract_id):
            self.thread.call(LeanHub.subscribe_more)

    def known(self, contract_id: str) -> Quote | None:
        """Return the latest quote of a contract; None where none came with this connection."""
        return self._quotes.latest_of(contract_id)

    def take_over(self, told: Mapping[str, Quote]) -> None:
        """Tell prices from now on, and of those that came before it was this line's turn the news.

        Args:
            told: by contract, the last quote of the line that told until now and is silent.
        """
        self.thread.call(partial(self._take_over, told))

    def _take_over(self, told: Mapping[str, Quote], hub: LeanHub) -> None:
        if hub.is_up and not self._tells:
            self.begin_to_tell(told)

    def begin_to_tell(self, told: Mapping[str, Quote]) -> None:
        """As `take_over`; called on the line's thread."""
        self._tells = True
        now_ns = self._clock.now_ns()
        for quote in self._quotes.latest():
            if not _is_told(quote, told.get(quote.contract_id)):
                self._tell_price(quote, now_ns)

    def repeat(self) -> None:
        """Tell the last quote of every contract again, as old as it is, if it is what tells."""
        self.thread.call(lambda _hub: self._repeat())

    def _repeat(self) -> None:
        for quote in self._quotes.latest() if self._tells else ():
            if quote.contract_id not in self._refused:
                self._emit(quote, self._clock.now_ns())

    def _make_hub(self) -> LeanHub:
        return LeanHub(
            self._url,
            self._token,
            self._subscriptions,
            self.hear,
            self._opening,
            self._changed,
            lambda: self._tell(self._listener.token_doubt),
            self._may_rest,
            # One contract that cannot be had must not cost the prices of the others.
            needs_all=False,
            on_refused=self._note_refused,
        )

    def _opening(self) -> None:
        self._quotes.forget()
        self._set_refused(frozenset())

    def _note_refused(self, invocation: Invocation) -> None:
        _, contract_ids = invocation
        self._set_refused(self._refused | {str(each) for each in contract_ids})

    def _set_refused(self, contract_ids: frozenset[str]) -> None:
        if contract_ids != self._refused:
            self._refused = contract_ids
            self._tell(partial(self._listener.refused, contract_ids))

    def _changed(self, up: bool, detail: str | None) -> None:
        if not up:
            self._tells = False
            self._quotes.forget()
        self._tell(partial(self._listener.changed, up, detail))

    def hear(self, event: frames.Invoked | frames.Unread) -> None:
        """Take what the hub told; called on the line's thread."""
        if self.thread.is_over:
            return
        # Many events may come in one piece.
        self._give_way()
        if isinstance(event, frames.Unread):
            self._reject(PayloadError("GatewayMarketHub", event.detail, event.payload_excerpt))
            return
        now_ns = self._clock.now_ns()
        try:
            quote = quote_in(event.target, event.arguments, self._quotes, now_ns)
        except PayloadError as error:
            self._reject(error)
            return
        if quote is not None:
            if self._tells:
                self._tell_price(quote, now_ns)
        elif event.target == "GatewayLogout":
            self._tell(self._listener.token_doubt)
            self.thread.kick(LOGGED_OUT)

    def _tell_price(self, quote: Quote, now_ns: int) -> None:
        if quote.contract_id in self._refused:
            return
        self._emit(quote, now_ns)
        self.told, self.told_ns = self.told + 1, now_ns
        if not self._news:
            asyncio.get_running_loop().call_later(PASSED_ON_EVERY_S, self._pass_on)
        self._news[quote.contract_id] = quote

    def _emit(self, quote: Quote, now_ns: int) -> None:
        message = QuoteReported(correlation_id=self._ids.next(), at_ns=now_ns, quote=quote)
        self._listener.emit(message)

    def _reject(self, error: PayloadError) -> None:
        self._listener.emit(
            PayloadRejected(
                correlation_id=self._ids.next(),
                at_ns=self._clock.now_ns(),
                source=error.source,
                detail=error.detail,
                payload=error.payload_excerpt,
            )
        )

    def _pass_on(self) -> None:
        news, self._news = self._news, {}
        self.thread.tell_home([partial(self._listener.heard, quote) for quote in news.values()])

    def _tell(self, function: Callable[[], None]) -> None:
        self.thread.tell_home([function])


def _is_told(quote: Quote, told: Quote | None) -> bool:
    """Tell whether another line has told all that is known here; a side may not have come yet."""
    return told is not None and all(
        here is None or here == there
        for here, there in (
            (quote.bid, told.bid),
            (quote.ask, told.ask),
            (quote.last, told.last),
        )
    )
