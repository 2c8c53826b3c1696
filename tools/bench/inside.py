"""From the gateway's callback to the command that is handed over, in process, under quotes.

A fill is told by the user hub's callback; a rule breaks, and the close is handed to the session.
Three accounts; one of them holds a position in a contract that is quoted, so that most rules judge
with each price.
"""

from risk_actors.runtime import interpreter

from .figures import Figure, Part, Terms, median, percentile
from .rig import Rig

QUOTES_PER_S = 1_000
WARM_UP = 20
BREACHES_PER_ROUND = 100
MEDIAN_US, P99_US = 250.0, 1000.0


def run(terms: Terms) -> Part:
    """Measure."""
    interpreter.share_out()
    with Rig(3) as rig:
        rig.call(rig.broker.trade, 3, 1)
        with rig.flood(QUOTES_PER_S):
            for _ in range(WARM_UP):
                rig.breach(1)
            interpreter.settle()
            rounds = [
                [rig.breach(1 + number % 2) for number in range(_breaches(terms))]
                for _ in range(terms.rounds)
            ]
        quotes = rig.broker.quotes
    all_us = [each for one in rounds for each in one]
    medians = [median(one) for one in rounds]
    return Part(
        "inside",
        (
            Figure(
                "callback to command in process, median",
                median(medians),
                "us",
                MEDIAN_US,
                note=f"of {len(medians)} rounds, with {QUOTES_PER_S} quotes a second",
            ),
            Figure(
                "callback to command in process, p99",
                percentile(all_us, 0.99),
                "us",
                P99_US,
                note=f"of {len(all_us)} breaches",
            ),
        ),
        {
            "median_us": medians,
            "p99_us": [percentile(one, 0.99) for one in rounds],
            "quotes": quotes,
        },
    )


def _breaches(terms: Terms) -> int:
    return 10 if terms.is_quick else BREACHES_PER_ROUND
