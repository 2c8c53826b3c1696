"""`make soak` tells a daemon that is steady from one that leaks."""

import math
from collections.abc import Callable
from random import Random
from types import ModuleType

import pytest

from tests.tools.conftest import LoadTool, RunTool

FIGURES = {"memory_mb": 140.0, "threads": 27.0, "handles": 30.0, "mailbox_depth": 0.0}


@pytest.fixture
def judge(load_tool: LoadTool) -> ModuleType:
    return load_tool("soak_judge")


def samples(
    judge: ModuleType, shapes: dict[str, Callable[[float], float]], seconds: int = 40
) -> list[object]:
    """Return two samples a second: noisy, and with what a shape adds to a figure."""
    rng = Random(7)
    made = []
    for number in range(2 * seconds):
        at_s = number / 2
        noise = {
            "memory_mb": rng.gauss(0, 0.3),
            "threads": rng.choice((0, 0, 0, 1)),
            "handles": rng.choice((-1, 0, 0, 2)),
            "mailbox_depth": rng.choice((0, 0, 0, 0, 3, 40)),
        }
        figures = {
            name: base + noise[name] + shapes.get(name, lambda _at_s: 0.0)(at_s)
            for name, base in FIGURES.items()
        }
        made.append(judge.Sample(at_s=at_s, **figures))
    return made


def grown(judge: ModuleType, made: list[object]) -> list[str]:
    return [growth.allowance.figure for growth in judge.judge(made) if growth.has_grown]


def test_noise_is_no_growth(judge: ModuleType) -> None:
    assert grown(judge, samples(judge, {})) == []


@pytest.mark.parametrize(
    ("figure", "a_second"),
    [("memory_mb", 0.25), ("threads", 0.1), ("handles", 0.2), ("mailbox_depth", 1.0)],
)
def test_a_leak_is_found_and_named(judge: ModuleType, figure: str, a_second: float) -> None:
    assert grown(judge, samples(judge, {figure: lambda at_s: a_second * at_s})) == [figure]


def test_a_small_leak_of_memory_is_found_when_it_is_looked_at_for_longer(
    judge: ModuleType,
) -> None:
    def leak(at_s: float) -> float:
        return 0.03 * at_s

    assert grown(judge, samples(judge, {"memory_mb": leak}, 60)) == []
    assert grown(judge, samples(judge, {"memory_mb": leak}, 1200)) == ["memory_mb"]


@pytest.mark.parametrize(
    "shape",
    [
        lambda at_s: 30.0 if at_s > 18 else 0.0,
        lambda at_s: 20 * (1 - math.exp(-at_s / 4)),
        lambda at_s: 60.0 if 10 < at_s < 14 else 0.0,
        lambda at_s: -0.5 * at_s,
    ],
)
def test_what_fills_up_once_or_comes_and_goes_is_no_leak(
    judge: ModuleType, shape: Callable[[float], float]
) -> None:
    assert grown(judge, samples(judge, {"memory_mb": shape})) == []


def test_what_grew_is_said_with_its_figures(judge: ModuleType) -> None:
    made = samples(judge, {"threads": lambda at_s: math.floor(at_s / 4)})
    growth = next(g for g in judge.judge(made) if g.has_grown)

    assert growth.sentence().startswith("threads        GREW       27.0 ->     3")
    assert "allowed 2.00" in growth.sentence()


def test_the_median_of_slopes_is_not_moved_by_outliers(judge: ModuleType) -> None:
    points = [(float(n), 3.0 * n) for n in range(20)]
    points[4] = (4.0, 900.0)
    points[15] = (15.0, -900.0)

    assert judge.theil_sen(points) == 3.0


def test_too_few_samples_tell_nothing(judge: ModuleType) -> None:
    with pytest.raises(ValueError, match="sample for longer"):
        judge.judge(samples(judge, {})[:7])


@pytest.mark.system
@pytest.mark.slow
def test_the_daemon_is_steady_for_a_while(run_tool: RunTool) -> None:
    done = run_tool("soak", "--seconds", "15", "--warm-up", "7")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "closes sent" in done.stdout
    assert "Steady" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seconds", "1"), "at least 6 s must be left, so 9 s without --warm-up"),
        (("--seconds", "abc"), "expected a number above 0, such as 60, not `abc`"),
        (("--minutes", "-1"), "expected a number above 0"),
    ],
)
def test_a_length_that_tells_nothing_is_refused_at_once(
    run_tool: RunTool, arguments: tuple[str, ...], words: str
) -> None:
    done = run_tool("soak", *arguments)

    assert done.returncode == 2
    assert words in done.stderr
