"""Bars of a contract, read over REST within the reads' budget: of the past, and the newest one."""

from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from loguru import logger

from risk_actors.core.broker import Bar
from risk_actors.core.evidence import NS_PER_S, iso_utc
from risk_actors.messages import BarsReported, RequestBars
from risk_actors.projectx import translation
from risk_actors.projectx.errors import PayloadError, ReadFailed, ReadProblem
from risk_actors.projectx.fields import Row
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.reads import RestReader

ENDPOINT = "/History/retrieveBars"
MOST_BARS = 20_000
"""The Gateway answers with no more (documented)."""
_SECOND, _MINUTE = 1, 2
"""The Gateway's numbers of the units of a bar."""
_SECONDS_AT_MOST_NS = 2 * 3600 * NS_PER_S
"""Up to this long, bars of a second are asked for: where a fill lies, a whole bar is no use."""
_MINUTE_NS = 60 * NS_PER_S
REFUSALS_UNTIL_GIVEN_UP = 3
"""A contract whose bars were refused so often in a row has none that we may read (another feed, no
right to the data): asking on would change nothing."""
_AHEAD_NS = 60 * NS_PER_S
"""The newest bars are asked for up to this much later than now: our clock may be behind."""
_SECONDS_BACK_NS, _MINUTES_BACK_NS = 120 * NS_PER_S, 3600 * NS_PER_S
_MOST_RECENT = 200
"""Bars asked for; the newest come first (documented)."""
_LASTING = (ReadProblem.REFUSED, ReadProblem.UNSUPPORTED)


class Traded(NamedTuple):
    """The newest bar of a contract."""

    start_ns: int
    end_ns: int
    close: Decimal


class BarReader:
    """Reads bars. Use it on its event loop only."""

    def __init__(self, reader: RestReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._refusals: dict[str, int] = {}
        """By contract, how often in a row its bars were refused."""

    def is_given_up(self, contract_id: str) -> bool:
        """Tell whether a contract's bars are not asked for any more."""
        return self._refusals.get(contract_id, 0) >= REFUSALS_UNTIL_GIVEN_UP

    async def newest(self, contract_id: str) -> Traded | None:
        """Return the newest bar: of a second, else of a minute; None where there is none lately.

        Raises:
            ReadFailed: the read gave nothing.
            PayloadError: something in it made no sense.
        """
        now_ns = self._clock.now_ns()
        for unit, width_ns, back_ns in (
            (_SECOND, NS_PER_S, _SECONDS_BACK_NS),
            (_MINUTE, _MINUTE_NS, _MINUTES_BACK_NS),
        ):
            body = _body(contract_id, unit, now_ns - back_ns, now_ns + _AHEAD_NS)
            answer = await self._ask({**body, "limit": _MOST_RECENT, "includePartialBar": True})
            convert = partial(_traded_from, width_ns=width_ns)
            bars = translation.rows_from(answer, "bars", convert, ENDPOINT)
            if bars:
                return max(bars, key=lambda bar: bar.start_ns)
        return None

    async def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for bars, unless they were refused too often; count refusals by contract."""
        contract_id = body["contractId"]
        if self.is_given_up(contract_id):
            raise ReadFailed(ENDPOINT, ReadProblem.REFUSED, "given up, after refusals")
        try:
            answer = await self._reader.post(ENDPOINT, body)
        except ReadFailed as failed:
            if failed.problem in _LASTING:
                self._refusals[contract_id] = self._refusals.get(contract_id, 0) + 1
                if self.is_given_up(contract_id):
                    logger.warning(
                        "The bars of {} are not asked for any more: {}", contract_id, failed
                    )
            raise
        self._refusals.pop(contract_id, None)
        return answer

    async def answer(self, wanted: RequestBars) -> BarsReported:
        """Return what was asked for; without bars where they cannot be read."""
        bars: tuple[Bar, ...] | None = None
        try:
            bars = await self._read(wanted)
        except (ReadFailed, PayloadError) as error:
            if not self.is_given_up(wanted.contract_id):
                logger.warning("The bars of {} cannot be read: {}", wanted.contract_id, error)
        return BarsReported(
            correlation_id=wanted.correlation_id,
            at_ns=self._clock.now_ns(),
            account_id=wanted.account_id,
            contract_id=wanted.contract_id,
            since_ns=wanted.since_ns,
            until_ns=wanted.until_ns,
            bars=bars,
        )

    async def _read(self, wanted: RequestBars) -> tuple[Bar, ...]:
        is_short = wanted.until_ns - wanted.since_ns <= _SECONDS_AT_MOST_NS
        unit, width_ns = (_SECOND, NS_PER_S) if is_short else (_MINUTE, _MINUTE_NS)
        since_ns = wanted.since_ns - wanted.since_ns % width_ns
        body = _body(wanted.contract_id, unit, since_ns, wanted.until_ns)
        answer = await self._ask({**body, "limit": MOST_BARS, "includePartialBar": False})
        bars = translation.rows_from(
            answer, "bars", lambda row, source: _bar_from(row, source, width_ns), ENDPOINT
        )
        return tuple(sorted(bars, key=lambda bar: bar.start_ns))


def _bar_from(payload: object, source: str, width_ns: int) -> Bar:
    row = Row(source, payload)
    start_ns, high, low = row.instant_ns("t"), row.decimal("h"), row.decimal("l")
    if not start_ns or not 0 < low <= high:
        raise row.fail("no market can have traded like that")
    return Bar(start_ns=start_ns, end_ns=start_ns + width_ns, high=high, low=low)


def _traded_from(payload: object, source: str, *, width_ns: int) -> Traded:
    row = Row(source, payload)
    start_ns, close = row.instant_ns("t"), row.decimal("c")
    if not start_ns or close <= 0:
        raise row.fail("no market can have traded like that")
    return Traded(start_ns, start_ns + width_ns, close)


def _body(contract_id: str, unit: int, since_ns: int, until_ns: int) -> dict[str, Any]:
    return {
        "contractId": contract_id,
        "live": False,
        "startTime": _timestamp(since_ns),
        "endTime": _timestamp(until_ns),
        "unit": unit,
        "unitNumber": 1,
    }


def _timestamp(instant_ns: int) -> str:
    return iso_utc(instant_ns).replace("+00:00", "Z")
