"""Ways to the broker that are down: others stand in, it is said, and all comes back by itself."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from risk_actors.core.commands import CloseContract
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import (
    AccountReported,
    AccountSnapshot,
    ConnectionChanged,
    PositionReported,
    QuoteReported,
    SnapshotFailed,
)
from risk_actors.projectx.bar_prices import BarPrices
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import DeafHub, Fault, HubDown, RefuseConnections
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.settings import SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

S = 1_000_000_000
SEEN_WITHIN_S = 3.0
"""How soon a position is seen while the user hub is dead, so that it can be flat within 5 s."""
ALWAYS_OPEN = "MBT"


@pytest.fixture
def rig_of(make_rig: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Makes a running rig with so many accounts."""
    simulators: list[SimulatorThread] = []
    rigs: list[Any] = []

    def make(accounts: int = 1, symbols: tuple[str, ...] = ("MNQ",)) -> Any:
        simulator = SimulatorThread(
            SimulatorSettings(accounts=paper_accounts(accounts), symbols=symbols)
        )
        simulator.start()
        simulators.append(simulator)
        rig = make_rig(GatewaySettings(), on=simulator)
        rigs.append(rig)
        rig.contract_id = simulator.contract_id(symbols[0])
        rig.start()
        rig.recorder.wait(
            ConnectionChanged, lambda m: m.user_hub and m.market_hub and m.fallback is None
        )
        return rig

    yield make
    for rig in rigs:
        rig.gateway.stop()
    for simulator in simulators:
        simulator.stop()


def take_down(rig: Any, hub: str) -> ConnectionChanged:
    """Have a hub go down, and wait until it is said."""
    mark = rig.recorder.mark()
    rig.simulator.inject(HubDown(hub=hub))
    said: ConnectionChanged = rig.recorder.wait(
        ConnectionChanged, lambda m: not (m.user_hub if hub == "user" else m.market_hub), after=mark
    )
    return said


@pytest.mark.parametrize("accounts", [1, 3, 10])
def test_a_position_is_seen_in_time_while_the_user_hub_is_dead(
    rig_of: Callable[..., Any], accounts: int
) -> None:
    """However many accounts there are: one request tells of the balances of all."""
    rig = rig_of(accounts)
    down = take_down(rig, "user")
    assert down.fallback == "polling"
    last = rig.account_ids[-1]
    for size in (1, 2):
        mark = rig.recorder.mark()
        bought_s = time.monotonic()
        rig.buy(account_id=last)
        rig.recorder.wait(
            AccountSnapshot,
            lambda m, size=size: m.account_id == last and [p.size for p in m.positions] == [size],
            after=mark,
            within_s=SEEN_WITHIN_S,
        )
        assert time.monotonic() - bought_s < SEEN_WITHIN_S


def test_polling_stays_within_its_share_of_the_budget(rig_of: Callable[..., Any]) -> None:
    rig = rig_of(3)
    take_down(rig, "user")
    before = len(rig.simulator.requests())
    began_s = time.monotonic()
    wait_until(began_s + 12)
    took_s = time.monotonic() - began_s
    sent = len(rig.simulator.requests()) - before
    assert sent <= 3 * 6 + 12 + 2.0 * took_s + 4


def test_an_order_that_moves_no_balance_is_seen_as_well(rig_of: Callable[..., Any]) -> None:
    rig = rig_of(1)
    take_down(rig, "user")
    mark = rig.recorder.mark()
    rig.simulator.place(
        Ticket(
            account_id=101,
            contract_id=rig.contract_id,
            side=Side.BUY,
            size=1,
            type=1,
            limit_price=10,
        )
    )
    rig.recorder.wait(AccountSnapshot, lambda m: bool(m.orders), after=mark, within_s=10)


def test_polling_ends_when_the_hub_is_back(rig_of: Callable[..., Any]) -> None:
    rig = rig_of(1)
    take_down(rig, "user")
    mark = rig.recorder.mark()
    rig.simulator.clear_faults()
    rig.recorder.wait(
        ConnectionChanged, lambda m: m.user_hub and m.fallback is None, after=mark, within_s=15
    )


def test_an_account_that_is_refused_does_not_keep_the_others_polling_for_ever(
    rig_of: Callable[..., Any],
) -> None:
    rig = rig_of(2)
    rig.simulator.inject(
        Fault(kind="refuse", endpoint="Position/searchOpen", error_code=1, times=1_000_000)
    )
    mark = rig.recorder.mark()
    rig.simulator.cut_hubs("user")
    rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None, after=mark)


