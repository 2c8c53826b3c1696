"""The guard's settings directory of a scenario, with its instants written out."""

import tomllib
from pathlib import Path

from risk_actors.simulator.scenario_script import Script
from risk_actors.simulator.scenario_time import has_placeholder, resolve_placeholders

_APP_FILE = "app.toml"


def write_settings(script: Script, directory: Path, start_ns: int) -> None:
    """Write the settings files for a run that starts at an instant; armed unless they say else."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {_APP_FILE: "", **script.scenario.settings}
    for name, text in files.items():
        written = resolve_placeholders(text, start_ns, script.zone)
        if name == _APP_FILE and "armed" not in tomllib.loads(written):
            written = f"armed = true\n{written}"
        (directory / name).write_text(written, encoding="utf-8")


def names_instants(script: Script) -> bool:
    """Tell whether the settings must know the start before the guard does."""
    return any(has_placeholder(text) for text in script.scenario.settings.values())
