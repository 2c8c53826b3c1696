"""Run a Python script, or a module, that ends when the one who started it does.

    python tools/testing/tethered.py SCRIPT [ARGUMENTS]
    python tools/testing/tethered.py -m MODULE [ARGUMENTS]

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
    """Run the script or module in this process, as Python itself would."""
    del sys.argv[0]
    is_module = sys.argv[0] == "-m"
    if is_module:
        del sys.argv[0]
    sys.path[0] = str(Path.cwd() if is_module else Path(sys.argv[0]).resolve().parent)
    tether()
    try:
        if is_module:
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
