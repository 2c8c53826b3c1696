"""Reads and commands against a server that answers badly, or too much, over real sockets."""

import asyncio
import logging
import time
from typing import Any

import pytest
from project_x_py.utils.async_rate_limiter import RateLimiter
from rest_rig import RestRig, close_of, http_answer, raw_server, rest_rig

from risk_actors.core.commands import Answer, Refusal
from risk_actors.projectx import sdk_meter
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.errors import LoginFailed, ReadFailed, ReadProblem
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.settings import SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

adopt_sdk_loggers(logging.CRITICAL)

# The SDK shields its requests: one that is given up at a test's end leaves its socket behind.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

READ = "/Position/searchOpen"
BODY = {"accountId": 101}
AT_ONCE_S = 0.1
"""Within this a close has to reach the broker, whatever the reads do."""


async def failed_read(rig: RestRig) -> ReadFailed:
    with pytest.raises(ReadFailed) as failed:
        await rig.reader.post(READ, BODY)
    return failed.value


@pytest.mark.parametrize(
    ("header", "pause_s"),
    [
        ((), 2),
        (("Retry-After: 7",), 7),
        (("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT",), 2),
        (("Retry-After: soon",), 2),
        (("Retry-After: 999999",), 60),
    ],
)
def test_a_429_is_told_at_once_and_pauses_the_reads(header: tuple[str, ...], pause_s: int) -> None:
    """The SDK's way is to sleep for a minute, and to break on a date."""

    async def answering(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(429, b"", *header))

    async def run() -> None:
        async with raw_server(answering) as api_url, rest_rig(api_url) as rig:
            began_s = time.monotonic()
            failed = await failed_read(rig)
            assert time.monotonic() - began_s < 1
            assert failed.problem is ReadProblem.BUSY
            now_ns = time.time_ns()
            state = rig.budget.state(now_ns)
            assert state.refused == 1
            assert state.room == 0
            assert state.paused_until_ns is not None
            assert pause_s - 1 < (state.paused_until_ns - now_ns) / 1e9 <= pause_s
            assert rig.health == []

    asyncio.run(run())


def test_no_storm_while_every_request_is_answered_429() -> None:
    arrived: list[float] = []

    async def answering(_head: bytes, writer: asyncio.StreamWriter) -> None:
        arrived.append(time.monotonic())
        writer.write(http_answer(429))

    async def ask(rig: RestRig, urgency: Urgency) -> None:
        while True:
            try:
                await rig.reader.post(READ, BODY, urgency=urgency)
            except ReadFailed:
                continue

    async def run() -> None:
        async with raw_server(answering) as api_url, rest_rig(api_url) as rig:
            askers = [asyncio.create_task(ask(rig, Urgency.NORMAL)) for _ in range(20)]
            askers += [asyncio.create_task(ask(rig, Urgency.ENFORCEMENT)) for _ in range(4)]
            await asyncio.wait(askers, timeout=1.5)
            for asker in askers:
                asker.cancel()
            await asyncio.gather(*askers, return_exceptions=True)
        # All at first; later two urgent ones after 1 s, and at most one of the others.
        assert 24 <= len(arrived) <= 24 + 3

    asyncio.run(run())


