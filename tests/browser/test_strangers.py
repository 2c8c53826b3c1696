"""Pages of other sites in the trader's own browser: they read nothing, and press nothing."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import REBOUND
from tests.browser.house import House
from tools.views.browser import Browser

pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("browser"),
    pytest.mark.browser_logs("attacks"),
]

SOME_TICKS = 5
TOLD_NOTHING = {"refused", "nothing told", "nothing came"}
UNSEEN = {"panic with text", "panic with a beacon"}
"""The page is not told what became of these; the guard is asked instead."""

FROM_A_REBOUND_NAME = """
const done = arguments[arguments.length - 1];
const headers = { "Content-Type": "application/json" };
const sent = { method: "POST", headers, body: '{"account": null}' };
const status = (path, options) => fetch(path, options).then((answer) => answer.status);
Promise.all([
  status("/api/state"), status("/api/events"), status("/metrics"), status("/"),
  status("/api/panic", sent), status("/api/disarm", { ...sent, body: '{"reason": "x"}' }),
]).then(done);
"""
INLINE = """
const done = arguments[arguments.length - 1];
const refused = new Set();
addEventListener("securitypolicyviolation", (event) => refused.add(event.effectiveDirective));
window.ran = [];
const script = document.createElement("script");
script.textContent = "window.ran.push('inline script')";
const button = document.createElement("button");
button.setAttribute("onclick", "window.ran.push('attribute')");
const styled = document.createElement("p");
styled.setAttribute("style", "color: rgb(1, 2, 3)");
const frame = document.createElement("iframe");
frame.src = "data:text/html,<p>x</p>";
document.body.append(script, button, styled, frame);
button.click();
try { setTimeout("window.ran.push('text as code')", 0); } catch { /* refused */ }
const elsewhere = "http://" + arguments[0] + "/x";
new Image().src = elsewhere;
fetch(elsewhere).catch(() => {}).then(() => setTimeout(() => {
  const color = getComputedStyle(styled).color;
  for (const each of [script, button, styled, frame]) each.remove();
  done([window.ran, color, [...refused].sort()]);
}, 200));
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """Serve the page that attacks; return its port."""
    files = partial(_Quiet, directory=str(Path(__file__).parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), files)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def standing(house: House) -> tuple[object, ...]:
    """Return what an attack would change: locks, the arming, and commands to the broker."""
    state = house.daemon.state()
    locks = [lock["id"] for account in state["accounts"] for lock in account["locks"]]
    return state["armed"], sorted(locks), house.commands()


@pytest.mark.parametrize("name", ["127.0.0.1", REBOUND])
@pytest.mark.browser_asks
def test_a_page_elsewhere_reads_nothing_and_presses_nothing(
    page: Browser, house: House, elsewhere: int, name: str
) -> None:
    before = standing(house)

    page.open(f"http://{name}:{elsewhere}/elsewhere.html?target={house.address}")
    page.wait("window.outcomes", what="everything was tried")
    outcomes = page.run("return window.outcomes;")

    assert len(outcomes) == 12
    assert {what for what in outcomes if outcomes[what] == "unseen"} <= UNSEEN
    assert {outcomes[what] for what in outcomes if what not in UNSEEN} <= TOLD_NOTHING
    house.daemon.let_ticks_pass(SOME_TICKS)
    assert standing(house) == before


@pytest.mark.browser_asks
def test_a_name_that_was_made_to_mean_this_machine_is_refused(page: Browser, house: House) -> None:
    before = standing(house)

    page.open(f"http://{REBOUND}:{house.port}/")
    assert "Host header is not this machine's" in page.text("body")
    statuses = page.run_async(FROM_A_REBOUND_NAME)

    assert set(statuses) == {403}
    house.daemon.let_ticks_pass(SOME_TICKS)
    assert standing(house) == before


@pytest.mark.browser_asks
def test_the_page_runs_nothing_inline_and_asks_nobody_else(page: Browser, house: House) -> None:
    ran, color, refused = page.run_async(INLINE, f"{REBOUND}:{house.port}")

    assert ran == []
    assert color != "rgb(1, 2, 3)"
    assert refused == [
        "connect-src",
        "frame-src",
        "img-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src-attr",
    ]
    assert {host for host in page.hosts() if REBOUND in host} <= {f"{REBOUND}:{house.port}"}
