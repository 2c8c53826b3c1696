"""The screen at the sizes people have, as plain text."""

import io
import threading
from datetime import UTC, datetime

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from risk_actors.actors.picture import BalanceCheckPicture, Picture
from risk_actors.cli.screen import Screen, Size, render
from risk_actors.cli.tables import PlainConsole

SMALL, MEDIUM, WIDE = Size(80, 24), Size(150, 48), Size(200, 50)
TALL = Size(120, 40)
SIZES = [SMALL, Size(100, 30), TALL, Size(150, 24), MEDIUM, Size(179, 50), WIDE]
NAMES = [
    "open",
    "locked",
    "not armed",
    "enforcing",
    "degraded",
    "blind",
    "unknown",
    "empty",
    "three",
    "forty",
]


def shown(picture: Picture, now: datetime, size: Size = SMALL) -> list[str]:
    console = Console(width=size.width, height=size.height, file=io.StringIO(), record=True)
    console.print(render(picture, now, size, "http://127.0.0.1:8787"))
    return console.export_text().splitlines()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_it_fills_the_terminal_exactly(
    pictures: dict[str, Picture], now: datetime, name: str, size: Size
) -> None:
    lines = shown(pictures[name], now, size)
    assert len(lines) == size.height
    assert max(map(cell_len, lines)) <= size.width


def test_an_open_account_shows_its_money_limits_and_position(
    pictures: dict[str, Picture], now: datetime
) -> None:
    lines = shown(pictures["open"], now)
    text = "\n".join(lines)
    assert "PAPER   ARMED" in lines[0]
    assert "10:31:07 CST" in lines[0]
    assert "50KTC-SIM-101  OPEN" in text
    assert "Day P&L -312.50  closed -212.50  open -100.00  fees 12.40" in text
    assert "-312.50 of -500.00  62%" in text
    assert "-312.50 of 1,400.00   0%" in text
    assert "! warning  max-contracts" in text
    assert "4 of 5  80%" in text
    assert "per-instrument (shadow) " in text
    assert "SHORT 2 MNQ @ 21,034.25  -100.00  since 10:28:11 CST" in text
    assert "BUY 2 MNQ stop 21,060.00" in text
    assert "http://127.0.0.1:8787" in lines[-1]


def test_i7_what_is_not_seen_is_told_as_of_then(
    pictures: dict[str, Picture], now: datetime
) -> None:
    lines = shown(pictures["blind"], now, TALL)
    text = "\n".join(lines)
    assert "ARMED, BUT CANNOT ACT" in lines[0]
    assert "nothing can be seen or closed now; use your platform" in lines[1]
    assert "50KTC-SIM-101  NOT SEEN" in text
    assert "All of this as last seen at 10:28:12 CST" in text
    assert "was SHORT 2 MNQ" in text
    assert "was BUY 2" not in text
    assert "was working: BUY 2 MNQ stop" in text
    assert "· was ok" in text
    assert "✓ ok" not in text
    assert "Safe to add now: none" in text
    assert "Safe to add now: 10" not in text


def test_a_long_rule_name_is_cut_and_never_that_it_only_watches(
    pictures: dict[str, Picture], now: datetime
) -> None:
    *others, shadow, last = pictures["open"].rules
    shadow = msgspec.structs.replace(
        shadow, id="a-rule-with-a-name-longer-than-most", mode="shadow"
    )
    picture = msgspec.structs.replace(pictures["open"], rules=(*others, shadow, last))
    assert "a-rule-with-a-name… (shadow) " in "\n".join(shown(picture, now, TALL))


def test_while_not_armed_the_top_says_shadow_and_no_rule_repeats_it(
    pictures: dict[str, Picture], now: datetime
) -> None:
    lines = shown(pictures["not armed"], now, TALL)
    assert "SHADOW" in lines[0]
    assert "shadow" not in "\n".join(lines[2:]).lower()


