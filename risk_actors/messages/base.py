"""What every message is."""

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What every message carries."""

    correlation_id: str
    at_ns: int
