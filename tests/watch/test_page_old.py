"""What stands on the terminal while something cannot be seen, or is not of now."""

import msgspec
import pytest

from risk_actors.actors.picture import EnforcementPicture, Picture, PositionPicture
from risk_actors.cli.watch_page import plain_page
from risk_actors.watch.api import Answer, Fate
from risk_actors.watch.drawn import Size
from risk_actors.watch.look import Look, Panic, View
from risk_actors.watch.sight import Way
from tests.cli.conftest import ACCOUNT, LOCK, OPEN, PICTURES, many
from tests.watch.test_page import MOMENT, SMALL, drawn, text_of, words_of

BY_HAND = "use your platform"
SEEN_AT = "2026-11-20T16:28:12.000+00:00"


def blind(count: int = 1, *, locked: bool = True) -> Picture:
    """Return what is shown while nothing can be seen, after a panic."""
    accounts = tuple(
        msgspec.structs.replace(
            ACCOUNT,
            id=number,
            name=f"50KTC-V2-123456-{number}",
            seen_at=SEEN_AT,
            locks=(LOCK,) if locked else (),
            enforcement=EnforcementPicture(
                cause="panic",
                phase="stuck",
                since=SEEN_AT,
                correlation_id="c-1",
                detail="closing 2 MNQ",
            ),
        )
        for number in range(1, count + 1)
    )
    return msgspec.structs.replace(PICTURES["blind"], accounts=accounts)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("size", [SMALL, Size(80, 24), Size(120, 40)], ids=str)
def test_while_nothing_can_be_closed_the_platform_comes_before_all_locks(
    size: Size, view: View, count: int
) -> None:
    shown = words_of(drawn(blind(count), size, look=Look(view=view)))

    assert BY_HAND in shown
    assert shown.index(BY_HAND) < (shown + " by daily-loss").index("by daily-loss")
    assert shown.count(BY_HAND) <= 2


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize("size", [SMALL, Size(80, 24)], ids=str)
def test_the_question_warns_that_nothing_can_be_closed(size: Size, locked: bool) -> None:
    picture = blind(locked=locked)
    shown = words_of(drawn(picture, size, look=Look(panic=Panic(account=1))))

    assert "CANNOT ACT" in shown.replace("C A N N O T A C T", "CANNOT ACT")
    assert "NOTHING can be seen or closed now: use your platform" in shown
    assert "closes every position" not in shown
    assert "y yes" in shown


@pytest.mark.parametrize("size", [SMALL, Size(80, 24)], ids=str)
def test_a_panic_that_can_close_nothing_is_no_good_news(size: Size) -> None:
    panic = Panic(account=1, is_sent=True, answer=Answer(Fate.TAKEN, "flattening."))
    seen = drawn(blind(), size, look=Look(panic=panic))
    shown = words_of(seen)

    assert "NOTHING CAN BE CLOSED NOW" in shown
    assert "USE YOUR PLATFORM" in shown
    assert "PANIC TAKEN" not in shown
    (title,) = (line for line in seen.lines if "LOCKED HERE" in line.plain)
    assert "green" not in f"{title.style} {title.spans}"


def test_a_panic_that_was_taken_is_watched_until_it_is_flat() -> None:
    panic = Panic(account=101, is_sent=True, answer=Answer(Fate.TAKEN, "flattening."))
    shown = words_of(drawn(OPEN, look=Look(panic=panic)))

    assert "until it is FLAT" in shown
    assert "until it is LOCKED" not in shown


@pytest.mark.parametrize("fate", Fate)
def test_an_answer_ends_with_one_full_stop(fate: Fate) -> None:
    panic = Panic(account=101, is_sent=True, answer=Answer(fate, "it said so."))

    assert "so." in words_of(drawn(OPEN, look=Look(panic=panic)))
    assert ".." not in words_of(drawn(OPEN, look=Look(panic=panic)))


def test_not_seen_stays_while_an_enforcement_waits() -> None:
    assert "NOT SEEN" in words_of(drawn(blind(locked=False)))
    assert "LOCKED, NOT SEEN" in words_of(drawn(blind()))


