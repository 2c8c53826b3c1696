"""/control/faults: faults asked for from outside the process, where that is switched on.

`POST` takes a `FaultOrder` and answers `{"ok": true, "ids": [...]}`, one id for each fault in the
order of `FaultOrder.all_faults`; 400 with `error` when it is not understood, and nothing is
injected. (A symbol or an account that does not exist is noticed late: faults before it stay.)
`GET` answers `{"now_ns", "now_utc_ns", "due": [...], "log": [...]}`: what is still due with
`strikes_left` and `ends_in_s` (null: no limit), and the record of every fault ever asked for.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from risk_actors.simulator.connection import Topic
from risk_actors.simulator.fault_order import FaultOrder
from risk_actors.simulator.faults import Faults, decoded, kind_of
from risk_actors.simulator.history import FaultRecord
from risk_actors.simulator.refusals import RefusedError
from risk_actors.simulator.weather import Weather

type TopicOf = Callable[[str, list[Any]], Topic]

_DECODER = msgspec.json.Decoder(FaultOrder, dec_hook=decoded)


def routes(faults: Faults, set_weather: Callable[[Weather | None], None]) -> list[web.RouteDef]:
    """Return the control routes; `set_weather` starts other weather, None for good weather."""

    async def order(request: web.Request) -> web.Response:
        try:
            wanted = _DECODER.decode(await request.read())
        except msgspec.DecodeError as error:
            return web.json_response({"error": str(error)}, status=400)
        if wanted.clear:
            set_weather(None)
            faults.clear()
        faults.heal(*wanted.heal)
        try:
            ids = [faults.inject(fault) for fault in wanted.all_faults()]
        except (LookupError, RefusedError) as error:
            return web.json_response({"error": f"no such symbol or account: {error}"}, status=400)
        if wanted.weather is not None:
            set_weather(wanted.weather)
        return web.json_response({"ok": True, "ids": ids})

    async def show(_request: web.Request) -> web.Response:
        return web.json_response(report(faults))

    return [web.post("/control/faults", order), web.get("/control/faults", show)]


def report(faults: Faults) -> dict[str, Any]:
    """Return what `GET /control/faults` answers."""
    due = [
        record_row(record) | {"strikes_left": strikes, "ends_in_s": seconds}
        for record, strikes, seconds in faults.due()
    ]
    return {
        "now_ns": time.monotonic_ns(),
        "now_utc_ns": time.time_ns(),
        "due": due,
        "log": [record_row(record) for record in faults.log],
    }


def record_row(record: FaultRecord) -> dict[str, Any]:
    """Return a fault's record as plain data; `fault` has its `kind` and all its keys."""
    row: dict[str, Any] = msgspec.to_builtins(record)
    return row | {"fault": {"kind": kind_of(record.fault)} | row["fault"]}
