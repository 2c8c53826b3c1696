"""Tasks that must not end are started again, and their faults are told."""

import asyncio

from risk_actors.projectx.supervision import keep_running


def test_a_body_that_fails_ends_or_is_cancelled_from_within_runs_again() -> None:
    faults: list[str] = []
    runs = 0
    settled = asyncio.Event()

    async def body() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("broken at wss://x?access_token=abc123")
        if runs == 2:
            raise asyncio.CancelledError
        if runs == 4:
            settled.set()
            await asyncio.Event().wait()

    def on_fault(detail: str) -> None:
        faults.append(detail)
        if len(faults) == 2:
            raise RuntimeError("nobody listens")

    async def scenario() -> None:
        task = asyncio.create_task(keep_running("stream", body, on_fault))
        await asyncio.wait_for(settled.wait(), 10)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()

    asyncio.run(scenario())
    assert faults[0].startswith("stream failed: ValueError")
    assert "abc123" not in faults[0]
    assert faults[1:] == ["stream was cancelled from within", "stream ended"]
