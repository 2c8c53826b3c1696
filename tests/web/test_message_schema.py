"""JSON Schema of messages: every struct is there, and what is encoded is what it describes."""

from typing import Any

import jsonschema
import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.messages import Message
from risk_actors.web.message_schema import message_schema, message_types
from tests.actors.facts import (
    account_state,
    account_updated,
    actor_changed,
    answered,
    breach_found,
    connected,
    evidence,
    fill,
    lock,
    ok,
    open_position,
    pnl_state,
    pnl_updated,
    quote,
    say,
    snapshot,
    tick,
    unknown,
    verdict_changed,
)
from tests.store.written import a_breach

ENGAGED = lock()
EXAMPLES = [
    *(told.message for told in a_breach()),
    account_updated(account_state(open_position(2))),
    actor_changed("pnl", m.ActorStatus.FAILED),
    answered(7),
    breach_found(),
    connected(),
    say(m.FillReported, fill=fill(1, 1)),
    say(m.LocksChanged, account_id=1, locks=(ENGAGED,), engaged=ENGAGED),
    say(m.PanicRequested, account_id=1, evidence=evidence()),
    pnl_updated(pnl_state("1.50")),
    quote("CON.F.US.MNQ.Z26", "1", "2"),
    snapshot(),
    tick(),
    verdict_changed(ok()),
    verdict_changed(unknown()),
]


def is_valid(message: object, schema: dict[str, Any]) -> bool:
    told = msgspec.json.decode(msgspec.json.encode(message))
    return bool(jsonschema.Draft202012Validator(schema).is_valid(told))


def test_every_message_is_there_under_its_name() -> None:
    every = {kind.__name__ for kind in Message.__subclasses__()} & {*dir(m)}

    assert {kind.__name__ for kind in message_types()} == every
    assert every <= message_schema()["$defs"].keys()
    jsonschema.Draft202012Validator.check_schema(message_schema())


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
def test_what_is_encoded_is_what_is_described(message: Message) -> None:
    name = type(message).__name__
    schema = message_schema()
    own = {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}

    assert is_valid(message, own)
    assert schema["$defs"][name]["properties"]["type"]["enum"] == [name]


def test_something_else_is_not() -> None:
    own = {"$ref": "#/$defs/FillReported", "$defs": message_schema()["$defs"]}

    assert not is_valid(tick(), own)
    assert not is_valid({"type": "FillReported", "correlation_id": 1, "at_ns": "x"}, own)