def test_i7_rest_that_is_down_is_said_at_once_and_its_first_sign_of_life_acted_on(
    rig_of: Callable[..., Any],
) -> None:
    rig = rig_of(3)
    mark = rig.recorder.mark()
    rig.simulator.inject(Fault(kind="status", status=503, times=1_000_000))
    down = rig.recorder.wait(ConnectionChanged, lambda m: not m.rest, after=mark, within_s=4)
    assert "REST" in (down.detail or "")
    assert down.user_hub
    before = len(rig.simulator.requests())
    wait_until(time.monotonic() + 4)
    probes = rig.simulator.requests()[before:]
    assert len(probes) <= 12  # one light request a second, not every account
    healed = rig.recorder.mark()
    rig.simulator.clear_faults()
    healed_s = time.monotonic()
    rig.recorder.wait(
        ConnectionChanged,
        lambda m: m.rest and m.user_hub and m.fallback is None,
        after=healed,
        within_s=3,
    )
    assert time.monotonic() - healed_s < 3
    looks = rig.simulator.requests("Position/searchOpen")
    looked = {r.body["accountId"] for r in looks if r.arrived_ns / S > healed_s}
    assert looked == set(rig.account_ids)
    downs = [
        m
        for m in rig.recorder.messages[mark:healed]
        if isinstance(m, ConnectionChanged) and not m.rest
    ]
    assert len(downs) == 1  # said once while it lasts


def wait_until(end_s: float) -> None:
    """Let time pass for what must not happen too often."""
    while time.monotonic() < end_s:
        time.sleep(0.05)


def test_a_broker_that_cannot_be_reached_is_back_within_five_seconds(
    rig_of: Callable[..., Any],
) -> None:
    rig = rig_of(1)
    mark = rig.recorder.mark()
    rig.simulator.inject(RefuseConnections(for_s=8.0))
    rig.recorder.wait(
        ConnectionChanged,
        lambda m: not m.rest and not m.user_hub and not m.market_hub,
        after=mark,
        within_s=5,
    )
    rig.recorder.wait(
        ConnectionChanged,
        lambda m: m.rest and m.user_hub and m.market_hub,
        after=mark,
        within_s=8 + 5,
    )
    rig.buy()
    rig.recorder.wait(PositionReported, after=mark)


def test_after_an_outage_the_look_of_an_enforcement_comes_at_once(
    rig_of: Callable[..., Any],
) -> None:
    """What was tried in vain is not counted: nothing waits for the budget when the broker is back.

    Commands meanwhile have certainly not happened, and say so.
    """
    rig = rig_of(3)
    used_before = rig.gateway.budget_state().used
    mark = rig.recorder.mark()
    rig.simulator.inject(RefuseConnections(for_s=12.0))
    rig.recorder.wait(ConnectionChanged, lambda m: not m.rest, after=mark, within_s=5)
    down = rig.recorder.mark()
    answered = rig.send(
        CloseContract(id=1, account_id=101, contract_id=rig.contract_id, correlation_id="corr-1")
    )
    assert answered.outcome.is_undone
    assert answered.outcome.detail == "not sent: cannot connect to the broker"
    asked = 0
    while not any(
        isinstance(m, ConnectionChanged) and m.rest for m in rig.recorder.messages[down:]
    ):
        asked += 1
        rig.gateway.request_snapshot(101, "uncertain answer", f"look-{asked}")
        wait_until(time.monotonic() + 0.25)
        assert asked < 100
    back_s = time.monotonic()
    rig.recorder.wait(
        AccountSnapshot, lambda m: "uncertain answer" in m.reason, after=down, within_s=2
    )
    assert time.monotonic() - back_s < 1.5
    assert asked > 20
    assert rig.gateway.budget_state().used <= used_before + 60
    told = {m.detail for m in rig.recorder.of(SnapshotFailed)}
    assert all("ssl" not in detail and "cannot connect" in detail for detail in told)


def test_an_endpoint_that_fails_for_good_makes_no_storm(rig_of: Callable[..., Any]) -> None:
    rig = rig_of(2)
    rig.simulator.inject(
        Fault(kind="status", status=500, endpoint="Position/searchOpen", times=1_000_000)
    )
    mark = rig.recorder.mark()
    rig.gateway.request_snapshot(101, "look", "corr-1")
    rig.recorder.wait(SnapshotFailed, after=mark)
    before = len(rig.simulator.requests())
    wait_until(time.monotonic() + 10)
    assert len(rig.simulator.requests()) - before <= 60


