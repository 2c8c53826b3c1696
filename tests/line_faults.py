"""Faults of one of the two lines alone, at the simulated broker."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from risk_actors.projectx.lean_connection import USER_AGENT
from risk_actors.projectx.lines import Line
from risk_actors.simulator.faults import DeafHub
from risk_actors.simulator.thread import SimulatorThread


def line_of(request: web.BaseRequest) -> Line:
    """Return which line asks: the lean reader names itself."""
    return Line.B if request.headers.get("User-Agent") == USER_AGENT else Line.A


def connections(sim: SimulatorThread, line: Line) -> list[Any]:
    """Return a line's open sockets; use it inside `call`."""
    open_now = sim.gateway.user_hub._connections
    return [each for each in open_now if each._socket._req and line_of(each._socket._req) is line]


def sockets(sim: SimulatorThread, line: Line) -> list[int]:
    """Return what tells a line's open sockets apart."""
    return sim.call(lambda: [id(each) for each in connections(sim, line)])


def count(sim: SimulatorThread, line: Line) -> int:
    """Return how many sockets a line has open."""
    return len(sockets(sim, line))


def cut(sim: SimulatorThread, line: Line) -> None:
    """Drop a line's sockets with no goodbye."""
    sim.call(lambda: [each.cut() for each in connections(sim, line)])


def deafen(sim: SimulatorThread, line: Line) -> None:
    """Deliver nothing to a line's present sockets."""
    fault = DeafHub(hub="user")
    sim.call(lambda: [each.deafness.append(fault) for each in connections(sim, line)])


def refuse(sim: SimulatorThread, line: Line, status: int = 503) -> list[float]:
    """Refuse a line's new connections from now on; the list tells when they came."""
    hub = sim.gateway.user_hub
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


def kill(sim: SimulatorThread, line: Line, status: int = 503) -> list[float]:
    """Refuse a line for good, and drop its sockets."""
    came = refuse(sim, line, status)
    cut(sim, line)
    return came
