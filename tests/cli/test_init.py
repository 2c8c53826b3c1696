"""`init` asks by terminal or pipe, answers by options, and writes over nothing unasked."""

import os
import signal
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from risk_actors.app.settings_load import load_app_settings, load_settings
from risk_actors.cli.init import usd
from risk_actors.cli.main import main

ENTER = "\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "settings"


def init(directory: Path, *arguments: str, said: str = "") -> Result:
    return CliRunner().invoke(main, ["init", "--settings", str(directory), *arguments], input=said)


def rules(directory: Path) -> list[str]:
    return [rule.id for rule in load_settings(directory).rules]


def test_enter_to_every_question_gives_a_loss_limit(directory: Path) -> None:
    done = init(directory, said=ENTER * 8)

    assert done.exit_code == 0, done.output
    assert rules(directory) == ["daily-loss"]
    assert "- daily-loss: When the day's equity P&L reaches -$500.00" in done.output


def test_a_whole_talk_over_a_pipe(directory: Path) -> None:
    said = "topstep-50k\n50KTC-*, 7\nfive hundred\n0\n$450.50\n1,200\nnone\n2.5\n3\nnone\ny\n"
    done = init(directory, said=said)
    settings = load_settings(directory)

    assert done.exit_code == 0, done.output
    assert "'five hundred' is no amount" in done.output
    assert "'2.5' is no whole number" in done.output
    assert settings.preset is not None
    assert settings.gateway.accounts == ("50KTC-*", "7")
    assert rules(directory)[-3:] == ["daily-loss", "weekly-loss", "own-max-contracts"]
    assert "limit_usd = 450.50" in (directory / "risk.toml").read_text()


@pytest.mark.parametrize("said", ["", ENTER, ENTER * 7, ENTER * 7 + "n\n"])
def test_nothing_is_written_before_it_was_agreed_to(directory: Path, said: str) -> None:
    assert init(directory, said=said).exit_code == 1
    assert not directory.exists()


def test_options_answer_the_questions(directory: Path) -> None:
    done = init(
        directory,
        *("--preset", "static-50k", "--account", "A", "--account", "B", "--daily-loss", "none"),
        *("--weekly-loss", "900", "--daily-target", "none", "--max-contracts", "2", "--yes"),
    )
    assert done.exit_code == 0, done.output
    assert rules(directory)[-2:] == ["weekly-loss", "own-max-contracts"]
    assert load_settings(directory).gateway.accounts == ("A", "B")


def test_only_what_no_option_answers_is_asked(directory: Path) -> None:
    options = ("--preset", "none", "--account", "A", "--daily-loss", "300", "--alerts", "none")
    done = init(directory, *options, said=ENTER * 4)
    assert done.exit_code == 0, done.output
    assert "Preset" not in done.output
    assert "Lock for the week" in done.output


