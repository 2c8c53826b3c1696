"""One browser, one broker and one daemon for all tests of this directory.

Each test ends with a look at what the browser logged and whom it asked: no error, and nobody but
the daemon. What the window showed last is kept in test_reports/screenshots.
"""

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from risk_actors.simulator import SimulatorSettings, SimulatorThread, paper_accounts
from risk_actors.simulator.checker import check
from tests.browser.house import House
from tools.views.browser import WIDE, Browser, Message, NoBrowserError, find

SCREENSHOTS = Path(__file__).parents[2] / "test_reports" / "screenshots"
REBOUND = "rebound.example"
"""A name of another site, which that site has made to mean this machine."""


def _is_unanswered(message: Message) -> bool:
    return message.source == "network"


def _is_refused(message: Message) -> bool:
    """Tell whether it is what a browser says of what another site may not do."""
    words = ("Content Security Policy", "Cross-Origin-Opener-Policy")
    return message.source in ("network", "security", "javascript") or any(
        word in message.text for word in words
    )


EXPECTED = {"unreachable": _is_unanswered, "attacks": _is_refused}
"""What a test may make the browser log, by the word in its marker `browser_logs`."""


@pytest.fixture(scope="session")
def window() -> Iterator[Browser]:
    """The browser; without one the test is skipped, unless RISK_ACTORS_BROWSER=required."""
    try:
        find()
    except NoBrowserError as error:
        if os.environ.get("RISK_ACTORS_BROWSER") == "required":
            raise
        pytest.skip(str(error))
    with Browser([f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]) as browser:
        yield browser


@pytest.fixture(scope="session")
def house(window: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The daemon, armed, on five accounts; the broker's checker looks at I1 and I2 at the end."""
    settings = SimulatorSettings(
        auto_prices=False, contract_date=date(2026, 11, 21), accounts=paper_accounts(5)
    )
    with SimulatorThread(settings) as sim:
        house = House(tmp_path_factory.mktemp("house"), sim)
        with house.daemon:
            house.trade_a_little()
            yield house
        assert check(sim.journal(), sim.requests(), sim.events()) == []


@pytest.fixture
def page(request: pytest.FixtureRequest, window: Browser, house: House) -> Iterator[Browser]:
    """The dashboard, freshly opened on a wide and dark screen; looked at again at the end."""
    window.open("about:blank")
    window.size(WIDE)
    window.prefer("dark")
    window.open(house.address)
    window.run("localStorage.clear();")
    window.wait("document.querySelector('.account-card') !== null", what="the figures are shown")
    window.messages()
    window.hosts()
    yield window
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
    window.screenshot(SCREENSHOTS / f"{name}.png")
    marks = {mark.name: mark.args for mark in request.node.iter_markers()}
    may = [EXPECTED[kind] for kind in marks.get("browser_logs", ())]
    assert [each for each in window.messages() if not any(is_so(each) for is_so in may)] == []
    if "browser_asks" not in marks:
        assert window.hosts() <= {f"127.0.0.1:{house.port}"}
