"""A close that the broker refuses: the pace, the protective stop, and what the trader is told."""

import itertools

import pytest
from core.builders import BUY, ES, MNQ, SELL, S, account, fill, held, order, stop
from core.plan_desk import ACCEPTED, PlanDesk, barred, flat, refused, turned_away

from risk_actors.core.broker import OrderType
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Command, Refusal
from risk_actors.core.enforcement_effects import FlatObserved
from risk_actors.core.enforcement_words import NOT_LOGGED_IN, TOO_MANY_REQUESTS

LONG = account(held(3), orders=(stop(7, SELL, 3), order(8, BUY, 2)))
"""Long three with a protective stop for all of it, and an entry order."""

NOT_NOW = [reason for reason in Refusal if reason not in (Refusal.BUSY, Refusal.SESSION)]


def closes_refused(reason: Refusal | None, detail: str = "no") -> PlanDesk:
    """Return a desk at which every close is refused and every cancel accepted."""
    desk = PlanDesk(LONG)
    desk.answers = lambda c: refused(reason, detail) if isinstance(c, CloseContract) else ACCEPTED
    desk.flatten()
    return desk


@pytest.mark.parametrize("reason", [None, *NOT_NOW])
def test_while_the_close_is_refused_the_stop_stays_and_entries_go(reason: Refusal | None) -> None:
    desk = closes_refused(reason)
    desk.show(account(held(3), orders=(stop(7, SELL, 3),)))
    desk.run(200)

    assert desk.cancelled == [8]
    assert len(desk.closes) >= 3
    assert {type(command) for _, command in desk.sent} == {CloseContract, CancelOrder}


@pytest.mark.parametrize(
    ("reason", "gaps"),
    [
        (Refusal.PAUSED, [1, 2, 2, 3, 5, 5, 5]),
        (Refusal.HALTED, [1, 2, 5, 10, 15, 15, 15]),
        (Refusal.RESERVED, [1, 2, 5, 10, 15, 15, 15]),
        (Refusal.ACCOUNT, [5, 30, 60, 120, 120]),
        (Refusal.CONTRACT, [30, 60, 300]),
        (Refusal.OTHER, [0.5, 1, 2, 4, 8, 15, 30, 30]),
    ],
)
def test_closes_go_out_at_the_pace_of_the_reason(reason: Refusal, gaps: list[float]) -> None:
    desk = closes_refused(reason)
    desk.run(sum(gaps) + 1)

    made = [round(b - a, 1) for a, b in itertools.pairwise(desk.closes)]
    assert made[: len(gaps)] == gaps


def test_a_market_that_opens_again_is_closed_within_fifteen_seconds() -> None:
    desk = closes_refused(Refusal.HALTED)
    desk.run(3_000)
    desk.answers = lambda _: ACCEPTED
    opened_s = desk.now_ns / 1e9
    desk.run(15.1)

    assert opened_s < desk.closes[-1] <= opened_s + 15


@pytest.mark.parametrize(
    "reason", [Refusal.ACCOUNT, Refusal.CONTRACT, Refusal.HALTED, Refusal.RESERVED]
)
def test_a_reason_that_lasts_is_told_at_once_with_contract_next_try_and_stop(
    reason: Refusal,
) -> None:
    desk = closes_refused(reason, "the market is shut")

    ((at_s, said),) = desk.stuck
    assert at_s == 0
    assert said.startswith("MNQ: the broker refuses the close (the market is shut)")
    assert "tried again in" in said
    assert "its stop stays" in said


@pytest.mark.parametrize("reason", [Refusal.PAUSED, Refusal.PENDING, Refusal.OTHER])
def test_a_reason_that_passes_is_told_only_when_it_does_not(reason: Refusal) -> None:
    desk = closes_refused(reason)
    desk.run(2.9)
    assert desk.stuck == []

    desk.run(0.2)
    assert [at_s for at_s, _ in desk.stuck] == [3.0]


def test_the_same_reason_is_not_told_more_often_than_every_ten_seconds() -> None:
    desk = closes_refused(Refusal.HALTED)
    desk.run(300)

    at = [at_s for at_s, _ in desk.stuck]
    assert min(b - a for a, b in itertools.pairwise(at)) >= 9.9


def test_a_pending_close_is_looked_into_rather_than_sent_again() -> None:
    desk = closes_refused(Refusal.PENDING)
    desk.reads = False
    desk.run(2.9)

    assert desk.closes == [0]
    assert desk.asked == [S]


def test_a_pending_close_that_a_look_shows_to_work_is_given_its_time() -> None:
    """It is not our close that works, so the stop stays as well."""
    working = order(50, SELL, 3, kind=OrderType.MARKET)
    desk = closes_refused(Refusal.PENDING)
    desk.run(0.5)
    desk.show(account(held(3), orders=(stop(7, SELL, 3), working)))
    desk.run(8)

    assert desk.closes == [0]
    assert 7 not in desk.cancelled
    desk.show(flat())
    assert isinstance(desk.told[-1][1], FlatObserved)


