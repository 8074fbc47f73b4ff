"""Status: the last decision about a retraining, in a sentence, and the last training.

A decision that would have fired and found no channel is trouble (exit status 1): nothing sends it until the settings
have one. What holds a retraining back is not: it has its own place in the status.
"""

from __future__ import annotations

from collections.abc import Iterator

from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.retraining import store
from castro_spark.retraining.policy import Reason
from castro_spark.retraining.text import NO_CHANNEL, decision_lines, training_line


def _answer(asked: Asked, _: Part) -> Part:
    model = asked.settings.retraining.model
    with asked.connection as connection, connection.cursor() as cursor:
        last = next(iter(store.newest(cursor, model, 1)), None)
        training = store.last_training(cursor, model)
    unsent = last is not None and last.reason == Reason.NO_CHANNEL.value
    return {
        "model": model,
        "decision": last and vars(last),
        "training": training and {name: value for name, value in vars(training).items() if name != "bins"},
        "in_words": next(decision_lines(last)) if last else None,
        "training_in_words": training_line(training),
        "trouble": f"no channel takes retraining: {NO_CHANNEL}" if unsent else None,
    }


def _lines(part: Part) -> Iterator[str]:
    if "error" in part:
        yield "retraining:"
        yield from error_lines(part["error"], "  ")
        return
    never = "never decided (./spark-submit.sh retraining decide)"
    yield f"retraining of {part['model']}: {part['in_words'] or never}"
    yield f"  {part['training_in_words']}"
    if part["trouble"]:
        yield f"  TROUBLE     {part['trouble']}"


RETRAINING = Block("retraining", _answer, _lines)
