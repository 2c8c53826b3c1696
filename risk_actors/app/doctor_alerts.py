"""The doctor's look at `[alerts]` of app.toml: whether those would be told who should be.

Nothing is sent unless that is asked for. No address is shown, only where it comes from.
"""

import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from risk_actors.alerts.addresses import AddressError, resolve, without_secrets
from risk_actors.alerts.door import AppriseDoor
from risk_actors.alerts.settings import AlertSettings, shown_source
from risk_actors.alerts.trial import try_channels
from risk_actors.app.doctor_reach import reach
from risk_actors.app.doctor_words import Finding, failed, fine, warning
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_load import load_zone

_REMEDY = (
    "set the variable in `.env`, or correct the address (docs/alerts.md); `risk-actors alerts test`"
    " sends a message on each channel"
)


class ChannelsLook(NamedTuple):
    """What was found of the channels; none of their addresses."""

    names: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    """One sentence for each channel that cannot deliver."""
    open_files: tuple[str, ...] = ()
    """Files with an address that others on this machine may read."""
    was_sent: bool = False
    """Whether each was sent a message, instead of only being read."""


def look_at_channels(
    settings: AlertSettings, settings_dir: Path, variables: Mapping[str, str], send: bool
) -> ChannelsLook:
    """Read every channel's address as the daemon does; send a message on each when asked to."""
    if send:
        tried = try_channels(settings, settings_dir, variables, load_zone(settings_dir))
        faults = tuple(f"{each.name} ({each.url}): {each.fault}" for each in tried if each.fault)
    else:
        faults = tuple(
            f"{each.name} ({shown_source(each.url)}): {fault}"
            for each in settings.channels
            if (fault := _fault(each.url, settings_dir, variables)) is not None
        )
    sources = [each.url for each in settings.channels]
    return ChannelsLook(
        names=tuple(each.name for each in settings.channels),
        faults=faults,
        open_files=_open_files(sources, settings_dir),
        was_sent=send,
    )


def judge_channels(look: ChannelsLook, mode: TradingMode | None) -> Finding:
    """Judge whether anybody is told when something happens."""
    if not look.names:
        if mode is TradingMode.PAPER:
            return fine("no channel is set, so nobody is told; paper trading can do without")
        return warning(
            "no channel is set: nobody is told when you do not look",
            "write `[[alerts.channels]]` into app.toml, as docs/alerts.md says",
        )
    if look.faults:
        count = f"{len(look.faults)} of {len(look.names)} cannot deliver:"
        return failed("\n".join((count, *look.faults)), _REMEDY)
    if look.open_files:
        files = " ".join(look.open_files)
        return warning(f"others on this machine may read {files}", f"chmod 600 {files}")
    names = ", ".join(look.names)
    if look.was_sent:
        return fine(f"{names}: a message was delivered on each; see that it arrived")
    return fine(f"{names}: every address can be read; `--send` tries whether messages arrive")


class BeatLook(NamedTuple):
    """What was found of the heartbeat's address."""

    source: str | None = None
    """Where the address comes from; None where there is to be no heartbeat."""
    fault: str | None = None
    open_file: str | None = None
    reached_ms: float | None = None
    """How long it took to connect; None where that was not asked for."""


def look_at_heartbeat(
    settings: AlertSettings, settings_dir: Path, variables: Mapping[str, str], send: bool
) -> BeatLook:
    """Read the heartbeat's address; connect to its host when asked to.

    It is never fetched: that would tell the watcher that a guard is well which may not run.
    """
    url = settings.heartbeat_url
    if url is None:
        return BeatLook()
    source = shown_source(url)
    try:
        address = resolve(url, settings_dir, variables)
    except AddressError as error:
        return BeatLook(source, fault=str(error))
    if fault := _web_fault(address):
        return BeatLook(source, fault=fault)
    open_file = next(iter(_open_files([url], settings_dir)), None)
    if not send:
        return BeatLook(source, open_file=open_file)
    way = reach(address)
    if way.fault is not None:
        return BeatLook(source, fault=without_secrets(f"{way.host}: {way.fault}", address))
    return BeatLook(source, open_file=open_file, reached_ms=way.connect_ms)


def judge_heartbeat(look: BeatLook, mode: TradingMode | None) -> Finding:
    """Judge whether the silence of this machine would be noticed."""
    if look.source is None:
        said = "none is set: nobody elsewhere notices when this machine or its network is gone"
        if mode is TradingMode.PAPER:
            return fine(f"{said}; paper trading can do without")
        return warning(said, "set `heartbeat_url` in [alerts] of app.toml (docs/alerts.md)")
    if look.fault is not None:
        todo = "set the variable in `.env`, or correct `heartbeat_url` in [alerts] of app.toml"
        return failed(f"{look.source}: {look.fault}", todo)
    if look.open_file is not None:
        said = f"others on this machine may read {look.open_file}"
        return warning(said, f"chmod 600 {look.open_file}")
    if look.reached_ms is None:
        return fine(f"{look.source} can be read; `--send` tries whether its host is reached")
    return fine(f"{look.source}: its host is reached in {look.reached_ms:.0f} ms; not fetched")


def _fault(url: str, settings_dir: Path, variables: Mapping[str, str]) -> str | None:
    try:
        AppriseDoor(resolve(url, settings_dir, variables))
    except AddressError as error:
        return str(error)
    return None


def _web_fault(address: str) -> str | None:
    """Return what is wrong with an address that is to be fetched."""
    try:
        split = urlsplit(address)
        is_whole = split.scheme in ("http", "https") and bool(split.hostname) and split.port != 0
    except ValueError:
        is_whole = False
    return None if is_whole else "the address is not http://... or https://... of a machine"


def _open_files(sources: list[str], settings_dir: Path) -> tuple[str, ...]:
    """Return the files with addresses that others on this machine may read."""
    if sys.platform == "win32":
        return ()
    others = stat.S_IRGRP | stat.S_IROTH
    paths = [
        settings_dir / Path(source.removeprefix("file:").strip()).expanduser()
        for source in sources
        if source.startswith("file:") and "://" not in source
    ]
    return tuple(str(each) for each in paths if each.is_file() and each.stat().st_mode & others)
