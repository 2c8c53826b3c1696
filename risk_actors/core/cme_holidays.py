"""CME holidays and early closes by trade date.

Written by `tools/holidays.py`, not by hand.

A time is when the group stops trading early on that date, in Chicago. After an early close or a
closed date trading begins again with the next trade date's first session. Source:
pandas-market-calendars 5.5.0, corrected as the tool says; the exchange publishes about a year
ahead, so dates after 2026 follow its pattern until then.
"""

FIRST_YEAR = 2025
LAST_YEAR = 2030
"""Later dates have no holidays here, so they count as ordinary days."""

TABLE = """\
date        equity    fx        rates     energy    metals    grains    livestock crypto
2025-01-01  closed    closed    closed    closed    closed    closed    closed    closed
2025-01-20  12:00     -         12:00     13:30     13:30     closed    closed    -
2025-02-17  12:00     -         12:00     13:30     13:30     closed    closed    -
2025-04-18  08:15     10:15     10:15     closed    closed    closed    closed    10:15
2025-05-26  12:00     -         12:00     13:30     13:30     closed    closed    -
2025-06-19  12:00     -         12:00     13:30     13:30     closed    closed    -
2025-07-03  12:15     -         -         -         -         -         -         12:15
2025-07-04  12:00     -         12:00     13:30     13:30     closed    closed    -
2025-09-01  12:00     -         12:00     12:00     12:00     closed    closed    -
2025-11-27  12:00     -         12:00     13:30     13:30     closed    closed    -
2025-11-28  12:15     12:15     12:15     12:45     12:45     12:05     12:05     12:45
2025-12-24  12:15     12:15     12:15     -         -         12:05     12:05     12:15
2025-12-25  closed    closed    closed    closed    closed    closed    closed    closed
2026-01-01  closed    closed    closed    closed    closed    closed    closed    closed
2026-01-19  12:00     -         12:00     13:30     13:30     closed    closed    -
2026-02-16  12:00     -         12:00     13:30     13:30     closed    closed    -
2026-04-03  08:15     10:15     10:15     closed    closed    closed    closed    10:15
2026-05-25  12:00     -         12:00     13:30     13:30     closed    closed    -
2026-06-19  12:00     -         12:00     12:00     12:00     closed    closed    -
2026-07-03  12:00     -         12:00     12:00     12:00     closed    closed    -
2026-09-07  12:00     -         12:00     13:30     13:30     closed    closed    -
2026-11-26  12:00     -         12:00     13:30     13:30     closed    closed    -
2026-11-27  12:15     12:15     12:15     13:45     13:45     12:05     12:05     -
2026-12-24  12:15     12:15     12:15     12:45     12:45     12:05     12:05     -
2026-12-25  closed    closed    closed    closed    closed    closed    closed    -
2027-01-01  closed    closed    closed    closed    closed    closed    closed    -
2027-01-18  12:00     -         12:00     13:30     13:30     closed    closed    -
2027-02-15  12:00     -         12:00     13:30     13:30     closed    closed    -
2027-03-26  08:15     10:15     10:15     closed    closed    closed    closed    -
2027-05-31  12:00     -         12:00     13:30     13:30     closed    closed    -
2027-06-18  12:00     -         12:00     12:00     12:00     closed    closed    -
2027-07-05  12:00     -         12:00     13:30     13:30     closed    closed    -
2027-09-06  12:00     -         12:00     13:30     13:30     closed    closed    -
2027-11-25  12:00     -         12:00     13:30     13:30     closed    closed    -
2027-11-26  12:15     12:15     12:15     13:45     13:45     12:05     12:05     -
2027-12-24  closed    closed    closed    closed    closed    closed    closed    -
2028-01-17  12:00     -         12:00     13:30     13:30     closed    closed    -
2028-02-21  12:00     -         12:00     13:30     13:30     closed    closed    -
2028-04-14  08:15     10:15     10:15     closed    closed    closed    closed    -
2028-05-29  12:00     -         12:00     13:30     13:30     closed    closed    -
2028-06-19  12:00     -         12:00     13:30     13:30     closed    closed    -
2028-07-03  12:15     -         -         -         -         -         -         -
2028-07-04  12:00     -         12:00     13:30     13:30     closed    closed    -
2028-09-04  12:00     -         12:00     13:30     13:30     closed    closed    -
2028-11-23  12:00     -         12:00     13:30     13:30     closed    closed    -
2028-11-24  12:15     12:15     12:15     13:45     13:45     12:05     12:05     -
2028-12-25  closed    closed    closed    closed    closed    closed    closed    -
2029-01-01  closed    closed    closed    closed    closed    closed    closed    -
2029-01-15  12:00     -         12:00     13:30     13:30     closed    closed    -
2029-02-19  12:00     -         12:00     13:30     13:30     closed    closed    -
2029-03-30  08:15     10:15     10:15     closed    closed    closed    closed    -
2029-05-28  12:00     -         12:00     13:30     13:30     closed    closed    -
2029-06-19  12:00     -         12:00     13:30     13:30     closed    closed    -
2029-07-03  12:15     -         -         -         -         -         -         -
2029-07-04  12:00     -         12:00     13:30     13:30     closed    closed    -
2029-09-03  12:00     -         12:00     13:30     13:30     closed    closed    -
2029-11-22  12:00     -         12:00     13:30     13:30     closed    closed    -
2029-11-23  12:15     12:15     12:15     13:45     13:45     12:05     12:05     -
2029-12-24  12:15     12:15     12:15     12:45     12:45     12:05     12:05     -
2029-12-25  closed    closed    closed    closed    closed    closed    closed    -
2030-01-01  closed    closed    closed    closed    closed    closed    closed    -
2030-01-21  12:00     -         12:00     13:30     13:30     closed    closed    -
2030-02-18  12:00     -         12:00     13:30     13:30     closed    closed    -
2030-04-19  08:15     10:15     10:15     closed    closed    closed    closed    -
2030-05-27  12:00     -         12:00     13:30     13:30     closed    closed    -
2030-06-19  12:00     -         12:00     13:30     13:30     closed    closed    -
2030-07-03  12:15     -         -         -         -         -         -         -
2030-07-04  12:00     -         12:00     13:30     13:30     closed    closed    -
2030-09-02  12:00     -         12:00     13:30     13:30     closed    closed    -
2030-11-28  12:00     -         12:00     13:30     13:30     closed    closed    -
2030-11-29  12:15     12:15     12:15     13:45     13:45     12:05     12:05     -
2030-12-24  12:15     12:15     12:15     12:45     12:45     12:05     12:05     -
2030-12-25  closed    closed    closed    closed    closed    closed    closed    -
"""
"""One line for each date that is not ordinary for every group; `-` is ordinary."""
