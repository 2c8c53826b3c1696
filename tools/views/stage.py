"""What is on show: paper trading as `make run` starts it, until its trader broke the day's loss."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from watched_process import ADDRESS_FILE, ROOT, WatchedProcess, run_command

from .browser import wait_for

TRADED = 101
"""The account of the simulated trader, who is on tilt; another one is left alone."""

_ARMED_WITHIN_S = 60.0
_LOCKED_WITHIN_S = 240.0
_AFTERWARDS = 2
"""How many orders of the trader are killed under the lock before the pictures are taken."""

_APP = """
[simulator]
trader = "tilted"
accounts = 2
pace = 2.0
# It trades round the clock, so that there is something to see on any day.
symbol = "MBT"
"""
_RULES = """
[[rules]]
id = "weekly-loss"
type = "weekly_loss_limit"
limit_usd = 1200.0

[[rules]]
id = "drawdown"
type = "trailing_drawdown"
amount_usd = 2000.0
trail = "end_of_day"
start_balance_usd = 50000.0
lock_at_usd = 50000.0
"""
_FORBIDS_IT = "no-crypto"
_LARGER = (("limit = 5", "limit = 30"), ("default = 3", "default = 30"))
"""Bitcoin's micro is traded by the dozen; else its size would be reduced every second."""


class Stage:
    """A guard in a process of its own, with its simulated broker and trader."""

    def __init__(self, directory: Path) -> None:
        """Take where the guard shall keep its files."""
        self._settings_dir, self._data_dir = directory / "settings", directory / "data"
        self._settings_dir.mkdir()
        shipped = (ROOT / "settings" / "risk.toml").read_text(encoding="utf-8")
        rules = shipped.replace(f'id = "{_FORBIDS_IT}"', f'id = "{_FORBIDS_IT}"\nmode = "off"')
        for small, large in _LARGER:
            rules = rules.replace(f"\n{small}\n", f"\n{large}\n")
        (self._settings_dir / "risk.toml").write_text(rules + _RULES, encoding="utf-8")
        (self._settings_dir / "app.toml").write_text(_APP, encoding="utf-8")
        self._process: WatchedProcess | None = None

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run it until the context is left."""
        command = run_command(self._settings_dir, self._data_dir, "--paper", "--plain")
        with WatchedProcess(command, self._data_dir) as process:
            self._process = process
            process.wait_for(lambda: self._state().get("phase") == "armed", _ARMED_WITHIN_S)
            yield

    @property
    def address(self) -> str:
        """Where the dashboard is."""
        told = json.loads((self._data_dir / ADDRESS_FILE).read_text(encoding="utf-8"))
        return f"http://{told['host']}:{told['port']}"

    def play(self) -> None:
        """Return once the trader's account is locked, and the trader has run against the lock."""
        wait_for(self._is_locked, _LOCKED_WITHIN_S, "the account is locked")
        wait_for(self._was_tried, _LOCKED_WITHIN_S, "the trader has run against the lock")

    def _is_locked(self) -> bool:
        return any(each["id"] == TRADED and each["locks"] for each in self._state()["accounts"])

    def _was_tried(self) -> bool:
        """Tell whether so many orders were killed under the lock, and the last is over."""
        events = [each["text"] for each in self._state()["events"]]
        killed = sum("something appeared under a lock" in text for text in events)
        return killed >= _AFTERWARDS and "observed flat" in "".join(events[-2:])

    def _state(self) -> dict[str, Any]:
        assert self._process is not None  # noqa: S101 - the guard runs
        state: dict[str, Any] | None = self._process.get("/api/state")
        return state or {}
