"""The results of an extract as text, and as the error that ends the job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from castro_spark.batch.extract import TableResult
from castro_spark.counted import counted
from castro_spark.errors import TablesFailed


def lines(results: Sequence[TableResult], mode: str) -> Iterator[str]:
    """A summary, and each table's notes for the operator."""
    rows, changed = sum(r.read for r in results), sum(r.inserted + r.updated for r in results)
    yield (
        f"extract {mode}: {sum(r.done for r in results)} of {len(results)} tables done,"
        f" {counted(rows, 'row')} read,"
        f" {changed:,} written, {max((r.seconds for r in results), default=0):.1f} s"
    )
    for result in results:
        for note in result.notes:
            yield f"{result.table}: {note}"


def problems(results: Sequence[TableResult]) -> str:
    """What failed, by table; empty if nothing did."""
    return "; ".join(f"{r.table}: {r.problem}" for r in results if r.problem)


def check_done(results: Sequence[TableResult]) -> None:
    """Raises TablesFailed if a table failed; the other tables are done."""
    if failed := [r for r in results if r.problem]:
        raise TablesFailed("\n".join(["these tables failed:", *(f"{r.table}: {r.problem}" for r in failed)]))
