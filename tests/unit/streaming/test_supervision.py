"""The verdict on each error, and what the supervision makes of it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from pyspark.errors import StreamingQueryException

from castro_spark import errors
from castro_spark.observe.instance import StreamState
from castro_spark.process.component import State
from castro_spark.streaming.microbatch.batches import StopRequested
from castro_spark.streaming.supervision import supervise
from castro_spark.streaming.verdict import verdict

LASTING = {
    errors.TopicRecreated: "topic_recreated", errors.OffsetsAgedOut: "offsets_aged_out", errors.Fenced: "fenced",
    errors.OffsetsBeyondEnd: "offsets_beyond_end", errors.NotMigrated: "not_migrated", errors.SettingsError: "settings",
    errors.KafkaRefused: "kafka_refused", psycopg2.OperationalError: "postgres_unavailable",
    ConnectionRefusedError: "jvm_died", errors.SparkStopped: "spark_stopped",
}  # fmt: skip
PASSING = {
    errors.KafkaUnavailable: "kafka_unavailable", errors.StagingLost: "staging_lost", errors.LedgerMoved: "ledger_moved",
    errors.CheckpointLost: "checkpoint_lost", errors.TopicMissing: "topic_missing", ValueError: "unexpected",
    psycopg2.ProgrammingError: "postgres_refused", errors.ExecutorRefused: "executor_refused",
}  # fmt: skip
SPARK = {
    "org.apache.kafka.common.errors.TimeoutException: Timed out": ("kafka_unavailable", True),
    "org.apache.kafka.common.errors.SaslAuthenticationException: no": ("kafka_refused", False),
    "[KAFKA_DATA_LOSS.START_OFFSET_RESET] org.apache.kafka": ("kafka_data_lost", True),
    "[CONCURRENT_STREAM_LOG_UPDATE] Concurrent update": ("checkpoint_conflict", True),
    "Job aborted due to stage failure: executor lost": ("spark", True),
}


def test_each_error_has_a_name_and_a_verdict() -> None:
    found = {kind: verdict(kind("x"), claimed=True) for kind in {**LASTING, **PASSING}}
    assert {kind: v.reason for kind, v in found.items()} == {**LASTING, **PASSING}
    assert {kind for kind, v in found.items() if v.restart} == set(PASSING)
    assert not verdict(errors.TopicMissing("x"), claimed=False).restart  # a wrong name
    for words, expected in SPARK.items():
        v = verdict(StreamingQueryException(words), claimed=True)
        assert (v.reason, v.restart) == expected, words


def run(*steps: BaseException | Callable[[], None] | None, stopping: Event | None = None, **settings: Any) -> Any:
    """Supervises a run that does one step a start; the last one for ever."""
    state = StreamState("inventory", available_now=False)
    state.claimed(1)
    waits = {"restart_wait_seconds": 0.001, "restart_for_seconds": None, "outage_retry_seconds": 60, **settings}
    left = list(steps)

    def start() -> None:
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, BaseException):
            raise step
        if step is not None:
            step(state)

    error = supervise(start, state, SimpleNamespace(**waits), available_now=False, stopping=stopping or Event())
    return error, state.row("a")


@pytest.mark.parametrize(
    "words",
    [
        "Cannot call methods on a stopped SparkContext", "Job 2 cancelled because SparkContext was shut down",
        "java.lang.IllegalStateException: SparkContext has been shutdown",
    ],
)  # fmt: skip
def test_an_application_that_was_killed_is_told_in_words_and_not_waited_for(words: str) -> None:
    error, row = run(StreamingQueryException(words))
    assert isinstance(error, errors.SparkStopped)
    assert (row["state"], row["reason"], row["restarts"]) == ("failed", "spark_stopped", 0)
    assert row["error"].startswith("Spark was stopped: its application")
    assert "what to do: start the job again" in row["error"]


def commit_and_fail(state: Any) -> None:
    state.committed(9)
    raise errors.StagingLost("gone")


def test_what_may_pass_is_tried_until_it_does() -> None:
    away = errors.KafkaUnavailable("away")
    error, row = run(*[away] * 20, commit_and_fail, away, None)
    assert error is None
    assert (row["state"], row["restarts"], row["restarts_since_commit"], row["revision"]) == ("stopped", 22, 2, 9)


@pytest.mark.parametrize("error", [ValueError("a defect"), psycopg2.errors.CheckViolation("books")])
def test_what_nobody_knows_is_tried_a_few_times_between_two_commits(error: BaseException) -> None:
    found, row = run(error, error, commit_and_fail, error)
    assert found is error
    assert (row["state"], row["restarts"], row["restarts_since_commit"]) == ("failed", 7, 5)


def test_a_limit_by_the_settings_and_a_stop() -> None:
    away = errors.KafkaUnavailable("away")
    error, row = run(away, restart_for_seconds=0)
    assert (error, row["state"], row["reason"]) == (away, "failed", "kafka_unavailable")
    stopping = Event()

    def stop(_: Any) -> None:
        stopping.set()
        raise StopRequested

    error, row = run(away, stop, stopping=stopping)
    assert (error, row["state"]) == (None, "stopped")
    assert StreamState("s", available_now=True).row("a")["state"] == State.STARTING.value
