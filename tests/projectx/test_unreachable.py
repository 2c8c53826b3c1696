"""A broker to which there is no connection: nothing was sent, and nothing of it is counted."""

import asyncio
import logging
import time

import pytest
from rest_rig import close_of, closed_port, rest_rig

from risk_actors.core.commands import Answer, Refusal
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers

adopt_sdk_loggers(logging.CRITICAL)

READ = "/Position/searchOpen"


def nowhere() -> str:
    return f"http://127.0.0.1:{closed_port()}/api"


def test_a_command_that_never_left_has_certainly_not_happened() -> None:
    async def run() -> None:
        async with rest_rig(nowhere()) as rig:
            outcome, sent_ns = await rig.lane.send(close_of("C"))
            assert (outcome.answer, outcome.is_undone) == (Answer.UNCERTAIN, True)
            assert outcome.reason is Refusal.UNREACHABLE
            assert outcome.detail == "not sent: cannot connect to the broker"
            await rig.lane.ping()
            assert rig.budget.used(sent_ns + 1_000_000_000) == 0

    asyncio.run(run())


def test_reads_that_never_left_use_up_nothing() -> None:
    async def run() -> None:
        async with rest_rig(nowhere()) as rig:
            for urgency in (Urgency.ENFORCEMENT, Urgency.NORMAL):
                with pytest.raises(ReadFailed) as failed:
                    await rig.reader.post(READ, {"accountId": 101}, urgency=urgency)
                assert failed.value.problem is ReadProblem.UNREACHABLE
                assert failed.value.is_unsent
                assert failed.value.detail == "cannot connect to the broker"
            assert rig.budget.used(time.time_ns()) == 0
            assert rig.health[-1] == (False, f"{READ}: cannot connect to the broker")

    asyncio.run(run())


def test_logins_that_never_left_use_up_nothing() -> None:
    async def run() -> None:
        async with rest_rig(nowhere()) as rig:
            diagnosis = await rig.session._try_login(1.0)
            assert diagnosis is not None
            assert diagnosis.words.endswith("the connection is refused")
            assert rig.budget.used(time.time_ns()) == 0

    asyncio.run(run())
