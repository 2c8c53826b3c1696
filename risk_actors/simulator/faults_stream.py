"""Faults of single events on their way to those who subscribed."""

from typing import Annotated, Literal

import msgspec

from risk_actors.simulator.fault_base import ANY, Count, Instant, PositiveSeconds, TaggedCounted

type How = Literal[
    "string_ids",
    "extra_fields",
    "null_fields",
    "missing_fields",
    "wrong_types",
    "text",
    "null",
    "list",
    "no_arguments",
    "unknown_target",
    "unknown_keys",
    "not_json",
    "too_large",
]


class DropEvent(TaggedCounted, kw_only=True, frozen=True):
    """The event is lost; nothing of it arrives anywhere."""

    target: str = ANY
    """Such as `GatewayUserPosition`; `*` is any event of either hub."""


class DelayEvent(TaggedCounted, kw_only=True, frozen=True):
    """The event arrives `delay_s` late, and those sent meanwhile overtake it."""

    target: str = ANY
    delay_s: PositiveSeconds


class RepeatEvent(TaggedCounted, kw_only=True, frozen=True):
    """The event arrives `copies` times more, with the same content, right behind the first."""

    target: str = ANY
    copies: Annotated[int, msgspec.Meta(gt=0, le=100)] = 1


class ReorderEvent(TaggedCounted, kw_only=True, frozen=True):
    """The event is held back until `behind` more events of its hub have been sent, then sent.

    What is still held when the fault is cleared is sent then.
    """

    target: str = ANY
    behind: Count = 1


class HoldEvent(TaggedCounted, kw_only=True, frozen=True):
    """The event is held back until `release_events`, or until this fault is cleared or heals.

    Events held are then sent in their order. With `for_s` it heals by itself; with `times` alone
    what was held waits for the release.
    """

    target: str = ANY


class ReleaseEvents(Instant, kw_only=True, frozen=True):
    """Send the events that are held back, oldest first."""

    target: str = ANY


class GarbleEvent(TaggedCounted, kw_only=True, frozen=True):
    """The event arrives in a form that the client may not expect.

    - `string_ids`: whole numbers under keys that end with `id` become strings,
    - `extra_fields`: the data has fields nobody knows, one of them nested,
    - `null_fields`: every field but the ids is null,
    - `missing_fields`: only the `id` of the data is left (of a quote, only `symbol`),
    - `wrong_types`: numbers become words, words become numbers,
    - `text`, `null`, `list`: the data is `"garbage"`, null, or a list around what it should be,
    - `no_arguments`: the call has no arguments,
    - `unknown_target`: the true event, and after it one of a target nobody knows,
    - `unknown_keys`: the SignalR frame has a top-level key beyond the protocol's, which ends
      pysignalr's hub task with a TypeError,
    - `not_json`: the frame is no JSON,
    - `too_large`: the frame is larger than 1 MiB, on which clients close with 1009.

    Except for `unknown_target` the true event never arrives.
    """

    target: str = ANY
    how: How
