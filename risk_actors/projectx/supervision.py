"""Tasks that must not end: when one does, it is said and started again."""

import asyncio
from collections.abc import Awaitable, Callable

from loguru import logger

from risk_actors.projectx.secrets import scrub

_RESTART_AFTER_S = 0.5


async def keep_running(
    name: str, body: Callable[[], Awaitable[None]], on_fault: Callable[[str], None]
) -> None:
    """Run a body that should never end, again and again, until this task itself is cancelled."""
    while True:
        try:
            await body()
            detail = f"{name} ended"
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Not our cancellation: one leaked out of something that was awaited.
            detail = f"{name} was cancelled from within"
        except Exception as error:  # noqa: BLE001 -- nothing may end a stream silently
            detail = f"{name} failed: {scrub(repr(error))}"
            logger.opt(exception=error).error("Task {} failed", name)
        else:
            logger.error("Task {} ended", name)
        try:
            on_fault(detail)
        except Exception:  # noqa: BLE001
            logger.exception("The fault of task {} could not be reported", name)
        await asyncio.sleep(_RESTART_AFTER_S)
