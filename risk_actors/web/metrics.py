"""`GET /metrics`: everything there is to measure, in the words of Prometheus, read when asked.

Nobody who guards keeps a metric: what is shown is read from the picture, the mailboxes' own
counters, the session and the journal's tally, on the server's thread, which gives way to those who
decide between one metric and the next.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from risk_actors.actors.picture import PricesPicture
from risk_actors.runtime.right_of_way import Courtesy
from risk_actors.web.metrics_happened import by, happened
from risk_actors.web.metrics_machine import machine
from risk_actors.web.metrics_now import gauge, now
from risk_actors.web.metrics_source import MetricsSource

PATH: Final = "/metrics"
KINDS: Final = ("text/plain", "application/openmetrics-text")
"""The media types it is given in, as whoever asks accepts; the first where either will do."""


class Rising:
    """A count that whoever counts begins anew; what is shown goes on from where it was.

    What was counted between the last look and a new beginning is not in it.
    """

    def __init__(self) -> None:
        self._before: dict[str, int] = {}
        self._last: dict[str, int] = {}

    def risen(self, name: str, count: int) -> int:
        """Return the count with all that was counted before it last began anew."""
        last = self._last.get(name, 0)
        if count < last:
            self._before[name] = self._before.get(name, 0) + last
        self._last[name] = count
        return self._before.get(name, 0) + count


class MetricsCollector(Collector):
    """Makes all metrics of one moment."""

    def __init__(self, source: MetricsSource) -> None:
        self._source = source
        self._rising = Rising()
        self._reasons: set[str] = set()
        self._give_way = Courtesy()

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples; for one thread at a time."""
        for metric in self._metrics():
            self._give_way()
            yield metric

    def _metrics(self) -> Iterator[Metric]:
        source = self._source
        picture = source.picture()
        yield from now(picture, is_alive=not source.wrong(), with_pnl=source.with_pnl)
        yield gauge(
            "picture_stale",
            "Whether nobody paints the picture, so that phase, locks and the like are of earlier.",
            (),
            [((), bool(source.stale()))],
        )
        yield from happened(source.counted.tally, picture, source.quotes_told()[0])
        yield from self._prices(picture.prices)
        yield from machine(source)

    def _prices(self, prices: PricesPicture) -> Iterator[Metric]:
        """Yield what became of the quotes, which whoever marks prices counts from its start."""
        risen = self._rising.risen
        self._reasons |= prices.dropped.keys()
        yield by(
            "quotes_dropped",
            "Quotes that no market can show, or that were contradicted, by reason.",
            ("reason",),
            {
                (reason,): risen(f"dropped {reason}", prices.dropped.get(reason, 0))
                for reason in sorted(self._reasons)
            },
        )
        yield by(
            "quotes_surprising",
            "Surprising quotes, which wait for a second witness, by what became of them: all, "
            "confirmed by another, or unanswered in time (they count then).",
            ("fate",),
            {
                ("all",): risen("surprising", prices.surprising),
                ("confirmed",): risen("confirmed", prices.confirmed),
                ("unanswered",): risen("unanswered", prices.unanswered),
            },
        )


class MetricsRoutes:
    """The route, with a registry of its own: no other library's metrics get in."""

    def __init__(self, source: MetricsSource) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(MetricsCollector(source))
        # CPU, memory and open files of the process, where /proc has them.
        ProcessCollector(registry=self.registry)

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes to serve."""
        return (web.get(PATH, self._get),)

    async def _get(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self.registry), headers={"Content-Type": content_type})
