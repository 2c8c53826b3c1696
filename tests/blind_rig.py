"""A broker, a trader and an enforcer on a virtual clock, with nothing to hear the broker by.

What reads and what decides is real (budget, queue, poller, desk, book, plan); the answers to reads
and commands come from a table, some milliseconds later.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, cast

from virtual_loop import START_NS, VirtualLoop, run_virtually

from risk_actors.core.commands import Answer, CloseContract, Outcome
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import AskSnapshot, Effect
from risk_actors.core.evidence import iso_utc
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Snapshot
from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Reduce
from risk_actors.messages import AccountSnapshot, ConnectionChanged, Message
from risk_actors.projectx.budget import WINDOW_NS, RequestBudget, Urgency
from risk_actors.projectx.connection import ConnectionBoard
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.polling import Poller
from risk_actors.projectx.read_queue import ReadQueue
from risk_actors.projectx.reads import RestReader
from risk_actors.projectx.snapshot_desk import SnapshotDesk
from risk_actors.projectx.snapshots import SnapshotReader

CONTRACT = "CON.F.US.MNQ.Z26"
LIMIT = 5
"""So many contracts may be held."""
_ANSWER_S = 0.02
_COMMAND_S = 0.05
_TICK_S = 0.1
_RULE = "max-contracts"
_HOUR_NS = 3600 * 1_000_000_000


class Broker:
    """What the accounts hold, and all requests with their instants."""

    def __init__(self, account_ids: tuple[int, ...], now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.sizes = dict.fromkeys(account_ids, 0)
        self.requests: list[tuple[int, str]] = []
        self._fills: dict[int, list[dict[str, Any]]] = {each: [] for each in account_ids}
        self._ids = count(1)

    def trade(self, account_id: int, size: int) -> None:
        """Have a market order filled; the size is signed."""
        self.sizes[account_id] += size
        fill_id = next(self._ids)
        self._fills[account_id].append(
            {
                "id": fill_id,
                "accountId": account_id,
                "contractId": CONTRACT,
                "orderId": fill_id,
                "side": 0 if size > 0 else 1,
                "size": abs(size),
                "price": 20_000,
                "profitAndLoss": 0,
                "fees": 0.37 * abs(size),
                "creationTimestamp": iso_utc(self.now_ns()),
            }
        )

    def answer(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return what a read is answered with."""
        if endpoint == "/Account/search":
            rows = [
                {"id": each, "name": str(each), "canTrade": True, "balance": self._balance(each)}
                for each in self.sizes
            ]
            return {"accounts": rows}
        if endpoint == "/Position/searchOpen":
            return {"positions": self._positions(body["accountId"])}
        if endpoint == "/Trade/search":
            return {"trades": list(self._fills[body["accountId"]])}
        return {"orders": [], "totalCount": 0}

    def peak(self) -> int:
        """Return the most requests that came in any minute."""
        instants = [at_ns for at_ns, _ in self.requests]
        return max(sum(at <= each < at + WINDOW_NS for each in instants) for at in instants)

    def _balance(self, account_id: int) -> float:
        fees_usd: float = sum(each["fees"] for each in self._fills[account_id])
        return round(50_000 - fees_usd, 2)

    def _positions(self, account_id: int) -> list[dict[str, Any]]:
        size = self.sizes[account_id]
        row = {
            "accountId": account_id,
            "contractId": CONTRACT,
            "size": abs(size),
            "type": 1 if size > 0 else 2,
            "averagePrice": 20_000,
            "creationTimestamp": iso_utc(START_NS),
        }
        return [row] if size else []


