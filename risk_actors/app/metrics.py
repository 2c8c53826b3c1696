"""Puts together what `GET /metrics` is read from."""

from risk_actors.app.guard import Guard
from risk_actors.app.settings import Settings
from risk_actors.app.watchdog import Watchdog
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.runtime.clock import Clock
from risk_actors.web.metrics_source import Counted, MetricsSource


def metrics_source(
    settings: Settings,
    guard: Guard,
    session: ProjectXGateway,
    clock: Clock,
    watchdog: Watchdog,
) -> MetricsSource:
    """Return where metrics are read: counters and pictures that are kept anyway."""
    figures = guard.figures
    return MetricsSource(
        # Without headroom, for which every rule would have to be asked.
        picture=lambda: guard.shown,
        counted=Counted(
            tally=figures.tally,
            mailboxes=figures.mailboxes,
            dead_letters=figures.dead_letters,
            times_made=lambda: figures.times_made,
        ),
        budget=session.budget_state,
        quotes_told=session.quotes_told,
        now_ns=clock.now_ns,
        wrong=watchdog.wrong,
        stale=figures.stale_picture,
        with_pnl=settings.web.metrics_pnl,
    )
