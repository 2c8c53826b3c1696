"""Carries out what a scenario's steps say, on whatever exchange stands behind the guard."""

from decimal import Decimal
from typing import Protocol

import msgspec

from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.fault_desk import bind_market
from risk_actors.simulator.faults import CutHub, Faults
from risk_actors.simulator.gateway import SimulatedGateway
from risk_actors.simulator.records import Bracket, OrderStatus, OrderType, Quote, Side, Ticket
from risk_actors.simulator.refusals import Reason, RefusedError
from risk_actors.simulator.scenario import OrderTicket, Scenario, Step
from risk_actors.simulator.scenario_script import Deed, SetPrice, ShowPrice, as_decimal


class Venue(Protocol):
    """The broker's side of a run. Whoever calls publishes afterwards what was caused."""

    exchange: Exchange
    faults: Faults

    def now_ns(self) -> int:
        """Return nanoseconds UTC."""

    def contract_of(self, symbol: str) -> str:
        """Return the id of a symbol's front month."""

    def set_price(self, contract_id: str, quote: Quote) -> None:
        """Move a price, trade what it reaches, and send the quote."""

    def show_price(self, contract_id: str, quote: Quote) -> None:
        """Send a quote at which nothing trades."""

    def silence_quotes(self, *, silent: bool) -> None:
        """Stop or resume sending quotes."""

    def cut_hubs(self, hub: str) -> None:
        """Drop the sockets of `user`, `market` or both (`*`)."""


