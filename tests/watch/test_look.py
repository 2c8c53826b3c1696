"""What each key does to what is looked at."""

import msgspec
import pytest

from risk_actors.actors.picture import Picture
from risk_actors.watch.api import Answer, Fate
from risk_actors.watch.look import Look, Panic, View, pressed
from tests.cli.conftest import OPEN, many

THREE = many(3)


def after(keys: str, picture: Picture | None = THREE, look: Look | None = None) -> Look:
    seen = Look() if look is None else look
    for key in keys.split():
        seen = pressed(seen, key, picture, 10)
    return seen


@pytest.mark.parametrize(
    ("keys", "view", "account"),
    [
        ("2", View.ACCOUNT, 2),
        ("9", View.OVERVIEW, None),
        ("right", View.OVERVIEW, 2),
        ("left", View.OVERVIEW, 3),
        ("right right right", View.OVERVIEW, 1),
        ("right enter", View.ACCOUNT, 2),
        ("tab", View.ACCOUNT, None),
        ("tab tab tab", View.SYSTEM, None),
        ("tab tab tab tab", View.OVERVIEW, None),
        ("shift+tab", View.SYSTEM, None),
        ("e", View.EVENTS, None),
        ("s question_mark", View.HELP, None),
        ("question_mark escape", View.OVERVIEW, None),
        ("s o", View.OVERVIEW, None),
        ("x Z ctrl+a", View.OVERVIEW, None),
    ],
)
def test_keys_choose_page_and_account(keys: str, view: View, account: int | None) -> None:
    look = after(keys)

    assert (look.view, look.account) == (view, account)


def test_with_one_account_its_page_stands_for_the_overview() -> None:
    assert [after("tab " * n, OPEN).view for n in (1, 2, 3)] == [
        View.EVENTS,
        View.SYSTEM,
        View.ACCOUNT,
    ]


@pytest.mark.parametrize(
    ("keys", "top"),
    [
        ("down down", 2),
        ("up", 0),
        ("pagedown", 9),
        ("pagedown pageup", 0),
        ("space", 9),
        ("end home", 0),
        ("down e", 0),
        ("down right", 0),
    ],
)
def test_keys_scroll(keys: str, top: int) -> None:
    assert after(keys).top == top


@pytest.mark.parametrize(
    ("keys", "account"),
    [("p", None), ("2 p", 2), ("p right", 1), ("2 p right", 3), ("2 p left left", None)],
)
def test_panic_is_for_the_account_looked_at_or_for_all(keys: str, account: int | None) -> None:
    assert after(keys).panic == Panic(account=account)


@pytest.mark.parametrize("key", ["n", "escape", "q"])
def test_panic_is_left_without_a_trace(key: str) -> None:
    assert after(f"p {key}").panic is None


@pytest.mark.parametrize("key", ["enter", "space", "p", "x", "1"])
def test_nothing_but_yes_sends_a_panic(key: str) -> None:
    assert after(f"p {key}").panic == Panic(account=None)


def test_a_panic_under_way_takes_no_other_key() -> None:
    sent = Panic(account=2, is_sent=True)

    assert after("2 p y").panic == sent
    assert after("2 p y n y right escape q").panic == sent


def test_any_key_leads_back_from_the_answer() -> None:
    told = Panic(account=2, is_sent=True, answer=Answer(Fate.TAKEN, "yes"))
    look = msgspec.structs.replace(after("2 p y"), panic=told)

    assert after("down", look=look).panic == told
    assert after("x", look=look).panic is None


def test_panic_before_anything_is_known_says_so() -> None:
    panic = after("p", None).panic

    assert panic is not None
    assert panic.answer == Answer(Fate.UNREACHED, "no account is known yet")
