"""The rules' settings: what the file may say, and what is refused with which words."""

from typing import Any

import msgspec
import pytest
from core.builders import rule

from risk_actors.core.account_state import AccountState
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Mode, Rule, catalogue

MINIMAL: dict[str, dict[str, Any]] = {
    "daily_loss_limit": {"limit_usd": 500},
    "daily_profit_target": {"target_usd": 500},
    "max_contracts": {"limit": 3},
    "max_contracts_per_instrument": {"default": 3},
    "symbol_block": {"blocked": ["ES"]},
}


def test_the_catalogue_finds_each_rule_in_its_file() -> None:
    assert set(MINIMAL) <= set(catalogue())
    assert list(catalogue()) == sorted(catalogue())


@pytest.mark.parametrize("kind", catalogue())
def test_a_rule_declares_facts_and_a_type(kind: str) -> None:
    rule_class = catalogue()[kind]

    assert issubclass(rule_class, Rule)
    assert rule_class.facts
    assert rule_class.facts <= {AccountState, PnlState}
    assert rule_class.Settings.__struct_config__.tag == kind


@pytest.mark.parametrize(("kind", "settings"), MINIMAL.items())
def test_what_is_left_out_takes_its_documented_default(kind: str, settings: dict[str, Any]) -> None:
    made = rule(kind, **settings).settings

    assert made.type == kind
    assert made.mode is Mode.ENFORCE
    assert made.accounts == ("*",)
    assert made.warn_at == ()
    if kind == "max_contracts":
        assert (made.count, made.micro_ratio, made.include_working) == ("gross", None, False)
    if "response" in made.__struct_fields__:
        assert made.response == "reduce"
    if "basis" in made.__struct_fields__:
        assert made.basis == "equity"


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("max_contracts", {}, "missing required field `limit`"),
    ("max_contracts", {"limit": 0}, "Expected `int` >= 1"),
    ("max_contracts", {"limit": -1}, "Expected `int` >= 1"),
    ("max_contracts", {"limit": 2.5}, "Expected `int`, got `float`"),
    ("max_contracts", {"limit": "3"}, "Expected `int`, got `str`"),
    ("max_contracts", {"limit": True}, "Expected `int`, got `bool`"),
    ("max_contracts", {"limit": 3, "micro_ratio": 0}, "micro_ratio"),
    ("max_contracts", {"limit": 3, "count": "nett"}, "Invalid enum value 'nett'"),
    ("max_contracts", {"limit": 3, "response": "close"}, "Invalid enum value 'close'"),
    ("max_contracts", {"limit": 3, "limits": 4}, "unknown field `limits`"),
    ("max_contracts", {"limit": 3, "mode": "on"}, "Invalid enum value 'on'"),
    ("max_contracts", {"limit": 3, "id": ""}, r"length >= 1 - at `\$.id`"),
    ("max_contracts", {"limit": 3, "accounts": []}, r"length >= 1 - at `\$.accounts`"),
    ("max_contracts", {"limit": 3, "warn_at": [0]}, r"warn_at\[0\]"),
    ("max_contracts", {"limit": 3, "warn_at": [0.5, 1.0]}, r"warn_at\[1\]"),
    ("max_contracts", {"limit": 3, "warn_at": [float("nan")]}, r"warn_at\[0\]"),
    ("max_contracts_per_instrument", {}, "give `limits` by symbol, a `default`, or both"),
    ("max_contracts_per_instrument", {"limits": {}}, "give `limits` by symbol"),
    ("max_contracts_per_instrument", {"limits": {"ES": -1}}, r"limits\[...\]"),
    ("max_contracts_per_instrument", {"limits": {"ES": 1, "es": 2}}, "names a symbol twice"),
    ("max_contracts_per_instrument", {"default": -1}, "default"),
    ("daily_loss_limit", {}, "missing required field `limit_usd`"),
    ("daily_loss_limit", {"limit_usd": 0}, ">= 0.01"),
    ("daily_loss_limit", {"limit_usd": -500}, ">= 0.01"),
    ("daily_loss_limit", {"limit_usd": "500"}, "got `str`"),
    ("daily_loss_limit", {"limit_usd": float("nan")}, "limit_usd"),
    ("daily_loss_limit", {"limit_usd": float("inf")}, "limit_usd"),
    ("daily_loss_limit", {"limit_usd": 500, "basis": "open"}, "Invalid enum value 'open'"),
    ("daily_profit_target", {"limit_usd": 500}, "unknown field `limit_usd`|`target_usd`"),
    ("daily_profit_target", {"target_usd": 0}, ">= 0.01"),
    ("daily_profit_target", {"target_usd": float("inf")}, "target_usd"),
    ("symbol_block", {}, "give either `blocked` or `allowed` symbols"),
    ("symbol_block", {"blocked": ["ES"], "allowed": ["NQ"]}, "give either"),
    ("symbol_block", {"blocked": []}, "give either"),
    ("symbol_block", {"blocked": "ES"}, "Expected `array`, got `str`"),
]


@pytest.mark.parametrize(("kind", "settings", "words"), REFUSED)
def test_impossible_settings_are_refused_in_clear_words(
    kind: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        rule(kind, **settings)


@pytest.mark.parametrize(
    ("patterns", "name", "selected"),
    [
        (["*"], "50KTC-V2-1001", True),
        (["50KTC*"], "50KTC-V2-1001", True),
        (["50ktc*"], "50KTC-V2-1001", True),
        (["50KTC-V2-1001"], "50ktc-v2-1001", True),
        (["50KTC"], "50KTC-V2-1001", False),
        (["150K*", "*1001"], "50KTC-V2-1001", True),
        (["150K*"], "50KTC-V2-1001", False),
    ],
)
def test_accounts_are_selected_by_name_or_pattern_in_any_case(
    patterns: list[str], name: str, *, selected: bool
) -> None:
    settings = rule("max_contracts", limit=1, accounts=patterns).settings

    assert settings.selects(name) is selected
