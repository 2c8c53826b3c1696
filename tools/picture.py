"""Draw the terminal screen of a running daemon (or of a saved state) as an SVG file.

python tools/picture.py [--data DIR | --state FILE] [--width N] [--height N] [OUT]
"""

import argparse
import io
import re
from datetime import datetime
from pathlib import Path

import msgspec
from rich.console import Console

from risk_actors.actors.picture import Picture
from risk_actors.cli import words
from risk_actors.cli.client import DaemonClient
from risk_actors.cli.screen import Size, render

_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Write the file and say where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/screen.svg"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--state", type=Path, help="a saved body of GET /api/state")
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--height", type=int, default=28)
    asked = parser.parse_args()
    if asked.state is not None:
        picture = msgspec.json.decode(asked.state.read_bytes(), type=Picture)
    else:
        picture = DaemonClient.find(asked.data).picture()
    svg = draw(picture, words.now_in(picture), Size(asked.width, asked.height))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(svg, encoding="utf-8")
    print(f"wrote {asked.out}")


def draw(picture: Picture, now: datetime, size: Size) -> str:
    """Return the screen as SVG, with no font fetched from anywhere."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=size.width,
        height=size.height,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(render(picture, now, size, "http://127.0.0.1:8787"))
    return _FONT_FACE.sub("", console.export_svg(title="risk-actors run"))


if __name__ == "__main__":
    main()
