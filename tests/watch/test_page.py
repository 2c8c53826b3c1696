"""What stands on the terminal, whatever its size."""

import re

import msgspec
import pytest

from risk_actors.actors.picture import (
    AlertChannelPicture,
    BalanceCheckPicture,
    ConnectionPicture,
    LockPicture,
    Picture,
    PricesPicture,
    SchedulePicture,
    UnlockPicture,
    WeekPicture,
)
from risk_actors.cli.watch_page import draw, plain_page
from risk_actors.core.schedules import DAILY_RESET
from risk_actors.watch.api import Answer, Fate
from risk_actors.watch.drawn import Drawn, Size, changed_lines
from risk_actors.watch.look import Look, Panic, View
from risk_actors.watch.sight import Moment, Sight, Way
from tests.cli.conftest import ACCOUNT, LOCK, LOCKED, NOW, OPEN, PICTURES, RULES, many

MOMENT = Moment(5_000.0, NOW.timestamp())
SIZES = [Size(1, 1), Size(20, 5), Size(40, 12), Size(80, 24), Size(120, 40), Size(200, 60)]
SMALL, USUAL = Size(40, 12), Size(80, 24)


def drawn(
    picture: Picture | None, size: Size = USUAL, *, age_s: float = 0, **more: object
) -> Drawn:
    look = more.pop("look", Look())
    heard = None if picture is None else Moment(MOMENT[0] - age_s, MOMENT[1] - age_s)
    given = {"way": Way.LIVE, "picture": picture, "heard": heard, **more}
    return draw(Sight(**given), look, MOMENT, size)  # type: ignore[arg-type]


def text_of(seen: Drawn) -> str:
    return "\n".join(line.plain.rstrip() for line in seen.lines)


def words_of(seen: Drawn) -> str:
    return " ".join(text_of(seen).split())


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_fills_every_terminal_exactly(name: str, view: View, size: Size) -> None:
    for age_s in (0, 60):
        seen = drawn(PICTURES[name], size, age_s=age_s, look=Look(view=view))
        assert len(seen.lines) == size.height
        assert {line.cell_len for line in seen.lines} == {size.width}


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("open", "✓ ARMED PAPER"),
        ("locked", "■ LOCKED PAPER ✓ ARMED"),
        ("not armed", "◐ SHADOW PAPER □ WOULD BE LOCKED"),
        ("degraded", "▲ DEGRADED LIVE ◐ SHADOW"),
        ("blind", "⊘ CANNOT ACT PAPER"),
        ("enforcing", "✓ ARMED PAPER ▶ ENFORCING"),
        ("empty", "… STARTING PAPER"),
        ("three", "■ LOCKED 1 OF 3 PAPER ✓ ARMED"),
    ],
)
def test_the_worst_state_comes_first_on_the_smallest_terminal(name: str, state: str) -> None:
    assert words_of(drawn(PICTURES[name], SMALL)).startswith(state)


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("top", [0, 5, 10_000])
def test_state_and_reason_of_a_lock_never_scroll_away(view: View, top: int) -> None:
    shown = words_of(drawn(LOCKED, SMALL, look=Look(view=view, top=top)))

    assert "until 17:00:00 CST in 6:28:53 by daily-loss" in shown
    assert LOCK.reason in shown


def test_the_countdown_runs_without_news() -> None:
    sight = Sight(way=Way.LIVE, picture=LOCKED, heard=MOMENT)
    later = Moment(MOMENT.monotonic_s + 2, MOMENT.wall_s + 2)

    assert "in 6:28:51" in words_of(draw(sight, Look(), later, SMALL))


def test_a_daemon_whose_clock_differs_counts() -> None:
    assert "in 6:18:53" in words_of(drawn(LOCKED, SMALL, skew_s=600.0))


