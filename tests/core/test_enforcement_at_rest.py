"""A plan that leaves out what cannot change anything decides what one decides that does it all."""

import itertools
from random import Random

import msgspec
import pytest
from core.test_enforcement import ACCOUNT, ES, MNQ, MS, account, lock, order, position

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import OrderType, Side
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Outcome, Refusal
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Flatten, Reduce

ACTIONS = (Flatten(), Flatten(contract_ids=(MNQ,)), Reduce(targets=((MNQ, 1),)))


class Thorough(EnforcementPlan):
    """Never takes itself to be idle."""

    def _is_idle(self) -> bool:
        return False


def copied(state: AccountState) -> AccountState:
    """Return an equal state of which no part is the same object."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=AccountState)


def drawn_state(rng: Random, before: AccountState, now_ns: int) -> AccountState:
    """Return another state; parts that do not change are the same objects."""
    positions, orders = before.positions, before.orders
    if rng.random() < 0.4:
        positions = tuple(
            position(size, contract, rng.choice((size, size, 0, size + 1)))
            for contract in (MNQ, ES)
            if (size := rng.choice((0, 0, -2, 1, 2, 3)))
        )
    if rng.random() < 0.4:
        orders = tuple(
            order(
                order_id,
                rng.choice(tuple(Side)),
                rng.choice((1, 2)),
                rng.choice((OrderType.LIMIT, OrderType.MARKET)),
                contract=rng.choice((MNQ, ES)),
            )
            for order_id in sorted(rng.sample(range(1, 30), rng.randrange(3)))
        )
    return msgspec.structs.replace(
        before,
        positions=positions,
        orders=orders,
        can_trade=rng.choice((True, True, True, False, None)),
        snapshot_asked_ns=rng.choice((before.snapshot_asked_ns, now_ns)),
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_plan_at_rest_decides_the_same(seed: int) -> None:
    rng = Random(seed)
    lean, thorough = (
        kind(ACCOUNT, command_ids=itertools.count(1), brake_after=8)
        for kind in (EnforcementPlan, Thorough)
    )
    state, now_ns = account(), 10**12
    sent: list[int] = []
    for step in range(300):
        now_ns += rng.choice((1, 40, 300, 3_000)) * MS
        cid = f"c-{step}"
        what = rng.random()
        if what < 0.7:
            state = drawn_state(rng, state, now_ns)
            found = lean.on_account(state, cid, now_ns)
            expected = thorough.on_account(copied(state), cid, now_ns)
        elif what < 0.8:
            action = rng.choice(ACTIONS)
            found = lean.on_breach("rule", action, cid, now_ns)
            expected = thorough.on_breach("rule", action, cid, now_ns)
        elif what < 0.85:
            found = lean.on_breach_over("rule", cid, now_ns)
            expected = thorough.on_breach_over("rule", cid, now_ns)
        elif what < 0.9:
            locks = drawn_locks(rng)
            found = lean.on_locks(locks, cid, now_ns)
            expected = thorough.on_locks(locks, cid, now_ns)
        elif sent and what < 0.96:
            outcome = Outcome(
                command_id=sent.pop(rng.randrange(len(sent))),
                account_id=ACCOUNT,
                answer=rng.choice(tuple(Answer)),
                reason=rng.choice((None, *Refusal)),
            )
            found = lean.on_outcome(outcome, cid, now_ns)
            expected = thorough.on_outcome(outcome, cid, now_ns)
        else:
            found, expected = lean.on_tick(cid, now_ns), thorough.on_tick(cid, now_ns)

        assert found == expected
        sent += [each.id for each in found if isinstance(each, CloseContract | CancelOrder)]


def drawn_locks(rng: Random) -> tuple[Lock, ...]:
    return () if rng.random() < 0.6 else (lock(rng.choice((None, MNQ))),)
