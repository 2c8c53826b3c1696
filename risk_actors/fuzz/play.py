"""Plays a day: lets time pass, carries out deeds, begins and ends faults, and has it all checked.

Time runs finely (a tick every 100 ms) while something happens and in growing strides while nothing
does, so that a day takes a fraction of a second. A stride ends early where an instant matters: a
deed, a fault's edge, the end of a lock, a reset, the market's open and close.
"""

import contextlib
from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal

from risk_actors.actors.picture import Picture
from risk_actors.fuzz import day as d
from risk_actors.fuzz import kinds as k
from risk_actors.fuzz.broker import MS, S
from risk_actors.fuzz.check import Checker
from risk_actors.fuzz.findings import Finding
from risk_actors.fuzz.stage import CHECKED_BY, HUBS, MARKET, BusyForeverError, Stage, instant_ns
from risk_actors.runtime.stepped import ActorFailedError
from risk_actors.simulator.records import Bracket, Order, OrderType, Quote, Side, Ticket
from risk_actors.simulator.refusals import RefusedError

TICK_NS = 100 * MS
FINE_FOR_NS = 700 * MS
"""So long after anything happened every tick comes: longer than the first pause before a retry."""
STRIDE_SHARE = 2
"""After that the next tick comes once it has been quiet for half as long again."""
LONGEST_STRIDE_NS = 600 * S
QUIET_AFTER_NS = 180 * S
"""After that accounts are read less often: nobody trades."""
QUOTE_AFTER_NS = 2 * S
MOVE_EVERY_NS = S // 2
HEAL_FOR_NS = 320 * S
"""After the day everything is well for so long: longer than the longest pause before a retry."""
RESTS_AFTER_NS = 5 * S
"""A guard that was started has come to rest after this long."""
_BAD_TICK_LASTS_NS = 300 * MS


