"""What the doctor thinks of the guard itself: settings, credentials, store, daemon, service."""

from collections.abc import Sequence
from typing import NamedTuple

from risk_actors.app.doctor_machine import size_words
from risk_actors.app.doctor_words import Finding, failed, fine, warning
from risk_actors.app.heartbeat import Heartbeat
from risk_actors.app.settings import TradingMode

OLD_HEARTBEAT_S = 30.0
"""The daemon gives a sign of life every second."""


class SettingsLook(NamedTuple):
    """What the settings directory holds."""

    place: str
    problems: tuple[str, ...] = ()
    rules: int = 0
    warnings: tuple[str, ...] = ()
    """What `risk-actors check` advises against."""


def judge_settings(look: SettingsLook) -> Finding:
    """Judge the settings: every error, for none of them hides another."""
    if look.problems:
        return failed(
            _lines(f"{_count(len(look.problems), 'error')}:", look.problems),
            "correct them (or `risk-actors init` writes new ones), then `risk-actors check`",
        )
    rules = _count(look.rules, "rule")
    if look.warnings:
        return warning(
            _lines(f"{rules} in {look.place}, valid, but:", look.warnings),
            "see `risk-actors check`",
        )
    return fine(f"{rules} in {look.place}")


class CredentialsLook(NamedTuple):
    """Whether there is a name and a key; neither of them is here."""

    problems: tuple[str, ...]
    are_there: bool
    source: str = ""
    """`the environment`, or a file."""
    is_readable_by_others: bool = False


def judge_credentials(look: CredentialsLook, mode: TradingMode | None) -> Finding:
    """Judge whether the credentials are complete and kept well."""
    if look.problems:
        return failed(
            _lines(f"{_count(len(look.problems), 'error')}:", look.problems),
            "set PROJECT_X_USERNAME and PROJECT_X_API_KEY, both or neither",
        )
    if not look.are_there:
        if mode is TradingMode.LIVE:
            return failed(
                "there are none, and live trading needs them",
                "write PROJECT_X_USERNAME=... and PROJECT_X_API_KEY=... into a file `.env` beside"
                " the settings directory; the key is made on the platform's API page",
            )
        return fine("none, and paper trading needs none")
    if look.is_readable_by_others:
        return warning(
            f"there, but others on this machine may read {look.source}",
            f"chmod 600 {look.source}",
        )
    return fine(f"there, from {look.source}")


class StoreLook(NamedTuple):
    """What `risk.db` is like."""

    exists: bool
    size_bytes: int = 0
    damage: str | None = None
    newer: str | None = None
    """Why this version cannot read it."""


def judge_store(look: StoreLook) -> Finding:
    """Judge whether the store opens and is sound."""
    if not look.exists:
        return fine("there is none yet; the first start makes it")
    if look.newer is not None:
        return failed(look.newer, "install that version again, or choose another --data")
    if look.damage is not None:
        return failed(
            f"it is damaged: {look.damage}",
            "start the daemon: it rescues what can be read, keeps the damaged file beside it, and"
            " takes locks from their backup; then look at `risk-actors audit --verify`",
        )
    return fine(f"opens and is sound ({size_words(look.size_bytes)})")


class DaemonLook(NamedTuple):
    """What a data directory tells of its daemon."""

    data_dir: str
    port: int | None = None
    """As it left it; None where none runs."""
    answers: bool = False
    heartbeat: Heartbeat | None = None
    age_s: float = 0.0
    lives: bool | None = None
    """Whether the process of the heartbeat is there; None where that is not known."""
    is_another: bool = False
    """Whether another guard, or another program, has its port now."""


def judge_daemon(look: DaemonLook) -> Finding:
    """Judge whether a guard runs, and how it is."""
    if look.port is None and look.heartbeat is None:
        return warning(
            f"none runs on {look.data_dir}, so nothing is enforced now",
            "start it with `risk-actors run`",
        )
    beat = look.heartbeat
    if look.is_another:
        return failed(
            f"one ran here and was ended suddenly, so nothing is enforced now; port {look.port} is"
            " another guard's now, or another program's",
            "start it anew with `risk-actors run`; its log in the data directory says more",
        )
    if not look.answers:
        if beat is not None and look.age_s < OLD_HEARTBEAT_S and look.lives is not False:
            return warning(
                f"process {beat.pid} gave a sign of life {look.age_s:.0f} s ago ({beat.phase})"
                " but does not answer over HTTP",
                "wait a moment; if it stays so, see its log in the data directory",
            )
        how = "was ended suddenly" if look.lives is False else "ended suddenly, or hangs"
        return failed(
            f"one ran here and {how}, so nothing is enforced now",
            "start it anew with `risk-actors run`; its log in the data directory says more",
        )
    if beat is None or look.age_s >= OLD_HEARTBEAT_S:
        return warning(
            f"one answers on port {look.port}, but gives no sign of life in heartbeat.json",
            "see its log in the data directory",
        )
    what = f"{beat.mode}, {'armed' if beat.armed else 'NOT ARMED'}, phase {beat.phase}"
    if not beat.healthy:
        return failed(
            f"process {beat.pid} is not well: {'; '.join(beat.wrong) or what}",
            "start it anew; its log in the data directory says more",
        )
    if beat.phase != "armed" or not beat.armed:
        return warning(
            f"process {beat.pid} runs: {what}",
            "see `risk-actors status`; `risk-actors arm` has rules enforced",
        )
    return fine(f"process {beat.pid} runs: {what}, port {look.port}")


class ServiceLook(NamedTuple):
    """What is set up to start the daemon."""

    kind: str
    """Such as `systemd user unit`."""
    is_installed: bool
    is_active: bool | None = None
    """None where that is not known."""
    is_failing: bool = False
    """Whether the daemon was started and ended by a fault."""
    says: str = ""
    """What the system says of it."""
    lines: tuple[str, ...] = ()
    """What the daemon said last, where it does not run."""


def judge_service(look: ServiceLook, mode: TradingMode | None) -> Finding:
    """Judge whether the daemon comes back after a restart of the machine, or a fault."""
    if not look.is_installed:
        said = "nothing starts the daemon at login or after a fault"
        if mode is TradingMode.PAPER:
            return fine(f"{said}; paper trading can do without")
        return warning(said, "`risk-actors service install` sets that up, and says first what")
    if look.is_failing:
        said = f"the {look.kind} is installed, but {look.says}"
        return failed(_lines(said, look.lines), "mend what it says; `risk-actors service status`")
    if look.is_active is False:
        return warning(
            f"the {look.kind} is installed, but is not running",
            "see `risk-actors service status`",
        )
    if look.is_active is None:
        return warning(
            f"the {look.kind} is installed; whether it runs is not known ({look.says})",
            "see the line on the daemon",
        )
    return fine(f"the {look.kind} starts it at login and after a fault")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _lines(head: str, rest: Sequence[str]) -> str:
    return "\n".join((head, *rest))
