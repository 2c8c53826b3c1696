"""What all faults have in common: how often, for how long, and with what chance.

There are three sorts. A *counted* fault strikes the next so many calls, events or connections. A
*lasting* fault is a state that begins at once and heals. An *instant* fault happens at once, and
that is all of it.
"""

from typing import Annotated, Final, Literal

import msgspec

ANY: Final = "*"

type Count = Annotated[int, msgspec.Meta(gt=0)]
type Seconds = Annotated[float, msgspec.Meta(ge=0)]
type PositiveSeconds = Annotated[float, msgspec.Meta(gt=0)]
type Chance = Annotated[float, msgspec.Meta(gt=0, le=1)]
type HubName = Literal["user", "market", "*"]
type NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


def _tag_of(name: str) -> str:
    """Return `drop_event` for `DropEvent`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class AnyFault:
    """Anything that the simulated broker can do wrong on request.

    A field of this type is written as a table with `kind`; `fault_from` decodes it.
    """


class Counted(msgspec.Struct, AnyFault, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A fault that strikes when the client asks, or when an event is sent.

    Without `times` and `for_s` it strikes once; with `for_s` alone as often as there is occasion
    in that time; with both, whichever ends first.
    """

    times: Count | None = None
    """How many occasions it strikes."""
    for_s: PositiveSeconds | None = None
    """Seconds from the injection after which it strikes no more."""
    probability: Chance = 1.0
    """Chance that it strikes an occasion (seeded); occasions spared do not count as `times`."""

    @property
    def strikes_left(self) -> int | None:
        """Return how many strikes it begins with, None for no limit."""
        return self.times or (None if self.for_s is not None else 1)


class TaggedCounted(Counted, kw_only=True, frozen=True, tag_field="kind", tag=_tag_of):
    """A counted fault whose `kind` is the name of its struct."""


class Lasting(
    msgspec.Struct,
    AnyFault,
    kw_only=True,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag=_tag_of,
):
    """A state that begins at once and heals after `for_s`; without it, when it is cleared."""

    for_s: PositiveSeconds | None = None


class Instant(
    msgspec.Struct,
    AnyFault,
    kw_only=True,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag=_tag_of,
):
    """Something that happens once, at once."""


def is_named(pattern: str, name: str) -> bool:
    """Tell whether a fault's hub, target, endpoint or symbol (`*` is any) means this one."""
    return pattern in (ANY, name)
