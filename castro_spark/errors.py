"""The errors of castro_spark: each says what is wrong, where, and what to do.

    CastroError                 exit status 1
    ├── UsageError              exit status 2: wrong arguments
    │   └── SettingsError       a setting is missing or cannot be used; names the file and the key
    ├── SourceError             Kafka or Hive cannot be read as it must
    │   ├── KafkaUnavailable    the brokers do not answer: waited for
    │   ├── KafkaRefused        the brokers refuse this client: who it is, or what it may do
    │   ├── TopicMissing        there is no such topic
    │   ├── TopicRecreated      the topic's id is another one than the ledger's
    │   ├── OffsetsAgedOut      the ledger is behind the topic's beginning: records are gone
    │   ├── OffsetsBeyondEnd    the ledger is ahead of the topic's end
    │   ├── MappingError        a warehouse table is not as the mapping says
    │   └── SourceUnreadable    a warehouse table cannot be read: not the same as an empty one
    ├── SinkError               PostgreSQL, Redis or the archive does not hold what it must
    │   ├── SessionRefused      a session of PostgreSQL cannot be used as it is
    │   ├── NotMigrated         tables are missing or of another version
    │   ├── TypeChanged         a table is there with other columns than the mapping's
    │   ├── Fenced              another writer has taken the stream over
    │   ├── LedgerMoved         the ledger is not where this writer left it
    │   ├── StagingLost         staged records are gone before their commit
    │   ├── RulesChanged        what records are parsed by has changed before their commit
    │   ├── CheckpointLost      Spark's checkpoint folder is gone while the stream runs
    │   ├── ArchiveFailed       the archive cannot be written, or another process writes it
    │   ├── ExtractBusy         another extract of the table runs
    │   └── ChecksFailed        what was loaded must not take the table's place
    ├── LocalServiceError       an embedded server cannot be prepared, started or stopped (castro_spark/local)
    ├── JvmEnded                Spark's JVM ended under the job
    ├── IdentitiesDiffer        stream and warehouse know the same events differently
    ├── StreamsFailed           streams did not do as they were asked to
    ├── TablesFailed            an extract ended, but not for all its tables
    └── NotReconciled           a reconciliation ended, but not all is as it should be

What is not here is a system failure (PostgreSQL down, broken network): the driver's own exception,
retried by the writer and never taken for a bad record.
"""

from __future__ import annotations


class CastroError(Exception):
    """What is wrong and where; `remedy` says what to do about it."""

    exit_status = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n  what to do: {self.remedy}" if self.remedy else self.problem


class UsageError(CastroError):
    """Arguments that cannot be used."""

    exit_status = 2


class SettingsError(UsageError):
    """A setting that is missing or cannot be used."""


class SourceError(CastroError):
    """Kafka or Hive cannot be read as it must."""


class KafkaUnavailable(SourceError):
    """The brokers do not answer now; it may pass."""


class KafkaRefused(SourceError):
    """The brokers refuse this client; trying again does not help."""


class TopicMissing(SourceError):
    """There is no such topic."""


class TopicRecreated(SourceError):
    """The topic was deleted and created again, or the settings name another cluster."""


class OffsetsAgedOut(SourceError):
    """Records that were not consumed have been removed from the topic."""


class OffsetsBeyondEnd(SourceError):
    """The ledger holds offsets that the topic does not have."""


class MappingError(SourceError):
    """A warehouse table is not as the mapping says; trying again does not help."""


class SourceUnreadable(SourceError):
    """A warehouse table cannot be read now. It must never be taken for an empty one."""


class SinkError(CastroError):
    """PostgreSQL, Redis or the archive does not hold what it must."""


class SessionRefused(SinkError):
    """A session of PostgreSQL is not as it must be, and the job cannot set it so; somebody must mend it."""


class NotMigrated(SinkError):
    """The database lacks tables, or has those of another version."""


class Fenced(SinkError):
    """Another writer has taken the stream over; this one has committed nothing since."""


class LedgerMoved(SinkError):
    """Offsets in the ledger differ from those that the batch was cut to."""


class StagingLost(SinkError):
    """What a batch's tasks staged is not there any more: PostgreSQL crashed in between. The stream begins again."""


class RulesChanged(SinkError):
    """What a batch's records were parsed by no longer holds; nothing of it is committed. They are parsed again."""


class CheckpointLost(SinkError):
    """Spark's checkpoint folder is gone while the stream runs. The stream begins again: the ledger decides."""


class ArchiveFailed(SinkError):
    """The archive cannot be written, or another process writes it; what was appended so far is there once."""


class TypeChanged(SinkError):
    """A table is there with other columns or another key than the mapping's; what to do is for people to decide."""


class ExtractBusy(SinkError):
    """Another extract of the same table runs."""


class ChecksFailed(SinkError):
    """What was read fails a check; the table stays as it was."""


class JvmEnded(CastroError):
    """Spark's JVM is gone: out of memory, killed, or crashed."""


class IdentitiesDiffer(CastroError):
    """Warehouse and stream know the same events by different kinds of identity: both would count them."""


class StreamsFailed(CastroError):
    """Streams did not do as they were asked to (`stop`)."""


class TablesFailed(CastroError):
    """Some tables of an extract failed; the others are done."""


class NotReconciled(CastroError):
    """A reconciliation failed, or refused to change so much, for some streams; the others are done."""


def first_line(error: BaseException | None) -> str:
    """What an error says, without what follows (a trace, a query, what to do): for a line of the log."""
    return str(error).strip().partition("\n")[0]


def in_words(error: BaseException | None) -> str:
    """What went wrong: a CastroError whole, with what to do; of any other error (Java's too) the first line."""
    if isinstance(error, CastroError):
        return str(error)
    if java := getattr(error, "java_exception", None):
        return str(java).partition("\n")[0]
    return f"{type(error).__name__}: {first_line(error)}"
