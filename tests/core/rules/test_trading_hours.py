"""Rule 006: nothing is open outside the trading windows."""

from datetime import date, time
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    CHICAGO,
    CORN,
    ES,
    MNQ,
    MS,
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

from risk_actors.core.broker import OrderStatus
from risk_actors.core.holidays import Holiday
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.news import NewsCalendar
from risk_actors.core.rules.base import RuleContext
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.rules.trading_hours import TradingHours, TradingHoursSettings
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown

NS = 1
GC = "CON.F.US.GCE.Z26"
EURO = "CON.F.US.EU6.Z26"
CRYPTO = "CON.F.US.MBT.X26"

SESSION = {"days": ["Sun-Thu"], "start": "17:00", "end": "15:10"}
"""Flat by 15:10 in Chicago, Friday too; again from 17:00."""
DAY = {"days": ["Mon-Fri"], "start": "08:30", "end": "15:10"}
OF_CORN = {"days": ["Mon-Fri"], "start": "08:30", "end": "13:15", "symbols": ["ZC"]}


def trading_hours(*windows: dict[str, Any], **settings: Any) -> Any:
    return rule("trading_hours", windows=list(windows), **settings)


def is_broken(judging: Any, fact: Any, now_ns: int) -> bool:
    verdict = judge(judging, fact, now_ns)
    assert isinstance(verdict, Ok | Breached), verdict
    return isinstance(verdict, Breached)


def breach_at(judging: Any, fact: Any, now_ns: int) -> Breached:
    verdict = judge(judging, fact, now_ns)
    assert isinstance(verdict, Breached), verdict
    return verdict


def locked(until_ns: int, contract_id: str | None = None) -> LockTerms:
    return LockTerms(contract_id=contract_id, end=LockEnd.INSTANT, until_ns=until_ns)


HOLDING = account(held(1, contract=ES))


@pytest.mark.parametrize(
    ("windows", "settings", "ends", "opens"),
    [
        ([DAY], {}, at(2026, 11, 17, 15, 10), at(2026, 11, 18, 8, 30)),
        ([DAY], {}, at(2026, 11, 20, 15, 10), at(2026, 11, 23, 8, 30)),
        ([SESSION], {}, at(2026, 11, 17, 15, 10), at(2026, 11, 17, 17)),
        ([SESSION], {}, at(2026, 11, 20, 15, 10), at(2026, 11, 22, 17)),
        # Two minutes before the end.
        (
            [SESSION],
            {"flatten_before_close_s": 120},
            at(2026, 11, 17, 15, 8),
            at(2026, 11, 17, 17),
        ),
        # The clocks change on the night to Sunday 2026-03-08 and to Sunday 2026-11-01.
        ([SESSION], {}, at(2026, 3, 6, 15, 10), at(2026, 3, 8, 17)),
        ([SESSION], {}, at(2026, 3, 9, 15, 10), at(2026, 3, 9, 17)),
        ([SESSION], {}, at(2026, 10, 30, 15, 10), at(2026, 11, 1, 17)),
        ([SESSION], {}, at(2026, 11, 2, 15, 10), at(2026, 11, 2, 17)),
        # A window over midnight through the change of the clocks.
        (
            [{"days": ["Sat"], "start": "20:00", "end": "02:30"}],
            {},
            at(2026, 3, 8, 3),
            at(2026, 3, 14, 20),
        ),
        (
            [{"days": ["Sat"], "start": "20:00", "end": "01:30"}],
            {},
            at(2026, 11, 1, 1, 30, fold=0),
            at(2026, 11, 7, 20),
        ),
        # Holidays switched off.
        ([SESSION], {"holidays": False}, at(2026, 11, 26, 15, 10), at(2026, 11, 26, 17)),
        ([SESSION], {"holidays": False}, at(2026, 12, 24, 15, 10), at(2026, 12, 24, 17)),
    ],
)
def test_the_account_is_locked_from_a_windows_end_to_the_next_opening(
    windows: list[dict[str, Any]], settings: dict[str, Any], ends: int, opens: int
) -> None:
    judging = trading_hours(*windows, **settings)

    for kept in (ends - S, ends - NS, opens, opens + S):
        assert judge(judging, HOLDING, kept) == Ok()
    for broken in (ends, ends + NS, ends + S, opens - S, opens - NS):
        breach = breach_at(judging, HOLDING, broken)
        assert breach.action == Flatten()
        assert breach.locks == (locked(opens),)
        assert breach.cause == breach_at(judging, HOLDING, ends).cause


