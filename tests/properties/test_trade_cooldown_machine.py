"""Rule 008 against a model that lays out every cooldown anew."""

from fractions import Fraction

from properties.habit_machine import Expected, HabitMachine, S
from properties.naive_history import NaiveHistory, NaiveTrade, cents

from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Breached, Ok, Unknown


class CooldownMachine(HabitMachine):
    """Every closed trade has a cooldown, if only of no time at all."""

    kind = "trade_cooldown"
    settings = (
        {"seconds": 30},
        {"seconds": 10, "after": "loss"},
        {"tiers": [{"loss_usd": 100, "seconds": 60}, {"loss_usd": 300, "seconds": 600}]},
        {"seconds": 60, "tiers": [{"loss_usd": 100, "seconds": 30}]},
        {"seconds": 10, "after": "loss", "tiers": [{"loss_usd": 300, "seconds": 60}]},
    )

    def length_ns(self, net: Fraction | None) -> int:
        lengths = [self.chosen.get("seconds", 0)]
        tiers = self.chosen.get("tiers", [])
        if net is None and not self.needs_net:
            return self.chosen["seconds"] * S
        if net is None:
            return max([*lengths, *(tier["seconds"] for tier in tiers)]) * S
        reached = [tier for tier in tiers if -cents(net) >= tier["loss_usd"] * 100]
        if reached:
            return max(reached, key=lambda tier: tier["loss_usd"])["seconds"] * S
        if "after" in self.chosen and cents(net) >= 0:
            return 0
        return self.chosen.get("seconds", 0) * S

    @property
    def needs_net(self) -> bool:
        return "after" in self.chosen or "tiers" in self.chosen

    def expected(self, history: NaiveHistory, day: Window) -> Expected:
        ended = [(trade, trade.ended) for trade in history.ended_trades if trade.ended]
        known = [
            (ended_at[0], ended_at[0] + self.length_ns(trade.net), ended_at)
            for trade, ended_at in ended
            if trade.net is not None or not self.needs_net
        ]
        active = [cooldown for cooldown in known if cooldown[1] > self.now_ns]
        if not active:
            unsure = [
                ended_at[0] + self.length_ns(None) > self.now_ns
                for trade, ended_at in ended
                if trade.net is None and self.needs_net
            ]
            return Expected(Unknown if any(unsure) else Ok)
        _, until_ns, named = max(active, key=lambda each: (each[1], each[2]))
        since_ns = min(begin for begin, end, _ in known if end > named[0])
        return Expected(
            Breached,
            key=(named, until_ns, self.newest_since(history, since_ns)),
            until_ns=until_ns,
            targets=frozenset(self.targets(history, since_ns)),
        )

    def newest_since(self, history: NaiveHistory, since_ns: int) -> tuple[int, int]:
        entered = [entry.made for entry in history.counted_entries if entry.made[0] >= since_ns]
        begun = [
            trade.begun
            for trade in history.counted_trades
            if trade.ended is None and trade.begun[0] >= since_ns
        ]
        return max(entered + begun, default=(0, 0))

    def targets(self, history: NaiveHistory, since_ns: int) -> list[tuple[str, int]]:
        orders = {e.order for e in history.counted_entries if e.made[0] >= since_ns}
        found: list[tuple[str, int]] = []
        for trade in history.counted_trades:
            if trade.ended is None and trade.begun[0] >= since_ns:
                found.append((trade.contract, 0))
            elif trade.ended is None and self.has_any(trade, orders):
                found.append((trade.contract, trade.left_without(orders)))
        return found

    def has_any(self, trade: NaiveTrade, orders: set[int]) -> bool:
        return any(order in orders for order, _ in trade.moves)


TestTradeCooldown = CooldownMachine.TestCase
