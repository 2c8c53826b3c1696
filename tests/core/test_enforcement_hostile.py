"""Whatever the broker says, in whatever order: I1, I2, the bound of commands, and no exception."""

import itertools
from random import Random

import msgspec
import pytest
from core.builders import ACCOUNT, BUY, ES, MNQ, MS, SELL, S, account, fill, held, order, stop
from core.plan_desk import price, whole_lock
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill, Order, OrderStatus, OrderType
from risk_actors.core.command_gate import CLOSES_A_MINUTE
from risk_actors.core.commands import (
    Answer,
    CancelOrder,
    CloseContract,
    Command,
    MoveStop,
    Outcome,
    Refusal,
)
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import Effect
from risk_actors.core.stop_moves import lowers_risk
from risk_actors.core.verdict import Existing, Flatten, Reduce, StopMove

LIMIT = 12
CONTRACTS = (MNQ, ES)


class Hostile:
    """A plan, a broker that draws its words, and what must hold after each of them."""

    def __init__(self, rng: Random, *, ids: int) -> None:
        """Take how many orders and fills there may be at most."""
        self.rng = rng
        self.ids = ids
        self.now_ns = 10 * S
        self.may_bar = True
        self.plan = EnforcementPlan(
            ACCOUNT, command_ids=itertools.count(1), brake_after=LIMIT, made_ns=0
        )
        self.state: AccountState | None = None
        self.sent: list[tuple[int, Command]] = []
        self.open_closes: dict[str, tuple[CloseContract, int, int]] = {}
        """By contract the close that may be outstanding, when it was sent, and the size then."""

    def step(self) -> None:
        self.rng.choice(
            [self.show, self.show, self.answer, self.answer, self.wait, self.wait, self.rule]
        )()

    # --- what the broker says -------------------------------------------------------------

    def show(self) -> None:
        rng = self.rng
        positions = [
            held(size, contract=contract, fills_size=rng.choice([size, size, 0, size + 1]))
            for contract in CONTRACTS
            if (size := rng.randint(-3, 3))
        ]
        orders = tuple(
            self.order(order_id) for order_id in range(1, self.ids) if rng.random() < 0.5
        )
        fills = tuple(self.fill() for _ in range(rng.randint(0, 2)))
        asked_ns = self.now_ns - rng.choice([0, 0, S, 5 * S])
        self.state = msgspec.structs.replace(
            account(*positions, orders=orders),
            snapshot_asked_ns=asked_ns,
            can_trade=rng.choice([True, True, False, None]) if self.may_bar else True,
            awaited=(MNQ,) if rng.random() < 0.1 else (),
            awaited_order_ids=(rng.randint(1, self.ids),) if rng.random() < 0.1 else (),
            distrusted="doubt" if rng.random() < 0.05 else None,
        )
        for contract, (_, sent_ns, size) in list(self.open_closes.items()):
            shown = self.state.size_in(contract)
            touched = any(f.contract_id == contract for f in fills)
            if abs(shown) < abs(size) or touched or asked_ns >= sent_ns:
                del self.open_closes[contract]
        if rng.random() < 0.5:
            self.take(self.plan.on_account(self.state, "e", self.now_ns, fills))
        else:
            self.take(self.plan.on_account(self.state, "s", self.now_ns, (), fills))

    def order(self, order_id: int) -> Order:
        draw = Random(f"{order_id}")
        side, contract = draw.choice([BUY, SELL]), draw.choice(CONTRACTS)
        if draw.random() < 0.4:
            size = self.rng.randint(1, 3)
            return stop(order_id, side, size, self.rng.randint(80, 120), contract=contract)
        return order(
            order_id,
            side,
            contract=contract,
            kind=draw.choice([OrderType.LIMIT, OrderType.MARKET]),
            status=self.rng.choice([OrderStatus.OPEN, OrderStatus.PENDING, OrderStatus.SUSPENDED]),
            parent=draw.choice([None, None, 1]),
        )

    def fill(self) -> Fill:
        fill_id = self.rng.randint(1, self.ids)
        draw = Random(f"fill {fill_id}")
        size = draw.choice([-2, -1, 1, 2])
        order_id = draw.randint(1, 2 * self.ids)
        return fill(fill_id, size, 100, contract=draw.choice(CONTRACTS), order_id=order_id)

    def answer(self) -> None:
        rng = self.rng
        lately = [command.id for _, command in self.sent[-6:]]
        outcome = Outcome(
            command_id=rng.choice([*lately, 10**9]),
            account_id=ACCOUNT,
            answer=rng.choice(list(Answer)),
            reason=rng.choice([None, *Refusal]),
            is_undone=rng.random() < 0.3,
            detail=rng.choice([None, "words"]),
        )
        undone = outcome.answer is Answer.UNCERTAIN and outcome.is_undone
        if outcome.answer is Answer.REFUSED or undone:
            for contract, (close, *_) in list(self.open_closes.items()):
                if close.id == outcome.command_id:
                    del self.open_closes[contract]
        self.take(self.plan.on_outcome(outcome, "a", self.now_ns))

    def wait(self) -> None:
        steps = [100 * MS] * 8 + [S, 4 * S, 30 * S]
        self.now_ns += self.rng.choice(steps)
        self.take(self.plan.on_tick("t", self.now_ns))

    def rule(self) -> None:
        rng, plan, now_ns = self.rng, self.plan, self.now_ns
        moves = tuple(
            StopMove(order_id=n, contract_id=rng.choice(CONTRACTS), stop_price=price(p))
            for n, p in ((1, 101), (2, 95), (3, 130))
            if rng.random() < 0.5
        )
        effects: list[Effect] = []
        match rng.randint(0, 5):
            case 0:
                effects = plan.on_breach("flatten", Flatten(), "b", now_ns)
            case 1:
                target = ((rng.choice(CONTRACTS), 1),)
                effects = plan.on_breach("reduce", Reduce(targets=target), "b", now_ns)
            case 2:
                effects = plan.on_breach_over("reduce", "b", now_ns)
            case 3:
                locks = (whole_lock(rng.choice(list(Existing))),) if rng.random() < 0.8 else ()
                effects = plan.on_locks(locks, "l", now_ns)
            case 4 | 5:
                effects = plan.on_stop_moves("trail", moves, "m", now_ns)
        self.take(effects)

    # --- what must hold -------------------------------------------------------------------

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case CloseContract():
                    self.check_close(effect)
                case CancelOrder():
                    assert self.state is not None
                    assert effect.order_id in {o.id for o in self.state.orders}
                case MoveStop():
                    self.check_move(effect)
                case _:
                    continue
            self.sent.append((self.now_ns, effect))

    def check_close(self, close: CloseContract) -> None:
        assert self.state is not None
        size = self.state.size_in(close.contract_id)
        assert size, "I1: nothing is open there"
        assert close.size is None or 0 < close.size < abs(size), "I1: more than is open"
        before = self.open_closes.get(close.contract_id)
        overtakes = (
            before is not None
            and before[0].size is not None
            and close.size is None
            and self.now_ns - before[1] >= 3 * S
        )
        assert before is None or overtakes, "I2: one is outstanding"
        self.open_closes[close.contract_id] = (close, self.now_ns, size)

    def check_move(self, move: MoveStop) -> None:
        assert self.state is not None
        moved = next(o for o in self.state.orders if o.id == move.order_id)
        assert lowers_risk(moved, move.stop_price, self.state), "I1: not less risk"


