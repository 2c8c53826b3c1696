import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from pykka._envelope import Envelope

from risk_actors import messages as m
from risk_actors.actors.picture import Picture
from risk_actors.actors.view import KEEP_EVENTS, PictureFrame, ViewActor
from risk_actors.core.broker import OrderType
from risk_actors.core.marks import MarkFigures
from risk_actors.core.pnl_state import PositionPnl
from risk_actors.core.rules.measure import NO_MEASURE
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.core.verdict import LockTerms, Ok, StopMove, Warned
from risk_actors.runtime.clock import VirtualClock
from tests.actors.facts import (
    CHICAGO,
    DAY_END_NS,
    DAY_START_NS,
    ES,
    MNQ,
    account_state,
    account_updated,
    actor_changed,
    breach_found,
    breached,
    connected,
    context_of,
    evidence,
    lock,
    ok,
    open_position,
    order,
    pnl_state,
    pnl_updated,
    quote,
    say,
    tick,
    unknown,
    verdict_changed,
)
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer, S


class Rig:
    """A view over the accounts 1 and 2 and the frame it paints."""

    def __init__(self) -> None:
        self.frame = PictureFrame(
            Picture(version="1.2.3", mode="paper", armed=True, phase="starting")
        )
        self.view = self.made()

    def made(self) -> ViewActor:
        """Return a view as the supervisor makes it, also after a failure."""
        context = context_of(
            "view", RecordingOutbox(ViewActor), VirtualClock(NOON_NS), RecordingOverseer()
        )
        accounts = {1: "PAPER", 2: "OTHER"}
        return ViewActor(context, frame=self.frame, accounts=accounts, zone=CHICAGO)

    def show(self, *messages: m.Message) -> dict[str, Any]:
        """Return the picture as the HTTP side gives it, after these and a tick."""
        for message in (*messages, tick()):
            self.view.handle(message)
        told: dict[str, Any] = json.loads(msgspec.json.encode(self.frame.picture))
        return told

    def armed(self) -> dict[str, Any]:
        """Return the picture once all is up and read."""
        return self.show(
            connected(),
            account_updated(account_state()),
            account_updated(account_state(account_id=2)),
        )


@pytest.fixture
def rig() -> Rig:
    return Rig()


def enforcement(phase: m.EnforcementPhase, **content: Any) -> m.EnforcementChanged:
    given = {"account_id": 1, "cause": "daily-loss", "detail": "a rule is broken"} | content
    return say(m.EnforcementChanged, "event-42", phase=phase, **given)


