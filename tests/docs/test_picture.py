"""The picture of the screen for the README."""

import subprocess
import sys
from pathlib import Path

import msgspec

from risk_actors.actors.picture import AccountPicture, Picture

ROOT = Path(__file__).parents[2]


def test_a_saved_state_becomes_an_svg_that_fetches_nothing(tmp_path: Path) -> None:
    picture = Picture(
        version="0.1.0",
        mode="paper",
        armed=True,
        phase="armed",
        accounts=(AccountPicture(id=1, name="50K-DEMO"),),
    )
    state, out = tmp_path / "state.json", tmp_path / "docs" / "screen.svg"
    state.write_bytes(msgspec.json.encode(picture))
    subprocess.run(
        [sys.executable, ROOT / "tools/picture.py", "--state", state, out],
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    svg = out.read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    assert "50K-DEMO" in svg
    assert "@font-face" not in svg
