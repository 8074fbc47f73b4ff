"""Which failures of PostgreSQL may pass by themselves, by SQLSTATE; a pure function, and a table that says why.

Never a bad record: parse has seen to those before anything reaches the database.
"""

from __future__ import annotations

import re

import psycopg2
from psycopg2 import errorcodes, errors

from castro_spark.errors import SessionRefused

# What is caught where an outage is borne. `may_pass` decides whether it is worth another try.
PASSING = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
    SessionRefused,
)

_CLASSES = {
    "08",  # the connection broke, or a pooler lost its own
    "40",  # serialization failure, deadlock, unknown outcome: done again as a whole
}
_STATES = {
    "25006",  # the server is read-only: a failover, or maintenance
    "25P03",  # idle in a transaction for too long: a process that was frozen
    "25P04",  # the transaction took too long for the server
    "53000", "53100", "53200", "53300",  # no disk, memory or connections left: somebody makes room
    "55006", "55P03",  # in use; a lock not had in time
    "57014",  # cancelled, by a person or a timeout
    "57P01", "57P02", "57P03", "57P05",  # shutting down, crashed, starting up; idle for too long
    "58000", "58030",  # the system, its disk
    "72000",  # a snapshot that is too old: a new transaction has a new one
}  # fmt: skip
_NEVER = {"40002"}  # a constraint, checked at the end
# A connection that was not had carries no SQLSTATE, only words, in the server's language.
_OF_THE_ACCOUNT = re.compile(
    r"authentication failed|no pg_hba\.conf entry|rejects connection|database \"[^\"]*\" does not exist"
    r"|role \"[^\"]*\" (does not exist|is not permitted)|permission denied for database|no password supplied"
    r"|certificate verify failed|does not match host name|server does not support SSL|root certificate file"
    r"|autenticação .*falhou|nenhuma entrada no pg_hba\.conf|banco de dados \"[^\"]*\" não existe"
    r"|role \"[^\"]*\" não existe|permissão negada",
    re.IGNORECASE,
)


def _states() -> dict[type[BaseException], str]:
    found: dict[type[BaseException], str] = {}
    for code in vars(errorcodes).values():
        if isinstance(code, str) and len(code) == len("40001"):
            try:
                found[errors.lookup(code)] = code
            except KeyError:
                continue
    return found


_STATE_OF = _states()


def sqlstate(error: BaseException) -> str | None:
    """The error's SQLSTATE: as PostgreSQL sent it, or that of its class (an error that came from a task as text)."""
    return getattr(error, "pgcode", None) or _STATE_OF.get(type(error))


def may_pass(error: BaseException, *, starting: bool = False) -> bool:
    """Whether the same work may succeed later without anybody's changing the job or its settings.

    `starting`: what the account or the settings are to blame for (a wrong password, a session that cannot be used)
    ends a start at once, in words. A stream that ran before waits for it as for an outage: somebody changed it.
    """
    if isinstance(error, SessionRefused):
        return not starting
    if not isinstance(error, psycopg2.Error):
        return False
    state = sqlstate(error)
    if state is None:
        if type(error) not in (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError):
            return False
        return not (starting and _OF_THE_ACCOUNT.search(str(error)))
    if state.startswith("28") or state == "3D000":
        return not starting
    return state not in _NEVER and (state in _STATES or state[:2] in _CLASSES)
