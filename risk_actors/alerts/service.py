"""All channels and the heartbeat of one process; they outlive the actors."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import tzinfo
from pathlib import Path

from loguru import logger

from risk_actors.actors.alert import Alert
from risk_actors.actors.picture import AlertChannelPicture
from risk_actors.alerts.addresses import resolve
from risk_actors.alerts.channel import Channel, Pace, Surroundings
from risk_actors.alerts.door import AppriseDoor, Door
from risk_actors.alerts.heartbeat import HeartbeatTerms, HeartbeatThread
from risk_actors.alerts.settings import AlertSettings

END_WITHIN_S = 5.0
"""How long the end of the program waits for all last messages together."""


class AlertService:
    """Takes alerts from any thread, never blocks and never raises."""

    def __init__(
        self,
        directory: Path,
        variables: Mapping[str, str],
        *,
        mode: str = "",
        pace: Pace | None = None,
        open_door: Callable[[str], Door] = AppriseDoor,
    ) -> None:
        """Begin without any channel.

        Args:
            directory: of the settings, where paths of `file:PATH` begin.
            variables: the environment, for `env:NAME`.
            mode: `paper` or `live`; stands before every message.
            pace: how patient deliveries are.
            open_door: makes what delivers to an address.
        """
        self._directory = directory
        self._variables = variables
        self._mode = mode
        self._pace = pace or Pace()
        self._open_door = open_door
        self._settings = AlertSettings()
        self._zone: tzinfo | None = None
        self._channels: tuple[Channel, ...] = ()
        self._leaving: tuple[Channel, ...] = ()
        """Channels of earlier settings that may still have something to send."""
        self._heartbeat: HeartbeatThread | None = None
        self._turn = threading.Lock()
        """Held by whoever changes the channels."""
        self._is_well: Callable[[], bool] = bool
        self._tell: Callable[[str], None] = lambda _: None

    @property
    def no_data_after_ns(self) -> int:
        """For how long a position is open without data before that is an alarm."""
        return self._settings.no_data_after_ns

    def follow(self, is_well: Callable[[], bool], tell: Callable[[str], None]) -> None:
        """Take whom to ask whether all is well, and whom to tell of failures; before `use`."""
        self._is_well, self._tell = is_well, tell

    def use(self, settings: AlertSettings, zone: tzinfo) -> None:
        """Use these settings from now on; what waits on a channel that is changed goes at once."""
        with self._turn:
            if settings == self._settings and zone == self._zone:
                return
            self._settings, self._zone = settings, zone
            before, beat_before = self._channels, self._heartbeat
            around = Surroundings(
                address_of=self._address_of,
                zone=zone,
                mode=self._mode,
                on_fault=self._on_fault,
                pace=self._pace,
                open_door=self._open_door,
            )
            self._channels = tuple(Channel(each, settings, around) for each in settings.channels)
            for channel in self._channels:
                channel.start()
            self._heartbeat = self._heartbeat_of(settings)
            for channel in before:
                channel.end(self._heirs_of(channel, before))
            self._leaving = tuple(c for c in (*self._leaving, *before) if c.is_alive)
            if beat_before is not None:
                beat_before.end()

    def post(self, alert: Alert) -> None:
        """Take an alert."""
        for channel in self._channels:
            channel.post(alert)

    def picture(self) -> tuple[AlertChannelPicture, ...]:
        """Return what is shown of the channels and the heartbeat; nothing in it is secret."""
        heartbeat = self._heartbeat
        shown = tuple(channel.picture() for channel in self._channels)
        return shown if heartbeat is None else (*shown, heartbeat.picture())

    def stop(self) -> None:
        """Send what waits, and end; returns when that is done, or takes too long.

        What hangs then is left to its thread, which ends with the process.
        """
        until_s = time.monotonic() + END_WITHIN_S
        with self._turn:
            if self._heartbeat is not None:
                self._heartbeat.end()
            for channel in self._channels:
                channel.end()
            for channel in (*self._leaving, *self._channels):
                channel.join(max(0.0, until_s - time.monotonic()))

    def _heirs_of(self, channel: Channel, before: tuple[Channel, ...]) -> tuple[Channel, ...]:
        """Return who tells what a channel could not: the one of its name, else those that are new.

        Those that were there before have been told all of it themselves.
        """
        same = tuple(each for each in self._channels if each.name == channel.name)
        known = {each.name for each in before}
        return same or tuple(each for each in self._channels if each.name not in known)

    def _heartbeat_of(self, settings: AlertSettings) -> HeartbeatThread | None:
        terms = HeartbeatTerms.of(settings)
        if terms is None:
            return None
        heartbeat = HeartbeatThread(
            terms,
            address_of=self._address_of,
            is_well=self._is_well,
            on_fault=self._on_fault,
        )
        heartbeat.start()
        return heartbeat

    def _address_of(self, url: str) -> str:
        return resolve(url, self._directory, self._variables)

    def _on_fault(self, sentence: str) -> None:
        logger.warning("Alerts: {}", sentence)
        try:
            self._tell(sentence)
        except Exception as error:  # noqa: BLE001 - the log has it
            logger.debug("Alerts: a fault could not be shown: {}", type(error).__name__)
