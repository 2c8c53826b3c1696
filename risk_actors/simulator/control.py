"""POST /control/faults: faults asked for from outside the process, where that is switched on."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from risk_actors.simulator.connection import Topic
from risk_actors.simulator.faults import FaultOrder, Faults

type TopicOf = Callable[[str, list[Any]], Topic]


def routes(faults: Faults, cut_hubs: Callable[[str], None]) -> list[web.RouteDef]:
    """Return the control route."""

    async def order(request: web.Request) -> web.Response:
        try:
            wanted = msgspec.json.decode(await request.read(), type=FaultOrder)
        except msgspec.DecodeError as error:
            return web.json_response({"error": str(error)}, status=400)
        if wanted.clear:
            faults.clear()
        for fault in wanted.faults:
            faults.inject(fault)
        for target, count in wanted.drop_events.items():
            faults.drop_events(target, count)
        if wanted.refuse_negotiate is not None:
            faults.refuse_negotiate(wanted.refuse_negotiate)
        if wanted.cut_hubs is not None:
            cut_hubs(wanted.cut_hubs)
        return web.json_response({"ok": True})

    return [web.post("/control/faults", order)]
