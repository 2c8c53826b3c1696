"""The list of all accounts, asked once for all who want it at the same moment.

One Account/search tells of every account, so accounts that are read whole at the same time need
only one. Whoever asks is answered by a request that left after that: what was on its way already
may be older than what the asker has seen.
"""

import asyncio
from collections import Counter

from risk_actors.core.broker import Account
from risk_actors.projectx import translation
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.reads import RestReader

ENDPOINT = "/Account/search"
GATHER_S = 0.05
"""How long a request waits for others to join it; never one of an enforcement."""

type _Rows = tuple[Account, ...]


class AccountList:
    """Reads the list of accounts. Use it on its event loop only."""

    def __init__(self, reader: RestReader) -> None:
        self._reader = reader
        self._leaving: dict[Urgency, asyncio.Task[_Rows]] = {}
        """By urgency, the request that has not left yet."""
        self._waiting: Counter[asyncio.Task[_Rows]] = Counter()
        """How many wait for each request."""

    async def read(self, urgency: Urgency, *, gather: bool) -> _Rows:
        """Return all accounts of the login, inactive ones too (the SDK lists active ones only).

        With `gather`, others may join the request for a moment.

        Raises:
            ReadFailed: the read gave nothing.
            PayloadError: something in it made no sense.
        """
        task = self._leaving.get(urgency)
        if task is None:
            wait_s = 0.0 if urgency is Urgency.ENFORCEMENT or not gather else GATHER_S
            task = asyncio.create_task(self._ask(urgency, wait_s), name="account list")
            self._leaving[urgency] = task
        self._waiting[task] += 1
        try:
            # One who asks may be called off; the others wait on.
            return await asyncio.shield(task)
        finally:
            self._waiting[task] -= 1
            if not self._waiting[task]:
                del self._waiting[task]
                task.cancel()

    async def _ask(self, urgency: Urgency, wait_s: float) -> _Rows:
        """Ask once; nobody may join any more when it has left, or was called off."""
        task = asyncio.current_task()

        def left() -> None:
            if self._leaving.get(urgency) is task:
                del self._leaving[urgency]

        try:
            if wait_s:
                await asyncio.sleep(wait_s)
            body = {"onlyActiveAccounts": False}
            answer = await self._reader.post(ENDPOINT, body, urgency=urgency, on_sent=left)
        finally:
            left()
        return translation.rows_from(answer, "accounts", translation.account_from, ENDPOINT)
