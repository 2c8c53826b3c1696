"""The lines of the terminal view that never scroll away: the state, the locks, what is wrong."""

from rich.text import Text

from risk_actors.actors.picture import AccountPicture
from risk_actors.cli import words
from risk_actors.cli.screen_lines import fitted, spread
from risk_actors.cli.watch_lines import assembled, flowed, folded
from risk_actors.cli.watch_locks import lock_lines
from risk_actors.cli.watch_scene import Scene
from risk_actors.cli.watch_state import (
    GONE,
    LATE,
    NOT_LET_IN,
    State,
    account_state,
    guard_states,
    lock_state,
    main_locks,
    mode_state,
    was,
)
from risk_actors.watch.drawn import Size
from risk_actors.watch.look import View, account_index, shown_view
from risk_actors.watch.sight import Sight, Way

_BIG_FROM = Size(70, 20)
"""From this size on there is room for a state that is read across the room."""
_BIG_LINES = 3
_MOST_BLOCK = 0.3
"""Of the width; a longer word is not spaced out."""
_PAGE_LINES = 5
"""What the header leaves to the page, and the line of keys, however much it has to say."""
_MOST_SHARE = 0.4
"""Of the terminal, however many accounts are locked."""
_SMALL_LINES = 7
"""What a lock and its reason take on a narrow terminal."""
_PANIC_LINES = 9
"""What the question of panic takes on a narrow terminal, with the keys."""

UNDATED = (
    "this guard is of an older version and tells no time of its own: how old figures are is counted"
    " from when they came"
)


def header(scene: Scene, size: Size) -> list[Text]:
    """Return the lines; where there is too much to say, the last one tells where the rest is."""
    is_big = size.width >= _BIG_FROM.width and size.height >= _BIG_FROM.height
    lines = small_header(scene, size.width)
    if is_big:
        lines = [*_big(scene, size.width), *note_lines(scene, size.width)]
    page_lines = _PAGE_LINES if scene.look.panic is None else _PANIC_LINES
    share = max(int(size.height * _MOST_SHARE), _SMALL_LINES)
    most = max(min(size.height - page_lines, share), 2)
    if len(lines) <= most:
        return lines
    hidden = len(lines) - most + 1
    more = Text(f"… {hidden} more lines: s shows all", "bold yellow")
    return [*lines[: most - 1], fitted(more, size.width)]


def small_header(scene: Scene, width: int) -> list[Text]:
    """Return the same without the large state, and whole."""
    badges = flowed([*(_badge(state) for state in _states(scene)), _clock(scene)], width, 0)
    return [*badges, *_sentences(scene, width), *note_lines(scene, width)]


def seeking(sight: Sight, state: State, width: int) -> list[Text]:
    """Return what there is to say before the first picture came."""
    why = sight.fault or "asking the daemon"
    return [_badge(state), *folded(Text(why), width)]


def _notes_of(scene: Scene) -> list[tuple[str, str]]:
    """Return what is not as it should be, in sentences with their colours, the worst first."""
    picture, notes = scene.picture, []
    if picture.phase != "armed" and not _says_first(scene):
        notes.append((picture.detail or "not guarding yet", "bold red"))
    if not picture.armed:
        told = f"{words.NOT_ENFORCED}: rules and locks only watch and record"
        notes.append((told, "bold yellow"))
    notes += [(sentence, "bold red") for sentence in picture.notices]
    if picture.settings_fault:
        notes.append((picture.settings_fault, "bold red"))
    waived = words.all_waived(picture, scene.as_of)
    notes += [(sentence, "bold yellow") for _, sentence in waived]
    notes += [(sentence, "yellow") for sentence in picture.pending]
    if scene.is_old:
        notes = [(f"was: {told}", "dim") for told, _ in notes]
    own = [] if scene.sight.is_dated else [(UNDATED, "yellow")]
    if scene.sight.notice:
        own.insert(0, (scene.sight.notice, "bold yellow"))
    return [*notes, *own]


def _says_first(scene: Scene) -> bool:
    """Tell whether what to do comes before all else: while the guard can close nothing."""
    return scene.is_blind and not scene.is_old


def note_lines(scene: Scene, width: int) -> list[Text]:
    """Return what is not as it should be, whole."""
    return [
        line
        for sentence, style in _notes_of(scene)
        for line in folded(Text(f"▲ {sentence}", style), width, 2)
    ]