def test_the_picture_has_every_key_of_the_contract(rig: Rig) -> None:
    held = open_position(-2, average_price=Decimal("20000.25"))
    stop = order(7, 2, type=OrderType.STOP, limit_price=None, stop_price=Decimal(20100))

    picture = rig.show(
        connected(fallback="polling"),
        account_updated(account_state(held, orders=(stop,))),
        pnl_updated(
            pnl_state(
                "-120.50",
                costs_usd=Decimal("3.70"),
                week_realized_usd=Decimal(-300),
                unrealized_usd=Decimal(-40),
                trades=3,
                entries=4,
                positions=(
                    PositionPnl(
                        contract_id=MNQ, unrealized_usd=Decimal(-40), mark_price=Decimal(20010)
                    ),
                ),
            )
        ),
        say(m.LocksChanged, account_id=1, locks=(lock(), lock(2, contract_id=ES, until_ns=None))),
        enforcement(m.EnforcementPhase.STARTED),
        verdict_changed(ok()),
    )

    events = picture.pop("events")
    detail = picture.pop("detail")
    assert picture == {
        "version": "1.2.3",
        "schedules": [],
        "alerts": [],
        "pending": [],
        "notices": [],
        "settings_fault": None,
        "unlock": "never",
        "prices": {
            "dropped": {},
            "surprising": 0,
            "confirmed": 0,
            "unanswered": 0,
            "waiting": [],
        },
        "timezone": "UTC",
        "mode": "paper",
        "armed": True,
        "phase": "starting",
        "connection": {
            "user_hub": True,
            "market_hub": True,
            "rest": True,
            "fallback": "polling",
            "second_line": None,
            "since": None,
            "is_blind": False,
        },
        "accounts": [
            {
                "id": 1,
                "name": "PAPER",
                "balance": 50000.0,
                "can_trade": True,
                "seen_at": None,
                "day": {
                    "realized": -120.5,
                    "unrealized": -40.0,
                    "equity": -160.5,
                    "fees": 3.7,
                    "trades": 3,
                    "entries": 4,
                },
                "week": {"realized": -300.0},
                "positions": [
                    {
                        "contract": MNQ,
                        "symbol": "MNQ",
                        "size": -2,
                        "average_price": 20000.25,
                        "unrealized": -40.0,
                        "opened_at": "2026-11-17T18:00:00.000+00:00",
                    }
                ],
                "orders": [
                    {
                        "id": 7,
                        "contract": MNQ,
                        "type": "stop",
                        "side": "buy",
                        "size": 2,
                        "price": 20100.0,
                    }
                ],
                "locks": [
                    {
                        "id": 1,
                        "rule": "daily-loss",
                        "scope": "account",
                        "since": "2026-11-17T18:00:00.000+00:00",
                        "until": "2026-11-17T23:00:00.000+00:00",
                        "reason": "the limit was reached",
                        "unlock": None,
                        "correlation_id": "event-1",
                    },
                    {
                        "id": 2,
                        "rule": "daily-loss",
                        "scope": ES,
                        "since": "2026-11-17T18:00:00.000+00:00",
                        "until": None,
                        "reason": "the limit was reached",
                        "unlock": None,
                        "correlation_id": "event-1",
                    },
                ],
                "enforcement": {
                    "cause": "daily-loss",
                    "phase": "started",
                    "since": "2026-11-17T18:00:00.000+00:00",
                    "correlation_id": "event-42",
                    "detail": "a rule is broken",
                    "next_try": None,
                },
                "headroom": None,
                "balance_check": None,
            },
            {
                "id": 2,
                "name": "OTHER",
                "balance": None,
                "can_trade": None,
                "seen_at": None,
                "day": {
                    "realized": None,
                    "unrealized": None,
                    "equity": None,
                    "fees": None,
                    "trades": 0,
                    "entries": 0,
                },
                "week": {"realized": None},
                "positions": [],
                "orders": [],
                "locks": [],
                "enforcement": None,
                "headroom": None,
                "balance_check": None,
            },
        ],
        "rules": [
            {
                "id": "daily-loss",
                "type": "daily_loss_limit",
                "mode": "enforce",
                "account": 1,
                "verdict": "ok",
                "value": -10.0,
                "limit": -500.0,
                "reason": None,
                "unit": "usd",
                "distance": 490.0,
                "used": 0.02,
                "contract": None,
                "is_waived": False,
                "next_cause": None,
                "broken_at": None,
                "broken_value": None,
            }
        ],
    }
    assert detail == "waiting for OTHER"
    assert [event["kind"] for event in events] == ["connection", "lock", "enforcement"]


def test_amounts_that_are_unknown_are_null_and_do_not_change_the_phase(rig: Rig) -> None:
    """I7: blind is not safe."""
    rig.armed()

    picture = rig.show(
        account_updated(account_state(open_position(2))),
        pnl_updated(pnl_state("-10", unrealized_usd=None)),
        verdict_changed(unknown()),
    )

    (shown, _) = picture["accounts"]
    assert (shown["day"]["unrealized"], shown["day"]["equity"]) == (None, None)
    assert shown["day"]["realized"] == -10.0
    assert shown["positions"][0]["unrealized"] is None
    assert (picture["rules"][0]["verdict"], picture["rules"][0]["value"]) == ("unknown", None)
    assert picture["rules"][0]["reason"] == "no price yet"
    assert picture["phase"] == "armed"


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        (ok(), "ok"),
        (Warned(value=Decimal(-400), limit=Decimal(-500), evidence=evidence("near")), "warning"),
        (breached(), "breach"),
        (unknown(), "unknown"),
    ],
)
def test_verdicts_are_named_as_in_the_contract(rig: Rig, verdict: Any, word: str) -> None:
    assert rig.show(verdict_changed(verdict))["rules"][0]["verdict"] == word


def test_it_is_starting_until_every_account_was_read(rig: Rig) -> None:
    nothing = rig.show()
    one = rig.show(connected(), account_updated(account_state()))
    unread = rig.show(account_updated(account_state(account_id=2, is_reconciled=False)))

    assert [p["phase"] for p in (nothing, one, unread)] == ["starting"] * 3
    assert one["detail"] == "waiting for OTHER"
    assert rig.armed()["phase"] == "armed"


@pytest.mark.parametrize("way", ["user_hub", "market_hub", "rest"])
def test_a_way_to_the_broker_that_is_down_is_degraded(rig: Rig, way: str) -> None:
    rig.armed()

    down = rig.show(connected(**{way: False}))

    assert down["phase"] == "degraded"
    assert down["connection"][way] is False
    assert rig.show(connected())["phase"] == "armed"


