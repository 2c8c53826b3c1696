"""The trader's requests as the daemon takes them, over a picture, with a recording outbox."""

from collections.abc import Callable

from risk_actors import messages as m
from risk_actors.actors.operator import OPERATOR_SENDS, OperatorInlet
from risk_actors.actors.picture import Picture
from risk_actors.actors.trader_requests import SecretCheck, TraderAnswer
from risk_actors.app.trader_desk import TraderDesk
from risk_actors.core.unlock_policy import NEVER, UnlockTerms
from risk_actors.runtime.clock import VirtualClock
from tests.conftest import NOON_NS, RecordingOutbox


class OperatorOutbox(RecordingOutbox):
    """Refuses what the operator inlet does not declare."""

    def send(self, message: m.Message) -> None:
        assert type(message) in OPERATOR_SENDS
        super().send(message)


class TraderRig:
    """A trader desk; whether it is armed is what the picture says, as with the real one."""

    def __init__(
        self,
        picture: Callable[[], Picture],
        unlock: UnlockTerms = NEVER,
        secret: SecretCheck | None = None,
    ) -> None:
        self.picture = picture
        self.unlock = unlock
        self.secret = secret
        self.clock = VirtualClock(NOON_NS)
        self.outbox = OperatorOutbox()
        self.armings: list[bool] = []
        self._wishes: list[bool] = []

        def hand_over(request: Callable[[OperatorInlet], TraderAnswer]) -> TraderAnswer:
            return request(self.inlet())

        self.desk = TraderDesk(hand_over, hand_over, self)

    def inlet(self) -> OperatorInlet:
        picture = self.picture()
        return OperatorInlet(
            self.outbox,
            self.clock,
            [account.id for account in picture.accounts],
            armed=picture.armed,
            unlock=self.unlock,
            picture=self.picture,
            secret=self.secret,
        )

    def wish(self, *, armed: bool) -> int:
        self._wishes.append(armed)
        return len(self._wishes) - 1

    def waits(self, *, armed: bool) -> bool:
        return False

    def drop(self, number: int) -> None:
        pass

    def carry_out(self, number: int) -> bool:
        self.armings.append(self._wishes[number])
        return True

    @property
    def panics(self) -> list[int]:
        return [asked.account_id for asked in self.outbox.of(m.PanicRequested)]