def _big(scene: Scene, width: int) -> list[Text]:
    """Return the worst state in a block of its own, and beside it what there is to say of it."""
    worst, *others = _states(scene)
    block = f"  {worst.sign}  {' '.join(worst.word)}  "
    if len(block) > width * _MOST_BLOCK:
        block = f"  {worst.sign}  {worst.word}  "
    room = width - len(block) - 2
    badges, ways = [_badge(state) for state in others], _connection(scene)
    top = flowed([*badges, ways], room, 0)
    if len(top) == 1:
        top = [spread(flowed(badges, room)[0], ways, room)]
    right = [*top, *_sentences(scene, room)]
    lines = []
    for place in range(max(_BIG_LINES, len(right))):
        text = block if place == 1 else " " * len(block)
        style = worst.style if place < _BIG_LINES else ""
        beside = right[place] if place < len(right) else Text("")
        lines.append(Text.assemble((text, style), "  ", beside))
    return lines


def _states(scene: Scene) -> list[State]:
    """Return all states, what matters most first: no answer, then what is locked, then the rest."""
    picture = scene.picture
    guard, mode, locked = guard_states(picture), mode_state(picture), lock_state(picture)
    if scene.is_old:
        first = NOT_LET_IN if scene.sight.way is Way.REFUSED else LATE if scene.is_late else GONE
        then = [was(state) for state in (locked, *guard) if state is not None]
        return [first, mode, *then]
    looked_at = _looked_at(scene)
    if looked_at is not None and looked_at.enforcement is not None and not looked_at.locks:
        locked = account_state(scene, looked_at)
    is_worse = locked is not None and (looked_at is None or bool(looked_at.locks))
    if not picture.armed or picture.connection.is_blind or picture.phase == "faulted":
        is_worse = False
    if locked is None:
        return [*guard[:1], mode, *guard[1:]]
    return [locked, mode, *guard] if is_worse else [guard[0], mode, locked, *guard[1:]]


def _looked_at(scene: Scene) -> AccountPicture | None:
    """Return the account whose page is shown; none on a page about all."""
    is_one = shown_view(scene.look, scene.picture) is View.ACCOUNT
    if not is_one or not scene.picture.accounts:
        return None
    return scene.picture.accounts[account_index(scene.look, scene.picture)]


def _badge(state: State) -> Text:
    return assembled((f" {state.sign} {state.word} ".replace("  ", " "), state.style))


def _clock(scene: Scene) -> Text:
    return Text(scene.now.strftime("%H:%M:%S %Z"), "bold")


def _connection(scene: Scene) -> Text:
    """Return the ways to the broker, and the time; nothing of the ways while nobody tells."""
    text = Text(no_wrap=True)
    ways = scene.picture.connection
    if not scene.is_old:
        for name, is_up in (
            ("user", ways.user_hub),
            ("market", ways.market_hub),
            ("REST", ways.rest),
        ):
            text.append(f"{name} ", "dim")
            text.append("✓  " if is_up else "✗  ", "green" if is_up else "bold red")
        if ways.fallback:
            text.append(f"{ways.fallback}  ", "yellow")
    return text.append_text(_clock(scene))


def _sentences(scene: Scene, width: int) -> list[Text]:
    """Return how old all is or what to do by hand, and the locks with their reasons."""
    lines = _age(scene, width) if scene.is_old else []
    if _says_first(scene):
        told = scene.picture.detail or "nothing can be seen or closed now; use your platform"
        lines += folded(Text(f"▲ {told}", "bold red"), width, 2)
    locks = main_locks(scene.picture)
    is_one_of_many = len(scene.picture.accounts) > 1
    looked_at = _looked_at(scene)
    if looked_at is not None:
        locks.sort(key=lambda held: held[0] is not looked_at)
    for account, lock in locks:
        lines += lock_lines(scene, lock, width, account.name if is_one_of_many else "")
    if not lines and scene.picture.phase == "armed" and scene.picture.armed:
        count = len(scene.picture.accounts)
        whom = "one account" if count == 1 else f"{count} accounts"
        lines.append(Text(f"Breaches are enforced on {whom}.", "dim"))
    return lines


def _age(scene: Scene, width: int) -> list[Text]:
    age, at = words.duration(scene.age_s), scene.as_of.strftime("%H:%M:%S %Z")
    told = assembled((f"NO ANSWER from the guard. All below is of {at}, {age} old", "bold red"))
    if scene.is_late:
        told = Text(f"THE LINE IS SLOW. All below is of {at}, {age} old", "bold red")
    if scene.sight.way is Way.REFUSED:
        told = Text(f"The guard wants a token. All below is of {at}, {age} old", "bold red")
    why = Text(scene.sight.fault, "dim") if scene.sight.fault else Text("")
    return [*folded(told, width, 2), *(folded(why, width, 2) if scene.sight.fault else [])]
