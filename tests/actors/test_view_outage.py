"""I7: what is shown while the broker is out of reach is told as being of then."""

import json
from typing import Any

import msgspec
import pytest

from risk_actors import messages as m
from tests.actors.facts import (
    account,
    account_state,
    account_updated,
    connected,
    ok,
    open_position,
    say,
    tick,
    verdict_changed,
)
from tests.actors.test_view import Rig
from tests.conftest import NOON_NS, S


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.show(
        connected(),
        account_updated(account_state(open_position(2))),
        account_updated(account_state(account_id=2)),
        verdict_changed(ok()),
    )
    return rig


def show(rig: Rig, *messages: m.Message) -> dict[str, Any]:
    for message in messages:
        rig.view.handle(message)
    told: dict[str, Any] = json.loads(msgspec.json.encode(rig.frame.picture))
    return told


def at(after_s: float) -> m.Tick:
    return tick(NOON_NS + round(after_s * S))


def ways(after_s: float, **up: Any) -> m.ConnectionChanged:
    told: dict[str, Any] = {"user_hub": True, "market_hub": True, "rest": True} | up
    return m.ConnectionChanged(
        correlation_id=f"connection-{after_s}", at_ns=NOON_NS + round(after_s * S), **told
    )


def read(after_s: float, account_id: int = 1) -> m.AccountUpdated:
    at_ns = NOON_NS + round(after_s * S)
    event = say(m.AccountReported, account=account(account_id))
    return m.AccountUpdated(
        correlation_id="read",
        at_ns=at_ns,
        state=account_state(account_id=account_id),
        event=event,
        after_snapshot=True,
    )


def seen(picture: dict[str, Any]) -> list[str | None]:
    return [account["seen_at"] for account in picture["accounts"]]


def test_i7_in_a_total_outage_every_account_is_told_as_last_seen(rig: Rig) -> None:
    hub_down = show(rig, ways(5, user_hub=False, detail="user hub: connection lost"), at(5))
    blind = show(rig, ways(8, user_hub=False, market_hub=False, rest=False), at(8))
    back = show(rig, ways(20), at(20))

    assert seen(hub_down) == [None, None]
    assert seen(blind) == ["2026-11-17T18:00:05.000+00:00"] * 2
    assert blind["connection"]["since"] == "2026-11-17T18:00:05.000+00:00"
    assert (blind["connection"]["is_blind"], back["connection"]["is_blind"]) == (True, False)
    assert blind["phase"] == "degraded"
    assert blind["detail"] == (
        "nothing can be seen or closed now; use your platform. Connection lost: user hub, market"
        " hub, REST, since 12:00:05 CST"
    )
    assert blind["rules"][0]["verdict"] == "ok"
    assert (seen(back), back["connection"]["since"]) == ([None, None], None)


def test_i7_an_account_that_is_read_over_rest_is_seen_and_one_that_is_not_ages(rig: Rig) -> None:
    show(rig, ways(5, user_hub=False), at(5))

    polled = show(rig, read(14), at(15.5))
    read_again = show(rig, read(16, account_id=2), at(17))

    assert seen(polled) == [None, "2026-11-17T18:00:05.000+00:00"]
    assert "OTHER as last seen at 12:00:05 CST" in polled["detail"]
    assert seen(read_again) == [None, None]


def test_a_tick_or_a_reset_is_no_sight_of_the_account(rig: Rig) -> None:
    show(rig, ways(5, user_hub=False), at(5))

    moved = m.AccountUpdated(
        correlation_id="reset",
        at_ns=NOON_NS + 15 * S,
        state=account_state(),
        event=tick(),
    )

    assert seen(show(rig, moved, at(16)))[0] == "2026-11-17T18:00:05.000+00:00"


def test_an_outage_is_one_row_and_its_end_another(rig: Rig) -> None:
    before = len(rig.frame.picture.events)

    picture = show(
        rig,
        ways(5, user_hub=False, detail="user hub: connection lost"),
        ways(5.1, user_hub=False, market_hub=False, detail="market hub: connection lost"),
        ways(8, user_hub=False, market_hub=False, detail="user hub: cannot connect"),
        ways(9, user_hub=False, market_hub=False, rest=False, detail="REST: cannot connect"),
        ways(15, market_hub=False),
        ways(17),
    )

    told = picture["events"][before:]
    assert [event["text"] for event in told] == [
        "connection lost: user hub, market hub, REST (REST: cannot connect)",
        "connected again after 12 s",
    ]
    assert told[0]["at"] == "2026-11-17T18:00:05.000+00:00"
