"""Workers for a crew that are no actors."""

import threading

from risk_actors.runtime.crew import Crew
from risk_actors.runtime.crew_member import Member


class Worker:
    """Does what is put in, one at a turn, and sends on to another."""

    def __init__(self, name: str, done: list[str], send_to: "Worker | None" = None) -> None:
        self.name, self.done, self.send_to = name, done, send_to
        self.todo: list[str] = []
        self.member: Member | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_done = False
        self.is_patient = False
        self.at_once = 0
        self.most_at_once = 0
        # The first turn comes with joining.
        self._is_awake = True
        self._lock = threading.Lock()

    def put(self, text: str) -> None:
        with self._lock:
            self.todo.append(text)
            is_first, self._is_awake = not self._is_awake, True
        if is_first and self.member is not None:
            self.member.wake()

    def turn(self, member: Member) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.todo:
            text = self.todo.pop(0)
            self.may_go_on.wait(10)
            self.done.append(f"{self.name} {text}")
            if text == "odd":
                self.at_once -= 1
                self.is_done = True
                raise SystemExit(3)
            if self.send_to is not None:
                self.send_to.put(text)
        self.at_once -= 1
        with self._lock:
            self._is_awake = bool(self.todo)
            return self._is_awake

    def end(self) -> None:
        self.is_done = True
        self.put("end")


def join(crew: Crew, worker: Worker, rank: int) -> None:
    worker.member = crew.join(worker, rank)


def running() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("crew-")]
