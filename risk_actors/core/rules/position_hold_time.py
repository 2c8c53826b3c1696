"""Rule 009: a position must not be held longer than a time, nor (report only) shorter than one."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.direction import FREE, LOWER, Effect, together
from risk_actors.core.evidence import NS_PER_S, Evidence, Figure
from risk_actors.core.rules.base import PositiveSeconds, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.open_times import opened_at_ns
from risk_actors.core.rules.seconds import shown_seconds, span_ns
from risk_actors.core.verdict import Breached, Flatten, Ok, Unknown, Verdict, Warned


def _warning_effect(old: Any, new: Any) -> Effect:
    """An earlier warning is tighter; what is closed by then needs none."""
    told_s = [
        min((s for s in (settings.warn_s, settings.max_s) if s is not None), default=None)
        for settings in (old, new)
    ]
    return LOWER.judge(*told_s)


class PositionHoldTimeSettings(RuleSettings, frozen=True, kw_only=True, tag="position_hold_time"):
    """Settings of rule 009; give at least one of the three times."""

    max_s: Annotated[PositiveSeconds | None, LOWER] = None
    """The longest that a position may be held, in seconds; then it is closed."""
    warn_s: Annotated[PositiveSeconds | None, together(_warning_effect)] = None
    """Warn of a position that has been held so many seconds."""
    min_s: Annotated[PositiveSeconds | None, FREE] = None
    """Report a trade that was held for less than so many seconds (some firms do not count it);
    nothing is done about it."""

    def __post_init__(self) -> None:
        """Refuse a rule that says nothing, or warns of what is closed already."""
        if self.max_s is None and self.warn_s is None and self.min_s is None:
            raise ValueError("give `max_s`, `warn_s` or `min_s`")
        if self.max_s is not None and self.warn_s is not None and self.warn_s >= self.max_s:
            raise ValueError("`warn_s` must be less than `max_s`, or it never warns")
        if self.max_s is not None and self.min_s is not None and self.min_s > self.max_s:
            raise ValueError("`min_s` must not be more than `max_s`, or every trade breaks one")
        if self.warn_at and self.max_s is None:
            raise ValueError("`warn_at` is a fraction of `max_s`; give `max_s`, or use `warn_s`")


class _Held(NamedTuple):
    """An open position, and since when it is held."""

    position: OpenPosition
    opened_ns: int

    @property
    def cause(self) -> str:
        return f"{self.position.contract_id} opened {self.opened_ns}"


class _Warning(NamedTuple):
    """An instant from which something is worth a warning."""

    since_ns: int
    verdict: Warned


class PositionHoldTime(Rule[PositionHoldTimeSettings, None]):
    """Close the contract in which a position has been held too long, without a lock.

    The time counts from the first fill of the trade by the broker's clock; adding to a position
    starts no new time, a reversal does.
    """

    number = 9
    Settings = PositionHoldTimeSettings
    facts = frozenset({AccountState})
    reads = ("is_reconciled", "has_all_fills", "day_start_ns", "positions", "history")
    breaks_when = "a position is older than `max_s`"
    response = "flatten that contract"
    measure = Measure(Unit.SECONDS, MovedBy.TIME)

    def __init__(
        self, settings: PositionHoldTimeSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._max_ns = None if settings.max_s is None else span_ns(settings.max_s)
        self._limit = None if settings.max_s is None else shown_seconds(settings.max_s)
        self._warn_ns: list[tuple[int, float | None]] = []
        """After which times a position is worth a warning, and the fraction that each is."""
        if settings.warn_s is not None:
            self._warn_ns.append((span_ns(settings.warn_s), None))
        if settings.max_s is not None:
            self._warn_ns += [(span_ns(settings.max_s * f), f) for f in settings.warn_at]
        self._ages_ns = [age_ns for age_ns, _ in self._warn_ns]
        if self._max_ns is not None:
            self._ages_ns.append(self._max_ns)

    def initial_state(self) -> None:
        """The broker's fills say all that there is to know."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        settings = self.settings
        parts = []
        if settings.max_s is not None:
            parts.append(
                f"flatten a contract that has been held for {shown_seconds(settings.max_s)} s"
            )
        if settings.warn_s is not None:
            parts.append(f"warn of one held for {shown_seconds(settings.warn_s)} s")
        if settings.min_s is not None:
            parts.append(
                f"report a trade that was held for less than {shown_seconds(settings.min_s)} s"
            )
        sentence = ", ".join(parts)
        return f"{sentence[0].upper()}{sentence[1:]}."

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when the next position becomes old enough for a warning or for its end."""
        if not fact.is_reconciled:
            return None
        if not fact.positions:
            return None
        looks = (held.opened_ns + age_ns for held in _held(fact) for age_ns in self._ages_ns)
        return min((look_ns for look_ns in looks if look_ns > now_ns), default=None)

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Compare the age of each position with the limit."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet"),
                limit=self._limit,
            )
        held = [*_held(account)]
        if len(held) > 1:
            held.sort(key=lambda each: (each.opened_ns, each.cause))
        value = _whole_seconds(now_ns - held[0].opened_ns) if held else Decimal(0)
        contract_id = held[0].position.contract_id if held else None
        too_old = [
            each
            for each in held
            if self._max_ns is not None and now_ns >= each.opened_ns + self._max_ns
        ]
        if too_old:
            return self._breach(too_old, value)
        warnings = [*self._old(held, now_ns), *self._short(account)]
        if warnings:
            # Each is told once; the newest is what is not told yet.
            return max(warnings, key=lambda each: each.since_ns).verdict
        if self.settings.min_s is not None and not account.has_all_fills:
            return Unknown(
                evidence=Evidence(
                    template="How long trades were held is unknown: the fills could not be read"
                ),
                limit=self._limit,
            )
        return Ok(value=value, limit=self._limit, contract_id=contract_id)

    def _breach(self, too_old: list[_Held], value: Decimal) -> Breached:
        oldest = too_old[0]
        return Breached(
            value=value,
            limit=self._limit,
            evidence=Evidence(
                template="{size} {symbol} {side} has been held since {opened:time},"
                " the {limit} s allowed were over at {due:time}",
                figures=_figures(oldest)
                | {"limit": self._limit, "due": oldest.opened_ns + (self._max_ns or 0)},
            ),
            cause="; ".join(each.cause for each in too_old),
            action=Flatten(contract_ids=tuple(each.position.contract_id for each in too_old)),
            contract_id=oldest.position.contract_id,
        )

    def _old(self, held: list[_Held], now_ns: int) -> Iterator[_Warning]:
        """Yield a warning for each position and each age that it has reached."""
        for each in held:
            for age_ns, fraction in self._warn_ns:
                since_ns = each.opened_ns + age_ns
                if now_ns < since_ns:
                    continue
                yield _Warning(
                    since_ns,
                    Warned(
                        value=_whole_seconds(now_ns - each.opened_ns),
                        limit=self._limit,
                        fraction=fraction,
                        cause=each.cause,
                        contract_id=each.position.contract_id,
                        evidence=Evidence(
                            template="{size} {symbol} {side} has been held since {opened:time},"
                            " {age} s by {since:time}",
                            figures=_figures(each)
                            | {"age": _whole_seconds(age_ns), "since": since_ns},
                        ),
                    ),
                )

    def _short(self, account: AccountState) -> Iterator[_Warning]:
        """Yield a warning for the trade that closed last, where it was held too short a time."""
        min_s = self.settings.min_s
        trade = next(account.history.closed_newest_first(), None)
        if min_s is None or trade is None or trade.closed_ns is None:
            return
        if trade.closed_ns < account.day_start_ns or not trade.opening_known:
            return
        held_ns = trade.closed_ns - trade.opened_ns
        if held_ns >= span_ns(min_s):
            return
        yield _Warning(
            trade.closed_ns,
            Warned(
                value=Decimal(f"{held_ns / NS_PER_S:.3f}"),
                limit=shown_seconds(min_s),
                cause=f"{trade.contract_id} opened {trade.opened_ns} and closed",
                contract_id=trade.contract_id,
                evidence=Evidence(
                    template="A trade in {symbol} was held for {held} s until {closed:time},"
                    " less than {limit} s",
                    figures={
                        "symbol": trade.symbol,
                        "held": f"{held_ns / NS_PER_S:.3f}",
                        "closed": trade.closed_ns,
                        "limit": shown_seconds(min_s),
                    },
                ),
            ),
        )


def _held(account: AccountState) -> Iterable[_Held]:
    """Yield what is open with the instant at which it was opened."""
    for position in account.positions:
        yield _Held(position, opened_at_ns(position, account.history))


def _figures(held: _Held) -> dict[str, Figure]:
    size = held.position.counted_size
    return {
        "size": abs(size),
        "symbol": held.position.symbol,
        "side": "long" if size > 0 else "short",
        "opened": held.opened_ns,
    }


def _whole_seconds(age_ns: int) -> Decimal:
    return Decimal(max(age_ns, 0) // NS_PER_S)
