"""Hubs that are connected and tell nothing are noticed by what is read, and connected anew."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import (
    AccountSnapshot,
    ConnectionChanged,
    FillReported,
    PositionReported,
    QuoteReported,
)
from risk_actors.projectx.deaf import UserEar
from risk_actors.projectx.polling import Poller
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import DeafHub, FreezeHub, IgnoreSubscriptions
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.settings import SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

S = 1_000_000_000
SEEN_WITHIN_S = 4.0
"""Detection of a fill that the stream did not tell, so that the account can be flat within 5 s."""
ALWAYS_OPEN = "MBT"
"""Its market never closes, whatever the day on which the tests run."""


def shows_position(snapshot: AccountSnapshot) -> bool:
    return bool(snapshot.positions)


def doubts(change: ConnectionChanged) -> bool:
    return "did not tell of" in (change.detail or "")


@pytest.mark.parametrize("fault", [DeafHub(hub="user"), FreezeHub(hub="user")])
def test_i7_a_user_hub_that_tells_nothing_is_found_out_and_connected_anew(
    rig: Any, fault: Any
) -> None:
    rig.simulator.inject(fault)
    mark = rig.recorder.mark()
    bought_s = time.monotonic()
    rig.buy()

    rig.recorder.wait(AccountSnapshot, shows_position, after=mark, within_s=SEEN_WITHIN_S)
    assert time.monotonic() - bought_s < SEEN_WITHIN_S
    doubted = rig.recorder.wait(ConnectionChanged, doubts, after=mark)
    assert doubted.fallback == "polling"
    rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    rig.recorder.wait(
        ConnectionChanged,
        lambda m: m.user_hub and "reading the accounts" in (m.detail or ""),
        after=mark,
        within_s=15,
    )
    again = rig.recorder.mark()
    rig.buy()
    rig.recorder.wait(PositionReported, after=again)
    # It is trusted by what it tells, and stands alone when every account was looked at as well.
    rig.recorder.wait(ConnectionChanged, lambda m: "heard again" in (m.detail or ""), after=again)
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None, after=again)


def test_without_the_look_at_balances_a_deaf_hub_hides_a_position(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The countermeasure out, the trap bites: nothing tells of the position."""
    monkeypatch.setattr(Poller, "_changed", lambda *_: ())
    rig.simulator.inject(DeafHub(hub="user"))
    mark = rig.recorder.mark()
    rig.buy()

    with pytest.raises(AssertionError):
        rig.recorder.wait(AccountSnapshot, shows_position, after=mark, within_s=SEEN_WITHIN_S)


def test_a_hub_that_stays_deaf_is_polled_for_and_not_reconnected_in_a_storm(rig: Any) -> None:
    rig.simulator.inject(DeafHub(hub="user", new_too=True))
    mark = rig.recorder.mark()
    for size in (1, 2, 3):
        rig.buy()
        rig.recorder.wait(
            AccountSnapshot,
            lambda m, size=size: [p.size for p in m.positions] == [size],
            after=mark,
            within_s=SEEN_WITHIN_S,
        )
        rig.recorder.wait(ConnectionChanged, doubts, after=mark)
    downs = [
        m
        for m in rig.recorder.messages[mark:]
        if isinstance(m, ConnectionChanged) and not m.user_hub and doubts(m)
    ]
    assert len(downs) == 1
    assert rig.recorder.of(ConnectionChanged)[-1].fallback == "polling"


def test_a_broker_that_takes_subscriptions_and_forgets_them_is_found_out(
    make_rig: Callable[..., Any],
) -> None:
    rig = make_rig()
    rig.simulator.inject(IgnoreSubscriptions(hub="user", times=1))
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub)
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None)
    mark = rig.recorder.mark()
    rig.buy()
    rig.recorder.wait(AccountSnapshot, shows_position, after=mark, within_s=SEEN_WITHIN_S)


@pytest.fixture
def crypto(make_rig: Callable[..., Any]) -> Any:
    """A rig that holds a contract whose market is always open; prices grow old after 2 s."""
    settings = SimulatorSettings(accounts=paper_accounts(1), symbols=(ALWAYS_OPEN,))
    with SimulatorThread(settings) as simulator:
        rig = make_rig(GatewaySettings(), on=simulator)
        rig.contract_id = simulator.contract_id(ALWAYS_OPEN)
        rig.start()
        rig.gateway.follow_market(MarketCalendar(), 2 * S)
        rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)
        simulator.place(Ticket(account_id=101, contract_id=rig.contract_id, side=Side.BUY, size=1))
        rig.recorder.wait(FillReported)
        rig.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None)
        yield rig
        rig.gateway.stop()


def is_from_bar(message: QuoteReported) -> bool:
    quote = message.quote
    return quote.last is not None and quote.bid is None and quote.ask is None


def test_i7_a_market_hub_that_tells_nothing_is_found_out_by_the_bars(crypto: Any) -> None:
    crypto.simulator.inject(DeafHub(hub="market"))
    mark = crypto.recorder.mark()

    by_bar = crypto.recorder.wait(QuoteReported, is_from_bar, after=mark, within_s=15)
    assert by_bar.quote.contract_id == crypto.contract_id
    used = crypto.recorder.wait(ConnectionChanged, lambda m: m.fallback == "bars", after=mark)
    assert crypto.contract_id in (used.detail or "")
    down = crypto.recorder.wait(ConnectionChanged, lambda m: not m.market_hub, after=mark)
    assert "although it is traded" in (down.detail or "")
    later = crypto.recorder.mark()
    crypto.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None, after=later, within_s=15)
    crypto.recorder.wait(
        ConnectionChanged, lambda m: m.market_hub and m.fallback is None, after=later, within_s=15
    )


def test_a_quiet_market_is_told_from_a_deaf_hub_and_its_price_stands(crypto: Any) -> None:
    crypto.simulator.silence_quotes()  # and so there are no bars either, as when nobody trades
    mark = crypto.recorder.mark()

    stands = crypto.recorder.wait(
        QuoteReported,
        lambda m: m.quote.bid is not None and m.at_ns - m.quote.at_ns < S // 10,
        after=mark,
        within_s=8,
    )
    again = crypto.recorder.wait(
        QuoteReported, lambda m: m.quote.at_ns > stands.quote.at_ns + 3 * S, after=mark
    )
    assert (again.quote.bid, again.quote.ask) == (stands.quote.bid, stands.quote.ask)
    changes = [m for m in crypto.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
    assert all(m.market_hub for m in changes)


def test_without_the_ear_a_deaf_hub_stays_deaf(monkeypatch: pytest.MonkeyPatch, rig: Any) -> None:
    """The countermeasure out, the trap bites: the hub stays deaf."""
    monkeypatch.setattr(UserEar, "missed", lambda *_: None)
    rig.simulator.inject(DeafHub(hub="user"))
    mark = rig.recorder.mark()
    rig.buy()
    rig.recorder.wait(AccountSnapshot, shows_position, after=mark)
    with pytest.raises(AssertionError):
        rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark, within_s=6)
