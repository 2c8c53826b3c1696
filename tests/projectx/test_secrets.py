"""Credentials stay out of everything that is written down."""

import copy
import io
import logging
import pickle
from collections.abc import Iterator

import msgspec
import pytest

from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.secrets import SecretFilter, scrub
from risk_actors.projectx.settings import Credentials, GatewaySettings

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NzgwNzQ1NjN9.Zm9v-YmFy_Zg"
KEY = "k3y-of-the-trader/+="


@pytest.fixture
def root_output() -> Iterator[io.StringIO]:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.addFilter(SecretFilter())
    logging.getLogger().addHandler(handler)
    yield output
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    "text",
    [
        f"GET /hubs/user?access_token={JWT}&id=abc HTTP/1.1",
        "wss://rtc.example/hubs/user?access_token=opaque-token-123&id=abc",
        "wss://rtc.example/hubs/user?access_token%3Dopaque-token-123",
        f"Authorization: Bearer {JWT}",
        "headers={'Authorization': 'Bearer opaque-token-123'}",
        '{"userName":"me","apiKey":"opaque-token-123"}',
        "api_key='opaque-token-123'",
        '{"token":"opaque-token-123","success":true}',
        '{"newToken": "opaque-token-123"}',
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    clean = scrub(text)
    assert JWT not in clean
    assert "opaque-token-123" not in clean
    assert "[hidden]" in clean


@pytest.mark.parametrize(
    "text",
    ["tokens are renewed", "Order 9001 token expired", "id=abc", "the bearer", "eye", ""],
)
def test_ordinary_words_stay(text: str) -> None:
    assert scrub(text) == text


def test_credentials_never_show_the_key() -> None:
    credentials = Credentials(username="me", api_key=KEY)
    assert credentials.api_key == KEY
    for shown in (repr(credentials), str(credentials), f"{credentials}", scrub(f"bare {KEY} key")):
        assert KEY not in shown
    for leak in (msgspec.json.encode, pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            leak(credentials)


def test_the_filter_hides_secrets_in_arguments_and_tracebacks(root_output: io.StringIO) -> None:
    logger = logging.getLogger("some.library")
    logger.warning("negotiating %s", f"http://x/negotiate?access_token={JWT}")
    error = ValueError(f"no route to ws://x?access_token={JWT}")
    logger.error("failed", exc_info=error)
    written = root_output.getvalue()
    assert JWT not in written
    assert "negotiating http://x/negotiate?access_token=[hidden]" in written
    assert "ValueError: no route" in written


def test_the_sdk_logs_to_the_root_logger_only(
    root_output: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    adopt_sdk_loggers()
    adopt_sdk_loggers()
    names = [name for name in logging.root.manager.loggerDict if name.startswith("project_x_py.")]
    assert "project_x_py.client.http" in names
    for name in names:
        logging.getLogger(name).warning("from %s", name)
        logging.getLogger(name).info("chatter %s", JWT)
    written = root_output.getvalue().splitlines()
    assert sorted(written) == sorted(f"from {name}" for name in names)
    assert capsys.readouterr().out == ""


def test_settings_are_checked_when_decoded() -> None:
    settings = msgspec.convert({"accounts": ["50K*"]}, GatewaySettings)
    assert settings == GatewaySettings(accounts=("50K*",))
    assert msgspec.convert({"brake_after_commands": 10}, GatewaySettings).brake_after_commands == 10
    for wrong in (
        {"requests_per_minute": 0},
        {"login_timeout_s": 0},
        {"brake_after_commands": 9},
        {"colour": "red"},
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, GatewaySettings)
