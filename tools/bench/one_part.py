"""One part in a process of its own, started by `parts.run_part`.

    python -m bench.one_part MODULE TERMS FILE   (TERMS as JSON)

The part goes into the file as JSON; why there is none is the last line of what is printed.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

import msgspec

from .figures import Part, Terms


def main() -> int:
    """Return 0 when the part was measured."""
    module, terms, file = sys.argv[1:]
    if importlib.util.find_spec(module) is None:
        print(f"there is no module {module}")
        return 1
    try:
        part: Part = importlib.import_module(module).run(msgspec.json.decode(terms, type=Terms))
        Path(file).write_bytes(msgspec.json.encode(part))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other parts go on
        for note in getattr(error, "__notes__", ()):
            print(note)
        print(f"{type(error).__name__}: {error}".replace("\n", " "))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
