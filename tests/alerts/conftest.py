"""A server that takes alerts, and services that deliver to it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk_actors.alerts.channel import Pace
from risk_actors.alerts.service import AlertService
from risk_actors.alerts.settings import AlertSettings
from tests.actors.facts import CHICAGO
from tests.alerts.sink import HttpSink

QUICK = Pace(timeout_s=1.0, again_after_s=(0.05, 0.05), put_back_for_s=0.1)


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as server:
        yield server


class Service:
    """An alert service, and what it says of failing channels."""

    def __init__(self, directory: Path) -> None:
        self.faults: list[str] = []
        self.is_well = True
        self.variables: dict[str, str] = {}
        self.service = AlertService(directory, self.variables, mode="paper", pace=QUICK)
        self.service.follow(lambda: self.is_well, self.faults.append)

    def use(self, settings: AlertSettings) -> None:
        self.service.use(settings, CHICAGO)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.service.stop()


@pytest.fixture(autouse=True)
def libraries_may_talk_again() -> Iterator[None]:
    """Put back what the door silences."""
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3", "requests")]
    before = [each.level for each in loggers]
    yield
    for each, level in zip(loggers, before, strict=True):
        each.setLevel(level)
