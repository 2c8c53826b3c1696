"""An actor that does what it is told and keeps what it saw, outside of itself."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from risk_actors.messages import Message
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.supervisor import ChildSpec
from tests.conftest import RecordingOutbox


class Say(Message, frozen=True, kw_only=True):
    """`boom` fails, `exit` asks the interpreter to end, `send` sends; anything else is kept."""

    correlation_id: str = "c"
    at_ns: int = 1
    text: str


class OddError(BaseException):
    """No `Exception`, like what ends an interpreter."""


@dataclass
class Diary:
    """What the actors of one address did, over their restarts."""

    lines: list[str] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    made: int = 0
    fail_opening: set[int] = field(default_factory=set)
    """Which actors, counted from 1, fail to open."""
    hang_opening: set[int] = field(default_factory=set)
    """Which actors, counted from 1, wait for `may_open`."""
    may_open: threading.Event = field(default_factory=threading.Event)
    may_close: threading.Event = field(default_factory=threading.Event)
    may_handle: threading.Event = field(default_factory=threading.Event)
    on_handle: Callable[[str], None] = lambda _text: None

    def __post_init__(self) -> None:
        self.may_close.set()
        self.may_handle.set()

    def count(self, line: str) -> int:
        return self.lines.count(line)


class ProbeActor(Actor):
    """Used by the tests of the runtime."""

    kind = "probe"
    receives = frozenset({Say})
    sends = frozenset({Say})

    def __init__(self, context: ActorContext, diary: Diary) -> None:
        super().__init__(context)
        self.diary = diary
        diary.made += 1
        self.number = diary.made

    def opened(self) -> None:
        if self.number in self.diary.hang_opening:
            self.diary.may_open.wait(10)
        self.diary.lines.append("opened")
        self.diary.threads.append(threading.current_thread().name)
        if self.number in self.diary.fail_opening:
            raise OSError("cannot open")

    def closed(self) -> None:
        self.diary.may_close.wait(10)
        self.diary.lines.append("closed")

    def handle(self, message: Any) -> None:
        self.diary.may_handle.wait(10)
        self.diary.on_handle(message.text)
        match message.text:
            case "boom":
                raise ValueError("went off")
            case "exit":
                raise SystemExit(7)
            case "odd":
                raise OddError("odd")
            case "send":
                self.outbox.send(Say(text=f"from {self.number}"))
            case _:
                self.diary.lines.append(message.text)

    def handle_control(self, message: Control) -> None:
        self.diary.lines.append(type(message).__name__)


def spec_of(address: str, diary: Diary, kind: str = "probe") -> ChildSpec:
    """Return how to make a probe that writes to this diary."""
    return ChildSpec(
        address=address,
        kind=kind,
        make=lambda context: ProbeActor(context, diary),
        mailbox=Mailbox(address),
        outbox=RecordingOutbox(),
    )
