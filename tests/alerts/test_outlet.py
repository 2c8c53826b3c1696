"""What goes out and when: routes, grouping, repeats, pace, quiet hours, bounds."""

from typing import Any

import pytest

from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.alerts.letter import Letter
from risk_actors.alerts.outlet import (
    AGAIN_NS,
    GIVEN_UP_NS,
    MOST_WAITING,
    URGENT_GROUP_NS,
    Outlet,
    Waiting,
)
from tests.actors.facts import CHICAGO
from tests.alerts.builders import alert, channel, critical, settings
from tests.conftest import S

GROUP_NS = 3 * S


def outlet(*, terms: dict[str, Any] | None = None, **of_channel: Any) -> Outlet:
    return Outlet(channel(**of_channel), settings(**(terms or {})), CHICAGO)


def sent_at(out: Outlet, now_ns: int, **how: bool) -> str | None:
    """Return the body of what is due."""
    letter = letter_at(out, now_ns, **how)
    return None if letter is None else letter.body


def letter_at(out: Outlet, now_ns: int, **how: bool) -> Letter | None:
    """Return what is due."""
    parcel = out.due(now_ns, **how)
    return None if parcel is None else parcel.letter


def returned_at(out: Outlet, now_ns: int) -> tuple[Waiting, ...]:
    """Return what to put back of what is due and cannot be delivered."""
    parcel = out.due(now_ns)
    assert parcel is not None
    return parcel.returns


INFO = alert("started", severity=Severity.INFO, kind=AlertKind.DAEMON, account_id=None, account="")

ROUTES: dict[str, tuple[dict[str, Any], Alert, bool]] = {
    "the default takes warnings": ({}, alert(), True),
    "the default takes no info": ({}, INFO, False),
    "info where it is asked for": ({"min_severity": Severity.INFO}, INFO, True),
    "a warning is not critical": ({"min_severity": Severity.CRITICAL}, alert(), False),
    "critical is": ({"min_severity": Severity.CRITICAL}, critical(), True),
    "another kind": ({"kinds": (AlertKind.LOCK,)}, alert(), False),
    "one of the kinds": ({"kinds": (AlertKind.LOCK, AlertKind.WARNING)}, alert(), True),
    "another account": ({"accounts": ("50K-2",)}, alert(), False),
    "the account by name": ({"accounts": ("50k-1",)}, alert(), True),
    "the account by id": ({"accounts": ("1",)}, alert(), True),
    "the account by pattern": ({"accounts": ("50K-*",)}, alert(), True),
    "what is about no account": (
        {"accounts": ("50K-2",)},
        alert(account_id=None, account=""),
        True,
    ),
}


@pytest.mark.parametrize("name", ROUTES)
def test_an_alert_goes_where_its_route_leads(name: str) -> None:
    of_channel, given, goes = ROUTES[name]
    out = outlet(**of_channel)

    out.take(given, 0)

    assert (sent_at(out, GROUP_NS) is not None) is goes


def test_lesser_alerts_of_some_seconds_come_in_one_message() -> None:
    out = outlet()
    out.take(alert("a"), 0)
    out.take(alert("b"), 2 * S)

    assert sent_at(out, GROUP_NS - 1) is None
    letter = letter_at(out, GROUP_NS)
    assert letter is not None
    assert (letter.alerts, letter.body.count("\n")) == (2, 1)
    assert sent_at(out, 10 * S) is None


def test_what_is_urgent_takes_all_along_that_waits() -> None:
    out = outlet()
    out.take(alert("a"), 0)
    out.take(critical("b"), S)

    assert sent_at(out, S + URGENT_GROUP_NS - 1) is None
    body = sent_at(out, S + URGENT_GROUP_NS) or ""
    assert "a" in body
    assert "b" in body


def test_alerts_of_one_cause_stand_together() -> None:
    out = outlet()
    out.take(critical("first", correlation_id="c1"), 0)
    out.take(critical("other", correlation_id="c2"), 0)
    out.take(critical("second", correlation_id="c1"), 0)

    lines = (sent_at(out, S) or "").splitlines()
    assert [line.split()[-1] for line in lines] == ["first", "second", "other"]


