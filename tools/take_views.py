"""Take a picture of each view of the dashboard: `make views`.

    python tools/take_views.py [OUT]

Paper trading runs as `make run` starts it, until its trader has broken the day's loss and has run
against the lock. What a browser without a window then shows is written to docs/view-*.png. Chromium
and its driver come from the system's packages.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple, cast

from PIL import Image
from views.browser import PHONE, WIDE, Browser, NoBrowserError
from views.stage import TRADED, Stage

ROOT = Path(__file__).resolve().parents[1]
_COLORS, _EXACT = 256, 176
"""Of a picture, and how many of its commonest colours are kept to the bit."""
PHONE_SCALE = 1.5
_IS_MEASURED = """
/\\d\\/s/.test(document.querySelector("[data-kind=timer] .node-rate")?.textContent ?? "0/s")
"""
_SCROLL_TO = """
const card = document.querySelector(arguments[0]).closest(".card");
window.scrollTo(0, card.offsetTop - document.querySelector("#top").offsetHeight - 12);
"""


class View(NamedTuple):
    """One picture to take."""

    name: str
    screen: str
    ready: str
    """What must be on the page first."""
    scheme: str = "dark"
    size: tuple[int, int] = WIDE
    scale: float = 1.0
    from_top: str = ""
    """What the picture begins with, where that is not the top of the page."""


VIEWS = (
    View("overview", "#/", ".account-card .countdown"),
    View("account", f"#/account/{TRADED}", ".curve canvas"),
    View("history", "#/history", ".cell-button"),
    View("topology", "#/system", "svg .node-rate", size=(1440, 640), from_top=".graph"),
    View("phone", f"#/account/{TRADED}", ".hero-lock .countdown", size=PHONE, scale=PHONE_SCALE),
    View("light", "#/", ".account-card .countdown", scheme="light"),
)


def main(arguments: list[str]) -> int:
    """Return the exit code: 1 without a browser."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "docs")
    out: Path = parser.parse_args(arguments).out
    with tempfile.TemporaryDirectory(prefix="views-") as directory:
        try:
            stage = Stage(Path(directory))
            with Browser() as browser, stage.guard():
                browser.size(WIDE)
                browser.open(stage.address)
                print("the simulated trader is at work; this takes a minute or two", flush=True)
                stage.play()
                for view in VIEWS:
                    path = out / f"view-{view.name}.png"
                    take(browser, view, path)
                    make_small(path)
                    print(f"wrote {path}: {path.stat().st_size // 1024} kB")
        except NoBrowserError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def take(browser: Browser, view: View, path: Path) -> None:
    """Show a view and write it."""
    browser.prefer(view.scheme)
    browser.size(view.size, scale=view.scale)
    browser.run("location.hash = arguments[0];", view.screen)
    browser.wait("document.querySelector(arguments[0]) !== null", view.ready)
    browser.wait(_IS_MEASURED, what="the rates are known")
    browser.run("window.scrollTo(0, 0); document.activeElement.blur();")
    if view.from_top:
        browser.run(_SCROLL_TO, view.from_top)
    browser.settle()
    browser.screenshot(path)


def make_small(path: Path) -> None:
    """Write a PNG again with a palette: the flat tones as they are, the rest mixed from few."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    found = cast("list[tuple[int, tuple[int, ...]]]", image.getcolors(image.width * image.height))
    commonest = sorted(found, key=lambda each: each[0], reverse=True)[:_EXACT]
    others = image.quantize(_COLORS - _EXACT, method=Image.Quantize.MAXCOVERAGE)
    palette = Image.new("P", (1, 1))
    tones = [*(part for _, color in commonest for part in color), *(others.getpalette() or [])]
    palette.putpalette(tones[: 3 * _COLORS])
    image.quantize(palette=palette).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
