"""The session with the broker: the SDK's login, its token, and getting a new one in time.

The SDK's own renewal does not work (after a 401 on a token it thinks fresh it retries with the
same token, and it never gives hubs a new one), so the token is renewed here: before it ends, and
whenever the broker says 401. Logging in again leaves older tokens valid (documented).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from loguru import logger
from project_x_py import ProjectX, ProjectXConfig

from risk_actors.projectx.errors import LoginFailed
from risk_actors.projectx.login import Diagnosis, LoginProblem, diagnose_login
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.say import Repeats
from risk_actors.projectx.sdk_meter import SdkMeter, TooManyRequestsError
from risk_actors.projectx.secrets import remember_secret, scrub
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings

_UNLIMITED_PER_MINUTE = 1_000_000
"""The SDK's own limiter is one queue for all requests; our budget governs instead."""
_REQUEST_TIMEOUT_S = 5
_ATTEMPT_S = 8.0
_LIST_ACCOUNTS_S = 1.0
"""How long the SDK may list accounts once it has the token, which is all that is wanted of it."""
_LOOK_FOR_TOKEN_S = 0.1
_DIAGNOSIS_S = 4.0
_SHORTEST_DIAGNOSIS_S = 1.0
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 4.0
_BUSY_BACKOFF_S = 2.0
"""The shortest pause after a 429; the budget tells the reads to pause as well."""
_REFUSED_BACKOFFS_S = (2.0, 4.0, 5.0)
"""A login that has worked before and is refused may be let in again any moment, and without it
nothing is protected; these are the pauses of the first minute, the last of them repeated."""
_REFUSED_SHORTLY_S = 60.0
_REFUSED_BACKOFF_S = 15.0
_LONGEST_REFUSED_BACKOFF_S = 30.0
"""A key that stays refused is asked for ever more slowly: the broker may lock the user out."""
_SHORTEST_REFUSED_S = 2.0
"""A sign of life of the broker ends a pause, but not sooner after a refusal than this."""
_FIRST_GAP_S = 10.0
_LONGEST_GAP_S = 60.0
_GAP_FORGOTTEN_S = 120.0
"""Between logins that each made a token which was refused, or logged out, right away."""
_RENEWAL_UNKNOWN_S = 30.0
"""When to renew a token whose end is not known."""
_RENEWED_AFTER_SHARE = 0.8
_SHORTEST_LIFE_S = 2.0


