"""Every expectation must be able to fail: runs that were made up, and what is said of them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from risk_actors.simulator.scenario_load import parse_scenario
from risk_actors.simulator.scenario_play import play
from risk_actors.simulator.scenario_referee import Failure, SeenCommand
from risk_actors.simulator.scenario_script import Deed, Script
from risk_actors.simulator.scenario_state import Sight
from risk_actors.simulator.scenario_time import NS_PER_S
from risk_actors.simulator.scenario_venue import Holdings

ACCOUNT, OTHER = 101, 102
MNQ = "CON.F.US.MNQ.H26"
STEP_S = 0.1

type Painter = Callable[[float], dict[str, Any]]


def script(expected: str) -> Script:
    """Return two steps ten seconds apart; the first expects something."""
    return parse_scenario(
        f"""
        title = "T"
        settings = {{ "risk.toml" = "" }}
        [broker]
        prices = {{ MNQ = 25_000 }}
        [[steps]]
        buy = {{ symbol = "MNQ", size = 1, limit = 24_000, name = "entry" }}
        expect = [{expected}]
        [[steps]]
        after = 10
        expect = [{{ phase = "armed" }}]
        """
    )


def account(**changed: Any) -> dict[str, Any]:
    return {
        "id": ACCOUNT,
        "balance": 50_000.0,
        "can_trade": True,
        "day": {"realized": 0.0, "unrealized": None, "equity": None, "trades": 0},
        "week": {"realized": -5.0},
        "positions": [],
        "orders": [],
        "locks": [],
        "enforcement": None,
    } | changed


def state(**changed: Any) -> dict[str, Any]:
    return {
        "phase": "armed",
        "detail": None,
        "accounts": [account(**changed)],
        "rules": [
            {
                "id": "loss",
                "account": ACCOUNT,
                "verdict": "warning",
                "value": -400.0,
                "limit": -500.0,
                "reason": "Day P&L -400.00 is near",
            }
        ],
        "events": [
            {"at": "2026-03-03T14:30:05.000+00:00", "account": ACCOUNT, "text": "held for 5 s"}
        ],
    }


LOCK = {
    "id": 1,
    "rule": "loss",
    "scope": "account",
    "since": "2026-03-03T14:30:00.000+00:00",
    "until": "2026-03-03T23:00:00.000+00:00",
    "reason": "Day P&L -500.00 reached the limit",
}


class PaintedStage:
    """Shows what a test painted for each moment, and receives what it made up."""

    slack_s = 0.0

    def __init__(
        self,
        paint: Painter,
        commands: Sequence[SeenCommand] = (),
        *,
        sizes: dict[str, int] | None = None,
        order_ids: frozenset[int] = frozenset(),
    ) -> None:
        self._paint = paint
        self._commands = commands
        self._holdings = {ACCOUNT: Holdings(sizes=sizes or {}, order_ids=order_ids)}
        self._at_s = 0.0

    def now_s(self) -> float:
        return self._at_s

    def now_ns(self) -> int:
        return 1_772_548_200 * NS_PER_S + round(self._at_s * NS_PER_S)

    def run_until(self, at_s: float, look: Callable[[], bool]) -> None:
        while self._at_s + STEP_S < at_s:
            self._at_s += STEP_S
            look()
        self._at_s = at_s

    def wait_for(self, condition: Callable[[], bool], at_most_s: float) -> None:
        condition()

    def carry_out(self, deed: Deed) -> None: ...

    def kill_guard(self) -> None: ...

    def start_guard(self) -> None: ...

    def commands(self) -> Sequence[SeenCommand]:
        return [command for command in self._commands if command.at_s <= self._at_s]

    def sight(self) -> Sight:
        return Sight(self._paint(self._at_s), self._holdings, {"entry": 9}, {"MNQ": MNQ})

    def violations(self) -> list[str]:
        return []


def failures(expected: str, stage: PaintedStage) -> list[Failure]:
    return play(script(expected), stage)


def said(found: list[Failure]) -> str:
    return " | ".join(failure.text for failure in found)


def close(at_s: float, size: int | None = None, account_id: int = ACCOUNT) -> SeenCommand:
    return SeenCommand(at_s=at_s, kind="close", account_id=account_id, contract_id=MNQ, size=size)


def cancel(at_s: float, order_id: int = 9) -> SeenCommand:
    return SeenCommand(at_s=at_s, kind="cancel", account_id=ACCOUNT, order_id=order_id)


def move(at_s: float, price: float) -> SeenCommand:
    return SeenCommand(at_s=at_s, kind="move", account_id=ACCOUNT, order_id=9, stop_price=price)


@pytest.mark.parametrize(
    ("expected", "commands"),
    [
        ("{ close = 'MNQ' }", [close(0.3)]),
        ("{ close = 'MNQ', size = 2 }", [close(0.3, 2)]),
        ("{ close = 'MNQ' }, { cancel = 'entry' }", [cancel(0.2), close(0.3)]),
        ("{ close = 'MNQ', times = 2 }", [close(0.3), close(0.5)]),
        ("{ close = 'MNQ', times = 1, at_most = 3 }", [close(0.3), close(0.5)]),
        ("{ close = 'MNQ', within_s = 5 }", [close(4.9)]),
        ("{ close = 'MNQ', times = 0, at_most = 1 }", []),
        ("{ close = 'MNQ', times = 0, at_most = 1 }", [close(0.3)]),
        ("{ move = 'entry', to = 25_010 }", [move(0.3, 25_010.0)]),
    ],
)
def test_commands_that_were_expected_are_right(expected: str, commands: list[SeenCommand]) -> None:
    assert failures(expected, PaintedStage(lambda _: state(), commands)) == []


@pytest.mark.parametrize(
    ("expected", "commands", "said_so"),
    [
        ("{ close = 'MNQ' }", [], "expected within 1 s: close MNQ; 0 of 1 came"),
        ("", [close(0.3)], "nobody expected: close MNQ"),
        ("{ close = 'MNQ' }", [close(0.3), close(0.4)], "nobody expected: close MNQ"),
        ("{ close = 'MNQ' }", [close(1.3)], "nobody expected: close MNQ"),
        ("{ close = 'MNQ' }", [close(0.3, 2)], "nobody expected: close 2 MNQ"),
        ("{ close = 'MNQ', size = 1 }", [close(0.3, 2)], "size 1; 0 of 1 came"),
        ("{ close = 'MNQ' }", [close(0.3, account_id=OTHER)], "0 of 1 came"),
        ("{ close = 'MNQ', times = 2 }", [close(0.3)], "1 of 2 came"),
        ("{ close = 'MNQ', times = 0, at_most = 1 }", [close(0.3)] * 2, "nobody expected"),
        ("{ cancel = 'entry' }", [cancel(0.3, 8)], "nobody expected: cancel order 8"),
        ("{ move = 'entry', to = 25_010 }", [move(0.3, 25_009.0)], "move entry to 25,009.00"),
        ("", [SeenCommand(at_s=3, kind="place", account_id=ACCOUNT)], "nobody expected: place"),
        ("{ close = 'MNQ' }", [close(0.3), close(11.5)], "nobody expected: close MNQ"),
    ],
)
def test_a_command_too_many_too_few_too_late_or_another_one_fails(
    expected: str, commands: list[SeenCommand], said_so: str
) -> None:
    assert said_so in said(failures(expected, PaintedStage(lambda _: state(), commands)))


STATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("lock = 'loss'", {"locks": [LOCK]}, {"locks": [LOCK | {"rule": "other"}]}),
    ("lock = 'loss'", {"locks": [LOCK]}, {"locks": [LOCK | {"scope": MNQ}]}),
    ("lock = 'loss', scope = 'MNQ'", {"locks": [LOCK | {"scope": MNQ}]}, {"locks": [LOCK]}),
    (
        "lock = 'loss', until_reset = 'daily'",
        {"locks": [LOCK]},
        {"locks": [LOCK | {"until": "2026-03-03T23:00:01+00:00"}]},
    ),
    (
        "lock = 'loss', until_reset = 'weekly'",
        {"locks": [LOCK | {"until": "2026-03-08T22:00:00+00:00"}]},
        {"locks": [LOCK]},
    ),
    ("lock = 'loss', until = 17:00:00", {"locks": [LOCK]}, {"locks": [LOCK | {"until": None}]}),
    ("lock = 'loss', on_condition = true", {"locks": [LOCK | {"until": None}]}, {"locks": [LOCK]}),
    (
        "lock = 'loss', lasts_s = 300",
        {"locks": [LOCK | {"until": "2026-03-03T14:35:00.2+00:00"}]},
        {"locks": [LOCK | {"until": "2026-03-03T14:35:01+00:00"}]},
    ),
    ("lock = 'loss', reason = '-500.00'", {"locks": [LOCK]}, {"locks": [LOCK | {"reason": ""}]}),
    ("unlocked = true", {}, {"locks": [LOCK]}),
    ("unlocked = 'loss'", {"locks": [LOCK | {"rule": "other"}]}, {"locks": [LOCK]}),
    ("flat = true", {}, {"enforcement": {}}),
    ("flat = true", {}, {"orders": [{"id": 9}]}),
    ("positions = {}", {}, {"positions": [{"contract": MNQ, "size": 1}]}),
    ("orders = []", {}, {"orders": [{"id": 9}]}),
    ("day = { realized = 0.0 }", {}, {"day": {"realized": 0.01}}),
    ("day = { unrealized = 'unknown' }", {}, {"day": {"unrealized": 0.0}}),
    ("day = { trades = 0, realized = 0 }", {}, {"day": {"realized": 0.0, "trades": 1}}),
    ("week_realized = -5", {}, {"week": {"realized": None}}),
    ("balance = 50_000", {}, {"balance": 49_999.99}),
    ("can_trade = true", {}, {"can_trade": False}),
]


@pytest.mark.parametrize(("expected", "right", "wrong"), STATES)
def test_a_state_must_be_as_expected(
    expected: str, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    wanted = f"{{ {expected} }}"

    assert failures(wanted, PaintedStage(lambda _: state(**right))) == []
    assert "expected within 1 s" in said(failures(wanted, PaintedStage(lambda _: state(**wrong))))


@pytest.mark.parametrize(
    ("expected", "is_right"),
    [
        ("verdict = 'warning', of = 'loss'", True),
        ("verdict = 'warning', of = 'loss', value = -400, limit = -500, reason = 'near'", True),
        ("verdict = 'ok', of = 'loss'", False),
        ("verdict = 'warning', of = 'loss', value = -400.01", False),
        ("verdict = 'warning', of = 'loss', limit = 500", False),
        ("verdict = 'warning', of = 'loss', reason = 'far'", False),
        ("verdict = 'warning', of = 'other'", False),
        ("phase = 'degraded'", False),
        ("said = 'held for 5 s'", True),
        ("said = 'held for 6 s'", False),
        ("unsaid = 'held for 5 s'", False),
        ("unsaid = 'held for 6 s'", True),
        ("positions = { MNQ = 1 }", False),
        ("orders = ['entry']", False),
    ],
)
def test_what_rules_say_and_what_the_broker_holds_is_looked_at(
    expected: str, is_right: bool
) -> None:
    assert (failures(f"{{ {expected} }}", PaintedStage(lambda _: state())) == []) is is_right


def test_what_the_broker_holds_counts_whatever_is_shown() -> None:
    stage = PaintedStage(lambda _: state(), sizes={MNQ: 1}, order_ids=frozenset({9}))

    assert "the broker holds" in said(failures("{ flat = true }", stage))


def locked_between(begins_s: float, ends_s: float) -> Painter:
    return lambda at_s: state(locks=[LOCK] if begins_s <= at_s < ends_s else [])


@pytest.mark.parametrize(
    ("paint", "said_so"),
    [
        (locked_between(0.5, 99), ""),
        (locked_between(1.5, 99), "expected within 1 s: lock loss; no lock"),
        (locked_between(0.5, 5), "no longer so: lock loss; no lock"),
        (locked_between(0, 0.5), "expected within 1 s: lock loss; no lock"),
    ],
)
def test_a_state_comes_true_in_its_time_and_stays_until_the_next_step(
    paint: Painter, said_so: str
) -> None:
    found = failures("{ lock = 'loss' }", PaintedStage(paint))

    assert len(found) == (1 if said_so else 0)
    assert said_so in said(found)


def test_a_guard_that_does_not_answer_is_no_guard() -> None:
    stage = PaintedStage(lambda _: None)  # type: ignore[arg-type, return-value]

    assert "the guard does not answer" in said(failures("{ unlocked = true }", stage))
