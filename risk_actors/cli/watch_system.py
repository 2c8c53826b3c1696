"""The page of the machine: connection, what is wrong in full, every lock, schedules and alerts."""

from rich.text import Text

from risk_actors.actors.picture import AlertChannelPicture
from risk_actors.cli import words
from risk_actors.cli.watch_header import UNDATED, note_lines
from risk_actors.cli.watch_lines import dimmed, flowed, folded, heading
from risk_actors.cli.watch_locks import lock_lines
from risk_actors.cli.watch_scene import Scene
from risk_actors.core.instruments import symbol_of

_SKEW_THAT_COUNTS_S = 1.0
"""What is less is not worth a word."""


def system_page(scene: Scene, width: int) -> list[Text]:
    """Return how the guard and the ways to it fare."""
    lines = [
        heading("connection", width),
        *_broker(scene, width),
        *_daemon(scene, width),
        *_notes(scene, width),
        *_locks(scene, width),
        *_schedules(scene, width),
        *_alerts(scene, width),
        *_prices(scene, width),
    ]
    return dimmed(lines) if scene.is_old else lines


def _broker(scene: Scene, width: int) -> list[Text]:
    ways, then = scene.picture.connection, "was " if scene.is_old else ""
    links = (("user hub", ways.user_hub), ("market hub", ways.market_hub), ("REST", ways.rest))
    units = [
        Text(f"{name} {then}{'✓ up' if is_up else '✗ DOWN'}", "green" if is_up else "bold red")
        for name, is_up in links
    ]
    if ways.second_line is not None:
        units.append(Text(f"second line {then}{'✓ up' if ways.second_line else '! down'}"))
    if ways.fallback:
        units.append(Text(f"fallback {ways.fallback}", "yellow"))
    if ways.since:
        units.append(Text(f"since {words.clock(ways.since, scene.as_of)}"))
    return flowed(units, width)


def _daemon(scene: Scene, width: int) -> list[Text]:
    sight = scene.sight
    where = f"guard at {sight.address}: " if sight.address else "guard: "
    units = [Text(where + sight.way.value), Text(f"risk_actors {scene.picture.version}", "dim")]
    if scene.is_old:
        units.append(Text(f"last heard {scene.as_of:%H:%M:%S %Z}"))
    if not sight.is_dated:
        units.append(Text(UNDATED, "yellow"))
    if abs(sight.skew_s) >= _SKEW_THAT_COUNTS_S:
        units.append(Text(f"its clock is {sight.skew_s:+.0f} s from this machine's", "yellow"))
    lines = flowed(units, width)
    return [*lines, *(folded(Text(sight.fault, "yellow"), width, 2) if sight.fault else [])]


def _notes(scene: Scene, width: int) -> list[Text]:
    lines = note_lines(scene, width)
    return [heading("what is not as it should be", width), *lines] if lines else []


def _locks(scene: Scene, width: int) -> list[Text]:
    lines = [heading("locks", width)]
    for account in scene.picture.accounts:
        for lock in account.locks:
            lines += lock_lines(scene, lock, width, account.name)
    if len(lines) == 1:
        lines.append(Text("No account is locked.", "dim"))
    return [*lines, *folded(Text(words.unlock_policy(scene.picture), "dim"), width, 2)]


def _schedules(scene: Scene, width: int) -> list[Text]:
    units = [
        Text(f"{each.name.replace('_', ' ')} {words.clock(each.next, scene.as_of)}")
        for each in scene.picture.schedules
    ]
    return [heading("next", width), *flowed(units, width)] if units else []


def _alerts(scene: Scene, width: int) -> list[Text]:
    lines = [
        line for channel in scene.picture.alerts for line in flowed(_channel(scene, channel), width)
    ]
    return [heading("alerts", width), *lines] if lines else []


def _channel(scene: Scene, channel: AlertChannelPicture) -> list[Text]:
    sign, style = ("✗ failing", "bold red") if channel.is_failing else ("✓", "green")
    units = [Text(f"{channel.name} {sign}", style), Text(f"{channel.sent} sent")]
    if channel.failed:
        units.append(Text(f"{channel.failed} failed", "yellow"))
    if channel.waiting:
        units.append(Text(f"{channel.waiting} waiting"))
    if channel.dropped:
        units.append(Text(f"{channel.dropped} lost", "bold red"))
    if channel.is_failing and channel.last_failure:
        units.append(Text(channel.last_failure, "yellow"))
    if channel.last_sent:
        units.append(Text(f"last {words.clock(channel.last_sent, scene.as_of)}", "dim"))
    return units


def _prices(scene: Scene, width: int) -> list[Text]:
    prices = scene.picture.prices
    units = [Text(f"{count} {why}") for why, count in prices.dropped.items() if count]
    lines = flowed([Text("dropped:"), *units], width) if units else []
    if prices.waiting:
        waiting = ", ".join(symbol_of(contract_id) for contract_id in prices.waiting)
        told = Text(f"Surprising price, waiting for a second witness: {waiting}", "yellow")
        lines += folded(told, width, 2)
    return [heading("prices", width), *lines] if lines else []
