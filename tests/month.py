"""A month of movements on which faults are planted: what the quality checks must find of each, and when it must be over.

The month is committed day by day, with the checks and their incidents as in production, up to the day of the faults.
Each case then goes on from a copy of it: the month as it is, a fault alone, or several at once. The topic is in memory;
PostgreSQL and Redis are real. Record times are as many days ago as the events.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import holidays

from castro_spark.component import Component, State
from castro_spark.incidents.of_checks import note_checks
from castro_spark.local import Stack
from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.quality.result import Outcome, Result
from castro_spark.quality.run import run_checks
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests.builders import ZONE, native, retail_sample
from tests.checked import Checked
from tests.consumer import Record
from tests.system import System

Day = list[dict[str, Any]]
INVENTORY = stream("inventory")
CHANNELS = {"log": {"type": "log"}, "tasks": {"type": "celery"}}  # nothing is delivered: the outbox is counted
PASSES = 2  # of alerts.incidents.passes_to_resolve
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
        if like is not None:
            self.checked.rebuild()
        self.settings = load_settings(conf_file=system.conf, environ=system.env)
        self._archive = Component("archive", "inventory")
        self.archiving = True
        self.seen: list[str] = []  # words of whatever was not a pass

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


def _unchanged(events: Day) -> Day:
    return events


@dataclass(frozen=True)
class Fault:
    """`before` and `after` the day's events are taken something breaks; `alter` changes the events; `mend` is what an
    operator does then, and the source if they are `resent`. `raises`: the checks that must have an incident. `wears_off`: nothing mends it, it
    is over once the day is no longer judged; `raises_later`: the checks of whole days that find it then.
    """

    name: str
    raises: frozenset[str]
    alter: Callable[[Day], Day] = _unchanged
    before: Callable[[Month], None] = lambda _: None
    after: Callable[[Month, date], None] = lambda *_: None
    mend: Callable[[Month], None] = lambda _: None
    held_back: float = 0
    resent: bool = False  # mended by the day's events as they should have been, with the same ids
    wears_off: bool = False
    raises_later: frozenset[str] = field(default=frozenset())


def _doubled(events: Day) -> Day:
    """Each event twice, one after the other: of a part of the day, half is repeated as well."""
    return [copy for e in events for copy in (e, {**e, "id_evento": f"again-{e['id_evento']}"})]


def _without(name: str, one_in: int, of: int) -> Callable[[Day], Day]:
    """Without a field in some of the events; the same ones whenever."""

    def alter(events: Day) -> Day:
        return [{k: v for k, v in e.items() if k != name or n % of >= one_in} for n, e in enumerate(events)]

    return alter


def _price_times_ten(events: Day) -> Day:
    return [{**e, "custo_unitario": str(Decimal(e["custo_unitario"]) * 10)} for e in events]


def _discard(month: Month) -> None:
    """The rejects will be sent again; those in quarantine are discarded, and their hour passes."""
    month.system.query("UPDATE castro.quarantine SET status = 'discarded', resolved_at = now()")
    month.an_hour_passes()


def _stop_archive(month: Month) -> None:
    month.archiving = False
    month.archive("the disk is full")


def _corrupt(month: Month, day: date) -> None:
    ((product,),) = month.system.query("SELECT min(product_code) FROM ml_inventory_daily WHERE date = %(day)s", {"day": day})
    key = f"agg:daily:{product}:{day}"
    assert month.system.redis.exists(key), key
    month.system.redis.hincrbyfloat(key, "volume", 1)


STUCK = Fault("a stuck topic", frozenset({"freshness"}), held_back=1 / 3)
DOUBLED = Fault("a doubled day", frozenset({"duplicates"}), _doubled, wears_off=True, raises_later=frozenset({"volume"}))
NULLS = Fault("nulls", frozenset({"null_rates"}), _without("cliente", 95, 100), resent=True)
PRICES = Fault("prices times ten", frozenset({"drift"}), _price_times_ten, resent=True)
VANISHED = Fault("an optional field that vanishes", frozenset({"schema", "null_rates"}), _without("cliente", 1, 1), resent=True)
REQUIRED = Fault(
    "a required field that vanishes from every third record", frozenset({"schema", "quarantine_share"}),
    _without("deposito", 1, 3), mend=_discard, resent=True,
)  # fmt: skip
ARCHIVE = Fault("a stopped archive", frozenset({"archive_lag"}), before=_stop_archive, mend=Month.restart_archive)
REDIS = Fault("a wrong Redis hash", frozenset({"redis_sample"}), after=_corrupt, mend=lambda month: month.checked.rebuild())
FAULTS = (STUCK, DOUBLED, NULLS, PRICES, VANISHED, REQUIRED, ARCHIVE, REDIS)
# A field cannot vanish and have nulls too.
AT_ONCE = (NULLS, PRICES, REQUIRED, DOUBLED, STUCK, ARCHIVE, REDIS)


def replay(month: Month, days: Sequence[date], runs: int) -> None:
    """Takes days as they are, each with some runs of the checks."""
    for day in days:
        month.take(day)
        for _ in range(runs):
            month.check(day)


def plant(month: Month, faults: Sequence[Fault], days: Sequence[date], *, volume: bool) -> list[str]:
    """Plants faults on the first of the days, mends them, and takes the other days; returns what is not as it must be.

    `volume`: the month is long enough for that check to judge.
    """
    day, problems = days[0], []
    raised = frozenset[str]().union(*(f.raises for f in faults))
    lasting = frozenset[str]().union(*(f.raises for f in faults if f.wears_off))
    later = frozenset[str]().union(*(f.raises_later for f in faults if volume))

    def expect(when: str, open_: frozenset[str], over: frozenset[str] = frozenset(), passes: int = 0) -> None:
        """Those open, those over; the open ones that no longer last have so many passes."""
        wanted = [
            (check, "inventory", check in over, PASSES if check in over else passes if check not in lasting | later else 0)
            for check in sorted(open_ | over)
        ]  # fmt: skip
        if (found := month.incidents()) != wanted:
            problems.append(f"{when}: incidents (check, subject, over, passes) {found}, not {wanted}")

    if REQUIRED in faults:
        month.an_hour_passes()
    events = mended = month.days[day]
    for fault in faults:
        events, mended = fault.alter(events), fault.alter(mended) if fault.wears_off else mended
        fault.before(month)
    waiting = month.take(day, events, held_back=max(fault.held_back for fault in faults))
    for fault in faults:
        fault.after(month, day)
    for run in range(PASSES):
        month.check(day)
        expect(f"planted, run {run}", raised)
    if waiting:
        month.checked.commit(waiting)
    for fault in faults:
        fault.mend(month)
    if any(fault.resent for fault in faults):
        month.take(day, mended)
    for run in range(1, PASSES + 1):
        month.check(day)
        over = raised - lasting if run == PASSES else frozenset()
        expect(f"mended, run {run}", raised - over, over, run)
    if lasting:
        over = raised - lasting
        month.take(days[1])
        month.check(days[1])
        expect("the day after", lasting | later, over)
        month.take(days[2])
        for _ in range(PASSES):
            month.check(days[2])
    expect("at the end", frozenset(), raised | later)
    wanted = [(channel, event) for channel in sorted(CHANNELS) for event in ("opened", "resolved")]
    if (told := month.told()) != {(check, "inventory"): wanted for check in sorted(raised | later)}:
        problems.append(f"notifications (channel, event): {told}")
    return problems


@dataclass(frozen=True)
class Calendar:
    """Days that end yesterday, the day of the faults, and whose holidays they have (a setting of quality.volume)."""

    days: list[date]
    planted: date
    closed: frozenset[date]
    country: str


def calendar(today: date, weeks: int = 8) -> Calendar:
    """Mondays to Saturdays. The faults are planted on a working day followed by another one, young enough to be cached.

    The country is one that has a holiday on a working day of the eleven days before.
    """
    days = [today - timedelta(days=ago) for ago in range(7 * weeks, 0, -1)]
    for planted in reversed(days[-7:-2]):
        if planted.weekday() not in range(4):
            continue
        for country in ("BR", *holidays.list_supported_countries(include_aliases=False)):
            known = holidays.country_holidays(country, years={day.year for day in days})
            closed = frozenset(day for day in days if day in known)
            shown = [day for day in closed if day.weekday() not in (5, 6) and timedelta(1) < planted - day <= timedelta(11)]
            if shown and len(closed) <= 4 and not closed & {planted, planted + timedelta(1), planted + timedelta(2)}:
                return Calendar([day for day in days if day.weekday() != 6], planted, closed, country)
    raise AssertionError("no country has a holiday")


def generated(made: Calendar, seed: int, a_day: int = 200) -> dict[date, Day]:
    """Movements of the products, prices, quantities and customers of the real sample; Saturdays and holidays are quiet."""
    chance, sample, number = random.Random(seed), retail_sample(), iter(range(1, 10**9))
    days: dict[date, Day] = {}
    for day in made.days:
        share = 0.1 if day in made.closed else 0.5 if day.weekday() == 5 else 1
        events = []
        for second in sorted(chance.sample(range(8 * 3600, 18 * 3600), round(a_day * share * chance.uniform(0.9, 1.1)))):
            real = chance.choice(sample)
            price = Decimal(real["custo_unitario"]) * Decimal(chance.uniform(0.9, 1.1))
            at = datetime.combine(day, time()) + timedelta(seconds=second)
            one = {**real, "id_evento": f"G{next(number)}", "custo_unitario": f"{price:.2f}", "data_movimentacao": at.isoformat()}
            if chance.random() < 0.25:
                one.pop("cliente", None)
            events.append(one)
        days[day] = events
    return days


def today() -> date:
    return datetime.now(ZONE).date()
