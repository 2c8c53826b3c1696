"""Both lines of the market hub over real sockets: one tells, and the other takes over."""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import line_faults
import pytest
from loguru import logger

from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import ConnectionChanged, FillReported, PayloadRejected, QuoteReported
from risk_actors.projectx import price_lines
from risk_actors.projectx.lean_connection import USER_AGENT
from risk_actors.projectx.lines import Line
from risk_actors.projectx.price_lines import ONE_ONLY
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.connection import Connection
from risk_actors.simulator.faults import (
    CloseHub,
    FreezeHub,
    GarbleEvent,
    LogOutHub,
    NegotiateRefusal,
)
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.settings import SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

# The SDK leaves its hub sockets to the garbage collector when it disconnects.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
S = 1_000_000_000
LINES = [Line.A, Line.B]
BACK_WITHIN_S = 6.0
FEUD_S = 1.6
"""What is lost later than this after the other line opened was not ended by that."""
ALWAYS_OPEN = "MBT"
"""Its market never closes, whatever the day on which the tests run."""


@pytest.fixture(autouse=True, scope="module")
def no_sockets_are_left_to_others() -> Iterator[None]:
    yield
    gc.collect()


def prices_of(rig: Any) -> Any:
    return rig.gateway._service._streams.prices


def told_by(rig: Any, line: Line) -> int:
    """How many quotes a line told so far."""
    streams = rig.gateway._service._streams
    return int(streams.inbound.quotes_told if line is Line.A else streams.prices._second.told)


def topics(rig: Any, line: Line) -> list[Any]:
    return line_faults.topics(rig.simulator, line, "market")


def both(*contract_ids: str) -> list[tuple[str, str]]:
    return sorted(
        (what, contract_id)
        for contract_id in contract_ids
        for what in ("ContractQuotes", "ContractTrades")
    )


def tells_alone(rig: Any, tools: Any, line: Line, *contract_ids: str) -> None:
    """Wait until one line is subscribed to just these, the other to nothing, and quotes come."""
    wanted = both(*(contract_ids or (rig.contract_id,)))
    tools.eventually(
        lambda: topics(rig, line) == wanted and topics(rig, line.other) == [], within_s=10
    )
    told = told_by(rig, line)
    tools.eventually(lambda: told_by(rig, line) > told, within_s=5)


def open_now(rig: Any) -> list[Any]:
    """Both lines' open connections."""
    sim = rig.simulator
    found: list[Any] = sim.call(
        lambda: [each for line in LINES for each in line_faults.connections(sim, line, "market")]
    )
    return found


def are_new(rig: Any, before: list[Any]) -> bool:
    """Whether each line has a connection that was not there before."""
    now = open_now(rig)
    return len(now) == len(LINES) and not any(each in before for each in now)


def states(rig: Any, mark: int) -> list[ConnectionChanged]:
    return [m for m in rig.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]


def says(words: str) -> Callable[[ConnectionChanged], bool]:
    return lambda m: words in (m.detail or "")


def begin(rig: Any, tools: Any) -> Any:
    """Start, buy, and wait until line B tells alone while line A stands by."""
    rig.start()
    prices = prices_of(rig)
    tools.eventually(lambda: prices.is_up(Line.A) and prices.is_up(Line.B))
    rig.buy()
    tells_alone(rig, tools, Line.B)
    return rig


@pytest.fixture
def pair(make_rig: Callable[..., Any], tools: Any) -> Any:
    """A gateway that holds a contract, with both lines up."""
    return begin(make_rig(price_line=True), tools)


@pytest.fixture
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_lines, "DEAF_REST_S", 1.0)
    monkeypatch.setattr(price_lines, "_ALONE_S", 1.5)


