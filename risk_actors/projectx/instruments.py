"""Each contract's tick size and value, asked of the broker once."""

import asyncio

from loguru import logger

from risk_actors.core.instruments import Instrument
from risk_actors.messages import InstrumentResolved
from risk_actors.projectx import translation
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import PayloadError, ReadFailed, ReadProblem
from risk_actors.projectx.fields import Row
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.ports import Clock, Emit
from risk_actors.projectx.reads import RestReader
from risk_actors.projectx.say import Repeats

_ENDPOINT = "/Contract/searchById"
_RETRY_AFTER_S = 2.0


class InstrumentDesk:
    """Resolves contracts in the order in which they turn up. Use it on its event loop only."""

    def __init__(
        self,
        reader: RestReader,
        inbound: Inbound,
        clock: Clock,
        ids: CorrelationIds,
        emit: Emit,
    ) -> None:
        self._reader = reader
        self._inbound = inbound
        self._clock = clock
        self._ids = ids
        self._emit = emit
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._known: dict[str, Instrument] = {}
        self._repeats = Repeats()

    def resolve(self, contract_id: str) -> None:
        """Have a contract resolved; returns at once."""
        self._asked.put_nowait(contract_id)

    async def serve(self) -> None:
        """Resolve what is asked; runs until cancelled."""
        while True:
            contract_id = await self._asked.get()
            try:
                await self._resolve(contract_id)
            except PayloadError as error:
                self._inbound.reject(error)
            except ReadFailed as failed:
                if self._repeats.is_due((contract_id, str(failed))):
                    logger.warning("Contract {} is not resolved: {}", contract_id, failed)
                if failed.problem is not ReadProblem.REFUSED:
                    self._asked.put_nowait(contract_id)
                    await asyncio.sleep(_RETRY_AFTER_S)

    async def _resolve(self, contract_id: str) -> None:
        answer = await self._reader.post(_ENDPOINT, {"contractId": contract_id})
        instrument = translation.instrument_from(Row(_ENDPOINT, answer).raw("contract"), _ENDPOINT)
        self._known[contract_id] = instrument
        self._tell(instrument)

    def repeat(self) -> None:
        """Tell all that is known again, for whoever was made anew since."""
        for instrument in self._known.values():
            self._tell(instrument)

    def _tell(self, instrument: Instrument) -> None:
        self._emit(
            InstrumentResolved(
                correlation_id=self._ids.next(),
                at_ns=self._clock.now_ns(),
                instrument=instrument,
            )
        )