@given(seed=st.integers(min_value=0), length=st.integers(min_value=1, max_value=150))
@settings(max_examples=150, deadline=None)
def test_i1_and_i2_hold_whatever_the_broker_says(seed: int, length: int) -> None:
    hostile = Hostile(Random(seed), ids=8)
    for _ in range(length):
        hostile.step()


@pytest.mark.parametrize("seed", range(6))
def test_once_nothing_is_new_any_more_commands_keep_to_the_limit(seed: int) -> None:
    """The broker flickers among orders, fills and sizes that have all been seen."""
    hostile = Hostile(Random(seed), ids=6)
    hostile.may_bar = False
    for _ in range(1_500):
        hostile.step()
    seen = len(hostile.sent)
    for _ in range(2_500):
        hostile.step()

    late = hostile.sent[seen:]
    closes = {c: [at for at, s in late if _is_close(s) and s.contract_id == c] for c in CONTRACTS}
    assert all(closes.values()), "the probes never stop"
    assert max(map(most_in_a_minute, closes.values())) <= CLOSES_A_MINUTE
    assert most_in_a_minute([at for at, s in late if not _is_close(s)]) <= LIMIT


def most_in_a_minute(at: list[int]) -> int:
    return max((sum(a <= b < a + 60 * S for b in at) for a in at), default=0)


def _is_close(command: Command) -> bool:
    return isinstance(command, CloseContract)
