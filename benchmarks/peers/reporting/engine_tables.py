"""The tables of what Spark's engine alone costs, and of streams at rest. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.measure import OWN, PARTS
from benchmarks.peers.reporting.tables import Run, against, counted, loads_of, select, spread, table, title

EMPTY = "empty"
Figure = Callable[[Run], float]


def engine(runs: Sequence[Run]) -> str:
    """A table a rate: those that count their micro-batches, beside the empty one."""
    mine = [r for r in runs if r["kind"] == "live" and CONTESTANTS[r["contestant"]].batches]
    beside = [load for load in loads_of(mine) if select(mine, load, EMPTY)]
    return "\n\n".join(_rate(select(mine, load)) for load in beside)


def _rate(runs: Sequence[Run]) -> str:
    head = (
        "contestant", "p50, ms", "p99, ms", "this : empty, p99", "micro-batches/s", "JVM, core-seconds a micro-batch",
        "JVM, cores", "this : empty, JVM", "its own cores",
    )  # fmt: skip
    empty = select(runs, contestant=EMPTY)
    rows = [_row(name, of, empty) for name in CONTESTANTS if (of := select(runs, contestant=name))]
    return f"**Beside Spark's engine, {runs[0]['title']}**\n\n{table(head, rows)}"


def _row(name: str, runs: Sequence[Run], empty: Sequence[Run]) -> tuple[str, ...]:
    good = counted(runs)
    if not good:
        return title(name), f"does not count: {runs[0]['failure']}", *[""] * 7

    def beside(figure: Figure) -> str:
        return "" if name == EMPTY else spread(against(good, counted(empty), figure), "{:.2f}")

    return (
        title(name), _median(good, lambda r: float(r["postgres"]["p50"]), "{:,.0f}"), _median(good, _p99, "{:,.0f}"),
        beside(_p99), _median(good, lambda r: r["batches"] / r["seconds"], "{:.1f}"),
        _median([r for r in good if r["batches"]], lambda r: _jvm(r) * r["seconds"] / r["batches"], "{:.3f}"),
        _median(good, _jvm, "{:.2f}"), beside(_jvm), _median(good, lambda r: _cores(r, OWN), "{:.2f}"),
    )  # fmt: skip


def idles(runs: Sequence[Run]) -> str:
    """Streams at rest: each process's share of a core."""
    mine = [r for r in runs if r["kind"] == "idle"]
    rows = [_idle(name, of) for name in CONTESTANTS if (of := select(mine, contestant=name))]
    head = ("contestant", "its own, % of a core", *(f"{part}, %" for part in PARTS), "commits meanwhile")
    return f"**{mine[0]['title'].capitalize()}**\n\n{table(head, rows)}" if mine else ""


def _idle(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    good = counted(runs)
    if not good:
        return title(name), f"does not count: {runs[0]['failure']}", *[""] * (len(PARTS) + 1)
    return (
        title(name), spread([100 * _cores(r, OWN) for r in good], "{:.1f}"),
        *(_median(good, lambda r, part=part: 100 * _cores(r, (part,)), "{:.1f}") for part in PARTS),
        _median(good, lambda r: float(r["batches"]), "{:,.0f}"),
    )  # fmt: skip


def _median(runs: Sequence[Run], figure: Figure, form: str) -> str:
    return form.format(statistics.median(map(figure, runs))) if runs else ""


def _p99(run: Run) -> float:
    return float(run["postgres"]["p99"])


def _jvm(run: Run) -> float:
    return _cores(run, ("JVM",))


def _cores(run: Run, parts: Sequence[str]) -> float:
    """Processor seconds a second of these parts."""
    return float(sum(run["used"]["cpu_seconds"].get(part, 0) for part in parts) / run["seconds"])
