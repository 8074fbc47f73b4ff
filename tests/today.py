"""The local day, asked anew by each test: a run of the suite may last over midnight."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

from tests.oracle import ZONE, local_midnight

# Seconds. Most tests end within them.
_BEFORE_MIDNIGHT = 120.0


def today() -> date:
    """What the product calls today. A constant of a module would be of the day on which the run began."""
    return datetime.now(ZONE).date()


def wait_out_midnight() -> None:
    """Return in the next local day if this one is about to end, so that no test begins in one and compares in the other."""
    left = local_midnight(today() + timedelta(days=1)) - time.time()
    if left <= _BEFORE_MIDNIGHT:
        time.sleep(left + 1)
