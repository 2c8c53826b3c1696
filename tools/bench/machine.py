"""What the figures were measured on, without naming whose machine it is."""

import os
import platform
from pathlib import Path
from typing import Any

_CPU_INFO = Path("/proc/cpuinfo")


def machine() -> dict[str, Any]:
    """Return the machine in a few words: plain JSON values."""
    return {
        "cpu": _cpu(),
        "cores": _cores(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "os": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def in_words(it: dict[str, Any]) -> str:
    """Return a machine as one line."""
    load = "" if it.get("load") is None else f", load {it['load']:g} at the start"
    return f"{it['cpu']}, {it['cores']} cores, {it['python']}, {it['os']}{load}"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
