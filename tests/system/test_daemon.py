"""What "works" means: the daemon as a process, the unmodified SDK, the simulator over sockets."""

import signal
import sqlite3
import time
from decimal import Decimal
from pathlib import Path

import pytest
from daemon_process import RULES, Daemon, StartDaemon, commands, eventually

from risk_actors.simulator import Fault, OrderType, Side, SimulatorThread, Ticket

pytestmark = pytest.mark.system

ACCOUNT, OTHER = 101, 102
NEVER_AGAIN_TICKS = 20
"""How many ticks of the daemon's clock nothing more may be sent for: 2 s."""


def buy(sim: SimulatorThread, size: int, symbol: str = "MNQ", account: int = ACCOUNT) -> None:
    sim.place(
        Ticket(account_id=account, contract_id=sim.contract_id(symbol), side=Side.BUY, size=size)
    )


def rest(sim: SimulatorThread, kind: OrderType, side: Side, size: int, price: str) -> int:
    level = Decimal(price)
    is_limit = kind is OrderType.LIMIT
    return sim.place(
        Ticket(
            account_id=ACCOUNT,
            contract_id=sim.contract_id("MNQ"),
            side=side,
            size=size,
            type=kind,
            limit_price=level if is_limit else None,
            stop_price=None if is_limit else level,
        )
    ).id


def price(sim: SimulatorThread, bid: float) -> None:
    sim.set_price(sim.contract_id("MNQ"), bid, bid + 0.25, bid)


def is_flat(sim: SimulatorThread, account: int = ACCOUNT) -> bool:
    return sim.sizes(account) == {} and sim.orders(account) == []


def is_locked(daemon: Daemon, index: int = 0) -> bool:
    return bool(daemon.account(index)["locks"])


def lose_600(sim: SimulatorThread) -> None:
    """Buy 5 MNQ at 25000.25 and let the price fall 60 points: 5 * 240 ticks * 0.50 = 600."""
    price(sim, 25_000)
    buy(sim, 5)
    eventually(lambda: sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5)
    price(sim, 24_940.25)


def test_a_breach_ends_observed_flat_and_locked_with_one_correlation_id(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I3, I9."""
    daemon = start_daemon()

    lose_600(sim)

    eventually(lambda: is_flat(sim) and is_locked(daemon))
    eventually(lambda: daemon.account()["enforcement"] is None)
    lock = daemon.account()["locks"][0]
    assert (lock["rule"], lock["scope"]) == ("daily-loss", "account")
    assert "reached the limit of -500.00" in lock["reason"]
    breach = eventually(
        lambda: daemon.rows("select correlation_id from record where kind = 'BreachFound'")
    )
    # The events of the entry may come later than the price that makes it a loss.
    causes = ("QuoteReported", "PositionReported", "FillReported", "OrderReported")
    wanted = {"BreachFound", "SendClose", "CommandAnswered", "LocksChanged"}

    def is_recorded() -> bool:
        """The record may be some milliseconds behind what is shown."""
        chain = daemon.rows(
            "select kind, text from record where correlation_id = ? order by seq", breach[0][0]
        )
        flat = any("observed flat" in text for _, text in chain)
        kinds = [kind for kind, _ in chain]
        return flat and kinds[0] in causes and wanted <= set(kinds)

    eventually(is_recorded)
    assert daemon.account()["positions"] == []


def test_two_rules_on_one_event_give_one_close(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I2."""
    second = '\n[[rules]]\nid = "second"\ntype = "daily_loss_limit"\nlimit_usd = 550.0\n'
    daemon = start_daemon(rules=RULES + second)

    lose_600(sim)

    eventually(lambda: is_flat(sim) and len(daemon.account()["locks"]) == 2)
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)
    assert commands(sim) == ["Position/closeContract"]


def test_a_stop_left_over_after_a_flatten_is_cancelled_and_reopens_nothing(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    price(sim, 25_000)
    stop_id = rest(sim, OrderType.STOP, Side.SELL, 5, "24900")
    buy(sim, 5)
    eventually(lambda: daemon.account()["positions"])

    price(sim, 24_940)
    eventually(lambda: is_flat(sim) and is_locked(daemon))
    price(sim, 24_850)
    daemon.let_ticks_pass(5)

    assert sim.order(stop_id).status.name == "CANCELLED"
    assert is_flat(sim)


def test_no_command_follows_once_flat_was_observed(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I6."""
    daemon = start_daemon()
    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))
    eventually(lambda: daemon.account()["enforcement"] is None)
    sent = len(commands(sim))

    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)

    assert len(commands(sim)) == sent


def test_locked_means_locked_for_orders_before_and_after_the_lock(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I4."""
    daemon = start_daemon()
    price(sim, 25_000)
    resting = rest(sim, OrderType.LIMIT, Side.BUY, 1, "24800")
    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))

    buy(sim, 2)
    eventually(lambda: is_flat(sim))
    later = rest(sim, OrderType.LIMIT, Side.BUY, 1, "24700")
    eventually(lambda: is_flat(sim))

    assert sim.order(resting).status.name == "CANCELLED"
    assert sim.order(later).status.name == "CANCELLED"
    assert len(sim.requests("Position/closeContract")) == 2