@pytest.mark.parametrize("size", SIZES[2:], ids=str)
@pytest.mark.parametrize("way", [Way.LIVE, Way.POLLING, Way.GONE, Way.REFUSED])
def test_what_is_old_is_marked_and_dated(way: Way, size: Size) -> None:
    """A stream that fell silent is as old as one that broke."""
    seen = drawn(LOCKED, size, age_s=75, way=way)
    shown = words_of(seen).replace("G O N E", "GONE").replace("N O T L E T I N", "NOT LET IN")

    assert "All below is of 10:29:52 CST, 0:01:15 old" in shown
    assert ("NOT LET IN" if way is Way.REFUSED else "GONE") in shown
    assert "WAS LOCKED" in shown
    assert "WAS ARMED" in shown
    assert "✓ ok" not in shown
    assert not re.search(r"(?<!was )(?<!WAS )LOCKED", shown)


def test_what_is_old_has_no_colour_of_now() -> None:
    seen = drawn(OPEN, Size(100, 60), age_s=75)
    page = [line for line in seen.lines if re.search(r"· was|closed|SHORT|BUY", line.plain)]

    assert len(page) == 3 + len(RULES)
    assert {span.style for line in page for span in line.spans} <= {"dim"}


def test_figures_of_four_seconds_are_old_however_the_clocks_went() -> None:
    sight = Sight(way=Way.LIVE, picture=OPEN, heard=MOMENT)

    assert not sight.is_old(Moment(MOMENT.monotonic_s + 3, MOMENT.wall_s + 3))
    assert sight.is_old(Moment(MOMENT.monotonic_s + 4, MOMENT.wall_s - 3_600))
    assert sight.is_old(Moment(MOMENT.monotonic_s, MOMENT.wall_s + 4))


def test_before_the_first_picture_it_says_what_it_waits_for() -> None:
    assert "CONNECTING" in words_of(drawn(None, SMALL, way=Way.SEEKING))
    gone = words_of(drawn(None, SMALL, way=Way.GONE, fault="nothing answers on port 1"))
    assert "GONE nothing answers on port 1" in gone


@pytest.mark.parametrize("width", [40, 80, 120])
def test_an_account_has_everything_that_counts(width: int) -> None:
    account = msgspec.structs.replace(ACCOUNT, week=WeekPicture(realized=-700.0))
    picture = msgspec.structs.replace(OPEN, accounts=(account,))
    shown = words_of(drawn(picture, Size(width, 90)))

    for part in (
        "Day P&L -312.50",
        "Week closed -700.00",
        "187.50 left to daily-loss",
        "SHORT 2 MNQ @ 21,034.25 -100.00 for 0:02:55",
        "BUY 2 MNQ stop 21,060.00",
        "-312.50 / -500.00",
        "62%",
        "! warning",
        "(shadow)",
        "flat observed after 180 ms",
    ):
        assert part in shown


def test_sums_are_unknown_as_soon_as_one_part_is() -> None:
    first, *rest = many(2).accounts
    unread = msgspec.structs.replace(first, day=PICTURES["unknown"].accounts[0].day)
    picture = msgspec.structs.replace(many(2), accounts=(unread, *rest))

    assert "All: day -625.00 open -200.00" in words_of(drawn(many(2)))
    assert "All: day unknown open unknown" in words_of(drawn(picture))


def test_nothing_is_hidden_without_a_word() -> None:
    reasons = tuple(
        msgspec.structs.replace(LOCK, id=number, reason=f"reason number {number} " * 5)
        for number in range(1, 4)
    )
    accounts = tuple(
        msgspec.structs.replace(ACCOUNT, id=number, name=f"50K-{number}", locks=(lock,))
        for number, lock in enumerate(reasons, start=1)
    )
    picture = msgspec.structs.replace(OPEN, accounts=accounts, rules=RULES)

    assert "more lines: s shows all" in words_of(drawn(picture, SMALL))
    assert re.search(r"overview ↓\d+$", text_of(drawn(picture, SMALL)))
    system = words_of(drawn(picture, Size(40, 200), look=Look(view=View.SYSTEM)))
    assert all(lock.reason.strip() in system for lock in reasons)


