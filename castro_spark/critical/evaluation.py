"""Evaluates the products that commits touched, and starts and ends their episodes.

Guarantee: an episode and its task in the outbox are written in one transaction, under a lock on the marks up to which
products were evaluated; the last transaction of an evaluation moves the marks. So a crash anywhere loses no episode and
starts none twice: a repeated evaluation finds the episode, and only notes its value. Memory is bounded by the number of
touched products, a transaction by critical.products_per_commit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from castro_spark.critical import rows
from castro_spark.critical.decision import Reason, decide
from castro_spark.critical.rows import STREAM, Candidate, Mark
from castro_spark.critical.rules import Measured, Rule, Verdict, plain, rounded, verdicts
from castro_spark.sections.alerts import Kind
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.exclusive import try_lock
from castro_spark.sinks.postgres.outbox import put
from castro_spark.sinks.postgres.product_360.master_data import MasterTables, master_tables

log = logging.getLogger(__name__)
KIND: Kind = "critical_product"  # of the messages
_LONGEST_SECONDS = 3600.0  # of an evaluation that takes in later commits: then its marks move
_NOTE_SECONDS = 600.0  # so often an idle follower confirms its marks


@dataclass
class Evaluated:
    """What one evaluation did. `evaluates`: whether this process evaluates; another one may."""

    evaluates: bool = True
    products: int = 0
    started: int = 0
    ended: int = 0


class Evaluation:
    """Evaluates by one connection. Not thread-safe. Raises what PostgreSQL raises: call it again, with another one."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self._settings = settings
        self._conf = settings.critical
        self._connection = connection
        self._channels = settings.alerts.channels_for(KIND)
        master, levels = settings.product_360.master_data, settings.product_360.stock_levels
        self._tables = {master.table: master.product_code, levels.table: levels.product_code}
        self._within = timedelta(days=max(1, self._conf.event_days))
        self._elected = False
        self._day: date | None = None  # whose beginning was evaluated
        self._noted = 0.0

    def begin(self) -> None:
        """Called before the stream's first commit: what is not followed, or not any more, is followed from here on."""
        with self._connection:
            before = rows.followed(self._connection, self._within)
            now = {STREAM: Mark(0)} | rows.committed(self._connection, list(self._tables))
            if missing := {source: mark for source, mark in now.items() if source not in before}:
                rows.follow(self._connection, missing)

    def run(self) -> Evaluated:
        """Evaluates what was committed since the last evaluation, by this process or another."""
        connection = self._connection
        if not self._elected:
            with connection, connection.cursor() as cursor:
                self._elected = try_lock(cursor, "critical", "")
            if not self._elected:
                return Evaluated(evaluates=False)
        today = datetime.now(self._settings.zone).date()
        with connection:
            before = rows.followed(connection, self._within)
            now = rows.committed(connection, list(self._tables))
            if not before:
                log.info("critical products: commits from now on are evaluated")
            candidates = list(self._candidates(before, now, today))
            if not candidates:
                self._follow(before, now)
        done = self._evaluate_all(candidates, before, now, today) if candidates else Evaluated()
        self._day = today
        return done

    def _candidates(
        self, before: Mapping[str, Mark], now: Mapping[str, Mark], today: date
    ) -> Iterator[Candidate]:
        """The products to evaluate, each once, those with fresh news first."""
        changed = {
            source: before[source]
            for source, mark in now.items()
            if source in before and before[source].revision < mark.revision
        }
        found: list[Candidate] = []
        if STREAM in changed:
            found += rows.touched(self._connection, changed[STREAM].revision)
        for table in self._tables.keys() & changed.keys():
            since, mapping = changed[table].committed_at, self._settings.warehouse.mapped.get(table)
            if mapping is not None and since is not None:
                code = self._tables[table]
                found += rows.extracted(self._connection, table, mapping, code, since, self._within.days)
        if self._day != today or changed.keys() - {STREAM}:
            # A window moved, or a row that is gone was a reason: episodes may be over.
            rows.end_of_rules_off(self._connection, self._rules_on())
            found += rows.lasting(self._connection)
        fresh = {c.product_code for c in found if c.fresh}
        yield from (Candidate(code, fresh=True) for code in sorted(fresh))
        yield from (Candidate(c, fresh=False) for c in sorted({c.product_code for c in found} - fresh))

    def _follow(self, before: Mapping[str, Mark], now: Mapping[str, Mark]) -> None:
        """Moves the marks where there was nothing to evaluate."""
        if any(before.get(source) != mark for source, mark in now.items()) or self._is_due():
            self._mark(now, started=0)

    def _is_due(self) -> bool:
        return time.monotonic() - self._noted > _NOTE_SECONDS

    def _evaluate_all(
        self, candidates: Sequence[Candidate], before: Mapping[str, Mark], now: Mapping[str, Mark], today: date
    ) -> Evaluated:
        tables = master_tables(self._connection, self._settings.product_360)
        done, marks, began = Evaluated(), dict(now), time.monotonic()
        pending = {c.product_code: c.fresh for c in candidates}
        arrived: list[str] = []
        while pending:
            # What was committed meanwhile takes turns with the rest, and so waits for one transaction.
            is_turn_of_rest = not arrived
            chunk = (arrived or list(pending))[: self._conf.products_per_commit]
            with self._connection:
                if rows.followed(self._connection, self._within, lock=True) != before:
                    return done  # another process evaluated these commits
                started = self._evaluate({code: pending.pop(code) for code in chunk}, marks, today, tables, done)
                arrived = []
                if pending and is_turn_of_rest and time.monotonic() - began < _LONGEST_SECONDS:
                    arrived = self._arrivals(pending, marks)
                self._mark(marks if not pending else {}, started)
        return done

    def _arrivals(self, pending: dict[str, bool], marks: dict[str, Mark]) -> list[str]:
        """Adds the products that the stream has touched since its mark, and moves that; returns the fresh ones."""
        before, now = marks.get(STREAM), rows.committed(self._connection, []).get(STREAM)
        if before is None or now is None or now.revision <= before.revision:
            return []
        marks[STREAM] = now
        new = rows.touched(self._connection, before.revision)
        for candidate in new:
            pending[candidate.product_code] = pending.get(candidate.product_code, False) or candidate.fresh
        return [c.product_code for c in new if c.fresh]

    def _evaluate(
        self, chunk: Mapping[str, bool], now: Mapping[str, Mark], today: date, tables: MasterTables, done: Evaluated
    ) -> int:
        """Evaluates some products (each: whether it is fresh); returns how many episodes it started."""
        products = list(chunk)
        last = rows.episodes(self._connection, products)
        started: list[dict[str, Any]] = []
        noted: list[tuple[str, str, Any, str | None]] = []
        for measured in rows.measure(self._connection, products, tables, self._conf, today):
            code = measured.product_code
            for verdict in verdicts(measured, self._conf.rules):
                decision = decide(last.get((code, verdict.rule)), verdict, fresh=chunk[code])
                if decision.reason is Reason.STARTED:
                    started.append(self._start(measured, verdict, decision.number, now))
                elif decision.reason in (Reason.NOTICED, Reason.ENDED):
                    ended = verdict.words if decision.reason is Reason.ENDED else None
                    noted.append((code, verdict.rule.value, verdict.value, ended))
                    done.ended += ended is not None
        if started:
            rows.start(self._connection, started)
        if noted:
            rows.note(self._connection, noted)
        done.products += len(products)
        done.started += len(started)
        return len(started)

    def _start(
        self, measured: Measured, verdict: Verdict, number: int, now: Mapping[str, Mark]
    ) -> dict[str, Any]:
        """Puts the task of an episode that starts; returns the episode's row."""
        code, rule = measured.product_code, verdict.rule.value
        put(self._connection, KIND, cause_of(code, verdict.rule, number), {
            "product_code": code, "rule": rule, "episode": number, "reason": verdict.words,
            "value": _text(verdict.value), "stock": _text(measured.stock), "minimum_stock": _text(measured.minimum),
            "days_of_cover": _text(None if measured.cover is None else rounded(measured.cover, 6)),
            "summary": f"product {code}: {rule}: {verdict.words}",
        }, self._channels)  # fmt: skip
        by = " ".join(f"{source} {mark.revision}" for source, mark in sorted(now.items()))
        return {"product_code": code, "rule": rule, "episode": number, "reason": verdict.words,
                "value": verdict.value, "started_by": by}  # fmt: skip

    def _mark(self, marks: Mapping[str, Mark], started: int) -> None:
        if not started:  # nothing that would be missed after a crash of the server: it is evaluated again
            with self._connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
        if marks:
            rows.follow(self._connection, dict(marks))
            self._noted = time.monotonic()

    def _rules_on(self) -> list[Rule]:
        rules = self._conf.rules
        return [rule for rule in Rule if getattr(rules, rule.value) is not None]


def cause_of(product_code: str, rule: Rule, episode: int) -> str:
    """Identifies an episode: the task's `cause`, from which its id is derived."""
    return f"critical:{product_code}:{rule.value}:{episode}"


def _text(value: Any) -> str | None:
    return None if value is None else plain(value)
