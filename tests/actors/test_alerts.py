"""What becomes an alert, in which words, and that these never claim more than happened."""

import re

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.actors.alerts import AlertsActor
from risk_actors.actors.picture import (
    AccountPicture,
    ConnectionPicture,
    Picture,
    PositionPicture,
    RulePicture,
)
from risk_actors.alerts.outlet import Outlet
from risk_actors.core.commands import Answer, Refusal
from risk_actors.core.enforcement_effects import FLAT, REDUCED, RULE_BROKEN, UNDER_LOCK
from risk_actors.core.evidence import Evidence
from risk_actors.core.unlock_requests import UnlockStatus
from risk_actors.core.verdict import LockTerms, Warned
from risk_actors.runtime.clock import VirtualClock
from tests.actors.facts import (
    CHICAGO,
    DAY_END_NS,
    actor_changed,
    answered,
    breach_found,
    breached,
    context_of,
    lock,
    say,
    tick,
)
from tests.alerts.builders import channel, settings
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer, S


class Sink:
    """Keeps what it is given."""

    no_data_after_ns = 10 * S

    def __init__(self) -> None:
        self.posted: list[Alert] = []

    def post(self, alert: Alert) -> None:
        self.posted.append(alert)


HEALTHY = Picture(
    version="1",
    mode="paper",
    armed=True,
    phase="armed",
    connection=ConnectionPicture(user_hub=True, market_hub=True, rest=True),
    accounts=(AccountPicture(id=1, name="50K-1"),),
)
LONG = PositionPicture(
    contract="c", symbol="MNQ", size=2, average_price=1.0, unrealized=5.0, opened_at=""
)


