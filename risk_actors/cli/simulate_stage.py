"""A stage for scenarios in real time: the simulated gateway over sockets, and a daemon process."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from risk_actors.cli.simulate_guard import Guard, GuardError
from risk_actors.simulator.checker import check
from risk_actors.simulator.history import RequestRecord
from risk_actors.simulator.scenario_referee import SeenCommand
from risk_actors.simulator.scenario_script import Deed, Script
from risk_actors.simulator.scenario_settings import names_instants, write_settings
from risk_actors.simulator.scenario_state import Sight
from risk_actors.simulator.scenario_venue import GatewayVenue, Hands, holdings_of
from risk_actors.simulator.settings import SimulatorSettings, Ugliness
from risk_actors.simulator.thread import SimulatorThread

_NS_PER_S = 1_000_000_000
_LOOK_EVERY_S = 0.02
_LEADS_S = (4.0, 10.0, 25.0)
"""How far ahead the start lies that settings are written for; tried in turn on a slow machine."""
_BY_HAND_LEAD_S = 60.0
_BY_HAND_WITHIN_S = 3_600.0

_KINDS = {
    "Position/closeContract": "close",
    "Position/partialCloseContract": "close",
    "Order/cancel": "cancel",
    "Order/modify": "move",
    "Order/place": "place",
}


class SocketStage:
    """Plays the part of `Stage` in real time."""

    slack_s = 6.0

    def __init__(self, script: Script, sim: SimulatorThread, guard: Guard) -> None:
        """Take the script with its real start, a running simulator and a guard that is ready."""
        self._script = script
        self._sim = sim
        self._guard = guard
        self._hands = Hands(script.scenario, GatewayVenue(sim.gateway))
        self._account_ids = [account.id for account in script.scenario.broker.accounts]
        self._origin_ns = time.monotonic_ns()
        self._read = 0
        self._commands: list[SeenCommand] = []
        self.last_deed_s = 0.0
        """When something was last done at the broker."""

    def now_s(self) -> float:
        """Return the seconds since the start."""
        return (time.monotonic_ns() - self._origin_ns) / _NS_PER_S

    def now_ns(self) -> int:
        """Return nanoseconds UTC."""
        return time.time_ns()

    def run_until(self, at_s: float, look: Callable[[], bool]) -> None:
        """Let time pass, looking often."""
        while (left_s := at_s - self.now_s()) > 0:
            look()
            time.sleep(max(0.0, min(_LOOK_EVERY_S, left_s)))

    def wait_for(self, condition: Callable[[], bool], at_most_s: float) -> None:
        """Wait until a condition is true; the rest of the script is put off by as long."""
        began_ns = time.monotonic_ns()
        while not condition() and (time.monotonic_ns() - began_ns) / _NS_PER_S < at_most_s:
            time.sleep(_LOOK_EVERY_S)
        self._origin_ns += time.monotonic_ns() - began_ns

    def carry_out(self, deed: Deed) -> None:
        """Do one thing at the broker."""
        self.last_deed_s = self.now_s()
        self._sim.call(lambda: self._hands.carry_out(deed))

    def kill_guard(self) -> None:
        """Kill the daemon.

        Raises:
            GuardError: somebody else started it.
        """
        if not self._guard.is_own:
            raise GuardError("this scenario kills the daemon, so it must be one of its own")
        self._guard.kill()

    def start_guard(self) -> None:
        """Start the daemon again; the time that takes is not the scenario's."""
        began_ns = time.monotonic_ns()
        self._guard.start()
        self._origin_ns += time.monotonic_ns() - began_ns

    def commands(self) -> Sequence[SeenCommand]:
        """Return every command that arrived so far."""
        history = self._sim.gateway.history
        for request in self._sim.call(lambda: list(islice(history.requests, self._read, None))):
            self._read += 1
            if request.endpoint in _KINDS:
                self._commands.append(self._seen(request))
        return self._commands

    def sight(self) -> Sight:
        """Return what can be seen now."""
        exchange = self._sim.gateway.exchange
        state = self._guard.state()
        return Sight(
            state=state,
            holdings=self._sim.call(
                lambda: {i: holdings_of(exchange, i) for i in self._account_ids}
            ),
            order_ids=self._hands.order_ids,
            contract_ids=self._sim.gateway.contract_ids,
        )

    def violations(self) -> list[str]:
        """Return what the simulator's checker found."""
        sim = self._sim
        return [str(found) for found in check(sim.journal(), sim.requests(), sim.events())]

    def _seen(self, request: RequestRecord) -> SeenCommand:
        body = request.body
        order_id, stop = body.get("orderId"), body.get("stopPrice")
        return SeenCommand(
            at_s=(request.arrived_ns - self._origin_ns) / _NS_PER_S,
            kind=_KINDS[request.endpoint],
            account_id=int(body.get("accountId", 0)),
            contract_id=body.get("contractId"),
            size=body.get("size"),
            order_id=None if order_id is None else int(order_id),
            stop_price=None if stop is None else float(stop),
        )


@contextmanager
def broker_of(script: Script, *, port: int = 0) -> Iterator[SimulatorThread]:
    """Run the simulated gateway with a scenario's accounts and first prices."""
    scenario = script.scenario
    settings = SimulatorSettings(
        port=port,
        accounts=scenario.broker.accounts,
        seed=scenario.seed,
        symbols=tuple(scenario.broker.prices),
        auto_prices=False,
        ugliness=Ugliness(partial_fills=scenario.broker.partial_fills),
    )
    with SimulatorThread(settings) as sim:
        for symbol, quote in script.first_quotes.items():
            sim.set_price(sim.contract_id(symbol), quote.bid, quote.ask, quote.last)
        yield sim


def begin(
    script: Script,
    sim: SimulatorThread,
    directory: Path,
    *,
    by_hand: Callable[[Guard], None] | None = None,
) -> tuple[Script, Guard]:
    """Have a daemon guard the simulator; return at the scenario's start, with the script as of it.

    `by_hand` tells a person to start the daemon, instead of it being started here.

    Raises:
        GuardError: the daemon is not ready in time.
    """
    guard = Guard(directory, sim.environment, own=by_hand is None)
    for lead_s in _LEADS_S if by_hand is None else (_BY_HAND_LEAD_S,):
        ahead_s = lead_s if names_instants(script) else 0.0
        start_ns = time.time_ns() + round(ahead_s * _NS_PER_S)
        write_settings(script, guard.settings_dir, start_ns)
        if by_hand is None:
            guard.start()
        else:
            by_hand(guard)
            guard.wait_until_ready(_BY_HAND_WITHIN_S)
        early_s = (start_ns - time.time_ns()) / _NS_PER_S
        if ahead_s and early_s < 0:
            guard.kill()
            continue
        time.sleep(max(early_s, 0.0))
        return msgspec.structs.replace(script, start_ns=time.time_ns()), guard
    raise GuardError("the daemon was ready too late for the instants in its settings")
