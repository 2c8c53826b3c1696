"""The way to the daemon: its stream, made again when it ends; asking meanwhile.

A quiet stream is asked whether anybody is there, so that old figures never pass for present ones.
The address is looked up anew for each attempt, for the next daemon may have another port.
"""

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from risk_actors.watch.api import (
    Address,
    Answer,
    Api,
    Fate,
    NoAnswerError,
    NotFoundError,
    RefusedError,
    Told,
)
from risk_actors.watch.sight import LOST_AFTER_S, Moment, Sight, Way

type Find = Callable[[], Address]
"""Returns where the daemon answers now; raises NotFoundError."""

_QUIET_S = 2.5
"""A stream that said nothing for so long is checked by asking."""
_ASK_EVERY_S = 1.0
_LOOK_EVERY_S = 0.25
_SHORTEST_RETRY_S = 0.25
_LONGEST_RETRY_S = 3.0


class Link:
    """Keeps `sight` as new as it can be, for as long as `run` runs."""

    def __init__(self, find: Find) -> None:
        self.sight = Sight()
        self._find = find
        self._started = Moment.now()
        self._is_streaming = False

    async def run(self) -> None:
        """Listen and ask until cancelled."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            api = Api(session)
            group.create_task(self._listen_always(api))
            group.create_task(self._ask_when_quiet(api))

    async def panic(self, account_id: int | None) -> Answer:
        """Ask for one account, or all, to be flattened and locked; never raises."""
        try:
            address = self._find()
        except NotFoundError as error:
            return Answer(Fate.UNREACHED, str(error))
        async with aiohttp.ClientSession() as session:
            return await Api(session).panic(address, account_id)

    async def _listen_always(self, api: Api) -> None:
        pause_s = _SHORTEST_RETRY_S
        while True:
            heard = self.sight.heard
            try:
                await self._listen(api)
            except (NotFoundError, NoAnswerError, RefusedError):
                # Why, and whether anybody is there at all, is found out by asking.
                pass
            finally:
                self._is_streaming = False
            is_better = self.sight.heard is not heard
            pause_s = _SHORTEST_RETRY_S if is_better else min(pause_s * 2, _LONGEST_RETRY_S)
            await asyncio.sleep(pause_s)

    async def _listen(self, api: Api) -> None:
        address = self._find()
        async for told in api.states(address):
            self._is_streaming = True
            self._take(address, told)

    async def _ask_when_quiet(self, api: Api) -> None:
        loop = asyncio.get_running_loop()
        asked_at_s = -_ASK_EVERY_S
        while True:
            is_due = loop.time() - asked_at_s >= _ASK_EVERY_S
            if is_due and (not self._is_streaming or self._silence_s() >= _QUIET_S):
                asked_at_s = loop.time()
                await self._ask(api)
            if self._silence_s() >= LOST_AFTER_S and self.sight.way is not Way.REFUSED:
                self._become(Way.GONE, self.sight.fault or "it says nothing")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _ask(self, api: Api) -> None:
        try:
            address = self._find()
            self._take(address, await api.state(address))
        except RefusedError as error:
            self._become(Way.REFUSED, str(error))
        except NotFoundError as error:
            self._become(Way.GONE, str(error))
        except NoAnswerError as error:
            # One late answer is no end; silence for long enough is.
            is_nobody = isinstance(error.__cause__, aiohttp.ClientConnectorError)
            self._become(Way.GONE if is_nobody else self.sight.way, str(error))

    def _silence_s(self) -> float:
        return Moment.now().since(self.sight.heard or self._started)

    def _take(self, address: Address, told: Told) -> None:
        self.sight = msgspec.structs.replace(
            self.sight,
            way=Way.LIVE if self._is_streaming else Way.POLLING,
            picture=told.picture or self.sight.picture,
            heard=Moment.now(),
            fault="",
            skew_s=told.skew_s,
            address=address.url,
        )

    def _become(self, way: Way, fault: str) -> None:
        self.sight = msgspec.structs.replace(self.sight, way=way, fault=fault)
