"""The page on faults: every fault there is, and examples that decode."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from risk_actors.simulator import SimulatedGateway
from risk_actors.simulator.fault_order import FaultOrder
from risk_actors.simulator.faults import (
    KINDS,
    Instant,
    Lasting,
    decoded,
    fault_from,
    kind_of,
    needs_sockets,
)
from risk_actors.simulator.faults_rest import Body, Read
from risk_actors.simulator.faults_stream import How
from risk_actors.simulator.history import FaultEnd, FaultRecord

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| ?(.*?) ?\| .* \| `(\{.*\})` \|$", PAGE, re.MULTILINE)


def test_every_fault_has_one_row_and_no_other() -> None:
    assert sorted(kind for kind, _, _ in ROWS) == sorted(KINDS)


@pytest.mark.parametrize(("kind", "marks", "example"), ROWS, ids=[kind for kind, _, _ in ROWS])
def test_the_example_decodes_and_the_marks_are_true(kind: str, marks: str, example: str) -> None:
    fault = fault_from(tomllib.loads(f"fault = {example}")["fault"])

    assert kind_of(fault) == kind
    assert ("V" in marks) != needs_sockets(fault)
    assert ("state" in marks) == isinstance(fault, Lasting)
    assert ("at once" in marks) == isinstance(fault, Instant)


@pytest.mark.parametrize("example", [example for _, _, example in ROWS])
def test_the_gateway_carries_every_example_out(example: str) -> None:
    gateway = SimulatedGateway()
    fault = fault_from(tomllib.loads(f"fault = {example}")["fault"])

    assert not isinstance(fault, (Instant, Lasting)) or gateway.faults.plays(type(fault))


def test_the_body_in_the_text_decodes() -> None:
    (body,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    order = msgspec.json.decode(body, type=FaultOrder, dec_hook=decoded)

    assert [kind_of(fault) for fault in order.all_faults()] == ["hub_down", "status"]
    assert order.weather is not None


@pytest.mark.parametrize("words", [How, Body, Read, FaultEnd])
def test_every_choice_is_named(words: object) -> None:
    for word in get_args(getattr(words, "__value__", words)):
        assert f"`{word}`" in PAGE


def test_the_keys_of_the_log_are_those_there_are() -> None:
    told = set(re.findall(r"`(\w+_ns|ended)`", PAGE))

    assert told <= set(FaultRecord.__struct_fields__)
