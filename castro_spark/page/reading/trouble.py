"""Why a page cannot show what it is asked for: a page of its own, with what is wrong, since when, and what to do."""

from __future__ import annotations

from datetime import datetime, timezone
from enum import Enum


class TroubleKind(str, Enum):
    """What went wrong; the template trouble.html has the words for each."""

    AWAY = "away"  # PostgreSQL does not answer
    REFUSED = "refused"  # it answers, and refuses the session or a right
    NOT_MIGRATED = "not_migrated"  # tables or columns are missing
    SLOW = "slow"  # a statement took longer than the page waits
    BUSY = "busy"  # all sessions are in use
    FAILED = "failed"


class Trouble(Exception):
    """`words` are the driver's, in English; `answered_at` is when PostgreSQL answered last."""

    def __init__(self, kind: TroubleKind, words: str, remedy: str = "", since: datetime | None = None) -> None:
        super().__init__(words)
        self.kind, self.words, self.remedy = kind, words, remedy
        self.since = since
        self.now = datetime.now(timezone.utc)  # of this machine: PostgreSQL's is not known
        self.answered_at: datetime | None = None

    def again(self) -> Trouble:
        """The same trouble, for another request."""
        another = Trouble(self.kind, self.words, self.remedy, self.since)
        another.answered_at = self.answered_at
        return another
