"""Micro-benchmarks by pyperf: what the small things cost that everything else is made of."""

import subprocess
import sys
import tempfile
from pathlib import Path

from .figures import Figure, Part, Terms, median, percentile
from .parts import ROOT, tools_environment

_SHORT = ("--processes", "2", "--values", "4", "--warmups", "1", "--min-time", "0.02")
_QUICK = ("--processes", "1", "--values", "1", "--warmups", "1", "--min-time", "0.001")


def run(terms: Terms) -> Part:
    """Measure."""
    import pyperf  # noqa: PLC0415 - where it is missing this part alone cannot be measured

    with tempfile.TemporaryDirectory(prefix="risk-bench-") as directory:
        file = Path(directory) / "micro.json"
        length = _QUICK if terms.is_quick else _SHORT
        inherit = ("--inherit-environ", "PYTHONPATH")
        subprocess.run(
            [sys.executable, "-m", "bench.micro_cases", "-q", "-o", str(file), *inherit, *length],
            cwd=ROOT,
            env=tools_environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        suite = pyperf.BenchmarkSuite.load(str(file))
    values_us = {
        bench.get_name(): [value * 1e6 for value in bench.get_values()]
        for bench in suite.get_benchmarks()
    }
    return Part(
        "micro",
        tuple(
            Figure(name, median(each), "us", note=f"p99 {percentile(each, 0.99):.2f} us, pyperf")
            for name, each in values_us.items()
        ),
        {name: [round(value, 3) for value in each] for name, each in values_us.items()},
    )
