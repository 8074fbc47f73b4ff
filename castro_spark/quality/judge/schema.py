"""Schema: the declaration against the live database, and against the fields that records have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from castro_spark.counted import counted
from castro_spark.quality.judge.grades import result
from castro_spark.quality.judge.nulls import Nulls
from castro_spark.quality.result import Outcome, Result
from castro_spark.sections.quality import SchemaLimits


@dataclass(frozen=True)
class Schema:
    """`lacks`: what the tables lack, in words. `extra`: columns that nobody declared, as table.column. `unknown`:
    fields of records first seen lately. `missing`: rejected records by the missing field. `field_names`: by column."""

    lacks: Sequence[str] = ()
    extra: Sequence[str] = ()
    unknown: Sequence[str] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    tested: Sequence[Nulls] = ()
    baseline: Sequence[Nulls] = ()
    field_names: Mapping[str, str] = field(default_factory=dict)


def judge_schema(subject: str, seen: Schema, limits: SchemaLimits) -> Result:
    """Fails if tables do not fit the declaration, or a field has vanished; warns of what nobody declared."""
    vanished = [seen.field_names.get(column, column) for column in _vanished(seen, limits)]
    rejected = {name: n for name, n in seen.missing.items() if n >= limits.missing_records}
    failures = [
        *seen.lacks,
        *(f"field {name} has vanished: it is null in every recent event" for name in vanished),
        *(f"field {name} is missing in {counted(n, 'rejected record')}" for name, n in rejected.items()),
    ]
    warnings = []
    if seen.unknown:
        warnings.append(f"new fields in records: {', '.join(seen.unknown)}; they are ignored")
    if seen.extra:
        warnings.append(f"columns that nobody declared: {', '.join(seen.extra)}")
    outcome = Outcome.FAIL if failures else Outcome.WARN if warnings else Outcome.PASS
    evidence = {
        "lacks": list(seen.lacks), "vanished": [*vanished, *rejected], "unknown": list(seen.unknown),
        "extra": list(seen.extra), "missing": dict(seen.missing),
    }  # fmt: skip
    words = "; ".join([*failures, *warnings]) or "tables and records are as declared"
    return result("schema", subject, limits, outcome, words, evidence=evidence)


def _vanished(seen: Schema, limits: SchemaLimits) -> list[str]:
    """Columns that had values on the days before, and have none on a tested day, over all kinds of events."""
    found = []
    for column in seen.tested[0].nulls if seen.tested else ():
        had = sum(n.rows - n.nulls[column] for n in seen.baseline)
        rows = sum(n.rows for n in seen.baseline)
        for day in {n.day for n in seen.tested}:
            of_day = [n for n in seen.tested if n.day == day]
            now, nulls = sum(n.rows for n in of_day), sum(n.nulls[column] for n in of_day)
            # A column that is rarely given may be absent for a day by chance.
            expected = now * had / rows if rows else 0
            if nulls == now >= limits.vanished_min_rows and expected >= limits.vanished_min_rows / 10:
                found.append(column)
                break
    return found