def test_the_contract_limit_reduces_to_the_limit_and_no_further(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    price(sim, 25_000)

    buy(sim, 8)

    eventually(lambda: sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5)
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)
    assert sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5
    assert daemon.account()["locks"] == []


def test_a_forbidden_symbol_is_flattened_and_locked_and_others_go_on(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    rules = '[[rules]]\nid = "no-gold"\ntype = "symbol_block"\nblocked = ["MGC"]\n'
    daemon = start_daemon(rules=rules)

    buy(sim, 1, "MNQ")
    buy(sim, 1, "MGC")

    eventually(lambda: is_locked(daemon) and len(sim.sizes(ACCOUNT)) == 1)
    assert sim.size(ACCOUNT, sim.contract_id("MNQ")) == 1
    assert daemon.account()["locks"][0]["scope"] == sim.contract_id("MGC")


def test_every_visible_account_is_guarded_and_each_by_itself(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    price(sim, 25_000)

    buy(sim, 7, account=OTHER)
    buy(sim, 3, account=ACCOUNT)

    eventually(lambda: sim.size(OTHER, sim.contract_id("MNQ")) == 5)
    daemon.let_ticks_pass(5)
    assert sim.size(ACCOUNT, sim.contract_id("MNQ")) == 3
    assert [account["id"] for account in daemon.state()["accounts"]] == [ACCOUNT, OTHER]


def test_i8_the_picture_equals_the_broker_after_a_day_of_fills(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    for level, size in ((25_000, 3), (25_010, 1), (24_990, 2)):
        price(sim, level)
        buy(sim, size if size < 3 else 2)
        sim.close(ACCOUNT, sim.contract_id("MNQ"), 1)
    price(sim, 25_005)

    def agrees() -> bool:
        shown = daemon.account()
        day = shown["day"]
        balance = float(sim.balance_usd(ACCOUNT))
        size = sim.size(ACCOUNT, sim.contract_id("MNQ"))
        average = float(sim.average_price(ACCOUNT, sim.contract_id("MNQ")))
        return bool(
            shown["balance"] == round(balance, 2)
            and day["realized"] == round(balance - 50_000, 2)
            and [p["size"] for p in shown["positions"]] == [size]
            and day["unrealized"] == round((25_005 - average) / 0.25 * 0.5 * size, 2)
        )

    eventually(agrees, what="the picture agrees")


def test_a_position_opened_while_the_hubs_are_down_is_found(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I7, I8."""
    start_daemon()
    price(sim, 25_000)

    sim.cut_hubs()
    buy(sim, 8)

    eventually(lambda: sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5, within_s=8)


def test_a_lock_survives_kill_and_holds_at_once_after_the_restart(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I5."""
    daemon = start_daemon()
    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))
    until = daemon.account()["locks"][0]["until"]
    daemon.kill()
    buy(sim, 1)

    daemon.start()

    eventually(lambda: is_flat(sim))
    assert daemon.account()["locks"][0]["until"] == until


def test_i4_a_restored_lock_is_enforced_although_no_fills_can_be_read(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))
    daemon.kill()
    buy(sim, 2)
    sim.inject(Fault(kind="status", status=500, endpoint="Trade/search", times=1000))

    daemon.start(until_armed=False)

    eventually(lambda: is_flat(sim))
    eventually((daemon.data_dir / "daemon.json").exists)
    eventually(lambda: daemon.state()["phase"] == "degraded")
    assert daemon.account()["day"]["realized"] is None
    assert is_locked(daemon)


def test_i5_a_lock_met_by_a_busy_store_holds_at_once_and_is_saved_later(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    busy = sqlite3.connect(daemon.data_dir / "risk.db")
    busy.execute("begin immediate")

    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))
    assert daemon.state()["phase"] == "degraded"
    busy.rollback()
    busy.close()

    eventually(lambda: daemon.rows("select id from locks"))
    eventually(lambda: daemon.state()["phase"] == "armed")


def test_panic_flattens_and_locks(sim: SimulatorThread, start_daemon: StartDaemon) -> None:
    daemon = start_daemon()
    buy(sim, 2)
    eventually(lambda: daemon.account()["positions"])

    result = daemon.client("panic", "--yes")

    assert result.returncode == 0, result.stderr
    eventually(lambda: is_flat(sim) and is_locked(daemon) and is_locked(daemon, 1))