def test_sums_are_old_as_soon_as_one_part_is() -> None:
    first, *rest = many(3).accounts
    unseen = msgspec.structs.replace(first, seen_at=SEEN_AT)
    picture = msgspec.structs.replace(many(3), accounts=(unseen, *rest))
    shown = words_of(drawn(picture, Size(100, 40)))

    assert "1 of 3 as last seen at 10:28:12 CST All: day was -937.50 open was -300.00" in shown
    assert "▲ as last seen at 10:28:12 CST Day P&L" in shown
    assert "was" not in words_of(drawn(many(3), Size(100, 40))).split("All: ")[1][:60]


def test_figures_that_are_not_of_now_have_no_colour_of_now() -> None:
    for view in (View.OVERVIEW, View.ACCOUNT):
        seen = drawn(blind(2), Size(100, 60), look=Look(view=view))
        page = [line for line in seen.lines if "closed -212.50" in line.plain]
        assert page
        assert {str(span.style) for line in page for span in line.spans} <= {"dim"}


@pytest.mark.parametrize("size", [SMALL, Size(80, 24), Size(120, 40)], ids=str)
def test_what_came_late_is_dated_by_when_it_was_told(size: Size) -> None:
    seen = drawn(OPEN, size, age_s=1, lag_s=60.0)
    shown = words_of(seen).replace("L A T E", "LATE")

    assert "✗ LATE" in shown
    assert "THE LINE IS SLOW. All below is of 10:30:06 CST, 0:01:01 old" in shown
    assert "WAS ARMED" in shown
    assert "✓ ok" not in shown


def test_what_came_a_little_late_is_of_now() -> None:
    assert "ARMED" in words_of(drawn(OPEN, SMALL, age_s=1, lag_s=2.0)).split(" PAPER")[0]


def test_a_guard_without_a_time_of_its_own_is_told() -> None:
    shown = words_of(drawn(OPEN, is_dated=False))

    assert "tells no time of its own" in shown
    assert "tells no time of its own" not in words_of(drawn(OPEN))


def test_another_run_at_the_address_is_told() -> None:
    assert "▲ another run" in words_of(drawn(OPEN, notice="another run of the guard answers"))


def hostile() -> Picture:
    name = "a\x1b[2J\x9b1mb\u202ec\nd"
    return msgspec.structs.replace(
        OPEN,
        accounts=(msgspec.structs.replace(ACCOUNT, name=name),),
        rules=(msgspec.structs.replace(OPEN.rules[0], id=name),),
        notices=(name,),
    )


@pytest.mark.parametrize("view", View)
def test_names_can_do_nothing_to_the_terminal(view: View) -> None:
    panic = Panic(account=101, answer=Answer(Fate.REFUSED, "no\x1b[31m"))
    for look in (Look(view=view), Look(panic=panic)):
        seen = drawn(hostile(), Size(120, 40), look=look, way=Way.LIVE, fault="\x1b]0;x\x07")
        shown = text_of(seen)
        assert all(char == "\n" or char.isprintable() for char in shown)
        assert {line.cell_len for line in seen.lines} == {120}
    assert "a\\x1b[2J" in text_of(drawn(hostile(), Size(120, 40)))


def test_nor_on_the_printed_page() -> None:
    page = "".join(line.plain for line in plain_page(hostile(), MOMENT, 120))

    assert page.isprintable()


def test_an_average_price_has_no_more_decimals_than_it_needs() -> None:
    held = PositionPicture(
        contract="CON.F.US.MBT.X26",
        symbol="MBT",
        size=3,
        average_price=94_655.83333333,
        unrealized=0.0,
        opened_at=SEEN_AT,
    )
    account = msgspec.structs.replace(ACCOUNT, positions=(held,))

    assert "LONG 3 MBT @ 94,655.83 " in words_of(
        drawn(msgspec.structs.replace(OPEN, accounts=(account,)))
    )
