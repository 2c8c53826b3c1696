"""The body of `POST /control/faults`."""

import msgspec

from risk_actors.simulator.fault_base import AnyFault, Count, HubName
from risk_actors.simulator.faults import CutHub, DropEvent, NegotiateRefusal
from risk_actors.simulator.weather import Weather


class FaultOrder(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /control/faults`; its parts are carried out in this order."""

    clear: bool = False
    """End everything asked for earlier, weather included; what it broke heals at once."""
    heal: tuple[int, ...] = ()
    """Ids of faults to end."""
    faults: tuple[AnyFault, ...] = ()
    weather: Weather | None = None
    """Faults by chance from now on, in place of earlier weather."""
    drop_events: dict[str, Count] = {}
    """Short for `drop_event`: stream target to the number of events to lose."""
    refuse_negotiate: NegotiateRefusal | None = None
    cut_hubs: HubName | None = None

    def all_faults(self) -> tuple[AnyFault, ...]:
        """Return every fault asked for, in the order in which they are injected."""
        drops = (DropEvent(target=t, times=count) for t, count in self.drop_events.items())
        negotiate = () if self.refuse_negotiate is None else (self.refuse_negotiate,)
        cuts = () if self.cut_hubs is None else (CutHub(hub=self.cut_hubs),)
        return (*self.faults, *drops, *negotiate, *cuts)
