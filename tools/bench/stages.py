"""Where the time of an answer goes: one breach after another, stage by stage, in the real daemon.

As `wire`, ours alone, with a note of the time at each stage, which adds to the whole; so the shares
count, and the whole is what `wire` says. It shows what a miss there is made of.
"""

import asyncio
import sys
import tempfile
from bisect import bisect_left
from pathlib import Path

from risk_actors.cli.simulate_guard import Guard

from .broker import LIMIT, Broker
from .figures import Figure, Part, Terms, median, percentile
from .parts import tools_environment
from .programs import READY_WITHIN_S
from .sampling import SETTLE_S, TAIL
from .stages_daemon import MARKS, WRITE_EVERY_S
from .stages_split import STAGES, Answer, Mark, split
from .wire_settings import write_settings

QUOTES_PER_S = 500
SAMPLES = 100
QUICK_SAMPLES = 15
WARM_UP = 8


def run(terms: Terms) -> Part:
    """Measure."""
    answers: list[Answer] = []
    taken = 0
    for number in range(terms.rounds):
        count = QUICK_SAMPLES if terms.is_quick else SAMPLES
        found = asyncio.run(_round(count, number))
        taken += count
        answers += found
    return Part("stages", _figures(answers, taken), {"stages": STAGES, "answers": answers})


async def _round(count: int, seed: int) -> list[Answer]:
    broker = Broker(seed=seed)
    broker.flood.quotes_per_s = QUOTES_PER_S
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        file = Path(directory) / "marks.txt"
        python_path = tools_environment()["PYTHONPATH"]
        async with broker.running():
            more = {MARKS: str(file), "PYTHONPATH": python_path}
            guard = Guard(Path(directory), {**broker.environment, **more})
            guard.program = (sys.executable, "-m", "bench.stages_daemon")
            write_settings(guard.settings_dir, LIMIT)
            with guard:
                await asyncio.to_thread(guard.start)
                await broker.wait_for_guard(READY_WITHIN_S)
                await asyncio.sleep(SETTLE_S)
                samples = await broker.samples(count, warm_up=WARM_UP)
                await asyncio.sleep(2 * WRITE_EVERY_S)
                marks = [Mark.of(line) for line in file.read_text(encoding="utf-8").splitlines()]
    marks.sort()
    times = [mark.at_ns for mark in marks]
    found = []
    for sample in samples:
        first, last = bisect_left(times, sample.proof_ns), bisect_left(times, sample.answer_ns)
        answer = split(marks[first:last], sample.proof_ns, sample.answer_ns)
        if answer is not None:
            found.append(answer)
    return found


def _figures(answers: list[Answer], taken: int) -> tuple[Figure, ...]:
    if not answers:
        return (Figure("stages of an answer", None, "ms", note="no answer came by the usual way"),)
    columns = list(zip(*(each.stages_ms for each in answers), strict=True))
    rows = [
        *zip(STAGES, columns, strict=True),
        ("of these computed, from the first byte to the command", [a.computed_ms for a in answers]),
        ("of these waited, for the interpreter or a wake-up", [a.waited_ms for a in answers]),
        ("the whole, with the notes", [sum(each.stages_ms) for each in answers]),
    ]
    figures = [
        Figure(
            name,
            median(values),
            "ms",
            note=f"p99 {percentile(values, TAIL):.2f} ms",
            is_saved=False,
        )
        for name, values in rows
    ]
    whole = figures[-1]
    note = f"{whole.note}; {len(answers)} of {taken} answers, {QUOTES_PER_S} quotes/s"
    return (*figures[:-1], whole._replace(note=note))
