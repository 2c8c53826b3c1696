"""What every thread does, without what it knows."""

import threading

from risk_actors.runtime.thread_dump import MAX_FRAMES, dump_threads


def test_a_dump_names_threads_and_places_and_tells_no_value() -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait_with(password: str) -> None:
        hidden = f"{password}!"
        entered.set()
        leave.wait(5)
        assert hidden

    thread = threading.Thread(target=wait_with, args=("hunter2",), name="held-up")
    thread.start()
    entered.wait(5)

    dump = dump_threads()
    leave.set()
    thread.join(5)

    held_up = next(part for part in dump.split("\n\n") if part.startswith("held-up:"))
    assert "wait_with" in held_up
    assert "tests/runtime/test_thread_dump.py:" in held_up
    assert "hunter2" not in dump
    assert "MainThread:" in dump


def test_a_deep_stack_is_cut_at_its_outer_end() -> None:
    seen: list[str] = []

    def descend(depth: int) -> None:
        if depth:
            descend(depth - 1)
        else:
            seen.append(dump_threads())

    descend(3 * MAX_FRAMES)

    (part,) = [part for part in seen[0].split("\n\n") if "descend" in part]
    lines = part.splitlines()
    assert lines[1] == "  ..."
    assert len(lines) == MAX_FRAMES + 2
    assert "dump_threads" in lines[-1]