@pytest.mark.parametrize(
    ("contract", "ends", "opens"),
    [
        # Thanksgiving 2026 and the day after it.
        (ES, at(2026, 11, 26, 12), at(2026, 11, 26, 17)),
        (GC, at(2026, 11, 26, 13, 30), at(2026, 11, 26, 17)),
        (ES, at(2026, 11, 27, 12, 15), at(2026, 11, 29, 17)),
        (GC, at(2026, 11, 27, 13, 45), at(2026, 11, 29, 17)),
        (EURO, at(2026, 11, 27, 12, 15), at(2026, 11, 29, 17)),
        # Christmas Eve, then Christmas on Friday: closed until Sunday.
        (ES, at(2026, 12, 24, 12, 15), at(2026, 12, 27, 17)),
        # Juneteenth on a Friday.
        (GC, at(2026, 6, 19, 12), at(2026, 6, 21, 17)),
    ],
)
def test_an_early_close_locks_the_contracts_of_that_market_alone(
    contract: str, ends: int, opens: int
) -> None:
    judging = trading_hours(SESSION)
    fact = account(held(1, contract=contract))

    assert judge(judging, fact, ends - S) == Ok()
    assert judge(judging, fact, ends - NS) == Ok()
    for broken in (ends, ends + S):
        breach = breach_at(judging, fact, broken)
        assert breach.action == Flatten(contract_ids=(contract,))
        assert breach.locks == (locked(opens, contract),)
        assert breach.contract_id == contract
    assert judging.next_open_ns("ES" if contract == ES else "GC", ends) == opens


def test_all_is_closed_before_an_early_close_too() -> None:
    judging = trading_hours(SESSION, flatten_before_close_s=300)
    ends = at(2026, 11, 27, 12, 10)

    assert not is_broken(judging, HOLDING, ends - NS)
    assert is_broken(judging, HOLDING, ends)


def test_markets_that_a_holiday_leaves_open_trade_on() -> None:
    judging = trading_hours(SESSION)
    noon = at(2026, 11, 26, 12)
    fact = account(held(1, contract=ES), held(1, contract=EURO), held(2, contract=CRYPTO))

    assert breach_at(judging, fact, noon).action == Flatten(contract_ids=(ES,))
    assert not is_broken(judging, account(held(1, contract=EURO)), noon)


def test_after_the_hours_themselves_a_holiday_only_moves_the_next_opening() -> None:
    judging = trading_hours(DAY)
    evening = at(2026, 12, 24, 15, 10)

    assert breach_at(judging, HOLDING, evening).locks == (locked(at(2026, 12, 28, 8, 30)),)
    # Metals are closed on Good Friday, but the account may trade others from the evening before.
    metals = account(held(1, contract=GC))
    session = trading_hours(SESSION)
    thursday = at(2026, 4, 2, 15, 10)
    assert breach_at(session, metals, thursday).locks == (locked(at(2026, 4, 2, 17)),)
    assert breach_at(session, metals, at(2026, 4, 2, 17)).locks == (locked(at(2026, 4, 5, 17), GC),)
    # Crypto trades on Christmas Day, so who holds it may go on then.
    crypto = account(held(1, contract=CRYPTO))
    assert breach_at(judging, crypto, evening).locks == (locked(at(2026, 12, 25, 8, 30)),)


def test_a_holiday_of_ones_own_wins() -> None:
    market = MarketCalendar([Holiday(day=date(2026, 11, 17), closes=time(10))])
    context = RuleContext(chicago_calendar(), market, NewsCalendar())
    table = {"type": "trading_hours", "id": "hours", "windows": [DAY]}
    judging = TradingHours(msgspec.convert(table, TradingHoursSettings), context)
    ends = at(2026, 11, 17, 10)

    assert not is_broken(judging, HOLDING, ends - NS)
    assert breach_at(judging, HOLDING, ends).locks == (locked(at(2026, 11, 18, 8, 30), ES),)


# --- what counts as open --------------------------------------------------------------------

AFTER_HOURS = at(2026, 11, 17, 15, 30)


@pytest.mark.parametrize(
    ("fact", "broken"),
    [
        (account(), False),
        (account(held(1)), True),
        (account(held(-3)), True),
        (account(held(0, fills_size=1)), True),
        (account(orders=(order(1, BUY),)), True),
        (account(orders=(order(1, BUY, status=OrderStatus.SUSPENDED),)), True),
        # An exit is cancelled too: its position is flattened in the same stroke.
        (account(held(1), orders=(order(1, SELL),)), True),
    ],
)
def test_a_position_or_an_order_alone_is_enough_and_a_flat_account_never_breaks(
    fact: Any, *, broken: bool
) -> None:
    assert is_broken(trading_hours(SESSION), fact, AFTER_HOURS) is broken
    assert not is_broken(trading_hours(SESSION), fact, NOON)


