"""Write every generated part of the documentation anew, or say which of them are stale.

    python -m tools.docs [--check]

With `--check` nothing is written; the exit code is 1 when a part is not as its source says.
"""

import argparse
import sys
from pathlib import Path

from .parts import PARTS, stale

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name what is stale")
    is_check = parser.parse_args().check
    found = stale(ROOT)
    for part, text in found:
        if is_check:
            print(f"stale: {part.path}: {part.about}; run `make docs`")
            continue
        (ROOT / part.path).write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {part.path}: {part.about}")
    if not found:
        print(f"all {len(PARTS)} generated parts are as their sources say")
    return 1 if is_check and found else 0


if __name__ == "__main__":
    sys.exit(main())
