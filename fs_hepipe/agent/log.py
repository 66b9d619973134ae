"""
The agent's logger and the levels that FreeSWITCH knows. Where its lines go is decided by `switch.console`.
"""

from __future__ import annotations

import logging

LOGGER = "fs_hepipe"
"""Its name in `logging`."""

NOTICE = 25
"""FreeSWITCH's level between info and warning."""

# fmt: off
LEVELS = {                       # FreeSWITCH's -> logging's
    "debug":   logging.DEBUG,
    "info":    logging.INFO,
    "notice":  NOTICE,
    "warning": logging.WARNING,
    "err":     logging.ERROR,
    "crit":    logging.CRITICAL,
    "alert":   logging.CRITICAL,
}
# fmt: on