def test_a_failed_actor_is_degraded_until_it_is_back(rig: Rig) -> None:
    rig.armed()

    failed = rig.show(actor_changed("pnl", m.ActorStatus.FAILED))
    back = rig.show(actor_changed("pnl", m.ActorStatus.RESTARTED))

    assert (failed["phase"], failed["detail"]) == ("degraded", "failed and not back yet: pnl")
    assert back["phase"] == "armed"


def test_an_actor_that_was_given_up_is_faulted_for_good(rig: Rig) -> None:
    rig.armed()
    rig.show(actor_changed("pnl", m.ActorStatus.FAILED))

    rig.show(actor_changed("pnl", m.ActorStatus.GIVEN_UP))
    picture = rig.show(connected(), actor_changed("rule:x", m.ActorStatus.RESTARTED))

    assert picture["phase"] == "faulted"
    assert "pnl" in picture["detail"]


def test_a_fault_is_an_event_and_no_phase(rig: Rig) -> None:
    rig.armed()

    picture = rig.show(actor_changed("journal", m.ActorStatus.FAULT))

    assert picture["phase"] == "armed"
    assert picture["events"][-1]["kind"] == "fault"


def test_stopping_stays_stopping(rig: Rig) -> None:
    rig.armed()
    rig.frame.picture = msgspec.structs.replace(rig.frame.picture, phase="stopping")

    assert rig.show(connected(rest=False))["phase"] == "stopping"
    rig.view.closed()
    assert rig.frame.picture.phase == "stopping"


def test_an_enforcement_is_shown_from_its_start_until_flat_was_observed(rig: Rig) -> None:
    started = rig.show(enforcement(m.EnforcementPhase.STARTED))
    stuck = rig.show(enforcement(m.EnforcementPhase.STUCK, at_ns=NOON_NS + 3 * S))
    ended = rig.show(enforcement(m.EnforcementPhase.FLAT_OBSERVED))

    assert started["accounts"][0]["enforcement"]["phase"] == "started"
    assert stuck["accounts"][0]["enforcement"]["phase"] == "stuck"
    assert stuck["accounts"][0]["enforcement"]["since"] == "2026-11-17T18:00:00.000+00:00"
    assert ended["accounts"][0]["enforcement"] is None


def test_a_brake_is_shown_with_its_next_try_until_it_is_released(rig: Rig) -> None:
    rig.show(enforcement(m.EnforcementPhase.STARTED))
    braked = rig.show(enforcement(m.EnforcementPhase.BRAKED, next_try_ns=NOON_NS + 20 * S))
    resumed = rig.show(enforcement(m.EnforcementPhase.RESUMED))

    assert braked["accounts"][0]["enforcement"]["phase"] == "braked"
    assert braked["accounts"][0]["enforcement"]["next_try"] == "2026-11-17T18:00:20.000+00:00"
    assert resumed["accounts"][0]["enforcement"]["phase"] == "resumed"
    assert resumed["accounts"][0]["enforcement"]["next_try"] is None


def test_a_brake_on_moves_of_stops_alone_leaves_nothing_behind(rig: Rig) -> None:
    rig.show(enforcement(m.EnforcementPhase.BRAKED, cause="stops"))
    resumed = rig.show(enforcement(m.EnforcementPhase.RESUMED, cause="stops", is_under_way=False))

    assert resumed["accounts"][0]["enforcement"] is None


def test_an_enforcement_ends_with_the_enforcer_that_told_of_it(rig: Rig) -> None:
    rig.show(enforcement(m.EnforcementPhase.STARTED))

    failed = rig.show(actor_changed("enforcer", m.ActorStatus.FAILED))
    rig.show(enforcement(m.EnforcementPhase.STARTED))
    back = rig.show(actor_changed("enforcer", m.ActorStatus.RESTARTED))

    assert failed["accounts"][0]["enforcement"] is None
    assert back["accounts"][0]["enforcement"] is not None


def test_locks_that_ended_are_gone(rig: Rig) -> None:
    rig.show(say(m.LocksChanged, account_id=1, locks=(lock(),), engaged=lock()))

    picture = rig.show(say(m.LocksChanged, account_id=1, locks=(), ended=lock()))

    assert picture["accounts"][0]["locks"] == []
    assert [event["kind"] for event in picture["events"]] == ["lock", "unlock"]


