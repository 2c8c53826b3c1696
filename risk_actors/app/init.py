"""Makes the settings that `risk-actors init` proposes, tries them, and puts them in place."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from risk_actors.alerts.addresses import AddressError, resolve
from risk_actors.alerts.settings import variable_of
from risk_actors.app.init_text import ALERT_FILE, Answers, app_toml, names_source, risk_toml
from risk_actors.app.settings import Settings
from risk_actors.app.settings_file import TomlFile
from risk_actors.app.settings_load import APP_FILE, RISK_FILE, load_settings
from risk_actors.app.settings_preset import PRESETS_DIR, preset_files
from risk_actors.app.settings_problem import Problem, SettingsError

_SECRET_MODE = 0o600
_OPEN_MODE = 0o644


class Proposal(NamedTuple):
    """One file that would be written."""

    name: str
    text: str
    is_secret: bool = False

    @property
    def shown(self) -> str:
        """Its text for a screen."""
        return "[hidden]" if self.is_secret else self.text


def titles(settings_dir: Path) -> dict[str, str]:
    """Return the presets there are, by name, each with what it is for."""
    found = {}
    for name, path in preset_files(settings_dir).items():
        file = TomlFile.read(path, [])
        header = file.root.get("preset") if file is not None else None
        if isinstance(header, dict):
            found[name] = f"{header.get('firm', name)} {header.get('title', '')}".strip()
    return found


def proposals(settings_dir: Path, answers: Answers) -> tuple[Proposal, ...]:
    """Return the files for a trader's answers; an app.toml that they do not concern stays."""
    files = [Proposal(RISK_FILE, risk_toml(answers))]
    is_concerned = bool(answers.accounts) or answers.alert_url is not None
    if is_concerned or not (settings_dir / APP_FILE).exists():
        files.append(Proposal(APP_FILE, app_toml(answers)))
    if answers.alert_url is not None and not names_source(answers.alert_url):
        files.append(Proposal(ALERT_FILE, f"{answers.alert_url}\n", is_secret=True))
    return tuple(files)


def address_fault(url: str) -> str | None:
    """Return why alerts cannot go to an address, without anything of it.

    Where the settings only name it, by `env:` or `file:`, it need not be there yet.
    """
    from risk_actors.alerts.door import AppriseDoor  # noqa: PLC0415  # brings apprise

    if names_source(url):
        is_name = url.startswith("file:") or variable_of(url) is not None
        return None if is_name and "://" not in url else f"`{url[:4]}` is followed by no name"
    try:
        AppriseDoor(resolve(url, Path(), {}))
    except AddressError as error:
        return str(error)
    return None


def tried(settings_dir: Path, files: tuple[Proposal, ...]) -> Settings:
    """Return what the files mean beside those that stay, read by the daemon's own loader.

    Raises:
        SettingsError: they would be refused; nothing was written in the settings directory.
    """
    new = {file.name for file in files}
    with tempfile.TemporaryDirectory(prefix="risk-actors-") as place:
        trial = Path(place)
        if settings_dir.is_dir():
            for kept in settings_dir.iterdir():
                if kept.is_file() and kept.suffix in (".toml", ".ics") and kept.name not in new:
                    shutil.copy(kept, trial)
        own = settings_dir / PRESETS_DIR
        if own.is_dir():
            shutil.copytree(own, trial / PRESETS_DIR)
        for file in files:
            (trial / file.name).write_text(file.text, encoding="utf-8", newline="\n")
        try:
            return load_settings(trial)
        except SettingsError as error:
            # As the trader would open them.
            raise SettingsError(
                Problem(
                    str(settings_dir / Path(each.file).relative_to(trial))
                    if Path(each.file).is_relative_to(trial)
                    else each.file,
                    each.line,
                    each.message,
                )
                for each in error.problems
            ) from error


def in_the_way(settings_dir: Path, files: tuple[Proposal, ...]) -> tuple[str, ...]:
    """Return which of the files are there already and say something else."""
    return tuple(
        file.name
        for file in files
        if (settings_dir / file.name).exists()
        and (settings_dir / file.name).read_bytes() != file.text.encode()
    )


def put_in_place(settings_dir: Path, files: tuple[Proposal, ...], now: datetime) -> tuple[str, ...]:
    """Write the files; what was there is kept beside them. Return the names of what is kept.

    Raises:
        OSError: one cannot be written; then none is.
    """
    settings_dir.mkdir(parents=True, exist_ok=True)
    written = _staged(settings_dir, files)
    kept = []
    with _uninterrupted():
        for name in in_the_way(settings_dir, files):
            backup = _free(settings_dir / f"{name}.before-{now:%Y%m%d-%H%M%S}")
            shutil.copy2(settings_dir / name, backup)
            kept.append(backup.name)
        for path, file in zip(written, files, strict=True):
            path.replace(settings_dir / file.name)
    return tuple(kept)


def _staged(directory: Path, files: tuple[Proposal, ...]) -> list[Path]:
    """Write all files beside where they belong, or none: also when it is broken off."""
    written: list[Path] = []
    try:
        for file in files:
            path = directory / f"{file.name}.new"
            path.unlink(missing_ok=True)
            written.append(path)
            mode = _SECRET_MODE if file.is_secret else _OPEN_MODE
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(file.text.encode())
                stream.flush()
                os.fsync(stream.fileno())
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off, so that files that belong together come into force together."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _free(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free