def test_an_entry_between_windows_breaks_at_once_with_a_cause_of_its_own() -> None:
    judging = trading_hours(SESSION)

    friday = breach_at(judging, HOLDING, at(2026, 11, 20, 15, 10))
    saturday = breach_at(judging, HOLDING, at(2026, 11, 21, 12))
    tuesday = breach_at(judging, HOLDING, AFTER_HOURS)

    assert friday.cause == saturday.cause != tuesday.cause


def test_the_same_fact_twice_and_in_the_middle_of_a_day_says_the_same() -> None:
    judging = trading_hours(SESSION)

    first = breach_at(judging, HOLDING, AFTER_HOURS)
    again = breach_at(judging, HOLDING, AFTER_HOURS + 30 * MS)

    assert (first.cause, first.locks) == (again.cause, again.locks)


def test_two_accounts_are_judged_each_by_itself() -> None:
    judging = trading_hours(SESSION)
    other = msgspec.structs.replace(account(), account_id=202)

    assert is_broken(judging, HOLDING, AFTER_HOURS)
    assert not is_broken(judging, other, AFTER_HOURS)
    assert is_broken(judging, HOLDING, AFTER_HOURS + S)


def test_nothing_need_outlive_a_run() -> None:
    judging = trading_hours(SESSION)
    state, before = judging.evaluate(judging.initial_state(), HOLDING, AFTER_HOURS)

    restored = decode_memory(judging, encode_memory(RuleMemory(state=state))).state
    _, after = judging.evaluate(restored, HOLDING, AFTER_HOURS)

    assert restored == state
    assert after == before


def test_positions_not_yet_read_are_unknown_never_ok() -> None:
    judging = trading_hours(SESSION)

    for now_ns in (NOON, AFTER_HOURS):
        assert isinstance(judge(judging, account(is_reconciled=False), now_ns), Unknown)


# --- windows of some symbols ----------------------------------------------------------------


def test_a_symbol_with_windows_of_its_own_is_locked_by_itself() -> None:
    judging = trading_hours(SESSION, OF_CORN)
    fact = account(held(1, contract=CORN, symbol="ZC"), held(1), named_symbols={CORN: "ZC"})
    ends = at(2026, 11, 17, 13, 15)

    assert not is_broken(judging, fact, ends - NS)
    breach = breach_at(judging, fact, ends)
    assert breach.action == Flatten(contract_ids=(CORN,))
    assert breach.locks == (locked(at(2026, 11, 18, 8, 30), CORN),)

    both = breach_at(judging, fact, AFTER_HOURS)
    assert both.action == Flatten(contract_ids=(MNQ, CORN))
    assert both.locks == (
        locked(at(2026, 11, 17, 17), MNQ),
        locked(at(2026, 11, 18, 8, 30), CORN),
    )
    assert both.cause != breach.cause


def test_without_windows_for_all_other_symbols_may_be_traded_at_any_time() -> None:
    judging = trading_hours(OF_CORN)

    assert not is_broken(judging, account(held(1)), at(2026, 11, 21, 12))


def test_a_product_that_the_broker_has_not_named_yet_is_unknown_where_the_name_matters() -> None:
    unnamed = account(held(1, contract=CORN))

    assert isinstance(judge(trading_hours(SESSION, OF_CORN), unnamed, NOON), Unknown)
    assert judge(trading_hours(SESSION), unnamed, NOON) == Ok()
    with_another = account(held(1, contract=CORN), held(1))
    breach = breach_at(trading_hours(SESSION, OF_CORN), with_another, AFTER_HOURS)
    assert breach.action == Flatten(contract_ids=(MNQ,))


