"""When a silent price means trouble: CME Globex hours, in Chicago.

Open from Sunday 17:00 to Friday 16:00 with a daily pause from 16:00 to 17:00. Used only to tell a
closed market from a dead feed; holidays make a quiet market look dead, which errs on the side of
saying so.
"""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from risk_actors.core.evidence import NS_PER_S

_CHICAGO = ZoneInfo("America/Chicago")
_CLOSE = time(16)
_REOPEN = time(17)
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6


def is_market_open(at_ns: int) -> bool:
    """Tell whether CME futures trade at an instant."""
    local = datetime.fromtimestamp(at_ns // NS_PER_S, _CHICAGO)
    if local.weekday() == _SATURDAY:
        return False
    if local.weekday() == _SUNDAY:
        return local.time() >= _REOPEN
    if local.weekday() == _FRIDAY:
        return local.time() < _CLOSE
    return not _CLOSE <= local.time() < _REOPEN
