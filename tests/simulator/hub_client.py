"""A raw SignalR client, frame by frame."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from risk_actors.simulator import SimulatorThread

ACCOUNT = 101
RS = "\x1e"


class Wire:
    """One SignalR connection, frame by frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._unread: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send_str(json.dumps(message) + RS)

    async def invoke(self, target: str, *arguments: Any, **extra: Any) -> None:
        message = {"type": 1, "target": target, "arguments": list(arguments), "headers": {}}
        await self.send(message | extra)

    async def next(self, within_s: float = 5.0) -> dict[str, Any]:
        while not self._unread:
            text = await self.socket.receive_str(timeout=within_s)
            self._unread = [json.loads(part) for part in text.split(RS) if part]
        return self._unread.pop(0)

    async def event(self, target: str) -> Any:
        while True:
            message = await self.next()
            if message.get("target") == target:
                return message["arguments"]

    async def events_until(self, target: str) -> list[Any]:
        seen = []
        while not seen or seen[-1][0] != target:
            message = await self.next()
            if message.get("type") == 1:
                seen.append((message["target"], message["arguments"][0]))
        return seen


async def log_in(session: aiohttp.ClientSession, sim: SimulatorThread) -> str:
    body = {"userName": "sim-trader", "apiKey": "sim-api-key"}
    async with session.post(f"{sim.api_url}/Auth/loginKey", json=body) as answer:
        return (await answer.json())["token"]


async def negotiate(session: Any, url: str, token: str, **query: Any) -> tuple[int, Any]:
    query = {"access_token": token, **query}
    async with session.post(f"{url}/negotiate", params=query) as answer:
        return answer.status, await answer.json() if answer.status == 200 else None


@asynccontextmanager
async def connected(
    sim: SimulatorThread, hub: str = "user", version: int = 1, max_frame: int = 1 << 20
) -> AsyncIterator[Wire]:
    url = sim.user_hub_url if hub == "user" else sim.market_hub_url
    async with aiohttp.ClientSession() as session:
        token = await log_in(session, sim)
        _, found = await negotiate(session, url, token)
        query = {"access_token": token, "id": found["connectionId"]}
        async with session.ws_connect(url, params=query, max_msg_size=max_frame) as socket:
            wire = Wire(socket)
            await wire.send({"protocol": "json", "version": version})
            assert await wire.next() == {}
            yield wire


@asynccontextmanager
async def user_stream(
    sim: SimulatorThread, soon: Callable[..., Any], max_frame: int = 1 << 20
) -> AsyncIterator[Wire]:
    """Connect to the user hub and subscribe to everything of the account."""
    async with connected(sim, max_frame=max_frame) as wire:
        await wire.invoke("SubscribeAccounts")
        for name in ("Orders", "Positions", "Trades"):
            await wire.invoke(f"Subscribe{name}", ACCOUNT)
        await soon(lambda: subscribed(sim, ("Accounts", None), ("Trades", ACCOUNT)))
        yield wire


def subscribed(sim: SimulatorThread, *topics: tuple[str, Any], hub: str = "user") -> bool:
    gateway = sim.gateway
    found = gateway.user_hub if hub == "user" else gateway.market_hub
    return sim.call(lambda: all(found.subscriber_count(topic) for topic in topics))
