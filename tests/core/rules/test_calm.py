"""A calm rule says what it would say if it were asked: with each fact, of all rules."""

import tomllib
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from core.builders import ACCOUNT, MNQ, MS, NOON, S, account_row, book, dec, fill, order, position

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill, OrderStatus, OrderType, Quote, Side
from risk_actors.core.marks import Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.rules.base import default_context
from risk_actors.core.rules.calm import Calm
from risk_actors.core.rules.examples import example_of
from risk_actors.core.verdict import Ok

type Facts = tuple[AccountState, PnlState, int]

ES = "CON.F.US.EP.Z26"
PRICES = {MNQ: dec(100), ES: dec(5000)}


def rule_of(name: str, **settings: Any) -> Rule[Any, Any]:
    """Return a rule with the settings of its example."""
    table = tomllib.loads(example_of(name))["rules"][0] | settings
    return catalogue()[name](msgspec.convert(table, catalogue()[name].Settings), default_context())


def every_rule() -> list[Rule[Any, Any]]:
    """Return all rules, and those twice that read other parts with other settings."""
    return [
        *(rule_of(name) for name in catalogue()),
        rule_of("max_contracts", include_working=False),
        rule_of("position_hold_time", min_s=2),
        rule_of("max_trades", count="fills"),
        rule_of("max_trades", count="entries"),
        rule_of("scaling_plan", basis="profit", start_balance_usd=49_000),
    ]


def session(seed: int, steps: int = 160) -> Iterator[Facts]:
    """Yield an account, its P&L and the time while a few contracts are traded at random."""
    random = Random(seed)
    known = book()
    calendar = default_context().calendar
    marks, pnl = Marks(3600 * S), PnlBook(ACCOUNT, calendar, NOON)
    now_ns, sizes, working = NOON, dict.fromkeys(PRICES, 0), dict[int, Any]()
    known.on_locks(())
    for number in range(1, steps):
        now_ns += random.choice((2 * MS, 300 * MS, 7 * S, 70 * S))
        contract = random.choice(tuple(PRICES))
        price = PRICES[contract] + random.randrange(-8, 8) * dec("0.25")
        side = random.choice(tuple(Side))
        fills: tuple[Fill, ...] = ()
        match random.randrange(6):
            case 0:
                size = side.sign * random.choice((1, 2))
                opening = sizes[contract] * size >= 0
                sizes[contract] += size
                made = fill(
                    number,
                    size,
                    price,
                    contract=contract,
                    at_ns=now_ns,
                    profit=None if opening else random.randrange(-300, 300),
                )
                told = known.on_fill(made, now_ns)
                fills = () if told is None else (told,)
            case 1:
                known.on_position(position(sizes[contract], price, contract=contract), now_ns)
            case 2:
                known.on_account(account_row(50_000 + number), now_ns)
            case 3 | 4 if working and random.random() < 0.5:
                _, row = working.popitem()
                ended = msgspec.structs.replace(row, status=OrderStatus.CANCELLED)
                known.on_order(ended, now_ns)
            case 3 | 4:
                kind = random.choice((OrderType.STOP, OrderType.LIMIT))
                row = order(number, side, 1, contract=contract, kind=kind)
                row = msgspec.structs.replace(row, stop_price=price)
                working[number] = row
                known.on_order(row, now_ns)
            case _:
                tick = dec("0.25")
                quote = Quote(contract_id=contract, bid=price, ask=price + tick, at_ns=now_ns)
                marks.on_quote(quote, now_ns)
        state = known.state()
        pnl.on_account(state, fills)
        yield state, pnl.pnl(marks, now_ns), now_ns


def fact_for(rule: Rule[Any, Any], facts: Facts) -> AccountState | PnlState:
    """Return the fact that a rule declares."""
    return facts[0] if AccountState in rule.facts else facts[1]


@pytest.mark.parametrize("seed", range(6))
def test_a_calm_rule_says_what_it_would_say_if_it_were_asked(seed: int) -> None:
    calm_for = dict[str, int]()
    everything = list(session(seed))
    for rule in every_rule():
        calm, state, said, look_ns = Calm(rule), rule.initial_state(), None, None
        for facts in everything:
            fact, now_ns = fact_for(rule, facts), facts[2]
            is_calm = calm.holds(fact, look_ns, now_ns)
            after, verdict = rule.evaluate(state, fact, now_ns)
            if is_calm:
                assert (verdict, after) == (said, state), rule.settings.type
                calm_for[rule.settings.type] = calm_for.get(rule.settings.type, 0) + 1
                continue
            state, said = after, verdict
            look_ns = rule.next_look_ns(state, fact, now_ns)
            calm.note(fact, verdict, now_ns)
    # Else nothing was tested: most of those that say what they read have been calm.
    assert len(calm_for) > 10


def recorded(fact: Any, seen: set[str], prefix: str = "") -> Any:
    """Return a fact that notes which of its fields are read; its account's by dotted name."""
    kind = type(fact)
    names = {field.name for field in msgspec.structs.fields(kind)}
    values = {name: getattr(fact, name) for name in names}

    def read(self: Any, name: str) -> Any:
        if name not in names:
            return object.__getattribute__(self, name)
        if isinstance(values[name], AccountState):
            return recorded(values[name], seen, f"{name}.")
        seen.add(prefix + name)
        return values[name]

    recording = type(f"Recorded{kind.__name__}", (kind,), {"__getattribute__": read}, frozen=True)
    return recording(**values)


@pytest.mark.parametrize(
    "rule", [rule for rule in every_rule() if rule.reads], ids=lambda rule: rule.settings.type
)
def test_a_rule_reads_no_part_that_it_does_not_name(rule: Rule[Any, Any]) -> None:
    state = rule.initial_state()
    for facts in session(seed=1, steps=80):
        seen = set[str]()
        fact, now_ns = recorded(fact_for(rule, facts), seen), facts[2]
        state, verdict = rule.evaluate(state, fact, now_ns)
        rule.next_look_ns(state, fact, now_ns)
        if isinstance(verdict, Ok):
            assert seen <= {*rule.reads}
