"""Since when a rule fails on an account, also where it judges now and then."""

from risk_actors.core.rules.failure import FAILED_LOCKS_AFTER_NS

JUDGES_AFTER_NS = FAILED_LOCKS_AFTER_NS
"""A rule that failed, judged and failed again is believed once it judged unbroken for so long."""


class Failing:
    """How a rule fails on one account.

    One that fails on most facts and judges some in between protects no more than one that fails on
    all of them. So a failure is over only when the rule has judged for a while: failures that never
    leave so much between them are one, which lasts from the first of them. A lock takes three at
    least, or one that the next try confirms; one that passes, or two, lock nothing.
    """

    __slots__ = ("_comes_and_goes", "_judges_since_ns", "since_ns")

    def __init__(self) -> None:
        self.since_ns: int | None = None
        """Since when it fails; None while it does not."""
        self._judges_since_ns: int | None = None
        self._comes_and_goes = False

    def fail(self, now_ns: int) -> bool:
        """Note that the rule failed; return whether it is a new failure."""
        judged_ns, self._judges_since_ns = self._judges_since_ns, None
        is_over = judged_ns is not None and now_ns - judged_ns >= JUDGES_AFTER_NS
        if self.since_ns is None or is_over:
            self.since_ns, self._comes_and_goes = now_ns, False
            return True
        self.since_ns = min(self.since_ns, now_ns)
        self._comes_and_goes |= judged_ns is not None
        return False

    def judge(self, now_ns: int) -> bool:
        """Note that the rule judged; return whether it is believed to go on with it.

        The first time it is, at once: else every lock for a failure would last longer than it.
        """
        if self.since_ns is None:
            return True
        if self._judges_since_ns is None or now_ns < self._judges_since_ns:
            self._judges_since_ns = now_ns
        is_over = now_ns - self._judges_since_ns >= JUDGES_AFTER_NS
        is_believed = is_over or not self._comes_and_goes
        if is_over:
            self.since_ns = self._judges_since_ns = None
            self._comes_and_goes = False
        return is_believed

    def sooner(self, look_ns: int | None) -> int | None:
        """Return when to look again: by `look_ns`, and when a rule that judges is believed."""
        if self._judges_since_ns is None or not self._comes_and_goes:
            return look_ns
        believed_ns = self._judges_since_ns + JUDGES_AFTER_NS
        return believed_ns if look_ns is None else min(look_ns, believed_ns)
