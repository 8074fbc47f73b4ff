"""The result of one check on one subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Outcome(str, Enum):
    """What a check found."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"  # it could not run; never a pass
    NO_DATA = "no_data"  # nothing to judge


class Severity(str, Enum):
    """How much a failure of the check matters."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Result:
    """`subject` is what was checked: a stream, a table, a column. `words` states the finding in one line.

    `observed` and `limit` are texts with units. `evidence` is plain data that explains the finding.
    """

    check: str
    subject: str
    severity: Severity
    outcome: Outcome
    words: str
    observed: str | None = None
    limit: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
