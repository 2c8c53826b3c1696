"""Our engine on the corpus: the core's own books, rules and locks, on a clock that steps by hand.

No actor is needed: what they would do in this order is done here. The broker's side (rows of fills,
orders, positions and balances) is made from the steps.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from conformance import corpus
from conformance.corpus import NS_PER_S, RuleTable, Step, WorkedCase, contracts
from conformance.engine import ACCOUNT, Seen
from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Account, Fill, Order, OrderStatus, OrderType, Position, Quote, Side
from risk_actors.core.instruments import catalogued_instrument, symbol_of
from risk_actors.core.lock_book import LockBook
from risk_actors.core.marks import Marks
from risk_actors.core.position_book import PositionBook, Snapshot
from risk_actors.core.position_math import FLAT, Holding, after_fill, profit_usd
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.rules.base import RuleContext, default_context
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.rules.response import respond
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import VERDICT_NAMES, Breached, Reduce, Unknown, Verdict

ACCOUNT_ID = 101
PRICES_STAND_NS = 10**18
"""A price of the corpus stands until the next one; staleness is no firm's rule."""
MS = 1_000_000
