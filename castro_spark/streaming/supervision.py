"""Supervises a stream: restarts it if a restart can help, and otherwise ends it with a recorded reason.

Guarantee: only a process's first start claims the stream. Restarts continue under that epoch, or end as fenced if the
ledger has another epoch; so two processes never take a stream from each other in turns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event

from castro_spark.counted import counted
from castro_spark.errors import in_words
from castro_spark.jvm.spark_ended import ended_spark
from castro_spark.observe.instance import StreamState
from castro_spark.process.component import State
from castro_spark.sections.streams import StreamingSettings
from castro_spark.streaming.microbatch.batches import StopRequested
from castro_spark.streaming.verdict import Verdict, error_line, verdict

log = logging.getLogger(__name__)
_FIRST_WAIT_SECONDS = 1.0
_LONG_SECONDS = 600.0  # a run of this length resets the failure count
_FEW = 5  # starts without a commit, for an unknown error


def supervise(
    run: Callable[[], None],
    state: StreamState,
    settings: StreamingSettings,
    *,
    available_now: bool,
    stopping: Event,
) -> BaseException | None:
    """Calls `run` until it succeeds, until `stopping` is set, or until a restart cannot help.

    Returns the error that ended the stream; None if it ended as requested. Updates `state` at each transition.
    """
    patience = settings.restart_for_seconds
    if patience is None and available_now:
        patience = float(settings.outage_retry_seconds)
    failures, failing_since = 0, 0.0  # since the last commit, or since it last ran for long
    while True:
        began = time.monotonic()
        try:
            run()
        except StopRequested:
            state.ended(State.STOPPED)
            return None
        except BaseException as raised:  # noqa: BLE001 - every error is classified, recorded and counted
            error = ended_spark(raised) or raised
            judged, error_text = verdict(error, claimed=state.epoch is not None), error_line(error)
            if stopping.is_set():
                log.error("stream %s was stopped before its last batch was committed: %s", state.stream, error_text)
                state.ended(State.STOPPED, judged.reason, error_text)
                return error
            now = time.monotonic()
            if failures == 0 or state.restarts_since_commit == 0 or now - began > _LONG_SECONDS:
                failures, failing_since = 0, now
            given_up = _given_up(judged, failures, now - failing_since, patience)
            if given_up:
                log.error("stream %s ended (%s%s): %s", state.stream, judged.reason, given_up, error_text)
                state.ended(State.FAILED, judged.reason, in_words(error))
                return error
            wait = min(settings.restart_wait_seconds, _FIRST_WAIT_SECONDS * 2 ** min(failures, 30))
            failures += 1
            state.restarting(judged.reason, error_text)
            log.warning(
                "stream %s (%s): %s; it restarts in %.0f s, restart %d without a commit",
                state.stream, judged.reason, error_text, wait, state.restarts_since_commit,
            )  # fmt: skip
            if stopping.wait(wait):
                state.ended(State.STOPPED, judged.reason, error_text)
                return None
            state.begins_again()
        else:
            state.ended(State.STOPPED if stopping.is_set() or not available_now else State.DONE)
            return None


def _given_up(judged: Verdict, failures: int, failing: float, patience: float | None) -> str:
    """Why there is no further restart, as a suffix to the reason; empty if there is one."""
    if not judged.restart:
        return ", a restart does not help"
    if judged.a_few_times and failures >= _FEW:
        return f", {counted(failures, 'restart')} without progress"
    if patience is not None and failing >= patience:
        return f", after {failing:.0f} s"
    return ""
