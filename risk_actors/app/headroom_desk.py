"""The picture with every account's headroom in it, reckoned by a thread of its own.

Asking every rule what it would say takes some milliseconds an account, and runs the rules' own
code: one that raises allows nothing, and one that does not come back holds up this thread alone.
Readers never wait: they get what was reckoned last, and once that is old, that nothing is known.
"""

import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from loguru import logger

from risk_actors.actors.paint import Known
from risk_actors.actors.picture import (
    AccountPicture,
    FiringPricePicture,
    FirstToFirePicture,
    HeadroomPicture,
    Picture,
    SizePicture,
    StopOutPicture,
)
from risk_actors.actors.view import PictureFrame
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.headroom.room import FirstToFire, RuleRoom, first_to_fire
from risk_actors.core.headroom.safe_size import SafeSize, Trial, last_prices, safe_size
from risk_actors.core.headroom.stop_out import StopOut, stop_out
from risk_actors.core.money import ZERO
from risk_actors.core.rules import Mode, Rule
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.verdict import Unknown, Verdict
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.right_of_way import Courtesy

RECKON_EVERY_S = 1.0
OLD_AFTER_NS = 5 * NS_PER_S
"""What was reckoned longer ago is not shown any more."""
MANY_ACCOUNTS = 10
"""From so many on it rests after each account: it must not be in the way of those who protect."""
RESTS_TIMES = 9
"""So many times as long as an account took."""
CONTRACTS_AT_MOST = 4
"""Contracts asked about, open ones first, then those traded last."""

_FAILED = Evidence(template="the rule failed")


class _Reckoned(NamedTuple):
    """The headroom of each account, and when it was."""

    by_account: Mapping[int, HeadroomPicture | None]
    at_ns: int
    """By the clock that is never set."""
    took_ns: int = 0
    """How long a round takes, so that the next one is not late before that."""


