"""A failing day is cut down to what it takes to fail."""

import msgspec

from risk_actors.fuzz.day import Day, Enter, Kill
from risk_actors.fuzz.draw import draw_day
from risk_actors.fuzz.shrink import shrink
from risk_actors.fuzz.tell import told_day


def busy_day() -> Day:
    return next(
        day
        for day in map(draw_day, range(200))
        if len(day.faults) >= 3
        and len(day.rules) >= 3
        and sum(isinstance(deed, Enter) for deed in day.deeds) >= 3
    )


def test_what_does_not_matter_is_left_out() -> None:
    day = busy_day()
    needed_rule, needed_fault = day.rules[1], day.faults[-1]
    needed_deed = [deed for deed in day.deeds if isinstance(deed, Enter)][1]

    def fails(smaller: Day) -> bool:
        return (
            needed_rule["id"] in [rule["id"] for rule in smaller.rules]
            and needed_fault.kind in [fault.kind for fault in smaller.faults]
            and needed_deed in smaller.deeds
        )

    small = shrink(day, fails, budget_s=60.0)

    assert fails(small)
    assert [rule["id"] for rule in small.rules] == [needed_rule["id"]]
    assert [fault.kind for fault in small.faults] == [needed_fault.kind]
    assert small.deeds == (needed_deed,)
    assert small.news == ()
    assert small.symbols == (needed_deed.symbol,)
    assert [account.id for account in small.accounts] == [needed_deed.account]
    assert small.length_s < day.length_s


def test_it_ends_when_its_time_is_up_with_what_it_has() -> None:
    day, tried = busy_day(), []

    def fails(smaller: Day) -> bool:
        tried.append(smaller)
        return True

    small = shrink(day, fails, budget_s=1.5, clock=lambda: float(len(tried)))

    assert len(tried) == 2
    assert small == tried[-1]


def test_a_day_that_cannot_be_cut_down_stays_as_it_is() -> None:
    day = busy_day()

    assert shrink(day, lambda _smaller: False, budget_s=60.0) == day


def test_a_day_is_told_in_the_order_in_which_things_happen() -> None:
    day = msgspec.structs.replace(
        busy_day(),
        deeds=(
            Kill(at_s=50.0, after_messages=3, down_s=2.0),
            Enter(at_s=20.0, account=101, symbol="MNQ", size=-2),
        ),
        faults=(),
        news=(),
    )

    lines = list(told_day(day))

    assert lines[0].startswith(f"seed {day.seed}: ")
    assert lines[-2].split() == ["20.000", "enter", "account", "101,", "symbol", "MNQ,", "size",
                                 "-2,", "away_ticks", "0"]  # fmt: skip
    assert "kill after_messages 3, down_s 2.0" in lines[-1]