@pytest.mark.parametrize("is_command", [True, False], ids=["command", "read"])
def test_an_answer_that_comes_byte_by_byte_is_cut(
    is_command: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("risk_actors.projectx.reads.READ_TIMEOUT_S", 0.5)
    monkeypatch.setattr(sdk_meter, "LONGEST_ANSWER_S", 0.8)
    gone = asyncio.Event()

    async def answering(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        finally:
            gone.set()

    async def run() -> None:
        async with (
            raw_server(answering) as api_url,
            rest_rig(api_url, command_timeout_s=0.5) as rig,
        ):
            began_s = time.monotonic()
            if is_command:
                outcome, _ = await rig.lane.send(close_of("C"))
                assert (outcome.answer, outcome.is_undone) == (Answer.UNCERTAIN, False)
            else:
                assert (await failed_read(rig)).problem is ReadProblem.UNREACHABLE
            assert time.monotonic() - began_s < 1.5
            # The connection is given up as well: the SDK would go on reading it for ever.
            await asyncio.wait_for(gone.wait(), 3)

    asyncio.run(run())


@pytest.mark.parametrize("is_command", [True, False], ids=["command", "read"])
def test_an_answer_that_is_far_too_long_is_not_taken_in(
    is_command: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_meter, "LONGEST_ANSWER_BYTES", 1_000_000)
    sent = 0

    async def answering(_head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n")
        while sent < 400_000_000:
            writer.write(b" " * 65_536)
            sent += 65_536
            await writer.drain()

    async def run() -> None:
        async with raw_server(answering) as api_url, rest_rig(api_url) as rig:
            if is_command:
                outcome, _ = await rig.lane.send(close_of("C"))
                assert (outcome.answer, outcome.is_undone) == (Answer.UNCERTAIN, False)
            else:
                assert (await failed_read(rig)).problem is ReadProblem.UNREACHABLE
            assert sent < 40_000_000

    asyncio.run(run())


def test_a_kept_connection_that_was_closed_meanwhile_leaves_a_command_uncertain() -> None:
    """Whether the server had read the command before it closed cannot be known."""
    heads: list[bytes] = []

    async def answering(head: bytes, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        if len(heads) == 1:
            writer.write(http_answer(200, b'"pong"'))
        else:
            writer.transport.abort()

    async def run() -> None:
        async with raw_server(answering) as api_url, rest_rig(api_url) as rig:
            await rig.lane.ping()
            outcome, _ = await rig.lane.send(close_of("C"))
            assert (outcome.answer, outcome.reason) == (Answer.UNCERTAIN, None)
            assert not outcome.is_undone
            assert [head.split()[0] for head in heads] == [b"GET", b"POST"]

    asyncio.run(run())


@pytest.mark.parametrize(("status", "reason"), [(401, Refusal.SESSION), (429, Refusal.BUSY)])
def test_a_command_turned_away_is_told_apart_and_the_reads_make_way(
    status: int, reason: Refusal
) -> None:
    async def answering(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(status))

    async def run() -> None:
        async with raw_server(answering) as api_url, rest_rig(api_url) as rig:
            outcome, _ = await rig.lane.send(close_of("C"))
            assert (outcome.answer, outcome.reason) == (Answer.UNCERTAIN, reason)
            assert outcome.is_undone
            assert rig.budget.state(time.time_ns()).refused == (status == 429)

    asyncio.run(run())


# --- against the simulated gateway ------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet() -> Any:
    with SimulatorThread(
        SimulatorSettings(accounts=paper_accounts(1), requests_per_minute=100_000)
    ) as simulator:
        yield simulator


async def reach_s(rig: RestRig, simulator: SimulatorThread, command_id: int) -> float:
    """Send a close, and return how long it took to arrive at the broker."""
    before = len(simulator.requests("Position/closeContract"))
    began_ns = time.monotonic_ns()
    outcome, _ = await rig.lane.send(close_of(simulator.contract_id("MNQ"), command_id))
    assert outcome.answer is Answer.GONE
    (record,) = simulator.requests("Position/closeContract")[before:]
    return (record.arrived_ns - began_ns) / 1e9


def test_with_the_budget_used_up_by_reads_a_close_reaches_the_broker_at_once(
    quiet: SimulatorThread,
) -> None:
    async def run() -> None:
        async with rest_rig(quiet.api_url, requests_per_minute=60) as rig:
            await rig.session.login()
            await rig.lane.ping()
            reads = [asyncio.create_task(rig.reader.post(READ, BODY)) for _ in range(80)]
            await asyncio.wait(reads, timeout=1)
            assert rig.reader.waiting > 20
            assert rig.budget.state(time.time_ns()).room == 0
            for number in range(5):
                assert await reach_s(rig, quiet, number) < AT_ONCE_S
            # And an enforcement sees at once what came of it.
            began_s = time.monotonic()
            await rig.reader.post(READ, BODY, urgency=Urgency.ENFORCEMENT)
            assert time.monotonic() - began_s < 1
            assert rig.reader.waiting > 20
            for read in reads:
                read.cancel()
            await asyncio.gather(*reads, return_exceptions=True)

    asyncio.run(run())


def test_with_reads_paused_by_a_429_a_close_reaches_the_broker_at_once(
    quiet: SimulatorThread,
) -> None:
    quiet.inject(Fault(kind="status", status=429, endpoint=READ[1:]))

    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            await rig.session.login()
            await rig.lane.ping()
            assert (await failed_read(rig)).problem is ReadProblem.BUSY
            reads = [asyncio.create_task(rig.reader.post(READ, BODY)) for _ in range(20)]
            for number in range(5):
                assert await reach_s(rig, quiet, number) < AT_ONCE_S
            assert rig.reader.waiting == 20
            # Once the pause is over all of them go, one first.
            await asyncio.wait_for(asyncio.gather(*reads), 5)

    asyncio.run(run())


def test_every_request_of_a_login_is_counted(quiet: SimulatorThread) -> None:
    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            before = len(quiet.requests())
            await rig.session.login()
            await rig.reader.post(READ, BODY)
            await rig.lane.ping()
            assert len(quiet.requests()) - before == 4
            assert rig.budget.used(time.time_ns()) == 4

    asyncio.run(run())


def test_asking_why_a_login_failed_is_counted_as_well(quiet: SimulatorThread) -> None:
    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            before = len(quiet.requests())
            quiet.inject(Fault(kind="refuse", error_code=3, endpoint="Auth/loginKey", times=2))
            with pytest.raises(LoginFailed):
                await rig.session.login()
            assert len(quiet.requests()) - before == rig.budget.used(time.time_ns()) > 1

    asyncio.run(run())


def test_a_login_that_is_answered_429_pauses_the_reads(quiet: SimulatorThread) -> None:
    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            quiet.inject(Fault(kind="status", status=429, endpoint="Auth/loginKey"))
            login = asyncio.create_task(rig.session.login())
            while not rig.budget.state(time.time_ns()).refused:  # noqa: ASYNC110 -- of its own
                await asyncio.sleep(0.01)
            login.cancel()
            await asyncio.gather(login, return_exceptions=True)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("endpoint", "at_most_s", "requests"),
    [("Auth/loginKey", 4, 3), ("Account/search", 1, 2)],
)
def test_a_login_that_is_answered_429_is_not_slept_on(
    quiet: SimulatorThread, endpoint: str, at_most_s: float, requests: int
) -> None:
    """The SDK's way is to sleep for a minute with a token, or none, in its hand."""

    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            quiet.inject(Fault(kind="status", status=429, endpoint=endpoint))
            before = len(quiet.requests())
            began_s = time.monotonic()
            await rig.session.login()
            assert time.monotonic() - began_s < at_most_s
            assert rig.session.token
            assert rig.budget.state(time.time_ns()).refused == 1
            assert len(quiet.requests()) - before == requests

    asyncio.run(run())


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=503, endpoint="Account/search", times=3),
        Fault(kind="delay", delay_s=6, endpoint="Account/search"),
    ],
    ids=["503", "slow"],
)
def test_a_login_does_not_wait_for_the_list_of_accounts_that_the_sdk_wants(
    quiet: SimulatorThread, fault: Fault
) -> None:
    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            quiet.inject(fault)
            began_s = time.monotonic()
            await rig.session.login()
            assert rig.session.token
            assert time.monotonic() - began_s < 2
            quiet.clear_faults()

    asyncio.run(run())


