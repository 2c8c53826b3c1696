"""Every screen of the dashboard in a real browser, over a real guard: what it shows is so."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.house import TRADED, House
from tests.browser.shown import agrees, gain, rows, rules, show, stats, usd
from tools.views.browser import PHONE, Browser

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("browser")]

ENDS = ("from", "to")
SCREENS = ("#/", f"#/account/{TRADED}", "#/history", "#/system")
LUMINANCE = """
const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
"""
CARD = "[data-key='account-{id}']"


def account_in(state: dict[str, Any], account_id: int) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in state["accounts"] if each["id"] == account_id)
    return found


def rule_in(state: dict[str, Any], rule_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        each for each in state["rules"] if (each["id"], each["account"]) == (rule_id, TRADED)
    )
    return found


def test_the_overview_shows_the_guard_and_every_account(page: Browser, house: House) -> None:
    assert page.text(".state-tile .state-text") == "Breaches are enforced on 5 accounts."
    assert page.run("return document.title;").endswith("risk_actors")
    assert page.text(".top .mode") == "LIVE"
    assert page.run("return document.querySelectorAll('.account-card').length;") == 5
    assert page.text("#foot").split("\n")[-1] == "Times in America/Chicago"
    page.wait("document.querySelector('#foot').innerText.includes('live')")


def test_the_figures_of_the_overview_are_those_of_the_api(page: Browser, house: House) -> None:
    def told(state: dict[str, Any]) -> list[Any]:
        every = state["accounts"]
        cards = [
            {
                "Day P&L": gain(each["day"]["equity"]),
                "Open": gain(each["day"]["unrealized"]),
                "Week": gain(each["week"]["realized"]),
                "Balance": usd(each["balance"]),
            }
            for each in every
        ]
        sums = {
            "Day P&L": gain(sum(each["day"]["equity"] for each in every)),
            "Closed": gain(sum(each["day"]["realized"] for each in every)),
            "Open": gain(sum(each["day"]["unrealized"] for each in every)),
            "Week": gain(sum(each["week"]["realized"] for each in every)),
            "Trades": str(sum(each["day"]["trades"] for each in every)),
        }
        return [sums, *cards]

    def seen() -> list[Any]:
        ids = [each["id"] for each in house.daemon.state()["accounts"]]
        return [stats(page, ".totals"), *(stats(page, CARD.format(id=each)) for each in ids)]

    agrees(page, told, seen)
    assert stats(page, CARD.format(id=TRADED))["Day P&L"] not in ("unknown", "$0.00")


def test_the_figures_of_an_account_are_those_of_the_api(page: Browser, house: House) -> None:
    show(page, f"#/account/{TRADED}", ".rules")

    def told(state: dict[str, Any]) -> list[Any]:
        account = account_in(state, TRADED)
        day = account["day"]
        figures = {
            "Day P&L": gain(day["equity"]),
            "Closed": gain(day["realized"]),
            "Open": gain(day["unrealized"]),
            "Fees": usd(day["fees"]),
            "Trades": str(day["trades"]),
            "Entries": str(day["entries"]),
        }
        held = [
            (
                each["size"],
                each["symbol"],
                f"{each['average_price']:,.2f}",
                gain(each["unrealized"]),
            )
            for each in account["positions"]
        ]
        ordered = [
            (each["side"].upper(), str(each["size"]), each["type"], f"{each['price']:,.2f}")
            for each in account["orders"]
        ]
        return [figures, gain(account["week"]["realized"]), usd(account["balance"]), held, ordered]

    def seen() -> list[Any]:
        held = [
            (
                int(row["Size"]) * (1 if row["Side"].endswith("LONG") else -1),
                row["Symbol"].removesuffix(" ! no stop"),
                row["Average"],
                row["Open P&L"],
            )
            for row in rows(page, "Positions")
        ]
        ordered = [
            (row["Side"].split()[-1], row["Size"], row["Type"], row["Price"])
            for row in rows(page, "Working orders")
        ]
        week = page.run("return document.querySelector('.week .amount').textContent;")
        balance = page.text(".card-today .card-head .dim").removeprefix("balance ")
        return [stats(page, ".card-today .card-money"), week, balance, held, ordered]

    agrees(page, told, seen)
    assert len(rows(page, "Positions")) == len(rows(page, "Working orders")) == 1


def test_limits_and_what_is_left_of_them_are_those_of_the_api(page: Browser, house: House) -> None:
    show(page, f"#/account/{TRADED}", ".rules")
    of_loss = ("daily-loss", "weekly-loss", "daily-target", "drawdown")

    def told(state: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for rule_id in of_loss:
            rule = rule_in(state, rule_id)
            found[rule_id] = {
                "verdict": f"\N{CHECK MARK} {rule['verdict']}",
                "figures": f"{usd(rule['value'])} of {usd(rule['limit'])}",
                "room": f"{usd(rule['distance'])} left",
            }
        size = rule_in(state, "max-contracts")
        found["max-contracts"] = {
            "verdict": f"\N{CHECK MARK} {size['verdict']}",
            "figures": f"{size['value']:g} of {size['limit']:g}",
            "room": f"{size['distance']:g} contracts left",
        }
        return found

    agrees(
        page,
        told,
        lambda: {name: each for name, each in rules(page).items() if name != "stop-required"},
    )
    assert rules(page)["max-contracts"]["figures"] == "3 of 5"
    assert page.text(".rules [data-key='stop-required'] .tag") == "shadow"


def test_history_shows_the_day_in_its_month(page: Browser, house: House) -> None:
    show(page, "#/history", ".calendar .cell-button")
    days = house.daemon.get("/api/history?days=1")[1]["days"]
    date = days[0]["date"]
    realized = sum(day["realized"] for day in days)

    cell = f".cell-button[data-date='{date}']"
    page.click(cell)

    assert page.run(f'return document.querySelector("{cell}").ariaPressed;') == "true"
    whole = gain(round(realized)).removesuffix(".00")
    assert page.text(f"{cell} .cell-sum").replace("\n", "") == whole
    (row,) = [row for row in rows(page, "Days") if row["Day"].endswith(date[:4])]
    assert row["Closed P&L"] == gain(realized)
    assert row["Trades"] == str(sum(day["trades"] for day in days))
    page.click("[aria-label='Month before']")
    assert page.run("return document.querySelector('.cell-button');") is None
    page.click("[aria-label='Month after']")
    assert page.text(f"{cell} .cell-sum").replace("\n", "") == whole


def test_the_topology_is_drawn_live(page: Browser, house: House) -> None:
    show(page, "#/system", "svg g[data-kind]")
    told = house.daemon.get("/api/topology")[1]
    at_work = {each[end] for each in told["edges"] if each["plane"] == "data" for end in ENDS}
    kinds = {each["kind"] for each in told["actors"] if each["id"] in at_work}
    page.click("[data-do='toggleSinks']")
    drawn = page.run(
        "return [...document.querySelectorAll('g[data-kind]')].map((g) => g.dataset.kind);"
    )

    assert {"position", "pnl", "rule", "lockout", "enforcer", "journal", "view"} <= kinds
    assert kinds <= set(drawn)
    page.wait("/\\d\\/s/.test(document.querySelector(\"g[data-kind='timer']\").textContent)")
    handled = (
        "[...document.querySelectorAll('.fact')].find((f) => /handled/.test(f.innerText)).innerText"
    )
    page.wait(f"/\\d+ a second/.test({handled})")


def test_dark_and_light_follow_the_system_until_one_is_chosen(page: Browser) -> None:
    dark = page.run(LUMINANCE)
    page.prefer("light")
    page.settle()
    light = page.run(LUMINANCE)
    assert dark < 0.2
    assert light > 0.8

    page.click("[data-do='theme']")
    assert page.run(LUMINANCE) == dark
    page.driver.refresh()
    page.wait("document.querySelector('.account-card') !== null")
    assert page.run(LUMINANCE) == dark, "the choice is kept"
    assert page.text("[data-do='theme']") == "Light"


@pytest.mark.parametrize("screen", SCREENS)
def test_on_a_phone_nothing_is_wider_than_the_window(page: Browser, screen: str) -> None:
    page.size(PHONE)
    show(page, screen)
    page.settle()

    assert page.run("return document.documentElement.scrollWidth;") == PHONE[0]
    state = ".top .badge-top" if screen in ("#/history", "#/system") else "main .state-word"
    for selector in (state, "[data-do='panic']"):
        box = page.run(
            "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON();",
            selector,
        )
        assert 0 <= box["left"] < box["right"] <= PHONE[0], selector
        assert 0 <= box["top"] < box["bottom"] <= PHONE[1], selector


def test_everything_is_reached_by_keys(page: Browser, house: House) -> None:
    places = {"1": f"#/account/{TRADED}", "h": "#/history", "s": "#/system", "o": "#/"}
    for key, place in places.items():
        page.press(key)
        page.wait("location.hash === arguments[0]", place)
    assert page.run("return document.querySelector('[aria-current]').textContent;") == "Overview"

    page.press("f")
    assert (
        page.run("return document.querySelector('[data-value=enforcement]').ariaPressed;") == "true"
    )
    page.press("f")
    dark = page.run(LUMINANCE)
    page.press("t")
    assert page.run(LUMINANCE) > dark
    page.press("?")
    assert page.run("return document.querySelector('#help-dialog').open;")
    page.press(Keys.ESCAPE)
    assert not page.run("return document.querySelector('#help-dialog').open;")


def test_the_focus_is_seen_and_its_first_stop_leads_to_the_figures(page: Browser) -> None:
    page.press(Keys.TAB)
    assert page.run("return document.activeElement.className;") == "skip"
    for _ in range(3):
        page.press(Keys.TAB)
        outline = "return getComputedStyle(document.activeElement).outlineStyle;"
        assert page.run(outline) == "solid"


def test_the_sound_is_off_until_it_is_asked_for(page: Browser) -> None:
    assert page.text("[data-do='sound']") == "Sound off"
    page.press("m")
    page.wait("document.querySelector(\"[data-do='sound']\").innerText === 'Sound on'")
    assert page.run("return document.querySelector(\"[data-do='sound']\").ariaPressed;") == "true"
    page.click("[data-do='sound']")
    assert page.text("[data-do='sound']") == "Sound off"
