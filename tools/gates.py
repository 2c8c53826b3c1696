"""Judge the code by the quality gates: `make gates`.

python tools/gates.py [--only NAME ...] [--skip NAME ...] [--fix] [--list] [--no-skips]
                      [--json FILE] [--html FILE] [--root DIR] [--save-baseline]

Each gate has a threshold, a verdict (passed, failed, or skipped where it could not be judged), a
time, and advice. `--fix` first mends what can be mended by itself. With `--no-skips` what was
not judged has failed, as it must where the gates decide. The run is kept in test_reports/gates/.
Exit codes: 0 no gate failed, 1 one did, 2 wrong usage.
"""

import sys

from quality.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], str(__doc__)))