def test_a_request_to_end_a_lock_is_shown_with_its_lock_until_it_waits_no_more(rig: Rig) -> None:
    held = (lock(1), lock(2, contract_id=MNQ))
    request = UnlockRequest(
        lock_id=2,
        account_id=1,
        rule_id="daily-loss",
        asked_ns=NOON_NS,
        due_ns=NOON_NS + 3600 * S,
        reason="lunch",
        correlation_id="op-1",
    )

    waits = rig.show(say(m.LocksChanged, account_id=1, locks=held, unlocks=(request,)))
    over = rig.show(say(m.LocksChanged, account_id=1, locks=held))

    due = "2026-11-17T19:00:00.000+00:00"
    assert [each["unlock"] for each in waits["accounts"][0]["locks"]] == [
        None,
        {"due": due, "reason": "lunch"},
    ]
    assert [each["unlock"] for each in over["accounts"][0]["locks"]] == [None, None]


def test_a_breach_shows_the_event_that_caused_it_under_the_same_id(rig: Rig) -> None:
    """I9: explained."""
    picture = rig.show(breach_found(correlation_id="event-42"))

    assert [(event["kind"], event["correlation_id"]) for event in picture["events"]] == [
        ("event", "event-42"),
        ("breach", "event-42"),
    ]
    assert picture["events"][1]["text"] == "daily-loss: the limit was reached"


def test_warnings_and_shadow_breaches_are_events(rig: Rig) -> None:
    warned = Warned(value=Decimal(-400), limit=Decimal(-500), evidence=evidence("near"))
    found = breach_found(breached(LockTerms()), rule_id="shadowed")
    about = {"account_id": 1, "event": found.event}

    picture = rig.show(
        say(m.WarningRaised, rule_id="daily-loss", warned=warned, **about),
        verdict_changed(breached(), mode="shadow"),
        say(m.ShadowBreachFound, rule_id="shadowed", breach=found.breach, **about),
    )

    assert [(event["kind"], event["text"]) for event in picture["events"]][-2:] == [
        ("event", "sold 1 MNQ at 20000"),
        (
            "breach",
            (
                "shadowed: shadow, would have flattened and locked the account until the daily "
                "reset: the limit was reached"
            ),
        ),
    ]
    assert ("warning", "daily-loss: near") in [(e["kind"], e["text"]) for e in picture["events"]]


def test_a_move_of_a_stop_in_shadow_is_an_event(rig: Rig) -> None:
    moves = (StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal("21000.25")),)
    event = quote(MNQ, "21005.25", "21005.50")

    picture = rig.show(
        say(m.ShadowStopMoves, rule_id="trail", account_id=1, moves=moves, event=event)
    )

    assert [event["text"] for event in picture["events"]] == [
        "quote MNQ 21005.25 / 21005.50",
        "trail: shadow, would have moved the stop of order 7 in MNQ to 21,000.25",
    ]


def test_a_rule_tells_its_unit_and_how_far_it_is_from_breaking(rig: Rig) -> None:
    picture = rig.show(
        verdict_changed(ok(-10)),
        verdict_changed(breached(), rule_id="broken"),
        verdict_changed(unknown(), rule_id="unknown"),
        verdict_changed(Ok(room=Decimal("1.5"), contract_id=MNQ), rule_id="own"),
        verdict_changed(Ok(value=None), rule_id="state", measure=NO_MEASURE),
    )

    rows = {r["id"]: (r["unit"], r["distance"], r["contract"]) for r in picture["rules"]}
    assert rows == {
        "broken": ("usd", 0.0, None),
        "daily-loss": ("usd", 490.0, None),
        "own": ("usd", 1.5, MNQ),
        "state": ("none", None, None),
        "unknown": ("usd", None, None),
    }


def test_only_the_last_events_are_kept(rig: Rig) -> None:
    picture = rig.show(*[breach_found(correlation_id=str(n)) for n in range(KEEP_EVENTS)])

    assert len(picture["events"]) == KEEP_EVENTS
    assert picture["events"][-1]["correlation_id"] == str(KEEP_EVENTS - 1)


def test_prices_are_painted_with_the_tick_and_everything_else_at_once(rig: Rig) -> None:
    rig.armed()

    rig.view.handle(pnl_updated(pnl_state("-10")))
    after_price = rig.frame.picture.accounts[0].day.realized
    rig.view.handle(connected(rest=False))

    assert after_price is None
    assert rig.frame.picture.phase == "degraded"


def test_a_tick_without_news_paints_nothing(rig: Rig) -> None:
    rig.armed()
    before = rig.frame.picture

    rig.view.handle(tick())

    assert rig.frame.picture is before


def test_a_view_that_ended_leaves_no_healthy_picture_behind(rig: Rig) -> None:
    """I7: blind is not safe. Nobody would repaint it if the view were given up."""
    rig.armed()

    rig.view.closed()

    assert rig.frame.picture.phase == "degraded"
    assert rig.frame.picture.detail == "the view is not running"


