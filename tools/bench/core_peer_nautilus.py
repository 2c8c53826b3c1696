"""One pre-trade check of nautilus_trader, in an environment that has it: run by `core_peers`.

    python core_peer_nautilus.py CHECKS

A limit order for one contract is checked by its risk engine with a notional limit for the
instrument, as a strategy's would be, and goes to an end that does nothing.
"""

import json
import sys
import time
from decimal import Decimal

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import StrategyId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.risk.config import RiskEngineConfig
from nautilus_trader.risk.engine import RiskEngine
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.component import TestComponentStubs
from nautilus_trader.test_kit.stubs.events import TestEventStubs
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs


def main(checks: int) -> None:
    """Measure, and print the result as one line of JSON."""
    clock, trader = TestClock(), TestIdStubs.trader_id()
    bus = MessageBus(trader_id=trader, clock=clock)
    cache: Cache = TestComponentStubs.cache()
    portfolio = Portfolio(msgbus=bus, cache=cache, clock=clock)
    future = TestInstrumentProvider.es_future(expiry_year=2026, expiry_month=12)
    cache.add_instrument(future)
    portfolio.update_account(TestEventStubs.margin_account_state())
    engine = RiskEngine(
        portfolio=portfolio,
        msgbus=bus,
        cache=cache,
        clock=clock,
        config=RiskEngineConfig(
            max_order_submit_rate="1000000/00:00:01",
            max_notional_per_order={str(future.id): 10_000_000},
        ),
    )
    passed = [0]

    def take(_command: object) -> None:
        passed[0] += 1

    bus.register(endpoint="ExecEngine.execute", handler=take)
    engine.start()
    strategy = StrategyId("S-001")
    orders = OrderFactory(trader_id=trader, strategy_id=strategy, clock=clock)
    costs = []
    for _ in range(checks):
        order = orders.limit(
            future.id, OrderSide.BUY, Quantity.from_int(1), future.make_price(Decimal(5_000))
        )
        command = SubmitOrder(
            trader_id=trader,
            strategy_id=strategy,
            position_id=None,
            order=order,
            command_id=UUID4(),
            ts_init=0,
        )
        since_ns = time.perf_counter_ns()
        engine.execute(command)
        costs.append((time.perf_counter_ns() - since_ns) / 1_000)
    costs.sort()
    if not passed[0]:
        raise SystemExit("its risk engine denied every order, so no whole check was measured")
    print(
        json.dumps(
            {
                "median_us": costs[len(costs) // 2],
                "p99_us": costs[int(len(costs) * 0.99)],
                "what": f"RiskEngine.execute(SubmitOrder), {passed[0]} of {checks} passed",
            }
        )
    )


main(int(sys.argv[1]))