def test_the_reason_of_a_lock_wraps_at_words_where_it_is_long(
    pictures: dict[str, Picture], now: datetime
) -> None:
    (account,) = pictures["locked"].accounts
    reason = f"{account.locks[0].reason} at 10:31:05 CST: 2 trades, fees 20.74"
    lock = msgspec.structs.replace(account.locks[0], reason=reason)
    locked = msgspec.structs.replace(account, locks=(lock,))
    picture = msgspec.structs.replace(pictures["locked"], accounts=(locked,))
    lines = [line.strip("│ ") for line in shown(picture, now)]
    row = next(number for number, line in enumerate(lines) if line.startswith("Day P&L -512"))
    assert " ".join(lines[row : row + 2]) == reason


@pytest.mark.parametrize(
    ("name", "size", "is_beside"),
    [
        ("open", TALL, False),
        ("forty", TALL, False),
        ("open", MEDIUM, False),
        ("three", Size(150, 40), True),
        ("forty", MEDIUM, True),
        ("open", WIDE, True),
    ],
    ids=str,
)
def test_events_stand_where_they_have_most_room(
    pictures: dict[str, Picture], now: datetime, name: str, size: Size, is_beside: bool
) -> None:
    (heading,) = (line for line in shown(pictures[name], now, size) if "─ last events ─" in line)
    assert (heading.index("─ last events") > 0) is is_beside


def test_the_bar_grows_with_the_loss_and_not_with_a_profit(
    pictures: dict[str, Picture], now: datetime
) -> None:
    def filled(value: float) -> float:
        rule = msgspec.structs.replace(
            pictures["open"].rules[0], value=value, used=max(value / -500, 0.0)
        )
        picture = msgspec.structs.replace(pictures["open"], rules=(rule,))
        (line,) = (line for line in shown(picture, now) if "ok       daily-loss" in line)
        return line.count("█") + line.count("▌") / 2

    assert filled(250.0) == 0
    assert 0 < filled(-1.0) < filled(-250.0) < filled(-500.0) == filled(-900.0)


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=str)
def test_a_lock_shows_its_end_countdown_rule_and_reason(
    pictures: dict[str, Picture], now: datetime, size: Size
) -> None:
    lines = shown(pictures["locked"], now, size)
    text = "\n".join(lines)
    assert "LOCKED" in lines[0]
    assert "LOCKED account until 17:00:00 CST, in 6:28:53  by daily-loss" in text
    assert "Day P&L -512.50 reached the limit of -500.00" in text
    assert "◇ flat" in text


def test_a_lock_without_an_end_says_so(pictures: dict[str, Picture], now: datetime) -> None:
    (account,) = pictures["locked"].accounts
    lock = msgspec.structs.replace(account.locks[0], until=None)
    locked = msgspec.structs.replace(account, locks=(lock,))
    picture = msgspec.structs.replace(pictures["locked"], accounts=(locked,))
    assert "until its condition ends" in "\n".join(shown(picture, now))


def test_a_balance_that_fills_do_not_explain_takes_a_line_and_one_that_agrees_does_not(
    pictures: dict[str, Picture], now: datetime
) -> None:
    def text_with(unexplained: float) -> str:
        check = BalanceCheckPicture(
            expected=50_000.0, told=50_000.0 + unexplained, unexplained=unexplained
        )
        (account,) = pictures["open"].accounts
        strange = msgspec.structs.replace(account, balance_check=check)
        picture = msgspec.structs.replace(pictures["open"], accounts=(strange,))
        return "\n".join(shown(picture, now))

    said = "! balance 49,990.00, by the day's fills 50,000.00: -10.00 is unexplained"
    assert said in text_with(-10.0)
    assert "unexplained" not in text_with(0.0)
    assert "unexplained" not in "\n".join(shown(pictures["open"], now))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            {"pending": ("Waits until Sat 17:00 CST: loss limit_usd 500 -> 800",)},
            "▲ Waits until Sat 17:00 CST: loss limit_usd 500 -> 800",
        ),
        (
            {"pending": ("one", "two", "three", "four")},
            "▲ 4 changes wait for the daily reset, see `risk-actors status`",
        ),
        ({"notices": ("risk.db is damaged",)}, "▲ risk.db is damaged"),
        (
            {"notices": ("risk.db is damaged", "2 locks saved")},
            "▲ 2 notices, see `risk-actors status`: risk.db is damaged",
        ),
    ],
)
def test_what_waits_and_what_went_wrong_with_the_store_take_one_line_each(
    pictures: dict[str, Picture],
    now: datetime,
    said: dict[str, tuple[str, ...]],
    expected: str,
) -> None:
    picture = msgspec.structs.replace(pictures["open"], **said)

    assert shown(picture, now)[1].strip() == expected


