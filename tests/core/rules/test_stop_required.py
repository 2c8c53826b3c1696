"""Rule 016: a position must have working stops that cover its whole size."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    ES,
    MNQ,
    NOON,
    SELL,
    S,
    account,
    at,
    fill,
    held,
    judge,
    order,
    position,
    restored,
    rule,
    snapshot,
    stop,
)
from core.desk import RuleDesk

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import OrderStatus, OrderType
from risk_actors.core.verdict import Breached, Flatten, Ok, Unknown, Verdict, Warned

GRACE_S = 10


def stop_required(**settings: Any) -> Any:
    return rule("stop_required", **({"grace_s": GRACE_S} | settings))


class Watch:
    """A rule that is shown accounts at instants; keeps its state as the actor does."""

    def __init__(self, **settings: Any) -> None:
        self.rule = stop_required(**settings)
        self.state = self.rule.initial_state()

    def at(self, after_s: float, fact: AccountState) -> Verdict:
        now_ns = NOON + round(after_s * S)
        self.state, verdict = self.rule.evaluate(self.state, fact, now_ns)
        return verdict


def is_uncovered(fact: AccountState) -> bool:
    state, _ = stop_required().evaluate((), fact, NOON)
    return bool(state)


NAKED = account(held(2))
COVERED = account(held(2), orders=(stop(7, SELL, 2),))


@pytest.mark.parametrize(
    ("after_s", "kind"),
    [(0, Ok), (9, Ok), (9.999_999_999, Ok), (10, Breached), (10.000_000_001, Breached)],
)
def test_a_naked_position_goes_when_the_grace_is_over(after_s: float, kind: type) -> None:
    watch = Watch()
    watch.at(0, NAKED)

    verdict = watch.at(after_s, NAKED)

    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (int(after_s), Decimal(GRACE_S))


def test_only_that_contract_goes_and_nothing_is_locked() -> None:
    watch = Watch()
    fact = account(held(2), held(1, contract=ES), orders=(stop(7, SELL, 1, contract=ES),))
    watch.at(0, fact)

    breach = watch.at(10, fact)

    assert isinstance(breach, Breached)
    assert breach.action == Flatten(contract_ids=(MNQ,))
    assert breach.locks == ()
    assert breach.evidence.sentence() == (
        "Stops covered 0 of 2 MNQ long since 18:00:00 UTC;"
        " the grace of 10 s was over at 18:00:10 UTC"
    )


@pytest.mark.parametrize(
    ("orders", "uncovered"),
    [
        ((), True),
        ((stop(7, SELL, 2),), False),
        ((stop(7, SELL, 3),), False),
        ((stop(7, SELL, 1),), True),
        ((stop(7, SELL, 1), stop(8, SELL, 1)), False),
        ((stop(7, SELL, 1, kind=OrderType.TRAILING_STOP), stop(8, SELL, 1)), False),
        ((stop(7, SELL, 2, kind=OrderType.STOP_LIMIT),), False),
        ((stop(7, SELL, 2, status=OrderStatus.PENDING),), False),
        ((stop(7, SELL, 2, status=OrderStatus.SUSPENDED, parent=1),), True),
        ((stop(7, SELL, 2, status=OrderStatus.PENDING_CANCELLATION),), True),
        ((stop(7, SELL, 2, filled=1),), True),
        ((stop(7, BUY, 2),), True),
        ((stop(7, SELL, 2, contract=ES),), True),
        ((order(7, SELL, 2),), True),
        ((order(7, SELL, 2, kind=OrderType.MARKET),), True),
    ],
)
def test_what_covers(orders: tuple[Any, ...], *, uncovered: bool) -> None:
    assert is_uncovered(account(held(2), orders=orders)) is uncovered


def test_a_short_is_covered_by_buy_stops() -> None:
    assert not is_uncovered(account(held(-2), orders=(stop(7, BUY, 2),)))
    assert is_uncovered(account(held(-2), orders=(stop(7, SELL, 2),)))


@pytest.mark.parametrize(("size", "fills_size"), [(1, 2), (2, 1), (0, 2), (2, 0)], ids=str)
def test_while_fills_and_report_differ_the_larger_size_must_be_covered(
    size: int, fills_size: int
) -> None:
    unsettled = held(size, fills_size=fills_size)

    assert is_uncovered(account(unsettled, orders=(stop(7, SELL, 1),)))
    assert not is_uncovered(account(unsettled, orders=(stop(7, SELL, 2),)))


def test_being_covered_again_gives_a_new_grace() -> None:
    watch = Watch()
    watch.at(0, NAKED)
    watch.at(9, COVERED)

    assert isinstance(watch.at(11, NAKED), Ok)
    assert isinstance(watch.at(20.9, NAKED), Ok)
    assert isinstance(watch.at(21, NAKED), Breached)


def test_growing_beyond_the_stops_begins_a_grace() -> None:
    watch = Watch()
    grown = account(held(3), orders=(stop(7, SELL, 2),))
    watch.at(0, COVERED)
    watch.at(100, grown)

    assert isinstance(watch.at(109, grown), Ok)
    verdict = watch.at(110, grown)
    assert isinstance(verdict, Breached)
    assert "covered 2 of 3" in verdict.evidence.sentence()


def test_growing_while_uncovered_gives_no_new_grace() -> None:
    """Else a trader who keeps adding would never need a stop."""
    watch = Watch()
    for second in range(10):
        assert isinstance(watch.at(second, account(held(1 + second))), Ok)

    assert isinstance(watch.at(10, account(held(11))), Breached)


def test_a_position_that_changed_sides_is_another_one() -> None:
    watch = Watch()
    watch.at(0, NAKED)
    watch.at(8, account(held(-1)))

    assert isinstance(watch.at(17.9, account(held(-1))), Ok)
    assert isinstance(watch.at(18, account(held(-1))), Breached)


def test_the_breach_lasts_as_one_cause_until_the_position_is_covered_or_gone() -> None:
    watch = Watch()
    watch.at(0, NAKED)

    first, later = watch.at(10, NAKED), watch.at(15, account(held(1)))

    assert isinstance(first, Breached)
    assert isinstance(later, Breached)
    assert first.cause == later.cause
    assert isinstance(watch.at(16, account()), Ok)
    assert watch.state == ()


def test_another_naked_contract_is_another_cause() -> None:
    watch = Watch()
    both = account(held(2), held(1, contract=ES))
    watch.at(0, NAKED)
    watch.at(5, both)

    first, second = watch.at(10, both), watch.at(15, both)

    assert isinstance(first, Breached)
    assert isinstance(second, Breached)
    assert first.action == Flatten(contract_ids=(MNQ,))
    assert second.action == Flatten(contract_ids=(MNQ, ES))
    assert first.cause != second.cause


def test_the_next_look_is_the_end_of_the_next_grace() -> None:
    watch = Watch(warn_at=[0.5])
    both = account(held(2), held(1, contract=ES))
    watch.at(0, NAKED)
    watch.at(8, both)

    def look(after_s: float) -> float | None:
        look_ns = watch.rule.next_look_ns(watch.state, both, NOON + round(after_s * S))
        return None if look_ns is None else (look_ns - NOON) / S

    assert [look(0), look(5), look(10), look(13), look(18)] == [5, 10, 13, 18, None]
    assert stop_required().next_look_ns((), COVERED, NOON) is None
    assert watch.rule.next_look_ns(watch.state, account(is_reconciled=False), NOON) is None


def test_fractions_of_the_grace_warn() -> None:
    watch = Watch(warn_at=[0.8, 0.5])
    verdicts = [watch.at(second, NAKED) for second in (0, 4.9, 5, 8)]

    assert [type(v) for v in verdicts] == [Ok, Ok, Warned, Warned]
    assert [v.fraction for v in verdicts if isinstance(v, Warned)] == [0.5, 0.8]
    assert len({v.cause for v in verdicts if isinstance(v, Warned)}) == 1


def test_before_positions_and_orders_are_read_it_is_unknown_and_nothing_is_forgotten() -> None:
    watch = Watch()
    watch.at(0, NAKED)

    unread = watch.at(5, account(is_reconciled=False))

    assert isinstance(unread, Unknown)
    assert isinstance(watch.at(10, NAKED), Breached)


def test_a_start_in_the_middle_of_a_day_gives_the_grace_from_then() -> None:
    """Since when it is uncovered is not known: it may have lost its stop just now."""
    watch = Watch()
    old = account(held(2, opened_ns=NOON - 3600 * S))

    assert isinstance(watch.at(0, old), Ok)
    assert isinstance(watch.at(10, old), Breached)


def test_a_restart_goes_on_with_the_grace_that_was_running() -> None:
    watch = Watch()
    watch.at(0, NAKED)
    watch.state = restored(watch.rule, watch.state)

    assert isinstance(watch.at(9.9, NAKED), Ok)
    assert isinstance(watch.at(10, NAKED), Breached)


def test_a_position_that_was_opened_while_the_system_was_down_has_its_own_grace() -> None:
    watch = Watch()
    watch.at(0, NAKED)
    watch.state = restored(watch.rule, watch.state)
    newer = account(held(1, opened_ns=NOON + 55 * S))

    assert isinstance(watch.at(60, newer), Ok)
    assert isinstance(watch.at(65, newer), Breached)


def test_a_clock_that_is_set_back_makes_no_grace_longer() -> None:
    watch = Watch()
    watch.at(0, NAKED)
    watch.at(-3600, NAKED)

    assert isinstance(watch.at(-3590, NAKED), Breached)


@pytest.mark.parametrize("grace_s", [10, 30, 45])
@pytest.mark.parametrize("broker_ahead_s", [-30, -1, 0, 1, 30, 3600])
def test_clocks_that_differ_make_no_grace_longer(grace_s: int, broker_ahead_s: int) -> None:
    watch = Watch(grace_s=grace_s)
    naked = account(held(2, opened_ns=NOON + broker_ahead_s * S))

    broken = [s for s in range(120) if isinstance(watch.at(s, naked), Breached)]

    assert broken == list(range(grace_s, 120))


def test_a_position_opened_while_down_has_a_whole_grace_though_the_broker_is_ahead() -> None:
    watch = Watch()
    watch.at(0, NAKED)
    watch.state = restored(watch.rule, watch.state)
    newer = account(held(1, opened_ns=NOON + 90 * S))

    verdicts = [watch.at(second, newer) for second in (60, 61, 69.9, 70)]

    assert [type(verdict) for verdict in verdicts] == [Ok, Ok, Ok, Breached]


def test_a_laptop_that_slept_through_the_grace_acts_when_it_wakes() -> None:
    watch = Watch()
    watch.at(0, NAKED)

    assert isinstance(watch.at(8 * 3600, NAKED), Breached)


def test_two_accounts_have_graces_of_their_own() -> None:
    first, second = Watch(), Watch()
    first.at(0, NAKED)
    second.at(5, msgspec.structs.replace(NAKED, account_id=102))

    assert isinstance(first.at(10, NAKED), Breached)
    assert isinstance(second.at(10, NAKED), Ok)


def test_nothing_open_is_ok() -> None:
    assert judge(stop_required(), account()) == Ok(value=Decimal(0), limit=Decimal(GRACE_S))


# --- on the broker's facts ------------------------------------------------------------------


ROWS = (
    fill(1, 1, 100, order_id=7, at_ns=NOON),
    fill(2, 1, 100, order_id=7, at_ns=NOON),
    position(2, opened_ns=NOON),
    order(7, BUY, 2, status=OrderStatus.FILLED, filled=2),
    stop(8, SELL, 2),
)


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_a_bracketed_entry_is_covered_in_whatever_order_its_rows_come(
    rows: tuple[Any, ...],
) -> None:
    desk = RuleDesk(stop_required())

    desk.see(*rows, *rows)

    assert desk.state == ()
    assert isinstance(desk.at(NOON + 3600 * S), Ok)
    assert not [verdict for verdict in desk.verdicts if isinstance(verdict, Breached)]


def test_a_stop_that_is_cancelled_leaves_the_position_naked() -> None:
    desk = RuleDesk(stop_required())
    desk.see(*ROWS)
    desk.at(NOON + 100 * S)

    desk.see(stop(8, SELL, 2, status=OrderStatus.CANCELLED))

    lost_ns = desk.now_ns
    assert isinstance(desk.at(lost_ns + 10 * S - 1), Ok)
    assert isinstance(desk.at(lost_ns + 10 * S), Breached)


def test_a_reset_changes_nothing() -> None:
    evening = at(2026, 11, 17, 17) - 5 * S
    desk = RuleDesk(stop_required(), now_ns=evening)
    desk.see(snapshot(evening, positions=(position(1, opened_ns=evening - S),)))
    seen_ns = desk.now_ns

    assert isinstance(desk.at(seen_ns + 9 * S), Ok)
    assert isinstance(desk.at(seen_ns + 10 * S), Breached)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"grace_s": 0}, "> 0"),
        ({"grace_s": -5}, "> 0"),
        ({"grace_s": "10"}, "got `str`"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        stop_required(**settings)
    with pytest.raises(msgspec.ValidationError, match="missing required field `grace_s`"):
        rule("stop_required")


def test_the_summary_is_a_sentence() -> None:
    assert stop_required(grace_s=15).summary() == (
        "Every position must be covered by working stops within 15 s; else flatten that contract."
    )
