"""While the broker cannot be reached: said once, sums marked as old, and what panic cannot do."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from risk_actors.simulator.faults_rest import RefuseConnections
from tests.browser.house import LEFT_ALONE, House
from tests.browser.shown import show
from tools.views.browser import Browser

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("browser")]

CARD = f"[data-key='account-{LEFT_ALONE}']"
COUNT = "return document.body.innerText.split(arguments[0]).length - 1;"


@pytest.fixture
def blind(page: Browser, house: House) -> Iterator[Browser]:
    """The page, while the guard sees nothing."""
    house.sim.inject(RefuseConnections(for_s=600.0))
    house.sim.cut_hubs()
    page.wait("document.querySelector('.state-tile').innerText.includes('CANNOT ACT')")
    yield page
    house.sim.clear_faults()
    page.wait("document.querySelector('.state-tile').innerText.includes('ARMED')")


def test_when_nothing_can_be_closed_it_is_said_once_and_first(blind: Browser, house: House) -> None:
    assert blind.run("return document.title;").startswith("\N{CIRCLED DIVISION SLASH} CANNOT ACT")
    assert blind.run(COUNT, "can be seen or closed now") == 1
    assert blind.run(COUNT, "ince ") <= 1, "since when, once"

    assert "As last seen at" in blind.text(".totals .seen-note")
    assert "As last seen at" in blind.text(f"{CARD} .seen-note")
    assert "NOT SEEN" in blind.text(f"{CARD} .badge")
    faded = "return Number(getComputedStyle(document.querySelector('.totals .stat')).opacity);"
    assert blind.run(faded) < 1

    show(blind, f"#/account/{LEFT_ALONE}", ".rules")
    blind.press("P")
    assert "NOTHING can be closed now: use your platform" in blind.text("#panic-dialog .warn-line")
    blind.press(Keys.ENTER)
    blind.wait("document.querySelector('#panic-dialog .answer') !== null", what="answered")
    assert blind.run("return document.querySelector('#panic-dialog .answer-good');") is None
    assert "use your platform" in blind.text("#panic-dialog .answer-warn")
    blind.press(Keys.ESCAPE)
    blind.wait("document.querySelector('main .state-word').innerText.includes('LOCKED')")
    assert "NOT SEEN" in blind.text("main .state-word")
    assert "CANNOT ACT, LOCKED" in blind.run("return document.title;")
    show(blind, "#/", ".account-card")
