"""One check of `validate`: what it asks, how long it may take, and its outcome as a row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from threading import Thread

import psycopg2
import redis

from castro_spark.errors import CastroError, in_words
from castro_spark.sinks.redis import trouble

_ANSWER_SECONDS = 40.0


class State(str, Enum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # it could not be asked, because of another check that failed


@dataclass(frozen=True)
class Check:
    """A question to a place. `run` returns a note for the row, and raises what is wrong; it leaves nothing behind."""

    name: str
    place: str
    run: Callable[[], str]
    seconds: float = _ANSWER_SECONDS  # after which it counts as unanswered
    remedy: str = ""  # for an error that states none itself


@dataclass(frozen=True)
class Result:
    """The outcome of a check. `note`: what was found, or what is wrong; `remedy`: what to do about it."""

    check: str
    place: str
    state: State
    seconds: float
    note: str = ""
    remedy: str = ""


def skipped(name: str, place: str, because: str) -> Result:
    """A check that was not run."""
    return Result(name, place, State.SKIPPED, 0.0, f"not checked: {because}")


def run(checks: Sequence[Check]) -> Iterator[Result]:
    """Runs independent checks at the same time; yields their results in the checks' order, each as soon as it is there.

    One that exceeds its time fails, and its thread is left behind: some clients cannot be interrupted.
    """
    began = time.monotonic()
    asked = [(check, _in_thread(check.run)) for check in checks]
    for check, answer in asked:
        yield _result(check, answer, began)


def run_one(check: Check) -> Result:
    """Runs one check."""
    return next(run([check]))


def _in_thread(question: Callable[[], str]) -> Future[tuple[str, float]]:
    answer: Future[tuple[str, float]] = Future()

    def ask() -> None:
        began = time.monotonic()
        try:
            answer.set_result((question(), time.monotonic() - began))
        except BaseException as error:  # noqa: BLE001 - an error of any kind is a row, and hides no other check
            error.castro_seconds = time.monotonic() - began  # type: ignore[attr-defined]
            answer.set_exception(error)

    Thread(target=ask, name="castro validate", daemon=True).start()
    return answer


def _result(check: Check, answer: Future[tuple[str, float]], began: float) -> Result:
    try:
        note, seconds = answer.result(max(0.0, began + check.seconds - time.monotonic()))
    except Exception as error:  # noqa: BLE001 - see _in_thread
        if not answer.done():
            problem, remedy = f"no answer within {check.seconds:g} s", check.remedy
        else:
            problem, remedy = explain(error)
        seconds = getattr(error, "castro_seconds", check.seconds)
        return Result(check.name, check.place, State.FAILED, seconds, problem, remedy or check.remedy)
    return Result(check.name, check.place, State.OK, seconds, note)


def explain(error: BaseException) -> tuple[str, str]:
    """What is wrong, and what to do (empty if the error does not say)."""
    if isinstance(error, CastroError):
        return error.problem, error.remedy
    if isinstance(error, redis.RedisError):
        return trouble.in_words(error), ""
    if isinstance(error, psycopg2.Error):
        return " ".join(str(error).split()) or type(error).__name__, ""
    if java := getattr(error, "java_exception", None):
        return _root_cause(java), ""
    return in_words(error), ""


def _root_cause(java: object) -> str:
    """The messages of a Java exception and of its innermost cause."""
    chain, cause = [], java
    while cause is not None:
        chain.append(str(cause.toString()).partition("\n")[0])  # type: ignore[attr-defined]
        cause = cause.getCause()  # type: ignore[attr-defined]
    return chain[0] if chain[-1] == chain[0] else f"{chain[0]}; caused by {chain[-1]}"
