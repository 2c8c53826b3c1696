"""What the checks allow, and not more: by plain inputs on a stage where nothing happens."""

from decimal import Decimal

import msgspec

from risk_actors import messages as m
from risk_actors.actors.picture import PositionPicture
from risk_actors.actors.record import Entry
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Breached, Flatten
from risk_actors.fuzz.broker import MS, S
from risk_actors.fuzz.check_flat import FlatCheck
from risk_actors.fuzz.check_prices import PriceCheck
from risk_actors.fuzz.check_rules import RuleCheck
from risk_actors.fuzz.day import AccountPlan, Day
from risk_actors.fuzz.sight import Told, Truth
from risk_actors.fuzz.stage import CHECKED_BY, Stage
from risk_actors.simulator.records import Side, Trade

ACCOUNT = 101
MONDAY_NS = 1_794_870_000 * S
"""2026-11-16, 17:00 in Chicago: a trading day begins."""
NOON_NS = MONDAY_NS + 19 * 3600 * S
SAYS = Evidence(template="so it is")
EVENT = m.Tick(correlation_id="x", at_ns=NOON_NS)


def stage() -> Stage:
    """Return a guard of one account under a daily loss limit, at noon."""
    quiet = Stage(
        Day(
            seed=1,
            start_ns=NOON_NS,
            length_s=60.0,
            symbols=("MES",),
            accounts=(AccountPlan(id=ACCOUNT, name="PA-101", balance_usd=50_000.0),),
            rules=({"id": "loss", "type": "daily_loss_limit", "limit_usd": 300.0},),
        )
    )
    quiet.settle()
    return quiet


def entry(message: m.Message) -> Entry:
    return Entry(message.at_ns, "x", type(message).__name__, ACCOUNT, "", message)


# --- I3 -------------------------------------------------------------------------------------


def ends_too_early(*, is_killed: bool, is_found_again: bool = False) -> list[tuple[str, str]]:
    """Return what is found where an enforcement ends while a position stays open."""
    quiet = stage()
    truth, told = Truth(), Told()
    truth.put(ACCOUNT, quiet.contract_ids["MES"], NOON_NS - 60 * S, size=1)
    told.put(ACCOUNT, quiet.contract_ids["MES"], NOON_NS - 60 * S, size=1)
    check = FlatCheck(truth, told, quiet)
    check.take(entry(breach(NOON_NS - 50 * S)))
    if is_killed:
        check.reborn()
    if is_found_again:
        check.take(entry(breach(NOON_NS - 5 * S)))
    ended = m.EnforcementChanged(
        correlation_id="x",
        at_ns=NOON_NS,
        account_id=ACCOUNT,
        phase=m.EnforcementPhase.FLAT_OBSERVED,
        cause="size",
        detail="no more than allowed is open",
        took_ns=S,
    )
    return check.take(entry(ended))


def breach(at_ns: int) -> m.BreachFound:
    breached = Breached(value=None, limit=None, evidence=SAYS, cause="c", action=Flatten())
    return m.BreachFound(
        correlation_id="x",
        at_ns=at_ns,
        rule_id="news",
        account_id=ACCOUNT,
        breach=breached,
        event=EVENT,
    )


def test_i3_a_goal_dies_with_the_process_that_had_it() -> None:
    assert ends_too_early(is_killed=True) == []


def test_i3_a_goal_of_the_process_that_ends_it_is_to_be_met() -> None:
    assert [invariant for invariant, _ in ends_too_early(is_killed=False)] == ["I3"]
    assert ends_too_early(is_killed=True, is_found_again=True)


# --- rules ----------------------------------------------------------------------------------


def stands(*locks: Lock) -> list[tuple[str, str]]:
    """Return what is found where the day lost 400, under the locks of the store."""
    quiet = stage()
    quiet.store.locks.saved.update({lock.id: lock for lock in locks})
    quiet.broker.exchange.trades.append(
        Trade(
            id=1,
            account_id=ACCOUNT,
            contract_id=quiet.contract_ids["MES"],
            created_ns=NOON_NS - 60 * S,
            price=Decimal(6000),
            size=1,
            side=Side.SELL,
            order_id=1,
            pnl_usd=Decimal(-400),
            fees_usd=Decimal(0),
            commissions_usd=Decimal(0),
        )
    )
    check = RuleCheck(Truth(), Told(), quiet)
    first = check.look(NOON_NS, [ACCOUNT])
    return first + check.look(NOON_NS + 6 * S, [ACCOUNT])


def lock_of_sunday(until_ns: int) -> Lock:
    since_ns = CHECKED_BY.week(NOON_NS).start_ns
    return Lock(
        id=1,
        account_id=ACCOUNT,
        contract_id=None,
        rule_id="loss",
        since_ns=since_ns,
        until_ns=until_ns,
        evidence=SAYS,
        correlation_id="x",
    )


def test_a_lock_that_outlasts_its_day_is_the_lock_of_the_next_one_too() -> None:
    assert stands(lock_of_sunday(CHECKED_BY.week(NOON_NS).end_ns)) == []


def test_a_loss_without_a_lock_that_stands_is_found() -> None:
    over = lock_of_sunday(MONDAY_NS + S)
    other = msgspec.structs.replace(
        lock_of_sunday(CHECKED_BY.week(NOON_NS).end_ns), rule_id="giveback"
    )

    assert stands()
    assert stands(over)
    assert stands(other)


# --- I7 -------------------------------------------------------------------------------------


def shown_by_a_price(*pulses_ns: int, looks_ns: tuple[int, ...]) -> list[str]:
    """Return what is found of a position that is priced by a quote of NOON_NS."""
    quiet = stage()
    told = Told()
    contract_id = quiet.contract_ids["MES"]
    told.quoted_ns[contract_id] = NOON_NS
    position = PositionPicture(
        contract=contract_id,
        symbol="MES",
        size=1,
        average_price=6000.0,
        unrealized=-1.25,
        opened_at="2026-11-17T18:00:00.000+00:00",
    )
    check, found = PriceCheck(Truth(), told, quiet), []
    for at_ns in sorted({*pulses_ns, *looks_ns}):
        quiet.clock.advance(at_ns - quiet.clock.now_ns())
        if at_ns in pulses_ns:
            quiet.pulse()
        accounts = tuple(
            msgspec.structs.replace(account, positions=(position,))
            for account in quiet.frame.picture.accounts
        )
        picture = quiet.frame.picture
        quiet.frame.picture = msgspec.structs.replace(picture, accounts=accounts)
        found += [name for name, _ in check.look(at_ns) if at_ns in looks_ns]
        quiet.frame.picture = picture
    return found


def test_i7_a_price_may_be_shown_until_the_tick_after_it_went_stale() -> None:
    stale_ns = NOON_NS + 11_100 * MS
    pulses_ns = (NOON_NS + 9 * S, stale_ns)

    assert shown_by_a_price(*pulses_ns, looks_ns=(stale_ns, stale_ns + 30 * MS)) == []


def test_i7_a_price_that_is_shown_after_that_tick_is_found() -> None:
    stale_ns = NOON_NS + 11_100 * MS
    next_ns = stale_ns + 100 * MS
    pulses_ns = (NOON_NS + 9 * S, stale_ns, next_ns)

    assert shown_by_a_price(*pulses_ns, looks_ns=(next_ns,)) == ["I7"]
