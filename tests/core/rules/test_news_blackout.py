"""Rule 021: nothing is open around news."""

from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    CHICAGO,
    CORN,
    ES,
    MNQ,
    NOON,
    SELL,
    S,
    account,
    at,
    chicago_calendar,
    held,
    judge,
    order,
    rule,
)

from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.news import NewsCalendar, NewsEvent
from risk_actors.core.rules.base import RuleContext
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.rules.news_blackout import NewsBlackout, NewsBlackoutSettings
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown

NS = 1
CRUDE = "CON.F.US.CLE.F27"


def news(after_noon_s: int, name: str = "CPI", *symbols: str, **own: Any) -> NewsEvent:
    return NewsEvent(at_ns=NOON + after_noon_s * S, name=name, symbols=symbols, **own)


def news_blackout(*events: NewsEvent, **settings: Any) -> NewsBlackout:
    """Return a rule of 60 s before and 120 s after, unless it says otherwise."""
    table = {"type": "news_blackout", "id": "news", "before_s": 60, "after_s": 120, **settings}
    context = RuleContext(chicago_calendar(), MarketCalendar(), NewsCalendar(events))
    return NewsBlackout(msgspec.convert(table, NewsBlackoutSettings), context)


def is_broken(judging: NewsBlackout, fact: Any, now_ns: int) -> bool:
    verdict = judge(judging, fact, now_ns)
    assert isinstance(verdict, Ok | Breached), verdict
    return isinstance(verdict, Breached)


def breach_at(judging: NewsBlackout, fact: Any, now_ns: int) -> Breached:
    verdict = judge(judging, fact, now_ns)
    assert isinstance(verdict, Breached), verdict
    return verdict


def locked(after_noon_s: int, contract_id: str | None = None) -> LockTerms:
    until_ns = NOON + after_noon_s * S
    return LockTerms(contract_id=contract_id, end=LockEnd.INSTANT, until_ns=until_ns)


HOLDING = account(held(1, contract=ES))


@pytest.mark.parametrize(
    ("events", "settings", "starts_s", "ends_s"),
    [
        ([news(0)], {}, -60, 120),
        ([news(0)], {"before_s": 0}, 0, 120),
        ([news(0)], {"after_s": 0}, -60, 0),
        ([news(0, before_s=5, after_s=10)], {}, -5, 10),
        ([news(0, after_s=600)], {}, -60, 600),
        # Overlapping and touching windows are one.
        ([news(0), news(100)], {}, -60, 220),
        ([news(180), news(0)], {}, -60, 300),
        ([news(0, after_s=900), news(300)], {}, -60, 900),
    ],
)
def test_the_account_is_locked_until_the_blackout_ends(
    events: list[NewsEvent], settings: dict[str, Any], starts_s: int, ends_s: int
) -> None:
    judging = news_blackout(*events, **settings)
    starts, ends = NOON + starts_s * S, NOON + ends_s * S

    for kept in (starts - S, starts - NS, ends, ends + S):
        assert judge(judging, HOLDING, kept) == Ok()
    for broken in (starts, starts + S, ends - S, ends - NS):
        breach = breach_at(judging, HOLDING, broken)
        assert breach.action == Flatten()
        assert breach.locks == (locked(ends_s),)
        assert breach.cause == breach_at(judging, HOLDING, starts).cause


@pytest.mark.parametrize(
    ("news_at", "starts"),
    [
        # News at 08:30 in New York on the Mondays after both changes of the clocks.
        (at(2026, 3, 9, 7, 30), at(2026, 3, 9, 7, 29)),
        (at(2026, 11, 2, 7, 30), at(2026, 11, 2, 7, 29)),
        # In the hour that comes twice, and across midnight.
        (at(2026, 11, 1, 1, 30, fold=1), at(2026, 11, 1, 1, 29, fold=1)),
        (at(2026, 11, 17), at(2026, 11, 16, 23, 59)),
    ],
)
def test_news_is_an_instant_whatever_the_clocks_do(news_at: int, starts: int) -> None:
    judging = news_blackout(NewsEvent(at_ns=news_at, name="CPI"))

    assert not is_broken(judging, HOLDING, starts - NS)
    assert is_broken(judging, HOLDING, starts)


@pytest.mark.parametrize(
    ("fact", "broken"),
    [
        (account(), False),
        (account(held(-2)), True),
        (account(held(0, fills_size=1)), True),
        (account(orders=(order(1, BUY),)), True),
        (account(held(1), orders=(order(1, SELL),)), True),
    ],
)
def test_a_position_or_an_order_alone_is_enough(fact: Any, *, broken: bool) -> None:
    assert is_broken(news_blackout(news(0)), fact, NOON) is broken


def test_two_blackouts_are_two_causes_and_the_same_fact_twice_is_one() -> None:
    judging = news_blackout(news(0), news(3600))

    first = breach_at(judging, HOLDING, NOON)
    again = breach_at(judging, HOLDING, NOON + S)
    later = breach_at(judging, HOLDING, NOON + 3600 * S)

    assert first.cause == again.cause != later.cause


