"""How far a contract traded in a time of the past, read over REST within the reads' budget."""

from loguru import logger

from risk_actors.core.broker import Bar
from risk_actors.core.evidence import NS_PER_S, iso_utc
from risk_actors.messages import BarsReported, RequestBars
from risk_actors.projectx import translation
from risk_actors.projectx.errors import PayloadError, ReadFailed
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


class BarReader:
    """Reads bars. Use it on its event loop only."""

    def __init__(self, reader: RestReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def answer(self, wanted: RequestBars) -> BarsReported:
        """Return what was asked for; without bars where they cannot be read."""
        bars: tuple[Bar, ...] | None = None
        try:
            bars = await self._read(wanted)
        except (ReadFailed, PayloadError) as error:
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
        body = {
            "contractId": wanted.contract_id,
            "live": False,
            "startTime": _timestamp(wanted.since_ns - wanted.since_ns % width_ns),
            "endTime": _timestamp(wanted.until_ns),
            "unit": unit,
            "unitNumber": 1,
            "limit": MOST_BARS,
            "includePartialBar": False,
        }
        answer = await self._reader.post(ENDPOINT, body)
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


def _timestamp(instant_ns: int) -> str:
    return iso_utc(instant_ns).replace("+00:00", "Z")
