"""`make bench` shows each figure beside its target and says what got slower. No time is tested."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from rich.console import Console

from risk_actors.app.settings_load import load_settings
from risk_actors.core.rules import catalogue

ROOT = Path(__file__).parents[2]

MODULES = (
    *("figures", "baseline", "parts", "table", "machine", "__main__"),
    *("broker", "broker_flood", "wire_settings", "wire_raw", "stages_split"),
)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Load the package as its parts do, and leave nothing of it behind."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    before = set(sys.modules)
    yield SimpleNamespace(**{name.strip("_"): import_module(f"bench.{name}") for name in MODULES})
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "bench":
            del sys.modules[name]


def figure(bench: Any, value: float | None, target: float | None = 1.0, **more: Any) -> Any:
    return bench.figures.Figure("a figure", value, more.pop("unit", "x"), target, **more)


def saved(bench: Any, *figures: Any) -> Any:
    terms = bench.figures.Terms(rounds=1, is_quick=False)
    part = bench.figures.Part("wire", figures, {"raw": [1.5]})
    return bench.baseline.saved(
        "2026-03-04T12:00:00+00:00",
        {"cpu": "abacus", "cores": 1},
        terms,
        [bench.parts.Outcome("wire", part), bench.parts.Outcome("idle", None, "no openssl")],
    )


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([3.0], 0.99, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        (list(range(1, 101)), 0.99, 99),
        (list(range(100, 0, -1)), 0.99, 99),
        (list(range(1, 201)), 0.99, 198),
        ([5.0, 1.0], 1.0, 5.0),
        ([5.0, 1.0], 0.0, 1.0),
    ],
)
def test_percentiles_are_nearest_ranks(
    bench: Any, values: list[float], fraction: float, expected: float
) -> None:
    assert bench.figures.percentile(values, fraction) == expected


@pytest.mark.parametrize(
    ("values", "expected"), [([2.0], 2.0), ([9.0, 1.0, 2.0], 2.0), ([4.0, 1.0, 2.0, 9.0], 3.0)]
)
def test_medians(bench: Any, values: list[float], expected: float) -> None:
    assert bench.figures.median(values) == expected


def test_nothing_has_no_percentile(bench: Any) -> None:
    with pytest.raises(ValueError, match="No values"):
        bench.figures.percentile([], 0.99)
    with pytest.raises(ValueError, match="No values"):
        bench.figures.median([])


@pytest.mark.parametrize(
    ("value", "target", "is_at_most", "expected"),
    [
        (0.6, 0.6, True, "pass"),
        (0.61, 0.6, True, "miss"),
        (100_000, 100_000, False, "pass"),
        (99_999, 100_000, False, "miss"),
        (None, 0.6, True, "not measured"),
        (None, None, True, "not measured"),
        (3.0, None, True, ""),
    ],
)
def test_a_figure_is_judged_by_its_target(
    bench: Any, value: float | None, target: float | None, is_at_most: bool, expected: str
) -> None:
    assert bench.table.verdict(figure(bench, value, target, is_at_most=is_at_most)) == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.6321, "0.63 us"), (12.34, "12.3 us"), (112_345.6, "112,346 us"), (None, "-")],
)
def test_numbers_have_three_digits_or_so(bench: Any, value: float | None, shown: str) -> None:
    assert bench.table.shown(value, "us") == shown


def test_the_table_shows_values_targets_verdicts_and_reasons(bench: Any) -> None:
    part = bench.figures.Part(
        "wire",
        (
            figure(bench, 0.5, 0.6, note="medians [raw] 1.0 ms"),
            figure(bench, 0.7, 0.6),
            figure(bench, None, 0.6, note="the clock stood still"),
        ),
        {},
    )
    outcomes = [
        bench.parts.Outcome("wire", part),
        bench.parts.Outcome("idle", None, "RuntimeError: no openssl"),
    ]
    console = Console(record=True, width=120)
    bench.table.show(outcomes, console)
    text = console.export_text()
    assert "medians [raw] 1.0 ms" in text
    assert "0.50 x" in text
    assert "<= 0.60 x" in text
    assert "the clock stood still" in text
    assert "RuntimeError: no openssl" in text
    assert "1 pass, 1 miss, 2 not measured" in text


def test_a_part_that_is_missing_or_fails_says_why_and_nothing_is_raised(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "strange_parts"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "failing.py").write_text("def run(terms):\n    raise RuntimeError('no such luck')\n")
    (package / "dying.py").write_text("import os\ndef run(terms):\n    os._exit(3)\n")
    (package / "fine.py").write_text(
        "from bench.figures import Figure, Part\n"
        "def run(terms):\n"
        "    return Part('fine', (Figure('a', terms.rounds / 2, 'x', 2.0),), {'b': [1]})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    terms = bench.figures.Terms(rounds=3, is_quick=True)
    outcomes = {
        name: bench.parts.run_part(name, terms, "strange_parts")
        for name in ("failing", "dying", "fine", "absent")
    }
    assert outcomes["failing"].part is None
    assert outcomes["failing"].reason == "RuntimeError: no such luck"
    assert outcomes["dying"] == ("dying", None, "code 3")
    assert outcomes["absent"].reason == "there is no module strange_parts.absent"
    assert outcomes["fine"].part.figures[0].value == 1.5
    assert outcomes["fine"].part.detail == {"b": [1]}


def test_parts_are_found_by_name(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def run_all(terms):\n    return None\n")
    (tmp_path / "wire.py").write_text("def run(terms):\n    return None\n")
    (tmp_path / "extra.py").write_text('"""Extra."""\n\ndef run(terms: Terms) -> Part:\n    ...\n')
    expected = bench.parts.part_names(tmp_path / "empty")
    assert {"wire", "idle", "flood"} <= set(expected)
    assert bench.parts.part_names(tmp_path) == (*expected, "extra")


def test_a_run_is_written_and_read_back(bench: Any, tmp_path: Path) -> None:
    run = saved(bench, figure(bench, 0.5, note="why"))
    file = tmp_path / "new" / "bench.json"
    bench.baseline.save(run, file)
    assert bench.baseline.load(file) == run
    written = json.loads(file.read_text())
    assert written["machine"] == {"cpu": "abacus", "cores": 1}
    assert written["not_measured"] == {"idle": "no openssl"}
    assert written["parts"][0]["figures"][0]["name"] == "a figure"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at": 1, "machine": {}, "terms": {"laps": 3}}'])
def test_what_is_no_run_is_refused(bench: Any, tmp_path: Path, text: str) -> None:
    file = tmp_path / "bench.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"."):
        bench.baseline.load(file)


@pytest.mark.parametrize(
    ("before", "now", "is_at_most", "expected"),
    [
        (1.0, 1.19, True, None),
        (1.0, 1.25, True, 0.25),
        (1.0, 0.5, True, None),
        (100.0, 80.0, False, 0.25),
        (100.0, 90.0, False, None),
        (100.0, 300.0, False, None),
        (None, 5.0, True, None),
        (5.0, None, True, None),
        (0.0, 5.0, True, None),
    ],
)
def test_more_than_a_fifth_worse_is_slower(
    bench: Any, before: float | None, now: float | None, is_at_most: bool, expected: float | None
) -> None:
    found = bench.baseline.slower(
        saved(bench, figure(bench, before, is_at_most=is_at_most)),
        saved(bench, figure(bench, now, is_at_most=is_at_most)),
    )
    assert [round(each.by, 6) for each in found] == ([] if expected is None else [expected])


def test_only_figures_that_are_the_same_are_compared(bench: Any) -> None:
    before = saved(bench, figure(bench, 1.0))
    assert not bench.baseline.slower(before, saved(bench, figure(bench, 9.0, unit="ms")))
    assert not bench.baseline.slower(before, saved(bench, figure(bench, 9.0, is_saved=False)))
    assert not bench.baseline.slower(
        before, saved(bench, bench.figures.Figure("another", 9.0, "x"))
    )


@pytest.mark.parametrize(("more", "code"), [([], 0), (["--fail"], 1)])
def test_what_got_slower_is_said_and_fails_only_when_asked(
    bench: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    code: int,
) -> None:
    baseline, result = tmp_path / "before.json", tmp_path / "now.json"
    bench.baseline.save(saved(bench, figure(bench, 1.0)), baseline)
    part = bench.figures.Part("wire", (figure(bench, 1.5),), {})
    monkeypatch.setattr(bench.main, "run_part", lambda name, _: bench.parts.Outcome(name, part))
    arguments = ["--only", "wire", "--json", str(result), "--baseline", str(baseline), *more]
    assert bench.main.main(arguments) == code
    printed = " ".join(capsys.readouterr().out.split())
    assert "wire: a figure: 1.00 x -> 1.50 x (+50%)" in printed
    assert "another machine" in printed
    assert bench.baseline.load(result).parts == [part]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "nothing"],
        ["--rounds", "0"],
        ["--quick", "--full"],
        ["--baseline", "no/such/file.json"],
    ],
)
def test_wrong_usage_is_told(
    bench: Any, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main.main(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_machine_is_named_without_its_host(bench: Any) -> None:
    it = bench.machine.machine()
    assert set(it) == {"cpu", "cores", "python", "os", "load"}
    assert it["cores"] >= 1
    assert it["cpu"] in bench.machine.in_words(it)


def test_all_rules_are_on_and_the_settings_are_good(bench: Any, tmp_path: Path) -> None:
    bench.wire_settings.write_settings(tmp_path / "settings", 1)
    settings = load_settings(tmp_path / "settings")
    assert {rule.__struct_config__.tag for rule in settings.rules} == set(catalogue())
    assert len(settings.rules) == len(catalogue()) == 23


def test_flood_frames_are_the_hubs_own_events_with_the_present_time(bench: Any) -> None:
    async def flooded() -> list[bytes]:
        broker = bench.broker.Broker()
        written: list[bytes] = []
        enough = asyncio.Event()

        def write_now(burst: bytes) -> int:
            written.append(burst)
            if broker.flood.sent >= 40:
                enough.set()
            return 0

        reader = SimpleNamespace(write_now=write_now)
        broker.gateway.market_hub.subscribers = lambda _topic: [reader]
        broker.flood.quotes_per_s = broker.flood.trades_per_s = 5_000
        flooding = asyncio.create_task(broker.flood.run())
        await asyncio.wait_for(enough.wait(), 10)
        flooding.cancel()
        return written

    messages = [message for burst in asyncio.run(flooded()) for message in messages_of(burst)]
    assert {message["target"] for message in messages} == {"GatewayQuote", "GatewayTrade"}
    contracts = {message["arguments"][0] for message in messages}
    assert len(contracts) == 5
    quote = next(m["arguments"][1] for m in messages if m["target"] == "GatewayQuote")
    assert quote["bestBid"] < quote["bestAsk"]
    assert quote["lastUpdated"] == quote["timestamp"]


def messages_of(burst: bytes) -> Iterator[dict[str, Any]]:
    """Read unmasked WebSocket frames of text as a client does."""
    while burst:
        assert burst[0] == 0x81
        length, begin = burst[1], 2
        if length == 126:
            length, begin = int.from_bytes(burst[2:4]), 4
        yield json.loads(burst[begin : begin + length].rstrip(b"\x1e"))
        burst = burst[begin + length :]


def test_a_breach_is_timed_from_its_first_proof_to_the_first_answer(bench: Any) -> None:
    """The guard here is a client on the wire that closes at the first fill it hears of."""

    async def played() -> Any:
        broker = bench.broker.Broker()
        work = {"accounts": broker.account_ids, "contracts": broker.contract_ids, "limit": 1}
        async with broker.running(), aiohttp.ClientSession() as http:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in broker.environment.items():
                    patch.setenv(name, value)
                guarding = asyncio.create_task(bench.wire_raw.RawGuard(work, http).run())
                await broker.wait_for_guard(10)
                samples = await broker.samples(2, warm_up=1)
                guarding.cancel()
                await asyncio.wait([guarding])
        return broker, samples

    broker, samples = asyncio.run(played())
    assert len(samples) == 2
    assert all(sample.to_position_ms >= 0 for sample in samples)
    assert all(sample.ms > 0 for sample in samples)
    closes = [r for r in broker.gateway.history.requests if r.endpoint.endswith("closeContract")]
    assert len(closes) == 3
    standing = [p for p in broker.gateway.exchange.positions.values() if p.signed_size]
    assert {p.account_id for p in standing} == {broker.account_ids[-1]}


# --- the stages of an answer ------------------------------------------------------------------


def marks_of(bench: Any, *told: tuple[str, int, int, int]) -> list[Any]:
    split = bench.stages_split
    return [split.Mark(at, cpu, thread, split.Kind(kind)) for kind, at, cpu, thread in told]


READER, CREW = 1, 2
ANSWER = (
    ("read", 200_000, 50_000, READER),
    ("row", 300_000, 140_000, READER),
    ("read", 310_000, 145_000, READER),
    ("row", 400_000, 200_000, READER),
    ("book", 600_000, 1_000_000, CREW),
    ("book", 700_000, 1_080_000, CREW),
    ("rule", 800_000, 1_100_000, CREW),
    ("rule", 850_000, 1_120_000, CREW),
    ("plan", 900_000, 1_150_000, CREW),
    ("write", 1_000_000, 1_200_000, CREW),
)


def test_an_answer_is_split_into_stages_that_add_up(bench: Any) -> None:
    answer = bench.stages_split.split(marks_of(bench, *ANSWER), 100_000, 1_500_000)
    assert answer.stages_ms == pytest.approx((0.1, 0.2, 0.2, 0.2, 0.1, 0.1, 0.5))
    assert len(answer.stages_ms) == len(bench.stages_split.STAGES)
    assert answer.computed_ms == pytest.approx(0.15 + 0.2)
    assert answer.waited_ms == pytest.approx(0.8 - 0.35)


@pytest.mark.parametrize("missing", ["read", "row", "book", "rule", "plan", "write"])
def test_an_answer_that_took_another_way_is_not_split(bench: Any, missing: str) -> None:
    there = [each for each in ANSWER if each[0] != missing]
    assert bench.stages_split.split(marks_of(bench, *there), 100_000, 1_500_000) is None


def test_marks_of_before_and_after_belong_to_other_answers(bench: Any) -> None:
    marks = marks_of(bench, ("read", 1, 0, READER), *ANSWER, ("row", 1_600_000, 0, READER))
    answer = bench.stages_split.split(marks, 100_000, 1_500_000)
    assert sum(answer.stages_ms) == pytest.approx(1.4)


def test_a_row_that_another_thread_told_is_not_taken_for_the_second_lines(bench: Any) -> None:
    others = [(kind, at, cpu, 3 if kind == "row" else on) for kind, at, cpu, on in ANSWER]
    assert bench.stages_split.split(marks_of(bench, *others), 100_000, 1_500_000) is None


def test_a_mark_is_read_as_it_was_written(bench: Any) -> None:
    (mark,) = marks_of(bench, ANSWER[0])
    assert bench.stages_split.Mark.of(mark.line()) == mark


def test_what_the_stages_are_seen_by_is_there(bench: Any) -> None:
    """A method that was given another name would leave the part without figures."""
    install = "from bench import stages_daemon; stages_daemon._install()"
    done = subprocess.run(
        [sys.executable, "-c", install],
        env=bench.parts.tools_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_was_measured_is_kept_when_a_later_part_ends_the_run(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = bench.figures.Part("wire", (figure(bench, 0.5),), {})

    def measure(name: str, _: object) -> Any:
        if name == "idle":
            raise KeyboardInterrupt
        return bench.parts.Outcome(name, part)

    monkeypatch.setattr(bench.main, "run_part", measure)
    file = tmp_path / "bench.json"
    with pytest.raises(KeyboardInterrupt):
        bench.main.main(["--only", "wire", "idle", "--json", str(file)])
    assert [each.name for each in bench.baseline.load(file).parts] == ["wire"]
