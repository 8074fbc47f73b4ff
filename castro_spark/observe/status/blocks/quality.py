"""Status: the last run of the quality checks, and its failures. They do not fail the status, but `quality` itself."""

from __future__ import annotations

from collections.abc import Iterator

from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.sinks.postgres.quality_results import last_run

_SHOWN = 5


def _answer(asked: Asked, _: Part) -> Part:
    found = last_run(asked.connection)
    if found is None:
        return {"judged_at": None}
    judged_at, results, failures = found
    named = [dict(zip(("check", "subject", "outcome", "words"), failure, strict=True)) for failure in failures]
    return {"judged_at": judged_at, "results": results, "failures": named}


def _lines(part: Part) -> Iterator[str]:
    if "error" in part:
        yield "quality:"
        yield from error_lines(part["error"], "  ")
    elif part["judged_at"] is None:
        yield "quality: never checked (./spark-submit.sh quality)"
    else:
        failures = part["failures"]
        at = f"{part['judged_at']:%Y-%m-%d %H:%M:%S} UTC"
        yield f"quality: {len(failures)} of {part['results']} checks failed at {at}"
        for failure in failures[:_SHOWN]:
            yield f"  {failure['outcome']:<11} {failure['check']} of {failure['subject']}: {failure['words']}"
        if len(failures) > _SHOWN:
            yield f"  and {len(failures) - _SHOWN} more (--json)"


QUALITY = Block("quality", _answer, _lines)