def test_news_about_symbols_locks_their_contracts_alone() -> None:
    judging = news_blackout(news(0, "EIA", "CL", "MCL"))
    fact = account(held(1, contract=CRUDE), held(1, contract=ES))

    breach = breach_at(judging, fact, NOON)

    assert breach.action == Flatten(contract_ids=(CRUDE,))
    assert breach.locks == (locked(120, CRUDE),)
    assert not is_broken(judging, HOLDING, NOON)


def test_where_both_overlap_the_contracts_stay_locked_for_longer() -> None:
    judging = news_blackout(news(0, "CPI"), news(90, "EIA", "CL"))
    fact = account(held(1, contract=CRUDE), held(1, contract=ES))

    breach = breach_at(judging, fact, NOON)

    assert breach.action == Flatten()
    assert breach.locks == (locked(120), locked(210, CRUDE))
    assert breach_at(judging, fact, NOON + 120 * S).locks == (locked(210, CRUDE),)


def test_a_rule_for_some_symbols_leaves_the_others_alone() -> None:
    judging = news_blackout(news(0), symbols=["cl", "ES"])
    fact = account(held(1), held(1, contract=ES))

    breach = breach_at(judging, fact, NOON)

    assert breach.action == Flatten(contract_ids=(ES,))
    assert breach.locks == (locked(120, ES),)
    assert not is_broken(judging, account(held(1)), NOON)


def test_a_product_that_the_broker_has_not_named_yet_is_unknown_where_the_name_matters() -> None:
    unnamed = account(held(1, contract=CORN))

    assert isinstance(judge(news_blackout(news(0, "WASDE", "ZC")), unnamed, NOON), Unknown)
    assert judge(news_blackout(news(0, "EIA", "CL")), unnamed, NOON) == Ok()
    assert is_broken(news_blackout(news(0)), unnamed, NOON)
    named = account(held(1, contract=CORN, symbol="ZC"), named_symbols={CORN: "ZC"})
    assert is_broken(news_blackout(news(0, "WASDE", "ZC")), named, NOON)


def test_positions_not_yet_read_are_unknown_never_ok() -> None:
    assert isinstance(judge(news_blackout(), account(is_reconciled=False)), Unknown)


def test_two_accounts_are_judged_each_by_itself() -> None:
    judging = news_blackout(news(0))
    other = msgspec.structs.replace(account(), account_id=202)

    assert is_broken(judging, HOLDING, NOON)
    assert not is_broken(judging, other, NOON)
    assert is_broken(judging, HOLDING, NOON)


def test_nothing_need_outlive_a_run() -> None:
    judging = news_blackout(news(0))
    state, before = judging.evaluate(judging.initial_state(), HOLDING, NOON)

    restored = decode_memory(judging, encode_memory(RuleMemory(state=state))).state

    assert judging.evaluate(restored, HOLDING, NOON) == (state, before)


@pytest.mark.parametrize(
    ("fact", "now_s", "look_s"),
    [
        (account(), -1000, None),
        (HOLDING, -1000, -60),
        (HOLDING, -60, 120),
        (HOLDING, 0, 120),
        (HOLDING, 120, 3540),
        (HOLDING, 3720, None),
        (account(held(1), orders=(order(1, BUY, contract=CRUDE),)), 120, 540),
    ],
)
def test_it_looks_again_when_time_alone_changes_the_verdict(
    fact: Any, now_s: int, look_s: int | None
) -> None:
    judging = news_blackout(news(0), news(600, "EIA", "CL"), news(3600))
    look_ns = judging.next_look_ns(None, fact, NOON + now_s * S)

    assert look_ns == (None if look_s is None else NOON + look_s * S)
    if look_ns is not None:
        assert is_broken(judging, fact, look_ns) is not is_broken(judging, fact, look_ns - NS)


def test_the_evidence_names_the_news_and_the_end() -> None:
    judging = news_blackout(news(0, "FOMC"), news(60, "Powell"))
    fact = account(held(1, contract=ES), orders=(order(1, BUY, contract=MNQ),))

    breach = breach_at(judging, fact, NOON)

    assert breach.evidence.sentence(CHICAGO) == (
        "ES, MNQ was open at 12:00:00 CST, in the blackout around FOMC, Powell until 12:03:00 CST"
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {},
            (
                "Nothing may be open from 60 s before news until 120 s after it (1 known); else"
                " flatten and lock the account (or the contracts the news is about) until then."
            ),
        ),
        (
            {"symbols": ["es", "NQ"]},
            (
                "Nothing of ES, NQ may be open from 60 s before news until 120 s after it (1"
                " known); else flatten and lock the contract until then."
            ),
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    assert news_blackout(news(0), **settings).summary() == sentence


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"before_s": 0, "after_s": 0}, "`before_s` or `after_s` must be more than 0"),
        ({"before_s": -1, "after_s": 5}, ">= 0"),
        ({"before_s": 5}, "missing required field `after_s`"),
        ({"before_s": 5, "after_s": 5, "symbols": ["EP"]}, "write `ES`"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        rule("news_blackout", **settings)
