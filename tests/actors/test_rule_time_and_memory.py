"""What the rule actor does beside reporting: time, warnings, memory, conditions, shadow."""

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.rule import RuleActor, RuleShelf
from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import OrderType
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Unlocked
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Mode, Rule, RuleSettings
from risk_actors.core.rules.base import OnUnknown
from risk_actors.core.rules.lock_settings import LockSettings, LockUntil
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.rules.response import UNKNOWN_LOCKS_AFTER_NS
from risk_actors.core.verdict import (
    Breached,
    Existing,
    Flatten,
    LockEnd,
    LockTerms,
    Ok,
    Reduce,
    StopMove,
    Unknown,
    Verdict,
    Warned,
)
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Resync
from tests.actors.facts import (
    DAY_END_NS,
    MNQ,
    WEEK_END_NS,
    account_state,
    context_of,
    open_position,
    order,
    pnl_state,
    pnl_updated,
    tick,
)
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer, S

SAID = Evidence(template="so it is")


class ProbeSettings(RuleSettings, frozen=True, kw_only=True, tag="probe"):
    """Settings of a rule that says what it is told to say."""


class Seen(msgspec.Struct, frozen=True):
    """How many facts were seen."""

    facts: int = 0


type Says = Callable[[PnlState, int], Verdict]


class Probe(Rule[ProbeSettings, Seen]):
    """Says what a test wants, and looks again when a test wants."""

    Settings = ProbeSettings
    State = Seen
    facts: ClassVar[frozenset[type]] = frozenset({PnlState})

    def __init__(self, settings: ProbeSettings, says: Says, look_ns: int | None = None) -> None:
        super().__init__(settings)
        self._says = says
        self._look_ns = look_ns

    def initial_state(self) -> Seen:
        """Nothing was seen."""
        return Seen()

    def summary(self) -> str:
        """Say nothing."""
        return ""

    def evaluate(self, state: Seen, fact: PnlState, now_ns: int) -> tuple[Seen, Verdict]:
        """Say it."""
        return Seen(state.facts + 1), self._says(fact, now_ns)

    def next_look_ns(self, state: Seen, fact: PnlState, now_ns: int) -> int | None:
        """Look again when told to."""
        return self._look_ns if self._look_ns is not None and now_ns < self._look_ns else None


class Rig:
    """A rule actor around the probe."""

    def __init__(
        self,
        says: Says,
        *,
        look_ns: int | None = None,
        mode: Mode = Mode.ENFORCE,
        ends_on_condition: bool = False,
        restored: dict[int, RuleMemory] | None = None,
        **settings: object,
    ) -> None:
        self.clock = VirtualClock(NOON_NS)
        self.outbox = RecordingOutbox(RuleActor)
        self.says = says
        self.rule = Probe(ProbeSettings(id="probe", **settings), self._say, look_ns)
        self.rule.ends_on_condition = ends_on_condition
        self.shelf = RuleShelf(self.rule, restored or {})
        self.mode = mode
        self.actor = self.made()

    def _say(self, fact: PnlState, now_ns: int) -> Verdict:
        return self.says(fact, now_ns)

    def made(self) -> RuleActor:
        return RuleActor(
            context_of("rule:probe", self.outbox, self.clock, RecordingOverseer()),
            rule=self.rule,
            mode=self.mode,
            accounts={1, 2},
            shelf=self.shelf,
        )

    def show(self, usd: str, account_id: int = 1, **terms: object) -> None:
        self.actor.handle(pnl_updated(pnl_state(usd, account_id, **terms), f"event-{usd}"))

    def tick_at(self, at_ns: int) -> None:
        self.clock.step(at_ns - self.clock.now_ns())
        self.actor.handle(tick(at_ns, "tick-7"))

    def sent(self, kind: type) -> list[m.Message]:
        return self.outbox.of(kind)


def fine(_fact: PnlState, _now_ns: int) -> Verdict:
    return Ok()


def broken(*locks: LockTerms, action: object = None, cause: str = "it") -> Breached:
    return Breached(
        value=None,
        limit=None,
        evidence=SAID,
        cause=cause,
        action=action or Flatten(),
        locks=locks,
    )


def below(limit: int, verdict: Verdict) -> Says:
    def says(fact: PnlState, _now_ns: int) -> Verdict:
        return verdict if fact.realized_usd <= limit else Ok()

    return says


