from datetime import UTC, datetime

from risk_actors.actors.picture import (
    AccountPicture,
    FiringPricePicture,
    FirstToFirePicture,
    HeadroomPicture,
    SizePicture,
    StopOutPicture,
)
from risk_actors.cli.headroom import headroom_lines

NOW = datetime(2026, 11, 20, 16, 31, 7, tzinfo=UTC)
MNQ, ES = "CON.F.US.MNQ.Z26", "CON.F.US.EP.Z26"


def lines(headroom: HeadroomPicture | None) -> list[str]:
    return list(headroom_lines(AccountPicture(id=1, name="a", headroom=headroom), NOW))


def test_headroom_is_said_in_a_line_each() -> None:
    assert lines(
        HeadroomPicture(
            sizes=(
                SizePicture(contract=MNQ, symbol="MNQ", contracts=3, rule="size"),
                SizePicture(contract=ES, symbol="ES", contracts=0, rule="daily-loss"),
            ),
            first=FirstToFirePicture(
                rule="daily-loss",
                mode="enforce",
                room=187.5,
                prices=(FiringPricePicture(contract=MNQ, symbol="MNQ", price=20_950.25),),
            ),
            stop_out=StopOutPicture(day=-120.0, unprotected={"ES": 1}),
        )
    ) == [
        "Safe to add now: 3 MNQ (size), no ES (daily-loss)",
        "First to fire: daily-loss, 187.50 away (MNQ at 20,950.25)",
        "If every stop fills: day P&L -120.00, less fees",
        "NO STOP on 1 ES",
    ]


def test_what_is_unknown_or_not_there_is_not_said() -> None:
    assert lines(None) == []
    assert lines(HeadroomPicture()) == []
    assert lines(
        HeadroomPicture(
            sizes=(SizePicture(contract=MNQ, symbol="MNQ", contracts=None, rule=None),),
            first=FirstToFirePicture(rule="day", mode="shadow", room=500.0, prices=()),
            stop_out=StopOutPicture(day=None, unprotected={"MNQ": 3}),
        )
    ) == [
        "Safe to add now: MNQ without limit",
        "First to fire: day (shadow), 500.00 away",
        "NO STOP on 3 MNQ",
    ]


def test_i7_nothing_is_safe_to_add_in_an_account_that_is_not_seen() -> None:
    headroom = HeadroomPicture(
        sizes=(SizePicture(contract=MNQ, symbol="MNQ", contracts=10, rule="r"),),
        stop_out=StopOutPicture(day=-400.0, unprotected={"ES": 1}),
    )
    account = AccountPicture(
        id=1, name="a", headroom=headroom, seen_at="2026-11-20T16:28:12.000+00:00"
    )

    assert list(headroom_lines(account, NOW)) == [
        "Safe to add now: none, for what is open is not known since 16:28:12 UTC",
        "As of 16:28:12 UTC: If every stop fills: day P&L -400.00, less fees",
        "As of 16:28:12 UTC: NO STOP on 1 ES",
    ]