def test_what_is_there_is_not_replaced_without_being_asked_for(directory: Path) -> None:
    assert init(directory, "--yes").exit_code == 0
    before = (directory / "risk.toml").read_bytes()
    other = ("--daily-loss", "100")

    refused = init(directory, *other, "--yes")
    enter = init(directory, *other, said=ENTER * 7)
    assert (refused.exit_code, enter.exit_code) == (1, 1)
    assert "--replace" in refused.output
    assert (directory / "risk.toml").read_bytes() == before

    assert init(directory, *other, said=ENTER * 6 + "y\n").exit_code == 0
    replaced = init(directory, "--yes", "--replace")
    assert replaced.exit_code == 0
    kept = sorted(directory.glob("risk.toml.before-*"))
    assert len(kept) == 2
    assert before in [path.read_bytes() for path in kept]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preset", "topstep-5ok", "--yes"), "no preset topstep-5ok; there are"),
        (("--daily-loss", "-5", "--yes"), "is no amount of dollars above 0"),
        (("--daily-loss", "nan", "--yes"), "is no amount of dollars above 0"),
        (("--daily-loss", "500.005", "--yes"), "has parts of a cent"),
        (("--daily-loss", "0.001", "--yes"), "has parts of a cent"),
        (("--max-contracts", "0", "--yes"), "is no whole number above 0"),
        (("--daily-loss", "none", "--yes"), "nothing would be guarded"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    directory: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = init(directory, *arguments)
    assert done.exit_code == 2
    assert words in done.output
    assert not directory.exists()


def test_the_address_of_alerts_is_taken_from_stdin_and_not_shown(directory: Path) -> None:
    url = "tgram://123456:a-token-of-mine/42"
    done = init(directory, "--yes", "--alerts", "-", said=f"{url}\n")

    assert done.exit_code == 0, done.output
    assert url not in done.output
    assert (directory / "alert.url").read_text() == f"{url}\n"
    assert url not in (directory / "app.toml").read_text()


def test_settings_beside_that_are_wrong_end_it(directory: Path) -> None:
    directory.mkdir()
    (directory / "news.toml").write_text("nonsense")
    done = init(directory, "--yes")
    assert done.exit_code == 2
    assert "news.toml" in done.output
    assert not (directory / "risk.toml").exists()


def test_an_address_that_is_none_is_asked_for_again_and_refused_as_an_option(
    directory: Path,
) -> None:
    wrong = "nosuchthing://a-token-of-mine"
    weak = "mailto://me:w3ak@example.com"
    done = init(directory, said=ENTER * 6 + f"{wrong}\n{weak}\nenv:\nnone\ny\n")
    assert done.exit_code == 0, done.output
    assert "not one that apprise knows" in done.output
    assert "fewer than 6 characters" in done.output
    assert "`env:` is followed by no name" in done.output
    assert not (directory / "alert.url").exists()
    option = init(directory, "--yes", "--alerts", wrong)
    assert option.exit_code == 2
    assert "a-token-of-mine" not in option.output


def test_an_address_may_stay_where_it_is(directory: Path) -> None:
    done = init(directory, "--yes", "--alerts", "env:RISK_ACTORS_PHONE_URL")
    assert done.exit_code == 0, done.output
    (channel,) = load_app_settings(directory).alerts.channels
    assert channel.url == "env:RISK_ACTORS_PHONE_URL"
    assert not (directory / "alert.url").exists()


@pytest.mark.parametrize("at", [1, 2, 3])
def test_broken_off_while_it_writes_it_leaves_all_as_it_was(
    directory: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    assert init(directory, "--yes").exit_code == 0
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    count = iter(range(1, 9))
    flush = os.fsync

    def interrupted(descriptor: int) -> None:
        if next(count) == at:
            raise KeyboardInterrupt
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)
    options = ("--daily-loss", "100", "--account", "A", "--alerts", "json://127.0.0.1/a-token")
    done = init(directory, *options, "--yes", "--replace")
    assert done.exit_code == 1
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_what_is_proposed_is_put_in_place_as_a_whole_although_it_is_interrupted(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        signal.raise_signal(signal.SIGINT)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    # Whoever runs this in the background may have had Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = init(directory, "--yes", "--alerts", "json://127.0.0.1/a-token")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.exit_code == 1
    assert sorted(each.name for each in directory.iterdir()) == [
        "alert.url",
        "app.toml",
        "risk.toml",
    ]


def test_all_is_folded_at_words_where_the_terminal_is_narrow(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(directory.parent)
    done = CliRunner().invoke(main, ["init"], input="topstep-50k\n" + ENTER * 7)

    assert done.exit_code == 0, done.output
    path = str(directory.parent)
    lines = [line for line in done.output.splitlines() if path not in line]
    assert [line for line in lines if len(line) > 80] == []
    assert '"none" leaves a rule\nout. Nothing is written' in done.output


@pytest.mark.parametrize("said", ["500", "500.50", "500.500", "1e3", "$1,200.25"])
def test_dollars_and_cents_are_taken(said: str) -> None:
    assert usd(said) == Decimal(said.lstrip("$").replace(",", ""))
