"""What good settings become."""

from pathlib import Path

import pytest

from risk_actors.app.settings import (
    AppFile,
    AppSettings,
    PaperSettings,
    SessionSettings,
    TradingMode,
)
from risk_actors.app.settings_load import load_app_settings, load_settings
from risk_actors.app.settings_toml import LineIndex
from risk_actors.core.rules import Mode

A_RULE = '[[rules]]\nid = "loss"\ntype = "daily_loss_limit"\nlimit_usd = 500\n'


def test_one_rule_is_enough(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(A_RULE)
    settings = load_settings(tmp_path)
    assert settings.session == SessionSettings()
    assert (settings.session.timezone, settings.session.daily_reset) == (
        "America/Chicago",
        "0 17 * * *",
    )
    (rule,) = settings.rules
    assert (rule.id, rule.type, rule.mode) == ("loss", "daily_loss_limit", Mode.ENFORCE)
    assert settings.web.port == 8787
    assert settings.gateway.requests_per_minute == 200
    assert settings.pnl.quote_stale_after_s == 10.0


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    text = A_RULE.replace("\n", "\r\n")
    (tmp_path / "risk.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(load_settings(tmp_path).rules) == 1


def test_without_app_toml_there_are_defaults(tmp_path: Path) -> None:
    assert load_app_settings(tmp_path) == AppFile()


@pytest.mark.parametrize(
    ("armed", "mode", "expected"),
    [
        (None, TradingMode.PAPER, True),
        (None, TradingMode.LIVE, False),
        (True, TradingMode.LIVE, True),
        (False, TradingMode.PAPER, False),
    ],
)
def test_live_trading_is_armed_only_when_told_so(
    armed: bool | None, mode: TradingMode, expected: bool
) -> None:
    assert AppSettings(armed=armed).is_armed(mode) is expected


def test_paper_settings_become_a_simulated_gateway_with_its_trader() -> None:
    simulator = PaperSettings(trader="calm", seed=3, pace=2.0, accounts=2).to_simulator(port=5)
    assert (simulator.port, simulator.seed, len(simulator.accounts)) == (5, 3, 2)
    assert simulator.trader is not None
    assert simulator.trader.character == "calm"
    assert simulator.trader.account_id == simulator.accounts[0].id
    assert PaperSettings(trader="none").to_simulator().trader is None


@pytest.mark.parametrize("symbol", ["MNQ", "MBT"])
def test_what_the_paper_trader_trades_moves(symbol: str) -> None:
    assert PaperSettings(symbol=symbol).to_simulator().symbols.count(symbol) == 1


def test_lines_are_found_past_strings_arrays_and_comments() -> None:
    index = LineIndex(
        'a = """\n[b]\nc = 1\n"""  # [x]\n'
        "list = [ # ]\n  1,\n  ']',\n]\n"
        "[t.'quoted.part'] # head\nkey.sub = { x = 1 }\n"
        "[[r]]\nk = 1\n[r.inner]\nz = 2\n[[r]]\nk = 2\n"
    )
    assert index.line_of(("a",)) == 1
    assert index.line_of(("b",)) is None
    assert (index.line_of(("list",)), index.line_of(("list", 1))) == (5, 7)
    assert index.line_of(("t", "quoted.part")) == 9
    assert index.line_of(("t", "quoted.part", "key", "sub", "x")) == 10
    assert index.line_of(("r", 0, "inner", "z")) == 14
    assert index.line_of(("r", 1, "k")) == 16
    assert index.line_of(("r", 1, "missing")) == 15


def test_lines_are_found_inside_arrays_and_inline_tables() -> None:
    index = LineIndex(
        "[[r]]\n"
        "windows = [\n  # a [ comment, with a comma\n"
        '  { days = ["Mon"], start = "08:00" },\n'
        '  { days = ["Tue",\n    "Wed"], start = "[,]" },\n]\n'
        "lock = { until = 'x', a.b = 3 }\n"
        "deep = [[1, 2],\n  [3]]\n"
        "[[r.tiers]]\nz = 1\n[[r.tiers]]\nz = 2\n"
    )
    lines = {
        ("windows", 0): 4,
        ("windows", 0, "start"): 4,
        ("windows", 1, "days", 0): 5,
        ("windows", 1, "days", 1): 6,
        ("windows", 1, "start"): 6,
        ("lock", "until"): 8,
        ("lock", "a", "b"): 8,
        ("deep", 0, 1): 9,
        ("deep", 1, 0): 10,
        ("tiers", 0, "z"): 12,
        ("tiers", 1, "missing"): 13,
    }
    assert {path: index.line_of(("r", 0, *path)) for path in lines} == lines
