"""A month of movements in a system's tables: its days are committed, and each is checked as on that day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from castro_spark.incidents.of_checks import note_checks
from castro_spark.local import Stack
from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.process.component import Component, State
from castro_spark.quality.result import Outcome, Result
from castro_spark.quality.run import run_checks
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests.builders import native
from tests.consumer import Record
from tests.databases.checked import Checked
from tests.system import System

Day = list[dict[str, Any]]
INVENTORY = stream("inventory")
CHANNELS = {"log": {"type": "log"}, "tasks": {"type": "celery"}}  # nothing is delivered: the outbox is counted
PASSES = 2  # alerts.incidents.passes_to_resolve
_HOUR_LATER = """
UPDATE castro.batch_books SET committed_at = committed_at - interval '2 hours';
UPDATE ml_inventory_realtime SET created_at = created_at - interval '2 hours';
UPDATE castro.quarantine SET quarantined_at = quarantined_at - interval '2 hours'
"""


class Month:
    """The stream of a system with the days of a month, of which `take` commits the next one."""

    def __init__(self, system: System, days: dict[date, Day], volume: dict[str, Any], *, like: Month | None = None) -> None:
        self.system, self.days, self._volume = system, days, volume
        system.configure({
            # Nothing refreshes the view here, and each run looks at every product's hashes.
            "quality": {"product_360_lag": {"enabled": False}, "redis_sample": {"products": 10_000}, "volume": volume},
            "alerts": {"channels": CHANNELS, "incidents": {"passes_to_resolve": PASSES}},
            "archive": {"dir": str(system.folder / "archive")},
        })  # fmt: skip
        self.checked = Checked(system, like=like.checked if like else None)
        self.settings = load_settings(conf_file=system.conf, environ=system.env)
        self._archive = Component("archive", "inventory")
        self.archiving = True
        self.seen: list[str] = []  # words of whatever was not a pass
        if like is not None:
            self.checked.rebuild()
            self.archive()

    def history(self, days: Sequence[date]) -> None:
        """Takes many days in one commit."""
        records = [record for day in days for record in self._send(day, self.days[day])]
        self.checked.commit(records)
        self.archive()

    def take(self, day: date, events: Day | None = None, *, held_back: float = 0) -> list[Record]:
        """Sends and commits a day's events; returns the records of the last part of it, which are not committed."""
        records = self._send(day, self.days[day] if events is None else events)
        there = len(records) - round(len(records) * held_back)
        self.checked.commit(records[:there])
        if self.archiving:
            self.archive()
        return records[there:]

    def _send(self, day: date, events: Day) -> list[Record]:
        return self.checked.send(map(native, events), ago=timedelta(days=(self.checked.today - day).days))

    def archive(self, error: str | None = None) -> None:
        """The archive takes all there is and reports it; or it ends with an error, and reports that."""
        if error is not None:
            self._archive.enter(State.FAILED, "SourceError", error)
        else:
            topic = self.checked.topic.ends("")
            self._archive.running()
            self._archive.saw_topic(topic.id, topic.ends)
            self._archive.progressed(positions=topic.ends, archived_at=datetime.now(timezone.utc).isoformat())
        with Heartbeat(self.settings.postgres, [self._archive], "app"):
            pass

    def restart_archive(self) -> None:
        """As another process does it."""
        self._archive, self.archiving = Component("archive", "inventory"), True
        self.archive()

    def an_hour_passes(self) -> None:
        """For what the checks measure of the last hour."""
        self.system.query(_HOUR_LATER)
        self.checked.rebuild()

    def check(self, day: date) -> list[Result]:
        """Every check as on that day, with the incidents that follow."""
        note = note_checks(self.settings)
        results = run_checks(self.settings, [INVENTORY], self.checked.topic, day=day, note=note)
        wrong = [r for r in results if r.outcome not in (Outcome.PASS, Outcome.NO_DATA)]
        self.seen += [f"{day:%a %d}: {r.outcome.value} {r.check} {r.subject}: {r.words}" for r in wrong]
        return results

    def incidents(self) -> list[tuple[str, str, bool, int]]:
        """Check, subject, whether it is over, and the passes since it was seen last; in the order of their checks."""
        return self.system.query(
            "SELECT check_name, subject, ended_at IS NOT NULL, passes FROM castro.incident ORDER BY check_name, id"
        )

    def told(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """By check and subject: the channels and events of the notifications in the outbox, in their order."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for check, subject, channel, event in self.system.query(
            "SELECT payload ->> 'check', payload ->> 'subject', channel, payload ->> 'event' FROM castro.outbox"
            " WHERE kind = 'incident' ORDER BY channel, id"
        ):
            found.setdefault((check, subject), []).append((channel, event))
        return found

    def close(self) -> None:
        """Lets the system be copied."""
        self.checked.close()

    @contextmanager
    def copy(self, stack: Stack, folder: Path) -> Iterator[Month]:
        """A copy in a system of its own, to go on from here; this one must be closed."""
        system = System(stack, folder, like=self.system)
        month = Month(system, self.days, self._volume, like=self)
        try:
            yield month
        finally:
            month.close()
            system.end()


def replay(month: Month, days: Sequence[date], runs: int) -> None:
    """Takes days as they are, each with some runs of the checks."""
    for day in days:
        month.take(day)
        for _ in range(runs):
            month.check(day)
