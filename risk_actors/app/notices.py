"""What went wrong for good: said once, shown until the process ends, and recorded."""

from collections.abc import Callable, Sequence

from loguru import logger

from risk_actors.messages import ActorChanged, ActorStatus
from risk_actors.runtime.clock import Clock

_NS_PER_MS = 1_000_000


class Notices:
    """Sentences for the screen, the log and the record."""

    def __init__(
        self,
        said: Sequence[str],
        clock: Clock,
        *,
        show: Callable[[tuple[str, ...]], None],
        record: Callable[[ActorChanged], None],
    ) -> None:
        """Take what was said before anything could record it, and where sentences go.

        Args:
            said: what went wrong before the actors were there.
            clock: the present.
            show: puts all sentences into the present picture.
            record: hands one to the present actors.
        """
        self.said = tuple(said)
        self._clock = clock
        self._show = show
        self._record = record

    def say(self, sentence: str, about: str = "store") -> None:
        """Say a sentence, once: on the screen, in the log, in the record."""
        if sentence in self.said:
            return
        logger.critical("{}", sentence)
        self.said = (*self.said, sentence)
        self._show(self.said)
        self._tell(sentence, about)

    def record_all(self) -> None:
        """Have it in the record what was said before there was anybody to record it."""
        for sentence in self.said:
            self._tell(sentence, "store")

    def _tell(self, sentence: str, about: str) -> None:
        now_ns = self._clock.now_ns()
        number = self.said.index(sentence) + 1
        self._record(
            ActorChanged(
                correlation_id=f"{about}-{now_ns // _NS_PER_MS:x}-{number}",
                at_ns=now_ns,
                address=about,
                status=ActorStatus.FAULT,
                detail=sentence,
            )
        )