def test_an_enforcement_under_way_is_said(pictures: dict[str, Picture], now: datetime) -> None:
    text = "\n".join(shown(pictures["enforcing"], now))
    assert "ENFORCING daily-loss  started: closing 2 MNQ, cancelling 1 order" in text


def test_what_holds_an_enforcement_up_is_said_in_full(
    pictures: dict[str, Picture], now: datetime
) -> None:
    account = pictures["enforcing"].accounts[0]
    assert account.enforcement is not None
    braked = msgspec.structs.replace(
        account.enforcement,
        phase="braked",
        detail="28 commands changed nothing at the broker (28 closes of MNQ), so sending is "
        "paused; MNQ: the broker refuses the close (halted); close in your platform",
        next_try="2026-11-20T16:31:27.000+00:00",
    )
    picture = msgspec.structs.replace(
        pictures["enforcing"], accounts=(msgspec.structs.replace(account, enforcement=braked),)
    )

    text = " ".join(" ".join(shown(picture, now, TALL)).replace("│", " ").split())

    assert "ENFORCING daily-loss" in text
    assert f"braked: {braked.detail} (next try 10:31:27 CST)" in text


def test_degraded_and_shadow_are_said_in_words(pictures: dict[str, Picture], now: datetime) -> None:
    lines = shown(pictures["degraded"], now)
    assert "LIVE   SHADOW   DEGRADED" in lines[0]
    assert "market ✗" in lines[0]
    assert "NOT ARMED, nothing is sent" in lines[1]
    assert "market hub lost for 12 s, marking from bars" in lines[2]


def test_an_unknown_amount_is_never_shown_as_zero(
    pictures: dict[str, Picture], now: datetime
) -> None:
    text = "\n".join(shown(pictures["unknown"], now))
    assert "Day P&L unknown  closed unknown  open unknown" in text
    assert "? unknown  daily-loss" in text
    assert "unknown of -500.00" in text
    assert "░" not in text


def test_events_carry_their_correlation_id_newest_last(
    pictures: dict[str, Picture], now: datetime
) -> None:
    lines = [line for line in shown(pictures["open"], now, TALL) if "mh3k2x9f-" in line]
    assert [line.split()[-1] for line in lines] == [f"mh3k2x9f-{n}" for n in range(5)]
    assert lines[1].startswith(" 10:31:01 breach")


def test_a_long_event_wraps_where_there_is_room(
    pictures: dict[str, Picture], now: datetime
) -> None:
    tall = Size(70, 40)
    lines = shown(pictures["open"], now, tall)
    events = lines[[line[:6] for line in lines].index("─ last") + 1 : -1]
    rest = [line for line in events if line.startswith(" " * 22) and "of -500.00" in line]
    assert len(rest) == 2
    assert not any("…" in line for line in rest)


def test_many_accounts_take_a_line_each_and_the_locked_one_is_never_hidden(
    pictures: dict[str, Picture], now: datetime
) -> None:
    lines = shown(pictures["forty"], now)
    assert "LOCKED 1 OF 40" in lines[0]
    assert any("50K-40  LOCKED  until 17:00:00 CST, in 6:28:53" in line for line in lines)
    assert any("more: risk-actors status" in line for line in lines)


