"""On a line that carries little the page shows what is true, and how old it is."""

import itertools
from collections.abc import Iterator

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
OLD = "/as of .* old/s.test(document.querySelector('.band-lost')?.innerText ?? '')"


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

    def moves() -> bool:
        house.price(next(steps))
        return bool(page.run(f"return {OLD};"))

    eventually(moves, OLD_WITHIN_S, what="figures that came late are called old")
    band = page.text(".band-lost")
    assert "OLD FIGURES" in band
    assert "NO ANSWER" not in band
    assert "aborted" not in page.text("body")
    assert page.text(".state-tile .state-word").endswith("WAS ARMED")
    assert "OLD FIGURES" in page.run("return document.title;")
    page.press("P")
    assert "What this page shows is old" in page.text("#panic-dialog .warn-line")
    page.click("#panic-dialog [data-do='close']")

    line.bytes_a_second = FAST
    house.price(25_027.75)
    page.wait("document.querySelector('.band-lost') === null", what="it is present again")
