"""With both lines of the user hub dead, whoever breaches again and again is reduced every time."""

import asyncio
from itertools import cycle

import pytest
from blind_rig import LIMIT, BlindRig

SOON_S = 5.0
"""I3: flat within so long of the breach, the user hub being dead."""


async def breach_one_by_one(
    rig: BlindRig, *, every_s: float, for_s: float, first_after_s: float
) -> list[float]:
    """Have one account after the other enter too much; return how long each was let."""
    await asyncio.sleep(first_after_s)
    took_s: list[float] = []
    end_s = rig.loop.time() + for_s
    for account_id in cycle(rig.account_ids):
        if rig.loop.time() >= end_s:
            return took_s
        rig.broker.trade(account_id, LIMIT + 1 - rig.broker.sizes[account_id])
        took_s += await rig.reduced_after_s(account_id)
        await asyncio.sleep(every_s)
    raise AssertionError("there are no accounts")


async def breach_all_at_once(
    rig: BlindRig, *, rounds: int, every_s: float, first_after_s: float
) -> list[float]:
    """Have all accounts enter too much, again and again."""
    await asyncio.sleep(first_after_s)
    took_s: list[float] = []
    for _ in range(rounds):
        for account_id in rig.account_ids:
            rig.broker.trade(account_id, LIMIT + 1 - rig.broker.sizes[account_id])
        took_s += await rig.reduced_after_s(*rig.account_ids)
        await asyncio.sleep(every_s)
    return took_s


@pytest.mark.parametrize("first_after_s", [5.0, 40.0])
@pytest.mark.parametrize(
    ("accounts", "every_s", "within_s"),
    [(1, 3.0, SOON_S), (3, 3.0, SOON_S), (10, 3.0, 7.0), (10, 1.7, 7.0)],
)
def test_i3_re_entries_are_reduced_within_five_seconds_however_long_they_go_on(
    accounts: int, every_s: float, within_s: float, first_after_s: float
) -> None:
    """With ten, a start's reads count in the same minute: it may take a little longer."""
    rig = BlindRig(accounts)
    took_s: list[float] = []

    async def trader(rig: BlindRig) -> None:
        took_s.extend(
            await breach_one_by_one(rig, every_s=every_s, for_s=180, first_after_s=first_after_s)
        )

    rig.run(trader)
    assert max(took_s) < within_s
    assert len(took_s) > 25
    assert rig.broker.peak() <= 200


@pytest.mark.parametrize(
    ("accounts", "rounds", "within_s"), [(1, 5, SOON_S), (3, 5, SOON_S), (10, 2, 6.0)]
)
def test_i3_accounts_that_all_breach_at_once_and_again_are_reduced_soon(
    accounts: int, rounds: int, within_s: float
) -> None:
    """Thirty closes in ten seconds, and what they need to be seen, are more than a minute has."""
    rig = BlindRig(accounts)
    took_s: list[float] = []

    async def trader(rig: BlindRig) -> None:
        took_s.extend(await breach_all_at_once(rig, rounds=rounds, every_s=3, first_after_s=30))

    rig.run(trader)
    assert max(took_s) < within_s
    assert rig.broker.peak() <= 200


def test_a_breach_costs_few_reads_and_the_fills_are_read_after_it() -> None:
    """What an enforcement needs is read, no more; P&L is known again when there is time."""
    rig = BlindRig(1)

    async def trader(rig: BlindRig) -> None:
        await asyncio.sleep(90)
        before = len(rig.broker.requests)
        rig.broker.trade(101, LIMIT + 1)
        began_s = rig.loop.time()
        await rig.reduced_after_s(101)
        reads = [name for _, name in rig.broker.requests[before:]]
        assert "/Trade/search" not in reads
        assert reads.count("/Position/searchOpen") <= 2
        await asyncio.sleep(6)
        assert rig.loop.time() - began_s < 10
        assert rig.guards[101].book.state().has_all_fills

    rig.run(trader)
    assert rig.without_fills[101]