def test_many_rules_make_room_by_urgency(pictures: dict[str, Picture], now: datetime) -> None:
    calm = pictures["open"].rules[1]
    rules = tuple(msgspec.structs.replace(calm, id=f"calm-{n}") for n in range(30))
    urgent = msgspec.structs.replace(calm, id="urgent", verdict="breach", value=1400.0)
    picture = msgspec.structs.replace(pictures["open"], rules=(*rules, urgent))
    text = "\n".join(shown(picture, now))
    assert "✗ breach   urgent" in text
    assert "more rules: risk-actors rules" in text


def test_times_are_shown_in_the_zone_of_the_clock(pictures: dict[str, Picture]) -> None:
    tomorrow = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    assert "since Fri 16:28:11 UTC" in "\n".join(shown(pictures["open"], tomorrow))


def test_the_running_screen_reads_the_zone_off_the_picture(pictures: dict[str, Picture]) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=30, legacy_windows=False)
    stop = threading.Event()

    def picture() -> Picture:
        stop.set()
        return msgspec.structs.replace(pictures["open"], timezone="Asia/Tokyo")

    Screen(picture, "", console=console).run_until(stop)
    assert "01:28:11 JST" in stream.getvalue()
    assert "CST" not in stream.getvalue()


def test_a_name_with_control_characters_does_not_reach_the_terminal_as_it_is(
    pictures: dict[str, Picture],
) -> None:
    stream, shown_once = io.StringIO(), threading.Event()
    console = PlainConsole(file=stream, force_terminal=True, width=100, height=30)

    def picture() -> Picture:
        shown_once.set()
        account = pictures["open"].accounts[0]
        named = msgspec.structs.replace(account, name="PRA\x1b]0;owned\x07\x9b2J")
        return msgspec.structs.replace(pictures["open"], accounts=(named,))

    Screen(picture, "", console=console).run_until(shown_once)
    said = stream.getvalue()
    assert "PRA]0;owned2J" in said
    assert "\x1b]0;" not in said
    assert "\x9b" not in said


@pytest.mark.parametrize(
    ("size", "least"),
    [(SMALL, 4), (TALL, 20), (MEDIUM, 30), (WIDE, 45)],
    ids=["80x24", "120x40", "150x48", "200x50"],
)
def test_events_use_the_whole_height(
    pictures: dict[str, Picture], now: datetime, size: Size, least: int
) -> None:
    events = tuple(
        msgspec.structs.replace(pictures["open"].events[2], correlation_id=f"busy-{n}")
        for n in range(100)
    )
    lines = shown(msgspec.structs.replace(pictures["open"], events=events), now, size)
    told = [number for number, line in enumerate(lines) if "busy-" in line]
    assert len(told) >= least
    assert told[-1] == size.height - 2
    assert "busy-99" in lines[told[-1]]
    assert all(line.strip() for line in lines)


def test_a_dozen_short_lines_come_before_a_few_long_ones(
    pictures: dict[str, Picture], now: datetime
) -> None:
    long = msgspec.structs.replace(pictures["open"].events[0], text="many words " * 30)
    few = msgspec.structs.replace(pictures["open"], events=(long,) * 3)
    many = msgspec.structs.replace(pictures["open"], events=(long,) * 50)
    assert sum("many words" in line for line in shown(few, now, TALL)) == 9
    rows = [line for line in shown(many, now, TALL) if "many words" in line]
    assert len(rows) >= 12
    assert all(line.startswith(" 10:31:00 warning ") and " …" in line for line in rows)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_not_armed_a_lock_is_shown_as_not_enforced(
    pictures: dict[str, Picture], now: datetime, size: Size
) -> None:
    lines = shown(pictures["not armed"], now, size)
    text = "\n".join(lines)
    assert "LOCKED" not in lines[0]
    assert "50KTC-SIM-101  WOULD BE LOCKED" in text
    assert "account would be locked until 17:00:00 CST, in 6:28:53  by" in text
    assert "NOT ARMED, nothing is sent. Day P&L -512.50" in text
    assert "■ LOCKED" not in text


