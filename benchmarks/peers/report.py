"""Runs -> Markdown tables. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.contestant import Job
from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.loads import DRAINS

Run = dict[str, Any]


def markdown(runs: Sequence[Run]) -> str:
    """All tables: a job of a load each."""
    return "\n\n".join(
        drained(runs, load, job) for load in DRAINS for job in Job if any(r["load"] == load for r in runs)
    )  # fmt: skip


def drained(runs: Sequence[Run], load: str, job: Job) -> str:
    """A load's drains: medians of the rounds, and the ratio to ours as the median of the rounds' ratios."""
    mine = [r for r in runs if r["load"] == load and r["kind"] == "drain"]
    rows = [
        _drained_row(name, [r for r in mine if r["contestant"] == name], [r for r in mine if r["contestant"] == "ours"])
        for name, contestant in CONTESTANTS.items()
        if (contestant.job is job or name == "ours") and any(r["contestant"] == name for r in mine)
    ]
    title = f"**Job {job.value}: {DRAINS[load].title}**, {mine[0]['events']:,} records"
    head = (
        "contestant",
        "records/s from the claim",
        "from the start",
        "warm",
        "ours : this",
        "cpu-s per million",
        "peak MiB",
    )
    return f"{title}\n\n{table(head, rows)}"


def _drained_row(name: str, runs: Sequence[Run], ours: Sequence[Run]) -> tuple[str, ...]:
    title = CONTESTANTS[name].title
    good = [r for r in runs if not r["failure"]]
    if not good:
        return title, f"does not count: {runs[0]['failure']}", "", "", "", "", ""
    ratios = [
        (o["records"] / o["seconds_from_claim"]) / (r["records"] / r["seconds_from_claim"])
        for r in good for o in ours if o["round"] == r["round"] and not o["failure"]
    ]  # fmt: skip
    cpu = statistics.median(sum(r["used"]["cpu_seconds"].values()) / r["records"] * 1e6 for r in good)
    memory = statistics.median(sum(r["used"]["peak_mib"].values()) for r in good)
    return (
        title, rate(good, "seconds_from_claim"), rate(good, "seconds_from_start"),
        f"{statistics.median(r['warm_rate'] for r in good):,.0f}",
        f"{statistics.median(ratios):.2f}" if ratios and name != "ours" else "", f"{cpu:,.0f}", f"{memory:,.0f}",
    )  # fmt: skip


def rate(runs: Sequence[Run], seconds: str) -> str:
    """The median, and the least and the most where there are several."""
    rates = sorted(r["records"] / r[seconds] for r in runs)
    spread = f" ({rates[0]:,.0f} to {rates[-1]:,.0f})" if len(rates) > 1 else ""
    return f"{statistics.median(rates):,.0f}{spread}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
