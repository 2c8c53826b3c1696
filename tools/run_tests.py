"""Run tests by a menu, by argument, or by a choice on standard input; keep a report of each run.

    python tools/run_tests.py [CHOICE [FILE | KEYWORD]] [--changed [--base REF]] [--coverage]
                              [--html] [--verbose] [--root DIR] [-- PYTEST ARGUMENTS]

Without a choice it shows the menu. The exit code is pytest's own, of the last run (a tool's where
a tool was run); 2 too where an argument or a choice makes no sense. Reports: test_reports/.
"""

import sys

from testing.menu import main
from testing.unbroken import outlive_reader

if __name__ == "__main__":
    outlive_reader()
    sys.exit(main(sys.argv[1:]))
