"""Results as text: the worst first, then a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from castro_spark.counted import counted
from castro_spark.quality.result import Outcome, Result
from castro_spark.quality.run import failed
from castro_spark.settings import Settings

_ORDER = (Outcome.ERROR, Outcome.FAIL, Outcome.WARN, Outcome.NO_DATA, Outcome.PASS)


def lines(results: Sequence[Result], settings: Settings) -> Iterator[str]:
    """One line per result, subjects of one check with the same words together; a last line with the numbers."""
    alike: dict[tuple[object, ...], list[Result]] = {}
    for r in sorted(results, key=lambda r: _ORDER.index(r.outcome)):
        alike.setdefault((r.outcome, failed(r, settings), r.check, r.words, r.observed), []).append(r)
    for group in alike.values():
        r = group[0]
        shown = r.outcome.value.upper() if failed(r, settings) or r.outcome is Outcome.WARN else r.outcome.value
        yield f"{shown:<8} {r.check:<17} {', '.join(r.subject for r in group)}: {r.words}"
        if r.outcome in (Outcome.FAIL, Outcome.WARN) and r.limit:
            yield f"{'':8} {'':17} observed {r.observed}; limit {r.limit}"
    counts = Counter(r.outcome for r in results)
    numbers = ", ".join(f"{counts[o]} {o.value}" for o in _ORDER if counts[o])
    severe = sum(failed(r, settings) and r.severity.value == "critical" for r in results)
    critical = f"; critical failures: {severe}" if severe else ""
    yield f"{counted(len(results), 'result')}: {numbers or 'none'}{critical}"
