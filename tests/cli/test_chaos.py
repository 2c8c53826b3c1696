"""`chaos`: a daemon as a process, a broker that fails, times that are kept and compared."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from click.testing import Result as Invoked

from risk_actors.chaos.results import Recovery, Result, ResultBook, digest_of
from risk_actors.cli.main import main

SCENARIO = """
title = "The user hub dies"
sockets = true
virtual = false
ends_after_s = 0.5

[settings]
"risk.toml" = '''
[[rules]]
id = "no-gold"
type = "symbol_block"
blocked = ["MGC"]
'''

[broker]
prices = { MGC = 4_100 }

[[steps]]
say = "The hub dies"
fault = { kind = "hub_down", hub = "user" }
expect = [{ phase = "degraded", within_s = 1 }]

[[steps]]
say = "Gold, unseen"
after = 1
buy = { symbol = "MGC", size = 1 }
expect = [
  { close = "MGC", at_most = 2, within_s = 2.5 },
  { lock = "no-gold", scope = "MGC", within_s = 2.5 },
  { flat = true, within_s = 2.5 },
]

[[steps]]
say = "It is let back"
after = 2.5
clear_faults = true
expect = [{ phase = "armed", within_s = 2.5 }]
"""

BEFORE = Result(
    scenario="short",
    digest=digest_of(SCENARIO),
    at="2026-11-20T14:00:00+00:00",
    version="0",
    seed=1,
    recoveries=(Recovery(step=2, what="Gold, unseen", since="breach", flat_s=100.0, took_s=0.03),),
    injected=(),
    commands=1,
    failures=(),
)


def chaos(*options: str) -> Invoked:
    return CliRunner().invoke(main, ["chaos", *options])


@pytest.mark.system
def test_a_run_is_measured_kept_and_compared_with_the_past(tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(SCENARIO, encoding="utf-8")
    book = ResultBook(tmp_path / "results")
    book.keep(BEFORE)

    ended = chaos(str(file), "--seed", "5", "--results", str(tmp_path / "results"))

    assert ended.exit_code == 0, ended.output
    assert "hub_down hub=user" in ended.output
    assert "faster than 100.00 s in 1 earlier run" in ended.output
    assert "no earlier runs to compare with" in ended.output
    assert "locked after" in ended.output
    assert "flat after" in ended.output
    assert "PASSED: short" in ended.output
    _, kept = book.past("short", digest_of(SCENARIO))
    assert (kept.seed, kept.passed, kept.commands) == (5, True, 1)
    breach, heal = kept.recoveries
    assert (breach.since, heal.since) == ("breach", "heal")
    assert breach.locked_s is not None
    assert breach.flat_s is not None
    assert 0 < breach.flat_s < 2.5
    assert breach.took_s is not None
    assert heal.took_s is not None
    assert 0 < breach.took_s < 2.5
    (fault,) = kept.injected
    assert fault.ended_at_s is not None
    assert fault.ended_at_s - fault.at_s > 2.5


@pytest.mark.system
def test_a_run_that_goes_otherwise_ends_with_code_1_is_kept_and_leaves_the_daemons_log(
    tmp_path: Path,
) -> None:
    file = tmp_path / "wrong.toml"
    steps = SCENARIO.split("[[steps]]")
    text = steps[0] + "[[steps]]\nexpect = [{ phase = 'degraded', within_s = 0.1 }]\n"
    file.write_text(text, encoding="utf-8")
    book = ResultBook(tmp_path / "results")

    ended = chaos(str(file), "--results", str(tmp_path / "results"))

    assert ended.exit_code == 1
    assert "FAILED: wrong" in ended.output
    (kept,) = book.past("wrong", digest_of(text))
    assert not kept.passed
    assert "Event Loop Running" in book.log_path("wrong").read_text(encoding="utf-8")


def test_the_list_has_every_scenario() -> None:
    listed = chaos("--list")

    assert listed.exit_code == 0, listed.output
    assert "everything_at_once" in listed.output


@pytest.mark.parametrize(
    ("options", "words"), [((), "which scenario?"), (("nothing",), "no chaos scenario nothing")]
)
def test_a_wrong_call_ends_with_code_2_and_says_what_there_is(
    options: tuple[str, ...], words: str
) -> None:
    ended = chaos(*options)

    assert ended.exit_code == 2
    assert words in ended.output