def test_a_pending_close_that_a_look_shows_to_be_over_is_followed_by_ours() -> None:
    desk = closes_refused(Refusal.PENDING)
    desk.run(1.2)

    assert desk.closes == [0, 1.1]


def test_a_refusal_after_an_acceptance_keeps_the_stops_there_are_until_flat_is_seen() -> None:
    desk = PlanDesk(account(held(3)))
    desk.flatten()
    desk.answer(1, **ACCEPTED)
    desk.answer(1, **refused(Refusal.HALTED))
    desk.answers = lambda _: ACCEPTED
    desk.show(account(held(3), orders=(stop(9, SELL, 3),)))
    desk.run(30)
    assert desk.cancelled == []

    desk.show(account(orders=(stop(9, SELL, 3),)))
    assert desk.cancelled == [9]


def test_after_a_close_that_was_accepted_and_rejected_a_new_stop_stays_until_flat() -> None:
    """The broker's order ended with status 5: the close was accepted and did not happen."""
    desk = PlanDesk(LONG)
    desk.answers = lambda _: ACCEPTED
    desk.flatten()
    desk.show(account(held(3)))
    desk.run(1.5)
    assert len(desk.closes) == 2

    desk.show(account(held(3), orders=(stop(9, SELL, 3),)))
    desk.run(30)

    assert 9 not in desk.cancelled
    assert 3 <= len(desk.closes) <= 8
    assert "accepted the close" in desk.stuck[0][1]


def test_a_stop_larger_than_what_a_partial_fill_left_stays_in_a_halt() -> None:
    """Three were to be closed, two were filled, then the market halts: better too large a stop."""
    desk = PlanDesk(account(held(3), orders=(stop(7, SELL, 3),)))
    desk.flatten()
    desk.answer(1, answer=Answer.UNCERTAIN)
    desk.show(account(held(1), orders=(stop(7, SELL, 3),)), fill(1, -2, 100, order_id=90))
    desk.answers = lambda _: refused(Refusal.HALTED)
    desk.run(60)

    assert desk.cancelled == []
    desk.answers = lambda _: ACCEPTED
    desk.show(account(orders=(stop(7, SELL, 3),)), fill(2, -1, 100, order_id=7))
    assert desk.cancelled == [7]


def test_a_stop_that_was_larger_from_the_beginning_is_an_entry() -> None:
    desk = PlanDesk(account(held(1), orders=(stop(7, SELL, 3),)))
    desk.answers = lambda _: refused(Refusal.HALTED)
    desk.flatten()

    assert desk.cancelled == [7]


def test_orders_that_cannot_be_cancelled_make_no_tight_loop_and_are_told() -> None:
    orders = tuple(order(n, BUY) for n in range(1, 6))
    desk = PlanDesk(account(orders=orders))
    desk.answers = lambda _: refused(Refusal.ACCOUNT, "follower")
    desk.lock()
    assert "MNQ: the broker refuses the cancel (follower)" in desk.stuck[0][1]

    desk.run(600)
    assert "5 orders in MNQ: the broker refuses the cancel (follower)" in desk.stuck[1][1]

    assert len(desk.sent) <= 5 * 8
    assert desk.most_in_a_minute() <= 5 * 3


def test_what_was_turned_away_goes_again_although_no_snapshot_comes() -> None:
    """I2 holds: it certainly did not happen."""
    desk = PlanDesk(LONG)
    desk.reads = False
    desk.answers = lambda _: turned_away(Refusal.SESSION)
    desk.flatten()
    desk.run(1)

    assert desk.asked == [0]
    assert desk.closes == [0, 1]


def test_after_a_login_a_snapshot_lets_the_close_go_at_once() -> None:
    desk = PlanDesk(account(held(3)))
    desk.answers = lambda _: turned_away(Refusal.SESSION)
    desk.flatten()
    desk.run(0.2)

    assert desk.closes[:2] == [0, 0.1]


def test_too_many_requests_are_answered_with_fewer_and_fewer() -> None:
    """Twenty orders and two positions: never a storm, and closes go first."""
    orders = tuple(order(n, BUY) for n in range(1, 21))
    desk = PlanDesk(account(held(2), held(1, contract=ES), orders=orders))
    desk.answers = lambda _: turned_away(Refusal.BUSY)
    desk.flatten()
    first = len(desk.sent)
    desk.run(3.4)

    assert first == 22
    assert len(desk.sent) - first == 3 * 2
    assert [round(at_s, 1) for at_s in desk.closes[2:6]] == [0.5, 0.5, 1.5, 1.5]
    desk.run(600)
    assert desk.most_in_a_minute() <= 40 + 2 * 8
    assert TOO_MANY_REQUESTS in desk.stuck[0][1]