@pytest.fixture
def crypto(make_rig: Callable[..., Any], tools: Any) -> Iterator[Any]:
    """A rig that holds a contract whose market is always open; prices grow old after 2 s."""
    settings = SimulatorSettings(accounts=paper_accounts(1), symbols=(ALWAYS_OPEN, "MET"))
    with SimulatorThread(settings) as simulator:
        rig = make_rig(on=simulator, price_line=True)
        rig.contract_id = simulator.contract_id(ALWAYS_OPEN)
        rig.start()
        rig.gateway.follow_market(MarketCalendar(), 2 * S)
        rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)
        simulator.place(Ticket(account_id=101, contract_id=rig.contract_id, side=Side.BUY, size=1))
        rig.recorder.wait(FillReported)
        tells_alone(rig, tools, Line.B)
        yield rig
        rig.gateway.stop()


def test_line_b_tells_alone_and_line_a_stands_by_connected(pair: Any, tools: Any) -> None:
    hub = pair.simulator.gateway.market_hub
    for topic in both(pair.contract_id):
        agents = pair.simulator.call(
            lambda topic=topic: [
                each._socket._req.headers.get("User-Agent") for each in hub.subscribers(topic)
            ]
        )
        assert agents == [USER_AGENT]
    assert line_faults.count(pair.simulator, Line.A, "market") == 1
    told = told_by(pair, Line.A)
    before, _ = pair.gateway.quotes_told()
    mark = pair.recorder.mark()
    for _ in range(3):
        quoted = pair.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None, after=mark)
        mark = pair.recorder.mark()
    assert quoted.quote.contract_id == pair.contract_id
    count, last_ns = pair.gateway.quotes_told()
    assert count >= before + 2
    assert last_ns >= quoted.at_ns
    assert told_by(pair, Line.A) == told
    # The gateway's loop hears of it as well, by which deafness is told from a quiet market.
    ear = pair.gateway._service._streams.bar_prices._ear
    tools.eventually(lambda: ear.heard_ns(pair.contract_id) >= quoted.at_ns, within_s=2)


def test_a_contract_that_is_wanted_later_is_subscribed(pair: Any, tools: Any) -> None:
    other = pair.simulator.contract_id("MES")
    pair.simulator.place(Ticket(account_id=102, contract_id=other, side=Side.BUY, size=1))
    pair.recorder.wait(QuoteReported, lambda m: m.quote.contract_id == other, within_s=5)
    tells_alone(pair, tools, Line.B, pair.contract_id, other)
    line_faults.kill(pair.simulator, Line.B, hub_name="market")
    tells_alone(pair, tools, Line.A, pair.contract_id, other)


def test_line_b_dies_and_line_a_tells_until_it_is_back(pair: Any, tools: Any) -> None:
    mark = pair.recorder.mark()
    line_faults.kill(pair.simulator, Line.B, hub_name="market")
    pair.recorder.wait(ConnectionChanged, says("market hub: line B is down"), after=mark)
    tells_alone(pair, tools, Line.A)
    again = pair.recorder.mark()
    line_faults.welcome(pair.simulator, "market")
    pair.recorder.wait(ConnectionChanged, says("market hub: line B is up again"), after=again)
    tells_alone(pair, tools, Line.B)
    assert all(m.market_hub for m in states(pair, mark))


def test_line_a_dies_and_nothing_is_missed(pair: Any, tools: Any) -> None:
    mark = pair.recorder.mark()
    line_faults.kill(pair.simulator, Line.A, hub_name="market")
    prices = prices_of(pair)
    tools.eventually(lambda: not prices.is_up(Line.A), within_s=5)
    pair.recorder.wait(ConnectionChanged, says("market hub: line A is down"), after=mark)
    told = told_by(pair, Line.B)
    tools.eventually(lambda: told_by(pair, Line.B) > told + 2, within_s=5)
    line_faults.welcome(pair.simulator, "market")
    tools.eventually(lambda: prices.is_up(Line.A))
    pair.recorder.wait(ConnectionChanged, says("market hub: line A is up again"), after=mark)
    tells_alone(pair, tools, Line.B)
    assert all(m.market_hub for m in states(pair, mark))
    assert not [m for m in states(pair, mark) if "line B is down" in (m.detail or "")]