def test_scrolling_ends_with_the_page() -> None:
    seen = drawn(OPEN, SMALL, look=Look(top=10_000))

    assert 0 < seen.top < 10_000
    assert "↓" not in seen.lines[-1].plain
    assert f"↑{seen.top}" in seen.lines[-1].plain


def test_the_question_names_whom_and_until_when() -> None:
    reset = SchedulePicture(
        name=DAILY_RESET,
        cron="0 17 * * *",
        zone="America/Chicago",
        last="2026-11-19T23:00:00.000+00:00",
        next="2026-11-20T23:00:00.000+00:00",
    )
    three = msgspec.structs.replace(many(3), schedules=(reset,))
    one = words_of(drawn(three, SMALL, look=Look(panic=Panic(account=2))))
    everyone = words_of(drawn(three, look=Look(panic=Panic(account=None))))

    assert "flatten and lock 50K-2?" in one
    assert "locks 50K-2 until the daily reset, 17:00:00 CST (in 6:28:53)" in one
    assert "all 3 accounts (50K-1, 50K-2, 50K-3)" in everyone
    assert "y yes n no" in one


@pytest.mark.parametrize(
    ("fate", "said", "by_hand"),
    [
        (Fate.TAKEN, "PANIC TAKEN for 50KTC-SIM-101", False),
        (Fate.REFUSED, "PANIC REFUSED: nothing was done", True),
        (Fate.SILENT, "NO ANSWER: it may or may not have been taken", True),
        (Fate.UNREACHED, "PANIC NOT SENT: nothing was done", True),
    ],
)
def test_what_became_of_a_panic_is_said_with_what_to_do(
    fate: Fate, said: str, by_hand: bool
) -> None:
    panic = Panic(account=101, is_sent=True, answer=Answer(fate, "so it is"))
    shown = words_of(drawn(OPEN, SMALL, look=Look(panic=panic)))

    assert said in shown
    assert "so it is" in shown
    assert ("cancel and close there" in shown) is by_hand


def test_a_lock_of_one_contract_is_only_partly_one() -> None:
    held: LockPicture = msgspec.structs.replace(LOCK, scope="CON.F.US.MNQ.Z26")
    account = msgspec.structs.replace(ACCOUNT, locks=(held,))
    shown = words_of(drawn(msgspec.structs.replace(OPEN, accounts=(account,)), SMALL))

    assert shown.startswith("■ PARTLY LOCKED")
    assert "■ LOCKED MNQ" in shown


def test_events_can_be_those_of_enforcement_alone() -> None:
    events = (*OPEN.events, msgspec.structs.replace(OPEN.events[0], kind="connection", text="up"))
    picture = msgspec.structs.replace(OPEN, events=events)
    every = words_of(drawn(picture, look=Look(view=View.EVENTS)))
    some = words_of(drawn(picture, look=Look(view=View.EVENTS, is_enforcement_only=True)))

    assert "connection" in every
    assert "connection" not in some
    assert "close 2 MNQ" in some


def test_only_lines_that_differ_are_painted() -> None:
    one, other = drawn(OPEN), drawn(LOCKED)

    assert changed_lines(one.lines, drawn(OPEN).lines) == []
    assert 0 in changed_lines(one.lines, other.lines)
    assert changed_lines([], one.lines) == list(range(USUAL.height))


@pytest.mark.parametrize("name", PICTURES)
def test_the_plain_page_has_every_account(name: str) -> None:
    picture = PICTURES[name]
    page = "\n".join(line.plain for line in plain_page(picture, MOMENT, 120))

    assert all(account.name in page for account in picture.accounts)
    assert "what happened" in page
    assert "user hub" in page


@pytest.mark.parametrize(
    ("picture", "panic", "age_s", "said"),
    [
        (OPEN, Panic(account=101), 60, "The guard does not answer: it may not arrive."),
        (PICTURES["degraded"], Panic(account=101), 0, "NOT ARMED and will refuse"),
        (OPEN, Panic(account=101, is_sent=True), 0, "sent, waiting for the answer"),
        (OPEN, Panic(account=999), 0, "flatten and lock account 999? Cancels"),
    ],
)
def test_the_question_says_what_may_come_of_it(
    picture: Picture, panic: Panic, age_s: float, said: str
) -> None:
    assert said in words_of(drawn(picture, age_s=age_s, look=Look(panic=panic)))


