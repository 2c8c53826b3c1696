"""How `check` lays out what the settings mean: the frame, each rule, then advice."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_advice import advise
from risk_actors.app.settings_advice_limits import STRICTER_WHEN_SMALLER, shown
from risk_actors.app.settings_advice_words import Advice, Situation, dollars, listed, time_span
from risk_actors.cli.prose import Page
from risk_actors.cli.tables import make_console
from risk_actors.core import cme_holidays
from risk_actors.core.rules import Mode, RuleSettings
from risk_actors.core.rules.base import OnUnknown
from risk_actors.core.rules.lock_settings import LockSettings, LockUntil
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.core.verdict import Existing

_WARNINGS_USD = {
    "limit_usd": "Warns at a loss of {}.",
    "target_usd": "Warns at a profit of {}.",
    "amount_usd": "Warns when {} of the {may_lose} that may be lost are used up.",
}
"""The keys whose fractions `warn_at` are, and how that is said."""
_DAILY = re.compile(r"(?P<minute>\d{1,2}) (?P<hour>\d{1,2}) \* \* (?P<weekday>\S+)")
_WEEKDAYS = {
    name[:3].upper(): name
    for name in ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
}


_UNLOCK = {
    UnlockPolicy.NEVER: "never: a lock ends by its own condition only",
    UnlockPolicy.DELAYED: "delayed: a lock can be ended {} after it was asked for",
    UnlockPolicy.ADMIN: "admin: a lock can be ended with the admin secret",
}


def print_meaning(
    situation: Situation,
    settings_dir: Path,
    of_the_data: Sequence[Advice] = (),
    waiting: Sequence[str] = (),
) -> None:
    """Print all that the settings mean.

    Args:
        situation: the settings, and where they are to work.
        settings_dir: where they were read.
        of_the_data: what is wise to know of the data directory.
        waiting: what of the settings does not hold yet, one sentence each.
    """
    advice = [*of_the_data, *advise(situation)]
    warnings = [each for each in advice if each.is_warning]
    page = Page(make_console())
    page.line((_headline(situation, settings_dir, len(warnings)), "bold"))
    page.blank()
    page.pairs(_frame(situation))
    page.section("Rules")
    for index, rule in enumerate(situation.settings.rules):
        if index:
            page.blank()
        _print_rule(page, situation, rule)
    if waiting:
        page.section("Not in force yet")
        for sentence in waiting:
            page.paragraph(f"{sentence}.", indent=1, mark="! ", style="yellow")
    _print_advice(page, "Warnings", warnings, "! ", "yellow")
    _print_advice(page, "Good to know", [each for each in advice if not each.is_warning], "- ")


def _headline(situation: Situation, settings_dir: Path, warnings: int) -> str:
    rules = len(situation.settings.rules)
    counted = f"{rules} rule{'' if rules == 1 else 's'}"
    warned = f"{warnings or 'no'} warning{'' if warnings == 1 else 's'}"
    return f"{settings_dir}: {counted}, no errors, {warned}"


def _frame(situation: Situation) -> list[tuple[str, str]]:
    """Return what holds for all rules, as labels and texts."""
    settings = situation.settings
    rows: list[tuple[str, str]] = []
    if settings.preset is not None:
        head = settings.preset.header
        rows.append(("Preset", f"{head.name}: {head.firm}, {head.title}"))
        rows.append(("Source", f"{head.source}, as of {head.as_of}"))
    is_armed = settings.is_armed(situation.mode)
    sends = "breaches are enforced" if is_armed else "decides and records, sends nothing"
    rows.append(("Mode", f"{situation.mode}, {'armed' if is_armed else 'NOT ARMED'}: {sends}"))
    session = settings.session
    rows.append(("Day", f"begins {_cron_words(session.daily_reset)}, {session.timezone}"))
    rows.append(("Week", f"begins {_cron_words(session.weekly_reset)}"))
    delay = time_span(session.unlock_delay_s)
    rows.append(("Unlock", _UNLOCK[session.unlock].format(delay)))
    own = len(settings.holidays)
    added = f", {own} {'entry' if own == 1 else 'entries'} of your own" if own else ""
    rows.append(("Holidays", f"CME's until {cme_holidays.LAST_YEAR}{added}"))
    if settings.news:
        ahead = sum(event.at_ns > situation.now_ns for event in settings.news)
        known = f" ({len(settings.news)} known)" if len(settings.news) > ahead else ""
        rows.append(("News", f"{ahead} event{'' if ahead == 1 else 's'} ahead{known}"))
    name = situation.account_name
    accounts = settings.gateway.accounts
    guarded = name or (listed(map(str, accounts)) if accounts else "all that can be seen")
    if situation.mode is TradingMode.LIVE or name or accounts:
        rows.append(("Accounts", guarded))
    return rows


def _cron_words(expression: str) -> str:
    """Return `every day at 17:00` for the usual cron expressions; others as they are."""
    usual = _DAILY.fullmatch(" ".join(expression.split()))
    weekday = usual["weekday"].upper() if usual else ""
    if usual is None or weekday not in ("*", *_WEEKDAYS):
        return f"by `{expression}`"
    return f"every {_WEEKDAYS.get(weekday, 'day')} at {int(usual['hour']):02}:{usual['minute']:>02}"


def _print_rule(page: Page, situation: Situation, rule: RuleSettings) -> None:
    page.entry(rule.id, f"{rule.mode}  {rule.type}{_origin(situation, rule)}", indent=1)
    summary = situation.rule_of(rule).summary()
    if rule.mode is Mode.OFF:
        page.paragraph(f"Off. Would say: {summary}", indent=2)
        return
    page.paragraph(summary, indent=2)
    for text in _terms(rule):
        page.paragraph(text, indent=2)


def _origin(situation: Situation, rule: Any) -> str:
    """Return whether a rule is the preset's, or stands in for it and for which limit."""
    preset = situation.settings.preset
    theirs: Any = {} if preset is None else {each.id: each for each in preset.rules}
    theirs = theirs.get(rule.id)
    if theirs is None:
        return ""
    # The very struct: a rule of the trader's own may say the same.
    if rule is theirs:
        return ", from the preset"
    key = STRICTER_WHEN_SMALLER.get(theirs.type) if theirs.type == rule.type else None
    limit = None if key is None else getattr(theirs, key)
    figure = "" if key is None or limit is None else f" ({key} {shown(key, limit)})"
    return f", in place of the preset's{figure}"


