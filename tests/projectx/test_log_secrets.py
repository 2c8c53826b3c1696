"""A whole session at the lowest log levels, with nothing secret in what was written."""

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from loguru import logger

from risk_actors.messages import AccountSnapshot, ConnectionChanged
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.secrets import SecretFilter, scrub

LOGGERS = ("project_x_py", "pysignalr", "websockets", "httpx", "httpcore", "aiohttp", "asyncio")


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.addFilter(SecretFilter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    sink = logger.add(lambda message: output.write(scrub(str(message))), level=0)
    yield output
    logger.remove(sink)
    root.removeHandler(handler)
    root.setLevel(level)
    adopt_sdk_loggers(logging.CRITICAL)


def test_neither_key_nor_token_is_written(
    everything_logged: io.StringIO, make_rig: Callable[..., Any]
) -> None:
    rig = make_rig()
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)
    mark = rig.recorder.mark()
    rig.simulator.cut_hubs()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub, after=mark)
    rig.recorder.wait(AccountSnapshot, after=mark)
    token = rig.gateway._service._session.token
    rig.gateway.stop()
    written = everything_logged.getvalue()
    assert "access_token=[hidden]" in written  # the libraries did try
    assert token not in written
    assert "eyJ" not in written
    assert "sim-api-key" not in written
    shown = " ".join(repr(message) for message in rig.recorder.messages)
    assert "eyJ" not in shown
