"""Runs -> Markdown tables. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.peers.contestant import Job
from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.measure import OWN, PARTS
from benchmarks.peers.reporting.engine_tables import engine, idles
from benchmarks.peers.reporting.limits_table import limits
from benchmarks.peers.reporting.tables import (
    OURS,
    Run,
    against,
    counted,
    loads_of,
    per_million,
    rate,
    select,
    spread,
    table,
    title,
)

_KILLED_FIGURES = (
    ("rows_before", "{:,.0f}"), ("claim_seconds", "{:.1f}"), ("first_commit_seconds", "{:.1f}"),
    ("end_seconds", "{:.1f}"),
)  # fmt: skip


def markdown(runs: Sequence[Run]) -> str:
    """All tables."""
    parts = (
        drains(runs), limits(runs), kills(runs), lives(runs), engine(runs), idles(runs), processors(runs),
        promises(runs),
    )  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def drains(runs: Sequence[Run]) -> str:
    """A table a job of a load; none of A if only castro_spark, which does B, was measured."""
    mine = [r for r in runs if r["kind"] == "drain"]
    jobs = [(select(mine, load), job) for load in loads_of(mine) for job in (Job.EVENTS, Job.WHOLE)]
    return "\n\n".join(_drained(of, job) for of, job in jobs if len(_of_job(of, job)) > 1 or job is Job.WHOLE)


def _drained(runs: Sequence[Run], job: Job) -> str:
    ours = select(runs, contestant=OURS)
    rows = [_drained_row(name, of, ours) for name in _of_job(runs, job) if (of := select(runs, contestant=name))]
    head = (
        "contestant", "records/s from the claim", "from the start", "after the first 40 %",
        "ours : this, from the claim", "from the start", "processor s per million", "its own peak, MiB",
    )  # fmt: skip
    return f"**Job {job.value}, {runs[0]['title']}**, {runs[0]['events']:,} records\n\n{table(head, rows)}"


def _drained_row(name: str, runs: Sequence[Run], ours: Sequence[Run]) -> tuple[str, ...]:
    good = counted(runs)
    if not good:
        return title(name), f"does not count: {runs[0]['failure']}", *[""] * 6
    ratios = [
        "" if name == OURS else spread(against(ours, good, lambda r, begin=begin: rate(r, begin)), "{:.2f}")
        for begin in ("claim", "start")
    ]
    return (
        title(name) + _prefix(good), spread([rate(r, "claim") for r in good]), spread([rate(r, "start") for r in good]),
        spread([r["warm_rate"] for r in good if r["warm_rate"]]), *ratios,
        f"{statistics.median(sum(per_million(r).values()) for r in good):,.0f}",
        f"{statistics.median(sum(r['used']['peak_mib'].get(p, 0) for p in OWN) for r in good):,.0f}",
    )  # fmt: skip


def lives(runs: Sequence[Run]) -> str:
    """A table a rate: latencies of inventory's events, in milliseconds."""
    mine = [r for r in runs if r["kind"] == "live"]
    return "\n\n".join(_lived(select(mine, load)) for load in loads_of(mine))


def _lived(runs: Sequence[Run]) -> str:
    head = ("contestant", "job", "PostgreSQL p50", "p95", "p99", "most", "Redis p50", "p95", "p99", "most",
            "ours : this, p99", "its JVM's cores", "its own cores")  # fmt: skip
    ours = select(runs, contestant=OURS)
    rows = [_lived_row(name, of, ours) for name in CONTESTANTS if (of := select(runs, contestant=name))]
    return f"**{runs[0]['title'].capitalize()}**, ms\n\n{table(head, rows)}"


def _lived_row(name: str, runs: Sequence[Run], ours: Sequence[Run]) -> tuple[str, ...]:
    good, job = counted(runs), CONTESTANTS[name].job.value
    if not good:
        return title(name), job, f"does not count: {runs[0]['failure']}", *[""] * 10
    cells = [
        f"{statistics.median(r[to][q] for r in good):,.0f}" if good[0][to] else ""
        for to in ("postgres", "redis") for q in ("p50", "p95", "p99", "most")
    ]  # fmt: skip
    ratio = "" if name == OURS else spread(against(ours, good, lambda r: float(r["postgres"]["p99"])), "{:.2f}")
    cores = [
        f"{statistics.median(sum(r['used']['cpu_seconds'].get(p, 0) for p in parts) / r['seconds'] for r in good):.2f}"
        for parts in (("JVM",), OWN)
    ]
    return title(name), job, *cells, ratio, *cores


def kills(runs: Sequence[Run]) -> str:
    """Killed and started again."""
    mine = [r for r in runs if r["kind"] == "killed"]
    rows = []
    for name in dict.fromkeys(r["contestant"] for r in mine):
        of = select(mine, contestant=name)
        figures = [spread([float(r[key]) for r in counted(of)], form) for key, form in _KILLED_FIGURES]
        state = "; ".join(sorted({r["failure"] for r in of if r["failure"]})) or "the reference"
        rows.append((f"{title(name)} ({CONTESTANTS[name].job.value})", *figures, state))
    head = (
        "contestant (job)", "rows before the kill", "s to the claim", "to the first commit", "to the end", "end state"
    )  # fmt: skip
    return f"**{mine[0]['title'].capitalize()}**, {mine[0]['events']:,} records\n\n{table(head, rows)}" if mine else ""


def processors(runs: Sequence[Run]) -> str:
    """Processor seconds per million records of a backlog, by process, and what else the machine did."""
    rows = []
    drained = [r for r in counted(runs) if r["kind"] == "drain"]
    for load in loads_of(drained):
        for name in CONTESTANTS:
            if good := select(drained, load, name):
                parts = [statistics.median(per_million(r).get(part, 0) for r in good) for part in PARTS]
                memory = [statistics.median(r["used"]["peak_mib"].get(part, 0) for r in good) for part in OWN]
                others = spread([r["used"]["others_cores"] for r in good], "{:.2f}")
                rows.append((
                    load, f"{title(name)} ({CONTESTANTS[name].job.value})", *(f"{p:,.0f}" if p else "" for p in parts),
                    " / ".join(f"{m:,.0f}" for m in memory if m), others,
                ))  # fmt: skip
    head = ("load", "contestant (job)", *PARTS, "peak MiB: " + " / ".join(OWN), "cores that all else took")
    return f"**Processor seconds per million records of a backlog**\n\n{table(head, rows)}" if rows else ""


def promises(runs: Sequence[Run]) -> str:
    """What each contestant leaves out."""
    seen = {r["contestant"] for r in runs}
    rows = [
        (f"{c.title} ({c.job.value})", c.without or "-", c.not_promised or "-")
        for c in CONTESTANTS.values() if c.name in seen and c.job is not Job.NONE
    ]  # fmt: skip
    head = ("contestant (job)", "cannot do of the job", "does not promise")
    return f"**What they leave out**\n\n{table(head, rows)}" if rows else ""


def _of_job(runs: Sequence[Run], job: Job) -> list[str]:
    """Those of the job, and ours, which always does the whole one."""
    seen = {r["contestant"] for r in runs}
    return [name for name, c in CONTESTANTS.items() if name in seen and (c.job is job or name == OURS)]


def _prefix(runs: Sequence[Run]) -> str:
    return f", the first {runs[0]['records']:,} of them" if runs[0]["records"] < runs[0]["events"] else ""