def test_logins_that_are_answered_429_do_not_become_a_storm(quiet: SimulatorThread) -> None:
    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            quiet.inject(Fault(kind="status", status=429, endpoint="Auth/loginKey", times=99))
            before = len(quiet.requests())
            rig.session.relogin_soon("")
            await asyncio.sleep(3)
            assert 1 <= len(quiet.requests()) - before <= 2
            quiet.clear_faults()

    asyncio.run(run())


def test_through_the_sdks_limiter_the_same_close_stands_in_line(quiet: SimulatorThread) -> None:
    """The trap bites as soon as our countermeasure is taken out: 60 a minute, one line for all."""

    async def run() -> None:
        async with rest_rig(quiet.api_url) as rig:
            await rig.session.login()
            await rig.lane.ping()
            client = rig.session.client
            meter = client.rate_limiter
            limiter = RateLimiter(max_requests=60, window_seconds=60)
            client.rate_limiter = limiter
            for _ in range(60):
                await limiter.acquire()
            polls = [asyncio.create_task(rig.reader.post(READ, BODY)) for _ in range(20)]
            before = len(quiet.requests("Position/closeContract"))
            body = {"accountId": 101, "contractId": quiet.contract_id("MNQ")}
            through_sdk = asyncio.create_task(
                client._make_request("POST", "/Position/closeContract", data=body)
            )
            done, _ = await asyncio.wait({through_sdk}, timeout=1)
            assert not done
            assert len(quiet.requests("Position/closeContract")) == before
            assert await reach_s(rig, quiet, 1) < AT_ONCE_S
            client.rate_limiter = meter
            for task in (*polls, through_sdk):
                task.cancel()
            await asyncio.gather(*polls, through_sdk, return_exceptions=True)

    asyncio.run(run())