def test_a_limit_exceeded_shows_by_how_much(pictures: dict[str, Picture], now: datetime) -> None:
    over = msgspec.structs.replace(
        pictures["open"].rules[0], verdict="breach", value=-672.74, used=1.3455
    )
    calm = msgspec.structs.replace(pictures["open"].rules[0], value=0.0, used=0.0)
    picture = msgspec.structs.replace(pictures["open"], rules=(over, calm))
    text = "\n".join(shown(picture, now))
    assert "-672.74 of -500.00 135%" in text
    assert "0.00 of -500.00   0%" in text
    assert "-0%" not in text


def test_it_runs_until_told_to_stop_and_gives_the_terminal_back(
    pictures: dict[str, Picture],
) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, height=24, legacy_windows=False)
    stop = threading.Event()
    calls: list[int] = []

    def picture() -> Picture:
        calls.append(1)
        if len(calls) == 2:
            stop.set()
        return pictures["open"]

    Screen(picture, "http://127.0.0.1:1", console=console).run_until(stop)
    assert "50KTC-SIM-101" in stream.getvalue()
    assert "\x1b[?1049h" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[?25h\x1b[?1049l")


def test_a_picture_that_cannot_be_read_does_not_end_the_screen(
    pictures: dict[str, Picture],
) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, height=24, legacy_windows=False)
    stop = threading.Event()
    calls: list[int] = []

    def picture() -> Picture:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("a rule")
        stop.set()
        return pictures["open"]

    Screen(picture, "", console=console).run_until(stop)

    assert "The screen cannot be drawn: ZeroDivisionError('a rule')" in stream.getvalue()
    assert "50KTC-SIM-101" in stream.getvalue().split("cannot be drawn")[1]


def test_what_an_unlock_waived_is_a_warning_at_the_top_as_long_as_it_holds(
    pictures: dict[str, Picture], now: datetime
) -> None:
    picture = pictures["open"]
    first, second, third = picture.rules[:3]
    spent = msgspec.structs.replace(
        first, verdict="breach", is_waived=True, next_cause="2026-11-20T23:00:00.000+00:00"
    )
    told = {}
    for count, rules in enumerate([(), (spent,), (spent, second, third)]):
        waived = tuple(msgspec.structs.replace(rule, is_waived=True) for rule in rules)
        rest = picture.rules[len(waived) :]
        lines = shown(msgspec.structs.replace(picture, rules=(*waived, *rest)), now)
        told[count] = " ".join(" ".join(lines[:6]).split())

    sentence = (
        "▲ daily-loss does not act again before 17:00:00 CST: until then nothing of it protects"
        " this account"
    )
    assert "does not act" not in told[0]
    assert sentence in told[1]
    assert "more rules" not in told[1]
    assert f"{sentence} ▲ 2 more rules do not act: risk-actors status" in told[2]


def test_a_broken_rule_that_is_back_inside_its_limit_says_when_it_broke(
    pictures: dict[str, Picture], now: datetime
) -> None:
    first, *others = pictures["open"].rules
    back = msgspec.structs.replace(
        first,
        verdict="breach",
        value=-5.22,
        used=1.0,
        broken_at="2026-11-20T10:59:29.000+00:00",
        broken_value=-672.74,
    )
    lines = shown(msgspec.structs.replace(pictures["open"], rules=(back, *others)), now)

    (line,) = (line for line in lines if "✗ breach" in line)
    assert "broken at 04:59:29 CST (-672.74)" in line
    assert "█" not in line
    assert "100%" not in line
