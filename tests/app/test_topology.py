"""The declared message graph: sound, without a cycle, and shown in four forms."""

import ast
import inspect
import json
import re
from itertools import pairwise

import pytest

from risk_actors import messages as m
from risk_actors.actors import operator
from risk_actors.actors.wiring import ACTORS, TOPOLOGY
from risk_actors.app import topology
from risk_actors.app.system import RESYNC
from risk_actors.runtime.actor import Actor
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.supervisor import Supervisor
from risk_actors.runtime.topology import Edge, Node, Topology, WiringError
from tests.actors.facts import pnl_state, pnl_updated, position, say
from tests.app.test_system import Edge as SystemEdge
from tests.app.test_system import daily_loss, max_contracts

SOURCES = {"gateway.in", "timer", "operator", "supervisor"}
SINKS = {"gateway.out", "journal", "view", "alerts"}


def planted(*edges: Edge, **changes: Node) -> Topology:
    """Return the declared graph with something added or changed."""
    nodes = TOPOLOGY.nodes | changes
    return Topology(nodes.values(), [*TOPOLOGY.edges, *edges])


def node(kind: str, *, receives: set[type] | None = None, sends: set[type] | None = None) -> Node:
    """Return a declared node that receives or sends more than it does."""
    declared = TOPOLOGY.nodes.get(kind) or Node(kind, "process", frozenset(), frozenset(), "")
    return declared._replace(
        receives=declared.receives | (receives or set()), sends=declared.sends | (sends or set())
    )


def test_the_declarations_and_the_table_agree_and_the_graph_has_no_cycle() -> None:
    """I6: no feedback."""
    assert TOPOLOGY.problems() == []
    TOPOLOGY.verify()


def test_the_order_goes_from_sources_to_sinks() -> None:
    """I6, seen without the library's help: every edge leads forward."""
    place = {kind: number for number, kind in enumerate(TOPOLOGY.order())}

    for edge in TOPOLOGY.edges:
        assert place[edge.source] < place[edge.target], edge
    assert {kind for kind, n in TOPOLOGY.nodes.items() if not n.receives} == SOURCES
    assert {kind for kind, n in TOPOLOGY.nodes.items() if not n.sends} == SINKS


def test_only_the_broker_closes_the_circle() -> None:
    """I6: nothing that leaves at gateway.out comes in again at gateway.in by our own doing."""
    assert all(edge.target != "gateway.in" for edge in TOPOLOGY.edges)
    assert all(edge.source != "gateway.out" for edge in TOPOLOGY.edges)
    assert all(edge.target != "timer" for edge in TOPOLOGY.edges)


def test_only_the_enforcer_sends_commands() -> None:
    commands = (m.SendClose, m.SendCancel, m.SendMoveStop)
    sources = {edge.source for edge in TOPOLOGY.edges if edge.message in commands}

    assert sources == {"enforcer"}


def test_every_message_stands_in_the_table() -> None:
    messages = {
        kind
        for kind in vars(m).values()
        if isinstance(kind, type) and issubclass(kind, m.Message) and kind is not m.Message
    }

    assert {edge.message for edge in TOPOLOGY.edges} == messages


@pytest.mark.parametrize("actor", ACTORS, ids=lambda actor: actor.kind)
def test_an_actor_sends_exactly_what_it_declares(actor: type[Actor]) -> None:
    """By its source: whatever is made in it and is no fact of another's is declared."""
    made = {
        call.func.attr
        for call in ast.walk(ast.parse(inspect.getsource(actor)))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "m"
    }
    patterns = {
        pattern.cls.attr
        for pattern in ast.walk(ast.parse(inspect.getsource(actor)))
        if isinstance(pattern, ast.MatchClass) and isinstance(pattern.cls, ast.Attribute)
    }

    assert {kind.__name__ for kind in actor.sends} == made - patterns


def test_the_operator_inlet_sends_what_it_declares() -> None:
    made = set(re.findall(r"\bm\.(\w+)\(", inspect.getsource(operator.OperatorInlet)))

    assert {kind.__name__ for kind in operator.OPERATOR_SENDS} == made


# --- planted faults ---------------------------------------------------------------------------


def test_a_cycle_is_found_and_named() -> None:
    """I6: no feedback."""
    graph = planted(
        Edge("enforcer", "position", m.EnforcementChanged),
        position=node("position", receives={m.EnforcementChanged}),
    )

    (problem,) = graph.problems()

    assert problem.startswith("cycle: ")
    ring = problem.removeprefix("cycle: ").split(" -> ")
    assert ring[0] == ring[-1]
    assert {"enforcer", "position"} <= set(ring)
    edges = {(edge.source, edge.target) for edge in graph.edges}
    assert all(step in edges or step[::-1] in edges for step in pairwise(ring))
    with pytest.raises(WiringError, match="cycle"):
        graph.verify()
    with pytest.raises(WiringError, match="cycle"):
        graph.order()


def test_an_actor_that_sends_to_itself_is_a_cycle() -> None:
    graph = planted(Edge("pnl", "pnl", m.PnlUpdated), pnl=node("pnl", receives={m.PnlUpdated}))

    assert any(problem.startswith("cycle: ") for problem in graph.problems())


def test_a_message_nobody_receives_is_found() -> None:
    assert planted(pnl=node("pnl", sends={m.Tick})).problems() == ["nobody receives Tick from pnl"]


def test_a_message_nobody_sends_is_found() -> None:
    assert planted(pnl=node("pnl", receives={m.BreachFound})).problems() == [
        "nobody sends BreachFound to pnl"
    ]


