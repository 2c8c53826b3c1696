"""What a trader sees in the second that counts: a breach, a lock, and panic."""

import re
import time

import pytest
from daemon_process import eventually
from selenium.webdriver.common.keys import Keys

from risk_actors.simulator import Side
from tests.browser.house import BREACHED, BREACHED_NEXT, PANICKED, House
from tests.browser.shown import STATE, show
from tools.views.browser import Browser

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("browser")]

SHOWN_WITHIN_S = 1.0
NOTE_WHEN_LOCKED = """
const card = document.querySelector(arguments[0]);
window.lockedAt = null;
const look = () => {
  const isShown = card.innerText.includes("LOCKED") && card.querySelector(".countdown");
  if (isShown && window.lockedAt === null) window.lockedAt = Date.now() / 1000;
};
new MutationObserver(look).observe(card, { childList: true, subtree: true, characterData: true });
"""
UNTIL = re.compile(r"(?:\d+d )?\d+:\d\d:\d\d")


def seconds_until_shown(page: Browser, house: House, account: int, symbol: str) -> float:
    """Break the day's loss; return when the page showed the lock, by the page's own clock."""
    card = f"[data-key='account-{account}']"
    page.run(NOTE_WHEN_LOCKED, card)
    moved_at = time.time()
    house.price(6_770, symbol)
    page.wait("window.lockedAt !== null", what="the lock is shown")
    shown_at: float = page.run("return window.lockedAt;")
    return shown_at - moved_at


def test_a_breach_is_shown_within_a_second_with_reason_and_countdown(
    page: Browser, house: House
) -> None:
    house.price(6_800, "MES")
    house.price(6_800, "ES")
    house.hold(BREACHED, 5, "MES")
    house.hold(BREACHED_NEXT, 1, "ES")
    page.wait(
        "document.querySelector(arguments[0]).innerText.includes('LONG 5 MES')",
        f"[data-key='account-{BREACHED}']",
    )

    took_s = seconds_until_shown(page, house, BREACHED, "MES")
    if took_s > SHOWN_WITHIN_S:
        # A machine that was busy with something else gets one more chance.
        took_s = seconds_until_shown(page, house, BREACHED_NEXT, "ES")

    assert took_s <= SHOWN_WITHIN_S
    card = f"[data-key='account-{BREACHED}']"
    assert UNTIL.fullmatch(page.text(f"{card} .countdown"))
    assert page.text(f"{card} .lock-reason").startswith("daily-loss Day P&L")
    assert "until" in page.text(f"{card} .lock-count")
    assert "LOCKED" in page.text("#top")
    assert "LOCKED" in page.run("return document.title;")
    assert page.run("return document.querySelector('#icon').href;").endswith("/locked.svg")
    eventually(lambda: house.is_flat(BREACHED), what="flat at the broker")

    show(page, f"#/account/{BREACHED}", ".hero-lock")
    first = page.text(".hero-lock .countdown")
    page.wait("document.querySelector('.hero-lock .countdown').innerText !== arguments[0]", first)
    reason = house.account(BREACHED)["locks"][0]["reason"]
    assert page.text(".lock-why") == reason
    page.click(".lock .why, .lock [data-do='why']")
    page.wait("document.querySelectorAll('.chain .step').length > 2", what="the causes are shown")
    steps = page.run("return [...document.querySelectorAll('.step b')].map((b) => b.innerText);")
    assert {"breach", "lock", "command"} <= set(steps)


def locked(page: Browser) -> set[int]:
    """Return the accounts with a lock."""
    return {each["id"] for each in page.run_async(STATE)["accounts"] if each["locks"]}


def test_panic_asks_once_then_flattens_and_locks(page: Browser, house: House) -> None:
    house.price(25_000, "NQ")
    house.hold(PANICKED, 1, "NQ")
    house.order(PANICKED, Side.SELL, 1, "NQ", stop=24_990)
    show(page, f"#/account/{PANICKED}", ".rules")
    before, locked_before = house.commands(), locked(page)

    page.press("P")
    assert page.run("return document.querySelector('#panic-dialog').open;")
    assert house.name(PANICKED) in page.text("#panic-dialog p b")
    page.press(Keys.ESCAPE)
    assert not page.run("return document.querySelector('#panic-dialog').open;")
    assert not house.account(PANICKED)["locks"]
    assert house.commands() == before, "asking does nothing yet"

    page.click("[data-do='panic']")
    assert page.run("return document.activeElement.id;") == "panic-confirm"
    page.press(Keys.ENTER)

    page.wait("document.querySelector('#panic-dialog .answer-good') !== null", what="accepted")
    eventually(lambda: house.is_flat(PANICKED), what="flat at the broker")
    page.wait("document.querySelector('main .state-word').innerText.includes('LOCKED')")
    assert locked(page) - locked_before == {PANICKED}, "nobody else was locked by it"
    page.press(Keys.ESCAPE)
    assert UNTIL.fullmatch(page.text(".hero-lock .countdown"))


def test_nothing_on_the_page_can_loosen(page: Browser, house: House) -> None:
    for screen in ("#/", f"#/account/{PANICKED}", "#/history", "#/system"):
        show(page, screen)
        does = set(
            page.run(
                "return [...document.querySelectorAll('[data-do]')].map((each) => each.dataset.do);"
            )
        )
        assert not does & {"unlock", "disarm", "arm", "waive"}
        assert page.run("return document.querySelector('form, input');") is None
