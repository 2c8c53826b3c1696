"""What the picture tells of broken rules: when, and what an unlock waived; and repeats."""

from decimal import Decimal

import msgspec
import pytest

from risk_actors.core.evidence import iso_utc
from risk_actors.core.verdict import LockTerms
from tests.actors.facts import DAY_END_NS, breach_found, breached, verdict_changed
from tests.actors.test_view import Rig
from tests.conftest import NOON_NS


@pytest.mark.parametrize("is_repeat", [False, True])
def test_a_breach_that_is_told_again_is_no_event(is_repeat: bool) -> None:
    found = msgspec.structs.replace(breach_found(), is_repeat=is_repeat)

    events = Rig().show(found)["events"]

    assert [event["kind"] for event in events] == ([] if is_repeat else ["event", "breach"])


def test_a_rule_tells_when_it_broke_and_what_an_unlock_waived() -> None:
    back = msgspec.structs.replace(
        breached(LockTerms()), value=Decimal("-5.22"), broken_ns=NOON_NS, broken_value=Decimal(-600)
    )
    changed = verdict_changed(back, is_waived=True, next_cause_ns=DAY_END_NS)

    (rule,) = Rig().show(changed)["rules"]

    assert (rule["value"], rule["broken_value"]) == (-5.22, -600.0)
    assert rule["broken_at"] == iso_utc(NOON_NS)
    assert (rule["is_waived"], rule["next_cause"]) == (True, iso_utc(DAY_END_NS))
