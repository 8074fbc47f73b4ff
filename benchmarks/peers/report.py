"""Runs -> Markdown tables. Pure. A row is the median of its rounds; a ratio is the median of the rounds' own ratios."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.peers.contestant import Job
from benchmarks.peers.contestants import CONTESTANTS

Run = dict[str, Any]
OURS = "ours"
PARTS = ("JVM", "Python", "Python workers", "PostgreSQL", "Kafka", "Redis")
_OWN = PARTS[:3]
_KILLED_FIGURES = (
    ("rows_before", "{:,.0f}"), ("claim_seconds", "{:.1f}"), ("first_commit_seconds", "{:.1f}"),
    ("end_seconds", "{:.1f}"),
)  # fmt: skip


def markdown(runs: Sequence[Run]) -> str:
    """All tables."""
    parts = (drains(runs), kills(runs), lives(runs), processors(runs), promises(runs))
    return "\n\n".join(part for part in parts if part)


def drains(runs: Sequence[Run]) -> str:
    """A table a job of a load."""
    mine = [r for r in runs if r["kind"] == "drain"]
    return "\n\n".join(_drained(_of(mine, load), job) for load in _loads(mine) for job in (Job.EVENTS, Job.WHOLE))


def _drained(runs: Sequence[Run], job: Job) -> str:
    ours = _of(runs, contestant=OURS)
    rows = [_drained_row(name, of, ours) for name in _of_job(runs, job) if (of := _of(runs, contestant=name))]
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
        f"{statistics.median(sum(r['used']['peak_mib'].get(p, 0) for p in _OWN) for r in good):,.0f}",
    )  # fmt: skip


def lives(runs: Sequence[Run]) -> str:
    """A table a rate: latencies of inventory's events, in milliseconds."""
    mine = [r for r in runs if r["kind"] == "live"]
    return "\n\n".join(_lived(_of(mine, load)) for load in _loads(mine))


def _lived(runs: Sequence[Run]) -> str:
    head = ("contestant", "job", "PostgreSQL p50", "p95", "p99", "most", "Redis p50", "p95", "p99", "most",
            "ours : this, p99", "its JVM's cores", "its own cores")  # fmt: skip
    ours = _of(runs, contestant=OURS)
    rows = [_lived_row(name, of, ours) for name in CONTESTANTS if (of := _of(runs, contestant=name))]
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
        for parts in (("JVM",), _OWN)
    ]
    return title(name), job, *cells, ratio, *cores


def kills(runs: Sequence[Run]) -> str:
    """Killed and started again."""
    mine = [r for r in runs if r["kind"] == "killed"]
    rows = []
    for name in dict.fromkeys(r["contestant"] for r in mine):
        of = _of(mine, contestant=name)
        figures = [
            spread([float(r[key]) for r in counted(of)], form)
            for key, form in _KILLED_FIGURES
        ]
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
    for load in _loads(drained):
        for name in CONTESTANTS:
            if good := _of(drained, load, name):
                parts = [statistics.median(per_million(r).get(part, 0) for r in good) for part in PARTS]
                memory = [statistics.median(r["used"]["peak_mib"].get(part, 0) for r in good) for part in _OWN]
                others = spread([r["used"]["others_cores"] for r in good], "{:.2f}")
                rows.append((
                    load, f"{title(name)} ({CONTESTANTS[name].job.value})", *(f"{p:,.0f}" if p else "" for p in parts),
                    " / ".join(f"{m:,.0f}" for m in memory if m), others,
                ))  # fmt: skip
    head = ("load", "contestant (job)", *PARTS, "peak MiB: " + " / ".join(_OWN), "cores that all else took")
    return f"**Processor seconds per million records of a backlog**\n\n{table(head, rows)}" if rows else ""


def promises(runs: Sequence[Run]) -> str:
    """What each contestant leaves out."""
    seen = {r["contestant"] for r in runs}
    rows = [
        (f"{c.title} ({c.job.value})", c.without or "-", c.not_promised or "-")
        for c in CONTESTANTS.values() if c.name in seen
    ]  # fmt: skip
    return f"**What they leave out**\n\n{table(('contestant (job)', 'cannot do of the job', 'does not promise'), rows)}"


def title(name: str) -> str:
    """A contestant's title, with what it leaves out of its job."""
    contestant = CONTESTANTS[name]
    return contestant.title + (f", without {contestant.without}" if contestant.without else "")


def counted(runs: Sequence[Run]) -> list[Run]:
    """The runs whose end state was the reference."""
    return [r for r in runs if not r["failure"]]


def rate(run: Run, begin: str) -> float:
    """Records a second from the `claim` or the `start`."""
    return float(run["records"] / run[f"seconds_from_{begin}"])


def per_million(run: Run) -> dict[str, float]:
    """Processor seconds per million records, by part."""
    return {part: seconds / run["records"] * 1e6 for part, seconds in run["used"]["cpu_seconds"].items()}


def against(ours: Sequence[Run], theirs: Sequence[Run], figure: Callable[[Run], float]) -> list[float]:
    """Ours divided by theirs, of each round that both have."""
    by_round = {r["round"]: r for r in counted(ours)}
    return [figure(by_round[r["round"]]) / figure(r) for r in theirs if r["round"] in by_round]


def spread(values: Sequence[float], form: str = "{:,.0f}") -> str:
    """The median, and the least and the most where there are several."""
    if not values:
        return ""
    middle, *ends = (form.format(v) for v in (statistics.median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({' to '.join(ends)})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _of(runs: Sequence[Run], load: str | None = None, contestant: str | None = None) -> list[Run]:
    return [r for r in runs if load in (None, r["load"]) and contestant in (None, r["contestant"])]


def _loads(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(r["load"] for r in runs))


def _of_job(runs: Sequence[Run], job: Job) -> list[str]:
    """Those of the job, and ours, which always does the whole one."""
    seen = {r["contestant"] for r in runs}
    return [name for name, c in CONTESTANTS.items() if name in seen and (c.job is job or name == OURS)]


def _prefix(runs: Sequence[Run]) -> str:
    return f", the first {runs[0]['records']:,} of them" if runs[0]["records"] < runs[0]["events"] else ""