def test_both_down_is_down_and_they_come_back(pair: Any, tools: Any) -> None:
    mark = pair.recorder.mark()
    for line in LINES:
        line_faults.kill(pair.simulator, line, hub_name="market")
    pair.recorder.wait(ConnectionChanged, lambda m: not m.market_hub, after=mark)
    assert prices_of(pair).known(pair.contract_id) is None
    again = pair.recorder.mark()
    line_faults.welcome(pair.simulator, "market")
    pair.recorder.wait(
        ConnectionChanged, lambda m: m.market_hub, after=again, within_s=BACK_WITHIN_S
    )
    tells_alone(pair, tools, Line.B)


def test_a_line_b_that_was_refused_before_line_a_was_up_is_said_to_be_down(
    simulator: SimulatorThread, make_rig: Callable[..., Any], tools: Any
) -> None:
    line_faults.refuse(simulator, Line.B, hub_name="market")
    rig = make_rig(price_line=True)
    refusal = NegotiateRefusal(hub="market", status=503, times=2)
    simulator.call(lambda: simulator.gateway.faults.refuse_negotiate(refusal))
    rig.start()
    rig.recorder.wait(ConnectionChanged, says("market hub: line B is down"))
    rig.buy()
    tells_alone(rig, tools, Line.A)
    assert states(rig, 0)[-1].market_hub


def test_both_that_are_dropped_again_and_again_are_not_taken_for_a_feud(
    pair: Any, tools: Any
) -> None:
    mark = pair.recorder.mark()
    prices = prices_of(pair)
    for _ in range(4):
        settled_s = time.monotonic() + FEUD_S
        tools.eventually(lambda settled_s=settled_s: time.monotonic() > settled_s)
        before = open_now(pair)
        pair.simulator.cut_hubs("market")
        tools.eventually(lambda before=before: are_new(pair, before))
        tools.eventually(lambda: prices.is_up(Line.A) and prices.is_up(Line.B))
        tells_alone(pair, tools, Line.B)
    assert not [m for m in states(pair, mark) if "one connection only" in (m.detail or "")]


def test_a_broker_that_allows_one_connection_has_line_b_rest(pair: Any, tools: Any) -> None:
    mark = pair.recorder.mark()
    line_faults.allow_one(pair.simulator, "market")
    line_faults.cut(pair.simulator, Line.B, "market")
    pair.recorder.wait(ConnectionChanged, says("one connection only"), after=mark, within_s=60)
    prices = prices_of(pair)
    tools.eventually(lambda: prices.is_up(Line.A) and not prices.is_up(Line.B), within_s=5)
    tells_alone(pair, tools, Line.A)
    assert states(pair, mark)[-1].market_hub
    attempts = prices._second.thread.attempts
    tells_alone(pair, tools, Line.A)
    assert prices._second.thread.attempts == attempts


@pytest.mark.usefixtures("short_rests")
def test_a_line_b_that_rests_is_wanted_where_line_a_does_not_come_back(
    pair: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_lines, "DEAF_REST_S", 600.0)
    prices = prices_of(pair)
    prices._deaf_rest_s = 600.0
    pair.gateway._thread.call(lambda: prices.deaf("deaf, says a test"))
    tells_alone(pair, tools, Line.A)
    mark = pair.recorder.mark()
    line_faults.kill(pair.simulator, Line.A, hub_name="market")
    pair.recorder.wait(ConnectionChanged, lambda m: not m.market_hub, after=mark)
    pair.recorder.wait(
        ConnectionChanged, lambda m: m.market_hub, after=mark, within_s=BACK_WITHIN_S
    )
    tells_alone(pair, tools, Line.B)


