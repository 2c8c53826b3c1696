"""Many windows and many reloads: a browser opens six connections to a host, streams take them."""

import pytest

from tests.browser.house import TRADED, House
from tests.browser.shown import STATE, show
from tools.views.browser import Browser

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("browser")]

READY = "document.querySelector('.account-card') !== null"
MORE_THAN_CONNECTIONS = 7


def test_however_many_windows_are_open_each_shows_and_each_can_ask(page: Browser) -> None:
    first = page.driver.current_window_handle
    address = page.driver.current_url
    try:
        for _ in range(MORE_THAN_CONNECTIONS - 1):
            page.driver.switch_to.new_window("window")
            page.open(address)
            page.wait(READY, what="the figures are shown")
        assert page.run_async(STATE)["phase"] == "armed"
        page.wait("document.querySelector('#alarms').innerText.includes('live in other windows')")
    finally:
        for handle in page.driver.window_handles:
            if handle != first:
                page.driver.switch_to.window(handle)
                page.driver.close()
        page.driver.switch_to.window(first)
    page.wait("document.querySelector('#foot').innerText.includes('live')")


def test_going_back_and_forth_never_runs_out_of_connections(page: Browser, house: House) -> None:
    for _ in range(MORE_THAN_CONNECTIONS):
        page.open("about:blank")
        page.open(house.address)
        page.wait(READY, what="the figures are shown")
    page.driver.back()
    page.driver.back()
    page.wait(READY, what="the figures are shown again")
    show(page, f"#/account/{TRADED}", ".rules")
    page.wait("document.querySelector('#foot').innerText.includes('live')")
