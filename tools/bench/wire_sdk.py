"""Program (b), sdk: what a trader would script with the SDK alone.

A callback on `position_update` that closes with the SDK's own call; the SDK's limiter is lifted by
its own setting. It subscribes to what the others subscribe to, through the SDK's hubs.

    python -m bench.wire_sdk WORK   (a JSON object: accounts, contracts, limit)
"""

import asyncio
import json
import os
import sys
from typing import Any

from project_x_py import ProjectX, ProjectXConfig, ProjectXRealtimeClient
from project_x_py.event_bus import EventBus
from project_x_py.position_manager import PositionManager

_NO_LIMIT = 1_000_000


async def main() -> None:
    """Guard until ended."""
    work = json.loads(sys.argv[1])
    config = ProjectXConfig(
        api_url=os.environ["PROJECTX_API_URL"],
        user_hub_url=os.environ["PROJECTX_USER_HUB_URL"],
        market_hub_url=os.environ["PROJECTX_MARKET_HUB_URL"],
        requests_per_minute=_NO_LIMIT,
    )
    username, key = os.environ["PROJECT_X_USERNAME"], os.environ["PROJECT_X_API_KEY"]
    async with ProjectX(username, key, config=config) as client:
        await client.authenticate()
        positions = PositionManager(client, EventBus())
        first, *others = work["accounts"]
        realtime = ProjectXRealtimeClient(client.get_session_token(), str(first), config=config)
        closing: set[tuple[int, str]] = set()

        async def on_position(event: Any) -> None:
            row = event.get("data", event)
            account_id, contract_id = int(row["accountId"]), row["contractId"]
            if not row["size"]:
                closing.discard((account_id, contract_id))
            elif row["size"] > work["limit"] and (account_id, contract_id) not in closing:
                closing.add((account_id, contract_id))
                await positions.close_position_direct(contract_id, account_id=account_id)

        await realtime.add_callback("position_update", on_position)
        await realtime.connect()
        await realtime.subscribe_user_updates()
        for account_id in others:
            for what in ("Orders", "Positions", "Trades"):
                await realtime.user_connection.send(f"Subscribe{what}", [account_id])
        for contract_id in work["contracts"]:
            for what in ("Quotes", "Trades"):
                await realtime.market_connection.send(f"SubscribeContract{what}", [contract_id])
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
