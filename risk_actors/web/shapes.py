"""What the routes answer, as structs: the only source of what is sent and of its description.

An amount or a figure that is unknown is null, never 0. Instants are ISO 8601 text in UTC.
"""

import msgspec

from risk_actors.actors.picture import Picture


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an answer, or a part of one: what it names is all it has."""


class Problem(Answer, frozen=True):
    """Why a request was not done."""

    error: str
    """A sentence that says what to do."""


class StateAnswer(Picture, frozen=True, kw_only=True):
    """The picture, when it was told, and by whom."""

    at: str
    """The guard's clock when this was written: how old it is on arrival."""
    run: str
    """The id of the run that tells it; `daemon.json` has the same."""


class RunAnswer(Answer, frozen=True):
    """Which run of the guard answers, and as which process."""

    run: str
    """Made up at its start; another one is another guard."""
    pid: int


class Alive(Answer, frozen=True):
    """Whether nothing is wrong that only a restart of the process can mend."""

    alive: bool
    reason: str | msgspec.UnsetType = msgspec.UNSET
    """What is wrong."""


class Ready(Answer, frozen=True):
    """Whether the guard guards: connected, reconciled, nothing failed."""

    ready: bool
    phase: str
    reason: str | None
    """Why it does not."""


class Accepted(Answer, frozen=True):
    """What the trader asked for is done, or will be when the sentence says."""

    accepted: bool
    sentence: str


class HistoryDay(Answer, frozen=True):
    """One account's trading day; of the one that runs, what `GET /api/state` says."""

    date: str
    """The date on which it ends, by which traders and firms call it."""
    account: int
    realized: float | None
    fees: float | None
    trades: int | None
    locks: int
    breaches: int | None
    """Of rules that are enforced; null where the record of then is no longer kept."""
    peak: float | None
    """The day's highest equity P&L; null unless it was watched whenever something was open."""
    low: float | None
    """The day's lowest equity P&L; null as the peak is."""


class History(Answer, frozen=True):
    """Trading days, the newest first."""

    days: tuple[HistoryDay, ...]


class CurveMark(Answer, frozen=True):
    """Something that happened on the day of a curve."""

    at: str
    kind: str
    """entry, exit, warning, breach, lock or unlock."""
    text: str
    correlation_id: str | None
    """Leads to what it came from: `GET /api/audit?correlation=`."""


class Curve(Answer, frozen=True):
    """The equity P&L of an account's trading day so far."""

    account: int
    day_started_at: str | None
    """Null before the first state of the day is known."""
    points: tuple[tuple[str, float | None], ...]
    """Instant and equity, oldest first; null where it is unknown from then to the next point."""
    marks: tuple[CurveMark, ...]
    """Oldest first."""


class AuditStep(Answer, frozen=True):
    """One step of a chain."""

    at: str
    kind: str
    """One word: event, breach, lock, command, outcome, observed and others."""
    text: str
    account: int | None
    alarming: bool


class AuditChain(Answer, frozen=True):
    """What one event led to, in the order it happened."""

    correlation_id: str
    steps: tuple[AuditStep, ...]


class AuditRecord(Answer, frozen=True):
    """One row of the record."""

    at: str
    kind: str
    text: str
    account: int | None
    alarming: bool
    correlation_id: str


class AuditRecords(Answer, frozen=True):
    """Rows of the record, the newest first; what comes by the hundred is left out."""

    records: tuple[AuditRecord, ...]


class TopologyActor(Answer, frozen=True):
    """A declared or running actor; what its mailbox has seen is there while it runs."""

    id: str
    kind: str
    one_per: str
    receives: tuple[str, ...]
    sends: tuple[str, ...]
    about: str
    mailbox_depth: int | msgspec.UnsetType = msgspec.UNSET
    mailbox_high_water: int | msgspec.UnsetType = msgspec.UNSET
    conflated: int | msgspec.UnsetType = msgspec.UNSET
    handled: int | msgspec.UnsetType = msgspec.UNSET
    last_message: str | msgspec.UnsetType | None = msgspec.UNSET
    restarts: int | msgspec.UnsetType = msgspec.UNSET
    status: str | msgspec.UnsetType = msgspec.UNSET
    swallowed: int | msgspec.UnsetType = msgspec.UNSET
    left_behind: int | msgspec.UnsetType = msgspec.UNSET
    silent_s: float | msgspec.UnsetType = msgspec.UNSET
    lag_s: float | msgspec.UnsetType = msgspec.UNSET
    longest_turn_ms: int | msgspec.UnsetType = msgspec.UNSET
    longest_wait_ms: int | msgspec.UnsetType = msgspec.UNSET
    times_aside: int | msgspec.UnsetType = msgspec.UNSET
    is_aside: bool | msgspec.UnsetType = msgspec.UNSET
    relieved: int | msgspec.UnsetType = msgspec.UNSET
    dead_letters: int | msgspec.UnsetType = msgspec.UNSET


class TopologyEdge(Answer, frozen=True):
    """Who sends what to whom."""

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    message: str
    plane: str
    """data or control."""


class TopologyAnswer(Answer, frozen=True):
    """The running actors and the paths between them."""

    actors: tuple[TopologyActor, ...]
    edges: tuple[TopologyEdge, ...]
    dead_letters: dict[str, int] = {}
    """By receiver and message."""
    dead_letters_total: int = 0
