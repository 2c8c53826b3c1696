"""One message through each channel, at once and by itself: whether it arrives."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.alerts.addresses import resolve
from risk_actors.alerts.channel import Channel, Pace, Surroundings
from risk_actors.alerts.door import AppriseDoor, Door
from risk_actors.alerts.letter import write
from risk_actors.alerts.settings import AlertSettings, shown_source

ONCE = Pace(again_after_s=())
TEXT = "this is a test, nothing has happened"


class Tried(NamedTuple):
    """What came of it on one channel."""

    name: str
    url: str
    """Without what is secret in it."""
    fault: str | None


def try_channels(
    settings: AlertSettings,
    directory: Path,
    variables: Mapping[str, str],
    zone: tzinfo,
    *,
    only: str | None = None,
    open_door: Callable[[str], Door] = AppriseDoor,
) -> Iterator[Tried]:
    """Yield what came of one message on each channel, or on one of them; `zone` is of its time."""
    around = Surroundings(
        address_of=lambda url: resolve(url, directory, variables),
        zone=zone,
        mode="test",
        on_fault=lambda _: None,
        pace=ONCE,
        open_door=open_door,
    )
    alert = Alert(time.time_ns(), AlertKind.DAEMON, Severity.INFO, TEXT)
    for each in settings.channels:
        if only is None or each.name == only:
            fault = Channel(each, settings, around).deliver(write((alert,), zone, mode="test"))
            yield Tried(each.name, shown_source(each.url), fault)
