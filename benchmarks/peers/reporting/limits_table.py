"""The table of the job's parts, each alone, beside the whole job. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.peers.reporting.tables import OURS, Run, counted, loads_of, per_million, rate, select, spread, table

# By the name in consumers/limits.py. The limit is the slowest of _LIMITS.
_PARTS_ALONE = {
    "upsert, plain consumer": "COPY and upsert of the events, as the plain consumer does it",
    "commit": "the whole commit: events, sums, newest, touched products, books, offsets",
    "parse": "parsing, on the driver",
    "upsert": "COPY and merge of the events",
    "read for Redis": "reading what Redis is to hold, after each commit",
    "Redis": "writing Redis's hashes",
}  # fmt: skip
_LIMITS = ("parse", "upsert", "Redis")
_SERVERS = ("Python", "PostgreSQL", "Redis")


def limits(runs: Sequence[Run]) -> str:
    """A table a load: each part of the job alone, and which share of it the whole job reaches."""
    mine = [r for r in runs if r["kind"] == "limits"]
    return "\n\n".join(_limited(select(mine, load), _ours(runs, load)) for load in loads_of(mine))


def _limited(runs: Sequence[Run], ours: Sequence[Run]) -> str:
    heading = f"**The parts alone, {runs[0]['title']}**, {runs[0]['events']:,} records"
    good = counted(runs)
    if not good:
        return f"{heading}: does not count: {runs[0]['failure']}"
    heading += f", {good[0]['batch']:,} a commit"
    head = (
        "part", "records/s", "whole job : this, from the claim", "after the first 40 %",
        "processor s per million: Python", "PostgreSQL", "Redis",
    )  # fmt: skip
    rows = []
    for part, words in _PARTS_ALONE.items():
        alone = [_alone(r, part) for r in good]
        rows.append((
            words, spread([rate(r, "part") for r in alone]), *_shares(ours, alone),
            *(f"{statistics.median(per_million(r)[who] for r in alone):,.0f}" for who in _SERVERS),
        ))  # fmt: skip
    slowest = [min((_alone(r, part) for part in _LIMITS), key=lambda a: rate(a, "part")) for r in good]
    claim, warm = _shares(ours, slowest)
    limit = spread([rate(a, "part") for a in slowest])
    words = f"The limit, the slowest of parsing, COPY with merge, and Redis in each round: {limit} records/s."
    if claim:
        words += f" Of it the whole job reaches {claim} from the claim, and {warm or 'no figure'} after the first 40 %."
    return f"{heading}\n\n{table(head, rows)}\n\n{words}"


def _alone(run: Run, part: str) -> Run:
    """A part's figures as a run of its own."""
    of = run["parts"][part]
    return {**run, "seconds_from_part": of["seconds"], "used": {"cpu_seconds": of["cpu_seconds"]}}


def _shares(ours: Sequence[Run], alone: Sequence[Run]) -> tuple[str, str]:
    """The whole job's rate divided by a part's, of each round that has both: from the claim, and when it is warm."""
    by_round = {r["round"]: r for r in counted(ours)}
    pairs = [(by_round[a["round"]], rate(a, "part")) for a in alone if a["round"] in by_round]
    claim = spread([rate(r, "claim") / limit for r, limit in pairs], "{:.2f}")
    return claim, spread([r["warm_rate"] / limit for r, limit in pairs if r["warm_rate"]], "{:.2f}")


def _ours(runs: Sequence[Run], load: str) -> list[Run]:
    return [r for r in select(runs, load, OURS) if r["kind"] == "drain"]
