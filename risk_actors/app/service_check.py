"""What a service will have of what a trader's shell has: none of its variables.

It is started with an environment of the system's own, in the directory that holds the settings, and
finds there what `.env` says. What stands only in this shell would be missing, and nobody would see.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from risk_actors.alerts.settings import AlertSettings, variable_of
from risk_actors.app.alerts_desk import variables
from risk_actors.app.service_text import Plan
from risk_actors.app.settings import AppFile, TradingMode
from risk_actors.app.settings_environment import (
    API_KEY,
    USERNAME,
    VARIABLES,
    choose_mode,
    load_environment,
)
from risk_actors.app.settings_load import load_app_settings, load_settings
from risk_actors.app.settings_problem import Problem, SettingsError
from risk_actors.web.token_file import (
    TOKEN_VARIABLE,
    TokenError,
    env_file_of,
    read_token,
    token_path,
)

_TRIAL_WITHIN_S = 60.0
_PLAIN_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_OF_THE_NET = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_OF_THE_USER = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "XDG_RUNTIME_DIR")


class Judged(NamedTuple):
    """What is wrong with installing it so, and what is only wise to know."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


class Planned(NamedTuple):
    """What is to be run, and what is wise to know about it."""

    plan: Plan
    warnings: tuple[str, ...]


def plan_service(
    settings_dir: Path, data_dir: Path, asked: TradingMode | None, shell: Mapping[str, str]
) -> Planned:
    """Return what is to be run, once it is known that it can be, as a service.

    Args:
        settings_dir: the settings.
        data_dir: need not be there.
        asked: the mode that was asked for; None goes by the credentials.
        shell: the environment of this process.

    Raises:
        SettingsError: it would not start, or not guard what this shell lets expect.
    """
    settings_dir, data_dir = settings_dir.resolve(), data_dir.resolve()
    work_dir = settings_dir.parent
    load_settings(settings_dir)
    environment = load_environment((work_dir,), {})
    judged = judge_environment(load_app_settings(settings_dir), settings_dir, asked, shell)
    if judged.problems:
        raise SettingsError(judged.problems)
    mode = choose_mode(asked, environment)
    # Not resolved: a virtual environment's Python is a link out of it.
    python = Path(sys.executable).absolute()
    plan = Plan(python, settings_dir, data_dir, work_dir, str(mode))
    fault = try_out(plan)
    if fault is not None:
        raise SettingsError([Problem("as the service will be started", None, fault)])
    return Planned(plan, judged.warnings)


def judge_environment(
    app: AppFile, settings_dir: Path, asked: TradingMode | None, shell: Mapping[str, str]
) -> Judged:
    """Compare what a service will have with what it needs and with what this shell has.

    Args:
        app: app.toml of the settings.
        settings_dir: the settings; the service runs in the directory that holds them.
        asked: the mode that was asked for; None goes by the credentials.
        shell: the environment of this process.
    """
    work_dir = settings_dir.resolve().parent
    there = variables(settings_dir, {}, (work_dir,))
    here = variables(settings_dir, shell)
    env_file = work_dir / ".env"
    faults = [
        *_of_web(app, settings_dir, shell, there, env_file),
        *_of_alerts(app.alerts, there, env_file),
    ]
    warnings: list[str] = []
    if asked is not TradingMode.PAPER:
        faults = [*_of_broker(here, there, env_file), *faults]
        warnings += _other_values(here, there, env_file)
        if asked is None and USERNAME not in here and USERNAME not in there:
            warnings.append(
                f"there are no credentials in {env_file}, so it guards the bundled simulator"
                " (paper trading), not your accounts"
            )
    on_the_way = [each for each in _OF_THE_NET if shell.get(each) or shell.get(each.lower())]
    if on_the_way and asked is not TradingMode.PAPER and USERNAME in there:
        warnings.append(
            f"{', '.join(on_the_way)}: set in this shell, which a service does not have; where the"
            " broker is not reached without, give it to the system (on Linux: a file in"
            " ~/.config/environment.d)"
        )
    problems = tuple(Problem("environment of the service", None, fault) for fault in faults)
    return Judged(problems, tuple(warnings))


def _of_broker(here: Mapping[str, str], there: Mapping[str, str], env_file: Path) -> list[str]:
    """Name what the broker needs and only this shell has."""
    missing = [name for name in VARIABLES if here.get(name, "").strip() and name not in there]
    if not missing:
        return []
    names = ", ".join(missing)
    paper = ""
    if USERNAME in missing or API_KEY in missing:
        paper = "; or guard the bundled simulator with --paper"
    them = "it" if len(missing) == 1 else "them"
    fault = (
        f"{names}: set here, but not in {env_file}, and a service sees nothing of this shell;"
        f" write {them} there, one NAME=value a line{paper}"
    )
    return [fault]


def _other_values(here: Mapping[str, str], there: Mapping[str, str], env_file: Path) -> list[str]:
    other = [name for name in VARIABLES if name in there and here.get(name) != there[name]]
    return [f"{name} says something else here than in {env_file}, which counts" for name in other]


def _of_web(
    app: AppFile,
    settings_dir: Path,
    shell: Mapping[str, str],
    there: Mapping[str, str],
    env_file: Path,
) -> list[str]:
    """Name a token that the service would not have, or could not use."""
    if not app.web.token_file and not there.get(TOKEN_VARIABLE, "").strip():
        if not shell.get(TOKEN_VARIABLE, "").strip():
            return []
        fault = (
            f"{TOKEN_VARIABLE}: a service sees nothing of this shell; write it into {env_file}, or"
            " the token into a file that only you can read, and name that file as `token_file` in"
            " [web] of app.toml"
        )
        return [fault]
    try:
        read_token(
            token_path(app.web.token_file, settings_dir),
            {},
            env_file=env_file_of([env_file.parent]),
        )
    except TokenError as error:
        return [str(error)]
    return []


def _of_alerts(alerts: AlertSettings, there: Mapping[str, str], env_file: Path) -> list[str]:
    """Name the variables that addresses of alerts are to be taken from and that are not there."""
    used = {f"channel {each.name}": each.url for each in alerts.channels}
    if alerts.heartbeat_url is not None:
        used["heartbeat_url"] = alerts.heartbeat_url
    named = {whose: variable_of(url) for whose, url in used.items()}
    return [
        f"{name}: {whose} of [alerts] takes its address from it, and it is not in {env_file};"
        f" a service sees nothing of this shell, so write {name}=... there"
        for whose, name in named.items()
        if name is not None and name not in there
    ]


def bare_environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return about what a system starts programs of a user with: nothing of a shell's own."""
    if sys.platform == "win32":
        own = (*VARIABLES, TOKEN_VARIABLE)
        return {name: value for name, value in given.items() if name.upper() not in own}
    kept = {name: given[name] for name in _OF_THE_USER if name in given}
    return kept | {"PATH": _PLAIN_PATH}


def try_out(plan: Plan) -> str | None:
    """Have the settings checked as the service will be started; return what is wrong, if anything.

    By its Python, in its directory, with its environment: so a package that only this shell finds,
    or settings that only hold here, are seen before it is installed.
    """
    words = (str(plan.python), "-m", "risk_actors", "check", "--settings", str(plan.settings_dir))
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            (*words, "--data", str(plan.data_dir)),
            cwd=plan.work_dir,
            env=bare_environment(),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TRIAL_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"{plan.python} cannot be run there ({type(error).__name__})"
    if done.returncode == 0:
        return None
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return "\n".join(lines[-6:]) or f"it ends with code {done.returncode}"
