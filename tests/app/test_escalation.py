"""How soon all actors are made anew again and again."""

from core.builders import S

from risk_actors.app.escalation import AT_ONCE, CALM_NS, IDLE_AT_MOST_NS, Escalation

MINUTE = 60 * S


def instants(until_ns: int) -> list[int]:
    """Return when it is done if it never helps, in seconds."""
    escalation, now_ns, done = Escalation(), 0, []
    while now_ns < until_ns:
        wait_ns = escalation.wait_ns(now_ns)
        if wait_ns == 0:
            escalation.done(now_ns)
            done.append(now_ns // S)
        now_ns += max(wait_ns, S)
    return done


def test_at_once_three_times_and_then_ever_less_often_up_to_five_minutes() -> None:
    assert instants(30 * MINUTE) == [
        *(0, 1, 2),
        *(32, 92, 212, 452),
        *(752, 1052, 1352, 1652),
    ]


def test_after_ten_calm_minutes_it_is_at_once_again() -> None:
    escalation = Escalation()
    for _ in range(AT_ONCE):
        escalation.done(0)

    assert escalation.wait_ns(S) == 29 * S
    assert escalation.wait_ns(CALM_NS - 1) == 0
    escalation.done(CALM_NS - 1)
    assert escalation.times == AT_ONCE + 1

    assert escalation.wait_ns(2 * CALM_NS) == 0
    assert escalation.times == 0


def test_what_protects_nobody_waits_for_a_time() -> None:
    escalation = Escalation()

    assert not escalation.has_waited(S)
    assert not escalation.has_waited(IDLE_AT_MOST_NS)
    assert escalation.has_waited(IDLE_AT_MOST_NS + S)
    escalation.lacks_nothing()
    assert not escalation.has_waited(IDLE_AT_MOST_NS + 2 * S)
