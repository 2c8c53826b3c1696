"""Silence of a contract: quiet, deaf, or closed."""

from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.projectx.quiet import QUIET_AT_MOST_NS, SKEW_NS, Finding, MarketEar

S = 1_000_000_000
NQ = "CON.F.US.ENQ.Z26"
SATURDAY_NS = 1_795_269_600 * S
"""2026-11-21 14:00 UTC."""
TUESDAY_NS = SATURDAY_NS + 3 * 86_400 * S
OPENED_NS = TUESDAY_NS - 3600 * S


def ear_that_heard(at_ns: int = TUESDAY_NS) -> MarketEar:
    ear = MarketEar(5 * S)
    ear.closed(at_ns - 60 * S)
    ear.opened(at_ns - 30 * S)
    ear.want(frozenset({NQ}), at_ns - 20 * S)
    ear.heard(NQ, at_ns)
    return ear


def test_silence_is_time_without_a_quote_that_could_have_come() -> None:
    ear = ear_that_heard()
    assert not ear.is_silent(NQ, OPENED_NS, TUESDAY_NS + 5 * S)
    assert ear.is_silent(NQ, OPENED_NS, TUESDAY_NS + 5 * S + 1)
    # From when it could have come: the connection, the opening, and that it is wanted.
    ear.opened(TUESDAY_NS + 60 * S)
    assert not ear.is_silent(NQ, OPENED_NS, TUESDAY_NS + 65 * S)
    assert not ear.is_silent(NQ, TUESDAY_NS + 62 * S, TUESDAY_NS + 67 * S)
    ear.want(frozenset(), TUESDAY_NS + 63 * S)
    ear.want(frozenset({NQ}), TUESDAY_NS + 64 * S)
    assert not ear.is_silent(NQ, OPENED_NS, TUESDAY_NS + 69 * S)
    assert ear.is_silent(NQ, OPENED_NS, TUESDAY_NS + 70 * S)


def test_a_closed_market_is_never_silent() -> None:
    market, ear = MarketCalendar(), ear_that_heard(SATURDAY_NS - 86_400 * S)
    assert market.opened_ns("NQ", SATURDAY_NS) is None
    assert not ear.is_silent(NQ, market.opened_ns("NQ", SATURDAY_NS), SATURDAY_NS)
    assert ear.is_silent(NQ, market.opened_ns("NQ", TUESDAY_NS), TUESDAY_NS)
    ear.closed(SATURDAY_NS)
    assert not ear.is_silent(NQ, None, SATURDAY_NS + 3600 * S)


def test_while_the_hub_is_down_every_open_market_is_silent_but_for_a_moment() -> None:
    ear = ear_that_heard()
    ear.closed(TUESDAY_NS)
    ear.closed(TUESDAY_NS + 10 * S)
    assert not ear.is_silent(NQ, OPENED_NS, TUESDAY_NS + S)
    assert ear.is_silent(NQ, OPENED_NS, TUESDAY_NS + S + 1)


def test_a_bar_shows_whether_the_hub_is_deaf() -> None:
    now_ns = TUESDAY_NS + 20 * S
    cases = [
        (TUESDAY_NS + SKEW_NS + 1, now_ns, Finding.DEAF),
        (TUESDAY_NS + SKEW_NS, now_ns, Finding.QUIET),
        (TUESDAY_NS - 900 * S, now_ns, Finding.QUIET),
        (None, now_ns, Finding.QUIET),
        (None, TUESDAY_NS + QUIET_AT_MOST_NS + 1, Finding.UNKNOWN),
    ]
    for newest_ns, at_ns, finding in cases:
        assert ear_that_heard().judge(NQ, OPENED_NS, newest_ns, at_ns) is finding, newest_ns
    ear = ear_that_heard()
    ear.closed(now_ns)
    assert ear.judge(NQ, OPENED_NS, now_ns, now_ns) is Finding.UNKNOWN


def test_reconnecting_for_a_contract_grows_slower_until_it_is_heard() -> None:
    ear = ear_that_heard()
    assert ear.may_kick(NQ, TUESDAY_NS)
    assert not ear.may_kick(NQ, TUESDAY_NS + S)
    assert ear.missed == {NQ}
    assert ear.heard(NQ, TUESDAY_NS + 2 * S)
    assert not ear.heard(NQ, TUESDAY_NS + 2 * S)
    assert ear.may_kick(NQ, TUESDAY_NS + 3 * S)
