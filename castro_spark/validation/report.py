"""The results of `validate` as rows of a table, and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from castro_spark.counted import counted
from castro_spark.validation.check import Result, State

_CHECK, _PLACE = 28, 44  # columns; a longer text moves the others
HEADING = f"{'check':<{_CHECK}} {'place':<{_PLACE}} {'result':<8} {'seconds':>8}  found"


def lines(result: Result) -> Iterator[str]:
    """The row of a result, and below it what to do."""
    first, *more = result.note.splitlines() or [""]
    row = f"{result.check:<{_CHECK}} {result.place:<{_PLACE}} {result.state.value:<8} {result.seconds:>8.3f}  {first}"
    yield row.rstrip()
    for line in more:
        yield f"    {line}"
    if result.remedy:
        yield f"    what to do: {result.remedy}"


def summary(results: Sequence[Result]) -> str:
    """The last line: how many checks ended how."""
    counts = {state: sum(result.state is state for result in results) for state in State}
    told = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
    return f"{counted(len(results), 'check')}: {told}"


def document(results: Iterable[Result]) -> dict[str, Any]:
    """What --json prints."""
    rows = [{**asdict(result), "state": result.state.value, "seconds": round(result.seconds, 3)} for result in results]
    return {"ok": all(row["state"] == State.OK.value for row in rows), "checks": rows}
