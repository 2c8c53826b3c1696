"""The way to the daemon: its stream, made again when it ends; asking meanwhile.

A quiet stream is asked whether anybody is there, and what was long on its way is known by the
instant that was told with it, so that old figures never pass for present ones. The address is
looked up anew for each attempt, for the next daemon may have another port.
"""

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from risk_actors.watch.api import (
    Address,
    AnotherError,
    Answer,
    Api,
    Fate,
    NoAnswerError,
    NotFoundError,
    RefusedError,
    Told,
)
from risk_actors.watch.clocks import Clocks
from risk_actors.watch.sight import LOST_AFTER_S, Moment, Sight, Way

type Find = Callable[[], Address]
"""Returns where the daemon answers now; raises NotFoundError."""

_QUIET_S = 2.5
"""A stream that said nothing for so long is checked by asking."""
_ASK_EVERY_S = 1.0
_LOOK_EVERY_S = 0.25
_SHORTEST_RETRY_S = 0.25
_LONGEST_RETRY_S = 3.0
_LATEST_ANSWER_S = 4.0
"""An answer is overtaken by the stream within the time it is waited for; what seems older than that
is of a clock that was set back."""
_OR_ANOTHER = "it was started anew, or it is another guard; look at the accounts"
_SLOW = "its line is slow: no state has come whole"


class Link:
    """Keeps `sight` as new as it can be, for as long as `run` runs."""

    def __init__(self, find: Find) -> None:
        self.sight = Sight()
        self._find = find
        self._started = Moment.now()
        self._is_streaming = False
        self._clocks = Clocks()
        self._piece_at = self._started
        self._told_at_s: float | None = None
        self._asked_at_s: float | None = None

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
        if address.run is None:
            # Whoever has the address by now, it is for the guard that is seen.
            address = address._replace(run=self.sight.run)
        # One line, so that whoever said who it is gets it.
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector) as session:
            return await Api(session).panic(address, account_id)

    async def _listen_always(self, api: Api) -> None:
        pause_s = _SHORTEST_RETRY_S
        while True:
            heard = self.sight.heard
            try:
                await self._listen(api)
            except (NotFoundError, AnotherError, NoAnswerError, RefusedError):
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
            self._piece_at = Moment.now()
            self._notice_instants(told)
            # The stream may still be behind what was answered meanwhile.
            if told.is_news and not _is_before(told.at_s, self._asked_at_s):
                self._take(address, told)

    async def _ask_when_quiet(self, api: Api) -> None:
        loop = asyncio.get_running_loop()
        asked_at_s = -_ASK_EVERY_S
        while True:
            if loop.time() - asked_at_s >= _ASK_EVERY_S and self._must_ask():
                asked_at_s = loop.time()
                await self._ask(api)
            if self._silence_s() >= LOST_AFTER_S and self.sight.way is not Way.REFUSED:
                slow = _SLOW if self._has_pieces() else ""
                self._become(Way.GONE, slow or self.sight.fault or "it says nothing")
            await asyncio.sleep(_LOOK_EVERY_S)

    def _must_ask(self) -> bool:
        if not self._is_streaming or self._silence_s() >= _QUIET_S:
            return True
        # Late on a line that is fast is a clock that was set: that is found out by asking.
        return self.sight.lag_s >= LOST_AFTER_S

    async def _ask(self, api: Api) -> None:
        try:
            address = self._find()
            if self.sight.is_dated and self._has_pieces():
                # Another whole state would only make a slow line slower.
                self._notice_instants(await api.run(address))
                return
            told = await api.state(address)
            self._notice_instants(told)
            if not self._is_overtaken(told):
                self._asked_at_s = told.at_s
                self._take(address, told)
        except RefusedError as error:
            self._become(Way.REFUSED, str(error))
        except (NotFoundError, AnotherError) as error:
            self._become(Way.GONE, str(error))
        except NoAnswerError as error:
            # One late answer is no end; silence for long enough is.
            is_nobody = isinstance(error.__cause__, aiohttp.ClientConnectorError)
            self._become(Way.GONE if is_nobody else self.sight.way, str(error))

    def _silence_s(self) -> float:
        return Moment.now().since(self.sight.heard or self._started)

    def _has_pieces(self) -> bool:
        return self._is_streaming and Moment.now().since(self._piece_at) < _QUIET_S

    def _is_overtaken(self, told: Told) -> bool:
        """Tell whether the stream told something newer while this answer was on its way."""
        if told.at_s is None or self._told_at_s is None:
            return False
        return 0 < self._told_at_s - told.at_s < _LATEST_ANSWER_S

    def _notice_instants(self, told: Told) -> None:
        if told.run is not None and told.run != self.sight.run:
            # It may be another machine's clock.
            self._clocks, self._told_at_s, self._asked_at_s = Clocks(), None, None
        for instant in told.instants:
            self._clocks.take(instant)

    def _take(self, address: Address, told: Told) -> None:
        seen, now = self.sight, Moment.now()
        ahead_s = self._clocks.ahead_s
        lag_s = 0.0 if told.at_s is None else max(now.wall_s + ahead_s - told.at_s, 0.0)
        self._told_at_s = told.at_s
        self.sight = msgspec.structs.replace(
            seen,
            way=Way.LIVE if self._is_streaming else Way.POLLING,
            picture=told.picture or seen.picture,
            heard=now,
            fault="",
            skew_s=ahead_s,
            lag_s=lag_s,
            is_dated=told.at_s is not None,
            run=told.run or seen.run,
            notice=self._notice(address, told),
            address=address.url,
        )

    def _notice(self, address: Address, told: Told) -> str:
        """Return that another run answers than was seen first, where the address names none."""
        before = self.sight.run
        if address.run is not None or before is None or told.run in (None, before):
            return self.sight.notice
        return f"another run of the guard answers at {address.url} than before: {_OR_ANOTHER}"

    def _become(self, way: Way, fault: str) -> None:
        self.sight = msgspec.structs.replace(self.sight, way=way, fault=fault)


def _is_before(at_s: float | None, other_s: float | None) -> bool:
    return at_s is not None and other_s is not None and at_s < other_s
