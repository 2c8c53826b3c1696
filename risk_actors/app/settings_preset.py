"""Presets: the rules of a well-known account, read before the trader's own.

`preset = "topstep-50k"` in risk.toml loads `presets/topstep-50k.toml` of the settings directory, or
else the one that ships.
"""

from pathlib import Path

import risk_actors
from risk_actors.app.settings import Preset, PresetHeader
from risk_actors.app.settings_check import check_table, did_you_mean
from risk_actors.app.settings_file import TomlFile
from risk_actors.app.settings_problem import Problem
from risk_actors.app.settings_rules import read_rules, read_session

PRESETS_DIR = "presets"

_KEYS = ("preset", "session", "rules")


def shipped_in(package: Path) -> tuple[Path, Path]:
    """Return where presets ship: inside an installed package, or beside it in a checkout."""
    return package / PRESETS_DIR, package.parent / "settings" / PRESETS_DIR


_SHIPPED = shipped_in(Path(risk_actors.__file__).parent)


def read_preset(
    name: str, settings_dir: Path, risk_file: TomlFile, problems: list[Problem]
) -> Preset | None:
    """Return a preset, or None after what is wrong with it was reported.

    Args:
        name: as risk.toml gives it.
        settings_dir: whose own presets come before those that ship.
        risk_file: where an unknown name is reported.
        problems: takes what is wrong with the preset's own file.
    """
    known = preset_files(settings_dir)
    if name not in known:
        hint = did_you_mean(name, known)
        names = f" (known are {', '.join(known)})" if "did you mean" in hint else ""
        risk_file.report(("preset",), f'preset = "{name}": no such preset{hint}{names}')
        return None
    file = TomlFile.read(known[name], problems)
    return None if file is None else _preset_in(file)


def preset_files(settings_dir: Path) -> dict[str, Path]:
    """Return every preset's file by name, sorted; the trader's own hide those that ship."""
    files: dict[str, Path] = {}
    for directory in (*_SHIPPED, settings_dir / PRESETS_DIR):
        files |= {path.stem: path for path in directory.glob("*.toml")}
    return dict(sorted(files.items()))


def _preset_in(file: TomlFile) -> Preset | None:
    for key in file.root:
        if key not in _KEYS:
            file.report((key,), f"unknown key `{key}`{did_you_mean(key, _KEYS)}")
    rules, session = read_rules(file), read_session(file)
    if not file.root.get("rules"):
        file.report(("rules",), "a preset sets at least one rule, written `[[rules]]`")
    table = file.root.get("preset")
    if not isinstance(table, dict):
        file.report(("preset",), "a preset begins with a table `[preset]` that says whose it is")
        return None
    header = check_table(PresetHeader, table, ("preset",), file.report)
    if header is None:
        return None
    if header.name != file.path.stem:
        file.report(
            ("preset", "name"),
            f'preset.name = "{header.name}": the file is called {file.path.name}',
        )
    return Preset(header=header, file=str(file.path), rules=rules, session=session)
