"""Reads a scenario file and says what is wrong with it, in the words of the file."""

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from risk_actors.core.instruments import CATALOGUE
from risk_actors.simulator.faults import KINDS, decoded, kind_of, needs_sockets
from risk_actors.simulator.scenario import RISK_FILE, OrderTicket, Scenario, Step
from risk_actors.simulator.scenario_expect import Expectation
from risk_actors.simulator.scenario_script import Script, compile_script
from risk_actors.simulator.scenario_time import When

_UNKNOWN_KEY = re.compile(r"unknown field `(\w+)`")
_OF_FAULT = re.compile(r"fault (\w+): ")
_SYMBOLS = frozenset(listing.symbol for listing in CATALOGUE)
_DEFAULT_SESSION = {
    "timezone": "America/Chicago",
    "daily_reset": "0 17 * * *",
    "weekly_reset": "0 17 * * SUN",
}


class ScenarioError(Exception):
    """A scenario cannot be played; the message lists why."""


def load_scenario(path: Path) -> Script:
    """Read a scenario file, ready to be played.

    Raises:
        ScenarioError: it cannot be read, or something in it makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_scenario(text, str(path))


def parse_scenario(text: str, name: str = "scenario") -> Script:
    """Return the script of a scenario's text; `name` stands before each error.

    Raises:
        ScenarioError: something in it makes no sense.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{name}: not valid TOML: {error}") from error
    try:
        scenario = msgspec.convert(raw, Scenario, dec_hook=_decoded)
    except (msgspec.ValidationError, ValueError) as error:
        raise ScenarioError(f"{name}: {_readable(str(error))}") from error
    try:
        session = _DEFAULT_SESSION | _session_of(scenario)
        zone = ZoneInfo(session["timezone"])
    except (tomllib.TOMLDecodeError, ZoneInfoNotFoundError, ValueError, TypeError) as error:
        raise ScenarioError(f"{name}: settings: {RISK_FILE}: {error}") from error
    faults = list(_faults(scenario))
    if faults:
        raise ScenarioError("\n".join(f"{name}: {fault}" for fault in faults))
    try:
        return compile_script(scenario, zone, session["daily_reset"], session["weekly_reset"])
    except ValueError as error:
        raise ScenarioError(f"{name}: {error}") from error


def _decoded(kind: type, given: Any) -> Any:
    if kind is When:
        return When(given)
    return decoded(kind, given)


def _readable(message: str) -> str:
    """Return a decoding error with the place first, steps counted from 1, and a suggestion."""
    message, _, place = message.partition(" - at `$")
    place = place.strip("`").lstrip(".")
    place = re.sub(r"s?\[(\d+)\]", lambda found: f" {int(found[1]) + 1}", place)
    unknown = _UNKNOWN_KEY.search(message)
    of_fault = _OF_FAULT.match(message)
    if unknown:
        kind: type[Any] = Scenario
        if of_fault:
            kind = KINDS[of_fault[1]]
        elif "expect" in place:
            kind = Expectation
        elif place.startswith("step "):
            kind = OrderTicket if place.endswith(("buy", "sell")) else Step
        near = get_close_matches(unknown[1], kind.__struct_fields__, n=1)
        message = f"unknown key `{unknown[1]}`" + (f"; did you mean `{near[0]}`?" if near else "")
        message = f"{of_fault[0] if of_fault else ''}{message}"
    return f"{place.replace('.', ', ')}: {message}" if place else message


def _session_of(scenario: Scenario) -> dict[str, str]:
    if RISK_FILE not in scenario.settings:
        raise ValueError(f'is missing; write "{RISK_FILE}" = """..."""')
    session = tomllib.loads(scenario.settings[RISK_FILE]).get("session", {})
    if not isinstance(session, dict):
        raise TypeError("session: expected a table")
    return session


def _faults(scenario: Scenario) -> Iterator[str]:
    """Yield what the types cannot say."""
    for symbol in scenario.broker.prices:
        if symbol not in _SYMBOLS:
            yield f"broker, prices: no such symbol: {symbol}"
    names = [account.name for account in scenario.broker.accounts]
    if len(set(names)) < len(names):
        yield "broker, accounts: two accounts have the same name"
    if not any(step.expect for step in scenario.steps):
        yield "nothing is expected, so this scenario cannot fail"
    if not scenario.steps[-1].expect:
        yield "the last step expects nothing: end with the final state"
    if not (scenario.virtual or scenario.sockets):
        yield "`virtual = false` leaves only `sockets = true` to play it"
    orders: set[str] = set()
    for number, step in enumerate(scenario.steps, start=1):
        for fault in _step_faults(scenario, step, names, orders):
            yield f"step {number}: {fault}"


def _step_faults(
    scenario: Scenario, step: Step, accounts: list[str], orders: set[str]
) -> Iterator[str]:
    if scenario.sockets and step.at is not None and step.at.is_wall_clock:
        yield "a scenario that runs over sockets counts seconds; it cannot wait for the wall clock"
    for name in (step.account, *(e.account for e in step.expect)):
        if name is not None and name not in accounts:
            yield f"no account is called `{name}`; known are {', '.join(accounts)}"
    yield from _name_faults(step, orders)
    if scenario.virtual:
        for fault in filter(needs_sockets, step.all_faults):
            yield f"`{kind_of(fault)}` needs sockets: write `sockets = true` and `virtual = false`"
    for symbol in _symbols_in(step):
        if symbol not in scenario.broker.prices:
            yield f"{symbol} has no first price in broker, prices"


def _name_faults(step: Step, orders: set[str]) -> Iterator[str]:
    """Yield what is wrong with names of orders; the new ones join `orders`."""
    for ticket in (step.buy, step.sell):
        if ticket is None or ticket.name is None:
            continue
        if ticket.name in orders:
            yield f"an order is called `{ticket.name}` already"
        orders |= {ticket.name, f"{ticket.name}.stop", f"{ticket.name}.target"}
    for name in _orders_in(step):
        if name not in orders:
            yield f"no order before it is called `{name}`"


def _symbols_in(step: Step) -> Iterator[str]:
    yield from step.price
    yield from step.halt
    for part in (step.glide, step.bad_tick, step.buy, step.sell, step.close):
        if part is not None:
            yield part.symbol
    for expected in step.expect:
        if expected.close is not None:
            yield expected.close
        if expected.scope != "account":
            yield expected.scope
        yield from expected.positions or {}


def _orders_in(step: Step) -> Iterator[str]:
    if step.cancel is not None:
        yield step.cancel
    if step.modify is not None:
        yield step.modify.order
    for expected in step.expect:
        yield from (name for name in (expected.cancel, expected.move) if name is not None)
        yield from expected.orders or ()
