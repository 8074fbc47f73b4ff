"""Which failures of PostgreSQL are waited for, and which sessions are refused."""

from __future__ import annotations

from dataclasses import replace

import psycopg2
import pytest
from psycopg2 import errors

from castro_spark.errors import ExecutorRefused, NotMigrated, SessionRefused
from castro_spark.sinks.postgres.session import login
from castro_spark.sinks.postgres.session.checks import SessionState, check
from castro_spark.sinks.postgres.session.passing import may_pass
from castro_spark.sinks.postgres.session.refused_tasks import raise_refusal

SOUND = SessionState(
    backend=1, server_encoding="UTF8", client_encoding="UTF8", replication_role="origin", schema_there=True,
    schema_usable=True, read_only=False, standby=False, read_only_by=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "passes", "at_a_start"),
    [
        ("08006", True, True),  # connection failure
        ("08P01", True, True),  # what pgbouncer sends for everything
        ("25006", True, True),  # read-only
        ("25P03", True, True),  # idle in transaction for too long
        ("25P04", True, True),  # transaction_timeout
        ("40001", True, True),
        ("40P01", True, True),
        ("40002", False, False),  # a constraint at the end of a transaction
        ("53100", True, True),  # disk full
        ("53300", True, True),  # too many connections
        ("53400", False, False),  # a limit that somebody configured
        ("55P03", True, True),  # lock not available
        ("57014", True, True),  # cancelled
        ("57P01", True, True),  # admin shutdown
        ("57P03", True, True),  # cannot connect now
        ("57P04", False, False),  # the database was dropped
        ("58030", True, True),
        ("28P01", True, False),  # password
        ("3D000", True, False),  # no such database
        ("22P05", False, False),
        ("23514", False, False),  # the books do not balance
        ("42501", False, False),  # insufficient privilege
        ("42P01", False, False),  # no such table
        ("XX001", False, False),  # corrupted
    ],
)
def test_by_sqlstate(state: str, passes: bool, at_a_start: bool) -> None:
    error = errors.lookup(state)("words")
    assert (may_pass(error), may_pass(error, starting=True)) == (passes, at_a_start)


@pytest.mark.parametrize(
    ("words", "at_a_start"),
    [
        ('connection to server at "h", port 5432 failed: Connection refused', True),
        ("server closed the connection unexpectedly", True),
        ("SSL SYSCALL error: EOF detected", True),
        ("could not translate host name", True),
        ("timeout expired", True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  sorry, too many clients already", True),
        ("session is read-only", True),
        ('FATAL:  password authentication failed for user "castro"', False),
        ('FATAL:  autenticação do tipo senha falhou para o usuário "castro"', False),
        ('FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", no encryption', False),
        ('FATAL:  database "x" does not exist', False),
        ('FATAL:  role "x" is not permitted to log in', False),
        ("fe_sendauth: no password supplied", False),
        ("server does not support SSL, but SSL was required", False),
        ('server certificate for "a" does not match host name "b"', False),
        ("SSL error: certificate verify failed", False),
    ],
)
def test_a_connection_that_was_not_had_has_words_only(words: str, at_a_start: bool) -> None:
    error = psycopg2.OperationalError(words)
    assert may_pass(error)
    assert may_pass(error, starting=True) is at_a_start
    assert (login.remedy(words) is None) is at_a_start


def test_what_is_no_outage() -> None:
    for error in (ValueError("x"), NotMigrated("x"), psycopg2.ProgrammingError("x"), psycopg2.DataError("x")):
        assert not may_pass(error)


@pytest.mark.parametrize(
    ("changes", "kind", "words", "at_a_start"),
    [
        ({"server_encoding": "LATIN1"}, SessionRefused, "encoding is LATIN1", False),
        ({"server_encoding": "SQL_ASCII"}, SessionRefused, "encoding is SQL_ASCII", False),
        ({"replication_role": "replica"}, SessionRefused, "session_replication_role", False),
        ({"schema_there": False, "schema_usable": False}, SessionRefused, "no schema ml", False),
        ({"schema_usable": False}, SessionRefused, "may not use the schema ml", False),
        ({"read_only": True, "standby": True, "read_only_by": "default"}, errors.ReadOnlySqlTransaction, "standby", True),
        ({"read_only": True, "read_only_by": "database"}, errors.ReadOnlySqlTransaction, "for the database", True),
        ({"read_only": True, "read_only_by": "configuration file"}, errors.ReadOnlySqlTransaction, "for the server", True),
        ({"read_only": True, "read_only_by": "user"}, SessionRefused, "for this role", False),
        ({"read_only": True, "read_only_by": "client"}, SessionRefused, "PGOPTIONS", False),
    ],
)
def test_sessions(changes: dict[str, object], kind: type[Exception], words: str, at_a_start: bool) -> None:
    check(SOUND, "ml")
    with pytest.raises(kind, match=words) as raised:
        check(replace(SOUND, **changes), "ml")  # type: ignore[arg-type]
    assert may_pass(raised.value)
    assert may_pass(raised.value, starting=True) is at_a_start


def test_a_tasks_refusal_is_found_in_sparks_error() -> None:
    text = (
        "[PYTHON_EXCEPTION] An exception was thrown from the Python worker:\nTraceback (most recent call last):\n"
        '  File "castro_spark/sinks/postgres/connection.py", line 44, in connect\n'
        "castro_spark.errors.SessionRefused: connection failed: FATAL:  no pg_hba.conf entry\n  what to do: add a line\n SQLSTATE: 38000"
    )
    with pytest.raises(ExecutorRefused, match=r"session is refused: connection failed: FATAL:  no pg_hba\.conf entry") as raised:
        raise_refusal(ValueError(text))
    assert raised.value.remedy.startswith("add a line; this is about the executors' nodes")
    raise_refusal(ValueError("castro_spark.errors.Fenced: x"))
