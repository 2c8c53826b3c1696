"""Reads the settings directory and reports everything that is wrong with it at once."""

import ipaddress
import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.app.settings import AppFile, AppSettings, Preset, SessionSettings, Settings
from risk_actors.app.settings_check import check_table, did_you_mean
from risk_actors.app.settings_environment import dotenv_places
from risk_actors.app.settings_file import TomlFile
from risk_actors.app.settings_holidays import read_holidays
from risk_actors.app.settings_news import read_news
from risk_actors.app.settings_places import belongs_elsewhere
from risk_actors.app.settings_preset import read_preset
from risk_actors.app.settings_problem import Problem, SettingsError
from risk_actors.app.settings_rules import read_rules, read_session
from risk_actors.core.rules import RuleSettings
from risk_actors.web.token_file import TOKEN_VARIABLE, TokenError, env_file_of

RISK_FILE = "risk.toml"
APP_FILE = "app.toml"

_RISK_KEYS = ("preset", "session", "rules")


class _Risk(msgspec.Struct):
    """What risk.toml says, with its preset."""

    session: SessionSettings = SessionSettings()
    rules: tuple[RuleSettings, ...] = ()
    preset: Preset | None = None


def load_settings(directory: Path) -> Settings:
    """Read `risk.toml` with its preset and, if they are there, the other files.

    Raises:
        SettingsError: with every problem of every file, each with its line.
    """
    problems: list[Problem] = []
    risk = _Risk()
    if not (directory / RISK_FILE).is_file():
        fault = f"`{RISK_FILE}` is missing" if directory.is_dir() else "no such directory"
        message = (
            f"{fault}; settings need a `{RISK_FILE}` with at least one rule, and"
            " `risk-actors init` writes one"
        )
        problems.append(Problem(str(directory), None, message))
    elif (file := TomlFile.read(directory / RISK_FILE, problems)) is not None:
        risk = _risk_in(file, directory, problems)
    app = _app_of(directory, problems)
    holidays = read_holidays(directory, problems)
    news = read_news(directory, problems)
    if problems:
        raise SettingsError(_in_reading_order(problems))
    return Settings(
        session=risk.session,
        rules=risk.rules,
        preset=risk.preset,
        holidays=holidays,
        news=news.events,
        news_notes=news.notes,
        **{field: getattr(app, field) for field in AppSettings.__struct_fields__},
    )


def load_app_settings(directory: Path) -> AppFile:
    """Read `app.toml` alone, with the alerts; the defaults when it is not there.

    Raises:
        SettingsError: with every problem of that file.
    """
    problems: list[Problem] = []
    app = _app_of(directory, problems)
    if problems:
        raise SettingsError(_in_reading_order(problems))
    return app


def load_zone(directory: Path) -> ZoneInfo:
    """Return the zone of the trading day: the usual one where risk.toml cannot tell another.

    What else is wrong with the settings does not matter here.
    """
    problems: list[Problem] = []
    path = directory / RISK_FILE
    file = TomlFile.read(path, problems) if path.is_file() else None
    session = SessionSettings() if file is None else _risk_in(file, directory, problems).session
    return ZoneInfo(session.timezone)


def _risk_in(file: TomlFile, directory: Path, problems: list[Problem]) -> _Risk:
    for key in file.root:
        if key not in _RISK_KEYS:
            hint = belongs_elsewhere(key) or did_you_mean(key, _RISK_KEYS)
            file.report((key,), f"unknown key `{key}`{hint}")
    session, rules = read_session(file), read_rules(file)
    preset = _preset_of(file, directory, problems)
    if "preset" not in file.root and not file.root.get("rules"):
        file.report(("rules",), "no rule is set, so nothing would be guarded; add one `[[rules]]`")
    if preset is None:
        return _Risk(session=msgspec.convert(session, SessionSettings), rules=rules)
    own_ids = {rule.id for rule in rules}
    return _Risk(
        session=msgspec.convert(preset.session | session, SessionSettings),
        rules=(*(rule for rule in preset.rules if rule.id not in own_ids), *rules),
        preset=preset,
    )


def _preset_of(file: TomlFile, directory: Path, problems: list[Problem]) -> Preset | None:
    name = file.root.get("preset")
    if name is None:
        return None
    if not isinstance(name, str):
        file.report(("preset",), 'preset: expected the name of a preset, such as "topstep-50k"')
        return None
    return read_preset(name, directory, file, problems)


def _app_of(directory: Path, problems: list[Problem]) -> AppFile:
    if not (directory / APP_FILE).is_file():
        return AppFile()
    file = TomlFile.read(directory / APP_FILE, problems)
    return AppFile() if file is None else _app_in(file, directory)


def _app_in(file: TomlFile, directory: Path) -> AppFile:
    app = check_table(AppFile, file.root, (), file.report)
    web: Any = file.root.get("web")
    host = web.get("host") if isinstance(web, dict) else None
    has_token = bool((host and web.get("token_file")) or _is_token_set(directory))
    if isinstance(host, str) and not has_token and (fault := _loopback_fault(host)):
        file.report(("web", "host"), f'web.host = "{host}": {fault}')
    return app or AppFile()


def _is_token_set(directory: Path) -> bool:
    """Tell whether the environment or `.env` names a token; whether it is good is said there."""
    if TOKEN_VARIABLE in os.environ:
        return bool(os.environ[TOKEN_VARIABLE])
    try:
        return env_file_of(dotenv_places(directory)) is not None
    except TokenError:
        return True


def _loopback_fault(host: str) -> str | None:
    """Without a token no other machine may reach the state and the panic button."""
    if host == "localhost":
        return None
    try:
        if ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:
        pass
    return (
        "only this machine may be served while there is no token; use 127.0.0.1, ::1 or localhost,"
        f" or set token_file in [web] or {TOKEN_VARIABLE}"
    )


def _in_reading_order(problems: list[Problem]) -> list[Problem]:
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(problems, key=lambda p: (files.index(p.file), p.line or 0))
