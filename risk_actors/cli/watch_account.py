"""The page of one account: locks, money, rules, what is open, and what is still safe."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from rich.text import Text

from risk_actors.actors.picture import AccountPicture, RulePicture
from risk_actors.cli import words
from risk_actors.cli.headroom import headroom_lines
from risk_actors.cli.screen_lines import bar, fitted
from risk_actors.cli.watch_lines import assembled, dimmed, flowed, folded, heading
from risk_actors.cli.watch_locks import lock_lines
from risk_actors.cli.watch_scene import Scene
from risk_actors.cli.watch_state import account_state, main_locks
from risk_actors.core.rules.measure import Unit

_LEAST_BAR = 3
"""With less room than that beside its figures, a rule takes two lines."""
_NARROW_BAR = 8
_MOST_BAR = 40
_USED_WIDTH = 5
_ROW_GAPS = 5
_NEARLY_USED = 0.75


def account_page(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    """Return all that is known of one account."""
    lines = [
        *_title(scene, account, width),
        *_enforcement(scene, account, width),
        *_money(account, width),
        *to_limits(scene, account, width),
        *_other_locks(scene, account, width),
        heading("open", width),
        *_holdings(scene, account, width),
        heading("rules", width),
        *rule_lines(scene, account, width),
        heading("room", width),
        *_headroom(scene, account, width),
    ]
    return dimmed(lines) if scene.is_old else lines


def _money(account: AccountPicture, width: int) -> list[Text]:
    """Return day and week, without the colours of now while the account is not seen."""
    lines = money_lines(account, width)
    return lines if account.seen_at is None else dimmed(lines)


def money_lines(account: AccountPicture, width: int) -> list[Text]:
    """Return day and week."""
    day = account.day
    units = [
        _amount("Day P&L ", day.equity, "bold"),
        _amount("closed ", day.realized),
        _amount("open ", day.unrealized),
        _amount("Week closed ", account.week.realized),
        assembled(("balance ", "dim"), words.usd(account.balance)),
        assembled(("fees ", "dim"), words.usd(day.fees)),
        Text(f"{day.trades} trade" if day.trades == 1 else f"{day.trades} trades"),
    ]
    lines = flowed(units, width)
    if words.is_balance_strange(account):
        lines += folded(Text(f"! {words.balance_check(account)}", "yellow"), width, 2)
    return lines


def to_limits(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    """Return how many dollars each limit on money is away, the nearest first."""
    rules = [
        rule
        for rule in words.rules_of(scene.picture, account)
        if rule.unit == Unit.USD and rule.distance is not None
    ]
    rules.sort(key=lambda rule: rule.distance or 0.0)
    then = "" if account.seen_at is None else "were "
    units = [
        Text(f"{rule.id} broken", "bold red")
        if rule.verdict == "breach"
        else assembled((words.usd(rule.distance), "bold"), f" {then}left to {rule.id}")
        for rule in rules
    ]
    return flowed(units, width)


def rule_lines(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    """Return verdict, value, limit, bar and room of each rule, and its reason where it has one."""
    is_seen = account.seen_at is None
    rows = [_row(rule, is_seen=is_seen) for rule in words.rules_of(scene.picture, account)]
    if not rows:
        return [Text("no rule guards this account", "bold yellow")]
    widths = [
        max(cell.cell_len for cell in column)
        for column in zip(*(row.cells for row in rows), strict=True)
    ]
    bar_width = min(width - sum(widths) - _USED_WIDTH - _ROW_GAPS, _MOST_BAR)
    lines = []
    for row in rows:
        is_wide = bar_width >= _LEAST_BAR
        lines += [_wide(row, widths, bar_width)] if is_wide else _narrow(row, width)
        style = words.verdict_style(row.rule, is_seen=is_seen)
        for sentence, told_style in _told(scene, row.rule, style):
            lines += folded(Text(f"  {sentence}", told_style), width, 2)
    return lines


class _Row(NamedTuple):
    """What is said of a rule beside its bar."""

    rule: RulePicture
    verdict: Text
    name: Text
    figures: Text
    left: Text

    @property
    def cells(self) -> tuple[Text, ...]:
        return self[1:]


def _row(rule: RulePicture, *, is_seen: bool) -> _Row:
    name = Text(rule.id, "bold")
    if rule.mode != "enforce":
        name.append(f" ({rule.mode})")
    verdict = words.verdict(rule, is_seen=is_seen)
    return _Row(
        rule=rule,
        verdict=Text(verdict, words.verdict_style(rule, is_seen=is_seen)),
        name=name,
        figures=_figures(rule),
        left=_left(rule, is_seen=is_seen),
    )


def _wide(row: _Row, widths: Sequence[int], bar_width: int) -> Text:
    verdict, name, figures, left = widths
    right = row.figures.copy()
    right.align("right", figures)
    return assembled(
        fitted(row.verdict, verdict),
        " ",
        fitted(row.name, name),
        "  ",
        right,
        " ",
        fitted(_used(row.rule, bar_width), bar_width + _USED_WIDTH),
        " ",
        fitted(row.left, left),
    )


def _narrow(row: _Row, width: int) -> list[Text]:
    """Return a line with the name, and one with the figures where there are any."""
    below = [cell for cell in (_used(row.rule, _NARROW_BAR), row.figures, row.left) if cell.plain]
    lines = flowed([row.verdict, row.name], width)
    return [*lines, *(Text.assemble("  ", line) for line in flowed(below, width - 2, 0))]


def _told(scene: Scene, rule: RulePicture, style: str) -> Iterator[tuple[str, str]]:
    """Yield the sentences that belong below a rule."""
    if rule.reason and (rule.verdict != "ok" or rule.limit is None):
        yield rule.reason, style if rule.verdict != "ok" else "dim"
    broken = words.broken(rule, scene.as_of)
    if broken:
        yield broken, style
    waived = words.waived(rule, scene.as_of)
    if waived:
        yield f"! {waived}", "bold yellow"


def _figures(rule: RulePicture) -> Text:
    if rule.limit is None:
        return Text("")
    return Text(f"{words.figure(rule, rule.value)} / {words.figure(rule, rule.limit)}")


def _used(rule: RulePicture, width: int) -> Text:
    if rule.used is None:
        return Text("")
    style = words.VERDICT_STYLES.get(rule.verdict, "")
    if rule.verdict == "ok":
        style = "yellow" if rule.used >= _NEARLY_USED else "green"
    drawn = f"{bar(rule.used, width)} " if width > 1 else ""
    return Text(f"{drawn}{words.share(rule.used):>4}", style)


def _left(rule: RulePicture, *, is_seen: bool) -> Text:
    room = words.room(rule)
    if rule.distance is None or rule.limit is None:
        return Text("")
    if rule.verdict == "breach":
        return Text(room)
    return Text(f"{room} left" if is_seen else f"had {room} left")


def _title(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    state = account_state(scene, account)
    name = Text(account.name, "bold")
    lines = flowed([name, Text(f" {state.sign} {state.word} ", state.style)], width)
    seen = words.last_seen(account, scene.as_of)
    if seen:
        lines += folded(Text(f"▲ All of this {seen}", "bold yellow"), width, 2)
    return lines


def _enforcement(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    under_way = account.enforcement
    if under_way is None:
        return []
    then = "was enforcing" if scene.is_old else "ENFORCING"
    told = f"{under_way.phase}: {under_way.detail}{words.next_try(under_way, scene.as_of)}"
    is_held_up = under_way.phase in ("stuck", "braked")
    style = "bold red" if is_held_up else "bold magenta"
    return folded(assembled((f"▶ {then} ", style), f"{under_way.cause}  {told}"), width, 2)


def _other_locks(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    """Return the locks beside the one that the header has."""
    above = [lock for _, lock in main_locks(scene.picture)]
    others = [lock for lock in account.locks if lock not in above]
    return [line for lock in others for line in lock_lines(scene, lock, width)]


def _holdings(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    then = "" if account.seen_at is None else "was "
    lines = []
    for held in account.positions:
        units = [
            assembled(("◆ ", "cyan"), (then + words.position(held), "bold")),
            _amount("", held.unrealized),
            Text(f"for {age_since(held.opened_at, scene.as_of)}"),
        ]
        lines += flowed(units, width)
    if account.balance is None and account.can_trade is None:
        return [Text("? not read yet: what is open is unknown", "bold magenta")]
    if not account.positions:
        lines.append(Text(f"◇ {then}flat", "dim"))
    for working in account.orders:
        lines += folded(assembled(("○ ", "cyan"), f"{then}{words.order(working)}"), width, 2)
    if not account.orders:
        lines.append(Text(f"◇ {'had ' if then else ''}no working order", "dim"))
    return lines


def age_since(text: str, now: datetime) -> str:
    """Return how long ago an instant was, as a clock shows it."""
    at = words.instant(text, now)
    return (
        words.UNKNOWN if at is None else words.duration(max((now - at) / timedelta(seconds=1), 0))
    )


def _headroom(scene: Scene, account: AccountPicture, width: int) -> list[Text]:
    return _all_folded(headroom_lines(account, scene.as_of), width) or [Text("unknown", "dim")]


def _all_folded(sentences: Iterable[str], width: int) -> list[Text]:
    return [line for told in sentences for line in folded(Text(told), width, 2)]


def _amount(label: str, amount_usd: float | None, style: str = "dim") -> Text:
    return assembled(
        (label, style), (words.usd(amount_usd, signed=True), words.amount_style(amount_usd))
    )
