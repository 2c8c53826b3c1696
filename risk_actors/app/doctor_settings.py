"""The doctor's look at settings and environment, from which it is known what else to look at."""

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from risk_actors.app.alerts_desk import variables as alert_variables
from risk_actors.app.connect import Target
from risk_actors.app.doctor_guard import CredentialsLook, SettingsLook
from risk_actors.app.doctor_words import Unseen
from risk_actors.app.settings import AppFile, Settings, TradingMode
from risk_actors.app.settings_advice import advise
from risk_actors.app.settings_advice_words import Situation
from risk_actors.app.settings_environment import (
    API_KEY,
    USERNAME,
    Environment,
    dotenv_places,
    load_environment,
)
from risk_actors.app.settings_load import load_app_settings, load_settings
from risk_actors.app.settings_problem import SettingsError
from risk_actors.app.shipped import settings_to_read
from risk_actors.projectx.settings import GatewayEndpoints


class Read(NamedTuple):
    """What settings and environment say."""

    settings: Settings | None
    """None where they are wrong."""
    environment: Environment
    mode: TradingMode | None
    """None where the environment is too wrong to tell."""
    look: SettingsLook
    credentials: CredentialsLook
    target: Target | Unseen
    """The broker, of live trading."""
    app: AppFile | Unseen
    """app.toml alone, which can be right although something else is wrong."""
    settings_dir: Path
    given: Mapping[str, str]
    """The environment without what `.env` says."""
    alert_variables: Mapping[str, str]
    """The environment in which addresses of alerts are looked up."""


def read_all(
    settings_dir: Path,
    asked: TradingMode | None,
    variables: Mapping[str, str] | None,
    now_ns: int,
    *,
    is_named: bool = True,
) -> Read:
    """Read settings and environment; nothing that is wrong with them ends it.

    Args:
        settings_dir: with risk.toml.
        asked: the mode, or None for the one that `run` would choose.
        variables: the environment; the process's own when None.
        now_ns: the present.
        is_named: whether the trader named the directory, see `shipped.settings_to_read`.
    """
    environment, problems = _environment(settings_dir, variables)
    mode = asked
    if mode is None and not problems:
        mode = TradingMode.PAPER if environment.credentials is None else TradingMode.LIVE
    read_from = settings_to_read(settings_dir, mode, is_named=is_named)
    settings, look = _settings(read_from, environment, mode, now_ns)
    target: Target | Unseen
    if problems:
        target = Unseen("the environment is wrong", "see the line on credentials")
    elif environment.credentials is None:
        target = Unseen("there are no credentials", "see the line on credentials")
    else:
        endpoints = environment.endpoints or GatewayEndpoints()
        target = Target(environment.credentials, endpoints)
    credentials = _credentials(settings_dir, environment, problems, variables)
    given = os.environ if variables is None else variables
    return Read(
        settings=settings,
        environment=environment,
        mode=mode,
        look=look,
        credentials=credentials,
        target=target,
        app=_app(settings_dir),
        settings_dir=settings_dir,
        given=given,
        alert_variables=_alert_variables(settings_dir, given),
    )


def _environment(
    settings_dir: Path, variables: Mapping[str, str] | None
) -> tuple[Environment, tuple[str, ...]]:
    try:
        return load_environment(dotenv_places(settings_dir), variables), ()
    except SettingsError as error:
        return Environment(), tuple(map(str, error.problems))


def _alert_variables(settings_dir: Path, given: Mapping[str, str]) -> Mapping[str, str]:
    try:
        return alert_variables(settings_dir, given)
    except (OSError, UnicodeDecodeError):
        return given  # the line on credentials says what is wrong with the file


def _app(settings_dir: Path) -> AppFile | Unseen:
    try:
        return load_app_settings(settings_dir)
    except SettingsError:
        return Unseen("app.toml is wrong", "see the line on settings")


def _settings(
    settings_dir: Path, environment: Environment, mode: TradingMode | None, now_ns: int
) -> tuple[Settings | None, SettingsLook]:
    place = str(settings_dir)
    try:
        settings = load_settings(settings_dir)
    except SettingsError as error:
        return None, SettingsLook(place, tuple(map(str, error.problems)))
    situation = Situation(
        settings=settings,
        mode=mode or TradingMode.PAPER,
        now_ns=now_ns,
        account_name=environment.account_name or settings.gateway.account_name,
    )
    warnings = tuple(
        f"{advice.rule} {advice.text}" if advice.rule else advice.text
        for advice in advise(situation)
        if advice.is_warning
    )
    return settings, SettingsLook(place, (), len(settings.rules), warnings)


def _credentials(
    settings_dir: Path,
    environment: Environment,
    problems: tuple[str, ...],
    variables: Mapping[str, str] | None,
) -> CredentialsLook:
    """Tell whether there are credentials, and from where; they themselves are not told."""
    if problems or environment.credentials is None:
        return CredentialsLook(problems, are_there=False)
    given = os.environ if variables is None else variables
    if USERNAME in given and API_KEY in given:
        return CredentialsLook((), are_there=True, source="the environment")
    files = (place.resolve() / ".env" for place in dotenv_places(settings_dir))
    file = next((each for each in files if each.is_file()), None)
    if file is None:
        return CredentialsLook((), are_there=True, source="the environment")
    is_open = sys.platform != "win32" and bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    return CredentialsLook((), are_there=True, source=str(file), is_readable_by_others=is_open)