def test_a_restarted_view_goes_on_with_what_was_told_once(rig: Rig) -> None:
    """Connection, failed actors and verdicts are not told again."""
    rig.armed()
    before = rig.show(
        actor_changed("rule:x", m.ActorStatus.GIVEN_UP),
        verdict_changed(breached()),
        say(m.LocksChanged, account_id=1, locks=(lock(until_ns=DAY_END_NS),)),
    )

    rig.view.closed()
    rig.view = rig.made()
    after = rig.show()

    assert after == before
    assert after["phase"] == "faulted"


def test_i7_an_account_that_cannot_be_read_is_degraded_until_it_was(rig: Rig) -> None:
    rig.armed()

    failed = rig.show(say(m.SnapshotFailed, account_id=1, detail="HTTP 500"))
    by_event = rig.show(account_updated(account_state(), after_snapshot=False))
    read = rig.show(account_updated(account_state()))

    assert (failed["phase"], by_event["phase"]) == ("degraded", "degraded")
    assert "PAPER" in failed["detail"]
    assert read["phase"] == "armed"


def test_i7_an_account_without_its_fills_is_degraded(rig: Rig) -> None:
    rig.armed()

    without = rig.show(account_updated(account_state(has_all_fills=False)))

    assert without["phase"] == "degraded"
    assert "P&L is unknown" in without["detail"]


def test_i5_locks_that_could_not_be_saved_are_degraded_until_they_are(rig: Rig) -> None:
    rig.armed()

    unsaved = rig.show(say(m.LocksChanged, account_id=1, locks=(lock(),), unsaved=1))
    saved = rig.show(say(m.LocksChanged, account_id=1, locks=(lock(),), unsaved=0))

    assert (unsaved["phase"], saved["phase"]) == ("degraded", "armed")


def test_under_a_lock_on_the_account_a_breach_is_not_worth_a_line(rig: Rig) -> None:
    rig.armed()
    rig.show(say(m.LocksChanged, account_id=1, locks=(lock(contract_id=None),)))

    shown = rig.show(breach_found(), breach_found(account_id=2))

    assert [e["account"] for e in shown["events"] if e["kind"] == "breach"] == [2]


def test_what_became_of_the_prices_is_shown(rig: Rig) -> None:
    """I10: what is dropped is counted, and counted means seen."""
    figures = MarkFigures(
        dropped={"crossed": 2}, surprising=3, confirmed=1, unanswered=1, waiting=(MNQ,)
    )

    assert rig.show(say(m.PricesJudged, figures=figures))["prices"] == {
        "dropped": {"crossed": 2},
        "surprising": 3,
        "confirmed": 1,
        "unanswered": 1,
        "waiting": [MNQ],
    }


def test_the_balance_check_shows_null_until_it_is_made_and_moves_with_the_balance(rig: Rig) -> None:
    def checked(picture: dict[str, Any]) -> list[Any]:
        return [account["balance_check"] for account in picture["accounts"]]

    def by_fills(balance: str) -> m.Message:
        pnl = pnl_state("0", balance_usd=Decimal(balance))
        return pnl_updated(pnl)

    def told(unexplained: int) -> m.Message:
        return say(
            m.BalanceChecked,
            account_id=1,
            day_start_ns=DAY_START_NS,
            expected_usd=Decimal(50000),
            told_usd=Decimal(50000 + unexplained),
        )

    before = rig.show(by_fills("50000"))
    agrees = rig.show(told(0))
    differs = rig.show(told(-10), by_fills("50190"))
    tomorrow = rig.show(pnl_updated(pnl_state("0", day_start_ns=DAY_END_NS)))

    assert checked(before) == [None, None]
    assert checked(agrees)[0] == {"expected": 50000, "told": 50000, "unexplained": 0}
    assert checked(differs) == [{"expected": 50200, "told": 50190, "unexplained": -10}, None]
    assert checked(tomorrow) == [None, None]
    assert "-10.00 is unexplained: money paid in or out" in differs["events"][-1]["text"]


def test_what_came_last_is_in_the_picture_that_is_left_behind() -> None:
    """As when its end waits in the mailbox already: those after it go on from the picture."""
    rig = Rig()
    rig.view.actor_inbox.put(Envelope(tick()))
    rig.view.handle(tick())
    rig.view.handle(
        m.TraderActed(
            correlation_id="op-1", at_ns=NOON_NS, action="disarm", accepted=True, detail="lunch"
        )
    )
    rig.view.closed()

    assert any("lunch" in event.text for event in rig.frame.picture.events)
    assert rig.frame.picture.phase == "degraded"
