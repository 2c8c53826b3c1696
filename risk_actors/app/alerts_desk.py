"""Alerts in the daemon's life: from its settings to the channels, and what start and end tell."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import msgspec
from loguru import logger

from risk_actors import __version__
from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.actors.alert_words import ALERTS
from risk_actors.actors.picture import Picture
from risk_actors.alerts.service import AlertService
from risk_actors.app.guard import Guard
from risk_actors.app.settings import Settings, TradingMode
from risk_actors.app.settings_environment import dotenv_places
from risk_actors.app.settings_load import load_app_settings
from risk_actors.app.settings_problem import SettingsError
from risk_actors.core.broker import Account
from risk_actors.messages import ActorChanged, ActorStatus
from risk_actors.projectx.secrets import scrub

_GUARDING = ("armed", "degraded")


class AlertsDesk:
    """Holds the channels for as long as the daemon lives, and longer than its actors."""

    def __init__(self, settings_dir: Path, mode: TradingMode, settings: Settings) -> None:
        """Take where the settings are; the channels of them are open from now on."""
        self._settings_dir = settings_dir
        self._guard: Guard | None = None
        self._names = ""
        self._number = 0
        self._has_started = False
        self.service = AlertService(settings_dir, variables(settings_dir), mode=mode.value)
        self.service.follow(self._is_well, self._show_fault)
        self.look(settings)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Tell that the daemon ends, and how; then close the channels."""
        if isinstance(error, Exception):
            when = "ENDED by a fault" if self._has_started else "DID NOT START"
            self._tell(Severity.CRITICAL, f"{when}, nothing is guarded: {scrub(str(error))}")
        elif self._has_started:
            self._tell_end()
        self.service.stop()

    def look(self, settings: Settings) -> None:
        """Use what app.toml says of alerts now; `settings` are those of the same directory."""
        try:
            alerts = load_app_settings(self._settings_dir).alerts
        except SettingsError as error:
            logger.error("Alerts stay as they are: {}", "; ".join(map(str, error.problems)))
            return
        self.service.use(alerts, ZoneInfo(settings.session.timezone))

    def follow(self, guard: Guard, accounts: Iterable[Account]) -> None:
        """Take whose life the heartbeat tells of, and where failing channels are shown."""
        self._guard = guard
        self._names = ", ".join(account.name for account in accounts)

    def picture(self) -> Picture:
        """Return the present picture with what became of the alerts in it."""
        assert self._guard is not None  # noqa: S101 - followed before anybody looks
        picture = self._guard.picture()
        alerts = self.service.picture()
        if not alerts:
            return picture
        failing = tuple(
            f"Alerts: the last message on {each.name} was not delivered: {each.last_failure}"
            for each in alerts
            if each.is_failing
        )
        return msgspec.structs.replace(picture, alerts=alerts, notices=(*picture.notices, *failing))

    def started(self) -> None:
        """Tell that the daemon guards."""
        assert self._guard is not None  # noqa: S101 - followed at the start
        self._has_started = True
        is_armed = self._guard.shown.armed
        armed = "breaches are enforced" if is_armed else "NOT ARMED, nothing is enforced"
        self._tell(Severity.INFO, f"started {__version__}, watching {self._names}; {armed}")

    # --- details ----------------------------------------------------------------------------

    def _tell_end(self) -> None:
        assert self._guard is not None  # noqa: S101 - it has started
        accounts = self._guard.shown.accounts
        held = [
            f"{account.name} {each.size:+d} {each.symbol}"
            for account in accounts
            for each in account.positions
        ]
        if held:
            text = f"STOPPED with positions open that nobody guards: {', '.join(held)}"
            self._tell(Severity.CRITICAL, text)
        elif self._guard.given_up or not self._guard.shown.armed:
            self._tell(Severity.WARNING, "stopped: nothing is guarded any more")
        else:
            self._tell(Severity.WARNING, "stopped: protection ended; locks hold again once it runs")

    def _tell(self, severity: Severity, text: str) -> None:
        self.service.post(Alert(time.time_ns(), AlertKind.DAEMON, severity, text))

    def _is_well(self) -> bool:
        guard = self._guard
        if guard is None or not guard.is_guarding:
            return False
        return guard.shown.phase in _GUARDING and not guard.problems()

    def _show_fault(self, sentence: str) -> None:
        """Put a failing channel into the picture and the record, by way of the actors."""
        guard = self._guard
        if guard is None or not guard.is_guarding:
            return
        self._number += 1
        now_ns = time.time_ns()
        guard.record(
            ActorChanged(
                correlation_id=f"{ALERTS}-{now_ns // 1_000_000:x}-{self._number}",
                at_ns=now_ns,
                address=ALERTS,
                status=ActorStatus.FAULT,
                detail=sentence,
            )
        )


def variables(
    settings_dir: Path,
    environment: Mapping[str, str] | None = None,
    places: Sequence[Path] | None = None,
) -> dict[str, str]:
    """Return the environment, and below it what the first `.env` file says.

    Args:
        settings_dir: the settings, beside which the file may stand.
        environment: the process's own when None.
        places: the directories to look for the file in, where they are not the usual ones.
    """
    given = dict(os.environ if environment is None else environment)
    for place in dotenv_places(settings_dir) if places is None else places:
        if (place / ".env").is_file():
            from dotenv import dotenv_values  # noqa: PLC0415 - most runs have no such file

            read = dotenv_values(place / ".env", interpolate=False)
            return {name: value for name, value in read.items() if value} | given
    return given
