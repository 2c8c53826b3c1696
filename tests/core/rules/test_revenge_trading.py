"""Rule 012: after a big loss, an oversized entry or too many entries lock the account."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from core.builders import ES, MES, MNQ, NQ, account, at, judge, rule
from core.tape import Tape, at_s

from risk_actors.core.rules.measure import Unit
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown

RESET = at(2026, 11, 17, 17)


def revenge(loss_usd: float = 100, window_s: float = 60, **settings: Any) -> Any:
    return rule("revenge_trading", loss_usd=loss_usd, window_s=window_s, **settings)


def lost(net: str | float = -100, *, size: int = 2, contract: str = MNQ) -> Tape:
    """Return a tape on which a trade of this size lost, closed ten seconds after noon."""
    return Tape().trade(0, 10, net, size=size, contract=contract)


@pytest.mark.parametrize(
    ("net", "kind"),
    [("-99.98", Ok), ("-99.99", Ok), ("-99.995", Breached), ("-100", Breached), ("500", Ok)],
)
def test_only_a_loss_that_is_big_enough_opens_a_window(net: str, kind: type) -> None:
    tape = lost(net).fill(20, 5)

    assert type(judge(revenge(size_factor=1.5), tape.account(), at_s(20))) is kind


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [(10, Breached), (69.999999999, Breached), (70, Ok), (500, Ok)],
)
def test_the_window_has_its_start_and_not_its_end(seconds: float, kind: type) -> None:
    by_size = judge(revenge(size_factor=1), lost().fill(seconds, 3).account(), at_s(500))
    by_count = judge(
        revenge(max_entries=1), lost().fill(10, 1).fill(seconds, 1).account(), at_s(500)
    )

    assert type(by_size) is kind
    assert type(by_count) is kind


@pytest.mark.parametrize(
    ("factor", "size", "kind"),
    [
        (1, 2, Ok),
        (1, 3, Breached),
        (1.5, 3, Ok),
        (1.5, 4, Breached),
        (0.5, 1, Ok),
        (0.5, 2, Breached),
    ],
)
def test_an_entry_bigger_than_the_factor_breaks_it_and_one_as_big_does_not(
    factor: float, size: int, kind: type
) -> None:
    tape = lost().fill(20, -size)

    assert type(judge(revenge(size_factor=factor), tape.account(), at_s(20))) is kind


@pytest.mark.parametrize(
    ("lost_contract", "lost_size", "contract", "size", "kind"),
    [
        (NQ, 1, MNQ, 10, Ok),
        (NQ, 1, MNQ, 11, Breached),
        (NQ, 1, MES, 11, Breached),
        (MNQ, 10, NQ, 1, Ok),
        (MNQ, 9, NQ, 1, Breached),
        (MNQ, 20, ES, 3, Breached),
        (NQ, 2, ES, 2, Ok),
        (MNQ, 2, MES, 2, Ok),
        # A product that the catalogue lacks counts in full.
        (MNQ, 9, "CON.F.US.XYZ.Z26", 1, Breached),
    ],
)
def test_ten_micros_count_as_one_contract(
    lost_contract: str, lost_size: int, contract: str, size: int, kind: type
) -> None:
    tape = lost(size=lost_size, contract=lost_contract).fill(20, size, contract=contract)

    assert type(judge(revenge(size_factor=1), tape.account(), at_s(20))) is kind


def test_the_losing_trade_counts_with_its_largest_size() -> None:
    tape = Tape().fill(0, 1).fill(1, 3).fill(2, -3, profit="-50").fill(3, -1, profit="-50")

    assert isinstance(judge(revenge(size_factor=1), tape.fill(4, 4).account(), at_s(5)), Ok)
    assert isinstance(judge(revenge(size_factor=1), tape.fill(5, 5).account(), at_s(5)), Breached)


def test_partial_fills_of_one_order_make_one_entry_that_grows() -> None:
    tape = lost().fill(20, 2, order_id=7)
    judging = revenge(size_factor=1, max_entries=1)

    assert isinstance(judge(judging, tape.account(), at_s(21)), Ok)
    assert isinstance(judge(judging, tape.fill(22, 1, order_id=7).account(), at_s(22)), Breached)


def test_a_reversal_enters_with_what_goes_beyond_the_close() -> None:
    judging = revenge(size_factor=1)
    as_big = Tape().fill(0, 2).fill(10, -4, profit="-100")
    bigger = Tape().fill(0, 2).fill(10, -5, profit="-100")

    assert isinstance(judge(judging, as_big.account(), at_s(10)), Ok)
    assert isinstance(judge(judging, bigger.account(), at_s(10)), Breached)


def test_an_entry_of_the_instant_of_the_loss_but_before_it_does_not_follow_it() -> None:
    tape = Tape().fill(0, 1).fill(10, 5, contract=ES).fill(10, -1, profit="-100")

    assert isinstance(judge(revenge(size_factor=1), tape.account(), at_s(11)), Ok)


@pytest.mark.parametrize(("entries", "kind"), [(1, Ok), (2, Ok), (3, Breached)])
def test_one_entry_more_than_allowed_breaks_it(entries: int, kind: type) -> None:
    tape = lost()
    for number in range(entries):
        tape.trade(20 + number, 20.5 + number, 5)

    verdict = judge(revenge(max_entries=2), tape.account(), at_s(30))

    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (entries, 2)


def test_it_locks_for_its_time_from_the_entry_and_flattens() -> None:
    judging, state = revenge(size_factor=1, lock_s=30), lost().fill(20, 3).account()

    breach = judge(judging, state, at_s(21))

    assert isinstance(breach, Breached)
    assert breach.action == Flatten()
    assert breach.locks == (LockTerms(end=LockEnd.INSTANT, until_ns=at_s(50)),)
    assert judging.next_look_ns(None, state, at_s(21)) == at_s(50)
    assert judge(judging, state, at_s(50) - 1) == breach
    assert isinstance(judge(judging, state, at_s(50)), Ok)
    assert judging.next_look_ns(None, state, at_s(50)) == at_s(70)
    assert judging.next_look_ns(None, state, at_s(70)) == RESET


def test_without_a_time_it_locks_until_the_reset() -> None:
    judging, state = revenge(size_factor=1), lost().fill(20, 3).account()

    breach = judge(judging, state, at_s(21))

    assert isinstance(breach, Breached)
    assert breach.locks == (LockTerms(),)
    assert judge(judging, state, RESET - 1) == breach
    assert isinstance(judge(judging, state, RESET), Ok)


def test_another_entry_is_another_cause() -> None:
    judging = revenge(size_factor=1, lock_s=5)
    one = judge(judging, lost().trade(20, 21, 0, size=3).account(), at_s(21))
    two = judge(judging, lost().trade(20, 21, 0, size=3).fill(40, 3).account(), at_s(41))

    assert isinstance(one, Breached)
    assert isinstance(two, Breached)
    assert one.cause != two.cause
    assert two.locks[0].until_ns == at_s(45)


def test_every_big_loss_opens_a_window_of_its_own() -> None:
    tape = lost(size=5).trade(30, 40, -100, size=1)

    # 2 is less than the first loss's size, and more than the second's.
    assert isinstance(judge(revenge(size_factor=1), tape.account(), at_s(41)), Ok)
    assert isinstance(judge(revenge(size_factor=1), tape.fill(50, 2).account(), at_s(51)), Breached)


def test_what_happened_under_a_lock_does_not_count() -> None:
    by_lock = Tape().locked(0, 15).trade(1, 10, -500).fill(20, 5)
    entered = lost().locked(15, 60).fill(20, 5)

    assert isinstance(judge(revenge(size_factor=1), by_lock.account(), at_s(21)), Ok)
    assert isinstance(judge(revenge(size_factor=1), entered.account(), at_s(21)), Ok)


def test_an_unknown_result_is_unknown_while_it_may_matter() -> None:
    judging = revenge(size_factor=1, lock_s=30)
    silent = Tape().fill(0, 1).fill(10, -1)

    assert isinstance(judge(judging, silent.account(), at_s(11)), Unknown)
    assert isinstance(judge(judging, silent.account(), at_s(70) - 1), Unknown)
    assert isinstance(judge(judging, silent.account(), at_s(70)), Ok)
    entered = silent.fill(69, 2).account()
    assert isinstance(judge(judging, entered, at_s(99) - 1), Unknown)
    assert isinstance(judge(judging, entered, at_s(99)), Ok)


def test_any_order_a_fact_twice_and_a_restart_change_nothing() -> None:
    tape = Tape().fill(0, 2).fill(10, -5, profit="-100").fill(11, -1).fill(12, -1, contract=ES)
    judging = revenge(size_factor=1, max_entries=2, lock_s=60)
    expected = judge(judging, tape.account(), at_s(20))

    assert isinstance(expected, Breached)
    for order in permutations(range(4)):
        assert judge(judging, tape.account(order=order), at_s(20)) == expected
    assert judge(judging, tape.account(), at_s(20)) == expected
    assert judge(judging, tape.restarted(at_s(30)), at_s(30)) == expected


def test_accounts_do_not_share_a_loss() -> None:
    judging = revenge(size_factor=1)
    other = msgspec.structs.replace(Tape().fill(20, 3).account(), account_id=202)

    assert isinstance(judge(judging, lost().fill(20, 3).account(), at_s(21)), Breached)
    assert isinstance(judge(judging, other, at_s(21)), Ok)


def test_fills_not_read_are_unknown_never_ok() -> None:
    assert isinstance(judge(revenge(size_factor=1), account(is_reconciled=False)), Unknown)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"size_factor": 1.5},
            (
                "An entry of 4 MNQ at 18:00:20 UTC followed the loss of -1,234.50 at 18:00:10 UTC"
                " of 2 MNQ: more than 1.5 times its size"
            ),
        ),
        (
            {"max_entries": 1},
            (
                "An entry of 1 MES at 18:00:21 UTC followed the loss of -1,234.50 at 18:00:10"
                " UTC: entry 2, 1 are allowed"
            ),
        ),
    ],
)
def test_the_evidence_has_entry_and_loss(settings: dict[str, Any], sentence: str) -> None:
    tape = lost("-1234.5").fill(20, 4).fill(21, 1, contract=MES)

    breach = judge(revenge(**settings), tape.account(), at_s(30))

    assert isinstance(breach, Breached)
    assert breach.evidence.sentence() == sentence


def test_only_a_count_has_a_figure() -> None:
    assert revenge(size_factor=1).measure.unit is Unit.NONE
    assert revenge(max_entries=1).measure.unit is Unit.ENTRIES
    assert judge(revenge(size_factor=1), lost().account(), at_s(20)) == Ok()


def test_a_rule_that_looks_at_nothing_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="give `size_factor`, `max_entries` or both"):
        revenge()


def test_the_summary_is_a_sentence_with_the_effective_figures() -> None:
    assert revenge(size_factor=1.0, max_entries=2, lock_s=1800).summary() == (
        "Within 60 s after a trade that lost $100.00 or more, an entry of more than 1 times its"
        " size or more than 2 entries will flatten and lock the account for 1800 s."
    )
