"""When tests that wait in real time are run once more: a busy machine is no fault of theirs.

A few that failed may have wanted for processor. They get one more chance, alone and one at a time;
what fails for a reason of its own fails again. One that shares what is dear with others of its file
is run together with these, as it may need what they leave. Where many fail, or something else is
wrong, the machine is not the reason.
"""

from collections.abc import Sequence

from testing.results import CODE_FAILED, CODE_NOTHING_RAN, PartRun, Try

AT_MOST = 5


def why_none(first: Try, before: Sequence[PartRun]) -> str | None:
    """Return why there is no second try, None where there is one.

    Args:
        first: the try that failed.
        before: the parts that were run before it.
    """
    failed = len(first.failed_tests)
    if first.is_interrupted:
        return "it was interrupted"
    if first.uncollected:
        return "not everything could be collected"
    if first.crashes:
        return "a process that ran tests died"
    if failed > AT_MOST:
        return f"{failed} tests failed, which is more than {AT_MOST}"
    if not failed or first.exit_code != CODE_FAILED:
        return f"pytest itself failed (exit code {first.exit_code})"
    if any(part.exit_code not in (0, CODE_NOTHING_RAN) for part in before):
        return "an earlier part failed too"
    return None