def test_when_the_broker_takes_commands_again_all_go_out() -> None:
    orders = tuple(order(n, BUY) for n in range(1, 7))
    desk = PlanDesk(account(held(2), orders=orders))
    desk.answers = lambda _: turned_away(Refusal.BUSY)
    desk.flatten()
    desk.run(3)
    desk.answers, before = lambda _: ACCEPTED, len(desk.sent)
    desk.run(1)

    again = [c.order_id for _, c in desk.sent[before:] if isinstance(c, CancelOrder)]
    assert sorted(again) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("terms", "said", "not_said"),
    [
        (None, "does not answer the close", "refuses"),
        (turned_away(Refusal.BUSY), TOO_MANY_REQUESTS, "does not answer"),
        (turned_away(Refusal.SESSION), NOT_LOGGED_IN, "does not answer"),
        (refused(None, "why not"), "refuses the close (why not)", "does not answer"),
        (ACCEPTED, "the effect is not seen", "does not answer"),
        ({"answer": Answer.UNCERTAIN, "detail": "HTTP 500"}, "(HTTP 500)", "does not answer"),
        ({"answer": Answer.GONE}, "no such thing any more", "does not answer"),
    ],
)
def test_the_stuck_sentence_says_what_is_so_and_of_which_contract(
    terms: dict[str, object] | None, said: str, not_said: str
) -> None:
    desk = PlanDesk(account(held(3)))
    desk.reads = False
    desk.answers = lambda _: terms
    desk.flatten()
    desk.run(3.1)

    (_, sentence) = desk.stuck[0]
    assert sentence.startswith("MNQ: ")
    assert said in sentence
    assert not_said not in sentence


def test_an_account_that_is_barred_is_not_spun_on_and_is_tried_at_once_when_let_in() -> None:
    """017: `canTrade` turns false in the middle, and nobody says why closes are refused."""
    desk = PlanDesk(account(held(3)))
    desk.answers = lambda _: refused(None)
    desk.flatten()
    desk.show(barred(account(held(3))))
    desk.run(600)
    assert len(desk.closes) <= 9
    assert "barred the account" in desk.stuck[-1][1]

    sent = len(desk.closes)
    desk.show(account(held(3)))
    assert len(desk.closes) == sent + 1


def test_can_trade_that_flickers_lets_the_close_go_now_and_then() -> None:
    desk = PlanDesk(account(held(3)))
    desk.answers = lambda _: refused(Refusal.ACCOUNT)
    desk.flatten()
    for n in range(2_000):
        desk.show(barred(account(held(3)), can_trade=bool(n % 2)))
        desk.run(0.1)

    assert desk.most_in_a_minute() <= 8
    assert max(b - a for a, b in itertools.pairwise(desk.closes)) < 31


def test_a_disarmed_refusal_is_none_of_the_brokers_and_does_not_count() -> None:
    desk = PlanDesk(account(held(3)))
    desk.answers = lambda _: refused(Refusal.DISARMED)
    desk.flatten()
    desk.run(3.1)

    assert "because you have disarmed" in desk.stuck[0][1]
    assert "refuses" not in desk.stuck[0][1]
    desk.run(3_000)
    assert desk.braked == []
    assert min(b - a for a, b in itertools.pairwise(desk.closes)) >= 0.9


def sizes(commands: list[tuple[int, Command]]) -> list[int | None]:
    return [command.size for _, command in commands if isinstance(command, CloseContract)]


def test_no_other_command_ever_takes_the_place_of_a_close() -> None:
    desk = closes_refused(Refusal.RESERVED)
    desk.run(600)

    assert set(sizes(desk.sent)) == {None}
    assert {c.contract_id for _, c in desk.sent} == {MNQ}


def closes_refused_under_locks(*held_s: float) -> PlanDesk:
    """Return a desk after locks that lasted so long, each followed by another at once."""
    desk = PlanDesk(LONG)
    desk.answers = lambda c: refused(None, "no") if isinstance(c, CloseContract) else ACCEPTED
    for each_s in held_s:
        desk.unlock()
        desk.lock()
        desk.run(each_s)
    return desk


def test_i6_a_lock_that_follows_another_asks_at_the_pace_that_there_was() -> None:
    one = closes_refused_under_locks(60)
    several = closes_refused_under_locks(29, 1.2, 29.8)

    assert several.closes == one.closes
    assert len(one.closes) == 7


def test_once_the_pause_is_over_without_a_lock_the_next_one_begins_anew() -> None:
    desk = closes_refused_under_locks(10)
    before = len(desk.closes)
    desk.unlock()
    desk.run(60)
    assert len(desk.closes) == before

    desk.lock()
    began_s = desk.now_ns / 1e9
    desk.run(3)

    made = [round(at_s - began_s, 1) for at_s in desk.closes[before:]]
    assert made == [0, 0.5, 1.5]
