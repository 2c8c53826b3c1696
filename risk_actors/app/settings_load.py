"""Reads the settings directory and reports everything that is wrong with it at once."""

import ipaddress
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from risk_actors.app.settings import AppSettings, SessionSettings, Settings
from risk_actors.app.settings_check import check_table, did_you_mean
from risk_actors.app.settings_problem import Problem, SettingsError
from risk_actors.app.settings_session import cron_fault, zone_fault
from risk_actors.app.settings_toml import LineIndex
from risk_actors.app.settings_toml import Path as KeyPath
from risk_actors.core.rules import RuleSettings, catalogue

RISK_FILE = "risk.toml"
APP_FILE = "app.toml"

_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load_settings(directory: Path) -> Settings:
    """Read `risk.toml` and, if it is there, `app.toml`.

    Raises:
        SettingsError: with every problem of every file, each with its line.
    """
    problems: list[Problem] = []
    session = SessionSettings()
    rules: tuple[RuleSettings, ...] = ()
    if not (directory / RISK_FILE).is_file():
        fault = f"`{RISK_FILE}` is missing" if directory.is_dir() else "no such directory"
        message = f"{fault}; settings need a `{RISK_FILE}` with at least one rule"
        problems.append(Problem(str(directory), None, message))
    elif (risk := _TomlFile.read(directory / RISK_FILE, problems)) is not None:
        session, rules = _session_in(risk), _rules_in(risk)
    app = _app_of(directory, problems)
    if problems:
        raise SettingsError(_in_reading_order(problems))
    return Settings(session=session, rules=rules, **msgspec.structs.asdict(app))


def load_app_settings(directory: Path) -> AppSettings:
    """Read `app.toml` alone; the defaults when it is not there.

    Raises:
        SettingsError: with every problem of that file.
    """
    problems: list[Problem] = []
    app = _app_of(directory, problems)
    if problems:
        raise SettingsError(_in_reading_order(problems))
    return app


def _app_of(directory: Path, problems: list[Problem]) -> AppSettings:
    if not (directory / APP_FILE).is_file():
        return AppSettings()
    file = _TomlFile.read(directory / APP_FILE, problems)
    return AppSettings() if file is None else _app_in(file)


class _TomlFile:
    """One parsed file, and where its errors go."""

    def __init__(self, path: Path, text: str, problems: list[Problem]) -> None:
        self.root: dict[str, Any] = tomllib.loads(text)
        self._lines = LineIndex(text)
        self._path = path
        self._problems = problems

    @classmethod
    def read(cls, path: Path, problems: list[Problem]) -> "_TomlFile | None":
        """Parse a file, or report why it cannot be parsed and return None."""
        data = b""
        try:
            data = path.read_bytes()
            # Notepad writes a byte order mark and CRLF; neither is the trader's mistake.
            text = data.decode("utf-8-sig").replace("\r\n", "\n")
            return cls(path, text, problems)
        except OSError as error:
            problems.append(Problem(str(path), None, f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            problems.append(Problem(str(path), line, "not UTF-8 text; save it again as UTF-8"))
        except tomllib.TOMLDecodeError as error:
            problems.append(_syntax_problem(path, text, error))
        return None

    def report(self, key_path: KeyPath, message: str) -> None:
        """Note an error at a key; a rule's error names the rule."""
        self._problems.append(Problem(str(self._path), self._lines.line_of(key_path), message))

    def line_of(self, key_path: KeyPath) -> int | None:
        """Return the line a key stands on."""
        return self._lines.line_of(key_path)


def _syntax_problem(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    place = _SYNTAX_PLACE.search(str(error))
    line = int(place[1]) if place and place[1] else len(text.splitlines())
    message = _SYNTAX_PLACE.sub("", str(error))
    return Problem(str(path), line, f"not valid TOML: {message[:1].lower()}{message[1:]}")


def _session_in(file: _TomlFile) -> SessionSettings:
    for key in file.root:
        if key not in ("session", "rules"):
            hint = did_you_mean(key, ("session", "rules"))
            file.report((key,), f"unknown key `{key}`{hint}")
    table = file.root.get("session", {})
    if not isinstance(table, dict):
        file.report(("session",), "session: expected a table, written `[session]`")
        return SessionSettings()
    session = check_table(SessionSettings, table, ("session",), file.report)
    _check_texts(file, {"session": table})
    return session or SessionSettings()


def _rules_in(file: _TomlFile) -> tuple[RuleSettings, ...]:
    tables = file.root.get("rules")
    if not tables:
        file.report(("rules",), "no rule is set, so nothing would be guarded; add one `[[rules]]`")
        return ()
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        file.report(("rules",), "rules: expected tables, each written `[[rules]]`")
        return ()
    rules: list[RuleSettings] = []
    first_line_of: dict[str, int | None] = {}
    for index, table in enumerate(tables):
        rule = _rule_in(file, table, ("rules", index))
        if rule is not None:
            rules.append(rule)
        rule_id = table.get("id")
        if not isinstance(rule_id, str):
            continue
        if rule_id in first_line_of:
            file.report(
                ("rules", index, "id"),
                f'id = "{rule_id}" is taken by the rule in line {first_line_of[rule_id]}',
            )
        else:
            first_line_of[rule_id] = file.line_of(("rules", index, "id"))
    return tuple(rules)


def _rule_in(file: _TomlFile, table: dict[str, Any], path: KeyPath) -> RuleSettings | None:
    known = catalogue()
    rule_type = table.get("type")
    if isinstance(rule_type, str) and rule_type in known:
        return check_table(known[rule_type].Settings, table, path, file.report)
    if rule_type is None:
        file.report(path, f"missing key `type`; known are {', '.join(known)}")
    else:
        hint = did_you_mean(str(rule_type), known)
        file.report((*path, "type"), f'type = "{rule_type}": no such rule{hint}')
    shared_keys = {field.name for field in msgspec.structs.fields(RuleSettings)}
    shared = {key: value for key, value in table.items() if key in shared_keys}
    check_table(RuleSettings, shared, path, file.report)
    return None


def _app_in(file: _TomlFile) -> AppSettings:
    app = check_table(AppSettings, file.root, (), file.report)
    _check_texts(file, file.root)
    return app or AppSettings()


def _loopback_fault(host: str) -> str | None:
    """The state and the panic button have no password, so no other machine may reach them."""
    if host == "localhost":
        return None
    try:
        if ipaddress.ip_address(host).is_loopback:
            return None
    except ValueError:
        pass
    return "only this machine may be served; use 127.0.0.1, ::1 or localhost"


_TEXT_CHECKS: dict[tuple[str, str], Callable[[str], str | None]] = {
    ("session", "timezone"): zone_fault,
    ("session", "daily_reset"): cron_fault,
    ("session", "weekly_reset"): cron_fault,
    ("web", "host"): _loopback_fault,
}
"""What a type cannot say of a text."""


def _check_texts(file: _TomlFile, root: dict[str, Any]) -> None:
    for (section, key), find_fault in _TEXT_CHECKS.items():
        table = root.get(section)
        text = table.get(key) if isinstance(table, dict) else None
        if isinstance(text, str) and (fault := find_fault(text)):
            file.report((section, key), f'{section}.{key} = "{text}": {fault}')


def _in_reading_order(problems: list[Problem]) -> list[Problem]:
    files = list(dict.fromkeys(problem.file for problem in problems))
    return sorted(problems, key=lambda p: (files.index(p.file), p.line or 0))
