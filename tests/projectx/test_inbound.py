"""Hub events, one by one: nothing that comes in may end the hub."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from risk_actors.messages import (
    FillReported,
    Message,
    OrderReported,
    PayloadRejected,
    PositionReported,
    QuoteReported,
)
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.inbound import Inbound

NOW_NS = 1_778_074_563_000_000_000
CONTRACT = "CON.F.US.MNQ.Z26"
POSITION = {"accountId": 101, "contractId": CONTRACT, "type": 1, "size": 2, "averagePrice": 1}
ORDER = {
    "id": 7,
    "accountId": 101,
    "contractId": CONTRACT,
    "status": 1,
    "type": 1,
    "side": 0,
    "size": 1,
}
FILL = {
    "id": 8,
    "accountId": 101,
    "contractId": CONTRACT,
    "creationTimestamp": "2026-05-06T13:36:03Z",
    "price": 1,
    "side": 1,
    "size": 1,
    "orderId": 7,
}


class FixedClock:
    def now_ns(self) -> int:
        return NOW_NS


class Bench:
    """An inbound with everything it says written down."""

    def __init__(self) -> None:
        self.emitted: list[Message] = []
        self.contracts: list[str] = []
        self.doubts: list[tuple[int | None, str, str]] = []
        self.logouts: list[str] = []
        self.handlers: dict[str, Callable[..., None]] = {}
        self.inbound = inbound = Inbound(
            frozenset({101}),
            FixedClock(),
            CorrelationIds(NOW_NS),
            self.emitted.append,
            self.contracts.append,
            lambda *doubt: self.doubts.append(doubt),
            self.logouts.append,
        )
        inbound.attach_user(self, lambda: True)
        inbound.attach_market(self, lambda: True)

    def on(self, target: str, handler: Callable[..., None]) -> None:
        self.handlers.setdefault(target, handler)

    def push(self, target: str, *arguments: Any) -> list[Message]:
        before = len(self.emitted)
        self.handlers[target](*arguments)
        return self.emitted[before:]


def test_every_argument_and_every_row_is_heard() -> None:
    bench = Bench()
    wrapped = {"action": 2, "data": POSITION}
    messages = bench.push("GatewayUserPosition", wrapped, [POSITION, wrapped])
    assert [type(message) for message in messages] == [PositionReported] * 3
    assert bench.contracts == [CONTRACT] * 3
    assert messages[0].at_ns == NOW_NS


def test_one_bad_row_does_not_cost_the_others() -> None:
    bench = Bench()
    messages = bench.push("GatewayUserTrade", [FILL, {**FILL, "price": None}, FILL])
    assert [type(m) for m in messages] == [FillReported, PayloadRejected, FillReported]
    assert bench.doubts == [(None, "GatewayUserTrade not understood", messages[1].correlation_id)]


def test_other_accounts_are_not_ours() -> None:
    bench = Bench()
    assert bench.push("GatewayUserPosition", {**POSITION, "accountId": 999}) == []
    assert bench.contracts == []


def test_an_unknown_order_status_is_passed_on_and_looked_up() -> None:
    bench = Bench()
    (message,) = bench.push("GatewayUserOrder", {**ORDER, "status": 77})
    assert isinstance(message, OrderReported)
    assert bench.doubts == [(101, "order status unknown", message.correlation_id)]


def test_market_events_come_in_several_forms() -> None:
    bench = Bench()
    quote = {"symbol": "F.US.MNQ", "bestBid": 1, "bestAsk": 2}
    for arguments in (
        (CONTRACT, quote),
        ([CONTRACT, quote],),
        ({**quote, "contractId": CONTRACT},),
    ):
        (message,) = bench.push("GatewayQuote", *arguments)
        assert isinstance(message, QuoteReported)
        assert message.conflation_key == CONTRACT
    trade = {"symbolId": "F.US.MNQ", "price": 3, "timestamp": "2026-05-06T13:36:03Z"}
    (message,) = bench.push("GatewayTrade", CONTRACT, [trade])
    assert isinstance(message, QuoteReported)
    assert (message.quote.bid, message.quote.last) == (1, 3)
    assert isinstance(bench.push("GatewayQuote", quote)[0], PayloadRejected)
    assert bench.doubts == []


def test_only_what_no_other_line_tells_is_told_in_whatever_form_it_comes() -> None:
    bench = Bench()
    quote = {"symbol": "F.US.MNQ", "bestBid": 1, "bestAsk": 2}
    trade = {"price": 3, "timestamp": "2026-05-06T13:36:03Z"}

    def told() -> list[str | None]:
        """Push quotes and trades of two contracts, with the contract beside and inside."""
        before = len(bench.emitted)
        for contract_id in (CONTRACT, "CON.F.US.OTHER.Z26"):
            for target, data in (("GatewayQuote", quote), ("GatewayTrade", trade)):
                bench.push(target, contract_id, data)
                bench.push(target, {**data, "contractId": contract_id})
        return [message.conflation_key for message in bench.emitted[before:]]

    assert len(told()) == 8
    bench.inbound.tells_only = (CONTRACT,)
    assert told() == [CONTRACT] * 4
    before = len(bench.emitted)
    bench.inbound.repeat_quotes()
    assert [message.conflation_key for message in bench.emitted[before:]] == [CONTRACT]
    bench.inbound.tells_only = ()
    assert told() == []


def test_a_logout_names_its_hub() -> None:
    bench = Bench()
    bench.push("GatewayLogout", {"reason": "maintenance"})
    assert bench.logouts == ["user"]


def test_an_emit_that_fails_stays_inside() -> None:
    bench = Bench()

    def fail(_message: Message) -> None:
        raise RuntimeError("mailbox closed")

    inbound = Inbound(
        frozenset({101}),
        FixedClock(),
        CorrelationIds(NOW_NS),
        fail,
        bench.contracts.append,
        lambda *_: None,
        bench.logouts.append,
    )
    bench.handlers.clear()
    inbound.attach_user(bench, lambda: True)
    inbound.attach_market(bench, lambda: True)
    bench.handlers["GatewayUserPosition"](POSITION)
    bench.handlers["GatewayUserPosition"]("junk")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["action", "data", "id", "accountId", "size", "bestBid"]), inner
        )
    ),
    max_leaves=10,
)


@given(
    st.sampled_from(
        [
            "GatewayUserAccount",
            "GatewayUserPosition",
            "GatewayUserOrder",
            "GatewayUserTrade",
            "GatewayQuote",
            "GatewayTrade",
            "GatewayLogout",
        ]
    ),
    st.lists(VALUES, max_size=3),
)
def test_no_event_leaves_an_exception(target: str, arguments: list[Any]) -> None:
    Bench().push(target, *arguments)
