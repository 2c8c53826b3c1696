"""Rule 010: too many entries in a short time lock the account."""

from decimal import Decimal
from typing import Annotated, NamedTuple

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import HIGHER, LOWER, Effect, as_one, higher
from risk_actors.core.evidence import Evidence
from risk_actors.core.rules.base import (
    PositiveInt,
    PositiveSeconds,
    Rule,
    RuleContext,
    RuleSettings,
)
from risk_actors.core.rules.habits import HABITS_READ, Hold, unknown_habits, until_words
from risk_actors.core.rules.limits import reached_fraction
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.seconds import shown_seconds, span_ns
from risk_actors.core.trade_history import Entry
from risk_actors.core.verdict import Breached, Flatten, Ok, Verdict, Warned

_BURST = as_one(max_entries=LOWER, window_s=HIGHER)


class RapidFireSettings(RuleSettings, frozen=True, kw_only=True, tag="rapid_fire"):
    """Settings of rule 010."""

    max_entries: Annotated[PositiveInt, _BURST]
    """The most entries (orders that open or add to a position) that may be made in any window;
    one more breaks the rule."""
    window_s: Annotated[PositiveSeconds, _BURST]
    """The length of the window, which ends with each entry; an entry made exactly this long before
    is no longer in it."""
    lock_s: Annotated[PositiveSeconds | None, higher(none=Effect.UNCLEAR)] = None
    """How long the account is locked, from the entry that was too many; without it until the daily
    reset."""


class _Burst(NamedTuple):
    """An entry that was too many."""

    entry: Entry
    entries: int
    """The entries of the window that it ended, itself included."""
    until_ns: int


class RapidFire(Rule[RapidFireSettings, None]):
    """Partial fills of one order are one entry, timed by the broker; exits are none.

    Entries made before a lock go on counting while they are in a window, so after a short lock the
    next entry may break the rule again.
    """

    number = 10
    Settings = RapidFireSettings
    facts = frozenset({AccountState})
    reads = HABITS_READ
    breaks_when = "more than `max_entries` entries are made within `window_s`"
    response = "lock account for `lock_s`, else until daily reset"
    measure = Measure(Unit.ENTRIES, MovedBy.ENTRY)

    def __init__(self, settings: RapidFireSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._window_ns = span_ns(settings.window_s)
        self._limit = Decimal(settings.max_entries)

    def initial_state(self) -> None:
        """The rule looks at the fills alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return (
            f"At most {self.settings.max_entries} entries within {self._window_words} s; one more"
            f" flattens and locks the account {until_words(self.settings.lock_s)}."
        )

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when an entry leaves the window, or what was broken is over."""
        hold = self._hold(now_ns)
        looks = [entry.at_ns + self._window_ns for entry in self._since(fact, now_ns)[-1:]]
        burst = self._latest_burst(fact, hold)
        if burst is not None:
            looks.append(burst.until_ns)
        return min([*looks, hold.day.end_ns])

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Look for the latest entry that was one too many."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        unknown = unknown_habits(account, self._limit)
        if unknown is not None:
            return unknown
        hold = self._hold(now_ns)
        burst = self._latest_burst(account, hold)
        if burst is not None:
            return self._breach(burst, hold)
        count = Decimal(len(self._since(account, now_ns)))
        fraction = reached_fraction(count, self._limit, self.settings.warn_at)
        if fraction is None:
            return Ok(value=count, limit=self._limit)
        return Warned(
            value=count,
            limit=self._limit,
            fraction=fraction,
            evidence=Evidence(
                template="{count} entries within {window} s, {limit} are allowed",
                figures={"count": count, "window": self._window_words, "limit": self._limit},
            ),
        )

    @property
    def _window_words(self) -> str:
        return str(shown_seconds(self.settings.window_s))

    def _hold(self, now_ns: int) -> Hold:
        return Hold(self.settings.lock_s, self.context.calendar.day(now_ns), now_ns)

    def _since(self, account: AccountState, at_ns: int) -> list[Entry]:
        """Return the entries of the window that ends at an instant and all later ones."""
        begin_ns = at_ns - self._window_ns
        since: list[Entry] = []
        for entry in reversed(account.history.entries):
            if entry.under_lock:
                continue
            if entry.at_ns <= begin_ns:
                break
            since.append(entry)
        return since

    def _latest_burst(self, account: AccountState, hold: Hold) -> _Burst | None:
        """Return the latest entry that was too many, unless what it broke is over."""
        entries = self._since(account, hold.since_ns)
        since_ns = hold.since_ns
        # The last ones have too few before them to be too many.
        firsts = entries[self.settings.max_entries :]
        for newest, (entry, first) in enumerate(zip(entries, firsts, strict=False)):
            if entry.at_ns < since_ns:
                return None
            begin_ns = entry.at_ns - self._window_ns
            if first.at_ns <= begin_ns:
                continue
            until_ns = hold.until_ns(entry.at_ns)
            if until_ns is not None:
                count = sum(each.at_ns > begin_ns for each in entries[newest:])
                return _Burst(entry, count, until_ns)
        return None

    def _breach(self, burst: _Burst, hold: Hold) -> Breached:
        count = Decimal(burst.entries)
        return Breached(
            value=count,
            limit=self._limit,
            evidence=Evidence(
                template="{count} entries within {window} s at {at:time}, {limit} are allowed",
                figures={
                    "count": count,
                    "window": self._window_words,
                    "limit": self._limit,
                    "at": burst.entry.at_ns,
                },
            ),
            cause=f"entry {burst.entry.order_id}",
            action=Flatten(),
            locks=(hold.terms(burst.until_ns),),
        )
