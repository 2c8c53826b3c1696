"""Servers that are stopped at the end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.web.served import Served


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> Served:
            served = Served(*arguments, **options)
            stack.callback(served.server.stop)
            return served

        yield start
