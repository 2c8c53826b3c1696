"""The checks can fail: for each invariant, code that upholds it is broken, and they say which.

Each mutation is of the product; the day, the broker and the checks are as they are. Within a
handful of seeds the first thing found must be the invariant that was broken.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors import paint
from risk_actors.actors.gateway import GatewayActor
from risk_actors.actors.journal import JournalActor
from risk_actors.core import enforcement_scope, stop_moves
from risk_actors.core.close_slot import CloseSlot
from risk_actors.core.command_slot import CommandSlot
from risk_actors.core.commands import MoveStop
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_scope import Scope
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.lock_book import LockBook
from risk_actors.core.mark_filter import MarkFilter, Outcome, _level
from risk_actors.core.marks import Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.rules.symbol_block import SymbolBlock
from risk_actors.core.stop_rows import StopRows
from risk_actors.core.verdict import Ok
from risk_actors.fuzz import kinds as k
from risk_actors.fuzz.campaign import play
from risk_actors.fuzz.day import BadTick, Day, Enter, Exit, Fail, Fault, Kill, Move, Shift
from risk_actors.fuzz.draw import draw_day
from risk_actors.fuzz.stage import Stage

SEEDS = range(6)
ADD = PnlBook._add


def days(seed: int, *rules: dict[str, Any], **changes: Any) -> Day:
    """Return a drawn day under rules that make the mutated code work."""
    return msgspec.structs.replace(
        draw_day(seed),
        rules=tuple({"id": f"rule-{n}", **rule} for n, rule in enumerate(rules)),
        **changes,
    )


LIMIT = {"type": "max_contracts", "limit": 1}
LOSS = {"type": "daily_loss_limit", "limit_usd": 5.0}
BLOCKED = {"type": "symbol_block", "blocked": ["MNQ", "ES", "MES", "MCL", "ZN", "6E"]}
MANAGED = {"type": "trade_management", "breakeven_after_ticks": 4}


def first_found(make: Callable[[int], Day]) -> str:
    """Play days until one fails; return which invariant it found broken."""
    for seed in SEEDS:
        found = play(make(seed))
        if found:
            return found[0].invariant
    return "nothing"


def test_the_days_of_the_mutations_are_clean_without_them() -> None:
    for make in MAKERS:
        assert play(make(0)) == ()


# --- days that lead to the mutated code -----------------------------------------------------


def _first_s(day: Day) -> float:
    return 3_000.0 + day.seed


def with_stops(seed: int) -> Day:
    day = days(seed, MANAGED, faults=())
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day)
    deeds = (
        Enter(at_s=at_s, account=account, symbol=symbol, size=2, stop_ticks=20),
        Move(at_s=at_s + 3, symbol=symbol, ticks=10, over_s=2.0),
    )
    return msgspec.structs.replace(day, deeds=deeds)


def with_races(seed: int) -> Day:
    """The trader moves his stop further while our move of it is on its way."""
    day = with_stops(seed)
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day) + 3
    deeds = (
        day.deeds[0],
        Move(at_s=at_s, symbol=symbol, ticks=10),
        Shift(at_s=at_s + 0.0005, account=account, ticks=24),
    )
    return msgspec.structs.replace(day, deeds=deeds)


def with_a_journal_that_fails(seed: int) -> Day:
    """Of all that it takes it loses one message, no more."""
    day = with_stops(seed)
    specs = Stage(day).system.specs
    index = next(i for i, spec in enumerate(specs) if spec.address == JournalActor.kind)
    failure = Fail(at_s=_first_s(day) + 2, which=(index + 0.5) / len(specs))
    return msgspec.structs.replace(day, deeds=(*day.deeds, failure))


def with_limits(seed: int) -> Day:
    return days(seed, LIMIT, LOSS, BLOCKED | {"blocked": list(draw_day(seed).symbols[:1])})


def with_losses(seed: int) -> Day:
    day = days(seed, {"type": "max_unrealized_loss", "limit_usd": 10.0}, faults=())
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day)
    deeds = (
        Enter(at_s=at_s, account=account, symbol=symbol, size=3),
        Move(at_s=at_s + 3, symbol=symbol, ticks=-20),
    )
    return msgspec.structs.replace(day, deeds=deeds)


def with_peaks(seed: int) -> Day:
    """Ends while the market is open, after a peak that the rule is to remember."""
    giveback = {"type": "profit_giveback", "arm_at_usd": 5.0, "giveback_usd": 900.0}
    day = days(seed, giveback, faults=(), length_s=4_000.0)
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day)
    deeds = (
        Enter(at_s=at_s, account=account, symbol=symbol, size=1),
        Move(at_s=at_s + 3, symbol=symbol, ticks=30, over_s=4.0),
        Move(at_s=at_s + 300, symbol=symbol, ticks=-20),
        Exit(at_s=at_s + 310, account=account, symbol=symbol),
    )
    return msgspec.structs.replace(day, deeds=deeds)


def with_kills(seed: int) -> Day:
    day = days(seed, BLOCKED, faults=())
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day)
    deeds = (
        Enter(at_s=at_s, account=account, symbol=symbol, size=2),
        Kill(at_s=at_s + 30, after_messages=3, down_s=5.0),
    )
    return msgspec.structs.replace(day, deeds=deeds)


def with_refusals(seed: int) -> Day:
    day = days(seed, BLOCKED)
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day)
    refused = Fault(kind=k.REFUSED, begin_s=at_s - 1, end_s=at_s + 40, reason="other")
    deeds = (Enter(at_s=at_s, account=account, symbol=symbol, size=2),)
    return msgspec.structs.replace(day, deeds=deeds, faults=(refused,))


def with_pauses(seed: int) -> Day:
    day = with_refusals(seed)
    paused = tuple(msgspec.structs.replace(fault, reason="paused") for fault in day.faults)
    return msgspec.structs.replace(day, faults=paused)


def with_spikes(seed: int) -> Day:
    day = days(seed, {"type": "max_unrealized_loss", "limit_usd": 500.0}, faults=())
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day)
    deeds = (
        Enter(at_s=at_s, account=account, symbol=symbol, size=3),
        BadTick(at_s=at_s + 3, symbol=symbol, kind="spike", ticks=-1_000),
    )
    return msgspec.structs.replace(day, deeds=deeds)


def with_silence(seed: int) -> Day:
    day = days(seed, {"type": "max_unrealized_loss", "limit_usd": 5_000.0})
    account, symbol, at_s = day.accounts[0].id, day.symbols[0], _first_s(day)
    silent = Fault(kind=k.MARKET_HUB_DOWN, begin_s=at_s + 5, end_s=at_s + 95)
    deeds = (Enter(at_s=at_s, account=account, symbol=symbol, size=3),)
    return msgspec.structs.replace(day, deeds=deeds, faults=(silent,))


# --- the mutations --------------------------------------------------------------------------


def move_stops_away(self: Any, state: Any, *_: Any, **__: Any) -> Any:
    """Move every stop ten ticks toward more risk."""
    for order in state.orders:
        if order.stop_price is not None and order.status.name == "OPEN":
            yield MoveStop(
                id=next(self._command_ids),
                account_id=order.account_id,
                contract_id=order.contract_id,
                order_id=order.id,
                stop_price=order.stop_price + order.side.sign * Decimal("2.5"),
                correlation_id="x",
            )


def add_twice(book: PnlBook, fill: Any, times: int) -> None:
    ADD(book, fill, 2 * times)


def believe_everything(known: MarkFilter, quote: Any, now_ns: int) -> Any:
    known._stated = (quote.bid, quote.ask, quote.last)
    level = _level(quote.bid, quote.ask, quote.last)
    assert level is not None
    known._believe(level, quote.last, quote.at_ns, now_ns)
    return Outcome.BELIEVED


def never_stale(self: Marks, contract_id: str, size: int, now_ns: int) -> Any:
    known = self._filters.get(contract_id)
    if known is None or known.level is None:
        return "no price yet"
    return known.level.bid if size > 0 else known.level.ask


def other_ids(self: GatewayActor, message: Any) -> None:
    if isinstance(message, m.SendClose | m.SendCancel | m.SendMoveStop):
        command = msgspec.structs.replace(message.command, correlation_id="made up")
        message = msgspec.structs.replace(message, command=command)
    HANDLE(self, message)


HANDLE = GatewayActor.handle


def forget_locks(*_: Any) -> list[Any]:
    return []


MUTATIONS: tuple[tuple[str, Callable[[int], Day], Any, str, Any], ...] = (
    ("I1", with_stops, stop_moves.StopMoves, "to_send", move_stops_away),
    ("I1", with_races, StopRows, "_look_for_overwritten", lambda *_: None),
    ("I2", with_limits, CloseSlot, "effect_is_seen", lambda *_: True),
    ("I4", with_limits, EnforcementPlan, "on_locks", forget_locks),
    (
        "I5",
        with_kills,
        LockBook,
        "restored",
        classmethod(lambda cls, calendar, _left: cls(calendar)),
    ),
    ("I5", with_peaks, JournalActor, "_keep_memory", lambda *_: None),
    ("I6", with_refusals, CommandSlot, "_pause_ns", lambda *_: 0),
    ("I6", with_pauses, CommandSlot, "_pause_ns", lambda *_: NS_PER_S),
    ("I7", with_silence, Marks, "exit_price", never_stale),
    ("I7", with_silence, paint, "_phase", lambda *_: ("degraded", "for ever")),
    ("I8", with_limits, PnlBook, "_add", add_twice),
    ("I9", with_stops, JournalActor, "_record_cause", lambda *_: None),
    ("I9", with_a_journal_that_fails, JournalActor, "_record_cause", lambda *_: None),
    ("I9", with_limits, GatewayActor, "handle", other_ids),
    ("I10", with_spikes, MarkFilter, "take", believe_everything),
    ("rule", with_limits, SymbolBlock, "evaluate", lambda _self, state, *_: (state, Ok())),
)


MAKERS = {make for _, make, *_ in MUTATIONS} | {with_losses}


@pytest.mark.parametrize(
    ("invariant", "make", "owner", "name", "broken"),
    MUTATIONS,
    ids=[f"{each[0]}-{each[1].__name__}-{re.sub('[^a-z]', '', each[3])}" for each in MUTATIONS],
)
def test_broken_code_is_caught_and_named(
    invariant: str,
    make: Callable[[int], Day],
    owner: Any,
    name: str,
    broken: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, name, broken)

    assert first_found(make) == invariant


def test_i3_an_enforcement_that_ends_once_a_close_is_accepted_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enforcement_scope, "_is_met", lambda *_: True)
    monkeypatch.setattr(Scope, "is_work_left", lambda *_: False)

    assert first_found(with_losses) == "I3"
