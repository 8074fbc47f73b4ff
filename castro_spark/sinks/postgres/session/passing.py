"""Classifies PostgreSQL errors as transient or permanent by SQLSTATE: a pure function over a commented table.

None of them is caused by a bad record: parse rejects those before anything reaches the database.
"""

from __future__ import annotations

import psycopg2
from psycopg2 import errorcodes, errors

from castro_spark.errors import SessionRefused
from castro_spark.sinks.postgres.session import login

# What callers that tolerate an outage catch. `may_pass` decides whether to retry.
PASSING = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
    SessionRefused,
)

_CLASSES = {
    "08",  # the connection broke, or a pooler lost its server connection
    "40",  # serialization failure, deadlock, unknown outcome: the whole transaction is retried
}
_STATES = {
    "25006",  # the server is read-only: a failover, or maintenance
    "25P03",  # idle in transaction for too long: the process was frozen
    "25P04",  # transaction_timeout
    "53000", "53100", "53200", "53300",  # no disk space, memory or connections left: an operator frees some
    "55006", "55P03",  # object in use; lock not acquired in time
    "57014",  # cancelled by an operator or a timeout
    "57P01", "57P02", "57P03", "57P05",  # shutting down, crashed, starting up; idle session timeout
    "58000", "58030",  # system error, I/O error
    "72000",  # snapshot too old: a new transaction takes a new one
}  # fmt: skip
_NEVER = {"40002"}  # a deferred constraint failed at COMMIT


def _states() -> dict[type[BaseException], str]:
    states: dict[type[BaseException], str] = {}
    for code in vars(errorcodes).values():
        if isinstance(code, str) and len(code) == len("40001"):
            try:
                states[errors.lookup(code)] = code
            except KeyError:
                continue
    return states


_STATE_OF = _states()


def sqlstate(error: BaseException) -> str | None:
    """The error's SQLSTATE: the one PostgreSQL sent, else its class's (a task's error reaches the driver as text)."""
    return getattr(error, "pgcode", None) or _STATE_OF.get(type(error))


def may_pass(error: BaseException, *, starting: bool = False) -> bool:
    """Whether a retry may succeed without a change to the job or its settings.

    `starting`: errors of the account or the settings (wrong password, unusable session) fail a start at once. A stream
    that has been running retries them like an outage: the change was made outside the job.
    """
    if isinstance(error, SessionRefused):
        return not starting
    if not isinstance(error, psycopg2.Error):
        return False
    state = sqlstate(error)
    if state is None:
        if type(error) not in (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError):
            return False
        return not (starting and login.remedy(str(error)))
    if state.startswith("28") or state == "3D000":
        return not starting
    return state not in _NEVER and (state in _STATES or state[:2] in _CLASSES)
