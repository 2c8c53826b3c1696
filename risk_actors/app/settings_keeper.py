"""Keeps the settings in force: what tightens holds at once, what loosens waits for the reset."""

from typing import NamedTuple

from risk_actors.app.rule_context import trading_calendar
from risk_actors.app.settings import Settings, TradingMode
from risk_actors.app.settings_due import StoredSettings, settings_due
from risk_actors.app.settings_json import encode_settings
from risk_actors.app.settings_merge import Merged
from risk_actors.runtime.clock import Clock
from risk_actors.store.settings_backup import KeptSettings

MENDED = "the edited settings can be read again"


class InForce(NamedTuple):
    """The settings that hold now, and what waits."""

    settings: Settings
    text: str
    """The same as JSON, for the store."""
    day_start_ns: int
    """The trading day that they hold for, by their own calendar."""
    applied: tuple[str, ...] = ()
    """What differs from before, one sentence each."""
    pending: tuple[str, ...] = ()
    """What waits for the reset, one sentence each."""
    fault: str = ""
    """Why edited files could not be read; what was in force goes on."""
    armed_by_command: bool | None = None
    """Set by `arm` and `disarm`; None while app.toml decides."""

    def is_armed(self, mode: TradingMode) -> bool:
        """Tell whether breaches are enforced."""
        if self.armed_by_command is not None:
            return self.armed_by_command
        return self.settings.is_armed(mode)


class SettingsKeeper:
    """Compares what the files say with what is in force. Used under one lock."""

    def __init__(
        self,
        wanted: Settings,
        stored: StoredSettings | None,
        first_started_ns: int | None,
        clock: Clock,
        *,
        armed_by_command: bool | None = None,
        was_locked: bool = False,
    ) -> None:
        """Take what the files say, and what earlier runs left.

        Args:
            wanted: what the files say.
            stored: what was in force when the last run wrote it down; None when that is not known.
            first_started_ns: when the data directory was first used; None when it is new.
            clock: says which day it is.
            armed_by_command: what the trader's last `arm` or `disarm` asked for.
            was_locked: whether a lock was ever in force in the data directory.
        """
        self._clock = clock
        now_ns = clock.now_ns()
        self._first_started_ns = now_ns if first_started_ns is None else first_started_ns
        self._latest_ns = now_ns if stored is None else stored.at_ns
        self._was_locked = was_locked
        self._wanted = wanted
        self.in_force = self._judged(stored, armed_by_command)

    def offer(self, wanted: Settings) -> bool:
        """Take what the files say now; tell whether anything is in force or waits that was not."""
        self._wanted = wanted
        was_wrong = bool(self.in_force.fault)
        is_news = self._judge_again(fault="")
        if was_wrong:
            self.in_force = self.in_force._replace(applied=(MENDED, *self.in_force.applied))
        return is_news

    def refuse(self, fault: str) -> bool:
        """Take that the files cannot be read; tell whether that is news."""
        if self.in_force.fault == fault:
            return False
        self.in_force = self.in_force._replace(fault=fault, applied=())
        return True

    def look(self) -> bool:
        """Tell whether the day has passed that held something back; then it is in force."""
        now_ns = self._clock.now_ns()
        self._latest_ns = max(self._latest_ns, now_ns)
        day = self._calendar.day(now_ns)
        # Files that could not be read cannot be read now either.
        return day.start_ns > self.in_force.day_start_ns and self._judge_again(
            fault=self.in_force.fault
        )

    def arm(self, *, armed: bool) -> bool:
        """Arm or disarm whatever app.toml says; tell whether that is a change."""
        if self.in_force.armed_by_command is armed:
            return False
        self.in_force = self.in_force._replace(armed_by_command=armed, applied=())
        return True

    def see_lock(self) -> bool:
        """Take that a lock is in force; tell whether it is the first ever in the data directory."""
        is_first = not self._was_locked
        self._was_locked = True
        return is_first

    def to_keep(self, in_force: InForce) -> KeptSettings:
        """Return what the next start must know if the store should not tell it."""
        return KeptSettings(
            at_ns=max(self._latest_ns, self._clock.now_ns()),
            day_start_ns=in_force.day_start_ns,
            in_force=in_force.text,
            armed_by_command=in_force.armed_by_command,
            first_started_ns=self._first_started_ns,
            was_locked=self._was_locked,
        )

    def _judge_again(self, *, fault: str) -> bool:
        before = self.in_force
        stored = StoredSettings(
            day_start_ns=before.day_start_ns, in_force=before.text, at_ns=self._latest_ns
        )
        self.in_force = self._judged(stored, before.armed_by_command)._replace(fault=fault)
        after = self.in_force._replace(applied=before.applied)
        return after != before

    def _judged(self, stored: StoredSettings | None, armed_by_command: bool | None) -> InForce:
        now_ns = self._clock.now_ns()
        merged: Merged = settings_due(
            stored, self._wanted, now_ns, self._first_started_ns, was_locked=self._was_locked
        )
        self._latest_ns = max(self._latest_ns, now_ns)
        self._calendar = trading_calendar(merged.settings)
        day = self._calendar.day(now_ns)
        return InForce(
            settings=merged.settings,
            text=encode_settings(merged.settings),
            day_start_ns=day.start_ns,
            applied=tuple(change.sentence() for change in merged.applied),
            pending=tuple(change.sentence() for change in merged.pending),
            armed_by_command=armed_by_command,
        )
