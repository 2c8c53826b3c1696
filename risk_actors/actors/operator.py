"""The operator inlet: the trader's own requests enter here. They can only tighten."""

from collections.abc import Iterable

from risk_actors import messages as m
from risk_actors.core.evidence import Evidence
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.outbox import Outbox

OPERATOR = "operator"
OPERATOR_SENDS: frozenset[type] = frozenset(
    {m.PanicRequested, m.UnlockRequested, m.UnlockWithdrawn, m.TraderActed, m.SettingsChanged}
)


class NotArmedError(Exception):
    """A request to act came while nothing may be sent."""


class OperatorInlet:
    """A source of the message graph, called by the command line and the web side."""

    def __init__(
        self, outbox: Outbox, clock: Clock, account_ids: Iterable[int], *, armed: bool
    ) -> None:
        self._armed = armed
        self._outbox = outbox
        self._clock = clock
        self._account_ids = tuple(account_ids)

    def panic(self, account_id: int | None = None) -> None:
        """Flatten and lock one account, or all, until the daily reset.

        Raises:
            KeyError: the account is not guarded.
            NotArmedError: nothing is sent while not armed, so nothing would happen.
        """
        if not self._armed:
            raise NotArmedError(
                "NOT ARMED: nothing was sent and nothing is locked. Flatten in your platform; "
                "set `armed = true` in app.toml and start again to have it done from here."
            )
        if account_id is not None and account_id not in self._account_ids:
            raise KeyError(f"account {account_id} is not guarded")
        now_ns = self._clock.now_ns()
        for guarded in self._account_ids if account_id is None else (account_id,):
            self._outbox.send(
                m.PanicRequested(
                    correlation_id=f"op-{now_ns // 1_000_000_000:x}",
                    at_ns=now_ns,
                    account_id=guarded,
                    evidence=Evidence(
                        template="You pressed panic at {at:time}", figures={"at": now_ns}
                    ),
                )
            )
