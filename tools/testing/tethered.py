"""Run a Python script that ends when the one who started it does.

    python tools/testing/tethered.py SCRIPT [ARGUMENTS]

Standard input is the tether: when its other end is closed, because its owner wants an end or was
killed itself, this process interrupts itself as Ctrl-C would. It then has time to put things in
order, on every system alike. The script itself finds an empty standard input.
"""

import _thread
import os
import runpy
import signal
import sys
import threading
from pathlib import Path


def tether() -> None:
    """Have the end of standard input interrupt the main thread; standard input is empty then."""
    rope = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    threading.Thread(target=_hold, args=(rope,), name="tether", daemon=True).start()


def _hold(rope: int) -> None:
    while os.read(rope, 1024):
        pass
    main = threading.main_thread().ident
    if sys.platform == "win32" or main is None:
        _thread.interrupt_main()
    else:
        # A real signal, to this very thread: it ends a wait in the system too.
        signal.pthread_kill(main, signal.SIGINT)


def main() -> None:
    """Run the script in this process."""
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    tether()
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