class Rig:
    """An alerts actor over account 1, and the picture that it looks at."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.picture = HEALTHY
        self.clock = VirtualClock(NOON_NS)
        context = context_of(
            "alerts", RecordingOutbox(AlertsActor), self.clock, RecordingOverseer()
        )
        self.actor = AlertsActor(
            context,
            sink=self.sink,
            picture=lambda: self.picture,
            accounts={1: "50K-1"},
            zone=CHICAGO,
        )

    def told(self, *messages: m.Message) -> list[Alert]:
        """Return the alerts that messages bring."""
        self.sink.posted.clear()
        for message in messages:
            self.actor.handle(message)
        return list(self.sink.posted)

    def shows(self, **changes: object) -> None:
        self.picture = msgspec.structs.replace(HEALTHY, **changes)

    def holds(self, **changes: object) -> None:
        held = msgspec.structs.replace(
            HEALTHY.accounts[0], **({"positions": (LONG,)} | dict(changes))
        )
        self.picture = msgspec.structs.replace(self.picture, accounts=(held,))

    def waits(self, seconds: int) -> list[Alert]:
        """Return the alerts of a time in which nothing but ticks come."""
        self.sink.posted.clear()
        for _ in range(seconds * 10):
            self.clock.advance(S // 10)
            self.actor.handle(tick(self.clock.now_ns()))
        return list(self.sink.posted)


LOSS = Evidence(
    template="Day P&L {pnl:usd} reached the limit of {limit:usd}",
    figures={"pnl": -512, "limit": -500},
)


def enforcement(phase: m.EnforcementPhase, detail: str = "") -> m.Message:
    return say(
        m.EnforcementChanged,
        account_id=1,
        phase=phase,
        cause="daily-loss",
        detail=detail,
        took_ns=1_500_000_000,
    )


def unlock(status: UnlockStatus) -> m.Message:
    return say(
        m.UnlockChanged,
        account_id=1,
        lock_id=3,
        rule_id="daily-loss",
        status=status,
        reason="please",
        detail="it takes effect at 13:00",
    )


def acted(action: str, accepted: bool = True) -> m.Message:
    return say(m.TraderActed, action=action, accepted=accepted, detail="reason given: lunch")


ENGAGED = lock(rule_id="daily-loss", until_ns=DAY_END_NS, evidence=LOSS)
PHASE = m.EnforcementPhase
BREACH = breach_found(
    rule_id="daily-loss",
    breach=msgspec.structs.replace(breached(LockTerms()), evidence=LOSS),
)

TOLD: dict[str, tuple[m.Message, AlertKind, Severity, str]] = {
    "breach": (
        BREACH,
        AlertKind.BREACH,
        Severity.CRITICAL,
        "rule daily-loss broken: Day P&L -512.00 reached the limit of -500.00",
    ),
    "warning": (
        say(
            m.WarningRaised,
            rule_id="daily-loss",
            account_id=1,
            warned=Warned(value=None, limit=None, evidence=LOSS, fraction=0.8),
            event=tick(),
        ),
        AlertKind.WARNING,
        Severity.WARNING,
        "rule daily-loss warns (80% used): Day P&L -512.00 reached the limit of -500.00",
    ),
    "lock": (
        say(m.LocksChanged, account_id=1, locks=(ENGAGED,), engaged=ENGAGED),
        AlertKind.LOCK,
        Severity.CRITICAL,
        (
            "account LOCKED by daily-loss until Tue 17:00:00 CST: Day P&L -512.00 reached the limit"
            " of -500.00"
        ),
    ),
    "unlock": (
        say(m.LocksChanged, account_id=1, locks=(), ended=ENGAGED),
        AlertKind.UNLOCK,
        Severity.INFO,
        "account: the lock of daily-loss ended",
    ),
    "asked to unlock": (
        unlock(UnlockStatus.ASKED),
        AlertKind.UNLOCK,
        Severity.WARNING,
        "unlocking daily-loss was asked for: it takes effect at 13:00",
    ),
    "closing began": (
        enforcement(PHASE.STARTED, RULE_BROKEN),
        AlertKind.ENFORCEMENT,
        Severity.INFO,
        "closing and cancelling for daily-loss",
    ),
    "something under a lock": (
        enforcement(PHASE.STARTED, UNDER_LOCK),
        AlertKind.ENFORCEMENT,
        Severity.WARNING,
        "closing and cancelling for daily-loss: something appeared under a lock",
    ),
    "stuck": (
        enforcement(PHASE.STUCK, "refused"),
        AlertKind.ENFORCEMENT,
        Severity.CRITICAL,
        (
            "CANNOT FINISH closing for daily-loss after 2 s, still trying; look at your platform:"
            " refused"
        ),
    ),
    "braked": (
        enforcement(PHASE.BRAKED, "40 commands"),
        AlertKind.ENFORCEMENT,
        Severity.CRITICAL,
        "closing for daily-loss PAUSED; look at your platform: 40 commands",
    ),
    "flat": (
        enforcement(PHASE.FLAT_OBSERVED, FLAT),
        AlertKind.ENFORCEMENT,
        Severity.INFO,
        "observed flat for daily-loss after 1.5 s",
    ),
    "reduced": (
        enforcement(PHASE.FLAT_OBSERVED, REDUCED),
        AlertKind.ENFORCEMENT,
        Severity.INFO,
        "observed reduced for daily-loss after 1.5 s",
    ),
    "given up": (
        actor_changed("rule:daily-loss", m.ActorStatus.GIVEN_UP),
        AlertKind.ACTOR,
        Severity.CRITICAL,
        "rule:daily-loss FAILED TOO OFTEN and was given up",
    ),
    "disarmed": (
        acted("disarm"),
        AlertKind.DISARM,
        Severity.CRITICAL,
        "DISARMED, nothing is enforced: reason given: lunch",
    ),
    "disarm refused": (
        acted("disarm", accepted=False),
        AlertKind.DISARM,
        Severity.WARNING,
        "disarm was refused: reason given: lunch",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_happened_is_told_in_plain_words(name: str) -> None:
    message, kind, severity, text = TOLD[name]

    (alert,) = Rig().told(message)

    assert (alert.kind, alert.severity) == (kind, severity)
    assert alert.text.startswith(text)
    assert alert.correlation_id == message.correlation_id
    assert alert.account == ("50K-1" if alert.account_id == 1 else "")


NEVER: dict[str, m.Message] = {
    "a breach told again": msgspec.structs.replace(breach_found(), is_repeat=True),
    "locks told again": say(m.LocksChanged, account_id=1, locks=(ENGAGED,)),
    "a fault of the alerts themselves": actor_changed("alerts", m.ActorStatus.FAULT),
    "an actor's first start": actor_changed("view", m.ActorStatus.STARTED),
    "an unlock that came to nothing": unlock(UnlockStatus.MOOT),
    "settings that are in force as before": say(m.SettingsChanged, day_start_ns=1, in_force="{}"),
}


@pytest.mark.parametrize("name", NEVER)
def test_what_is_nothing_new_is_not_told(name: str) -> None:
    assert Rig().told(NEVER[name]) == []


@pytest.mark.parametrize("answer", Answer)
def test_only_a_refusal_of_the_broker_is_told(answer: Answer) -> None:
    message = answered(1, answer)

    assert bool(Rig().told(message)) is (answer is Answer.REFUSED)


@pytest.mark.parametrize(
    ("reason", "detail", "told"),
    [
        (Refusal.DISARMED, "not sent: disarmed", None),
        (Refusal.UNREACHABLE, "no connection", "could not be sent: no connection"),
        (Refusal.BUSY, "not sent: kept for closes", "could not be sent: not sent: kept"),
        (Refusal.BUSY, "HTTP 429", "the broker refused a command of ours: HTTP 429"),
    ],
)
def test_nothing_is_called_refused_by_the_broker_that_it_never_saw(
    reason: Refusal, detail: str, told: str | None
) -> None:
    message = answered(1, Answer.REFUSED)
    outcome = msgspec.structs.replace(message.outcome, reason=reason, detail=detail)
    alerts = Rig().told(msgspec.structs.replace(message, outcome=outcome))

    if told is None:
        assert alerts == []
        return
    (alert,) = alerts
    assert told in alert.text
    assert (alert.kind is AlertKind.REFUSED) is ("the broker refused" in told)


CLAIMS = re.compile(r"\b(flat|flattened|closed|reduced|cancelled|gone)\b")


@pytest.mark.parametrize("name", [each for each in TOLD if each not in ("flat", "reduced")])
def test_nothing_is_said_to_be_flat_before_the_broker_showed_it(name: str) -> None:
    """I3: whatever was decided, sent or accepted is not done yet."""
    (alert,) = Rig().told(TOLD[name][0])

    assert not CLAIMS.search(alert.text)


def test_a_shadow_breach_says_that_nothing_is_done() -> None:
    told = say(
        m.ShadowBreachFound,
        rule_id="daily-loss",
        account_id=1,
        breach=breached(LockTerms()),
        event=tick(),
    )
    (alert,) = Rig().told(told)

    assert "nothing is done; it would have flattened" in alert.text
    assert alert.severity is Severity.WARNING


def test_what_is_found_in_a_locked_account_is_not_told() -> None:
    rig = Rig()
    rig.told(TOLD["lock"][0])
    assert rig.told(BREACH) == []
    rig.told(TOLD["unlock"][0])
    assert len(rig.told(BREACH)) == 1


def test_what_is_stuck_is_told_once_a_minute() -> None:
    rig = Rig()
    stuck = TOLD["stuck"][0]
    assert len(rig.told(stuck, stuck, stuck)) == 1
    rig.clock.advance(61 * S)
    assert len(rig.told(stuck)) == 1


# --- what lasts -----------------------------------------------------------------------------


def test_all_well_is_no_alert() -> None:
    assert Rig().waits(30) == []


def test_a_position_without_a_price_is_an_alarm_once_it_lasts_and_again_and_at_its_end() -> None:
    rig = Rig()
    rig.holds(positions=(msgspec.structs.replace(LONG, unrealized=None),))

    assert rig.waits(9) == []
    (alarm,) = rig.waits(5)
    assert (alarm.kind, alarm.severity) == (AlertKind.NO_DATA, Severity.CRITICAL)
    assert "POSITION OPEN AND NO DATA: +2 MNQ, no price for MNQ" in alarm.text
    (again,) = rig.waits(600)
    assert again.text.startswith("still: POSITION OPEN")
    rig.holds()
    (over,) = rig.waits(2)
    assert over.severity is Severity.INFO
    assert over.text.startswith("position open and no data: that is over (6")
    assert over.correlation_id == alarm.correlation_id


def test_a_price_that_is_unknown_for_a_moment_is_no_alarm() -> None:
    rig = Rig()
    for _ in range(5):
        rig.holds(positions=(msgspec.structs.replace(LONG, unrealized=None),))
        assert rig.waits(8) == []
        rig.holds()
        assert rig.waits(2) == []


def test_a_position_that_cannot_be_seen_is_an_alarm() -> None:
    rig = Rig()
    rig.holds(seen_at="2026-11-17T18:00:00.000+00:00")
    (alarm,) = rig.waits(15)
    assert "the account cannot be seen" in alarm.text


def test_no_position_needs_no_data() -> None:
    rig = Rig()
    rig.holds(positions=(), seen_at="2026-11-17T18:00:00.000+00:00")
    assert rig.waits(30) == []


def test_blind_is_critical_and_says_that_it_ended() -> None:
    rig = Rig()
    rig.shows(
        phase="degraded",
        detail="nothing can be seen or closed now",
        connection=ConnectionPicture(is_blind=True, since="x"),
    )
    (blind,) = rig.waits(20)
    assert (blind.kind, blind.severity) == (AlertKind.BLIND, Severity.CRITICAL)
    assert "nothing can be seen or closed now" in blind.text
    rig.shows()
    (over,) = rig.waits(2)
    assert over.text.startswith("the broker can be seen again")


def test_a_hub_that_is_back_soon_is_not_told_and_one_that_stays_away_is() -> None:
    rig = Rig()
    lost = {
        "phase": "degraded",
        "detail": "connection lost: market hub",
        "connection": ConnectionPicture(user_hub=True, rest=True, since="x"),
    }
    rig.shows(**lost)
    assert rig.waits(5) == []
    rig.shows()
    assert rig.waits(5) == []
    rig.shows(**lost)
    (told,) = rig.waits(15)
    assert (told.kind, told.severity) == (AlertKind.CONNECTION, Severity.WARNING)


def test_a_lesser_trouble_that_comes_back_is_told_again_and_each_hour() -> None:
    rig = Rig()
    out = Outlet(channel(), settings(), CHICAGO)
    bodies: list[str] = []
    for second in range(2 * 3600):
        is_down = second < 30 or second >= 120
        rig.shows(phase="degraded" if is_down else "armed", detail="market hub down")
        rig.sink.posted.clear()
        rig.clock.advance(S)
        rig.actor.handle(tick(rig.clock.now_ns()))
        for told in rig.sink.posted:
            out.take(told, second * S)
        parcel = out.due(second * S)
        bodies += [] if parcel is None else [parcel.letter.body.split(" ", 2)[2]]

    assert bodies == [
        "degraded: market hub down",
        "no longer degraded (30 s)",
        "degraded: market hub down",
        "still: degraded: market hub down",
    ]


def test_rules_that_cannot_be_checked_are_told_together() -> None:
    rig = Rig()
    rules = tuple(
        RulePicture(
            id=f"rule-{n}",
            type="max_contracts",
            mode="enforce",
            account=1,
            verdict="unknown",
            value=None,
            limit=None,
            reason="Fills could not be read",
            unit="contracts",
            distance=None,
            used=None,
            contract=None,
        )
        for n in range(6)
    )
    rig.shows(rules=rules)
    (told,) = rig.waits(30)
    assert told.kind is AlertKind.UNKNOWN
    assert told.text == (
        "CANNOT CHECK rule-0, rule-1, rule-2, rule-3 and 2 more: Fills could not be read"
    )
    assert told.account == "50K-1"


def test_settings_that_cannot_be_read_are_told_at_once() -> None:
    rig = Rig()
    rig.shows(settings_fault="the edited settings are wrong")
    (told,) = rig.waits(2)
    assert told.kind is AlertKind.SETTINGS
