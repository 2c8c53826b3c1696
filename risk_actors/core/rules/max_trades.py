"""Rule 007: at most so many trades, entries or fills in a day, an hour or a minute."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import LOWER, UNCLEAR, counted_in
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.rules.base import PositiveInt, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.habits import HABITS_READ, unknown_habits
from risk_actors.core.rules.limits import reached_fraction
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.trade_counts import (
    CountOf,
    Excess,
    Newest,
    excess_of_day,
    excess_within,
    is_flat_of,
    may_stay,
)
from risk_actors.core.trade_history import TradeHistory
from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import (
    Breached,
    Existing,
    LockEnd,
    LockTerms,
    Ok,
    Reduce,
    Verdict,
    Warned,
)

HOUR_NS = 3600 * NS_PER_S
MINUTE_NS = 60 * NS_PER_S

UNTIL_RESET = LockTerms(existing=Existing.KEEP)


class MaxTradesSettings(RuleSettings, frozen=True, kw_only=True, tag="max_trades"):
    """Settings of rule 007."""

    per_day: Annotated[PositiveInt | None, counted_in("count", "per_day", LOWER)] = None
    """The most in a trading day. When the last of them closes the account is locked, too."""
    per_hour: Annotated[PositiveInt | None, counted_in("count", "per_hour", LOWER)] = None
    """The most in any 3,600 s; what was made exactly that long ago counts no more."""
    per_minute: Annotated[PositiveInt | None, counted_in("count", "per_minute", LOWER)] = None
    """The most in any 60 s."""
    count: Annotated[CountOf, UNCLEAR] = CountOf.TRADES
    """What is counted: `trades` from flat to flat; `entries`, which open or add to a position; or
    `fills`, exits included."""

    def __post_init__(self) -> None:
        """Refuse a rule without a limit."""
        if self.per_day is None and self.per_hour is None and self.per_minute is None:
            raise ValueError("give `per_day`, `per_hour` or `per_minute`")


class _Span(NamedTuple):
    """A window that rolls, and its limit."""

    word: str
    length_ns: int
    limit: int


class MaxTrades(Rule[MaxTradesSettings, None]):
    """What was open before stays; only what was too many is taken off. Exits are never blocked.

    Where fills are counted an exit may exceed the limit and breaks nothing; the next entry does,
    and so does being flat with the day's fills used up.
    """

    number = 7
    Settings = MaxTradesSettings
    facts = frozenset({AccountState})
    reads = HABITS_READ
    breaks_when = "one more entry than allowed; and when the last allowed trade of the day closes"
    response = (
        "take off what was too many, lock account until daily reset, or until an hour or minute"
        " has room again; what is open stays"
    )

    def __init__(self, settings: MaxTradesSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._spans = tuple(
            _Span(word, length_ns, limit)
            for word, length_ns, limit in (
                ("an hour", HOUR_NS, settings.per_hour),
                ("a minute", MINUTE_NS, settings.per_minute),
            )
            if limit is not None
        )
        unit = Unit.TRADES if settings.count is CountOf.TRADES else Unit.ENTRIES
        self.measure = Measure(unit, MovedBy.ENTRY)
        limits = (settings.per_day, settings.per_hour, settings.per_minute)
        self._first_limit = Decimal(next(limit for limit in limits if limit is not None))

    def initial_state(self) -> None:
        """The rule looks at the fills alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        day, nouns = self.settings.per_day, self.settings.count.value
        limits = [] if day is None else [f"{day} {nouns} a day"]
        limits += [f"{span.limit} {nouns} within {span.word}" for span in self._spans]
        ends = [] if day is None else ["until the daily reset"]
        ends += ["until there is room again"] if self._spans else []
        most, until = " and ".join(limits), " or ".join(ends)
        lock = self.settings.lock
        if lock is not None and lock.existing is Existing.FLATTEN:
            return f"At most {most}; what is more flattens and locks the account {until}."
        return (
            f"At most {most}; what is more is taken off and the account locked {until},"
            " what else is open stays."
        )

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when something leaves a window, or another day begins."""
        newest = Newest(fact.history, self.settings.count)
        looks = [self.context.calendar.day(now_ns).end_ns]
        for span in self._spans:
            count = newest.after(now_ns - span.length_ns)
            oldest = newest[count - 1] if count else None
            if oldest is not None:
                looks.append(oldest.at_ns + span.length_ns)
        return min(looks)

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Count, and look for what was too many."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        unknown = unknown_habits(account, self._first_limit)
        if unknown is not None:
            return unknown
        history, day = account.history, self.context.calendar.day(now_ns)
        newest = Newest(history, self.settings.count)
        rolling = [
            (excess, span)
            for span in self._spans
            if (excess := excess_within(newest, span.length_ns, span.limit, now_ns)) is not None
        ]
        last = max(rolling, key=lambda each: each[0].until_ns, default=None)
        keys = frozenset[int]().union(*(excess.keys for excess, _ in rolling))
        of_day = self._of_day(history, newest, day, keys)
        if of_day is not None:
            return _ending_later(of_day, day, last)
        if last is not None:
            return self._within(history, *last, keys)
        return self._unbroken(newest, day, now_ns)

    def _of_day(
        self, history: TradeHistory, newest: Newest, day: Window, keys: frozenset[int]
    ) -> Breached | None:
        """Return the breach of the day's limit, if there is one."""
        limit = self.settings.per_day
        if limit is None:
            return None
        excess = excess_of_day(newest, day, limit)
        if excess is not None:
            return self._breach(
                history,
                excess,
                limit,
                template="{noun} number {count} of the day at {at:time}, {limit} are allowed",
                cause=f"day {day.start_ns} over {excess.newest.key}",
                keys=keys | excess.keys,
                terms=UNTIL_RESET,
            )
        count = newest.after(day.start_ns - 1, newest.after(day.end_ns - 1))
        if count < limit or not is_flat_of(history, self.settings.count, day):
            return None
        closed = next(history.closed_newest_first(), None)
        return Breached(
            value=Decimal(count),
            limit=Decimal(limit),
            evidence=Evidence(
                template="All {limit} {nouns} of the day were used up at {at:time}",
                figures={
                    "limit": Decimal(limit),
                    "nouns": self.settings.count.value,
                    "at": None if closed is None else closed.closed_ns,
                },
            ),
            cause=f"day {day.start_ns} used up",
            action=Reduce(targets=tuple(may_stay(history, self.settings.count, keys))),
            locks=(UNTIL_RESET,),
        )

    def _within(
        self, history: TradeHistory, excess: Excess, span: _Span, keys: frozenset[int]
    ) -> Breached:
        until_ns = excess.until_ns
        return self._breach(
            history,
            excess,
            span.limit,
            template="{count} {nouns} within " + span.word + " at {at:time}, {limit} are allowed",
            cause=f"over {excess.newest.key} until {until_ns}",
            keys=keys,
            terms=LockTerms(end=LockEnd.INSTANT, until_ns=until_ns, existing=Existing.KEEP),
        )

    def _breach(
        self,
        history: TradeHistory,
        excess: Excess,
        limit: int,
        *,
        template: str,
        cause: str,
        keys: frozenset[int],
        terms: LockTerms,
    ) -> Breached:
        nouns = self.settings.count.value
        count = Decimal(excess.number)
        return Breached(
            value=count,
            limit=Decimal(limit),
            evidence=Evidence(
                template=template,
                figures={
                    "noun": {"trades": "Trade", "entries": "Entry", "fills": "Fill"}[nouns],
                    "nouns": nouns,
                    "count": count,
                    "at": excess.newest.at_ns,
                    "limit": Decimal(limit),
                },
            ),
            cause=cause,
            action=Reduce(targets=tuple(may_stay(history, self.settings.count, keys))),
            locks=(terms,),
        )

    def _counts(self, newest: Newest, day: Window, now_ns: int) -> Iterator[tuple[str, int, int]]:
        """Yield for each limit its words, the count and the limit."""
        if self.settings.per_day is not None:
            later = newest.after(day.end_ns - 1)
            yield "a day", newest.after(day.start_ns - 1, later), self.settings.per_day
        for span in self._spans:
            yield span.word, newest.after(now_ns - span.length_ns), span.limit

    def _unbroken(self, newest: Newest, day: Window, now_ns: int) -> Verdict:
        """Return the limit that is nearest, as a warning where one of its fractions is reached."""
        counts = sorted(self._counts(newest, day, now_ns), key=lambda each: each[2] - each[1])
        for words, count, limit in counts:
            value, most = Decimal(count), Decimal(limit)
            fraction = reached_fraction(value, most, self.settings.warn_at)
            if fraction is not None:
                return Warned(
                    value=value,
                    limit=most,
                    room=max(most - value, Decimal(0)),
                    fraction=fraction,
                    cause=words,
                    evidence=Evidence(
                        template="{count} {nouns} within " + words + ", {limit} are allowed",
                        figures={
                            "count": value,
                            "nouns": self.settings.count.value,
                            "limit": most,
                        },
                    ),
                )
        _, count, limit = counts[0]
        return Ok(value=Decimal(count), limit=Decimal(limit), room=Decimal(max(limit - count, 0)))


def _ending_later(breached: Breached, day: Window, last: tuple[Excess, _Span] | None) -> Breached:
    """Return the breach of a day, its lock lengthened where an hour or minute ends after it."""
    if last is None or last[0].until_ns <= day.end_ns:
        return breached
    until_ns = last[0].until_ns
    return msgspec.structs.replace(
        breached,
        cause=f"{breached.cause} until {until_ns}",
        locks=(LockTerms(end=LockEnd.INSTANT, until_ns=until_ns, existing=Existing.KEEP),),
    )
