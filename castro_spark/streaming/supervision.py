"""A stream is started again by itself where that can help, and ends with its reason told where it cannot.

Guarantee: only a process's first start claims the stream. Later ones go on under that epoch, or end as fenced where the
row holds another; so two processes never take a stream from each other in turns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event

from castro_spark.jvm import ended_jvm
from castro_spark.observe.instance import State, StreamState
from castro_spark.settings import StreamingSettings
from castro_spark.streaming.batches import StopRequested
from castro_spark.streaming.verdict import Verdict, told, verdict

log = logging.getLogger(__name__)
_FIRST_WAIT_SECONDS = 1.0
_LONG_SECONDS = 600.0  # whatever failed before is over then
_FEW = 5  # starts without a commit, for an error that nobody knows


def supervise(
    run: Callable[[], None],
    state: StreamState,
    settings: StreamingSettings,
    *,
    available_now: bool,
    stopping: Event,
) -> BaseException | None:
    """Calls `run` until it ends well, until `stopping` is set, or until starting again does not help.

    Returns what ended it for good; None where it ended as wanted. `state` is told all the way.
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
        except BaseException as raised:  # noqa: BLE001 - judged, told and counted, whatever it is
            error = ended_jvm(raised) or raised
            found, words = verdict(error, claimed=state.epoch is not None), told(error)
            if stopping.is_set():
                log.error("stream %s was stopped before its last batch was committed: %s", state.stream, words)
                state.ended(State.STOPPED, found.reason, words)
                return error
            now = time.monotonic()
            if failures == 0 or state.restarts_since_commit == 0 or now - began > _LONG_SECONDS:
                failures, failing_since = 0, now
            given_up = _given_up(found, failures, now - failing_since, patience)
            if given_up:
                log.error("stream %s ended (%s%s): %s", state.stream, found.reason, given_up, words)
                state.ended(State.FAILED, found.reason, str(error))
                return error
            wait = min(settings.restart_wait_seconds, _FIRST_WAIT_SECONDS * 2 ** min(failures, 30))
            failures += 1
            state.restarting(found.reason, words)
            log.warning(
                "stream %s (%s): %s; it starts again in %.0f s, start %d without a commit",
                state.stream, found.reason, words, wait, state.restarts_since_commit,
            )  # fmt: skip
            if stopping.wait(wait):
                state.ended(State.STOPPED, found.reason, words)
                return None
            state.begins_again()
        else:
            state.ended(State.STOPPED if stopping.is_set() or not available_now else State.DONE)
            return None


def _given_up(found: Verdict, failures: int, failing: float, patience: float | None) -> str:
    """Why there is no other start, as an addition to the reason; empty where there is one."""
    if not found.restart:
        return ", starting again does not help"
    if found.a_few_times and failures >= _FEW:
        return f", {failures} starts did not get on"
    if patience is not None and failing >= patience:
        return f", after {failing:.0f} s"
    return ""
