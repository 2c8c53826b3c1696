"""When an enforcement asks for a snapshot."""

from risk_actors.core.broker_looks import (
    ASK_AGAIN_AFTER_NS,
    CONFIRM_AT_MOST_EVERY_NS,
    CONFIRM_FLAT,
    IS_UNCERTAIN,
    BrokerLooks,
)
from risk_actors.core.enforcement_effects import AskSnapshot

NOON = 43_200_000_000_000
ASKED = [AskSnapshot(IS_UNCERTAIN, "e-1")]


def asked_at(looks: BrokerLooks, now_ns: int) -> list[AskSnapshot]:
    return list(looks.want(IS_UNCERTAIN, "e-1", now_ns))


def test_while_a_snapshot_is_on_its_way_none_is_asked_for() -> None:
    looks = BrokerLooks()

    assert asked_at(looks, NOON) == ASKED
    assert asked_at(looks, NOON + ASK_AGAIN_AFTER_NS - 1) == []
    assert asked_at(looks, NOON + ASK_AGAIN_AFTER_NS) == ASKED


def test_once_it_came_another_may_be_asked_for() -> None:
    looks = BrokerLooks()
    asked_at(looks, NOON)

    looks.came(NOON)

    assert asked_at(looks, NOON + 1) == ASKED


def test_one_that_was_asked_for_before_is_not_the_answer() -> None:
    looks = BrokerLooks()
    asked_at(looks, NOON)

    looks.came(NOON - 1)

    assert asked_at(looks, NOON + 1) == []


def test_what_is_over_is_confirmed_now_and_then() -> None:
    looks = BrokerLooks()

    def confirmed_at(now_ns: int) -> list[AskSnapshot]:
        return list(looks.confirm("e-1", now_ns))

    assert confirmed_at(NOON) == [AskSnapshot(CONFIRM_FLAT, "e-1")]
    assert confirmed_at(NOON + CONFIRM_AT_MOST_EVERY_NS - 1) == []
    assert confirmed_at(NOON + CONFIRM_AT_MOST_EVERY_NS) == [AskSnapshot(CONFIRM_FLAT, "e-1")]
