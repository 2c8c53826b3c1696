"""More than can be done at once: one account's flood, or one slow rule, costs the others little."""

import threading
from decimal import Decimal
from typing import Any

import pytest

from risk_actors import messages as m
from risk_actors.core.rules.daily_loss_limit import DailyLossLimit
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.stepped import SteppedScheduler
from risk_actors.runtime.topology import MailboxStats
from tests.actors.facts import connected, fill, order, position, say, snapshot
from tests.app.test_system import ACCOUNTS, Edge, daily_loss, live, max_contracts
from tests.conftest import MS, eventually

FLOOD = 1000


class Flooded(Edge):
    """Two accounts, served in the order of the crew; the first one's orders come in a flood."""

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        super().__init__()
        self.clock = clock
        self.made = self.system(max_contracts(2), daily_loss())
        self.scheduler = SteppedScheduler(clock, seed, is_ranked=True)
        self.scheduler.start(self.made.specs)
        self.made.inbound.send(connected())
        for account_id in ACCOUNTS:
            clock.advance(1 * MS)
            asked_ns = clock.now_ns()
            self.made.inbound.send(snapshot(account_id=account_id, asked_ns=asked_ns))
            self.scheduler.run_until_idle()
        for number in range(FLOOD):
            size = 1 + number % 3
            flood = order(5_000_000 + number % 8, size, limit_price=Decimal(19_000 + number))
            self.made.inbound.send(say(m.OrderReported, f"order-{number}", order=flood))

    def steps(self, count: int) -> None:
        """Let so many messages be handled; there are more."""
        with pytest.raises(RuntimeError, match="not idle"):
            self.scheduler.run_until_idle(count)

    def waiting(self) -> dict[str, int]:
        return {spec.address: spec.mailbox.depth for spec in self.made.specs}


@pytest.mark.parametrize("seed", range(3))
def test_a_flood_of_one_account_holds_up_neither_another_account_nor_time(
    clock: VirtualClock, seed: int
) -> None:
    """I3, I7: the flood is kept with its account; all rules are there for the other."""
    world = Flooded(clock, seed)
    world.steps(500)

    world.made.timer_mailbox.deliver(Pulse())
    world.made.inbound.send(say(m.FillReported, "fill-7", fill=fill(7, 5, 2)))
    world.made.inbound.send(
        say(m.PositionReported, "fill-7", position=position(5, account_id=2)),
    )
    world.steps(400)

    assert [c.account_id for c in world.session.commands] == [2]
    waiting = world.waiting()
    assert waiting["position:1"] > FLOOD // 2
    assert waiting["timer"] == 0
    assert max(depth for address, depth in waiting.items() if address.startswith("rule:")) <= 30
    assert waiting["pnl"] <= 30
    world.scheduler.run_until_idle()
    assert set(world.waiting().values()) == {0}


def test_a_rule_that_is_slow_goes_aside_and_the_others_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluate, pause = DailyLossLimit.evaluate, threading.Event()

    def slowly(rule: DailyLossLimit, *arguments: Any) -> Any:
        pause.wait(0.03)
        return evaluate(rule, *arguments)

    monkeypatch.setattr(DailyLossLimit, "evaluate", slowly)
    with live(max_contracts(2), daily_loss()) as world:

        def of_the_slow_one() -> MailboxStats:
            world.made.timer_mailbox.deliver(Pulse())
            stats = {each.address: each for each in world.supervisor.stats()}
            return stats["rule:daily_loss_limit"]

        def trade(fill_id: int, size: int) -> None:
            tell, traded = world.made.inbound.send, fill(fill_id, size - world.size)
            world.size = size
            tell(say(m.FillReported, f"fill-{fill_id}", fill=traded))
            tell(say(m.PositionReported, f"fill-{fill_id}", position=position(size)))

        for number in range(20):
            trade(1 + number, 1 - number % 2)
        eventually(lambda: of_the_slow_one().is_aside, 10)
        trade(100, 5)
        eventually(lambda: world.session.commands)
        stats = of_the_slow_one()
        pause.set()

    assert stats.times_aside == 1
    assert stats.longest_turn_s >= 0.03
    assert stats.relieved == 0
    assert world.restarts("rule:max_contracts") == 0