def test_how_something_ended_follows_where_it_was_told() -> None:
    ended = {"severity": Severity.INFO, "kind": AlertKind.ENFORCEMENT, "correlation_id": "c1"}
    out, stranger = outlet(), outlet()
    out.take(critical(correlation_id="c1"), 0)
    assert sent_at(out, S)
    for each in (out, stranger):
        each.take(alert("observed flat", **ended), 2 * S)

    assert "observed flat" in (sent_at(out, 2 * S + URGENT_GROUP_NS) or "")
    assert sent_at(stranger, 60 * S) is None


def test_the_same_again_is_told_once_in_a_while() -> None:
    out = outlet(terms={"repeat_after_s": 60.0})
    for second in range(0, 61, 10):
        out.take(alert("again"), second * S)

    letter = letter_at(out, 70 * S)
    assert letter is not None
    assert (letter.alerts, out.repeats) == (2, 5)


def test_what_the_watch_says_is_no_repeat() -> None:
    """Else a trouble that comes back is not told, and the last word was that it is over."""
    out = outlet()
    for second in (0, 120):
        out.take(alert("degraded", is_of_what_lasts=True), second * S)
        assert sent_at(out, second * S + GROUP_NS)
    assert out.repeats == 0


@pytest.mark.parametrize(
    "urgent",
    [critical(), alert("locked", kind=AlertKind.LOCK, severity=Severity.WARNING)],
)
def test_nothing_holds_back_what_is_urgent(urgent: Alert) -> None:
    """Not the pace, not the quiet hours, and not that it was told before."""
    out = outlet(terms={"at_most_per_minute": 1})

    for number in range(5):
        out.take(urgent, number * S)
        assert sent_at(out, number * S + URGENT_GROUP_NS, is_quiet=True) is not None

    assert (out.repeats, out.held_back) == (0, 0)


def test_too_many_are_held_back_and_summed_up() -> None:
    out = outlet(terms={"at_most_per_minute": 2})
    told: list[Letter] = []
    for number in range(6):
        out.take(alert(f"warning {number}"), number * 4 * S)
        told += [letter] if (letter := letter_at(out, number * 4 * S + GROUP_NS)) else []

    assert [letter.alerts for letter in told] == [1, 1]
    assert out.held_back == 4
    assert letter_at(out, 62 * S) is None
    summed = letter_at(out, 63 * S)
    assert summed is not None
    assert summed.alerts == 4
    assert "4 held back (too many at once): 4 warning" in summed.body
    assert "warning 5" in summed.body
    assert out.waiting == 0


def test_quiet_hours_are_summed_up_at_their_end() -> None:
    out = outlet()
    out.take(alert("a"), 0)
    out.take(alert("b", kind=AlertKind.UNKNOWN), 0)

    assert sent_at(out, GROUP_NS, is_quiet=True) is None
    body = sent_at(out, 3600 * S) or ""
    assert "2 held back (quiet hours): 1 warning, 1 unknown" in body


def test_in_quiet_hours_an_urgent_one_comes_without_the_lesser_ones() -> None:
    out = outlet()
    out.take(alert("lesser"), 0)
    out.take(critical("urgent"), 0)

    body = sent_at(out, S, is_quiet=True) or ""
    assert "urgent" in body
    assert "lesser" not in body


def test_when_the_world_stands_still_the_oldest_lesser_ones_are_dropped_and_counted() -> None:
    out = outlet(terms={"repeat_after_s": 0.001})
    out.take(critical("the breach"), 0)
    for number in range(MOST_WAITING + 50):
        out.take(alert(f"warning {number}"), number)

    assert (out.waiting, out.dropped) == (MOST_WAITING, 51)
    letter = letter_at(out, S)
    assert letter is not None
    assert "the breach" in letter.body
    assert "51 lesser alerts were dropped" in letter.body


