"""When the guard does not answer, the page says so and nothing on it passes for present."""

from typing import Any

import pytest

from tests.browser.house import TRADED, House
from tests.browser.shown import agrees, gain, show, stats
from tools.views.browser import Browser

pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("browser"),
    pytest.mark.browser_logs("unreachable"),
]

CARD = f"[data-key='account-{TRADED}']"


def test_old_figures_are_marked_as_old_until_the_guard_is_back(page: Browser, house: House) -> None:
    figures = stats(page, CARD)

    house.daemon.kill()
    try:
        page.wait("document.querySelector('.band-lost') !== null", what="it is said")
        assert "NO ANSWER FROM THE GUARD" in page.text(".band-lost")
        page.wait("/as of .* old/s.test(document.querySelector('.band-lost').innerText)")
        assert page.text(".state-tile .state-word").endswith("WAS ARMED")
        assert page.text(f"{CARD} .badge").endswith(("WAS OPEN", "WAS LOCKED"))
        assert stats(page, CARD) == figures, "the last ones known are kept"
        faded = "return Number(getComputedStyle(document.querySelector('main')).opacity);"
        assert page.run(faded) < 1
        assert "NO ANSWER" in page.run("return document.title;")
        assert page.run("return document.querySelector('.countdown');") is None
        page.press("P")
        assert "does not answer" in page.text("#panic-dialog .warn-line")
        page.click("#panic-dialog [data-do='close']")
        show(page, "#/history", "main")
        show(page, "#/", ".account-card")
    finally:
        house.daemon.start()

    page.wait("document.querySelector('.band-lost') === null", what="it is back by itself")
    page.wait("document.querySelector('#foot').innerText.includes('live')")
    page.wait("document.querySelector('.state-tile').innerText.includes('ARMED')")
    assert page.run(faded) == 1

    page.wait("document.querySelector('#alarms').innerText.includes('Another run of the guard')")
    page.click("[data-do='seenRestart']")
    assert "Another run" not in page.text("#alarms")

    def told(state: dict[str, Any]) -> list[str]:
        (account,) = [a for a in state["accounts"] if a["id"] == TRADED]
        return [gain(account["day"]["equity"]), gain(account["week"]["realized"])]

    agrees(page, told, lambda: [stats(page, CARD)[name] for name in ("Day P&L", "Week")])
