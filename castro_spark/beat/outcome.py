"""How a job ended, as the process that watches it tells the worker: one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum


class End(str, Enum):
    """Why the job is no longer there."""

    EXITED = "exited"  # by itself; `status` is its exit status
    BUSY = "busy"  # it was not started: an earlier run of the task goes on
    TIME_UP = "time_up"  # it was stopped at its time limit
    STOPPED = "stopped"  # it was stopped since its worker asked for that, or is gone
    LOST = "lost"  # what watched it has ended


@dataclass(frozen=True)
class Outcome:
    """`status`: as a shell tells it; None without a job. `words`: the last that it said, or what was wrong."""

    end: End
    status: int | None
    words: str

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Outcome:
        """Raises ValueError, TypeError or KeyError if the text is no outcome."""
        told = json.loads(text)
        return cls(End(told["end"]), told["status"], told["words"])