@pytest.mark.usefixtures("short_rests")
def test_a_line_b_that_is_put_to_rest_while_line_a_is_away_does_not_stay_away(
    pair: Any, tools: Any
) -> None:
    """The board would show the market hub down for as long as the rest lasts."""
    prices = prices_of(pair)
    line_faults.kill(pair.simulator, Line.A, hub_name="market")
    tools.eventually(lambda: not prices.is_up(Line.A), within_s=5)
    mark = pair.recorder.mark()
    pair.gateway._thread.call(lambda: prices._rest(600.0, ONE_ONLY))
    pair.recorder.wait(ConnectionChanged, lambda m: not m.market_hub, after=mark)
    pair.recorder.wait(
        ConnectionChanged, lambda m: m.market_hub, after=mark, within_s=BACK_WITHIN_S
    )
    tells_alone(pair, tools, Line.B)


def test_a_deaf_line_b_is_connected_anew_where_line_a_is_away(pair: Any, tools: Any) -> None:
    prices = prices_of(pair)
    line_faults.kill(pair.simulator, Line.A, hub_name="market")
    tools.eventually(lambda: not prices.is_up(Line.A), within_s=5)
    line_faults.deafen(pair.simulator, Line.B, "market")
    mark = pair.recorder.mark()
    pair.gateway._thread.call(lambda: prices.deaf("deaf, says a test"))
    pair.recorder.wait(QuoteReported, lambda m: m.quote.bid is not None, after=mark, within_s=5)
    tells_alone(pair, tools, Line.B)