def test_an_enforcement_that_was_under_way_is_of_then() -> None:
    shown = words_of(drawn(PICTURES["enforcing"], age_s=60))

    assert "▶ was enforcing daily-loss" in shown
    assert "▶ WAS ENFORCING" in shown
    assert "▶ ENFORCING" not in shown


def test_a_request_to_end_a_lock_and_a_strange_balance_are_told() -> None:
    waiting = UnlockPicture(due="2026-11-20T16:41:07.000+00:00", reason="please")
    account = msgspec.structs.replace(
        ACCOUNT,
        locks=(msgspec.structs.replace(LOCK, unlock=waiting),),
        balance_check=BalanceCheckPicture(expected=49_000.0, told=49_587.5, unexplained=587.5),
    )
    shown = words_of(drawn(msgspec.structs.replace(OPEN, accounts=(account,))))

    assert "unlock takes effect at 10:41:07 CST, in 0:10:00 (please)" in shown
    assert "+587.50 is unexplained" in shown


def test_the_system_page_tells_what_is_down_and_which_alerts_fail() -> None:
    channel = AlertChannelPicture(
        name="phone",
        url="ntfy://…",
        min_severity="critical",
        sent=3,
        failed=2,
        waiting=1,
        dropped=4,
        is_failing=True,
        last_sent="2026-11-20T16:00:00.000+00:00",
        last_failure="no route",
    )
    picture = msgspec.structs.replace(
        PICTURES["degraded"],
        connection=ConnectionPicture(
            user_hub=True,
            rest=True,
            fallback="bars",
            second_line=False,
            since="2026-11-20T16:30:55.000+00:00",
        ),
        prices=PricesPicture(dropped={"crossed": 2}, waiting=("CON.F.US.MNQ.Z26",)),
        alerts=(channel,),
        notices=("the store was made anew",),
        settings_fault="risk.toml:3: unknown key",
        pending=("daily-loss waits",),
    )
    page = drawn(picture, Size(80, 60), look=Look(view=View.SYSTEM), skew_s=-7.0)
    shown = words_of(page)

    for part in (
        "market hub ✗ DOWN",
        "second line ! down",
        "fallback bars",
        "since 10:30:55 CST",
        "its clock is -7 s from this machine's",
        "▲ the store was made anew",
        "▲ risk.toml:3: unknown key",
        "▲ daily-loss waits",
        "phone ✗ failing 3 sent 2 failed 1 waiting 4 lost no route last 10:00:00 CST",
        "dropped: 2 crossed",
        "waiting for a second witness: MNQ",
    ):
        assert part in shown
    assert "✓ up" not in words_of(drawn(picture, age_s=60, look=Look(view=View.SYSTEM))).replace(
        "was ✓ up", ""
    )


def test_a_rule_that_was_broken_or_waived_says_so_below_its_figures() -> None:
    broken = msgspec.structs.replace(
        RULES[0], broken_at="2026-11-20T16:30:00.000+00:00", broken_value=-500.0
    )
    waived = msgspec.structs.replace(RULES[1], is_waived=True)
    unknown = msgspec.structs.replace(RULES[2], verdict="unknown", reason="no price of MNQ")
    shown = words_of(drawn(msgspec.structs.replace(OPEN, rules=(broken, waived, unknown))))

    assert "broken at 10:30:00 CST (-500.00)" in shown
    assert "! daily-target" in shown
    assert "? unknown" in shown
    assert "no price of MNQ" in shown


def test_an_account_without_rules_is_no_good_news() -> None:
    shown = words_of(drawn(msgspec.structs.replace(OPEN, rules=())))

    assert "no rule guards this account" in shown
