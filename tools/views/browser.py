"""A real browser without a window: Chromium from the system's packages, driven by Selenium.

Nothing is downloaded, and nothing of an earlier run is left in its profile. It keeps what the page
logs and what it asks for, so that a test can look at both.
"""

import base64
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

WIDE = (1440, 1000)
PHONE = (390, 844)

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_DRIVER = "chromedriver"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
)
_LOOK_EVERY_S = 0.02
_PATIENCE_S = 20.0
_TWO_FRAMES = "const done = arguments[0];requestAnimationFrame(() => requestAnimationFrame(done));"


class NoBrowserError(Exception):
    """There is no browser here; the text says what to install."""


class Message(msgspec.Struct, frozen=True):
    """What the browser logged of the page."""

    level: str
    source: str
    text: str


def find() -> tuple[str, str]:
    """Return where the browser and its driver are.

    Raises:
        NoBrowserError: one of them is missing.
    """
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which(_DRIVER)
    if browser is None or driver is None:
        missing = "chromium" if browser is None else _DRIVER
        raise NoBrowserError(
            f"there is no {missing} here; on Debian and Ubuntu:"
            " apt install chromium chromium-driver"
        )
    return browser, driver


class Browser:
    """One window; leaving the context ends it and removes its profile."""

    def __init__(self, flags: Sequence[str] = ()) -> None:
        """Start it.

        Raises:
            NoBrowserError: there is none.
        """
        binary, driver = find()
        # Selenium must not look for drivers elsewhere, nor tell anybody that it runs.
        os.environ.update(SE_OFFLINE="true", SE_AVOID_STATS="true")
        self._profile = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = binary
        size = ",".join(map(str, WIDE))
        own = (f"--window-size={size}", f"--user-data-dir={self._profile.name}")
        for flag in (*_FLAGS, *own, *flags):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(executable_path=driver))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()
        self._profile.cleanup()

    def open(self, address: str) -> None:
        """Go to an address, and return once the page and its scripts are loaded."""
        self.driver.get(address)

    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of a function in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def run_async(self, script: str, *arguments: object) -> Any:
        """Run a script in the page; return what it gives to its last argument."""
        return self.driver.execute_async_script(script, *arguments)

    def wait(self, script: str, *arguments: object, what: str = "") -> Any:
        """Wait until an expression is true in the page; return its value.

        Raises:
            AssertionError: it stays false.
        """
        return wait_for(
            lambda: self.run(f"return ({script});", *arguments), what=what or script[:200]
        )

    def settle(self) -> None:
        """Return once what was asked of the page so far is painted."""
        self.run_async(_TWO_FRAMES)

    def text(self, selector: str) -> str:
        """Return the text of the first element that a selector finds, empty without one."""
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? '';", selector)
        return str(found)

    def press(self, *keys: str) -> None:
        """Press keys, one after another, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()
        self.settle()

    def click(self, selector: str) -> None:
        """Click with the mouse, as a person would: what something else covers cannot be hit."""
        self.driver.find_element(By.CSS_SELECTOR, selector).click()
        self.settle()

    def size(self, size: tuple[int, int], *, scale: float = 1.0) -> None:
        """Set the size of the window; a narrow one is a phone's."""
        width, height = size
        of_phone = width <= PHONE[0]
        self._command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=of_phone,
        )

    def prefer(self, scheme: str) -> None:
        """Let the system prefer `dark` or `light`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._command("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as a PNG file."""
        shot = self._command("Page.captureScreenshot", format="png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def messages(self) -> list[Message]:
        """Return what was logged since it was last asked: scripts, refusals, failed requests."""
        return [
            Message(level=entry["level"], source=entry["source"], text=entry["message"])
            for entry in self._log("browser")
        ]

    def hosts(self) -> set[str]:
        """Return the hosts, with their ports, that were asked since it was last asked."""
        asked: set[str] = set()
        for entry in self._log("performance"):
            event = msgspec.json.decode(entry["message"])["message"]
            address = _address_of(event["method"], event["params"])
            if address and urlsplit(address).netloc:
                asked.add(urlsplit(address).netloc)
        return asked

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def _command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)


def _address_of(method: str, parameters: dict[str, Any]) -> str:
    if method == "Network.requestWillBeSent":
        return str(parameters["request"]["url"])
    if method == "Network.webSocketCreated":
        return str(parameters["url"])
    return ""


def wait_for[T](condition: Callable[[], T], within_s: float = _PATIENCE_S, what: str = "") -> T:
    """Wait until a condition is true; return its value.

    Raises:
        AssertionError: it stays false.
    """
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what or condition}")
        time.sleep(_LOOK_EVERY_S)
    return value
