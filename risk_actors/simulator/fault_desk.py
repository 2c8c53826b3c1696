"""Carries out the faults that are states or happen at once.

`bind_market` needs only what every broker's side has, on a virtual clock too; the gateway binds
the rest, which are about sockets, tokens and the stream.
"""

from collections.abc import Callable
from typing import Any, Protocol

from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.faults import (
    BlockAccount,
    CloseHub,
    CutHub,
    DeafHub,
    ExpireTokens,
    Faults,
    FreezeHub,
    Halt,
    HoldEvent,
    HubDown,
    LogOutHub,
    PriceGap,
    ReleaseEvents,
    ReorderEvent,
    ShortTokens,
    SilenceQuotes,
    StopTrading,
    is_named,
)
from risk_actors.simulator.faults_hub import CLOSED_WITH_ERROR
from risk_actors.simulator.hub import Hub
from risk_actors.simulator.records import Quote
from risk_actors.simulator.tokens import TokenMint


class Market(Protocol):
    """A broker's side, over sockets or in memory."""

    exchange: Exchange

    def now_ns(self) -> int:
        """Return nanoseconds UTC."""

    def contract_of(self, symbol: str) -> str:
        """Return the id of a symbol's front month."""

    def set_price(self, contract_id: str, quote: Quote) -> None:
        """Move a price, trade what it reaches, and send the quote."""

    def silence_quotes(self, *, silent: bool) -> None:
        """Stop or resume sending quotes."""

    def cut_hubs(self, hub: str) -> None:
        """Drop the sockets of `user`, `market` or both (`*`)."""


def bind_market(faults: Faults, market: Market) -> None:
    """Have a broker's side carry out what is not about sockets."""
    _bind_accounts(faults, market)
    exchange = market.exchange

    def halt(fault: Halt) -> None:
        exchange.set_halted(market.contract_of(fault.symbol), halted=True)

    def resume(fault: Halt) -> None:
        if not any(other.symbol == fault.symbol for other in faults.active(Halt)):
            exchange.set_halted(market.contract_of(fault.symbol), halted=False)

    def gap(fault: PriceGap) -> None:
        contract = exchange.contracts[market.contract_of(fault.symbol)]
        quote = exchange.quotes[contract.contract_id]
        way = max(fault.ticks * contract.tick_size, contract.tick_size - min(quote.bid, quote.last))
        moved = Quote(quote.bid + way, quote.ask + way, quote.last + way)
        market.set_price(contract.contract_id, moved)

    faults.bind(Halt, halt, resume)
    faults.bind(PriceGap, gap)
    faults.bind(
        SilenceQuotes,
        lambda _: market.silence_quotes(silent=True),
        lambda _: market.silence_quotes(silent=bool(faults.active(SilenceQuotes))),
    )
    faults.bind(CutHub, lambda fault: market.cut_hubs(fault.hub))


def _bind_accounts(faults: Faults, market: Market) -> None:
    exchange = market.exchange

    def block(fault: BlockAccount) -> None:
        exchange.set_blocked(fault.account_id, blocked=True)

    def unblock(fault: BlockAccount) -> None:
        if not any(o.account_id == fault.account_id for o in faults.active(BlockAccount)):
            exchange.set_blocked(fault.account_id, blocked=False)

    def stop(fault: StopTrading) -> None:
        exchange.set_can_trade(fault.account_id, market.now_ns(), can_trade=False)

    def allow(fault: StopTrading) -> None:
        if not any(o.account_id == fault.account_id for o in faults.active(StopTrading)):
            exchange.set_can_trade(fault.account_id, market.now_ns(), can_trade=True)

    faults.bind(BlockAccount, block, unblock)
    faults.bind(StopTrading, stop, allow)


def bind_tokens(faults: Faults, hubs: tuple[Hub, ...], mint: TokenMint, lifetime_s: float) -> None:
    """Have sessions end and tokens be short; `lifetime_s` is what tokens live without a fault."""

    def expire(fault: ExpireTokens) -> None:
        mint.expire_all()
        for hub in hubs:
            if fault.hubs == "cut":
                hub.cut()
            elif fault.hubs == "close":
                hub.close(CLOSED_WITH_ERROR)

    def set_lifetime(_: ShortTokens) -> None:
        short = faults.active(ShortTokens)
        mint.lifetime_s = short[-1].lifetime_s if short else lifetime_s

    faults.bind(ExpireTokens, expire)
    faults.bind(ShortTokens, set_lifetime, set_lifetime)


def bind_hubs(faults: Faults, hubs: tuple[Hub, ...]) -> None:
    """Have the hubs carry out what is about their sockets."""

    def each(act: Callable[[Hub, Any], None]) -> Callable[[Any], None]:
        def at_each(fault: Any) -> None:
            for hub in hubs:
                if is_named(fault.hub, hub.name):
                    act(hub, fault)

        return at_each

    faults.bind(CloseHub, each(lambda hub, fault: hub.close(fault.error or None)))
    faults.bind(LogOutHub, each(lambda hub, _fault: hub.log_out()))
    faults.bind(HubDown, each(lambda hub, _fault: hub.cut()))
    faults.bind(
        DeafHub,
        each(lambda hub, fault: hub.deafen(fault)),
        each(lambda hub, fault: hub.deafen(fault, ends=True)),
    )
    faults.bind(
        FreezeHub,
        each(lambda hub, fault: hub.freeze(fault)),
        each(lambda hub, fault: hub.freeze(fault, ends=True)),
    )


def bind_stream(faults: Faults, hubs: tuple[Hub, ...]) -> None:
    """Have events that were held back sent again."""

    def release(fault: HoldEvent | ReleaseEvents) -> None:
        for hub in hubs:
            hub.stream.release(fault.target)

    def let_pass(fault: ReorderEvent) -> None:
        for hub in hubs:
            hub.stream.let_pass_now(fault.target)

    def release_all() -> None:
        for hub in hubs:
            hub.stream.release_all()

    faults.bind(ReleaseEvents, release)
    faults.bind(HoldEvent, end=release)
    faults.bind(ReorderEvent, end=let_pass)
    faults.when_cleared(release_all)
