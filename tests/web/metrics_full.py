"""A scrape in which every metric that there is has a sample."""

from risk_actors.projectx.budget import BudgetState
from tests.actors.facts import breach_found, snapshot
from tests.actors.tally_facts import answer, close
from tests.web.metrics_rig import NOW_NS, MetricsRig, Scraped, stats


def full_scrape(rig: MetricsRig) -> Scraped:
    """Let everything have happened once, and scrape."""
    for message in (breach_found(), close(1), answer(1), snapshot()):
        rig.tally.take(message)
    rig.tally.refusals["close", "busy"] += 1
    rig.tally.user_hub_ns = NOW_NS
    rig.mailboxes = [stats("enforcer"), stats("position:7"), stats("position:8")]
    rig.dead_letters["enforcer"] += 1
    rig.quotes = (5, NOW_NS)
    rig.budget = BudgetState(10, 200, 160, 90, None, 1, None)
    return rig.scrape()


def scrape_of_everything() -> Scraped:
    """Return what a server with P&L exports, with every metric in it."""
    rig = MetricsRig(with_pnl=True)
    try:
        return full_scrape(rig)
    finally:
        rig.server.stop()
