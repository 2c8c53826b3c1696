"""The accounts: in full while there is room, one line each when there is not."""

import textwrap
from datetime import datetime

from rich.text import Text

from risk_actors.actors.picture import (
    AccountPicture,
    EnforcementPicture,
    LockPicture,
    Picture,
    RulePicture,
)
from risk_actors.cli import words
from risk_actors.cli.headroom import headroom_lines
from risk_actors.cli.screen_lines import bar, fitted, spread

_STATE_STYLES = {
    "OPEN": "bold green",
    "LOCKED": "bold white on red",
    "PARTLY LOCKED": "bold white on red",
    "WOULD BE LOCKED": "bold black on yellow",
    "ENFORCING": "bold white on magenta",
    "BARRED BY BROKER": "bold red",
    "UNKNOWN": "bold magenta",
    "NOT SEEN": "bold black on yellow",
    "LOCKED, NOT SEEN": "bold white on red",
}
_URGENCY = {"breach": 0, "unknown": 1, "warning": 2, "ok": 3}
_MAX_NAME_WIDTH = 28
_FIGURES_WIDTH = 24
_STATE_WIDTH = 11
_OLD_STATE_WIDTH = 14
"""Of verdicts of then: `· was warning`."""
_USED_WIDTH = 5
_NEARLY_USED = 0.75
_BORDER_LINES = 2
_REASON_LINES = 2
_HELD_UP_LINES = 6


def account_panels(picture: Picture, now: datetime, width: int, height: int) -> list[Text]:
    """Return the accounts in at most `height` lines."""
    if not picture.accounts:
        return [fitted(Text(" No account yet: waiting for the broker", "dim"), width)]
    bodies = [_full(picture, account, now, width - 4) for account in picture.accounts]
    spare = height - sum(len(body) + _BORDER_LINES for body in bodies)
    if spare < 0 and len(bodies) == 1:
        bodies = [_urgent_first(picture, picture.accounts[0], now, width - 4, height)]
        spare = 0
    if spare < 0:
        return _compact(picture, now, width, height)
    lines: list[Text] = []
    for account, body in zip(picture.accounts, bodies, strict=True):
        lines += _boxed(picture, account, body, width)
    return lines[:height]


def _boxed(picture: Picture, account: AccountPicture, body: list[Text], width: int) -> list[Text]:
    """Put a frame around the lines, with the account's name and state in it."""
    state = words.account_state(account, armed=picture.armed)
    style = "dim" if state in ("OPEN", "UNKNOWN") else "red" if picture.armed else "yellow"
    title = Text.assemble(
        ("╭─ ", style), (account.name, "bold"), " ", (f" {state} ", _STATE_STYLES[state]), " "
    )
    balance = Text.assemble((" balance ", "dim"), words.usd(account.balance), (" ─╮", style))
    room = max(width - balance.cell_len, 1)
    top = Text.assemble(title, ("─" * max(room - title.cell_len, 0), style))
    edge = ("│", style)
    middle = [Text.assemble(edge, " ", fitted(line, width - 4), " ", edge) for line in body]
    bottom = Text("╰" + "─" * (width - 2) + "╯", style)
    return [Text.assemble(fitted(top, room), balance), *middle, bottom]


def _full(picture: Picture, account: AccountPicture, now: datetime, width: int) -> list[Text]:
    rules = words.rules_of(picture, account)
    return [
        *_last_seen(account, now),
        *_locks(picture, account, now, width),
        _money(account, width),
        *_strange_balance(account),
        *_rule_lines(rules, now, width, armed=picture.armed, is_seen=account.seen_at is None),
        *_holdings(account, now),
        *(Text(line, "dim") for line in headroom_lines(account, now)),
    ]


def _last_seen(account: AccountPicture, now: datetime) -> list[Text]:
    """Return the line that says that all below it is of then; none while it is watched."""
    seen = words.last_seen(account, now)
    return [Text(f"▲ All of this {seen}", "bold yellow")] if seen else []


def _urgent_first(
    picture: Picture, account: AccountPicture, now: datetime, width: int, height: int
) -> list[Text]:
    """Return what fits: locks and money, the rules nearest to breaking, then what is held."""
    room = max(height - _BORDER_LINES, 1)
    is_seen = account.seen_at is None
    head = [
        *_last_seen(account, now),
        *_locks(picture, account, now, width),
        _money(account, width),
        *_strange_balance(account),
    ]
    rules = words.rules_of(picture, account)
    holdings = _holdings(account, now)
    for_rules = max(room - len(head) - min(len(holdings), 2), 1)
    if len(rules) > for_rules:
        kept = sorted(rules, key=_urgency)[: max(for_rules - 1, 0)]
        more = Text(f"… and {len(rules) - len(kept)} more rules: risk-actors rules", "dim")
        shown = [rule for rule in rules if rule in kept]
        lines = [*_rule_lines(shown, now, width, armed=picture.armed, is_seen=is_seen), more]
    else:
        lines = _rule_lines(rules, now, width, armed=picture.armed, is_seen=is_seen)
    return [*head, *lines, *holdings][:room]


