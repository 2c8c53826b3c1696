"""What can go wrong between us and the broker, each with the words to show for it."""

from enum import StrEnum


class PayloadError(Exception):
    """Something the broker sent could not be understood.

    Attributes:
        source: the endpoint or hub event it came from.
        detail: what was wrong with it, in plain words.
        payload_excerpt: the start of the payload, without credentials.
    """

    def __init__(self, source: str, detail: str, payload_excerpt: str) -> None:
        super().__init__(f"{source}: {detail}")
        self.source = source
        self.detail = detail
        self.payload_excerpt = payload_excerpt


class LoginFailed(Exception):  # noqa: N818 -- the name says what happened
    """The gateway could not be reached, or would not let us in; the message says which."""


class AccountsNotFound(LoginFailed):
    """The login worked, but it has no account that the settings select."""


class ReadProblem(StrEnum):
    """Why a read over REST gave nothing."""

    UNREACHABLE = "unreachable"
    """No answer: no connection, a broken one, or none in time."""
    SERVER_FAULT = "server_fault"
    """The server answered 5xx, or with something that is no JSON object."""
    BUSY = "busy"
    """HTTP 429: too many requests."""
    UNAUTHORISED = "unauthorised"
    """HTTP 401 even with a fresh token."""
    REFUSED = "refused"
    """The server understood, and said no (`success: false`)."""
    UNSUPPORTED = "unsupported"
    """HTTP 4xx: this server does not have the endpoint, or not in this form."""


class ReadFailed(Exception):  # noqa: N818 -- the name says what happened
    """A read over REST gave no data; nothing was changed at the broker."""

    def __init__(
        self,
        endpoint: str,
        problem: ReadProblem,
        detail: str,
        code: int | None = None,
        *,
        is_unsent: bool = False,
    ) -> None:
        super().__init__(f"{endpoint}: {detail}")
        self.endpoint = endpoint
        self.problem = problem
        self.detail = detail
        self.code = code
        self.is_unsent = is_unsent
        """Whether it never left, since there was no connection: no other read would do better."""
