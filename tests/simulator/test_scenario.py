"""The scenario file: what is wrong with one, when its things happen, and what its moves do."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from risk_actors.simulator import SimulatedGateway, SimulatorSettings
from risk_actors.simulator.faults import Faults
from risk_actors.simulator.records import AccountChanged, OrderStatus, Quote, Side, Ticket
from risk_actors.simulator.scenario import Step
from risk_actors.simulator.scenario_load import ScenarioError, parse_scenario
from risk_actors.simulator.scenario_script import Kill, Revive, Script, SetPrice, ShowPrice
from risk_actors.simulator.scenario_time import NS_PER_S, resolve_placeholders, to_ns
from risk_actors.simulator.scenario_venue import GatewayVenue, Hands, holdings_of

CHICAGO = ZoneInfo("America/Chicago")
ACCOUNT = 101

HEAD = """
title = "T"
[settings]
"risk.toml" = '''
[[rules]]
id = "r"
type = "daily_loss_limit"
limit_usd = 500.0
'''
[broker]
prices = { MNQ = 25_000 }
"""
NAMED = "[[steps]]\nbuy = { symbol = 'MNQ', size = 1, name = 'a' }"
END = "\n[[steps]]\nafter = 10\nexpect = [{ flat = true }]\n"


def script(steps: str, head: str = HEAD, end: str = END) -> Script:
    return parse_scenario(head + steps + end)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("[[steps]]\nbuy = { symbol = 'MNQ' }", "step 1, buy: Object missing required field"),
        ("[[steps]]\nbuyy = 1", "step 1: unknown key `buyy`; did you mean `buy`?"),
        (
            "[[steps]]\nbuy = { symbol = 'MNQ', size = 0 }",
            "step 1, buy, size: Expected `int` >= 1",
        ),
        ("[[steps]]\nfault = { kind = 'quake' }", "step 1, fault: no such fault: quake; known are"),
        (
            "[[steps]]\nfaults = [{ kind = 'drop_event', tims = 2 }]",
            "step 1, fault 1: fault drop_event: unknown key `tims`; did you mean `times`?",
        ),
        (
            "[[steps]]\nfault = { kind = 'freeze_hub' }",
            "step 1: `freeze_hub` needs sockets: write `sockets = true` and `virtual = false`",
        ),
        ("[[steps]]\nat = 1\nafter = 1", "`at` or `after`, not both"),
        ("[[steps]]\nat = 'noon'", "expected seconds since the start"),
        ("[[steps]]\nat = 5\n[[steps]]\nat = 4", "step 2: 4 comes before the step before it"),
        ("[[steps]]\nat = 08:00:00", "step 1: 08:00:00 comes before"),
        ("[[steps]]\nprice = { ES = 1 }", "step 1: ES has no first price"),
        ("[[steps]]\ncancel = 'x'", "step 1: no order before it is called `x`"),
        ("[[steps]]\naccount = 'x'", "step 1: no account is called `x`; known are 50KTC-SIM-101"),
        ("[[steps]]\nexpect = [{ closs = 'MNQ' }]", "unknown key `closs`; did you mean `close`?"),
        ("[[steps]]\nexpect = [{ within_s = 1 }]", "exactly one of close,"),
        ("[[steps]]\nexpect = [{ flat = true, lock = 'r' }]", "found `lock` and `flat`"),
        ("[[steps]]\nexpect = [{ flat = true, size = 1 }]", "`size` means nothing beside `flat`"),
        ("[[steps]]\nexpect = [{ verdict = 'ok' }]", "`verdict` needs the id of the rule: `of`"),
        ("[[steps]]\nexpect = [{ close = 'MNQ', times = 0 }]", "say how many may come"),
        ("[[steps]]\nexpect = [{ close = 'MNQ', times = 3, at_most = 2 }]", "less than `times`"),
        ("[[steps]]\nexpect = [{ unlocked = false }]", "expect a `lock` instead"),
        (
            "[[steps]]\nexpect = [{ flat = true, within_s = 11 }]",
            "step 1: something is expected within 11 s, but the next step comes after 10 s",
        ),
        (
            f"{NAMED}\n{NAMED.replace('buy', 'sell')}",
            "step 2: an order is called `a` already",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_its_own_words(steps: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        script(steps)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("head", "end", "said"),
    [
        (HEAD, "\n[[steps]]\nafter = 1\n", "nothing is expected, so this scenario cannot fail"),
        (HEAD.replace("MNQ", "MNX"), END, "no such symbol: MNX"),
        (HEAD.replace('"risk.toml"', '"app.toml"'), END, "settings: risk.toml: is missing"),
        (HEAD.replace("[[rules]]", "[[rules"), END, "settings: risk.toml: "),
        (f"virtual = false\n{HEAD}", END, "leaves only `sockets = true` to play it"),
        (f"sockets = true\n{HEAD}", "\n[[steps]]\nat = 09:00:00\n", "counts seconds"),
        (HEAD.replace('title = "T"', "title ="), END, "not valid TOML"),
    ],
)
def test_what_is_wrong_as_a_whole_is_said(head: str, end: str, said: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        script("", head, end)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{start}", "2026-03-03T08:30:00-06:00"),
        ("{start+90s}", "2026-03-03T08:31:30-06:00"),
        ("{start-1.5h}", "2026-03-03T07:00:00-06:00"),
        ("{start+5d:%a %H:%M}", "Sun 09:30"),
        ("{start+2m:%H:%M:%S} and { ES = 3 }", "08:32:00 and { ES = 3 }"),
        ("{stop}", "{stop}"),
    ],
)
def test_placeholders_are_instants_of_the_run(text: str, written: str) -> None:
    start_ns = to_ns(datetime(2026, 3, 3, 14, 30, tzinfo=UTC))

    assert resolve_placeholders(text, start_ns, CHICAGO) == written


def test_steps_may_say_seconds_a_pause_a_time_of_day_or_a_date() -> None:
    made = script(
        "[[steps]]\nat = 1.5\n[[steps]]\nafter = 2\n[[steps]]\n"
        "[[steps]]\nat = 09:00:00\n[[steps]]\nat = 2026-03-09T08:30:00\n"
    )

    times = [cue.after_s for cue in made.cues]
    # An hour less than six days: daylight saving time begins on Sunday.
    assert times == [1.5, 3.5, 3.5, 1_800, 6 * 86_400 - 3_600, 6 * 86_400 - 3_590]


def test_a_glide_walks_to_its_level_on_the_tick_grid() -> None:
    made = script("[[steps]]\nglide = { symbol = 'MNQ', to = 25_001, over_s = 3, every_s = 1 }")

    walk = [(c.after_s, c.deed.quote.bid) for c in made.cues if isinstance(c.deed, SetPrice)]
    assert walk == [(1, Decimal("25000.25")), (2, Decimal("25000.75")), (3, Decimal(25_001))]


def test_a_bad_tick_is_shown_and_taken_back() -> None:
    made = script(
        "[[steps]]\nprice = { MNQ = 24_990 }\n"
        "[[steps]]\nafter = 1\nbad_tick = { symbol = 'MNQ', price = { bid = 2_500, ask = 2_501 } }"
    )

    shown = [(c.after_s, c.deed.quote.bid) for c in made.cues if isinstance(c.deed, ShowPrice)]
    assert shown == [(1, Decimal(2_500)), (1.2, Decimal(24_990))]


def test_a_restart_is_a_kill_and_a_start() -> None:
    made = script("[[steps]]\nafter = 1\nrestart = { down_s = 2 }")

    deeds = {type(cue.deed): cue.after_s for cue in made.cues}
    assert (deeds[Kill], deeds[Revive]) == (1, 3)


@pytest.fixture
def hands() -> Hands:
    made = script("")
    gateway = SimulatedGateway(SimulatorSettings(auto_prices=False))
    venue = GatewayVenue(gateway)
    return Hands(made.scenario, venue)


def carry_out(hands: Hands, step: str) -> None:
    made = script(f"[[steps]]\nbuy = {{ symbol = 'MNQ', size = 1, name = 'e' }}\n[[steps]]\n{step}")
    wanted = made.scenario.steps[1]
    for cue in made.cues:
        if cue.deed is wanted or isinstance(cue.deed, SetPrice | ShowPrice):
            hands.carry_out(cue.deed)


def test_an_order_with_brackets_gives_its_legs_names(hands: Hands) -> None:
    ticket = "symbol = 'MNQ', size = 2, stop_loss_ticks = 40, take_profit_ticks = 80, name = 'in'"
    carry_out(hands, f"sell = {{ {ticket} }}")

    exchange = hands._venue.exchange
    stop, target = (exchange.orders[hands.order_ids[name]] for name in ("in.stop", "in.target"))
    assert (stop.stop_price, target.limit_price) == (Decimal(25_010), Decimal(24_980))
    assert set(holdings_of(exchange, ACCOUNT).order_ids) == {stop.id, target.id}


def test_nothing_trades_at_a_price_that_is_only_shown(hands: Hands) -> None:
    carry_out(hands, "buy = { symbol = 'MNQ', size = 1, limit = 24_000, name = 'low' }")
    carry_out(hands, "bad_tick = { symbol = 'MNQ', price = { bid = 2_500, ask = 2_501 } }")

    exchange = hands._venue.exchange
    assert exchange.orders[hands.order_ids["low"]].status is OrderStatus.OPEN
    assert exchange.halted == set()


def test_a_payout_and_a_bar_change_the_account_and_are_told(hands: Hands) -> None:
    carry_out(hands, "pay_out_usd = 1_500.50")
    carry_out(hands, "can_trade = false")

    exchange = hands._venue.exchange
    told = [e.account for e in exchange.take_journal() if isinstance(e, AccountChanged)]
    assert [(account.balance_usd, account.can_trade) for account in told] == [
        (Decimal("48499.5"), True),
        (Decimal("48499.5"), False),
    ]


def test_the_example_names_no_account_and_means_the_first() -> None:
    made = script("")

    assert made.scenario.account_named(None).id == ACCOUNT
    assert made.start_ns == to_ns(datetime(2026, 3, 3, 14, 30, tzinfo=UTC))
    assert made.length_s == 10 + 1 + 2
    assert isinstance(made.cues[0].deed, Step)
    assert NS_PER_S == 10**9


def test_faults_of_a_step_are_carried_out_and_cleared() -> None:
    made = script(
        "[[steps]]\nfault = { kind = 'halt', symbol = 'MNQ' }\n"
        "faults = [{ kind = 'stop_trading', account_id = 101 }, { kind = 'hang' }]\n"
        "[[steps]]\nclear_faults = true\nfault = { kind = 'price_gap', symbol = 'MNQ', ticks = 4 }"
    )
    gateway = SimulatedGateway(SimulatorSettings())
    exchange, contract_id = gateway.exchange, gateway.contract_ids["MNQ"]
    hands = Hands(made.scenario, GatewayVenue(gateway))
    steps = made.scenario.steps

    hands.carry_out(steps[0])
    assert exchange.halted == {contract_id}
    assert not exchange.account(ACCOUNT).can_trade

    before = exchange.quotes[contract_id].bid
    hands.carry_out(steps[1])
    assert exchange.halted == set()
    assert exchange.account(ACCOUNT).can_trade
    assert exchange.quotes[contract_id].bid == before + 1
    assert gateway.faults.take("Order/cancel") is None
    assert len(gateway.history.faults) == 4


class PlainVenue:
    """A broker's side that is no gateway, as on a virtual clock."""

    def __init__(self) -> None:
        self._gateway = SimulatedGateway(SimulatorSettings())
        self.exchange = self._gateway.exchange
        self.faults = Faults()
        self.time_ns = 0
        self.cut: list[str] = []

    def now_ns(self) -> int:
        return self.time_ns

    def contract_of(self, symbol: str) -> str:
        return self._gateway.contract_of(symbol)

    def set_price(self, contract_id: str, quote: Quote) -> None:
        self.exchange.on_quote(contract_id, quote, self.time_ns)

    show_price = set_price

    def silence_quotes(self, *, silent: bool) -> None:
        raise NotImplementedError

    def cut_hubs(self, hub: str) -> None:
        self.cut.append(hub)


def test_without_a_gateway_faults_keep_the_venues_time() -> None:
    made = script(
        "[[steps]]\nfaults = [{ kind = 'halt', symbol = 'MNQ', for_s = 5 }, { kind = 'cut_hub' },"
        " { kind = 'pend_orders', delay_s = 3, by = 'trader' }]"
    )
    venue = PlainVenue()
    hands = Hands(made.scenario, venue)

    hands.carry_out(made.scenario.steps[0])
    contract_id = venue.contract_of("MNQ")
    assert venue.cut == ["*"]
    assert venue.exchange.halted == {contract_id}
    venue.time_ns = 5 * NS_PER_S
    venue.exchange.advance(venue.time_ns)
    assert venue.exchange.halted == set()

    ticket = Ticket(account_id=ACCOUNT, contract_id=contract_id, side=Side.BUY, size=1)
    assert venue.exchange.place(ticket, venue.time_ns).status is OrderStatus.PENDING
    venue.time_ns += 3 * NS_PER_S
    venue.exchange.advance(venue.time_ns)
    assert venue.exchange.signed_size(ACCOUNT, contract_id) == 1
