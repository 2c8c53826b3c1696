"""JSON Schema of every message, made from the message structs themselves."""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

import msgspec

from risk_actors import messages
from risk_actors.core.evidence import Figure
from risk_actors.messages import Message

_REF = "#/$defs/{name}"


def message_types() -> tuple[type[Message], ...]:
    """Return every message that may cross a mailbox, by name."""
    found = {
        name: kind
        for name, kind in vars(messages).items()
        if inspect.isclass(kind) and issubclass(kind, Message) and kind is not Message
    }
    return tuple(found[name] for name in sorted(found))


@cache
def message_schema() -> dict[str, Any]:
    """Return the JSON Schema of all messages: one of them, told apart by `type`.

    Amounts are decimal numbers as text, so that none loses a cent.
    """
    mirror = _Mirror()
    kinds = [mirror.of(kind) for kind in message_types()]
    _, components = msgspec.json.schema_components([*kinds, mirror.of(Message)], ref_template=_REF)
    refs = [{"$ref": _REF.format(name=kind.__name__)} for kind in kinds]
    # Where a message says what it came of, that is any of them.
    components[Message.__name__] = {"title": Message.__name__, "anyOf": refs}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of risk-actors",
        "anyOf": refs,
        "$defs": components,
    }


class _Mirror:
    """The same structs where a figure, an amount or a text of a sentence, is what JSON makes of it.

    A union of decimals and text cannot be read back, so it has no schema of its own.
    """

    def __init__(self) -> None:
        self._made: dict[type, Any] = {}

    def of(self, kind: Any) -> Any:
        """Return what stands for a type."""
        if kind is Figure:
            return str | int | None
        if isinstance(kind, TypeAliasType):
            return self.of(kind.__value__)
        if inspect.isclass(kind) and issubclass(kind, msgspec.Struct):
            if kind not in self._made:
                self._made[kind] = self._struct(kind)
            return self._made[kind]
        origin, parts = get_origin(kind), get_args(kind)
        if origin is None or origin is Literal:
            return kind
        if origin is Annotated:
            return Annotated[(self.of(parts[0]), *parts[1:])]
        inner = tuple(part if part is Ellipsis else self.of(part) for part in parts)
        if _is_union(origin):
            return Union[inner]  # noqa: UP007 - of parts that are known only now
        return origin[inner]

    def _struct(self, kind: type[msgspec.Struct]) -> Any:
        config = kind.__struct_config__
        return msgspec.defstruct(
            kind.__name__,
            list(self._fields(kind)),
            namespace={"__doc__": kind.__doc__},
            module=kind.__module__,
            kw_only=True,
            tag=config.tag,
            tag_field=config.tag_field,
            array_like=config.array_like,
            forbid_unknown_fields=config.forbid_unknown_fields,
        )

    def _fields(self, kind: type[msgspec.Struct]) -> Iterator[tuple[str, Any, Any]]:
        for field in msgspec.structs.fields(kind):
            if field.default_factory is not msgspec.NODEFAULT:
                told = msgspec.field(default_factory=field.default_factory, name=field.encode_name)
            else:
                told = msgspec.field(default=field.default, name=field.encode_name)
            yield field.name, self.of(field.type), told


def _is_union(origin: Any) -> bool:
    return origin is Union or getattr(origin, "__name__", "") == "UnionType"