@pytest.mark.usefixtures("short_rests")
def test_rests_of_a_line_b_that_is_deaf_grow_and_are_short_again_after_it_told_for_long(
    pair: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = prices_of(pair)
    prices._deaf_rest_s = price_lines.DEAF_REST_S

    def rest_in_turn() -> float:
        rest_s = prices._deaf_rest_s
        pair.gateway._thread.call(lambda: prices.deaf("deaf, says a test"))
        tools.eventually(lambda: not prices.is_up(Line.B), within_s=5)
        tools.eventually(lambda: prices.is_up(Line.B), within_s=10)
        return float(prices._deaf_rest_s / rest_s)

    assert rest_in_turn() == rest_in_turn() == 2.0
    monkeypatch.setattr(price_lines, "_FORGIVEN_AFTER_S", 0.0)
    tells_alone(pair, tools, Line.B)
    assert rest_in_turn() == 0.5  # from four times the shortest to twice


@pytest.mark.parametrize("is_frozen", [False, True])
def test_i7_a_line_b_that_tells_nothing_is_found_out_by_the_bars_and_line_a_tells(
    crypto: Any, tools: Any, is_frozen: bool
) -> None:
    mark = crypto.recorder.mark()
    if is_frozen:
        ice = FreezeHub(hub="market")
        sim = crypto.simulator
        sim.call(
            lambda: [each.freeze(ice) for each in line_faults.connections(sim, Line.B, "market")]
        )
    else:
        line_faults.deafen(crypto.simulator, Line.B, "market")
    down = crypto.recorder.wait(
        ConnectionChanged, says("market hub: line B is down"), after=mark, within_s=15
    )
    if not is_frozen:  # else pings may show it first
        assert "although it is traded" in (down.detail or "")
    crypto.recorder.wait(
        QuoteReported,
        lambda m: m.quote.bid is not None,
        after=crypto.recorder.mark(),
        within_s=BACK_WITHIN_S,
    )
    assert all(m.market_hub for m in states(crypto, mark))
    if not is_frozen:
        tells_alone(crypto, tools, Line.A)


def test_line_a_is_not_blamed_for_what_line_b_did_not_tell(crypto: Any, tools: Any) -> None:
    """Of two contracts one is found out first, and the other when line A has just begun to tell."""
    sim, hub = crypto.simulator, crypto.simulator.gateway.market_hub
    other = sim.contract_id("MET")
    sim.place(Ticket(account_id=101, contract_id=other, side=Side.BUY, size=1))
    tells_alone(crypto, tools, Line.B, crypto.contract_id, other)
    crypto.recorder.wait(QuoteReported, lambda m: m.quote.contract_id == other)
    publish, may_publish_ns = hub.publish, 0

    def publish_seldom(topic: Any, target: str, arguments: list[Any]) -> int:
        """One contract is quoted so seldom that line A has nothing of it to tell for a while."""
        nonlocal may_publish_ns
        if topic[1] == other:
            if time.monotonic_ns() < may_publish_ns:
                return 0
            may_publish_ns = time.monotonic_ns() + 4 * S
        sent: int = publish(topic, target, arguments)
        return sent

    sim.call(lambda: setattr(hub, "publish", publish_seldom))
    mark = crypto.recorder.mark()
    line_faults.deafen(sim, Line.B, "market")
    crypto.recorder.wait(
        ConnectionChanged, says("market hub: line B is down"), after=mark, within_s=20
    )
    quoted = crypto.recorder.mark()
    crypto.recorder.wait(
        QuoteReported,
        lambda m: m.quote.contract_id == other and m.quote.bid is not None,
        after=quoted,
        within_s=10,
    )
    assert all(m.market_hub for m in states(crypto, mark))


def test_a_renewed_token_is_taken_by_line_b_and_the_market_hub_stays_up(
    make_rig: Callable[..., Any], tools: Any
) -> None:
    with SimulatorThread(SimulatorSettings(token_lifetime_s=3.0)) as simulator:
        rig = begin(make_rig(GatewaySettings(), on=simulator, price_line=True), tools)
        mark = rig.recorder.mark()
        attempts = prices_of(rig)._second.thread.attempts
        tools.eventually(lambda: prices_of(rig)._second.thread.attempts >= attempts + 2)
        tells_alone(rig, tools, Line.B)
        assert all(m.market_hub for m in states(rig, mark))
        assert not [m for m in states(rig, mark) if "line B is down" in (m.detail or "")]
        rig.gateway.stop()


@pytest.mark.parametrize("fault", [LogOutHub(hub="market"), CloseHub(hub="market")])
def test_a_goodbye_of_the_broker_is_followed_by_new_connections(
    pair: Any, tools: Any, fault: Any
) -> None:
    logins = len(pair.simulator.requests("Auth/loginKey"))
    before = open_now(pair)
    pair.simulator.inject(fault)
    tools.eventually(lambda: are_new(pair, before), within_s=BACK_WITHIN_S)
    if isinstance(fault, LogOutHub):
        tools.eventually(lambda: len(pair.simulator.requests("Auth/loginKey")) > logins)
    tells_alone(pair, tools, Line.B)
    assert states(pair, 0)[-1].market_hub


@pytest.mark.parametrize("how", ["wrong_types", "text", "list", "no_arguments", "not_json"])
def test_a_garbled_quote_is_told_as_rejected_and_costs_nothing_else(
    pair: Any, tools: Any, how: Any
) -> None:
    mark = pair.recorder.mark()
    pair.simulator.inject(GarbleEvent(target="GatewayQuote", how=how))
    pair.recorder.wait(PayloadRejected, lambda m: m.source.startswith("Gateway"), after=mark)
    tells_alone(pair, tools, Line.B)
    assert prices_of(pair)._second.thread.attempts == 1


def test_a_contract_that_is_refused_does_not_cost_the_others_their_prices(
    pair: Any, tools: Any
) -> None:
    hub = pair.simulator.gateway.user_hub
    position = {
        "accountId": 101, "contractId": "CON.F.US.NONE.Z26", "type": 1, "size": 1,
        "averagePrice": 5,
    }  # fmt: skip
    pair.simulator.call(
        lambda: hub.publish(("Positions", 101), "GatewayUserPosition", [{"data": position}])
    )
    tells_alone(pair, tools, Line.B)
    line_faults.cut(pair.simulator, Line.B, "market")
    tells_alone(pair, tools, Line.B)
    assert states(pair, 0)[-1].market_hub


def test_a_broker_that_refuses_to_end_a_subscription_is_not_heard_twice(
    simulator: SimulatorThread, make_rig: Callable[..., Any], tools: Any
) -> None:
    hub = simulator.gateway.market_hub
    topic_of = hub._topic_of

    def never_ends(target: str, arguments: list[Any]) -> Any:
        if target.startswith("Unsubscribe"):
            raise LookupError(f"Unknown hub method '{target}'")
        return topic_of(target, arguments)

    simulator.call(lambda: setattr(hub, "_topic_of", never_ends))
    line_faults.refuse(simulator, Line.B, hub_name="market")
    rig = make_rig(price_line=True)
    rig.start()
    rig.buy()
    tells_alone(rig, tools, Line.A)
    line_faults.welcome(simulator, "market")
    prices = prices_of(rig)
    tools.eventually(
        lambda: prices.is_up(Line.B) and rig.gateway._service._streams.inbound.tells_only == ()
    )
    told = told_by(rig, Line.A), told_by(rig, Line.B)
    tools.eventually(lambda: told_by(rig, Line.B) > told[1] + 2)
    assert told_by(rig, Line.A) == told[0]
    assert topics(rig, Line.A) == both(rig.contract_id)
    line_faults.kill(simulator, Line.B, hub_name="market")
    tells_alone(rig, tools, Line.A)


def test_i10_one_bad_quote_that_both_lines_hear_is_told_once(
    simulator: SimulatorThread,
    make_rig: Callable[..., Any],
    tools: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broker that answers no subscription has both lines subscribed for seconds."""
    line_faults.refuse(simulator, Line.B, hub_name="market")
    rig = make_rig(price_line=True)
    rig.start()
    rig.buy()
    tells_alone(rig, tools, Line.A)
    simulator.silence_quotes()
    send = Connection.send

    def send_no_answers(connection: Connection, text: str, *, after_s: float = 0.0) -> None:
        if '"type":3' not in text.replace(" ", ""):
            send(connection, text, after_s=after_s)

    monkeypatch.setattr(Connection, "send", send_no_answers)
    line_faults.welcome(simulator, "market")
    prices_of(rig).nudge()
    wanted = both(rig.contract_id)
    tools.eventually(lambda: topics(rig, Line.B) == wanted)
    assert not prices_of(rig).is_up(Line.B)

    def publish(price: float) -> int:
        """Return how many connections the quote went to."""
        hub = simulator.gateway.market_hub
        sides = {"bestBid": price, "bestAsk": price + 0.25, "lastPrice": price}
        topic = ("ContractQuotes", rig.contract_id)
        sent: int = simulator.call(
            lambda: hub.publish(topic, "GatewayQuote", [rig.contract_id, sides])
        )
        return sent

    def told(price: float) -> list[QuoteReported]:
        return [m for m in rig.recorder.of(QuoteReported) if m.quote.bid == price]

    assert publish(22_000) == len(LINES)
    tools.eventually(lambda: told(22_000))
    tools.eventually(lambda: topics(rig, Line.A) == [], within_s=10)
    assert publish(25_000) == 1
    tools.eventually(lambda: told(25_000))

    assert len(told(22_000)) == 1


def test_what_line_b_alone_heard_before_its_turn_is_told_when_it_comes(
    simulator: SimulatorThread, make_rig: Callable[..., Any], tools: Any
) -> None:
    """Line A is away: nobody else would tell what comes with the subscription."""
    rig = make_rig(price_line=True)
    rig.start()
    rig.buy()
    tells_alone(rig, tools, Line.B)
    line_faults.kill(simulator, Line.A, hub_name="market")
    tools.eventually(lambda: not prices_of(rig).is_up(Line.A))
    simulator.silence_quotes()
    hub, invoke = simulator.gateway.market_hub, Connection._invoke
    sides = {"bestBid": 24_000, "bestAsk": 24_000.25}

    def invoke_with_price(connection: Connection, target: str, arguments: Any) -> Any:
        answer = invoke(connection, target, arguments)
        if target == "SubscribeContractQuotes":
            topic = ("ContractQuotes", rig.contract_id)
            hub.publish(topic, "GatewayQuote", [rig.contract_id, sides])
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "_invoke", invoke_with_price)
        mark = rig.recorder.mark()
        line_faults.cut(simulator, Line.B, "market")
        rig.recorder.wait(QuoteReported, lambda m: m.quote.bid == sides["bestBid"], after=mark)


def test_line_a_tells_what_the_broker_refuses_to_line_b(
    pair: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke = Connection._invoke
    other = pair.simulator.contract_id("MES")
    is_refused = True

    def refuse_one(connection: Connection, target: str, arguments: Any) -> Any:
        is_of_b = line_faults.line_of(connection._socket._req) is Line.B
        if is_refused and is_of_b and target.startswith("Subscribe") and arguments == [other]:
            return "not this one"
        return invoke(connection, target, arguments)

    monkeypatch.setattr(Connection, "_invoke", refuse_one)

    def is_shared() -> bool:
        lines = topics(pair, Line.A), topics(pair, Line.B)
        return lines == (both(other), both(pair.contract_id))

    def both_told() -> None:
        before = told_by(pair, Line.A), told_by(pair, Line.B)
        tools.eventually(
            lambda: told_by(pair, Line.A) > before[0] and told_by(pair, Line.B) > before[1]
        )

    # Refused when it comes on top ...
    pair.simulator.place(Ticket(account_id=102, contract_id=other, side=Side.BUY, size=1))
    tools.eventually(is_shared)
    both_told()
    assert prices_of(pair).known(other).bid is not None
    # ... and by a new connection.
    mark = pair.recorder.mark()
    line_faults.cut(pair.simulator, Line.B, "market")
    pair.recorder.wait(ConnectionChanged, says("market hub: line B is down"), after=mark)
    tools.eventually(is_shared)
    both_told()
    is_refused = False
    line_faults.cut(pair.simulator, Line.B, "market")
    tells_alone(pair, tools, Line.B, pair.contract_id, other)
    assert all(m.market_hub for m in states(pair, 0)[1:])


def test_what_is_known_is_told_again_to_new_listeners(pair: Any, tools: Any) -> None:
    pair.simulator.silence_quotes()
    settled = -1

    def is_silent() -> bool:
        nonlocal settled
        before, settled = settled, pair.recorder.mark()
        threading.Event().wait(0.3)
        return before == settled

    tools.eventually(is_silent)
    last = pair.recorder.of(QuoteReported)[-1].quote
    mark = pair.recorder.mark()
    pair.gateway.resume("new listeners")
    again = pair.recorder.wait(QuoteReported, after=mark, within_s=2)
    assert again.quote == last
    assert prices_of(pair).known(pair.contract_id) == last


def test_no_log_of_the_price_line_shows_the_token(
    pair: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), level=0)
    token = pair.gateway._service._session.token
    try:
        with caplog.at_level(logging.DEBUG):
            mark = pair.recorder.mark()
            line_faults.kill(pair.simulator, Line.B, 401, "market")
            pair.recorder.wait(ConnectionChanged, says("market hub: line B is down"), after=mark)
    finally:
        logger.remove(sink)
    assert lines
    assert not [line for line in (*lines, *caplog.messages) if token in line]


@pytest.mark.parametrize("is_hanging", [False, True])
def test_a_stop_while_it_connects_leaves_no_thread(
    simulator: SimulatorThread, make_rig: Callable[..., Any], tools: Any, is_hanging: bool
) -> None:
    if is_hanging:
        simulator.inject(FreezeHub(hub="market", new_too=True))
    rig = make_rig(price_line=True)
    rig.start()
    prices = prices_of(rig)
    tools.eventually(lambda: prices._second.thread.attempts > 0)
    rig.gateway.stop()
    left = {thread.name for thread in threading.enumerate()}
    assert not left & {"gateway", "gateway prices"}
    count = rig.recorder.mark()
    threading.Event().wait(0.3)
    assert rig.recorder.mark() == count