class GatewayVenue:
    """The simulated gateway; use it on the gateway's own loop."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self._gateway = gateway
        self.exchange = gateway.exchange
        self.faults = gateway.faults

    def now_ns(self) -> int:
        """Return nanoseconds UTC."""
        return self._gateway.clock()

    def contract_of(self, symbol: str) -> str:
        """Return the id of a symbol's front month."""
        return self._gateway.contract_ids[symbol]

    def set_price(self, contract_id: str, quote: Quote) -> None:
        """Move a price, trade what it reaches, and send the quote."""
        self._gateway.set_price(contract_id, quote)

    def show_price(self, contract_id: str, quote: Quote) -> None:
        """Send a quote at which nothing trades: the exchange takes it while it is halted."""
        was_halted = contract_id in self.exchange.halted
        self.exchange.set_halted(contract_id, halted=True)
        self._gateway.set_price(contract_id, quote)
        self.exchange.set_halted(contract_id, halted=was_halted)

    def silence_quotes(self, *, silent: bool) -> None:
        """Stop or resume sending quotes."""
        self._gateway.silence_quotes(silent=silent)

    def cut_hubs(self, hub: str) -> None:
        """Drop the sockets of `user`, `market` or both (`*`)."""
        self._gateway.cut_hubs(hub)


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker holds for one account."""

    sizes: dict[str, int]
    """Signed size by contract id."""
    order_ids: frozenset[int]
    """Orders that may still trade, suspended bracket legs included."""


def holdings_of(exchange: Exchange, account_id: int) -> Holdings:
    """Return what an account holds now."""
    return Holdings(
        sizes={
            contract_id: position.signed_size
            for (owner, contract_id), position in exchange.positions.items()
            if owner == account_id and position.signed_size
        },
        order_ids=frozenset(
            order.id
            for order in exchange.working_orders(account_id)
            if order.status is not OrderStatus.PENDING
        ),
    )


class Hands:
    """Does what the steps say, and remembers which order got which id."""

    def __init__(self, scenario: Scenario, venue: Venue) -> None:
        if not venue.faults.plays(CutHub):
            # No gateway: the faults that need none are carried out here, by the venue's own clock.
            venue.faults.clock = venue.now_ns
            venue.exchange.mishaps.faults = venue.faults
            bind_market(venue.faults, venue)
        self._scenario = scenario
        self._venue = venue
        self.order_ids: dict[str, int] = {}
        """Ids of the named orders."""

    def carry_out(self, deed: Deed) -> None:
        """Do one thing now.

        Raises:
            RefusedError: the exchange refuses an order of the trader.
        """
        venue = self._venue
        match deed:
            case SetPrice():
                venue.set_price(venue.contract_of(deed.symbol), deed.quote)
            case ShowPrice():
                venue.show_price(venue.contract_of(deed.symbol), deed.quote)
            case Step():
                account_id = self._scenario.account_named(deed.account).id
                self._disturb(deed)
                self._change_account(deed, account_id)
                self._trade(deed, account_id)

    def _disturb(self, step: Step) -> None:
        venue = self._venue
        if step.quotes is not None:
            venue.silence_quotes(silent=not step.quotes)
        for symbol, halted in step.halt.items():
            venue.exchange.set_halted(venue.contract_of(symbol), halted=halted)
        if step.clear_faults:
            venue.faults.clear()
        for fault in step.all_faults:
            venue.faults.inject(fault)
        for target, count in step.lose_events.items():
            venue.faults.drop_events(target, count)
        if step.cut_hubs is not None:
            venue.cut_hubs(step.cut_hubs)

    def _change_account(self, step: Step, account_id: int) -> None:
        exchange, now_ns = self._venue.exchange, self._venue.now_ns()
        account = exchange.account(account_id)
        if step.blocked is not None:
            exchange.set_blocked(account_id, blocked=step.blocked)
        if step.pay_out_usd is not None:
            account.balance_usd -= as_decimal(step.pay_out_usd)
        if step.can_trade is not None or step.pay_out_usd is not None:
            # The one call that tells of the account; it may leave the permission as it is.
            can_trade = account.can_trade if step.can_trade is None else step.can_trade
            exchange.set_can_trade(account_id, now_ns, can_trade=can_trade)

    def _trade(self, step: Step, account_id: int) -> None:
        venue, now_ns = self._venue, self._venue.now_ns()
        if step.cancel is not None:
            venue.exchange.cancel(account_id, self._order_id(step.cancel), now_ns)
        if step.modify is not None:
            venue.exchange.modify(
                account_id,
                self._order_id(step.modify.order),
                now_ns,
                size=step.modify.size,
                limit_price=_level(step.modify.limit),
                stop_price=_level(step.modify.stop),
            )
        if step.close is not None:
            contract_id = venue.contract_of(step.close.symbol)
            venue.exchange.close(account_id, contract_id, now_ns, size=step.close.size)
        for side, wanted in ((Side.BUY, step.buy), (Side.SELL, step.sell)):
            if wanted is not None:
                self._place(wanted, side, account_id, now_ns)

    def _order_id(self, name: str) -> int:
        if name not in self.order_ids:
            raise RefusedError(Reason.ORDER_NOT_FOUND, f"the order `{name}` was never placed")
        return self.order_ids[name]

    def _place(self, wanted: OrderTicket, side: Side, account_id: int, now_ns: int) -> None:
        exchange = self._venue.exchange
        stop_ticks, target_ticks = wanted.stop_loss_ticks, wanted.take_profit_ticks
        order = exchange.place(
            Ticket(
                account_id=account_id,
                contract_id=self._venue.contract_of(wanted.symbol),
                side=side,
                size=wanted.size,
                type=_type_of(wanted),
                limit_price=_level(wanted.limit),
                stop_price=_level(wanted.stop),
                trail_price=_level(wanted.trail),
                stop_loss=_leg(stop_ticks, -side.sign, OrderType.STOP),
                take_profit=_leg(target_ticks, side.sign, OrderType.LIMIT),
            ),
            now_ns,
        )
        if wanted.name is None:
            return
        self.order_ids[wanted.name] = order.id
        for leg in exchange.orders.values():
            if leg.parent_id == order.id:
                part = "target" if leg.type is OrderType.LIMIT else "stop"
                self.order_ids[f"{wanted.name}.{part}"] = leg.id


def _level(price: float | None) -> Decimal | None:
    return None if price is None else as_decimal(price)


def _leg(ticks: int | None, sign: int, kind: OrderType) -> Bracket | None:
    return None if ticks is None else Bracket(ticks=ticks * sign, type=kind)


def _type_of(wanted: OrderTicket) -> OrderType:
    if wanted.trail is not None:
        return OrderType.TRAILING_STOP
    match wanted.limit is not None, wanted.stop is not None:
        case True, True:
            return OrderType.STOP_LIMIT
        case True, False:
            return OrderType.LIMIT
        case False, True:
            return OrderType.STOP
    return OrderType.MARKET
