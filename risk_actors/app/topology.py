"""The declared message graph, in words, as pictures' sources, and with live figures."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from risk_actors.actors.wiring import ACTORS, SUPERVISOR, TOPOLOGY
from risk_actors.app.supervision import POLICIES, RESYNC
from risk_actors.app.system import ActorSystem
from risk_actors.runtime.control import FailClosed, Leave, Pulse, Resync, TryAgain
from risk_actors.runtime.restarts import WhenGivenUp
from risk_actors.runtime.supervisor import Supervisor
from risk_actors.runtime.topology import Plane, Topology

FORMATS = ("text", "dot", "mermaid", "json")

_CLOCK = "clock"


class DeclaredTopology:
    """The graph as it is declared in the wiring table."""

    def __init__(self, topology: Topology = TOPOLOGY) -> None:
        self._topology = topology

    def render(self, form: str) -> str:
        """Return the graph as `text`, `dot`, `mermaid` or `json`.

        Raises:
            ValueError: the format is none of these.
        """
        match form:
            case "text":
                return self._text()
            case "dot":
                return self._dot()
            case "mermaid":
                return self._mermaid()
            case "json":
                return json.dumps(self.as_json(), indent=2)
            case _:
                raise ValueError(f"{form} is not one of {', '.join(FORMATS)}")

    def as_json(self) -> dict[str, Any]:
        """Return the graph as plain data; control edges are those of supervision."""
        nodes = self._topology.nodes
        actors = [
            {
                "id": node.kind,
                "kind": node.kind,
                "one_per": node.one_per,
                "receives": sorted(message.__name__ for message in node.receives),
                "sends": sorted(message.__name__ for message in node.sends),
                "about": node.about,
            }
            for node in nodes.values()
        ]
        edges = [
            _edge(edge.source, edge.target, edge.message.__name__, Plane.DATA)
            for edge in self._topology.edges
        ]
        for actor in ACTORS:
            edges.append(_edge(actor.kind, SUPERVISOR, "Failed", Plane.CONTROL))
            edges.append(_edge(SUPERVISOR, actor.kind, "Start", Plane.CONTROL))
            edges.append(_edge(SUPERVISOR, actor.kind, "Stop", Plane.CONTROL))
        edges += [_edge(SUPERVISOR, kind, Resync.__name__, Plane.CONTROL) for kind in RESYNC]
        edges += [_edge(SUPERVISOR, kind, name, Plane.CONTROL) for kind, name in _told()]
        edges.append(_edge(_CLOCK, "timer", Pulse.__name__, Plane.CONTROL))
        actors.append(
            {
                "id": _CLOCK,
                "kind": _CLOCK,
                "one_per": "process",
                "receives": [],
                "sends": [Pulse.__name__],
                "about": "the machine's clock",
            }
        )
        return {"actors": actors, "edges": edges}

    def _grouped(self) -> dict[tuple[str, str], list[str]]:
        grouped: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for source, target, message in self._topology.edges:
            grouped[source, target].append(message.__name__)
        return grouped

    def _text(self) -> str:
        grouped = self._grouped()
        lines = ["Actors, from sources to sinks (one mailbox each, handled serially):", ""]
        for kind in self._topology.order():
            node = self._topology.nodes[kind]
            lines.append(f"{kind}  (one per {node.one_per})")
            lines.append(f"    {node.about}")
            for (source, target), messages in grouped.items():
                if source == kind:
                    lines.append(f"    -> {target}: {', '.join(messages)}")
            lines.append("")
        lines.append("Only the broker closes the circle from gateway.out to gateway.in.")
        return "\n".join(lines)

    def _dot(self) -> str:
        lines = ["digraph risk_actors {", "  rankdir=LR;", "  node [shape=box];"]
        lines += [f'  "{kind}";' for kind in self._topology.order()]
        for (source, target), messages in self._grouped().items():
            label = "\\n".join(messages)
            lines.append(f'  "{source}" -> "{target}" [label="{label}"];')
        return "\n".join([*lines, "}"])

    def _mermaid(self) -> str:
        def name(kind: str) -> str:
            return kind.replace(".", "_")

        lines = ["flowchart LR"]
        lines += [f'    {name(kind)}["{kind}"]' for kind in self._topology.order()]
        for (source, target), messages in self._grouped().items():
            label = "<br/>".join(messages)
            lines.append(f'    {name(source)} -->|"{label}"| {name(target)}')
        return "\n".join(lines)


def declared() -> DeclaredTopology:
    """Return the declared graph."""
    return DeclaredTopology()


def live(system: ActorSystem, supervisor: Supervisor) -> dict[str, Any]:
    """Return the graph of the running actors, each with what its mailbox has seen."""
    graph = declared().as_json()
    dead_letters = system.dead_letters.by_receiver()
    running: defaultdict[str, list[str]] = defaultdict(list)
    counters: dict[str, dict[str, Any]] = {}
    for stats in supervisor.stats():
        running[stats.kind].append(stats.address)
        counters[stats.address] = {
            "mailbox_depth": stats.depth,
            "mailbox_high_water": stats.high_water,
            "conflated": stats.conflated,
            "handled": stats.handled,
            "last_message": stats.last_message,
            "restarts": stats.restarts,
            "status": stats.status,
            "swallowed": stats.swallowed,
            "left_behind": stats.left_behind,
            "silent_s": round(stats.silent_s, 1),
            "lag_s": round(stats.lag_s, 1),
            "longest_turn_ms": round(stats.longest_turn_s * 1000),
            "longest_wait_ms": round(stats.longest_wait_s * 1000),
            "times_aside": stats.times_aside,
            "is_aside": stats.is_aside,
            "relieved": stats.relieved,
            "dead_letters": sum(
                count
                for receiver, count in dead_letters.items()
                if receiver.rpartition(" ")[0] == stats.address
            ),
        }
    actors = [
        {**actor, "id": address, **counters.get(address, {})}
        for actor in graph["actors"]
        for address in running.get(actor["kind"], [actor["id"]])
    ]
    edges = [
        {**edge, "from": source, "to": target}
        for edge in graph["edges"]
        for source in running.get(edge["from"], [edge["from"]])
        for target in running.get(edge["to"], [edge["to"]])
        if edge["plane"] == Plane.CONTROL.value or system.accepts(target, edge["message"])
    ]
    return {
        "actors": actors,
        "edges": edges,
        "dead_letters": dead_letters,
        "dead_letters_total": system.dead_letters.total,
    }


def _told() -> Iterator[tuple[str, str]]:
    """Yield which kinds are told to end with another, and which to fail closed and try again."""
    for policy in POLICIES.values():
        for brought in policy.brings:
            yield brought, Leave.__name__
    for kind, policy in POLICIES.items():
        if policy.given_up is WhenGivenUp.FAIL_CLOSED:
            yield kind, FailClosed.__name__
            yield kind, TryAgain.__name__


def _edge(source: str, target: str, message: str, plane: Plane) -> dict[str, str]:
    return {"from": source, "to": target, "message": message, "plane": plane.value}