def test_unarmed_nothing_is_sent_and_it_says_so(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon(app="")

    lose_600(sim)

    eventually(lambda: daemon.state()["rules"][0]["verdict"] == "breach")
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)
    assert commands(sim) == []
    assert daemon.state()["armed"] is False
    assert {rule["mode"] for rule in daemon.state()["rules"]} == {"shadow"}
    assert daemon.terminate() == 0
    assert "NOT ARMED" in daemon.output


def test_the_eight_checkpoints_come_in_order(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))

    assert daemon.terminate() == 0

    checkpoints = (
        "🚀 Service Start",
        "✅ Config Loaded",
        "✅ SDK Connected",
        "✅ Rules Initialized",
        "✅ Event Loop Running",
        "📨 Event Received",
        "🔍 Rule Evaluated",
        "⚠️ Enforcement Triggered",
    )
    lines = daemon.output.splitlines()
    found = [next(i for i, line in enumerate(lines) if text in line) for text in checkpoints]
    assert found == sorted(found)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        signal.SIGINT,
        # A terminal that is closed; Windows has none.
        *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []),
    ],
)
def test_a_signal_ends_it_cleanly_within_five_seconds(
    start_daemon: StartDaemon, number: signal.Signals
) -> None:
    daemon = start_daemon()
    assert daemon.process is not None

    daemon.process.send_signal(number)

    assert daemon.wait(5.0) == 0
    assert "Traceback" not in daemon.output


def test_a_wrong_key_ends_with_code_3_and_says_so(tmp_path: Path, sim: SimulatorThread) -> None:
    daemon = Daemon(tmp_path, {**sim.environment, "PROJECT_X_API_KEY": "wrong-key-12345"})

    code = daemon.run_to_end()

    assert code == 3
    assert "key" in daemon.output.lower()
    assert "wrong-key-12345" not in daemon.output


def test_a_gateway_out_of_reach_ends_with_code_3(tmp_path: Path, sim: SimulatorThread) -> None:
    nowhere = {
        name: value.replace(value.split("/")[2], "127.0.0.1:9") if "URL" in name else value
        for name, value in sim.environment.items()
    }
    daemon = Daemon(tmp_path, nowhere, app="[gateway]\nlogin_timeout_s = 2.0\n")

    assert daemon.run_to_end() == 3


def test_bad_settings_end_with_code_2_and_list_every_error(
    tmp_path: Path, sim: SimulatorThread
) -> None:
    rules = (
        '[[rules]]\nid = "a"\ntype = "daily_los_limit"\nlimit_usd = 5.0\n'
        '[[rules]]\nid = "b"\ntype = "max_contracts"\nlimit = "five"\nlimt = 3\n'
    )
    daemon = Daemon(tmp_path, sim.environment, rules=rules, app="[web]\nport = 99999\n")

    code = daemon.run_to_end()

    assert code == 2
    for words in ("daily_loss_limit", "risk.toml:8", "limt", "port"):
        assert words in daemon.output


def test_a_second_instance_on_the_same_data_directory_ends_with_code_4(
    tmp_path: Path, sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    start_daemon()
    second = Daemon(tmp_path, sim.environment)

    assert second.run_to_end() == 4


def test_secrets_reach_neither_log_nor_store_nor_api(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    lose_600(sim)
    eventually(lambda: is_flat(sim) and is_locked(daemon))
    state = str(daemon.state()) + str(daemon.get("/api/topology"))
    assert daemon.terminate() == 0

    kept = b"".join(f.read_bytes() for f in daemon.data_dir.iterdir() if f.is_file())
    everything = kept.decode("utf-8", "replace") + daemon.output + state
    assert sim.environment["PROJECT_X_API_KEY"] not in everything
    assert "eyJ" not in everything  # the beginning of every JWT


def test_client_commands_speak_of_the_running_daemon(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    lose_600(sim)
    eventually(lambda: is_locked(daemon))

    status, rules, locks = (daemon.client(word) for word in ("status", "rules", "locks"))
    topology = daemon.client("topology", "--live")

    assert (status.returncode, rules.returncode, locks.returncode) == (0, 0, 0)
    assert "daily-loss" in rules.stdout
    assert "daily-loss" in locks.stdout
    assert "enforcer" in topology.stdout


def test_from_event_to_flat_is_quick(sim: SimulatorThread, start_daemon: StartDaemon) -> None:
    """Not a benchmark: only that nothing on the way waits for a timer or a budget."""
    start_daemon()
    price(sim, 25_000)
    buy(sim, 8)

    begun = time.monotonic()
    eventually(lambda: sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5)

    assert time.monotonic() - begun < 2.0
