"""How many examples of anything generated are tried, and which. tests/conftest.py imports it.

`ci` always tries the same examples, so a failure is nobody's bad luck; `explore` looks elsewhere
each time: `HYPOTHESIS_PROFILE=explore pytest --timeout 0 tests/properties`.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    max_examples=200,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore",
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    max_examples=2000,
    stateful_step_count=80,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
