"""What the page shows, read from it, and how it must write what the API told.

The amounts are written here once more, by other means than the page's own: that is what makes
them a check.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tools.views.browser import Browser, wait_for

MINUS = "\N{MINUS SIGN}"

STATE = """
const done = arguments[arguments.length - 1];
fetch("/api/state", { cache: "no-store" }).then((answer) => answer.json()).then(done);
"""
STATS = """
const box = document.querySelector(arguments[0]);
return Object.fromEntries([...box.querySelectorAll(".stat")].map((stat) =>
  [stat.querySelector(".stat-name").textContent, stat.querySelector(".stat-value").textContent]));
"""
ROWS = """
const card = [...document.querySelectorAll(".card")].find(
  (each) => each.querySelector("h2")?.textContent === arguments[0]);
return [...card.querySelectorAll("tbody tr")].map((row) => Object.fromEntries(
  [...row.cells].map((cell) => [cell.dataset.name, cell.textContent])));
"""
RULES = """
return Object.fromEntries([...document.querySelectorAll(".rules .rule")].map((rule) => {
  const told = (part) => rule.querySelector(part)?.textContent.trim() ?? "";
  return [told(".rule-name b"), {
    verdict: told(".verdict"), figures: told(".rule-figures"), room: told(".rule-room")}];
}));
"""


def usd(amount: float | None, *, signed: bool = False) -> str:
    """Write dollars and cents as the page does."""
    if amount is None:
        return "unknown"
    cents = Decimal(str(amount)).quantize(Decimal("0.01"))
    if cents == 0:
        return "$0.00"
    sign = MINUS if cents < 0 else "+" if signed else ""
    return f"{sign}${abs(cents):,}"


def gain(amount: float | None) -> str:
    """Write an amount won or lost."""
    return usd(amount, signed=True)


def stats(page: Browser, selector: str) -> dict[str, str]:
    """Return the named figures below an element."""
    found: dict[str, str] = page.run(STATS, selector)
    return found


def rows(page: Browser, card: str) -> list[dict[str, str]]:
    """Return the rows of a card's table, by the names of the columns."""
    found: list[dict[str, str]] = page.run(ROWS, card)
    return found


def rules(page: Browser) -> dict[str, dict[str, str]]:
    """Return the rules of the account on show, by id."""
    found: dict[str, dict[str, str]] = page.run(RULES)
    return found


def agrees(page: Browser, told: Callable[[dict[str, Any]], Any], seen: Callable[[], Any]) -> None:
    """Check that the page shows what `GET /api/state` tells, at one instant.

    A state that changes while the page is read tells nothing: it is read again.
    """
    last: list[Any] = []

    def same() -> bool:
        before = told(page.run_async(STATE))
        shown = seen()
        if told(page.run_async(STATE)) != before:
            return False
        last[:] = [shown, before]
        return bool(shown == before)

    try:
        wait_for(same, 5.0)
    except AssertionError:
        shown, before = last
        assert shown == before


def show(page: Browser, screen: str, ready: str = "main .card") -> None:
    """Go to a screen by its address, such as `#/history`."""
    page.run("location.hash = arguments[0];", screen)
    page.wait("document.querySelector(arguments[0]) !== null", ready)
    page.settle()
