"""Program (a), raw: a bare WebSocket client that posts the close from its read loop.

No SDK and no rules: what the wire, the broker and one Python process take, the limit. It reads
every quote as the others do, and answers the fill or the position, whichever comes first.

    python -m bench.wire_raw WORK   (a JSON object: accounts, contracts, limit)
"""

import asyncio
import json
import os
import sys
from typing import Any

import aiohttp
import msgspec

_SEPARATOR = "\x1e"


class RawGuard:
    """Closes what is larger than the limit."""

    def __init__(self, work: dict[str, Any], http: aiohttp.ClientSession) -> None:
        self._work = work
        self._http = http
        self._api_url = os.environ["PROJECTX_API_URL"]
        self._closing: set[tuple[int, str]] = set()
        self._seen: set[int] = set()
        self._headers: dict[str, str] = {}
        self._token = ""

    async def run(self) -> None:
        """Log in and read both hubs until they end."""
        answer = await self._post(
            "Auth/loginKey",
            {
                "userName": os.environ["PROJECT_X_USERNAME"],
                "apiKey": os.environ["PROJECT_X_API_KEY"],
            },
        )
        self._token = answer["token"]
        self._headers = {"Authorization": f"Bearer {self._token}"}
        accounts, contracts = self._work["accounts"], self._work["contracts"]
        user = [
            (f"Subscribe{what}", [account])
            for account in accounts
            for what in ("Orders", "Positions", "Trades")
        ]
        market = [
            (f"SubscribeContract{what}", [contract])
            for contract in contracts
            for what in ("Quotes", "Trades")
        ]
        await asyncio.gather(
            self._read(os.environ["PROJECTX_USER_HUB_URL"], [("SubscribeAccounts", []), *user]),
            self._read(os.environ["PROJECTX_MARKET_HUB_URL"], market),
        )

    async def _read(self, url: str, calls: list[tuple[str, list[Any]]]) -> None:
        async with self._http.ws_connect(f"{url}?access_token={self._token}") as socket:
            await socket.send_str('{"protocol":"json","version":1}' + _SEPARATOR)
            await socket.receive()
            for target, arguments in calls:
                call = {"type": 1, "target": target, "arguments": arguments}
                await socket.send_str(json.dumps(call) + _SEPARATOR)
            async for message in socket:
                for part in message.data.split(_SEPARATOR):
                    if part:
                        await self._take(msgspec.json.decode(part))

    async def _take(self, message: dict[str, Any]) -> None:
        target = message.get("target")
        if target not in {"GatewayUserTrade", "GatewayUserPosition"}:
            return
        row = message["arguments"][0]["data"]
        key = (row["accountId"], row["contractId"])
        if target == "GatewayUserTrade":
            is_known = row["id"] in self._seen
            self._seen.add(row["id"])
            if is_known or row.get("profitAndLoss") is not None:
                return
        elif not row["size"]:
            self._closing.discard(key)
            return
        if row["size"] > self._work["limit"] and key not in self._closing:
            self._closing.add(key)
            await self._post("Position/closeContract", {"accountId": key[0], "contractId": key[1]})

    async def _post(self, endpoint: str, body: dict[str, Any]) -> Any:
        async with self._http.post(
            f"{self._api_url}/{endpoint}", json=body, headers=self._headers
        ) as response:
            return msgspec.json.decode(await response.read())


async def main() -> None:
    """Guard until ended."""
    async with aiohttp.ClientSession() as http:
        await RawGuard(json.loads(sys.argv[1]), http).run()


if __name__ == "__main__":
    asyncio.run(main())