def test_prices_come_from_bars_while_the_market_hub_is_down(rig_of: Callable[..., Any]) -> None:
    rig = rig_of(1, (ALWAYS_OPEN,))
    rig.gateway.follow_market(MarketCalendar(), 10 * S)
    rig.buy()
    rig.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None)
    take_down(rig, "market")
    mark = rig.recorder.mark()
    told = [
        rig.recorder.wait(
            QuoteReported,
            lambda m, since_ns=since_ns: (
                m.quote.last is not None and m.quote.bid is None and m.quote.at_ns > since_ns
            ),
            after=mark,
            within_s=6,
        )
        for since_ns in (0, time.time_ns() + S)
    ]
    assert all(m.quote.ask is None and m.at_ns - m.quote.at_ns < 3 * S for m in told)
    used = rig.recorder.wait(ConnectionChanged, lambda m: m.fallback == "bars", after=mark)
    assert not used.market_hub
    assert len(rig.simulator.requests("History/retrieveBars")) <= 10
    rig.simulator.clear_faults()
    back = rig.recorder.mark()
    rig.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None, after=back, within_s=15)
    rig.recorder.wait(ConnectionChanged, lambda m: m.market_hub and m.fallback is None, after=back)


def test_without_the_bars_no_price_comes_while_the_market_hub_is_down(
    rig_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The countermeasure out, the trap bites."""
    monkeypatch.setattr(BarPrices, "_silent", lambda *_: None)
    rig = rig_of(1, (ALWAYS_OPEN,))
    rig.buy()
    rig.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None)
    take_down(rig, "market")
    mark = rig.recorder.mark()
    with pytest.raises(AssertionError):
        rig.recorder.wait(QuoteReported, after=mark, within_s=4)


class Closed(MarketCalendar):
    """As on a holiday, whatever the day on which the tests run."""

    def opened_ns(self, symbol: str | None, at_ns: int) -> int | None:
        return None

    def is_open(self, symbol: str | None, at_ns: int) -> bool:
        return False


def test_i7_a_market_that_moves_has_prices_from_bars_whatever_the_calendar_says(
    rig_of: Callable[..., Any],
) -> None:
    """A wrong holiday, or the paper market on a weekend: the last mark must not stand."""
    rig = rig_of(1, (ALWAYS_OPEN,))
    rig.gateway.follow_market(Closed(), 10 * S)
    rig.buy()
    first = rig.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None).quote
    rig.recorder.wait(
        QuoteReported, lambda m: (m.quote.bid, m.quote.last) != (first.bid, first.last)
    )
    take_down(rig, "market")
    mark = rig.recorder.mark()
    for since_ns in (0, time.time_ns() + 2 * S):
        rig.recorder.wait(
            QuoteReported,
            lambda m, since_ns=since_ns: m.quote.bid is None and m.quote.at_ns > since_ns,
            after=mark,
            within_s=6,
        )


def test_nothing_is_asked_for_a_closed_market(rig_of: Callable[..., Any]) -> None:
    rig = rig_of(1, (ALWAYS_OPEN,))
    rig.simulator.let_prices_move(move=False)
    rig.gateway.follow_market(Closed(), 2 * S)
    rig.simulator.inject(DeafHub(hub="market", new_too=True))
    mark = rig.recorder.mark()
    rig.gateway.request_snapshot(101, "look", "corr-1")
    rig.recorder.wait(AccountSnapshot, after=mark)
    mark = rig.recorder.mark()
    wait_until(time.monotonic() + 4)
    assert not rig.simulator.requests("History/retrieveBars")
    changes = [m for m in rig.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
    assert all("although" not in (m.detail or "") for m in changes)


def test_bars_that_are_refused_are_given_up_and_it_is_said_once(
    rig_of: Callable[..., Any],
) -> None:
    rig = rig_of(1, (ALWAYS_OPEN,))
    rig.simulator.inject(
        Fault(kind="refuse", error_code=1, endpoint="History/retrieveBars", times=1_000_000),
        HubDown(hub="market"),
    )
    rig.buy()
    rig.recorder.wait(PositionReported)
    end_s = time.monotonic() + 9
    wait_until(end_s)
    assert len(rig.simulator.requests("History/retrieveBars")) == 3


def test_an_account_that_is_not_active_any_more_is_heard_and_read_all_the_same(
    rig: Any, tools: Any
) -> None:
    mark = rig.recorder.mark()
    rig.simulator.set_can_trade(101, can_trade=False)
    told = rig.recorder.wait(AccountReported, lambda m: m.account.id == 101, after=mark)
    assert not told.account.can_trade
    rig.gateway.request_snapshot(101, "look", "corr-1")
    read = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark)
    assert (read.account.can_trade, read.account_read) == (False, True)
    listed = [
        r for r in rig.simulator.requests("Account/search") if r.body.get("onlyActiveAccounts")
    ]
    assert len(listed) <= 1  # the SDK's own, with the login
