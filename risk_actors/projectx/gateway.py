"""The gateway: everything between the broker and the actors, on one thread of its own.

Broker events come out through `emit`, on this thread, in the order in which they came in; commands
and requests for a snapshot go in from any thread and return at once.
"""

from collections.abc import Callable
from functools import partial

from loguru import logger

from risk_actors.core.broker import Account
from risk_actors.core.commands import Command
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import NoteLocks, RequestBars
from risk_actors.projectx.budget import BudgetState
from risk_actors.projectx.errors import LoginFailed
from risk_actors.projectx.loop_thread import LoopThread
from risk_actors.projectx.ports import Clock, Emit, FillsSince
from risk_actors.projectx.service import GatewayService
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.runtime.right_of_way import CourteousSelector

_CONNECT_GRACE_S = 25.0
"""What `connect` may take beyond the login: one attempt's end, its diagnosis, the accounts."""
_START_TIMEOUT_S = 10.0


class ProjectXGateway:
    """The adapter on the real SDK. For one use: connect, start, stop."""

    def __init__(
        self,
        settings: GatewaySettings,
        credentials: Credentials,
        endpoints: GatewayEndpoints,
        clock: Clock,
        fills_since_ns: FillsSince,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._endpoints = endpoints
        self._clock = clock
        self._fills_since_ns = fills_since_ns
        self._thread = LoopThread("gateway", CourteousSelector)
        self._service: GatewayService | None = None
        self.hold_commands = False
        """Whether commands are refused here instead of being sent: the trader has disarmed."""

    def connect(self) -> tuple[Account, ...]:
        """Log in and return the accounts to guard; blocks. Call it once.

        Raises:
            LoginFailed: the broker refused, or could not be reached within `login_timeout_s`.
            AccountsNotFound: the settings select none of the login's accounts.
        """
        self._thread.start()
        try:
            return self._thread.run(
                self._connect(), self._settings.login_timeout_s + _CONNECT_GRACE_S
            )
        except TimeoutError:
            self.stop()
            raise LoginFailed("The gateway did not answer the login in time.") from None
        except BaseException:
            self.stop()
            raise

    def start(self, emit: Emit, account_ids: tuple[int, ...]) -> None:
        """Start the streams, the watch over them, and a first snapshot of each account.

        Args:
            emit: takes every message, on the gateway's thread; must be fast and not block.
            account_ids: the accounts to guard, at least one.
        """
        if self._service is None:
            raise RuntimeError("connect() comes before start()")
        if not account_ids:
            raise ValueError("start() needs at least one account")
        self._thread.run(self._service.start(emit, account_ids), _START_TIMEOUT_S)

    def submit(self, command: Command) -> None:
        """Send a command now; its one `CommandAnswered` follows.

        From any thread; returns at once. Over a warm connection it is sent by this very call, else
        by the gateway's thread.
        """
        service = self._service
        if service is None:
            _say_not_running(command, "not sent")
            return
        if self.hold_commands:
            self._thread.call(partial(service.refuse, command))
            return
        sending = service.send_at_once(command)
        if not self._thread.call(partial(service.submit, command, sending)):
            what = "not sent" if sending is None else "sent, and its answer is not awaited"
            _say_not_running(command, what)

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Ask for a snapshot of an account. From any thread; returns at once."""
        service = self._service
        if service is not None:
            self._thread.call(partial(service.request_snapshot, account_id, reason, correlation_id))

    def follow_market(self, market: MarketCalendar, stale_after_ns: int) -> None:
        """Take when markets are open, and how old (ns) a price may grow. From any thread."""
        service = self._service
        if service is not None:
            self._thread.call(partial(service.follow_market, market, stale_after_ns))

    @property
    def has_room(self) -> bool:
        """Whether the request budget has room to read every account at once. From any thread."""
        service = self._service
        return service is not None and service.has_room

    def budget_state(self) -> BudgetState | None:
        """Return how much of the request budget is used; None when not running. Any thread."""
        service = self._service
        return None if service is None else service.budget_state()

    def quotes_told(self) -> tuple[int, int | None]:
        """Return how many quotes the market hub told, and when (ns of UTC) last. Any thread."""
        service = self._service
        return (0, None) if service is None else service.quotes_told()

    def ping(self, answered: Callable[[], object]) -> bool:
        """Have a function called on the gateway's thread soon; false when that has ended."""
        return self._thread.call(answered)

    def resume(self, reason: str) -> None:
        """Tell again all that is known: the listeners are new. From any thread."""
        service = self._service
        if service is not None:
            self._thread.call(partial(service.resume, reason))

    def request_bars(self, wanted: RequestBars) -> None:
        """Ask how far a contract traded in a time. From any thread; returns at once."""
        service = self._service
        if service is not None:
            self._thread.call(partial(service.request_bars, wanted))

    def note_locks(self, note: NoteLocks) -> None:
        """Tell when an account was and is locked as the account's own fact. From any thread."""
        service = self._service
        if service is not None:
            self._thread.call(partial(service.note_locks, note))

    def stop(self, timeout_s: float = 5.0) -> None:
        """End streams, connections, loop and thread; nothing is emitted afterwards. Idempotent."""
        service, self._service = self._service, None
        try:
            if service is not None:
                self._thread.run(service.stop(), timeout_s)
        except TimeoutError:
            logger.warning("The gateway's connections did not close in time")
        finally:
            self._thread.stop(timeout_s)

    async def _connect(self) -> tuple[Account, ...]:
        self._service = GatewayService(
            self._settings,
            self._credentials,
            self._endpoints,
            self._clock,
            self._fills_since_ns,
            lambda: self.hold_commands,
        )
        return await self._service.connect()


def _say_not_running(command: Command, what: str) -> None:
    log = logger.bind(account=command.account_id, correlation_id=command.correlation_id)
    log.error("Command {} was {}: the gateway is not running", command.id, what)