# --- when to look again ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "now_ns", "look_ns"),
    [
        (account(), NOON, None),
        (HOLDING, NOON, at(2026, 11, 17, 15, 8)),
        (HOLDING, at(2026, 11, 17, 15, 8) - NS, at(2026, 11, 17, 15, 8)),
        (HOLDING, at(2026, 11, 17, 15, 8), at(2026, 11, 17, 17)),
        (HOLDING, at(2026, 11, 26, 9), at(2026, 11, 26, 11, 58)),
        # The first of several to change: corn is flat two minutes before 13:15.
        (
            account(
                held(1, contract=CORN, symbol="ZC"),
                orders=(order(1, BUY, contract=ES),),
                named_symbols={CORN: "ZC"},
            ),
            NOON,
            at(2026, 11, 17, 13, 13),
        ),
    ],
)
def test_it_looks_again_when_time_alone_changes_the_verdict(
    fact: Any, now_ns: int, look_ns: int | None
) -> None:
    judging = trading_hours(SESSION, OF_CORN, flatten_before_close_s=120)

    assert judging.next_look_ns(None, fact, now_ns) == look_ns
    if look_ns is not None:
        assert is_broken(judging, fact, look_ns) is not is_broken(judging, fact, look_ns - NS)


# --- words ----------------------------------------------------------------------------------


def test_the_evidence_says_what_was_open_and_when_trading_begins_again() -> None:
    fact = account(held(2, contract=ES), held(-1), orders=(order(1, BUY),))

    breach = breach_at(trading_hours(SESSION), fact, at(2026, 11, 20, 15, 10))

    assert breach.evidence.sentence(CHICAGO) == (
        "2 ES, 1 MNQ and 1 working order in MNQ were open as trading hours ended at 15:10:00 CST;"
        " trading begins again on Sun at 17:00:00 CST"
    )


@pytest.mark.parametrize(
    ("early_s", "now_ns", "when"),
    [
        (180, at(2026, 11, 17, 15, 7), "180 s before trading hours end at 15:10:00 CST"),
        (180, at(2026, 11, 17, 15, 7) + 20 * MS, "180 s before trading hours end at 15:10:00 CST"),
        (180, at(2026, 11, 17, 15, 9, second=30), "30 s before trading hours end at 15:10:00 CST"),
        (180, at(2026, 11, 17, 15, 10), "as trading hours ended at 15:10:00 CST"),
        (0, at(2026, 11, 17, 15, 10) + S // 2, "as trading hours ended at 15:10:00 CST"),
        (0, at(2026, 11, 17, 15, 10, second=1), "outside the trading hours at 15:10:01 CST"),
        (180, at(2026, 11, 17, 16, 30), "outside the trading hours at 16:30:00 CST"),
        # An early close at 12:15.
        (180, at(2026, 11, 27, 12, 12), "180 s before trading hours end at 12:15:00 CST"),
    ],
)
def test_the_evidence_tells_before_the_end_from_outside(
    early_s: int, now_ns: int, when: str
) -> None:
    judging = trading_hours(SESSION, flatten_before_close_s=early_s)

    breach = breach_at(judging, account(held(2)), now_ns)

    sentence = breach.evidence.sentence(CHICAGO)
    assert sentence.startswith(f"2 MNQ was open {when}; trading begins again on ")


def test_one_symbol_outside_its_hours_makes_all_of_it_outside() -> None:
    corn = {"days": ["Mon-Fri"], "start": "08:30", "end": "13:15", "symbols": ["ZC"]}
    judging = trading_hours(SESSION, corn, flatten_before_close_s=180)
    fact = account(held(1, contract=CORN), held(-1), named_symbols={CORN: "ZC"})

    breach = breach_at(judging, fact, at(2026, 11, 17, 15, 8))

    assert "1 MNQ and 1 ZC were open outside the trading hours" in breach.evidence.sentence(CHICAGO)


@pytest.mark.parametrize(
    ("judging", "sentence"),
    [
        (
            trading_hours(SESSION, flatten_before_close_s=120),
            (
                "Trade only Sun-Thu 17:00-15:10 America/Chicago, less holidays and early closes;"
                " 120 s before the end and outside, flatten and lock the account until the next"
                " opening."
            ),
        ),
        (
            trading_hours(DAY, OF_CORN, holidays=False),
            (
                "Trade only Mon-Fri 08:30-15:10 America/Chicago; Mon-Fri 08:30-13:15"
                " America/Chicago for ZC; at the end and outside, flatten and lock the contract"
                " until the next opening."
            ),
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_times(judging: Any, sentence: str) -> None:
    assert judging.summary() == sentence


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"windows": []}, "length >= 1"),
        ({}, "missing required field `windows`"),
        ({"windows": [DAY | {"start": "noon"}]}, "`noon` is no time of day"),
        ({"windows": [DAY], "flatten_before_close_s": -1}, ">= 0"),
        (
            {"windows": [DAY | {"end": "08:40"}], "flatten_before_close_s": 600},
            "the window 08:30-08:40 is not longer than `flatten_before_close_s = 600`",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        rule("trading_hours", **settings)
