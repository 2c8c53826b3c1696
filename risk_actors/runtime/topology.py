"""The declared message graph: who may send what to whom, and proof that it has no cycle (I6)."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import msgspec


class Plane(StrEnum):
    """Data flows from the broker to commands; control is supervision, with a rule of its own."""

    DATA = "data"
    CONTROL = "control"


class Node(NamedTuple):
    """One kind of actor, or one side of the gateway."""

    kind: str
    one_per: str
    """`process`, `account` or `rule`."""
    receives: frozenset[type]
    sends: frozenset[type]
    about: str


class Edge(NamedTuple):
    """A message type that one kind sends to another."""

    source: str
    target: str
    message: type


class WiringError(Exception):
    """The declarations and the table do not agree, or the graph has a cycle."""


class Topology:
    """The declared nodes and the one table of edges between them."""

    def __init__(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        self.nodes: dict[str, Node] = {node.kind: node for node in nodes}
        self.edges: Sequence[Edge] = tuple(edges)

    def targets(self, source: str, message: type) -> tuple[str, ...]:
        """Return the kinds that get a message type from a kind."""
        return tuple(
            edge.target for edge in self.edges if edge.source == source and edge.message is message
        )

    def problems(self) -> list[str]:
        """Return everything that is wrong with the declarations; empty when they hold."""
        return [*self._edge_problems(), *self._unused(), *self._cycles()]

    def verify(self) -> None:
        """Check the declarations.

        Raises:
            WiringError: with every problem found.
        """
        problems = self.problems()
        if problems:
            raise WiringError("; ".join(problems))

    def order(self) -> tuple[str, ...]:
        """Return the kinds from sources to sinks.

        Raises:
            WiringError: the graph has a cycle.
        """
        sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(self.nodes, ()))
        for edge in self.edges:
            sorter.add(edge.target, edge.source)
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            raise WiringError(f"cycle: {' -> '.join(error.args[1])}") from error

    def _edge_problems(self) -> Iterable[str]:
        for source, target, message in self.edges:
            name = message.__name__
            for kind in (source, target):
                if kind not in self.nodes:
                    yield f"{kind} is not declared"
            if source in self.nodes and message not in self.nodes[source].sends:
                yield f"{source} does not declare that it sends {name}"
            if target in self.nodes and message not in self.nodes[target].receives:
                yield f"{target} does not declare that it receives {name}"

    def _unused(self) -> Iterable[str]:
        sent = {(edge.source, edge.message) for edge in self.edges}
        received = {(edge.target, edge.message) for edge in self.edges}
        for node in self.nodes.values():
            for message in sorted(node.sends, key=lambda m: m.__name__):
                if (node.kind, message) not in sent:
                    yield f"nobody receives {message.__name__} from {node.kind}"
            for message in sorted(node.receives, key=lambda m: m.__name__):
                if (node.kind, message) not in received:
                    yield f"nobody sends {message.__name__} to {node.kind}"

    def _cycles(self) -> Iterable[str]:
        try:
            self.order()
        except WiringError as error:
            yield str(error)


class MailboxStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a running actor's mailbox has seen."""

    address: str
    kind: str
    depth: int
    high_water: int
    conflated: int
    handled: int
    last_message: str | None
    restarts: int
    status: str
    swallowed: int = 0
    """What instances that were abandoned still said, and nobody was told."""
    left_behind: int = 0
    """Abandoned instances whose threads still run."""
    silent_s: float = 0.0
    """For how long it has not answered a beat."""
    lag_s: float = 0.0
    """How long the oldest message that waits has waited, to the second."""
    longest_turn_s: float = 0.0
    """In a crew: the longest that others waited for it; 0 below a millisecond."""
    longest_wait_s: float = 0.0
    """In a crew: the longest that it waited for its turn."""
    times_aside: int = 0
    """How often it was so slow that it was given a thread of its own for a while."""
    is_aside: bool = False
    """Whether it has one now."""
    relieved: int = 0
    """How often its crew left a thread to a handler that did not come back in time."""