# --- time ---------------------------------------------------------------------------------------


def test_a_rule_is_asked_again_when_it_wanted_to_be_and_not_before() -> None:
    due_ns = NOON_NS + 5 * S
    rig = Rig(lambda _f, now: broken() if now >= due_ns else Ok(), look_ns=due_ns)
    rig.show("0")

    rig.tick_at(due_ns - 1)
    before = rig.sent(m.BreachFound)
    rig.tick_at(due_ns)
    rig.tick_at(due_ns + S)

    assert before == []
    (found,) = rig.sent(m.BreachFound)
    assert (found.at_ns, found.correlation_id) == (due_ns, "tick-7")
    assert isinstance(found.event, m.Tick)


def test_a_laptop_that_slept_finds_the_deadline_passed_and_acts_once() -> None:
    due_ns = NOON_NS + 5 * S
    rig = Rig(lambda _f, now: broken() if now >= due_ns else Ok(), look_ns=due_ns)
    rig.show("0")

    rig.tick_at(NOON_NS + 7200 * S)
    rig.tick_at(NOON_NS + 7201 * S)

    assert len(rig.sent(m.BreachFound)) == 1


def test_a_clock_set_back_makes_every_deadline_doubtful() -> None:
    rig = Rig(lambda _f, now: Ok(value=Decimal(now // S)))
    rig.tick_at(NOON_NS)
    rig.show("0")

    rig.tick_at(NOON_NS + 10 * S)
    rig.tick_at(NOON_NS - 3600 * S)

    values = [told.verdict.value for told in rig.sent(m.VerdictChanged)]
    assert values == [NOON_NS // S, NOON_NS // S - 3600]


def test_a_time_that_passes_is_shown_as_it_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "measure", Measure(Unit.SECONDS, MovedBy.TIME))
    rig = Rig(lambda _f, now: Ok(value=Decimal((now - NOON_NS) // S), limit=Decimal(60)))
    rig.show("0")
    for second in (1, 2, 3):
        rig.tick_at(NOON_NS + second * S)

    assert [told.verdict.value for told in rig.sent(m.VerdictChanged)] == [0, 1, 2, 3]


# --- warnings -----------------------------------------------------------------------------------


def test_each_fraction_warns_once_a_day() -> None:
    def says(fact: PnlState, _now_ns: int) -> Verdict:
        used = -fact.realized_usd / 100
        fraction = max((f for f in (0.5, 0.8) if used >= Decimal(str(f))), default=None)
        if fraction is None:
            return Ok()
        return Warned(value=None, limit=None, evidence=SAID, fraction=fraction)

    rig = Rig(says)
    for usd in ("-10", "-50", "-49", "-55", "-80", "-40", "-85"):
        rig.show(usd)
    today = [told.warned.fraction for told in rig.sent(m.WarningRaised)]
    rig.outbox.clear()
    rig.show("-50", day_start_ns=DAY_END_NS)
    tomorrow = [told.warned.fraction for told in rig.sent(m.WarningRaised)]

    assert today == [0.5, 0.8]
    assert tomorrow == [0.5]


def test_a_higher_fraction_says_all_that_a_lower_one_would() -> None:
    given = iter([0.8, 0.5, 0.9])

    def says(_fact: PnlState, _now_ns: int) -> Verdict:
        return Warned(value=None, limit=None, evidence=SAID, fraction=next(given))

    rig = Rig(says)
    for usd in ("-80", "-60", "-90"):
        rig.show(usd)

    assert [told.warned.fraction for told in rig.sent(m.WarningRaised)] == [0.8, 0.9]


def test_a_warning_given_is_not_given_again_after_a_restart() -> None:
    warned = Warned(value=None, limit=None, evidence=SAID, fraction=0.5)
    first = Rig(lambda _f, _n: warned)
    first.show("-50")
    stored = encode_memory(first.sent(m.RuleStateChanged)[-1].memory)

    again = Rig(lambda _f, _n: warned, restored={1: decode_memory(first.rule, stored)})
    again.show("-50")
    again.show("-50", 2)

    assert [told.account_id for told in again.sent(m.WarningRaised)] == [2]


def test_causes_that_warn_by_themselves_are_told_once_each() -> None:
    def says(fact: PnlState, _now_ns: int) -> Verdict:
        return Warned(value=None, limit=None, evidence=SAID, cause=f"trade {fact.realized_usd}")

    rig = Rig(says)
    for usd in ("1", "1", "2"):
        rig.show(usd)

    assert [told.warned.cause for told in rig.sent(m.WarningRaised)] == ["trade 1", "trade 2"]


# --- memory -------------------------------------------------------------------------------------


def test_what_a_rule_remembers_is_sent_to_be_kept_and_comes_back() -> None:
    first = Rig(fine)
    first.show("1")
    first.show("2")
    kept = first.sent(m.RuleStateChanged)[-1]

    stored = encode_memory(kept.memory)
    again = Rig(fine, restored={1: decode_memory(first.rule, stored)})
    again.show("3")
    again.show("3", 2)

    states = {told.account_id: told.memory.state for told in again.sent(m.RuleStateChanged)}
    assert (kept.rule_id, kept.rule_type, kept.account_id) == ("probe", "probe", 1)
    assert states == {1: Seen(3), 2: Seen(1)}


def test_a_memory_of_another_shape_is_refused_with_a_reason() -> None:
    with pytest.raises(msgspec.ValidationError, match="facts"):
        decode_memory(Rig(fine).rule, b'{"state":{"facts":"x"},"warned_day_ns":0,"warned":{}}')


def test_a_restarted_actor_goes_on_with_what_it_knew() -> None:
    rig = Rig(below(-100, broken()))
    rig.show("-100")
    rig.actor = rig.made()
    rig.show("-101")

    assert len(rig.sent(m.BreachFound)) == 1
    assert rig.sent(m.RuleStateChanged)[-1].memory.state == Seen(2)


# --- locks on a condition -----------------------------------------------------------------------


def test_the_end_of_a_condition_is_told_once() -> None:
    rig = Rig(below(-100, broken(LockTerms(end=LockEnd.CONDITION))), ends_on_condition=True)
    rig.show("-100")
    before = rig.sent(m.ConditionEnded)
    rig.show("0")
    rig.show("1")

    assert before == []
    assert [told.account_id for told in rig.sent(m.ConditionEnded)] == [1]


def test_a_condition_that_ended_while_we_were_down_is_told_with_the_first_fact() -> None:
    """The lock of the last run was restored from the store and waits for it."""
    rig = Rig(below(-100, broken(LockTerms(end=LockEnd.CONDITION))), ends_on_condition=True)
    rig.show("0")

    assert len(rig.sent(m.ConditionEnded)) == 1


def test_a_rule_whose_locks_end_by_time_tells_of_no_condition() -> None:
    rig = Rig(below(-100, broken(LockTerms())))
    rig.show("-100")
    rig.show("0")

    assert rig.sent(m.ConditionEnded) == []


# --- unknown ------------------------------------------------------------------------------------


def blind_below(limit: int) -> Says:
    return below(limit, Unknown(evidence=Evidence(template="no price")))


def test_unknown_alerts_and_locks_nothing_by_default() -> None:
    rig = Rig(blind_below(0))
    rig.show("0")
    rig.tick_at(NOON_NS + 2 * UNKNOWN_LOCKS_AFTER_NS)

    assert rig.sent(m.BreachFound) == []
    assert isinstance(rig.sent(m.VerdictChanged)[-1].verdict, Unknown)


def test_unknown_that_is_to_lock_locks_once_it_lasts_and_until_the_check_can_be_made() -> None:
    rig = Rig(blind_below(0), on_unknown=OnUnknown.LOCK)
    rig.show("0")
    rig.tick_at(NOON_NS + UNKNOWN_LOCKS_AFTER_NS - 1)
    early = rig.sent(m.BreachFound)
    rig.tick_at(NOON_NS + UNKNOWN_LOCKS_AFTER_NS)
    rig.show("-1")
    rig.show("5")

    (found,) = rig.sent(m.BreachFound)
    assert early == []
    assert found.breach.locks == (LockTerms(end=LockEnd.CONDITION),)
    assert found.breach.evidence.sentence() == "The check cannot be made: no price"
    assert isinstance(rig.sent(m.VerdictChanged)[0].verdict, Unknown)
    assert len(rig.sent(m.ConditionEnded)) == 1


def test_a_short_unknown_locks_nothing_and_the_time_begins_anew() -> None:
    rig = Rig(blind_below(0), on_unknown=OnUnknown.LOCK)
    rig.show("0")
    rig.tick_at(NOON_NS + UNKNOWN_LOCKS_AFTER_NS - S)
    rig.show("5")
    rig.show("0")
    rig.tick_at(NOON_NS + UNKNOWN_LOCKS_AFTER_NS + S)

    assert rig.sent(m.BreachFound) == []


# --- the trader's own lock ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "end", "until_ns"),
    [
        ({"until": "weekly_reset"}, LockEnd.WEEKLY_RESET, None),
        ({"for_s": 1.5}, LockEnd.INSTANT, NOON_NS + 3 * S // 2),
        ({"existing": "flatten"}, LockEnd.DAILY_RESET, None),
    ],
)
def test_the_lock_ends_as_the_trader_wants_it(given: dict, end: LockEnd, until_ns: int) -> None:
    lock = msgspec.convert(given, LockSettings)
    rig = Rig(below(-100, broken(LockTerms())), lock=lock)
    rig.show("-100")

    (found,) = rig.sent(m.BreachFound)
    assert [(t.end, t.until_ns) for t in found.breach.locks] == [(end, until_ns)]
    assert found.breach.action == Flatten()


def test_a_lock_that_keeps_positions_flattens_nothing_and_says_what_may_stay() -> None:
    lock = LockSettings(existing=Existing.KEEP)
    rig = Rig(below(-100, broken(LockTerms())), lock=lock)
    rig.show("-100", account=account_state(open_position(-3)))

    (found,) = rig.sent(m.BreachFound)
    assert found.breach.action == Reduce()
    assert found.breach.locks == (LockTerms(existing=Existing.KEEP, kept=((MNQ, 3),)),)


def test_what_a_rule_reduces_may_not_stay_under_a_lock_that_keeps() -> None:
    reduce = Reduce(targets=((MNQ, 1),))
    rig = Rig(below(-100, broken(LockTerms(existing=Existing.KEEP), action=reduce)))
    rig.show("-100", account=account_state(open_position(3)))

    (found,) = rig.sent(m.BreachFound)
    assert found.breach.action == reduce
    assert found.breach.locks[0].kept == ((MNQ, 1),)


def test_a_rule_without_a_lock_can_be_given_one_in_the_scope_it_acts_in() -> None:
    lock = LockSettings(for_s=60.0)
    rig = Rig(below(-100, broken(action=Flatten(contract_ids=(MNQ,)))), lock=lock)
    rig.show("-100")

    (found,) = rig.sent(m.BreachFound)
    assert [terms.contract_id for terms in found.breach.locks] == [MNQ]


# --- shadow -------------------------------------------------------------------------------------


def test_in_shadow_everything_is_decided_and_nothing_is_sent_to_whoever_acts() -> None:
    move = StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal(1))

    def says(fact: PnlState, _now_ns: int) -> Verdict:
        if fact.realized_usd <= -100:
            return broken(LockTerms(end=LockEnd.CONDITION))
        return Ok(stop_moves=(move,))

    rig = Rig(says, mode=Mode.SHADOW, ends_on_condition=True)
    for usd in ("0", "-100", "-101", "0"):
        rig.show(usd)

    acts = (m.BreachFound, m.BreachEnded, m.ConditionEnded, m.StopMovesWanted)
    assert [type(sent) for sent in rig.outbox.sent if isinstance(sent, acts)] == []
    (would,) = rig.sent(m.ShadowBreachFound)
    assert would.breach.locks == (LockTerms(end=LockEnd.CONDITION),)
    assert would.correlation_id == "event--100"


def test_stop_moves_are_told_when_they_change_and_when_none_is_wanted_any_more() -> None:
    def says(fact: PnlState, _now_ns: int) -> Verdict:
        price = fact.realized_usd
        if price <= 0:
            return Ok()
        return Ok(stop_moves=(StopMove(order_id=7, contract_id=MNQ, stop_price=price),))

    rig = Rig(says)
    for usd in ("0", "1", "1", "2", "0"):
        rig.show(usd)

    told = [[move.stop_price for move in each.moves] for each in rig.sent(m.StopMovesWanted)]
    assert told == [[1], [2], []]


def test_a_check_that_cannot_be_made_everywhere_moves_the_stops_it_can() -> None:
    move = StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal(1))
    says: list[Verdict] = [
        Ok(stop_moves=(move,)),
        Unknown(evidence=SAID, stop_moves=(move,)),
        Unknown(evidence=SAID),
    ]
    rig = Rig(lambda _f, _n: says.pop(0))
    for usd in ("0", "1", "2"):
        rig.show(usd)

    assert [each.moves for each in rig.sent(m.StopMovesWanted)] == [(move,), ()]


def test_in_shadow_moves_of_stops_are_shown_and_never_sent() -> None:
    stop = order(7, -2, type=OrderType.STOP, limit_price=None, stop_price=Decimal(90))
    account = account_state(open_position(2), orders=(stop,))
    prices = [Decimal(95), Decimal(95), Decimal(97)]

    def says(_fact: PnlState, _now_ns: int) -> Verdict:
        if not prices:
            return Ok()
        return Ok(stop_moves=(StopMove(order_id=7, contract_id=MNQ, stop_price=prices.pop(0)),))

    rig = Rig(says, mode=Mode.SHADOW)
    for usd in ("0", "1", "2", "3"):
        rig.clock.step(S)
        rig.show(usd, account=account)
    rig.actor.handle_control(Resync(address="enforcer", reason="enforcer was restarted"))

    assert rig.sent(m.StopMovesWanted) == []
    told = rig.sent(m.ShadowStopMoves)
    assert [[move.stop_price for move in each.moves] for each in told] == [[95], [97]]
    assert [each.event.correlation_id for each in told] == ["event-0", "event-2"]


def test_an_enforcer_that_was_restarted_is_told_again_which_stops_to_move() -> None:
    move = StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal(1))
    rig = Rig(lambda _f, _n: Ok(stop_moves=(move,)))
    rig.show("0")
    rig.actor.handle_control(Resync(address="lockout", reason="lockout was restarted"))
    before = len(rig.sent(m.StopMovesWanted))
    rig.actor.handle_control(Resync(address="enforcer", reason="enforcer was restarted"))

    assert (before, len(rig.sent(m.StopMovesWanted))) == (1, 2)


# --- a breach that outlives its lock, or the process --------------------------------------------


def restarted(first: Rig, at_ns: int, **settings: object) -> Rig:
    """The same rule in a new process, with what the first one had stored."""
    stored = encode_memory(first.sent(m.RuleStateChanged)[-1].memory)
    again = Rig(first.says, restored={1: decode_memory(first.rule, stored)}, **settings)
    again.clock.step(at_ns - again.clock.now_ns())
    return again


def test_after_a_restart_a_breach_is_told_again_as_of_when_it_was_found() -> None:
    """The lock may not have been saved in time; told twice it changes nothing."""
    terms = {"lock": LockSettings(for_s=60.0)}
    first = Rig(below(-100, broken(LockTerms())), **terms)
    first.show("-100")

    again = restarted(first, NOON_NS + 50 * S, **terms)
    again.show("-100")
    before_the_account_is_known = again.sent(m.BreachFound)
    again.show("-100", account=account_state())

    assert before_the_account_is_known == []
    (found,) = again.sent(m.BreachFound)
    assert found.at_ns == NOON_NS
    assert [lock.until_ns for lock in found.breach.locks] == [NOON_NS + 60 * S]


@pytest.mark.parametrize(
    ("lock", "over_ns"),
    [
        (LockSettings(for_s=60.0), NOON_NS + 60 * S),
        (LockSettings(until=LockUntil.DAILY_RESET), DAY_END_NS),
        (LockSettings(until=LockUntil.WEEKLY_RESET), WEEK_END_NS),
    ],
)
def test_a_breach_that_outlives_its_lock_is_not_enforced_again(
    lock: LockSettings, over_ns: int
) -> None:
    """I5: what is open now was opened after the lock; closing it would be a false flatten."""
    first = Rig(below(-100, broken(LockTerms(), cause="the week")), lock=lock)
    first.show("-100", account=account_state(open_position(1)))
    first.show("-100", account=account_state())

    early, late = restarted(first, over_ns - 1, lock=lock), restarted(first, over_ns, lock=lock)
    for rig in (early, late):
        rig.show("-100", account=account_state(open_position(2)))
        rig.actor.handle_control(Resync(address="enforcer", reason="it was restarted"))

    assert len(early.sent(m.BreachFound)) == 2
    assert late.sent(m.BreachFound) == []
    assert isinstance(late.sent(m.VerdictChanged)[-1].verdict, Breached)


def test_what_a_breach_asked_for_and_was_never_seen_done_is_asked_for_without_the_lock() -> None:
    """I3: the broker refused until the lock's time was over; the position is still there."""
    lock = {"lock": LockSettings(for_s=60.0)}
    first = Rig(below(-100, broken(LockTerms())), **lock)
    first.show("-100", account=account_state(open_position(1)))
    again = restarted(first, NOON_NS + 90 * S, **lock)
    again.show("-100", account=account_state(open_position(1)))

    (found,) = again.sent(m.BreachFound)
    assert (found.breach.action, found.breach.locks) == (Flatten(), ())


def test_what_was_only_recorded_in_shadow_is_enforced_once_the_rule_is() -> None:
    first = Rig(below(-100, broken(LockTerms())), mode=Mode.SHADOW)
    first.show("-100", account=account_state(open_position(1)))
    again = restarted(first, DAY_END_NS + S)
    again.show("-100", account=account_state(open_position(1)))

    (found,) = again.sent(m.BreachFound)
    assert found.at_ns == DAY_END_NS + S
    assert found.breach.locks == (LockTerms(),)


def test_a_check_that_can_be_made_again_ends_the_lock_for_unknown_also_when_it_is_broken() -> None:
    def says(fact: PnlState, _now_ns: int) -> Verdict:
        return broken(LockTerms()) if fact.realized_usd <= -100 else Unknown(evidence=SAID)

    rig = Rig(says, on_unknown=OnUnknown.LOCK)
    rig.show("0")
    rig.tick_at(NOON_NS + UNKNOWN_LOCKS_AFTER_NS)
    rig.show("-100")

    assert [found.breach.cause for found in rig.sent(m.BreachFound)] == ["unknown", "it"]
    assert len(rig.sent(m.ConditionEnded)) == 1


def test_a_lockout_that_was_restarted_is_told_again_of_conditions_that_ended() -> None:
    rig = Rig(below(-100, broken(LockTerms(end=LockEnd.CONDITION))), ends_on_condition=True)
    rig.show("0")
    rig.actor.handle_control(Resync(address="lockout", reason="lockout was restarted"))

    assert len(rig.sent(m.ConditionEnded)) == 2


def test_another_cause_after_a_restart_is_a_breach_of_its_own() -> None:
    lock = {"lock": LockSettings(for_s=60.0)}
    first = Rig(below(-100, broken(LockTerms(), cause="trade 1")), **lock)
    first.show("-100")
    again = restarted(first, NOON_NS + 90 * S, **lock)
    again.says = below(-100, broken(LockTerms(), cause="trade 2"))
    again.show("-100")

    assert [found.at_ns for found in again.sent(m.BreachFound)] == [NOON_NS + 90 * S]


def test_a_breach_that_ended_is_new_when_it_comes_back_after_a_restart() -> None:
    lock = {"lock": LockSettings(for_s=60.0)}
    first = Rig(below(-100, broken(LockTerms())), **lock)
    first.show("-100")
    first.show("0")
    again = restarted(first, NOON_NS + 90 * S, **lock)
    again.show("-100")

    assert [found.at_ns for found in again.sent(m.BreachFound)] == [NOON_NS + 90 * S]


def test_in_shadow_a_breach_is_recorded_once_however_often_we_start() -> None:
    first = Rig(below(-100, broken(LockTerms())), mode=Mode.SHADOW)
    first.show("-100")
    again = restarted(first, NOON_NS + S, mode=Mode.SHADOW)
    again.show("-100", account=account_state())

    assert again.sent(m.ShadowBreachFound) == []


# --- the broker's clock -------------------------------------------------------------------------


def test_a_rule_lives_by_the_brokers_clock_and_locks_by_ours() -> None:
    """The PC's clock is 30 s ahead: a cooldown to 20 s after the trade has not begun to end."""
    ahead_ns = 30 * S
    end_ns = NOON_NS - ahead_ns + 20 * S
    terms = LockTerms(end=LockEnd.INSTANT, until_ns=end_ns)
    rig = Rig(lambda _f, now: broken(terms) if now < end_ns else Ok(), look_ns=end_ns)
    rig.show("0", account=account_state(clock_ahead_ns=ahead_ns))
    rig.tick_at(NOON_NS + 20 * S - 1)
    during = rig.sent(m.VerdictChanged)[-1].verdict
    rig.tick_at(NOON_NS + 20 * S)

    (found,) = rig.sent(m.BreachFound)
    assert [lock.until_ns for lock in found.breach.locks] == [NOON_NS + 20 * S]
    assert isinstance(during, Breached)
    assert rig.sent(m.VerdictChanged)[-1].verdict == Ok()


# --- after an unlock ----------------------------------------------------------------------------


def next_run_of(first: Rig, says: Says) -> Rig:
    """Return the rule as the next run has it, with what it remembered."""
    stored = encode_memory(first.sent(m.RuleStateChanged)[-1].memory)
    again = Rig(says, restored={1: decode_memory(first.rule, stored)})
    again.clock.step(60 * S)
    return again


def unlocked(at_ns: int, scope: str | None = None) -> AccountState:
    return account_state(unlocked=(Unlocked("probe", scope, at_ns),))


def test_after_an_unlock_a_restart_neither_flattens_nor_locks() -> None:
    says = below(-100, broken(LockTerms()))
    first = Rig(says)
    first.show("-100")

    again = next_run_of(first, says)
    again.show("-100", account=unlocked(NOON_NS + S))
    again.show("-120", account=unlocked(NOON_NS + S))

    assert again.sent(m.BreachFound) == []


def test_what_a_rule_finds_after_an_unlock_is_enforced_again() -> None:
    verdicts = {"-100": broken(LockTerms(), cause="it"), "-200": broken(LockTerms(), cause="more")}

    def says(fact: PnlState, _now_ns: int) -> Verdict:
        return verdicts.get(str(fact.realized_usd), Ok())

    first = Rig(says)
    first.show("-100")
    again = next_run_of(first, says)
    for usd in ("-100", "-200", "0", "-100"):
        again.show(usd, account=unlocked(NOON_NS + S))

    assert [found.breach.cause for found in again.sent(m.BreachFound)] == ["more", "it"]


@pytest.mark.parametrize(
    ("account", "sent"),
    [
        (account_state(), 1),
        (unlocked(NOON_NS - 1), 1),
        (unlocked(NOON_NS, MNQ), 1),
        (unlocked(NOON_NS), 0),
        (account_state(locks_noted=False), 0),
        (account_state(is_reconciled=False), 0),
    ],
    ids=["none", "an earlier one", "another scope", "of it", "not noted yet", "not read yet"],
)
def test_a_breach_of_the_last_run_is_sent_again_once_it_is_known_that_no_unlock_waived_it(
    account: AccountState, sent: int
) -> None:
    says = below(-100, broken(LockTerms()))
    first = Rig(says)
    first.show("-100")

    again = next_run_of(first, says)
    again.show("-100", account=account)

    assert len(again.sent(m.BreachFound)) == sent


def test_a_breach_that_waited_for_the_note_is_sent_with_it() -> None:
    says = below(-100, broken(LockTerms()))
    first = Rig(says)
    first.show("-100")
    again = next_run_of(first, says)

    again.show("-100", account=account_state(locks_noted=False))
    again.show("-100", account=account_state())

    (found,) = again.sent(m.BreachFound)
    assert found.at_ns == NOON_NS


def test_a_breach_of_this_run_waits_for_no_note() -> None:
    rig = Rig(below(-100, broken(LockTerms())))
    rig.show("-100", account=account_state(locks_noted=False, is_reconciled=False))

    assert len(rig.sent(m.BreachFound)) == 1


@pytest.mark.parametrize("address", ["enforcer", "lockout"])
def test_who_comes_back_is_not_told_of_what_an_unlock_waived(address: str) -> None:
    rig = Rig(below(-100, broken(LockTerms())))
    rig.show("-100")
    rig.show("-101", account=unlocked(NOON_NS + S))
    rig.outbox.clear()

    rig.actor.handle_control(Resync(address=address, reason="it was restarted"))

    assert rig.sent(m.BreachFound) == []


def test_only_what_is_still_locked_is_sent_again() -> None:
    es = "CON.F.US.EP.Z26"
    both = broken(LockTerms(contract_id=MNQ), LockTerms(contract_id=es))
    says = below(-100, both)
    first = Rig(says)
    first.show("-100")

    again = next_run_of(first, says)
    again.show("-100", account=unlocked(NOON_NS, MNQ))

    (found,) = again.sent(m.BreachFound)
    assert [terms.contract_id for terms in found.breach.locks] == [es]
    assert found.breach.action == Flatten(contract_ids=(es,))