class Session:
    """One login, kept alive. Use it on its event loop only."""

    def __init__(
        self,
        settings: GatewaySettings,
        credentials: Credentials,
        endpoints: GatewayEndpoints,
        clock: Clock,
        on_trouble: Callable[[str | None], None] = lambda _words: None,
    ) -> None:
        """Take how to log in, and who hears of trouble with it while running (None: it is over)."""
        self._on_trouble = on_trouble
        self._repeats = Repeats()
        self._settings = settings
        self._credentials = credentials
        self._endpoints = endpoints
        self._clock = clock
        self.config = ProjectXConfig(
            api_url=endpoints.api_url,
            user_hub_url=endpoints.user_hub_url,
            market_hub_url=endpoints.market_hub_url,
            requests_per_minute=_UNLIMITED_PER_MINUTE,
            timeout_seconds=_REQUEST_TIMEOUT_S,
        )
        self.client = ProjectX(credentials.username, credentials.api_key, config=self.config)
        self.token = ""
        self._token_since_ns = 0
        self._relogin: asyncio.Task[None] | None = None
        self._pace = _Pace()
        self._nudged = asyncio.Event()

    async def login(self) -> None:
        """Log in for the first time.

        Raises:
            LoginFailed: the broker refused, or could not be reached within `login_timeout_s`.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._settings.login_timeout_s
        backoff_s = _FIRST_BACKOFF_S
        while True:
            diagnosis = await self._try_login(deadline_s - loop.time())
            if diagnosis is None:
                return
            if diagnosis.problem is LoginProblem.REFUSED:
                raise LoginFailed(f"The gateway refused the login: {diagnosis.words}.")
            if loop.time() + backoff_s >= deadline_s:
                raise LoginFailed(
                    f"Could not log in within {self._settings.login_timeout_s:g} s:"
                    f" {diagnosis.words}."
                )
            logger.warning("Login failed, trying again: {}", diagnosis.words)
            if diagnosis.problem is LoginProblem.BUSY:
                backoff_s = max(backoff_s, _BUSY_BACKOFF_S)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _LONGEST_BACKOFF_S)

    def relogin_soon(self, refused_token: str) -> None:
        """Get a new token in the background, unless there is a newer one than the refused.

        One login at a time; it is tried until it works.
        """
        if refused_token != self.token:
            return
        self._log_in_after(lambda: self._pace.next_pause_s(_now_s()))

    def _log_in_after(self, pause_s: Callable[[], float]) -> None:
        if self._relogin is None or self._relogin.done():
            self._relogin = asyncio.create_task(self._login_forever(pause_s()), name="relogin")

    async def fresh_token(self, refused_token: str, timeout_s: float) -> bool:
        """Get a new token and wait for it; false when it takes longer than `timeout_s`."""
        self.relogin_soon(refused_token)
        if self._relogin is not None and not self._relogin.done():
            await asyncio.wait([self._relogin], timeout=timeout_s)
        return self.token != refused_token

    async def renew_in_time(self) -> None:
        """Get a new token after most of each one's life; runs until cancelled."""
        while True:
            token = self.token
            await asyncio.sleep(self._renewal_due_s())
            if token == self.token:
                self._log_in_after(lambda: 0.0)  # its time has come, and no token was refused
            await self.fresh_token(token, _ATTEMPT_S)

    async def close(self) -> None:
        """Close the SDK's connections."""
        if self._relogin is not None:
            self._relogin.cancel()
            await asyncio.gather(self._relogin, return_exceptions=True)
        await self.client.__aexit__(None, None, None)

    def _renewal_due_s(self) -> float:
        expiry = self.client.token_expiry
        if expiry is None:
            return _RENEWAL_UNKNOWN_S
        life_s = expiry.timestamp() - self._token_since_ns / 1e9
        due_s = self._token_since_ns / 1e9 + life_s * _RENEWED_AFTER_SHARE
        # With a clock far off, the end may seem to be past already: do not spin.
        return max(float(due_s - self._clock.now_ns() / 1e9), _SHORTEST_LIFE_S)

    async def _login_forever(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        has_failed = False
        backoff_s = _FIRST_BACKOFF_S
        refusals = _Refusals()
        while True:
            diagnosis = await self._try_login(_ATTEMPT_S)
            if diagnosis is None:
                self._repeats.forget()
                if has_failed:
                    self._on_trouble(None)
                logger.info("Logged in again")
                return
            has_failed = True
            self._on_trouble(diagnosis.words)
            if self._repeats.is_due(diagnosis.words):
                logger.error("Could not log in again: {}", diagnosis.words)
            if diagnosis.problem is LoginProblem.REFUSED:
                await self._wait_after_refusal(refusals.next_pause_s(_now_s()))
                continue
            if diagnosis.problem is LoginProblem.BUSY:
                backoff_s = max(backoff_s, _BUSY_BACKOFF_S)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _LONGEST_BACKOFF_S)

    def nudge(self) -> None:
        """Try to log in again now, as when the broker has shown a sign of life."""
        self._nudged.set()

    async def _wait_after_refusal(self, pause_s: float) -> None:
        least_s = min(pause_s, _SHORTEST_REFUSED_S)
        await asyncio.sleep(least_s)
        self._nudged.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._nudged.wait(), pause_s - least_s)

    async def _try_login(self, within_s: float) -> Diagnosis | None:
        """Log in through the SDK once; return what went wrong, or None."""
        began_s = asyncio.get_running_loop().time()
        client = self.client
        before = (client.session_token, client.token_expiry)
        client.session_token = ""
        failure, is_busy = "no answer", False
        try:
            await self._authenticate(min(within_s, _ATTEMPT_S))
        except Exception as error:  # noqa: BLE001 -- the SDK raises all kinds; each is a failed login
            failure = scrub(str(error)) or type(error).__name__
            is_busy = isinstance(error, TooManyRequestsError)
        token = client.session_token
        if isinstance(token, str) and token:
            # The SDK also fails when no account is active; that is not the login's fault.
            self.token = token
            self._token_since_ns = self._clock.now_ns()
            remember_secret(token)
            self._settle(is_unsent=False)
            return None
        client.session_token, client.token_expiry = before
        # The SDK has put the token it did not get into its headers.
        client.headers.pop("Authorization", None)
        if before[0]:
            client.headers["Authorization"] = f"Bearer {before[0]}"
        if is_busy:  # asking directly would only be one more
            self._settle(is_unsent=False)
            return Diagnosis(LoginProblem.BUSY, f"the broker says: {failure}")
        left_s = within_s - (asyncio.get_running_loop().time() - began_s)
        await client.rate_limiter.acquire()  # it counts: see `sdk_meter.py`
        diagnosis = await diagnose_login(
            self._endpoints,
            self._credentials,
            min(max(left_s, _SHORTEST_DIAGNOSIS_S), _DIAGNOSIS_S),
        )
        self._settle(is_unsent=diagnosis.is_unsent)
        if diagnosis.problem is LoginProblem.NONE:
            return Diagnosis(LoginProblem.SERVER_FAULT, f"the SDK reports: {failure}")
        return diagnosis

    def _settle(self, *, is_unsent: bool) -> None:
        """Have what a login sent, or could not send, counted for what it was."""
        meter = self.client.rate_limiter
        if isinstance(meter, SdkMeter):
            meter.settle(is_unsent=is_unsent)

    async def _authenticate(self, within_s: float) -> None:
        """Have the SDK log in; give it up in time, and soon after there is a token."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + within_s
        attempt = asyncio.create_task(self.client.authenticate(), name="login")
        has_token = False
        try:
            while not attempt.done() and (left_s := deadline_s - loop.time()) > 0:
                await asyncio.wait({attempt}, timeout=min(left_s, _LOOK_FOR_TOKEN_S))
                if self.client.session_token and not has_token:
                    has_token = True
                    deadline_s = min(deadline_s, loop.time() + _LIST_ACCOUNTS_S)
            if attempt.done():
                attempt.result()
        finally:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)


class _Pace:
    """How soon a token is asked for anew: at once, and ever later where no token lasts."""

    def __init__(self) -> None:
        self._next_s: float | None = None
        self._gap_s = _FIRST_GAP_S

    def next_pause_s(self, now_s: float) -> float:
        """Take that a new token is wanted, and return the pause before the login for it."""
        if self._next_s is None or now_s >= self._next_s + _GAP_FORGOTTEN_S:
            self._gap_s = _FIRST_GAP_S
        pause_s = 0.0 if self._next_s is None else max(self._next_s - now_s, 0.0)
        self._next_s = now_s + pause_s + self._gap_s
        if pause_s:
            self._gap_s = min(self._gap_s * 2, _LONGEST_GAP_S)
        return pause_s


class _Refusals:
    """How long to wait after each refusal of a login that has worked before."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._count = 0
        self._late_s = _REFUSED_BACKOFF_S

    def next_pause_s(self, now_s: float) -> float:
        """Take a refusal, and return the pause after it."""
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s < _REFUSED_SHORTLY_S:
            self._count += 1
            return _REFUSED_BACKOFFS_S[min(self._count, len(_REFUSED_BACKOFFS_S)) - 1]
        pause_s, self._late_s = self._late_s, _LONGEST_REFUSED_BACKOFF_S
        return pause_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()