def _urgency(rule: RulePicture) -> tuple[int, float]:
    return _URGENCY.get(rule.verdict, 0), -(rule.used or 0.0)


def _money(account: AccountPicture, width: int) -> Text:
    day = account.day
    left = Text("Day P&L ", "bold")
    left.append(words.usd(day.equity, signed=True), f"bold {words.amount_style(day.equity)}")
    parts = (("closed", day.realized), ("open", day.unrealized))
    for name, amount_usd in parts:
        left.append(f"  {name} ", "dim")
        left.append(words.usd(amount_usd, signed=True), words.amount_style(amount_usd))
    left.append("  fees ", "dim")
    left.append(words.usd(day.fees))
    noun = "trade" if day.trades == 1 else "trades"
    return spread(left, Text(f"{day.trades} {noun}"), width)


def _strange_balance(account: AccountPicture) -> list[Text]:
    """Return a line where the balance is not what the fills make of it; it takes no room else."""
    if not words.is_balance_strange(account):
        return []
    return [Text(f"! {words.balance_check(account)}", "yellow")]


def _locks(picture: Picture, account: AccountPicture, now: datetime, width: int) -> list[Text]:
    lines = [
        line for lock in account.locks for line in _lock(lock, now, width, armed=picture.armed)
    ]
    if account.enforcement is not None:
        lines += _enforcement(account.enforcement, now, width)
    return lines


def _enforcement(under_way: EnforcementPicture, now: datetime, width: int) -> list[Text]:
    """Return what is under way; what holds it up may take several lines, for it must be read."""
    is_held_up = under_way.phase in ("stuck", "braked")
    head = Text.assemble(
        ("▶ ENFORCING ", "bold red" if is_held_up else "bold magenta"), (under_way.cause, "bold")
    )
    told = f"{under_way.phase}: {under_way.detail}{words.next_try(under_way, now)}"
    if len(head) + 2 + len(told) <= width or not is_held_up:
        return [head.append(f"  {told}")]
    return [head, *_reason(told, width, _HELD_UP_LINES)]


def _lock(lock: LockPicture, now: datetime, width: int, *, armed: bool) -> list[Text]:
    if not armed:
        return [
            Text.assemble(
                (f"□ {words.lock_scope(lock)} would be locked ", "bold yellow"),
                f"{words.lock_end(lock, now)}  by {lock.rule}",
            ),
            *_reason(f"{words.NOT_ENFORCED}. {lock.reason}", width),
        ]
    lines = [
        Text.assemble(
            (f"■ LOCKED {words.lock_scope(lock)} ", "bold red"),
            (words.lock_end(lock, now), "bold"),
            (f"  by {lock.rule}", ""),
        ),
        *_reason(lock.reason, width),
    ]
    if lock.unlock is not None:
        lines.append(Text(f"  {words.unlock_wait(lock.unlock, now)}", "yellow"))
    return lines


def _reason(reason: str, width: int, most_lines: int = _REASON_LINES) -> list[Text]:
    chunks = textwrap.wrap(
        reason,
        max(width - 2, 8),
        max_lines=most_lines,
        placeholder=" …",
        break_on_hyphens=False,
    )
    return [Text(f"  {chunk}") for chunk in chunks]


def _rule_lines(
    rules: list[RulePicture], now: datetime, width: int, *, armed: bool, is_seen: bool
) -> list[Text]:
    suffixes = [_mode_beside(rule, armed=armed) for rule in rules]
    widths = [len(rule.id + suffix) for rule, suffix in zip(rules, suffixes, strict=True)]
    name_width = min(max(widths, default=0), _MAX_NAME_WIDTH)
    state_width = _STATE_WIDTH if is_seen else _OLD_STATE_WIDTH
    fixed = name_width + state_width + _FIGURES_WIDTH + _USED_WIDTH + 3
    bar_width = max(width - fixed, 4)
    return [
        _rule_line(rule, _name(rule, suffix, name_width), now, bar_width, is_seen=is_seen)
        for rule, suffix in zip(rules, suffixes, strict=True)
    ]


