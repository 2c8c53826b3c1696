"""On a line that carries little the page shows what is true, and how old it is."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from daemon_process import eventually

from tests.browser.house import TRADED, House
from tests.browser.slow_line import FAST, SlowLine
from tools.views.browser import Browser

pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("browser"),
    pytest.mark.browser_logs("unreachable"),
    pytest.mark.browser_asks,
]

SLOW = 300.0
"""Less than what changes takes, packed as it is; a whole state takes many seconds."""
OLD_WITHIN_S = 60.0
"""What the system's own buffers hold comes first."""
HELD = "#panic-dialog [data-do='close']"
OLD = "/as of .* old/s.test(document.querySelector('.band-lost')?.innerText ?? '')"
SHOWN = """{
    band: document.querySelector('.band-lost').innerText,
    body: document.body.innerText,
    state: document.querySelector('.state-tile .state-word').innerText,
    title: document.title,
}"""
"""At once: a moment later what came late may have been caught up with."""
WARNS_OF_OLD = """
    /What this page shows is old/.test(
        document.querySelector('#panic-dialog .warn-line')?.innerText ?? ''
    )
"""


@pytest.fixture
def line(house: House) -> Iterator[SlowLine]:
    with SlowLine(house.port) as line:
        yield line


def test_old_figures_say_so_and_are_told_anew_while_the_line_is_slow(
    page: Browser, house: House, line: SlowLine
) -> None:
    assert house.account(TRADED)["positions"], "its worth changes with each price"
    page.open(line.address)
    page.wait("document.querySelector('#foot').innerText.includes('live')")

    line.bytes_a_second = SLOW
    steps = itertools.cycle((25_027.75, 25_028.25))

    def moves(expression: str) -> Any:
        """Move the price, so that the line stays behind, and look."""
        house.price(next(steps))
        return page.run(f"return {expression.strip()};")

    shown = eventually(
        lambda: moves(f"{OLD} ? {SHOWN} : null"),
        OLD_WITHIN_S,
        what="figures that came late are called old",
    )
    assert "OLD FIGURES" in shown["band"]
    assert "NO ANSWER" not in shown["band"]
    assert "aborted" not in shown["body"]
    assert shown["state"].endswith("WAS ARMED")
    assert "OLD FIGURES" in shown["title"]
    page.press("P")
    eventually(lambda: moves(WARNS_OF_OLD), OLD_WITHIN_S, what="a panic is warned of old figures")
    page.run(f"window.held = document.querySelector({HELD!r}); window.held.focus();")

    line.bytes_a_second = FAST
    house.price(25_027.75)
    page.wait("document.querySelector('.band-lost') === null", what="it is present again")
    page.wait("document.querySelector('#panic-dialog .warn-line') === null")
    assert page.run(f"return window.held === document.querySelector({HELD!r});"), (
        "a button under the pointer stays the same one, or a press on it would be lost"
    )
    assert page.run("return document.activeElement === window.held;")
    page.click(HELD)
    page.wait("!document.querySelector('#panic-dialog').open")