def test_urgent_ones_that_are_dropped_are_not_called_lesser() -> None:
    out = outlet()
    for number in range(MOST_WAITING + 10):
        out.take(critical(f"locked {number}", kind=AlertKind.LOCK), number)

    body = sent_at(out, S) or ""
    assert "10 alerts were dropped" in body


def test_what_is_urgent_and_could_not_be_delivered_is_told_later_and_said_to_be_late() -> None:
    out = outlet()
    out.take(critical("LOCKED", kind=AlertKind.LOCK), 0)
    out.put_back(returned_at(out, S), 2 * S)
    out.take(alert("lesser"), 3 * S)

    assert out.waiting == 2
    assert out.next_ns(10 * S) == 2 * S + AGAIN_NS
    assert sent_at(out, 2 * S + AGAIN_NS - 1) is None
    letter = letter_at(out, 2 * S + AGAIN_NS, is_quiet=True)
    assert letter is not None
    assert letter.body.startswith("LATE: 1 of these could not be delivered")
    assert "12:00:00 CST 50K-1: LOCKED" in letter.body
    assert "lesser" not in letter.body
    assert sent_at(out, 3 * S + AGAIN_NS) is not None


def test_what_is_late_goes_with_the_next_urgent_one() -> None:
    out = outlet()
    out.take(critical("first"), 0)
    out.put_back(returned_at(out, S), S)
    out.take(critical("second"), 2 * S)

    lines = (sent_at(out, 2 * S + URGENT_GROUP_NS) or "").splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["first", "second"]


def test_nothing_is_put_back_of_a_message_without_anything_urgent() -> None:
    out = outlet()
    out.take(alert(), 0)
    assert returned_at(out, GROUP_NS) == ()


def test_what_could_not_be_delivered_for_hours_is_given_up_and_that_is_told() -> None:
    out = outlet()
    out.take(critical("LOCKED"), 0)
    returned = returned_at(out, S)

    assert out.put_back(returned, GIVEN_UP_NS - 1) == 0
    assert out.put_back(returned_at(out, GIVEN_UP_NS + AGAIN_NS), GIVEN_UP_NS + AGAIN_NS) == 1
    assert out.waiting == 0
    out.take(alert("later"), GIVEN_UP_NS + AGAIN_NS)
    body = sent_at(out, GIVEN_UP_NS + AGAIN_NS + GROUP_NS) or ""
    assert "1 alerts were dropped" in body


def test_what_is_put_back_is_bounded() -> None:
    out = outlet()
    out.put_back([Waiting(0, critical(f"{n}"), is_urgent=True) for n in range(500)], S)
    assert (out.waiting, out.dropped) == (MOST_WAITING, 500 - MOST_WAITING)


def test_a_message_is_short_enough_for_a_phone_and_says_what_it_leaves_out() -> None:
    out = outlet()
    for number in range(30):
        out.take(alert(f"warning {number} " + "x" * 1_000), 0)
    out.take(critical("the breach"), 0)

    letter = letter_at(out, S)
    assert letter is not None
    assert "the breach" in letter.body
    assert "and 21 more" in letter.body
    assert len(letter.body) < 3_500


def test_all_that_waits_goes_at_the_end() -> None:
    out = outlet()
    out.take(alert("a"), 0)

    assert "a" in (sent_at(out, 0, at_once=True) or "")


def test_it_is_told_when_to_ask_again() -> None:
    out = outlet()
    assert out.next_ns(0) is None
    out.take(alert("a"), 0)
    assert out.next_ns(0) == GROUP_NS
    out.take(critical(), S)
    assert out.next_ns(S) == S + URGENT_GROUP_NS


def test_the_headline_says_the_worst_and_whose() -> None:
    out = Outlet(channel(), settings(), CHICAGO, mode="paper")
    out.take(critical("broken"), 0)
    out.take(critical("locked", kind=AlertKind.LOCK), 0)

    letter = letter_at(out, S)
    assert letter is not None
    assert letter.title == "[paper] LOCKED: 50K-1"
    assert letter.severity is Severity.CRITICAL
    assert letter.body.startswith("12:00:00 CST 50K-1: broken")