class HeadroomDesk:
    """Reads the picture for whoever shows it; any thread may ask, and none ever waits."""

    def __init__(
        self,
        frame: PictureFrame,
        rules: Sequence[Rule[Any, Any]],
        restored: Mapping[tuple[str, int], RuleMemory],
        clock: Clock,
    ) -> None:
        """Take the rules; those in shadow count only where none is enforced."""
        self._frame = frame
        enforced = [rule for rule in rules if rule.settings.mode is Mode.ENFORCE]
        self._rules = enforced or list(rules)
        self._rule_ids = {rule.settings.id for rule in self._rules}
        self._restored = restored
        self._clock = clock
        self._reckoned = _Reckoned({}, clock.monotonic_ns())
        self._asked: str | None = None
        """The rule that is being asked."""
        self._said: set[str] = set()
        """Whose failure was logged."""
        self._give_way = Courtesy()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headroom", daemon=True)

    def start(self) -> None:
        """Begin to reckon, once a second."""
        self._thread.start()

    def stop(self) -> None:
        """End, as soon as the rule comes back that is being asked; waits for nobody."""
        self._stop.set()

    def picture(self) -> Picture:
        """Return the present picture with the headroom of every account."""
        picture, reckoned = self._frame.picture, self._reckoned
        if self._clock.monotonic_ns() - reckoned.at_ns < OLD_AFTER_NS + 2 * reckoned.took_ns:
            found = reckoned.by_account
        else:
            unknown = HeadroomPicture(unknown=_why_old(self._asked))
            found = {account.id: unknown for account in picture.accounts}
        return msgspec.structs.replace(
            picture,
            accounts=tuple(
                msgspec.structs.replace(account, headroom=found.get(account.id))
                for account in picture.accounts
            ),
        )

    def reckon(self) -> None:
        """Reckon the headroom of every account from what the actors have published."""
        picture, known = self._frame.picture, self._frame.known
        if known is not None:
            now_ns = self._clock.now_ns()
            began_ns = self._clock.monotonic_ns()
            found: dict[int, HeadroomPicture | None] = {}
            for number, account in enumerate(picture.accounts, 1):
                asked_ns = self._clock.monotonic_ns()
                found[account.id] = self._reckoned_for(known, account, now_ns)
                if number >= MANY_ACCOUNTS:
                    took_ns = self._clock.monotonic_ns() - asked_ns
                    self._stop.wait(RESTS_TIMES * took_ns / NS_PER_S)
            ended_ns = self._clock.monotonic_ns()
            self._reckoned = _Reckoned(found, ended_ns, ended_ns - began_ns)

    def _run(self) -> None:
        while not self._stop.wait(RECKON_EVERY_S):
            try:
                self.reckon()
            except Exception as error:  # noqa: BLE001 - what is shown only must end nothing
                self._say_once("", f"How much may still be done cannot be reckoned: {error!r}")

    def _reckoned_for(
        self, known: Known, account: AccountPicture, now_ns: int
    ) -> HeadroomPicture | None:
        try:
            return self._headroom(known, account, self._sizes_of(known, account, now_ns))
        except Exception as error:  # noqa: BLE001 - it is unknown, and nothing else is lost
            what = f"How much account {account.name} may still do cannot be reckoned"
            self._say_once(account.name, f"{what}: {error!r}")
            return HeadroomPicture(unknown="it cannot be reckoned, see the log")

    def _ask(self, trial: Trial, fact: Any, now_ns: int) -> Verdict:
        """Return what a rule says; one that raises cannot tell."""
        self._give_way()
        rule_id = str(trial.rule.settings.id)
        self._asked = rule_id
        try:
            return trial.rule.evaluate(trial.state, fact, now_ns)[1]
        except Exception as error:  # noqa: BLE001 - its own actor fails, and says so
            self._say_once(
                rule_id, f"{rule_id} failed when asked for a safe size, so none is: {error!r}"
            )
            return Unknown(evidence=_FAILED)
        finally:
            self._asked = None

    def _say_once(self, about: str, sentence: str) -> None:
        if about not in self._said:
            self._said.add(about)
            logger.error("{}", sentence)

    def _headroom(
        self, known: Known, account: AccountPicture, sizes: tuple[SizePicture, ...]
    ) -> HeadroomPicture | None:
        pnl = known.pnl.get(account.id)
        if pnl is None or pnl.account is None or not pnl.account.is_reconciled:
            return None
        told = [
            each
            for rule_id, each in list(known.verdicts.get(account.id, {}).items())
            if rule_id in self._rule_ids
        ]
        first = first_to_fire((RuleRoom(t.rule_id, t.measure, t.verdict) for t in told), pnl)
        modes = {each.rule_id: each.mode for each in told}
        out = stop_out(pnl)
        return HeadroomPicture(
            sizes=sizes,
            first=None if first is None else _first(first, modes[first.rule_id]),
            stop_out=None if out is None else _stop_out(out),
        )

    def _sizes_of(
        self, known: Known, account: AccountPicture, now_ns: int
    ) -> tuple[SizePicture, ...]:
        pnl = known.pnl.get(account.id)
        if pnl is None or pnl.account is None or not pnl.account.is_reconciled:
            return ()
        fills = dict(reversed(list(known.last_fills.get(account.id, {}).items())))
        prices = last_prices(pnl, {contract_id: fill.price for contract_id, fill in fills.items()})
        if not prices:
            return ()
        lock = next((lock.rule for lock in account.locks if lock.scope == "account"), None)
        locked = {lock.scope: lock.rule for lock in account.locks}
        trials = [
            Trial(rule, self._state(known, rule, account.id))
            for rule in self._rules
            if rule.settings.selects(account.name)
        ]
        broker_ns = now_ns - pnl.account.clock_ahead_ns
        sizes: list[SizePicture] = []
        for contract_id, price in list(prices.items())[:CONTRACTS_AT_MOST]:
            fill = fills.get(contract_id)
            costs_usd = ZERO if fill is None else fill.costs_usd / max(fill.size, 1)
            size = safe_size(
                trials, pnl, contract_id, price, broker_ns, costs_usd=costs_usd, ask=self._ask
            )
            if size is not None:
                sizes.append(_size(size, lock or locked.get(contract_id)))
        return tuple(sizes)

    def _state(self, known: Known, rule: Rule[Any, Any], account_id: int) -> Any:
        key = (rule.settings.id, account_id)
        memory = known.memories.get(key) or self._restored.get(key)
        return rule.initial_state() if memory is None else memory.state


def _why_old(asked: str | None) -> str:
    span = f"not reckoned for {OLD_AFTER_NS // NS_PER_S} s"
    return span if asked is None else f"{span}: {asked} does not answer"


def _size(size: SafeSize, locked_by: str | None) -> SizePicture:
    return SizePicture(
        contract=size.contract_id,
        symbol=size.symbol,
        contracts=size.contracts if locked_by is None else 0,
        rule=locked_by or size.rule_id,
    )


def _usd(amount_usd: Decimal) -> float:
    return round(float(amount_usd), 2)


def _first(first: FirstToFire, mode: str) -> FirstToFirePicture:
    return FirstToFirePicture(
        rule=first.rule_id,
        mode=mode,
        room=_usd(first.room_usd),
        prices=tuple(
            FiringPricePicture(contract=p.contract_id, symbol=p.symbol, price=float(p.price))
            for p in first.prices
        ),
    )


def _stop_out(out: StopOut) -> StopOutPicture:
    return StopOutPicture(
        day=None if out.day_usd is None else _usd(out.day_usd), unprotected=dict(out.unprotected)
    )
