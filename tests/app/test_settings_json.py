"""Settings are kept as text: nothing of them is lost, and equal settings are equal text."""

from pathlib import Path

import msgspec
import pytest
from app import settings_samples as samples
from hypothesis import given

from risk_actors.app.settings import Settings
from risk_actors.app.settings_json import decode_settings, encode_settings
from risk_actors.app.settings_load import load_settings
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of

SHIPPED = Path(__file__).parents[2] / "settings"


@samples.TRIALS
@given(samples.settings())
def test_what_is_read_back_is_what_was_kept(settings: Settings) -> None:
    text = encode_settings(settings)

    assert decode_settings(text) == settings
    assert encode_settings(decode_settings(text)) == text


@pytest.mark.parametrize("kind", catalogue())
def test_a_rule_comes_back_as_the_rule_it_was(kind: str, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(example_of(kind), encoding="utf-8")
    settings = load_settings(tmp_path)

    (rule,) = decode_settings(encode_settings(settings)).rules

    assert type(rule) is catalogue()[kind].Settings
    assert (rule,) == settings.rules


@pytest.mark.parametrize(
    "preset", sorted((SHIPPED / "presets").glob("*.toml")), ids=lambda p: p.stem
)
def test_a_preset_comes_back(preset: Path, tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(f'preset = "{preset.stem}"', encoding="utf-8")
    settings = load_settings(tmp_path)

    assert decode_settings(encode_settings(settings)) == settings


def test_a_whole_number_and_the_same_number_with_a_point_are_one_text(tmp_path: Path) -> None:
    texts = set()
    for number in ("120", "120.0"):
        (tmp_path / "risk.toml").write_text(
            f'preset = "static-50k"\n[session]\nunlock_delay_s = {number}\n', encoding="utf-8"
        )
        texts.add(encode_settings(load_settings(tmp_path)))

    assert len(texts) == 1


def test_what_an_older_version_did_not_know_takes_its_default() -> None:
    settings = Settings(session=load_settings(SHIPPED).session, rules=())
    kept = msgspec.json.decode(encode_settings(settings))
    del kept["store"]["tape_mb"], kept["news_notes"]

    assert decode_settings(msgspec.json.encode(kept).decode()) == settings


@pytest.mark.parametrize("text", ["", "{}", '{"session": {}, "rules": [{"type": "no_rule"}]}'])
def test_what_is_no_settings_is_refused(text: str) -> None:
    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)):
        decode_settings(text)