def test_an_edge_whose_source_does_not_declare_it_is_found() -> None:
    assert planted(Edge("timer", "view", m.PnlUpdated)).problems() == [
        "timer does not declare that it sends PnlUpdated"
    ]


def test_an_edge_whose_target_does_not_declare_it_is_found() -> None:
    assert planted(Edge("gateway.in", "view", m.QuoteReported)).problems() == [
        "view does not declare that it receives QuoteReported"
    ]


def test_an_edge_to_nobody_is_found() -> None:
    assert "notifier is not declared" in planted(Edge("rule", "notifier", m.BreachFound)).problems()


def test_a_row_missing_from_the_table_is_found() -> None:
    for missing in TOPOLOGY.edges:
        rest = [edge for edge in TOPOLOGY.edges if edge is not missing]

        problems = Topology(TOPOLOGY.nodes.values(), rest).problems()

        assert f"nobody sends {missing.message.__name__} to {missing.target}" in problems or any(
            edge.message is missing.message and edge.target == missing.target for edge in rest
        )


# --- shown ------------------------------------------------------------------------------------


def test_json_follows_the_contract() -> None:
    told = json.loads(topology.declared().render("json"))

    assert set(told) == {"actors", "edges"}
    ids = [actor["id"] for actor in told["actors"]]
    assert len(ids) == len(set(ids))
    assert {"gateway.in", "gateway.out"} <= set(ids)
    assert all({"id", "kind"} <= set(actor) for actor in told["actors"])
    for edge in told["edges"]:
        assert set(edge) == {"from", "to", "message", "plane"}
        assert edge["plane"] in ("data", "control")
        assert edge["from"] in ids, edge
        assert edge["to"] in ids, edge


def test_json_holds_every_edge_of_the_table_as_data_and_supervision_as_control() -> None:
    edges = topology.declared().as_json()["edges"]

    data = [(e["from"], e["to"], e["message"]) for e in edges if e["plane"] == "data"]
    control = {(e["from"], e["to"], e["message"]) for e in edges if e["plane"] == "control"}
    assert data == [(e.source, e.target, e.message.__name__) for e in TOPOLOGY.edges]
    assert ("clock", "timer", "Pulse") in control
    for actor in ACTORS:
        assert ("supervisor", actor.kind, "Start") in control
        assert (actor.kind, "supervisor", "Failed") in control
    for kind in RESYNC:
        assert ("supervisor", kind, "Resync") in control


@pytest.mark.parametrize("form", ["text", "dot", "mermaid"])
def test_every_actor_and_message_stands_in_every_form(form: str) -> None:
    shown = topology.declared().render(form)

    for edge in TOPOLOGY.edges:
        assert edge.message.__name__ in shown
    for kind in TOPOLOGY.nodes:
        assert kind in shown


def test_dot_and_mermaid_have_one_line_per_connection() -> None:
    pairs = {(edge.source, edge.target) for edge in TOPOLOGY.edges}
    dot = topology.declared().render("dot")
    mermaid = topology.declared().render("mermaid")

    assert set(re.findall(r'"([\w.]+)" -> "([\w.]+)"', dot)) == pairs
    assert dot.startswith("digraph risk_actors {")
    assert dot.endswith("}")
    arrows = set(re.findall(r"^ +(\w+) -->\|[^|]+\| (\w+)$", mermaid, re.MULTILINE))
    assert arrows == {(s.replace(".", "_"), t.replace(".", "_")) for s, t in pairs}
    assert mermaid.startswith("flowchart LR")


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="xml is not one of text, dot, mermaid, json"):
        topology.declared().render("xml")


def test_the_live_graph_shows_each_running_actor_with_its_figures(clock: VirtualClock) -> None:
    system = SystemEdge().system(max_contracts(), daily_loss(id="my daily loss"))
    supervisor = Supervisor(clock, outbox=system.supervisor_outbox, resync=RESYNC)
    supervisor.start(system.specs)
    supervisor.stop()
    system.inbound.send(say(m.PositionReported, position=position(1, account_id=2)))
    next(s for s in system.specs if s.address == "pnl").outbox.send(pnl_updated(pnl_state("0")))

    told = topology.live(system, supervisor)

    actors = {actor["id"]: actor for actor in told["actors"]}
    assert {"position:1", "position:2", "rule:max_contracts", "rule:my daily loss"} <= set(actors)
    assert "position" not in actors
    assert actors["position:2"]["kind"] == "position"
    assert set(actors["position:2"]) >= {
        *("mailbox_depth", "mailbox_high_water", "conflated", "handled", "last_message"),
        *("restarts", "status", "dead_letters"),
    }
    assert actors["position:2"]["dead_letters"] == 1
    assert actors["rule:my daily loss"]["dead_letters"] == 1
    assert actors["position:1"]["dead_letters"] == 0
    assert told["dead_letters_total"] == sum(told["dead_letters"].values()) == 4
    edges = {(e["from"], e["to"], e["message"]) for e in told["edges"]}
    assert ("position:1", "rule:max_contracts", "AccountUpdated") in edges
    assert ("position:1", "rule:my daily loss", "AccountUpdated") not in edges
    assert ("pnl", "rule:my daily loss", "PnlUpdated") in edges
    assert ("supervisor", "rule:my daily loss", "Resync") in edges
    assert all(edge["from"] in actors and edge["to"] in actors for edge in told["edges"])


def test_every_node_says_what_it_is() -> None:
    assert all(node.about for node in TOPOLOGY.nodes.values())
