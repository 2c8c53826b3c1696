"""A breach that is told again is no breach of its own in the audit."""

import json

import pytest

from risk_actors.store.audit import RecordRow
from risk_actors.store.audit_steps import step_of


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ("breach", True, False)),
        ({"is_repeat": False}, ("breach", True, False)),
        ({"is_repeat": True}, ("breach again", False, True)),
    ],
)
def test_a_repeat_neither_alarms_nor_makes_a_chain_worth_showing(
    fields: dict[str, bool], shown: tuple[str, bool, bool]
) -> None:
    row = RecordRow(
        table="decisions",
        seq=1,
        at=None,
        at_ns=5,
        run_id=1,
        account_id=1,
        correlation_id="event-1",
        kind="BreachFound",
        text="daily-loss: so it is",
        message=json.dumps({"type": "BreachFound", "rule_id": "daily-loss", **fields}),
        hash=None,
    )

    step = step_of(row)

    assert (step.word, step.is_alarming, step.is_quiet) == shown
