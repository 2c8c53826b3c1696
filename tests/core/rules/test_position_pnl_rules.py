"""Rules 014 and 015: one position's unrealised P&L against a limit and against a target."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    ES,
    MNQ,
    MS,
    NOON,
    SELL,
    ZN,
    account,
    account_row,
    fill,
    held,
    judge,
    judge_all,
    order,
    position,
    quote,
    restored,
    rule,
    snapshot,
    worth,
)
from core.builders import S as SECOND
from core.desk import RuleDesk

from risk_actors.core.broker import OrderStatus, Quote
from risk_actors.core.pnl_state import PnlState, PositionPnl
from risk_actors.core.verdict import Breached, Flatten, Ok, Unknown, Warned


def max_loss(limit_usd: float = 300, **settings: Any) -> Any:
    return rule("max_unrealized_loss", limit_usd=limit_usd, **settings)


def max_profit(target_usd: float = 300, **settings: Any) -> Any:
    return rule("max_unrealized_profit", target_usd=target_usd, **settings)


def sign_of(make: Any) -> int:
    return -1 if make is max_loss else 1


def open_in(*amounts: tuple[str, Any, int], day: int = 1) -> PnlState:
    """Return an account with an open P&L per contract; each was opened at an instant."""
    positions = tuple(held(2, contract=c, opened_ns=opened_ns) for c, _, opened_ns in amounts)
    valued = tuple(
        PositionPnl(
            contract_id=contract,
            unrealized_usd=None if amount is None else Decimal(str(amount)),
            mark_price=None if amount is None else Decimal(99),
            unknown_reason="MNQ: the last price is stale" if amount is None else None,
        )
        for contract, amount, _ in amounts
    )
    made = worth(50000, None, account=account(*positions), day=day)
    return msgspec.structs.replace(made, positions=valued)


def one(amount: Any, opened_ns: int = 1) -> PnlState:
    return open_in((MNQ, amount, opened_ns))


@pytest.mark.parametrize("make", [max_loss, max_profit])
@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        ("0", Ok),
        ("299.98", Ok),
        ("299.99", Ok),
        ("299.995", Breached),
        ("300", Breached),
        ("300.01", Breached),
        ("9000", Breached),
        ("-9000", Ok),
    ],
)
def test_reaching_the_limit_is_the_breach_and_a_cent_less_is_not(
    make: Any, amount: str, kind: type
) -> None:
    sign = sign_of(make)

    verdict = judge(make(), one(sign * Decimal(amount)))

    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (sign * Decimal(amount), sign * 300)
    assert verdict.contract_id == MNQ


@pytest.mark.parametrize("make", [max_loss, max_profit])
def test_the_contract_is_flattened_and_nothing_is_locked(make: Any) -> None:
    sign = sign_of(make)

    verdict = judge(make(), open_in((ES, sign * 299, 1), (MNQ, sign * 300, 1)))

    assert isinstance(verdict, Breached)
    assert verdict.action == Flatten(contract_ids=(MNQ,))
    assert verdict.locks == ()


def test_positions_do_not_add_up_and_do_not_cancel_out() -> None:
    assert isinstance(judge(max_loss(), open_in((ES, -200, 1), (MNQ, -200, 1))), Ok)
    assert isinstance(judge(max_loss(), open_in((ES, 5000, 1), (MNQ, -300, 1))), Breached)


def test_the_nearest_position_speaks_for_all() -> None:
    verdict = judge(max_loss(), open_in((ES, -20, 1), (MNQ, -250, 1), (ZN, 100, 1)))

    assert isinstance(verdict, Ok)
    assert (verdict.value, verdict.contract_id) == (-250, MNQ)


def test_nothing_open_leaves_the_whole_limit() -> None:
    assert judge(max_loss(), open_in()) == Ok(limit=Decimal("-300.0"), room=Decimal("300.0"))


def test_several_at_once_are_one_breach() -> None:
    verdict = judge(max_loss(), open_in((ES, -300, 1), (MNQ, -400, 1), (ZN, -10, 1)))

    assert isinstance(verdict, Breached)
    assert verdict.action == Flatten(contract_ids=tuple(sorted((ES, MNQ))))


def test_another_position_breaks_it_anew_and_one_that_is_closed_does_not() -> None:
    verdicts = judge_all(
        max_loss(),
        open_in((ES, -300, 1), (MNQ, -100, 2)),
        open_in((ES, -250, 1), (MNQ, -100, 2)),
        open_in((ES, -250, 1), (MNQ, -300, 2)),
        open_in((ES, -250, 1)),
        open_in(),
    )

    first, bounced, both, rest, none = verdicts
    assert [type(verdict) for verdict in verdicts] == [Breached] * 4 + [Ok]
    assert first.cause == bounced.cause != both.cause == rest.cause
    assert bounced.value == -250
    assert bounced.evidence == first.evidence
    assert both.action == Flatten(contract_ids=tuple(sorted((ES, MNQ))))
    assert rest.action == Flatten(contract_ids=(ES,))
    assert isinstance(none, Ok)


def test_a_new_trade_in_the_contract_breaks_it_anew() -> None:
    first, none, fresh, again = judge_all(
        max_loss(), one(-300, 1), open_in(), one(-299, NOON + 99), one(-300, NOON + 99)
    )

    assert isinstance(none, Ok)
    assert isinstance(fresh, Ok)
    assert isinstance(again, Breached)
    assert first.cause != again.cause


def test_another_day_does_not_mend_a_trade() -> None:
    first, second = judge_all(max_loss(), one(-300), open_in((MNQ, -10, 1), day=2))

    assert isinstance(second, Breached)
    assert first.cause == second.cause


def test_what_is_not_known_is_unknown_unless_another_position_is_broken() -> None:
    unknown = judge(max_loss(), open_in((MNQ, None, 1), (ES, -10, 1)))
    broken = judge(max_loss(), open_in((MNQ, None, 1), (ES, -300, 1)))

    assert isinstance(unknown, Unknown)
    assert unknown.evidence.sentence() == (
        "A position's P&L is unknown: MNQ: the last price is stale"
    )
    assert isinstance(broken, Breached)


@pytest.mark.parametrize("known", [None, account(is_reconciled=False)])
def test_positions_not_yet_read_are_unknown_never_ok(known: Any) -> None:
    assert isinstance(judge(max_loss(), worth(50000, account=known)), Unknown)


@pytest.mark.parametrize("make", [max_loss, max_profit])
@pytest.mark.parametrize(
    ("amount", "fraction"), [("149.99", None), ("150", 0.5), ("239.99", 0.5), ("240", 0.8)]
)
def test_a_warning_is_of_the_position_and_comes_at_its_fraction(
    make: Any, amount: str, fraction: float | None
) -> None:
    verdict = judge(make(warn_at=[0.8, 0.5]), one(sign_of(make) * Decimal(amount)))

    assert getattr(verdict, "fraction", None) == fraction
    if isinstance(verdict, Warned):
        assert verdict.contract_id == MNQ
        assert MNQ in verdict.cause


def test_a_warning_of_another_trade_is_another_warning() -> None:
    judging = max_loss(warn_at=[0.5])

    first, second = (judge(judging, one(-200, opened_ns)) for opened_ns in (1, 2))

    assert first.cause != second.cause


def test_the_evidence_tells_contract_figures_and_time() -> None:
    breach = judge(max_loss(), one("-312.5"))
    near = judge(max_profit(warn_at=[0.5]), one(200))

    assert breach.evidence.sentence() == (
        "MNQ: unrealised P&L -312.50 reached the limit of -300.00 at 18:00:00 UTC:"
        " 2 long from 100, marked at 99"
    )
    assert near.evidence.sentence() == ("MNQ: unrealised P&L 200.00 is near the target of 300.00")


def test_what_it_remembers_outlives_a_restart() -> None:
    judging = max_loss()
    state, before = judging.evaluate(None, one(-300), NOON)

    after_state, after = judging.evaluate(restored(judging, state), one(-100), NOON + SECOND)

    assert isinstance(after, Breached)
    assert (after.cause, after.evidence) == (before.cause, before.evidence)
    assert after_state == state


def test_two_accounts_have_broken_trades_of_their_own() -> None:
    judging = max_loss()
    state, _ = judging.evaluate(judging.initial_state(), one(-300), NOON)

    assert state is not None
    assert isinstance(judging.evaluate(judging.initial_state(), one(-100), NOON)[1], Ok)


def test_the_summaries_are_sentences_with_the_effective_figures() -> None:
    assert max_loss(250.5).summary() == (
        "When the unrealised P&L of one position reaches -$250.50, flatten that contract."
    )
    assert max_profit(1250).summary() == (
        "When the unrealised P&L of one position reaches $1,250.00, flatten that contract."
    )


# --- on the broker's facts ------------------------------------------------------------------


def bid(price: float) -> Quote:
    return quote(MNQ, bid=price, ask=price + 0.25)


def test_a_trade_is_told_by_its_fills_and_a_reversal_begins_another() -> None:
    desk = RuleDesk(max_loss())
    first = desk.see(bid(20000), fill(1, 1, 20000), position(1, 20000), bid(19850.25), bid(19850))
    # Reversed by hand: short 1 from 19,850, which is a trade of its own.
    reversal = (fill(2, -2, 19850, profit=-300), position(-1, 19850))

    turned = desk.see(*reversal)
    again = desk.see(quote(MNQ, bid=19999.75, ask=20000))

    assert isinstance(first, Breached)
    assert isinstance(turned, Ok)
    assert isinstance(again, Breached)
    assert first.cause != again.cause


@pytest.mark.parametrize(
    "rows",
    list(
        itertools.permutations(
            (
                fill(2, -1, 19850, profit=-300),
                position(0, 20000),
                order(1002, SELL, 1, status=OrderStatus.FILLED, filled=1),
                account_row(49700),
            )
        )
    ),
)
def test_the_breach_stands_until_the_fill_that_closed_it_and_is_one(rows: tuple[Any, ...]) -> None:
    desk = RuleDesk(max_loss())
    desk.see(bid(20000), fill(1, 1, 20000), position(1, 20000), bid(19850))
    causes = {desk.verdicts[-1].cause}

    desk.see(bid(19900), *rows)

    broken = [verdict for verdict in desk.verdicts if isinstance(verdict, Breached)]
    assert {verdict.cause for verdict in broken} == causes
    assert desk.state is None
    assert isinstance(desk.verdicts[-1], Ok)


def test_a_fill_that_is_still_due_makes_its_contract_unknown() -> None:
    desk = RuleDesk(max_loss())
    desk.see(bid(20000), fill(1, 1, 20000), position(1, 20000))

    verdict = desk.see(order(7, BUY, 1, status=OrderStatus.FILLED, filled=1), bid(19800))

    assert isinstance(verdict, Unknown)
    assert verdict.evidence.sentence() == (
        "A position's P&L is unknown: MNQ: fills have not come yet"
    )


def test_a_start_with_a_position_of_an_earlier_week_judges_it() -> None:
    desk = RuleDesk(max_loss())
    read = snapshot(desk.now_ns + MS, positions=(position(1, 20000, opened_ns=5),))

    verdict = desk.see(bid(19850), read)

    assert isinstance(verdict, Breached)
    assert isinstance(desk.see(bid(19990)), Breached)
    assert isinstance(desk.see(position(0, 20000), fill(9, -1, 19990, profit=-10)), Ok)
