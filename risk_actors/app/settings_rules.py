"""Reads what a file says of rules and of the trading day: risk.toml, and each preset."""

from collections.abc import Callable
from typing import Any

import msgspec

from risk_actors.app.settings import SessionSettings
from risk_actors.app.settings_check import check_table, did_you_mean
from risk_actors.app.settings_file import TomlFile
from risk_actors.app.settings_session import cron_fault, zone_fault
from risk_actors.app.settings_toml import Path as KeyPath
from risk_actors.core.rules import RuleSettings, catalogue

_SESSION_CHECKS: dict[str, Callable[[str], str | None]] = {
    "timezone": zone_fault,
    "daily_reset": cron_fault,
    "weekly_reset": cron_fault,
}
"""What a type cannot say of a text."""


def read_session(file: TomlFile) -> dict[str, Any]:
    """Return the keys of `[session]` that the file sets, or report why they cannot be used."""
    table = file.root.get("session", {})
    if not isinstance(table, dict):
        file.report(("session",), "session: expected a table, written `[session]`")
        return {}
    session = check_table(SessionSettings, table, ("session",), file.report)
    faults = [_report_text(file, key, table.get(key)) for key in _SESSION_CHECKS]
    return {} if session is None or any(faults) else table


def _report_text(file: TomlFile, key: str, text: Any) -> bool:
    fault = _SESSION_CHECKS[key](text) if isinstance(text, str) else None
    if fault:
        file.report(("session", key), f'session.{key} = "{text}": {fault}')
    return bool(fault)


def read_rules(file: TomlFile) -> tuple[RuleSettings, ...]:
    """Return the file's rules; those that are wrong are reported and left out."""
    tables = file.root.get("rules", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        file.report(("rules",), "rules: expected tables, each written `[[rules]]`")
        return ()
    rules: list[RuleSettings] = []
    first_line_of: dict[str, int | None] = {}
    for index, table in enumerate(tables):
        rule = _read_rule(file, table, ("rules", index))
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


def _read_rule(file: TomlFile, table: dict[str, Any], path: KeyPath) -> RuleSettings | None:
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
