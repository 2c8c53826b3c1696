"""Faults of one of the two lines alone, at the simulated broker."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from risk_actors.projectx.lean_connection import USER_AGENT
from risk_actors.projectx.lines import Line
from risk_actors.simulator.connection import Topic
from risk_actors.simulator.fault_base import HubName
from risk_actors.simulator.faults import DeafHub
from risk_actors.simulator.hub import Hub
from risk_actors.simulator.thread import SimulatorThread


def line_of(request: web.BaseRequest) -> Line:
    """Return which line asks: the lean reader names itself."""
    return Line.B if request.headers.get("User-Agent") == USER_AGENT else Line.A


def hub_of(sim: SimulatorThread, hub: HubName) -> Hub:
    """Return a hub of the simulated broker."""
    return sim.gateway.market_hub if hub == "market" else sim.gateway.user_hub


def connections(sim: SimulatorThread, line: Line, hub: HubName = "user") -> list[Any]:
    """Return a line's open sockets; use it inside `call`."""
    open_now = hub_of(sim, hub)._connections
    return [each for each in open_now if each._socket._req and line_of(each._socket._req) is line]


def sockets(sim: SimulatorThread, line: Line, hub: HubName = "user") -> list[int]:
    """Return what tells a line's open sockets apart."""
    return sim.call(lambda: [id(each) for each in connections(sim, line, hub)])


def count(sim: SimulatorThread, line: Line, hub: HubName = "user") -> int:
    """Return how many sockets a line has open."""
    return len(sockets(sim, line, hub))


def topics(sim: SimulatorThread, line: Line, hub: HubName = "user") -> list[Topic]:
    """Return what a line's sockets are subscribed to, as often as they are, in order."""
    return sim.call(
        lambda: sorted(topic for each in connections(sim, line, hub) for topic in each.topics)
    )


def cut(sim: SimulatorThread, line: Line, hub: HubName = "user") -> None:
    """Drop a line's sockets with no goodbye."""
    sim.call(lambda: [each.cut() for each in connections(sim, line, hub)])


def deafen(sim: SimulatorThread, line: Line, hub: HubName = "user") -> None:
    """Deliver nothing to a line's present sockets."""
    fault = DeafHub(hub=hub)
    sim.call(lambda: [each.deafness.append(fault) for each in connections(sim, line, hub)])


def allow_one(sim: SimulatorThread, hub_name: HubName) -> None:
    """Have each new connection of a hub end the others, from now on."""
    hub = hub_of(sim, hub_name)
    serve: Callable[..., Any] = hub._serve

    async def serve_alone(socket: Any, request: web.Request, connection_id: str | None) -> None:
        hub.cut()
        await serve(socket, request, connection_id)

    sim.call(lambda: setattr(hub, "_serve", serve_alone))


def welcome(sim: SimulatorThread, hub: HubName) -> None:
    """End what was done to a hub's new connections."""
    sim.call(lambda: delattr(hub_of(sim, hub), "_serve"))


def refuse(
    sim: SimulatorThread, line: Line, status: int = 503, hub_name: HubName = "user"
) -> list[float]:
    """Refuse a line's new connections from now on; the list tells when they came."""
    hub = hub_of(sim, hub_name)
    serve: Callable[..., Any] = hub._serve
    came: list[float] = []

    async def serve_others(socket: Any, request: web.Request, connection_id: str | None) -> None:
        if line_of(request) is line:
            came.append(request.loop.time())
            answer = web.Response(status=status)
            await answer.prepare(request)
            await answer.write_eof()
            raise ConnectionResetError
        await serve(socket, request, connection_id)

    sim.call(lambda: setattr(hub, "_serve", serve_others))
    return came


def kill(
    sim: SimulatorThread, line: Line, status: int = 503, hub_name: HubName = "user"
) -> list[float]:
    """Refuse a line for good, and drop its sockets."""
    came = refuse(sim, line, status, hub_name)
    cut(sim, line, hub_name)
    return came
