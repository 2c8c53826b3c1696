"""The gateway's parts and how they hang together, all on the gateway's event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from loguru import logger

from risk_actors.core.broker import Account
from risk_actors.core.commands import Answer, Command, Outcome
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import (
    AccountSnapshot,
    CommandAnswered,
    FillReported,
    LocksNoted,
    Message,
    NoteLocks,
    RequestBars,
)
from risk_actors.projectx.accounts import first_accounts, guarded_accounts, is_selected
from risk_actors.projectx.bar_prices import STALE_AFTER_NS, BarPrices
from risk_actors.projectx.bars import BarReader
from risk_actors.projectx.budget import BudgetState, RequestBudget, Urgency
from risk_actors.projectx.connection import ConnectionBoard
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.hearing import Hearing
from risk_actors.projectx.hubs import Hubs
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.instruments import InstrumentDesk
from risk_actors.projectx.lane import EnforcementLane, Sending
from risk_actors.projectx.lean_line import Listener, SecondLine
from risk_actors.projectx.lines import Line
from risk_actors.projectx.lines_gate import LineGate
from risk_actors.projectx.lines_watch import LinesWatch, Reactions
from risk_actors.projectx.polling import Poller
from risk_actors.projectx.ports import Clock, Emit, FillsSince
from risk_actors.projectx.price_line import PriceLine, PriceListener
from risk_actors.projectx.price_lines import PriceLines
from risk_actors.projectx.reads import RestReader
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.projectx.snapshot_desk import SnapshotDesk, urgency_of
from risk_actors.projectx.snapshots import REQUESTS_PER_SNAPSHOT, SnapshotReader
from risk_actors.projectx.streams import Streams
from risk_actors.projectx.supervision import keep_running
from risk_actors.projectx.time_desk import TimeDesk
from risk_actors.projectx.unsent import disarmed

_LAST_ANSWERS_S = 1.0
"""How long a stop waits for commands that are on their way."""


class GatewayService:
    """One login with its streams, reads and commands. Use it on its event loop only."""

    def __init__(
        self,
        settings: GatewaySettings,
        credentials: Credentials,
        endpoints: GatewayEndpoints,
        clock: Clock,
        fills_since_ns: FillsSince,
        is_held: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take what is needed, and whether commands are held because the trader has disarmed."""
        self._is_held = is_held
        self._settings = settings
        self._endpoints = endpoints
        self._clock = clock
        self._ids = CorrelationIds(clock.now_ns())
        self._sink: Emit | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._commands: set[asyncio.Task[None]] = set()
        self._board = ConnectionBoard(clock, self._ids, self._emit)
        self._budget = RequestBudget(settings.requests_per_minute)
        self._session = Session(
            settings, credentials, endpoints, clock, on_trouble=self._login_trouble
        )
        self._reader = RestReader(self._session, self._budget, clock, self._rest)
        self._snapshots = SnapshotReader(self._reader, clock, fills_since_ns)
        self._bars = BarReader(self._reader, clock)
        self._time = TimeDesk(clock)
        self._lane = EnforcementLane(
            endpoints.api_url,
            self._session,
            self._budget,
            clock,
            settings.command_timeout_s,
            self._time,
        )
        self._streams: Streams | None = None
        self._second: SecondLine | None = None
        self._gate = LineGate(clock, self._ids, self._put)
        self._lines = LinesWatch(self._gate, clock, self._reactions())
        self._market = MarketCalendar()
        self._stale_after_ns = STALE_AFTER_NS
        self._seen_ids: set[int] = set()
        self._lock_notes: dict[int, LocksNoted] = {}

    async def connect(self) -> tuple[Account, ...]:
        """Log in and return the accounts to guard.

        Raises:
            LoginFailed: the broker refused, or could not be reached in time.
            AccountsNotFound: the settings select none of the login's accounts.
        """
        self._lane.open()
        # Before the login, whose own times are told by the clock, and after it where it came first.
        await self._time.begin(self._lane.ping)
        await self._session.login()
        await self._time.begin(self._lane.ping)
        accounts = await first_accounts(self._snapshots)
        chosen = guarded_accounts(accounts, self._settings)
        self._seen_ids = {account.id for account in accounts}
        self._keep("token renewal", self._session.renew_in_time)
        self._keep("enforcement connection", self._lane.keep_warm)
        if self._time.has_work:
            self._keep("broker's time", partial(self._time.serve, self._lane.ping))
        return chosen

    async def start(self, emit: Emit, account_ids: tuple[int, ...]) -> None:
        """Start the streams and all that watches over them."""
        self._sink = emit
        streams = self._make_streams(account_ids)
        self._streams = streams
        for noted in self._lock_notes.values():
            self._emit(noted)
        self._board.announce("starting")
        streams.desk.request(None, "start")
        for name, body in streams.bodies():
            self._keep(name, body)
        if self._settings.second_line:
            self._second = self._make_second(account_ids)
            self._second.start()
            self._keep("lines", self._lines.serve)
        if self._settings.price_line:
            streams.prices.begin(self._make_price_line(streams))

    def send_at_once(self, command: Command) -> Sending | None:
        """Send a command over a warm connection; from any thread, never waits.

        Returns:
            What must be handed to `submit`; None when nothing has left.
        """
        return self._lane.send_at_once(command)

    def submit(self, command: Command, sending: Sending | None = None) -> None:
        """Send a command now, if it has not left yet; its one `CommandAnswered` follows."""
        task = asyncio.create_task(self._carry_out(command, sending), name=f"command {command.id}")
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    def refuse(self, command: Command) -> None:
        """Answer a command that is not sent, because the trader has disarmed."""
        self._emit(disarmed(command, self._clock.now_ns()))

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Ask for a snapshot of an account."""
        if urgency_of(reason) is not Urgency.ENFORCEMENT:
            # An actor asks because what it knows does not fit together.
            self._snapshots.distrust_fills(account_id)
        if self._streams is not None:
            self._streams.desk.request(account_id, reason, correlation_id)

    @property
    def has_room(self) -> bool:
        """Whether every account can be read at once; may be asked by any thread."""
        accounts = len(self._streams.desk.account_ids) if self._streams else 1
        room = self.budget_state().room
        return room >= accounts * REQUESTS_PER_SNAPSHOT

    def budget_state(self) -> BudgetState:
        """Return how much of the request budget is used; may be asked by any thread."""
        return self._budget.state(self._clock.now_ns())

    def quotes_told(self) -> tuple[int, int | None]:
        """Return how many quotes the market hub told, and when last; may be asked by any thread."""
        return (0, None) if self._streams is None else self._streams.prices.told

    def resume(self, reason: str) -> None:
        """Tell the connection's state and the last quotes, and have every account read."""
        if self._streams is None:
            return
        self._board.announce()
        self._streams.prices.repeat()
        self._streams.desk.request(None, reason)

    def request_bars(self, wanted: RequestBars) -> None:
        """Read how far a contract traded in a time, and tell it."""
        task = asyncio.create_task(self._read_bars(wanted), name=f"bars of {wanted.contract_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_bars(self, wanted: RequestBars) -> None:
        self._emit(await self._bars.answer(wanted))

    def note_locks(self, note: NoteLocks) -> None:
        """Note when an account was and is locked, and tell it, now or with the start."""
        noted = LocksNoted(
            correlation_id=note.correlation_id,
            at_ns=self._clock.now_ns(),
            account_id=note.account_id,
            spans=note.spans,
            unlocked=note.unlocked,
        )
        self._lock_notes[note.account_id] = noted
        self._emit(noted)

    async def stop(self) -> None:
        """End everything; nothing is emitted afterwards."""
        if self._commands:
            await asyncio.wait(self._commands, timeout=_LAST_ANSWERS_S)
        self._sink = None
        tasks = self._tasks | self._commands
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        closers = [self._lane.close, self._session.close]
        if self._streams is not None:
            closers[:0] = [self._streams.prices.stop, self._streams.hubs.close]
        if self._second is not None:
            closers.insert(0, self._second.stop)
        for close in closers:
            try:
                await close()
            except Exception:  # noqa: BLE001 -- the others must be closed all the same
                logger.exception("Closing a connection failed")

    def follow_market(self, market: MarketCalendar, stale_after_ns: int) -> None:
        """Take when markets are open, and how old a price may grow."""
        self._market, self._stale_after_ns = market, stale_after_ns
        if self._streams is not None:
            self._streams.bar_prices.follow(market, stale_after_ns)

    def _make_streams(self, account_ids: tuple[int, ...]) -> Streams:
        board, clock = self._board, self._clock
        hubs = Hubs(
            self._session,
            self._endpoints,
            account_ids,
            partial(self._set_line, Line.A),
            lambda up, detail: prices.set_line(Line.A, up, detail),
            partial(self._gate.opening, Line.A),
        )
        inbound = Inbound(
            frozenset(account_ids),
            clock,
            self._ids,
            self._emit,
            self._contract,
            self._doubt,
            hubs.logged_out,
            self._stranger,
            on_heard=self._heard,
            gate=self._gate,
            on_told=self._follow,
        )
        hubs.listen(inbound)
        hearing = Hearing(board, clock, self._connect_anew)
        prices = PriceLines(board, inbound, hubs, self._market_hub)
        desk = SnapshotDesk(
            account_ids,
            self._snapshots,
            inbound,
            clock,
            self._ids,
            self._emit,
            lambda: board.rest,
            # While there is room, fills are read as well: without them P&L is unknown.
            lambda: board.is_polling and self._budget.is_tight,
        )
        return Streams(
            hubs,
            inbound,
            desk,
            InstrumentDesk(self._reader, inbound, clock, self._ids, self._emit),
            Poller(
                self._snapshots,
                desk,
                board,
                self._budget,
                clock,
                self._settings.reconcile_every_s,
                hearing.agreed,
            ),
            hearing,
            BarPrices(
                self._bars,
                inbound,
                board,
                clock,
                prices.deaf,
                self._market,
                self._stale_after_ns,
                prices.known,
            ),
            prices,
        )

    async def _carry_out(self, command: Command, sending: Sending | None) -> None:
        if sending is None and self._is_held():
            self.refuse(command)  # disarmed after it was handed over, before it could leave
            return
        try:
            if sending is None:
                outcome, sent_ns = await self._lane.send(command)
            else:
                outcome, sent_ns = await self._lane.follow(sending), sending.sent_ns
        except Exception as error:  # noqa: BLE001 -- a command without an answer would hang the plan
            log = logger.bind(account=command.account_id, correlation_id=command.correlation_id)
            log.opt(exception=error).error("Command {} failed", command.id)
            sent_ns = self._clock.now_ns()
            outcome = Outcome(
                command_id=command.id,
                account_id=command.account_id,
                answer=Answer.UNCERTAIN,
                detail=f"could not be sent: {type(error).__name__}",
            )
        self._emit(
            CommandAnswered(
                correlation_id=command.correlation_id,
                at_ns=self._clock.now_ns(),
                outcome=outcome,
                sent_ns=sent_ns,
            )
        )

    def _make_second(self, account_ids: tuple[int, ...]) -> SecondLine:
        listener = Listener(
            told=self._second_told,
            contract=self._contract,
            doubt=self._doubt,
            stranger=self._stranger,
            changed=partial(self._set_line, Line.B),
            token_doubt=lambda: self._session.relogin_soon(self._session.token),
            fault=self._board.announce,
        )
        return SecondLine(
            account_ids,
            self._endpoints.user_hub_url,
            lambda: self._session.token,
            self._gate,
            listener,
            partial(self._lines.is_up, Line.A),
        )

    def _make_price_line(self, streams: Streams) -> PriceLine:
        listener = PriceListener(
            emit=self._put,
            heard=streams.bar_prices.heard,
            changed=partial(streams.prices.set_line, Line.B),
            refused=streams.prices.refused,
            token_doubt=lambda: self._session.relogin_soon(self._session.token),
            fault=self._board.announce,
        )
        return PriceLine(
            self._endpoints.market_hub_url,
            lambda: self._session.token,
            self._clock,
            self._ids,
            listener,
            partial(streams.prices.is_up, Line.A),
        )

    def _set_line(self, line: Line, up: bool, detail: str | None) -> None:
        if self._settings.second_line:
            self._board.second_line = up and self._lines.is_up(line.other)
        self._lines.set_line(line, up, detail)
        self._board.tell_news()

    def _reactions(self) -> Reactions:
        return Reactions(
            hub=self._user_hub,
            say=self._board.say,
            read=self._read_after_loss,
            kick={Line.A: self._kick_first, Line.B: self._kick_second},
            hurry=self._hurry_second,
            rest=self._rest_second,
        )

    def _read_after_loss(self, reason: str) -> None:
        """Have the accounts read: maybe neither line told for a moment, and that is no deafness."""
        if self._streams is not None:
            self._streams.hearing.set_hub(up=True)
            if self.has_room:
                self._doubt(None, reason, self._ids.next())
            else:  # lines that come and go: light looks show who has to be read
                self._streams.poller.catch_up()

    def _connect_anew(self, detail: str) -> None:
        """Have both lines connected anew: what a read shows, neither has told."""
        self._kick_first(detail)
        self._kick_second(detail)

    def _kick_first(self, detail: str) -> None:
        if self._streams is not None:
            self._streams.hubs.user.kick(detail, rebuild=True)

    def _kick_second(self, detail: str) -> None:
        if self._second is not None:
            self._second.thread.kick(detail)

    def _rest_second(self, seconds: float, detail: str) -> None:
        if self._second is not None:
            self._second.thread.rest(seconds, detail)

    def _hurry_second(self) -> None:
        if self._second is not None:
            self._second.thread.nudge()

    def _second_told(self, message: Message) -> None:
        """Take what the second line has told; it was emitted on that line's thread."""
        self._follow(message)
        self._heard(message)

    def _stranger(self, account: Account) -> None:
        """Say, once, that an account which should be guarded appeared and is not."""
        if account.id in self._seen_ids or self._streams is None:
            return
        self._seen_ids.add(account.id)
        if is_selected(account, self._settings):
            detail = (
                f"account {account.name} appeared after the start and is NOT GUARDED; "
                "stop and start again to guard it"
            )
            logger.warning("The {}", detail)
            self._streams.inbound.reject(PayloadError("account", detail, str(account.id)))

    def _user_hub(self, up: bool, detail: str | None) -> None:
        if self._streams is not None:
            self._streams.hearing.set_hub(up=up)
        if up and self._streams is not None:
            # What happened while we were not subscribed is never sent again.
            self._streams.poller.catch_up()
            self._session.nudge()
        self._board.set_user_hub(up, detail)

    def _market_hub(self, up: bool, detail: str | None) -> None:
        self._board.set_market_hub(up, detail)
        if self._streams is not None:
            # Positions do not change because quotes do: nothing is read for it.
            self._streams.bar_prices.set_hub(up=up)

    def _rest(self, up: bool, detail: str | None) -> None:
        is_back = up and not self._board.rest
        if is_back and self._streams is not None:
            self._streams.poller.catch_up()
        self._board.set_rest(up, detail)
        if is_back and self._streams is not None:
            # The hubs may be waiting for a broker that is there again.
            self._streams.nudge()
            self._hurry_second()
            self._session.nudge()

    def _login_trouble(self, detail: str | None) -> None:
        self._board.say(f"login: {detail or 'accepted again'}")

    def _heard(self, message: Message) -> None:
        if self._streams is not None:
            self._streams.heard(message)

    def _contract(self, contract_id: str) -> None:
        if self._streams is not None and self._streams.hubs.want(contract_id):
            self._streams.prices.want(contract_id)
            self._streams.instruments.resolve(contract_id)

    def _doubt(self, account_id: int | None, reason: str, correlation_id: str) -> None:
        if self._streams is not None:
            self._streams.desk.request(account_id, reason, correlation_id)

    def _emit(self, message: Message) -> None:
        self._put(message)
        self._follow(message)

    def _put(self, message: Message) -> None:
        """Hand a message to the actors; the second line's thread does so too."""
        sink = self._sink
        if sink is not None:
            sink(message)

    def _follow(self, message: Message) -> None:
        """Take what was handed to the actors."""
        if self._sink is None or self._streams is None:
            return
        self._streams.take(message)
        if isinstance(message, FillReported):
            self._snapshots.fill_told(message.fill)
        if isinstance(message, AccountSnapshot):
            # A snapshot is what a restarted actor begins from, and ticks belong to it.
            self._streams.instruments.repeat()

    def _keep(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(keep_running(name, body, self._board.announce), name=name)
        self._tasks.add(task)