def _terms(rule: RuleSettings) -> list[str]:
    """Return what a rule's shared keys change, one sentence each; nothing for their defaults."""
    texts = []
    if rule.accounts != ("*",):
        texts.append(f"Accounts: {', '.join(rule.accounts)}.")
    if rule.warn_at:
        texts.append(_warnings(rule))
    if rule.lock is not None:
        texts += _lock_terms(rule.lock)
    if rule.on_unknown is OnUnknown.LOCK:
        texts.append("When it cannot be checked for 10 seconds: lock the account until it can.")
    return texts


def _warnings(rule: Any) -> str:
    """Return the warning fractions with what they mean: `Warns at a loss of $250.00 (50%).`."""
    percents = {fraction: f"{fraction * 100:g}%" for fraction in sorted(rule.warn_at)}
    for key, sentence in _WARNINGS_USD.items():
        limit_usd = getattr(rule, key, None)
        if limit_usd is not None:
            limit_usd -= getattr(rule, "keep_away_usd", 0)
            amounts = listed(
                # Amounts are compared at the cent, so none is less.
                f"{dollars(max(round(limit_usd * fraction, 2), 0.01))} ({percent})"
                for fraction, percent in percents.items()
            )
            return sentence.format(amounts, may_lose=dollars(limit_usd))
    return f"Warns at {listed(percents.values())} of the limit."


def _lock_terms(lock: LockSettings) -> list[str]:
    """Return what `lock` puts in the place of the rule's own lock."""
    texts = []
    if lock.for_s is not None:
        texts.append(f"Its `lock` is in force instead: for {time_span(lock.for_s)}.")
    elif lock.until is not None:
        reset = "daily" if lock.until is LockUntil.DAILY_RESET else "weekly"
        texts.append(f"Its `lock` is in force instead: until the {reset} reset.")
    if lock.existing is Existing.KEEP:
        texts.append("Positions already open stay with their exits and may only shrink.")
    elif lock.existing is Existing.FLATTEN:
        texts.append("By its `lock` positions already open are closed.")
    return texts


def _print_advice(page: Page, title: str, advice: list[Advice], mark: str, style: str = "") -> None:
    if not advice:
        return
    page.section(title)
    for each in advice:
        sentence = f"{each.text[:1].upper()}{each.text[1:]}."
        text = sentence if each.rule is None else f"{each.rule}: {each.text}."
        page.paragraph(text, indent=1, mark=mark, style=style)
