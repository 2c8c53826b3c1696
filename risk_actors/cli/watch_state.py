"""How the guard and an account fare: a sign, a word and a colour for each, the worst first."""

from typing import NamedTuple

from risk_actors.actors.picture import AccountPicture, LockPicture, Picture
from risk_actors.cli import words
from risk_actors.cli.watch_scene import Scene


class State(NamedTuple):
    """A state as it is shown; no colour tells what the sign and the word do not."""

    sign: str
    word: str
    style: str


_LOUD = "bold white on red"
_WARN = "bold black on yellow"

GONE = State("✗", "GONE", _LOUD)
LATE = State("✗", "LATE", _LOUD)
SEEKING = State("…", "CONNECTING", _WARN)
NOT_LET_IN = State("✗", "NOT LET IN", _LOUD)
_BLIND = State("⊘", "CANNOT ACT", _LOUD)
_FAULTED = State("✗", "FAULTED", _LOUD)
_SHADOW = State("◐", "SHADOW", _WARN)
_ARMED = State("✓", "ARMED", "bold black on green")
_PHASES = {
    "faulted": _FAULTED,
    "degraded": State("▲", "DEGRADED", _WARN),
    "starting": State("…", "STARTING", _WARN),
    "stopping": State("■", "STOPPING", _WARN),
}
_MODES = {
    "paper": State("", "PAPER", "bold white on blue"),
    "live": State("", "LIVE", "bold white on magenta"),
}
_ACCOUNTS = {
    "OPEN": ("✓", "bold green"),
    "LOCKED": ("■", _LOUD),
    "PARTLY LOCKED": ("■", _LOUD),
    "WOULD BE LOCKED": ("□", _WARN),
    "ENFORCING": ("▶", "bold white on magenta"),
    "BARRED BY BROKER": ("⊘", "bold red"),
    "UNKNOWN": ("?", "bold magenta"),
    "NOT SEEN": ("?", _WARN),
    "LOCKED, NOT SEEN": ("■", _LOUD),
}


def guard_states(picture: Picture) -> list[State]:
    """Return how the guard fares, the worst first, but for locks."""
    states = []
    if picture.connection.is_blind:
        states.append(_BLIND)
    if picture.phase in _PHASES:
        states.append(_PHASES[picture.phase])
    states.append(_ARMED if picture.armed else _SHADOW)
    return states


def mode_state(picture: Picture) -> State:
    """Return whether it is paper or live."""
    return _MODES.get(picture.mode, State("", picture.mode.upper(), "reverse"))


def lock_state(picture: Picture) -> State | None:
    """Return how many accounts are locked, as the one of one or as some of many."""
    count = sum(1 for account in picture.accounts if account.locks)
    if not count:
        return None
    of_many = f" {count} OF {len(picture.accounts)}" if len(picture.accounts) > 1 else ""
    if not picture.armed:
        return State("□", f"WOULD BE LOCKED{of_many}", _WARN)
    locks = [lock for account in picture.accounts for lock in account.locks]
    word = "LOCKED" if any(lock.scope == "account" for lock in locks) else "PARTLY LOCKED"
    return State("■", f"{word}{of_many}", _LOUD)


def account_state(scene: Scene, account: AccountPicture) -> State:
    """Return what an account may do, or could when the daemon was last heard."""
    told = next(each for each in scene.told.accounts if each.id == account.id)
    word = words.account_state(told, armed=scene.picture.armed)
    sign, style = _ACCOUNTS.get(word, ("?", "bold magenta"))
    state = State(sign, word, style)
    return was(state) if scene.is_old else state


def was(state: State) -> State:
    """Return a state as one of then, without its colour."""
    return State(state.sign, f"WAS {state.word}", "reverse")


def main_locks(picture: Picture) -> list[tuple[AccountPicture, LockPicture]]:
    """Return the lock that counts most of each locked account: of all of it, ending last."""
    return [
        (account, max(account.locks, key=_weight)) for account in picture.accounts if account.locks
    ]


def _weight(lock: LockPicture) -> tuple[bool, bool, str]:
    return lock.scope == "account", lock.until is None, lock.until or ""
