"""Writes the change of the settings for the trader to accept; the settings stay as they are."""

import difflib
import re
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
from workshop.files import write_text

from promotion.places import shown
from risk_actors.app.settings_load import RISK_FILE, load_settings
from risk_actors.app.settings_problem import SettingsError
from risk_actors.core.rules import Mode, RuleSettings

PATCH_FILE = "enforce.patch"
_TABLE = re.compile(r"(?m)^[ \t]*\[+[^\[\]\n]+\]+")
_MODE = re.compile(r'(?m)^(?P<key>[ \t]*mode[ \t]*=[ \t]*)(?P<quote>["\'])shadow(?P=quote)')


class NoChangeError(Exception):
    """The change cannot be written; the text says why and what to do."""


class Change(NamedTuple):
    """What the trader is to accept."""

    patch: Path
    sentence: str


def rule_of(directory: Path, rule_type: str, rule_id: str | None) -> RuleSettings:
    """Return the trader's rule of a type.

    Raises:
        NoChangeError: there is none, or there are several and none is named.
    """
    try:
        settings = load_settings(directory)
    except SettingsError as error:
        raise NoChangeError(f"the settings cannot be used: {error.problems[0]}") from error
    found = [rule for rule in settings.rules if rule.type == rule_type]
    chosen = [rule for rule in found if rule_id in (None, rule.id)]
    if len(chosen) == 1:
        return chosen[0]
    ids = ", ".join(f"`{rule.id}`" for rule in found)
    if not found:
        raise NoChangeError(
            f"{shown(directory / RISK_FILE)} has no rule of type {rule_type}; add one with mode ="
            ' "shadow" and let it watch your trading'
        )
    if chosen:
        raise NoChangeError(f"there are several rules of type {rule_type} ({ids}); name one: --id")
    raise NoChangeError(f"no rule of type {rule_type} is called `{rule_id}`; there are {ids}")


def write_change(directory: Path, rule: RuleSettings, to: Path) -> Change:
    """Write a patch that lets the rule enforce, once it was tried on a copy of the settings.

    Raises:
        NoChangeError: it cannot be written so that this rule's mode changes and nothing else.
    """
    file = directory / RISK_FILE
    before = file.read_text(encoding="utf-8")
    after = _enforcing(before, rule)
    _try(directory, rule, after)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{RISK_FILE}",
        f"b/{RISK_FILE}",
    )
    patch = to / PATCH_FILE
    write_text(patch, "".join(lines))
    return Change(
        patch,
        f'To let `{rule.id}` enforce, change mode = "shadow" to mode = "enforce" in its table'
        f" of {shown(file)}, or apply {shown(patch)} (`patch -p1 -d {shown(directory)} < FILE`)."
        " A running daemon takes it at the next daily reset unless you restart it.",
    )


def _enforcing(text: str, rule: RuleSettings) -> str:
    begins = [found.start() for found in _TABLE.finditer(text)] + [len(text)]
    named = re.compile(rf"(?m)^[ \t]*id[ \t]*=[ \t]*[\"']{re.escape(rule.id)}[\"']")
    for begin, end in pairwise(begins):
        table = text[begin:end]
        if named.search(table):
            changed, times = _MODE.subn(r"\g<key>\g<quote>enforce\g<quote>", table)
            if times == 1:
                return text[:begin] + changed + text[end:]
            raise NoChangeError(f'the table of `{rule.id}` has no line mode = "shadow"')
    raise NoChangeError(
        f"`{rule.id}` has no table of its own in {RISK_FILE} (it comes from the preset?); copy it"
        ' there, with mode = "shadow", and it can be changed'
    )


def _try(directory: Path, rule: RuleSettings, text: str) -> None:
    """Load the changed settings: this rule enforces, and all else is as it was."""
    with tempfile.TemporaryDirectory(prefix="promotion-") as made:
        copy = Path(made) / "settings"
        shutil.copytree(directory, copy)
        (copy / RISK_FILE).write_text(text, encoding="utf-8")
        try:
            old, new = load_settings(directory), load_settings(copy)
        except SettingsError as error:
            raise NoChangeError(f"the settings cannot be used: {error.problems[0]}") from error
    wanted = tuple(
        msgspec.structs.replace(each, mode=Mode.ENFORCE) if each.id == rule.id else each
        for each in old.rules
    )
    if new.rules != wanted:
        raise NoChangeError("the patch would change more than the mode; change it by hand")
