"""What others take for a pre-trade check, where they install: asked for with BENCH_PEERS=1.

Their work is not ours: they check one order before it is sent, we judge an account with each event
of the broker. So the figures stand beside ours, and no ratio is made of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .figures import Figure, Terms

ASKED_BY = "BENCH_PEERS"
INSTALL_S = 240
RUN_S = 60
PEERS = {"nautilus_trader": "core_peer_nautilus.py"}
"""The package, and the program that measures it in an environment of its own."""
LEFT_OUT = {
    "vnpy": "not measured: vnpy and vnpy_riskmanager were not installed within 240 s when it was"
    " tried; its checks also need its desktop engine"
}
"""Why others are not measured."""


def peer_figures(terms: Terms) -> list[Figure]:
    """Return for each peer the median of one check, or why it was not measured."""
    left_out = [_figure(name, None, why) for name, why in LEFT_OUT.items()]
    if not os.environ.get(ASKED_BY):
        note = f"not measured: {ASKED_BY}=1 installs peers into a throw-away environment"
        return [_figure(name, None, note) for name in PEERS] + left_out
    return [_measured(name, program, terms) for name, program in PEERS.items()] + left_out


def _figure(name: str, value: float | None, note: str) -> Figure:
    return Figure(
        name=f"pre-trade check of {name}, median", value=value, unit="us", note=note, is_saved=False
    )


def _measured(name: str, program: str, terms: Terms) -> Figure:
    checks = "200" if terms.is_quick else "20000"
    with tempfile.TemporaryDirectory() as directory:
        python = Path(directory) / "bin" / "python"
        steps = (
            ([sys.executable, "-m", "venv", directory], INSTALL_S),
            ([str(python), "-m", "pip", "install", "--quiet", name], INSTALL_S),
            ([str(python), str(Path(__file__).with_name(program)), checks], RUN_S),
        )
        for command, limit_s in steps:
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=limit_s, check=True
                )
            except subprocess.TimeoutExpired:
                return _figure(name, None, f"not measured: {command[-1]} took over {limit_s} s")
            except subprocess.CalledProcessError as error:
                lines = error.stderr.strip().splitlines() or ["no reason given"]
                return _figure(name, None, f"not measured: {lines[-1][:160]}")
        told = json.loads(done.stdout.strip().splitlines()[-1])
    return _figure(name, told["median_us"], f"{told['what']}; p99 {told['p99_us']:.1f} us")
