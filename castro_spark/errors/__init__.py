"""The errors of castro_spark: each states the problem, its place, and the remedy.

    CastroError                 exit status 1
    ├── UsageError              exit status 2: wrong arguments
    │   └── SettingsError       a setting is missing or invalid; names the file and the key
    ├── SourceError             Kafka or Hive cannot be read
    │   ├── KafkaUnavailable    the brokers do not answer: retried
    │   ├── KafkaRefused        the brokers refuse this client: authentication or authorization
    │   ├── TopicMissing        the topic does not exist
    │   ├── TopicRecreated      the topic's id differs from the ledger's
    │   ├── OffsetsAgedOut      the ledger is behind the topic's beginning: records are gone
    │   ├── OffsetsBeyondEnd    the ledger is ahead of the topic's end
    │   ├── MappingError        a warehouse table does not match the mapping
    │   └── SourceUnreadable    a warehouse table cannot be read: not the same as an empty one
    ├── SinkError               PostgreSQL, Redis or the archive is not in the required state
    │   ├── SessionRefused      a PostgreSQL session has unusable settings
    │   ├── ExecutorRefused     the same for an executor, while the driver's session is accepted
    │   ├── NotMigrated         tables are missing or of another version
    │   ├── TypeChanged         a table exists with other columns than the mapping's
    │   ├── Fenced              another writer has claimed the stream
    │   ├── LedgerMoved         the ledger's offsets differ from the batch's start
    │   ├── StagingLost         staged records were lost before their commit
    │   ├── RulesChanged        the parse rules changed before the commit
    │   ├── CheckpointLost      Spark's checkpoint folder was removed while the stream runs
    │   ├── ArchiveFailed       the archive cannot be written, or another process writes it
    │   ├── ExtractBusy         another extract of the table runs
    │   └── ChecksFailed        the extracted rows fail a check; the table is not replaced
    ├── LocalServiceError       an embedded server cannot be prepared, started or stopped (castro_spark/local)
    ├── KerberosRefused         no login: wrong key, expired ticket, clocks that differ
    ├── KerberosUnavailable     the KDC does not answer
    ├── JvmEnded                Spark's JVM ended during the job
    ├── SparkStopped            Spark's application ended during the job
    ├── IdentitiesDiffer        stream and warehouse identify the same events differently
    ├── StreamsFailed           streams did not stop as requested
    ├── TablesFailed            an extract failed for some of its tables
    ├── NotDelivered            messages of the outbox were not delivered
    └── NotReconciled           a reconciliation failed or was refused for some streams

A system failure (PostgreSQL down, network broken) is not in this list: it is the driver's own exception. The writer
retries it, and never treats it as a bad record.
"""

from __future__ import annotations

from castro_spark.errors.kerberos import kerberos_trouble

_INSUFFICIENT_PRIVILEGE = "42501"  # PostgreSQL's SQLSTATE


class CastroError(Exception):
    """`problem` states what is wrong and where; `remedy` states what to do about it."""

    exit_status = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n  what to do: {self.remedy}" if self.remedy else self.problem


class UsageError(CastroError):
    """Invalid arguments."""

    exit_status = 2


class SettingsError(UsageError):
    """A setting that is missing or invalid."""


class SourceError(CastroError):
    """Kafka or Hive cannot be read."""


class KafkaUnavailable(SourceError):
    """The brokers do not answer now; possibly transient."""


class KafkaRefused(SourceError):
    """The brokers refuse this client; a retry does not help."""


class TopicMissing(SourceError):
    """The topic does not exist."""


class TopicRecreated(SourceError):
    """The topic was deleted and created again, or the settings name another cluster."""


class OffsetsAgedOut(SourceError):
    """Records were removed from the topic before they were consumed."""


class OffsetsBeyondEnd(SourceError):
    """The ledger's offsets are beyond the topic's end."""


class MappingError(SourceError):
    """A warehouse table does not match the mapping; a retry does not help."""


class SourceUnreadable(SourceError):
    """A warehouse table cannot be read now. It must never be treated as empty."""


class SinkError(CastroError):
    """PostgreSQL, Redis or the archive is not in the required state."""


class SessionRefused(SinkError):
    """A PostgreSQL session has settings that the job needs changed and cannot change; an operator must."""


class ExecutorRefused(SinkError):
    """PostgreSQL refuses the session of an executor, and not the driver's. Shown by `status`, and tried again."""


class NotMigrated(SinkError):
    """Tables are missing from the database, or are of another version."""


class Fenced(SinkError):
    """Another writer has claimed the stream; this one has committed nothing since."""


class LedgerMoved(SinkError):
    """Offsets in the ledger differ from the batch's start offsets."""


class StagingLost(SinkError):
    """A batch's staged records are gone: PostgreSQL crashed before the commit. The stream restarts."""


class RulesChanged(SinkError):
    """The rules with which a batch was parsed have changed. Nothing of it is committed; it is parsed again."""


class CheckpointLost(SinkError):
    """Spark's checkpoint folder was removed, or became unreadable, while the stream runs. The stream restarts at the
    ledger's offsets."""


class ArchiveFailed(SinkError):
    """The archive cannot be written, or another process writes it; records appended so far are in it exactly once."""


class TypeChanged(SinkError):
    """A table exists with other columns or another key than the mapping's; an operator must decide what to do."""


class ExtractBusy(SinkError):
    """Another extract of the same table runs."""


class ChecksFailed(SinkError):
    """The extracted rows fail a check; the table is unchanged."""


class KerberosRefused(CastroError):
    """The KDC gives no ticket, or there is none; a retry does not help."""


class KerberosUnavailable(CastroError):
    """The KDC does not answer now; possibly transient."""


class JvmEnded(CastroError):
    """Spark's JVM has ended: out of memory, killed, or crashed."""


class SparkStopped(CastroError):
    """Spark's application has ended below the job: it was killed, or YARN gave it up."""


class IdentitiesDiffer(CastroError):
    """Warehouse and stream identify the same events by different kinds of identity: events would be counted twice."""


class StreamsFailed(CastroError):
    """Streams did not stop as requested (`stop`)."""


class TablesFailed(CastroError):
    """Some tables of an extract failed; the others are done."""


class NotDelivered(CastroError):
    """Messages of the outbox were not delivered; they stay there."""


class NotReconciled(CastroError):
    """A reconciliation failed, or exceeded the change limit, for some streams; the others are done."""


def first_line(error: BaseException | None) -> str:
    """The first line of an error's text, without traceback, query or remedy: for a log line."""
    return str(error).strip().partition("\n")[0]


def in_words(error: BaseException | None) -> str:
    """An error's text: a CastroError with its remedy; of any other error, including Java's, the first line.

    An error of Kerberos's is told in words, whoever raised it.
    """
    if isinstance(error, CastroError):
        return str(error)
    if trouble := kerberos_trouble(str(error)):
        return f"{trouble.problem} ({first_line(error)})\n  what to do: {trouble.remedy}"
    if java := getattr(error, "java_exception", None):
        return str(java).partition("\n")[0]
    return with_class(error)


def with_class(error: BaseException | None) -> str:
    """The class and the first line of an error that is not a CastroError, and what to do if a role lacks a right."""
    line = f"{type(error).__name__}: {first_line(error)}"
    lacks_right = getattr(error, "pgcode", None) == _INSUFFICIENT_PRIVILEGE
    return f"{line}\n  what to do: grant the role what docs/security.md lists" if lacks_right else line
