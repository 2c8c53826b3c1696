"""`make trace` writes a file that timeline viewers open, in which a breach can be followed."""

import json
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from risk_actors.runtime.actor import Actor
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.mailbox import Mailbox
from tests.conftest import RecordingOverseer
from tests.runtime.probe import Diary, Say, spec_of
from tests.tools.conftest import LoadTool, RunTool

type Event = dict[str, Any]


class Trace:
    """A trace as a viewer reads it."""

    def __init__(self, told: dict[str, Any]) -> None:
        events = told["traceEvents"]
        self.names = {
            event["tid"]: event["args"]["name"]
            for event in events
            if event["ph"] == "M" and event["name"] == "thread_name"
        }
        self.slices: defaultdict[int, list[Event]] = defaultdict(list)
        for event in events:
            if event["ph"] == "X":
                self.slices[event["tid"]].append(event)
        self.begins = {event["id"]: event for event in events if event["ph"] == "s"}
        self.ends = {event["id"]: event for event in events if event["ph"] == "f"}

    def around(self, arrow: Event) -> Event:
        """Return the one slice that an arrow's end is in."""
        (found,) = [
            each
            for each in self.slices[arrow["tid"]]
            if each["ts"] <= arrow["ts"] <= each["ts"] + each["dur"]
        ]
        return found

    def chain(self, last: Event) -> list[Event]:
        """Return a slice and those before it, back along the arrows to where it began."""
        chain = [last]
        while True:
            here = chain[-1]
            arrow = next(
                (
                    number
                    for number, end in self.ends.items()
                    if end["tid"] == here["tid"] and end["ts"] == here["ts"]
                ),
                None,
            )
            if arrow is None:
                return chain
            chain.append(self.around(self.begins[arrow]))

    def all(self, name: str, track: str) -> list[Event]:
        """Return the slices of a name on a track."""
        return [
            each
            for tid, slices in self.slices.items()
            for each in slices
            if each["name"] == name and self.names[tid] == track
        ]

    def track(self, event: Event) -> str:
        return str(self.names[event["tid"]])


def overlapping(slices: list[Event]) -> list[tuple[str, str]]:
    """Return the neighbours that neither follow one another nor lie one within the other."""
    wrong, open_until = [], []
    for each in sorted(slices, key=lambda e: (e["ts"], -e["dur"])):
        while open_until and open_until[-1][0] <= each["ts"]:
            open_until.pop()
        end = each["ts"] + each["dur"]
        if open_until and end > open_until[-1][0]:
            wrong.append((open_until[-1][1], each["name"]))
        open_until.append((end, each["name"]))
    return wrong


@pytest.mark.system
def test_a_breach_can_be_followed_from_the_broker_to_the_command(
    run_tool: RunTool, tmp_path: Path
) -> None:
    out = tmp_path / "trace.json"

    done = run_tool("trace_messages", "--seconds", "6", "--out", out)

    assert done.returncode == 0, done.stdout + done.stderr
    trace = Trace(json.loads(out.read_text(encoding="utf-8")))
    assert [wrong for each in trace.slices.values() for wrong in overlapping(each)] == []
    assert set(trace.ends) <= set(trace.begins)
    assert all(trace.begins[n]["ts"] <= trace.ends[n]["ts"] for n in trace.ends)
    breaches, closes = trace.all("BreachFound", "enforcer"), trace.all("SendClose", "gateway.out")
    sent_for = {each["args"]["correlation_id"] for each in closes}
    followed = [
        ([each["name"] for each in chain], chain)
        for chain in map(trace.chain, breaches)
        if chain[0]["args"]["correlation_id"] in sent_for
    ]
    assert followed, (breaches, closes)
    # A close that waits for the position's event to come is sent when that is handled.
    assert all(trace.track(each) == "enforcer" for each in [trace.chain(c)[1] for c in closes])
    names, chain = followed[0]
    tracks = [trace.track(each) for each in chain]
    assert tracks[0] == "enforcer"
    assert tracks[1].startswith("rule:")
    assert tracks[-1].startswith("gateway.in")
    assert len(set(trace.names.values())) == len(trace.names)
    told = json.loads(out.read_text(encoding="utf-8"))["traceEvents"]
    assert {"message", "_ActorStop"}.isdisjoint(event["name"] for event in told)
    assert names[-1].startswith("send ")
    ids = {each["args"]["correlation_id"] for each in chain}
    assert len(ids) == 1
    assert all(each["args"]["waited_us"] >= 0 for each in chain[:-1])


def test_what_is_sent_handled_and_replaced_is_all_there_is(
    load_tool: LoadTool, clock: VirtualClock, overseer: RecordingOverseer
) -> None:
    recorder = load_tool("trace_recorder").Recorder()
    before = (Mailbox.deliver, Mailbox.put, Actor.on_receive)
    with recorder.installed():
        assert (Mailbox.deliver, Mailbox.put, Actor.on_receive) != before
        spec = spec_of("a", Diary())
        sender = threading.Thread(
            target=lambda: spec.mailbox.deliver(Say(text="hello"), "b"), name="anybody"
        )
        sender.start()
        sender.join()
        spec.mailbox.deliver(Say(text="again"))
        actor = spec.make(spec.context(clock, overseer))
        while actor.step():
            pass
    assert (Mailbox.deliver, Mailbox.put, Actor.on_receive) == before

    trace = Trace(recorder.trace())

    assert sorted(trace.names.values()) == ["MainThread", "a", "b"]
    by_track = {trace.names[tid]: [e["name"] for e in es] for tid, es in trace.slices.items()}
    assert by_track == {"a": ["Say", "Say"], "b": ["send Say"], "MainThread": ["send Say"]}
    assert len(trace.begins) == len(trace.ends) == 2


def test_slices_that_cut_into_one_another_are_found() -> None:
    def part(ts: float, dur: float) -> Event:
        return {"ts": ts, "dur": dur, "name": f"{ts}"}

    assert overlapping([part(0, 10), part(2, 3), part(5, 5), part(10, 1)]) == []
    assert overlapping([part(0, 10), part(8, 4)]) == [("0", "8")]