class Player:
    """One day being played."""

    def __init__(self, day: d.Day) -> None:
        self._day = day
        self.stage = Stage(day)
        self.checker = Checker(self.stage)
        self._clock = self.stage.clock
        self._broker = self.stage.broker
        self._deeds = sorted(day.deeds, key=lambda deed: deed.at_s)
        self._edges = sorted(
            [(self._at_ns(f.begin_s), 0, i) for i, f in enumerate(day.faults)]
            + [(self._at_ns(f.end_s), 1, i) for i, f in enumerate(day.faults)]
        )
        self._instants = self._known_instants()
        self._stirred_ns = self._tick_ns = self._clock.now_ns()
        self._quoted_ns = self._ticked_ns = 0
        self._is_open = True
        self._strayed: set[str] = set()

    def run(self) -> list[Finding]:
        """Play the whole day and return what broke, first things first."""
        try:
            self._play()
            self._restart()
        except ActorFailedError as error:
            self.checker.found("actor", str(error))
        except BusyForeverError as error:
            self.checker.found("I6", str(error))
        return self.checker.findings

    def _play(self) -> None:
        """Play the day itself, until nothing goes on any more."""
        self._run_until(self._at_ns(self._day.length_s))
        self._heal()
        self.checker.end()
        self._let_paint()

    def _at_ns(self, at_s: float) -> int:
        return self._day.start_ns + int(at_s * S)

    def _heal(self) -> None:
        for fault in list(self._broker.on):
            self._end(fault)
        if self.stage.is_dead:
            self.checker.reborn()
            self.stage.start()
        self._stir()
        self.stage.read_accounts("the end")
        self._run_until(self._clock.now_ns() + HEAL_FOR_NS)
        self.stage.read_accounts("the end")
        self._run_until(self._clock.now_ns() + 3 * S)

    def _restart(self) -> None:
        """Kill the guard once more, when nothing goes on, and see whether it is as before."""
        if self.checker.is_over:
            return
        self.checker.begin_rebirth()
        self.stage.die()
        self.stage.start()
        self.stage.settle()
        self._rest()
        self.checker.end_rebirth(self._unbroken)

    def _rest(self, for_ns: int = RESTS_AFTER_NS) -> None:
        self._broker.repeat_quotes()
        self._stir()
        self._run_until(self._clock.now_ns() + for_ns)
        self._let_paint()

    def _let_paint(self) -> None:
        """Let one more tick come: a figure that changes with a tick is painted with the next."""
        self._run_until(self._clock.now_ns() + TICK_NS)

    def _unbroken(self) -> Picture:
        """Return what is shown by now without the restart: the same day is played again.

        By now is by the guard's clock, which a restart may leave a little ahead or behind.
        """
        other = Player(self._day)
        other._play()
        now_ns, from_ns = self.stage.guard_clock.now_ns(), other.stage.guard_clock.now_ns()
        other._rest(now_ns - from_ns - TICK_NS)
        return other.stage.frame.picture

    # --- time -------------------------------------------------------------------------------

    def _run_until(self, end_ns: int) -> None:
        clock, broker = self._clock, self._broker
        while clock.now_ns() < end_ns and not self.checker.is_over:
            due_ns = broker.next_due_ns()
            next_ns = min(
                self._tick_ns, end_ns, self._next_ns(), end_ns if due_ns is None else due_ns
            )
            clock.advance(max(next_ns - clock.now_ns(), 0))
            now_ns = clock.now_ns()
            if due_ns is not None and due_ns <= now_ns:
                broker.run_due()
                self.stage.settle()
                if self.checker.stirred():
                    self._stir()
            is_due = now_ns >= self._next_ns()
            if is_due and now_ns - self._ticked_ns > TICK_NS:
                # The stride ends here: the clock has ticked all along, and prices were told.
                self._tick(now_ns)
            self._take_edges(now_ns)
            self._take_deeds(now_ns)
            if now_ns >= self._tick_ns:
                self._tick(now_ns)
                self._tick_ns = now_ns + self._stride_ns(now_ns)

        self._tick(clock.now_ns())

    def _next_ns(self) -> int:
        far_ns = self._clock.now_ns() + LONGEST_STRIDE_NS
        deed_ns = self._at_ns(self._deeds[0].at_s) if self._deeds else far_ns
        return min(deed_ns, self._edges[0][0] if self._edges else far_ns)

    def _stir(self) -> None:
        """Look closely for a while: something happened."""
        self._stirred_ns = self._clock.now_ns()
        self._tick_ns = min(self._tick_ns, self._stirred_ns + TICK_NS)

    def _stride_ns(self, now_ns: int) -> int:
        quiet_ns = now_ns - self._stirred_ns
        if quiet_ns < FINE_FOR_NS:
            return TICK_NS
        stride_ns = min(quiet_ns // STRIDE_SHARE, LONGEST_STRIDE_NS)
        left_ns = self._next_instant_ns(now_ns) - now_ns
        return max(min(stride_ns, left_ns), TICK_NS)

    def _known_instants(self) -> list[int]:
        """Return the edges of the day's calendar, and instants at which rules are to look."""
        start_ns = self._day.start_ns
        day = CHECKED_BY.day(start_ns)
        found = {day.end_ns, CHECKED_BY.day(day.end_ns).end_ns}
        for minute in range(int(self._day.length_s // 60) + 2):
            at_ns = start_ns + minute * 60 * S
            if MARKET.is_open(None, at_ns) != MARKET.is_open(None, at_ns - 60 * S):
                found.add(at_ns)
        for news in self._day.news:
            found |= {self._at_ns(news.at_s + off_s) for off_s in (-300, -60, 0, 60, 600)}
        return sorted(found)

    def _next_instant_ns(self, now_ns: int) -> int:
        index = bisect_right(self._instants, now_ns)
        ahead = [self._instants[index]] if index < len(self._instants) else []
        for account in self.stage.frame.picture.accounts:
            for lock in account.locks:
                ends = (lock.until, lock.unlock.due if lock.unlock else None)
                ahead += [instant_ns(text) for text in ends if text]
        later = [at_ns for at_ns in ahead if at_ns > now_ns]
        return min(later, default=now_ns + LONGEST_STRIDE_NS)

    def _tick(self, now_ns: int) -> None:
        self._ticked_ns = now_ns
        is_open = MARKET.is_open(None, now_ns)
        if is_open != self._is_open:
            self._is_open = is_open
            self._set_halts()
            self._stir()
        if is_open and now_ns - self._quoted_ns >= QUOTE_AFTER_NS:
            self._quoted_ns = now_ns
            self._broker.repeat_quotes()
            self.stage.settle()
        self.stage.pulse(is_quiet=now_ns - self._stirred_ns > QUIET_AFTER_NS)
        self.checker.look()
        if self.checker.stirred():
            self._stir()

    def _set_halts(self) -> None:
        """Nothing trades while the market is closed, and what is halted does not either."""
        exchange = self._broker.exchange
        for symbol, contract_id in self.stage.contract_ids.items():
            halted = any(
                fault.kind == k.HALTED and fault.symbol in (None, symbol)
                for fault in self._broker.on
            )
            exchange.set_halted(contract_id, halted=halted or not self._is_open)

    # --- faults -----------------------------------------------------------------------------

    def _take_edges(self, now_ns: int) -> None:
        while self._edges and self._edges[0][0] <= now_ns:
            _, is_end, index = self._edges.pop(0)
            fault = self._day.faults[index]
            if is_end:
                self._end(fault)
            else:
                self._begin(fault)
            self.stage.settle()
            self._stir()

    def _begin(self, fault: d.Fault) -> None:
        self._broker.on.append(fault)
        self._apply(fault)

    def _end(self, fault: d.Fault) -> None:
        if fault in self._broker.on:
            self.checker.begins_or_ends()
            self._broker.on.remove(fault)
            self._apply(fault)

    def _apply(self, fault: d.Fault) -> None:
        """Bring the states about that the faults which are on ask for."""
        broker, now_ns = self._broker, self._clock.now_ns()
        is_on = broker.is_on(fault.kind)
        if fault.kind in HUBS:
            self.stage.connection_changed(HUBS[fault.kind], is_up=not is_on)
        elif fault.kind == k.HALTED:
            self._set_halts()
        elif fault.kind in (k.CANNOT_TRADE, k.BLOCKED):
            for account_id in broker.accounts:
                struck = any(
                    other.kind == fault.kind and other.account in (None, account_id)
                    for other in broker.on
                )
                if fault.kind == k.BLOCKED:
                    broker.exchange.set_blocked(account_id, blocked=struck)
                elif broker.exchange.account(account_id).can_trade is struck:
                    broker.exchange.set_can_trade(account_id, now_ns, can_trade=not struck)
            broker.publish()

    # --- deeds ------------------------------------------------------------------------------

    def _take_deeds(self, now_ns: int) -> None:
        while self._deeds and self._at_ns(self._deeds[0].at_s) <= now_ns:
            deed = self._deeds.pop(0)
            with contextlib.suppress(RefusedError):  # the trader is refused, as traders are
                self._carry_out(deed)
            self._broker.publish()
            self.stage.settle()
            self._stir()
            self.checker.look()

    def _carry_out(self, deed: d.Deed) -> None:
        match deed:
            case d.Move():
                self._move(deed)
            case d.BadTick():
                self._show_bad(deed)
            case d.Kill():
                self._kill(deed)
            case d.Fail():
                if not self.stage.is_dead:
                    self.stage.fail(deed.which)
                    self.checker.failed()
            case d.ClockSet():
                self.stage.set_pc_clock(deed.by_s)
            case d.Panic() | d.Unlock() | d.Withdraw():
                self._ask_guard(deed)
            case _:
                self._trade(deed)

    def _ask_guard(self, deed: d.Panic | d.Unlock | d.Withdraw) -> None:
        stage = self.stage
        if stage.is_dead:
            return
        if isinstance(deed, d.Panic):
            stage.inlet.panic(deed.account)
            return
        locks = stage.account(deed.account).locks
        if not locks:
            return
        if isinstance(deed, d.Unlock):
            stage.inlet.unlock(locks[0].id, deed.account, "I want to trade", None)
        else:
            stage.inlet.withdraw(locks[0].id)

    def _kill(self, deed: d.Kill) -> None:
        stage = self.stage
        if stage.is_dead:
            return
        stage.dies_after = deed.after_messages

        def revive() -> None:
            if not stage.is_dead:
                stage.die()
            self.checker.reborn()
            stage.start()
            stage.settle()
            self._stir()

        self._broker.later(int(deed.down_s * S), revive)

    # --- prices -----------------------------------------------------------------------------

    def _move(self, deed: d.Move) -> None:
        contract_id = self.stage.contract_ids[deed.symbol]
        steps = max(int(deed.over_s * S) // MOVE_EVERY_NS, 1)
        done = 0
        for step in range(1, steps + 1):
            part = deed.ticks * step // steps - done
            done += part
            self._broker.later(
                (step - 1) * MOVE_EVERY_NS, self._mover(contract_id, part, step == steps)
            )
        self._broker.run_due()

    def _mover(self, contract_id: str, ticks: int, is_last: bool) -> Callable[[], None]:
        def move() -> None:
            exchange = self._broker.exchange
            quote, tick = exchange.quotes[contract_id], exchange.contracts[contract_id].tick_size
            if not self._is_open or contract_id in exchange.halted:
                return
            by = max(ticks * tick, tick - quote.bid)
            moved = Quote(quote.bid + by, quote.ask + by, quote.bid + by)
            self._broker.set_price(contract_id, moved)
            if is_last:
                # Some quotes follow at the same level, as they do.
                self._broker.later(
                    200 * MS, lambda: self._broker.show_price(contract_id, self._true(contract_id))
                )
            self._broker.publish()
            self._stir()

        return move

    def _true(self, contract_id: str) -> Quote:
        return self._broker.exchange.quotes[contract_id]

    def _show_bad(self, deed: d.BadTick) -> None:
        contract_id = self.stage.contract_ids[deed.symbol]
        if not self._is_open:
            return
        bad = self._broker.bad_quote(contract_id, deed.kind, deed.ticks)
        self._broker.show_price(contract_id, bad)
        self._broker.later(
            _BAD_TICK_LASTS_NS,
            lambda: self._broker.show_price(contract_id, self._true(contract_id)),
        )

    # --- the trader -------------------------------------------------------------------------

    def _trade(self, deed: d.Deed) -> None:
        exchange, now_ns = self._broker.exchange, self._clock.now_ns()
        match deed:
            case d.Enter():
                exchange.place(self._ticket(deed), now_ns)
            case d.Exit():
                key = (deed.account, self.stage.contract_ids[deed.symbol])
                open_size = abs(exchange.signed_size(*key))
                size = None if deed.size is None else min(deed.size, open_size) or None
                exchange.close(*key, now_ns, size=size)
            case d.Reverse():
                key = (deed.account, self.stage.contract_ids[deed.symbol])
                size = exchange.signed_size(*key)
                if size:
                    side = Side.SELL if size > 0 else Side.BUY
                    exchange.place(
                        Ticket(
                            account_id=key[0], contract_id=key[1], side=side, size=2 * abs(size)
                        ),
                        now_ns,
                    )
            case d.Protect():
                self._protect(deed, now_ns)
            case d.Shift():
                for order in exchange.working_orders(deed.account):
                    with contextlib.suppress(RefusedError):
                        self._shift(order, deed.ticks, now_ns)
            case d.CancelAll():
                for order in exchange.working_orders(deed.account):
                    with contextlib.suppress(RefusedError):
                        exchange.cancel(deed.account, order.id, now_ns)

    def _ticket(self, deed: d.Enter) -> Ticket:
        exchange = self._broker.exchange
        contract_id = self.stage.contract_ids[deed.symbol]
        quote, tick = exchange.quotes[contract_id], exchange.contracts[contract_id].tick_size
        side = Side.BUY if deed.size > 0 else Side.SELL
        away = deed.away_ticks * tick * side.sign
        near = quote.bid if side is Side.BUY else quote.ask
        return Ticket(
            account_id=deed.account,
            contract_id=contract_id,
            side=side,
            size=abs(deed.size),
            type=_TYPES[deed.kind],
            limit_price=near - away if deed.kind == "limit" else None,
            stop_price=quote.ask + away if deed.kind == "stop" else None,
            stop_loss=_leg(deed.stop_ticks, -side.sign, OrderType.STOP),
            take_profit=_leg(deed.target_ticks, side.sign, OrderType.LIMIT),
        )

    def _protect(self, deed: d.Protect, now_ns: int) -> None:
        exchange = self._broker.exchange
        contract_id = self.stage.contract_ids[deed.symbol]
        size = exchange.signed_size(deed.account, contract_id)
        if not size:
            return
        side = Side.SELL if size > 0 else Side.BUY
        away = deed.ticks * exchange.contracts[contract_id].tick_size * side.sign
        exchange.place(
            Ticket(
                account_id=deed.account,
                contract_id=contract_id,
                side=side,
                size=abs(size),
                type=OrderType.STOP,
                stop_price=exchange.quotes[contract_id].last + away,
            ),
            now_ns,
        )

    def _shift(self, order: Order, ticks: int, now_ns: int) -> None:
        by = ticks * self._broker.exchange.contracts[order.contract_id].tick_size
        self._broker.exchange.modify(
            order.account_id,
            order.id,
            now_ns,
            limit_price=_plus(order.limit_price, by),
            stop_price=_plus(order.stop_price, by),
        )


_TYPES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT, "stop": OrderType.STOP}


def _leg(ticks: int | None, sign: int, kind: OrderType) -> Bracket | None:
    return None if ticks is None else Bracket(ticks=sign * ticks, type=kind)


def _plus(price: Decimal | None, by: Decimal) -> Decimal | None:
    return None if price is None else price + by
