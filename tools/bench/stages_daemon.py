"""The daemon as shipped, with a note of the time at each stage of an answer.

It takes the place of some methods from outside; the program itself has no line of this. Marks are
kept in memory and written by a thread of their own, so that the answer itself waits for no file.

    MARKS=FILE python -m bench.stages_daemon run ...   (the words of `risk-actors`)
"""

import os
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.position import PositionActor
from risk_actors.actors.rule import RuleActor
from risk_actors.cli.main import main
from risk_actors.projectx.lane import EnforcementLane
from risk_actors.projectx.lean_hub import LeanHub
from risk_actors.projectx.lines import Line
from risk_actors.projectx.lines_gate import LineGate

from .stages_split import Kind, Mark

MARKS = "BENCH_MARKS"
"""The variable that says where the marks go."""
WRITE_EVERY_S = 0.5
_marks: list[Mark] = []


def _note(kind: Kind) -> None:
    _marks.append(Mark(time.monotonic_ns(), time.thread_time_ns(), threading.get_ident(), kind))


def _before(owner: type, name: str, kind: Kind, is_meant: Callable[..., bool]) -> None:
    """Note each call of a method that is meant, before it is made."""
    method = getattr(owner, name)

    @wraps(method)
    def noted(self: Any, *arguments: Any) -> Any:
        if is_meant(*arguments):
            _note(kind)
        return method(self, *arguments)

    setattr(owner, name, noted)


def _any(*_: object) -> bool:
    return True


def _install() -> None:
    _before(LeanHub, "_take", Kind.READ, _any)
    _before(PositionActor, "handle", Kind.BOOK, _any)
    _before(RuleActor, "_evaluate", Kind.RULE, _any)
    _before(EnforcerActor, "handle", Kind.PLAN, lambda told: isinstance(told, m.BreachFound))
    _before(EnforcementLane, "_write", Kind.WRITE, _any)
    tell = LineGate.tell

    @wraps(tell)
    def told(self: LineGate, line: Line, row: Any) -> Any:
        found = tell(self, line, row)
        if line is Line.B and found[0] is not None:
            _note(Kind.ROW)
        return found

    LineGate.tell = told  # type: ignore[method-assign]


def _write_marks(file: Path) -> None:
    written = 0
    with file.open("a", encoding="utf-8") as stream:
        while True:
            time.sleep(WRITE_EVERY_S)
            count = len(_marks)
            stream.writelines(f"{mark.line()}\n" for mark in _marks[written:count])
            stream.flush()
            written = count


if __name__ == "__main__":
    _install()
    file = Path(os.environ[MARKS])
    threading.Thread(target=_write_marks, args=(file,), name="marks", daemon=True).start()
    main(prog_name="risk-actors")
