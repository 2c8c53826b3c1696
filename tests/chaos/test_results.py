"""Results of chaos runs are kept and compared; times are measured from the right cue."""

from pathlib import Path

import msgspec
import pytest

from risk_actors.chaos.catalogue import NoSuchScenarioError, names, path_of
from risk_actors.chaos.compare import compare
from risk_actors.chaos.results import Injected, Recovery, Result, ResultBook, digest_of
from risk_actors.chaos.stopwatch import Stopwatch
from risk_actors.simulator.scenario import OrderTicket, Step
from risk_actors.simulator.scenario_expect import Expectation
from risk_actors.simulator.scenario_load import load_scenario
from risk_actors.simulator.scenario_referee import Failure
from risk_actors.simulator.scenario_state import Sight
from risk_actors.simulator.scenario_venue import Holdings


def result(took_s: float | None, digest: str = "d") -> Result:
    return Result(
        scenario="s",
        digest=digest,
        at="2026-11-21T14:00:00+00:00",
        version="0",
        seed=1,
        recoveries=(
            Recovery(step=3, what="x", since="breach", took_s=0.03, locked_s=0.03, flat_s=took_s),
        ),
        injected=(Injected(what="hub_down", at_s=1.0, ended_at_s=None, strikes=1),),
        commands=1,
        failures=() if took_s is not None else ("no",),
    )


def test_what_is_kept_comes_back_and_a_broken_line_costs_no_other(tmp_path: Path) -> None:
    book = ResultBook(tmp_path / "chaos")
    assert book.past("s", "d") == ()

    book.keep(result(1.0))
    with book.path("s").open("ab") as file:
        file.write(b'{"scenario": "s", "dig\n[]\n')
    book.keep(result(2.0))
    book.keep(result(9.0, digest="another text"))

    assert book.past("s", "d") == (result(1.0), result(2.0))


@pytest.mark.parametrize(
    ("took_s", "before_s", "verdict"),
    [
        (1.0, (), "first"),
        (1.0, (0.9, 1.1, 5.0), "same"),
        (2.0, (1.0, 1.0, 1.0), "slower"),
        (1.0, (2.0, 2.0, 9.0), "faster"),
        (0.3, (0.05,), "same"),
        (None, (1.0,), "missing"),
    ],
)
def test_a_time_is_held_against_the_median_of_the_past(
    took_s: float | None, before_s: tuple[float, ...], verdict: str
) -> None:
    now = result(took_s).recoveries[0]

    comparison = compare(now, [result(before) for before in before_s])

    assert (comparison.verdict, comparison.runs) == (verdict, len(before_s))


def test_runs_in_which_it_never_returned_and_other_steps_are_no_measure() -> None:
    now = msgspec.structs.replace(result(1.0).recoveries[0], since="heal")

    assert compare(now, [result(None), result(5.0)]).verdict == "first"
    assert compare(result(1.0).recoveries[0], [result(None), result(1.0)]).runs == 1


def test_a_breach_counts_from_its_step_until_all_of_it_is_there_to_stay() -> None:
    stopwatch = Stopwatch()
    flat, lock, close = Expectation(flat=True), Expectation(lock="x"), Expectation(close="MNQ")
    stopwatch.on_step(1.0, 1, Step(say="setting up", expect=(Expectation(phase="armed"),)))
    stopwatch.on_met(1.5, Expectation(phase="armed"))
    stopwatch.on_step(5.0, 2, Step(say="breach", expect=(close, lock, flat)))
    stopwatch.on_met(5.2, flat)
    stopwatch.on_met(5.4, lock)
    stopwatch.on_met(6.5, flat)
    stopwatch.on_met(9.0, close)
    stopwatch.on_step(20.0, 3, Step(clear_faults=True, expect=(Expectation(phase="armed"),)))
    stopwatch.on_met(20.25, Expectation(phase="armed"))
    stopwatch.on_step(30.0, 4, Step(say="lost", expect=(lock,)))
    stopwatch.on_failure(Failure(at_s=40.0, step=4, text="no lock"))

    assert stopwatch.recoveries() == (
        Recovery(step=2, what="breach", since="breach", took_s=1.5, locked_s=0.4),
        Recovery(step=3, what="step 3", since="heal", took_s=0.25),
        Recovery(step=4, what="lost", since="breach", took_s=None),
    )


def test_a_breach_is_timed_until_locked_and_until_flat_also_in_a_later_step() -> None:
    stopwatch = Stopwatch()
    lock = Expectation(lock="x")
    stopwatch.on_step(1.0, 1, Step(say="breach", expect=(lock,)))
    stopwatch.on_sight(1.01, sight(MNQ=2))
    stopwatch.on_met(1.03, lock)
    stopwatch.on_sight(8.0, sight(MNQ=2))
    stopwatch.on_step(
        10.0, 2, Step(clear_faults=True, say="heal", expect=(Expectation(phase="armed"),))
    )
    stopwatch.on_sight(10.1, sight(MNQ=2))
    stopwatch.on_sight(10.5, sight())
    stopwatch.on_sight(10.7, sight(MNQ=1))
    stopwatch.on_sight(11.0, sight())
    stopwatch.on_met(11.5, Expectation(phase="armed"))
    stopwatch.on_step(20.0, 3, Step(buy=OrderTicket(symbol="MNQ", size=1)))
    stopwatch.on_sight(20.1, sight(MNQ=1))

    assert stopwatch.recoveries() == (
        Recovery(step=1, what="breach", since="breach", took_s=0.03, locked_s=0.03, flat_s=10.0),
        Recovery(step=2, what="heal", since="heal", took_s=1.5),
    )


def test_a_position_that_stays_open_is_never_flat() -> None:
    stopwatch = Stopwatch()
    lock = Expectation(lock="x")
    stopwatch.on_step(1.0, 1, Step(expect=(lock,)))
    stopwatch.on_met(1.03, lock)
    stopwatch.on_sight(8.0, sight(MNQ=2))

    (recovery,) = stopwatch.recoveries()

    assert (recovery.locked_s, recovery.flat_s) == (0.03, None)
    assert compare(recovery, []).verdict == "missing"


def sight(**sizes: int) -> Sight:
    held = Holdings(sizes=sizes, order_ids=frozenset())
    return Sight(state=None, holdings={101: held}, order_ids={}, contract_ids={})


@pytest.mark.parametrize("name", names())
def test_every_scenario_that_ships_can_be_played_and_measures_something(name: str) -> None:
    path = path_of(name)
    scenario = load_scenario(path).scenario
    stopwatch = Stopwatch()
    for number, step in enumerate(scenario.steps, start=1):
        stopwatch.on_step(0.0, number, step)

    assert scenario.sockets
    assert any(step.all_faults for step in scenario.steps)
    assert stopwatch.recoveries()
    assert len(digest_of(path.read_text(encoding="utf-8"))) == 16


def test_the_scenarios_are_those_that_were_promised() -> None:
    assert set(names()) >= {
        "user_hub_dies",
        "market_hub_dies",
        "rest_down",
        "rate_limited",
        "token_expires",
        "executed_then_disconnected",
        "deploy",
        "halted_close",
        "everything_at_once",
    }


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(NoSuchScenarioError, match="user_hub_dies"):
        path_of("user_hub_dyes")