class Reads:
    """Answers reads when it is their turn."""

    def __init__(self, broker: Broker, budget: RequestBudget, loop: VirtualLoop) -> None:
        self._broker = broker
        self._queue = ReadQueue(budget, loop)

    @property
    def waiting(self) -> int:
        return self._queue.waiting

    async def post(
        self,
        endpoint: str,
        body: dict[str, Any],
        *,
        urgency: Urgency = Urgency.NORMAL,
        on_sent: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        async with self._queue.turn(urgency) as sent_ns:
            on_sent()
            self._broker.requests.append((sent_ns, endpoint))
            await asyncio.sleep(_ANSWER_S / 2)
            answer = self._broker.answer(endpoint, body)
            await asyncio.sleep(_ANSWER_S / 2)
        return answer


class Guard:
    """Keeps one account to its limit, as the position actor and the enforcer do."""

    def __init__(self, rig: "BlindRig", account_id: int, command_ids: "count[int]") -> None:
        self._rig = rig
        self._id = account_id
        day = Window(START_NS - _HOUR_NS, START_NS + 10 * _HOUR_NS)
        self.book = PositionBook(account_id, str(account_id), day)
        self._plan = EnforcementPlan(account_id, command_ids=command_ids)

    def take(self, snapshot: AccountSnapshot) -> None:
        now_ns = self._rig.loop.now_ns()
        self.book.on_snapshot(
            Snapshot(
                account=snapshot.account,
                positions=snapshot.positions,
                orders=snapshot.orders,
                covers_suspended=snapshot.covers_suspended,
                fills=snapshot.fills,
                asked_ns=snapshot.asked_ns,
                fills_since_ns=snapshot.fills_since_ns,
                account_read=snapshot.account_read,
            ),
            now_ns,
        )
        state = self.book.state()
        fills = self.book.fills
        self._do(self._plan.on_account(state, "x", now_ns, (), fills, snapshot.asked_ns))
        if any(abs(position.size) > LIMIT for position in state.positions):
            goal = Reduce(targets=((CONTRACT, LIMIT),))
            self._do(self._plan.on_breach(_RULE, goal, "x", now_ns))
        else:
            self._do(self._plan.on_breach_over(_RULE, "x", now_ns))

    def tick(self) -> None:
        self._do(self._plan.on_tick("x", self._rig.loop.now_ns()))

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case CloseContract():
                    self._rig.send(effect, self._answered)
                case AskSnapshot(reason=reason):
                    self._rig.desk.request(self._id, reason, "x")

    def _answered(self, outcome: Outcome) -> None:
        self._do(self._plan.on_outcome(outcome, "x", self._rig.loop.now_ns()))


class BlindRig:
    """The gateway's reading side with as many accounts, while both lines are down."""

    def __init__(self, accounts: int) -> None:
        self.loop = VirtualLoop()
        self.account_ids = tuple(range(101, 101 + accounts))
        self.broker = Broker(self.account_ids, self.loop.now_ns)
        self.budget = RequestBudget(200)
        self._tasks: set[asyncio.Task[None]] = set()
        self.without_fills: Counter[int] = Counter()
        ids, clock = CorrelationIds(1), self.loop
        self.board = ConnectionBoard(clock, ids, self._take)
        reader = cast("RestReader", Reads(self.broker, self.budget, self.loop))
        snapshots = SnapshotReader(reader, clock, lambda _: START_NS - _HOUR_NS)
        inbound = Inbound(
            frozenset(self.account_ids),
            clock,
            ids,
            self._take,
            lambda _: None,
            lambda *_: None,
            lambda _: None,
        )
        self._snapshots = snapshots
        self._make_desk: Callable[[], SnapshotDesk] = lambda: SnapshotDesk(
            self.account_ids,
            snapshots,
            inbound,
            clock,
            ids,
            self._take,
            lambda: self.board.rest,
            lambda: self.board.is_polling and self.budget.is_tight,
        )
        command_ids = count(1)
        self.guards = {each: Guard(self, each, command_ids) for each in self.account_ids}

    def run(self, trader: Callable[["BlindRig"], Any]) -> None:
        """Let the trader trade; ends with him."""
        run_virtually(self.loop, self._run(trader))

    async def _run(self, trader: Callable[["BlindRig"], Any]) -> None:
        await self._snapshots.accounts(urgency=Urgency.ENFORCEMENT)
        self.desk = self._make_desk()
        self._poller = Poller(self._snapshots, self.desk, self.board, self.budget, self.loop, 60.0)
        bodies = [self._poller.serve(), self._tick()]
        bodies += [self.desk.serve(each) for each in self.account_ids]
        for body in bodies:
            self._keep(body)
        self.desk.request(None, "start")
        await trader(self)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def send(self, close: CloseContract, answered: Callable[[Outcome], None]) -> None:
        """Send a close; it is counted and never held back."""
        self._keep(self._carry_out(close, answered))

    async def reduced_after_s(self, *account_ids: int, within_s: float = 30.0) -> list[float]:
        """Wait until no more is held than allowed; return for each account how long that took."""
        began_s = self.loop.time()
        took_s: dict[int, float] = {}
        while len(took_s) < len(account_ids) and self.loop.time() - began_s < within_s:
            for each in account_ids:
                if each not in took_s and abs(self.broker.sizes[each]) <= LIMIT:
                    took_s[each] = self.loop.time() - began_s
            await asyncio.sleep(_ANSWER_S)
        return [round(took_s.get(each, within_s), 2) for each in account_ids]

    async def _carry_out(self, close: CloseContract, answered: Callable[[Outcome], None]) -> None:
        self.budget.count(self.loop.now_ns())
        self.broker.requests.append((self.loop.now_ns(), "close"))
        await asyncio.sleep(_COMMAND_S / 2)
        held = self.broker.sizes[close.account_id]
        size = abs(held) if close.size is None else close.size
        self.broker.trade(close.account_id, -size if held > 0 else size)
        await asyncio.sleep(_COMMAND_S / 2)
        answered(Outcome(command_id=close.id, account_id=close.account_id, answer=Answer.ACCEPTED))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for guard in self.guards.values():
                guard.tick()

    def _take(self, message: Message) -> None:
        if isinstance(message, AccountSnapshot):
            self._poller.take(message)
            self.without_fills[message.account_id] += message.fills is None
            self.guards[message.account_id].take(message)
        assert not isinstance(message, ConnectionChanged) or not message.user_hub

    def _keep(self, body: Any) -> None:
        task = asyncio.create_task(body)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
