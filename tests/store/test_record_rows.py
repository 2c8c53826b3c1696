"""What a row of the record tells of a message, and what it leaves to others."""

import json
from decimal import Decimal

import pytest

from risk_actors import messages as m
from risk_actors.core.broker import Bar
from risk_actors.store.record_rows import message_json
from tests.actors.facts import MNQ, say
from tests.conftest import NOON_NS, S


def bars_reported(*ranges: tuple[int, int]) -> m.BarsReported:
    bars = tuple(
        Bar(
            start_ns=NOON_NS + number * S,
            end_ns=NOON_NS + (number + 1) * S,
            low=Decimal(low),
            high=Decimal(high),
        )
        for number, (low, high) in enumerate(ranges)
    )
    return say(
        m.BarsReported,
        account_id=1,
        contract_id=MNQ,
        since_ns=NOON_NS,
        until_ns=NOON_NS + S,
        bars=bars,
    )


def test_of_bars_it_is_told_how_many_they_are_and_how_far_they_went() -> None:
    told = json.loads(message_json(bars_reported((100, 104), (98, 101), (101, 103))))

    assert (told["bars"], told["high"], told["low"]) == (3, "104", "98")
    assert (told["type"], told["contract_id"], told["since_ns"]) == ("BarsReported", MNQ, NOON_NS)


def test_a_row_of_many_bars_is_small() -> None:
    assert len(message_json(bars_reported(*[(100, 104)] * 7200))) < 400


@pytest.mark.parametrize("bars", [None, ()])
def test_no_bars_are_none_and_bars_that_cannot_be_read_are_unknown(
    bars: tuple[Bar, ...] | None,
) -> None:
    reported = say(m.BarsReported, account_id=1, contract_id=MNQ, since_ns=0, until_ns=1, bars=bars)

    told = json.loads(message_json(reported))

    assert "high" not in told
    assert told["bars"] == (None if bars is None else 0)