def _rule_line(
    rule: RulePicture, name: Text, now: datetime, bar_width: int, *, is_seen: bool
) -> Text:
    style = words.verdict_style(rule, is_seen=is_seen)
    state_width = _STATE_WIDTH if is_seen else _OLD_STATE_WIDTH
    used = rule.used
    line = Text(no_wrap=True)
    line.append(f"{words.verdict(rule, is_seen=is_seen):<{state_width}}", style)
    line.append_text(name)
    broken = words.broken(rule, now)
    if broken:
        line.append(f" {broken}", style)
    elif rule.limit is None or (rule.value is None and rule.verdict == "ok"):
        line.append(f" {rule.reason or _without_limit(rule)}", "dim")
    else:
        bar_style = _bar_style(rule, used) if is_seen else "dim"
        line.append(" " + ("?" * bar_width if used is None else bar(used, bar_width)), bar_style)
        figures = f"{words.figure(rule, rule.value)} of {words.figure(rule, rule.limit)}"
        line.append(f" {figures:>{_FIGURES_WIDTH}}")
        line.append(f"{'' if used is None else words.share(used):>{_USED_WIDTH}}", bar_style)
    return line


def _name(rule: RulePicture, suffix: str, width: int) -> Text:
    """Return a rule's name in this width; what is cut is the name, never that it only watches."""
    rule_id = Text(rule.id)
    rule_id.truncate(width - len(suffix), overflow="ellipsis")
    return fitted(Text.assemble(rule_id, suffix, style="bold"), width)


def _mode_beside(rule: RulePicture, *, armed: bool) -> str:
    """Return the mode of a rule that differs from the others; all only watch while not armed."""
    return f" ({rule.mode})" if armed and rule.mode != "enforce" else ""


def _without_limit(rule: RulePicture) -> str:
    return "nothing to measure now" if rule.verdict == "ok" else ""


def _bar_style(rule: RulePicture, used: float | None) -> str:
    if rule.verdict != "ok":
        return words.VERDICT_STYLES.get(rule.verdict, "")
    return "yellow" if used is not None and used >= _NEARLY_USED else "green"


def _holdings(account: AccountPicture, now: datetime) -> list[Text]:
    lines: list[Text] = []
    then = "" if account.seen_at is None else "was "
    for held in account.positions:
        line = Text.assemble(("◆ ", "cyan"), (then + words.position(held), "bold"), "  ")
        line.append(words.usd(held.unrealized, signed=True), words.amount_style(held.unrealized))
        line.append(f"  since {words.clock(held.opened_at, now)}", "dim")
        lines.append(line)
    if not account.positions:
        lines.append(Text(f"◇ {then}flat", "dim"))
    if account.orders:
        orders = "  ·  ".join(words.order(working) for working in account.orders)
        lines.append(Text.assemble((f"○ {then}working: ", "cyan"), orders))
    return lines


def _compact(picture: Picture, now: datetime, width: int, height: int) -> list[Text]:
    """One line per account, and one for the accounts that have no room."""
    shown = list(picture.accounts)
    if len(shown) > height:
        # What is locked or being enforced is looked for first.
        shown.sort(key=lambda a: words.account_state(a, armed=picture.armed) == "OPEN")
        shown = shown[: max(height - 1, 0)]
    lines = [_compact_line(picture, account, now, width) for account in shown]
    hidden = len(picture.accounts) - len(shown)
    if hidden:
        lines.append(fitted(Text(f" … and {hidden} more: risk-actors status", "dim"), width))
    return lines


def _compact_line(picture: Picture, account: AccountPicture, now: datetime, width: int) -> Text:
    state = words.account_state(account, armed=picture.armed)
    left = Text.assemble(" ", (account.name, "bold"), " ", (f" {state} ", _STATE_STYLES[state]))
    if account.locks:
        left.append(f" {words.lock_end(account.locks[0], now)}")
    else:
        nearest = min(words.rules_of(picture, account), key=_urgency, default=None)
        used = None if nearest is None else nearest.used
        if nearest is not None and used is not None:
            left.append(
                f" {bar(used, 8)} {words.share(used)} {nearest.id}", _bar_style(nearest, used)
            )
    contracts = sum(abs(held.size) for held in account.positions)
    then = "" if account.seen_at is None else "was "
    right = Text(f"{then}{contracts} open " if contracts else f"{then}flat ", "dim")
    right.append(words.usd(account.day.equity, signed=True), words.amount_style(account.day.equity))
    return spread(left, Text.assemble(right, " "), width)
