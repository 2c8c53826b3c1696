"""A calendar that says closed is contradicted by trades, and by nothing less."""

from collections.abc import Iterable

import pytest

from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.market_proof import QUIET_AFTER_NS, MarketProof

S = 1_000_000_000
NQ = "CON.F.US.ENQ.Z26"
SATURDAY_NS = 1_795_269_600 * S
"""2026-11-21 14:00 UTC."""
CLOSE_NS = SATURDAY_NS - 16 * 3600 * S
"""Friday, 16:00 in Chicago."""


def proof_of(prices: Iterable[tuple[int, int]], base_ns: int = SATURDAY_NS) -> MarketProof:
    """Return what follows from prices at so many seconds after an instant."""
    proof = MarketProof(MarketCalendar())
    for at_s, price in prices:
        proof.stated(NQ, "NQ", price, base_ns + at_s * S)
    return proof


@pytest.mark.parametrize(
    ("prices", "since_s"),
    [
        (((0, 100), (10, 101)), 10),
        (((0, 100), (10, 101), (3000, 101)), 10),
        (((0, 100), (10, 100), (20, 99), (30, 98)), 20),
        # Once told, or told again: nothing was traded.
        (((0, 100),), None),
        (((0, 100), (10, 100), (20, 100)), None),
        # The market may have been open between them.
        (((0, 100), (3000, 101)), None),
        ((), None),
    ],
)
def test_a_price_that_moves_while_closed_proves_the_market_open(
    prices: tuple[tuple[int, int], ...], since_s: int | None
) -> None:
    known_ns = proof_of(prices).open_since_ns(NQ, SATURDAY_NS + 3000 * S)
    assert known_ns == (None if since_s is None else SATURDAY_NS + since_s * S)


@pytest.mark.parametrize(
    "prices",
    [
        # The last trades of the session, told late.
        ((-5, 100), (-1, 101), (1, 102), (30, 103)),
        ((-5, 100), (59, 101)),
        # The first after the close may be the last of the session.
        ((-5, 100), (70, 101), (80, 101)),
    ],
)
def test_i7_the_end_of_a_session_proves_nothing(prices: tuple[tuple[int, int], ...]) -> None:
    assert proof_of(prices, CLOSE_NS).open_since_ns(NQ, CLOSE_NS + 90 * S) is None


def test_after_long_quiet_the_calendar_is_believed_again() -> None:
    proof = proof_of(((0, 100), (10, 101)))
    last_ns = SATURDAY_NS + 10 * S
    assert proof.open_since_ns(NQ, last_ns + QUIET_AFTER_NS) == last_ns
    assert proof.open_since_ns(NQ, last_ns + QUIET_AFTER_NS + 1) is None
    proof.traded(NQ, "NQ", last_ns + 2 * QUIET_AFTER_NS)
    assert proof.open_since_ns(NQ, last_ns + 2 * QUIET_AFTER_NS) == last_ns + 2 * QUIET_AFTER_NS


def test_a_fill_is_enough_but_not_one_of_the_session() -> None:
    proof = MarketProof(MarketCalendar())
    proof.traded(NQ, "NQ", CLOSE_NS + 30 * S)
    assert proof.open_since_ns(NQ, SATURDAY_NS) is None
    proof.traded(NQ, "NQ", SATURDAY_NS)
    assert proof.open_since_ns(NQ, SATURDAY_NS + S) == SATURDAY_NS
