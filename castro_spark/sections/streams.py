"""Settings of the streams: of each (`streams.NAME`), and of all: parsing, running, archive and backfill."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from castro_spark.sections import Section
from castro_spark.streams.declaration import IdentityRule


class HistorySettings(Section):
    """A stream's events in the warehouse: a table of `warehouse.tables` with the stream's column names. `deleted` is a
    Spark SQL expression over these columns."""

    table: str  # of `warehouse.tables`, with the stream's column names
    key: tuple[str, ...] = ()  # the columns that form the id of the stream's records; empty: the natural key
    deleted: str | None = None  # true: the row marks the event as deleted
    source: str | None = None  # if the stream's `sources` names several: the source of these rows
    on_extract: bool = True  # an extract of the table sends its new rows to the stream's tables too

    @model_validator(mode="before")
    @classmethod
    def _former_key(cls, tree: Any) -> Any:
        if isinstance(tree, dict) and "event_id" in tree:
            raise ValueError("event_id is key now: the columns that form the id, as in key: [order_number, item]")
        return tree


class SourceSettings(Section):
    """A connector's server (topic.prefix), database and schema; omitted parts are not compared."""

    server: str | None = Field(default=None, min_length=1)  # topic.prefix of the connector; unset: not compared
    database: str | None = Field(default=None, min_length=1)  # unset: not compared
    schema_: str | None = Field(default=None, min_length=1, alias="schema")  # unset: not compared

    @model_validator(mode="after")
    def _names_one(self) -> SourceSettings:
        if self.server is None and self.database is None:
            raise ValueError("must name the server or the database, as the connector's records have them")
        return self


class StreamSettings(Section):
    """Settings of a stream; they default to its declaration (castro_spark/streams)."""

    topic: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,249}$")  # unset: the declaration's
    partitions: int = Field(default=4, gt=0)
    tables: tuple[str, ...] = ()  # names and patterns, in addition to the declared ones
    sources: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")], SourceSettings] = Field(default_factory=dict)
    identity: IdentityRule = IdentityRule.AUTO
    natural_key: tuple[str, ...] | None = Field(default=None, min_length=1)
    key: tuple[str, ...] = ()  # the fields of the record key that form the id, in order; empty: all fields
    max_offsets_per_trigger: int | None = Field(default=None, gt=0)  # the stream's own; unset: that of `streaming`
    history: HistorySettings | None = None  # the warehouse table with the same events

    @field_validator("identity", mode="before")
    @classmethod
    def _former_identity(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            raise ValueError(  # noqa: TRY004  pydantic reports no TypeError
                "is auto, id or natural_key; the columns of the natural key are natural_key: [...] now"
            )
        return value


class ParseSettings(Section):
    future_allowance_hours: float = Field(ge=0)
    date_allowance_years: float = Field(gt=0, le=1000)
    none_dates: frozenset[str]
    max_record_bytes: int = Field(gt=0)
    foreign_members: frozenset[str]
    operation_members: frozenset[str]
    operations: frozenset[str]

    @field_validator("none_dates", mode="before")
    @classmethod
    def _as_texts(cls, dates: Any) -> Any:
        # YAML parses an unquoted 1970-01-01 as a date.
        return [d.isoformat() if isinstance(d, date) else d for d in dates] if isinstance(dates, list) else dates

    @field_validator("foreign_members", "operation_members", "operations")
    @classmethod
    def _lower_case(cls, names: frozenset[str]) -> frozenset[str]:
        return frozenset(name.lower() for name in names)

    @property
    def future_allowance(self) -> timedelta:
        return timedelta(hours=self.future_allowance_hours)


class StreamingSettings(Section):
    idle_poll_milliseconds: int = Field(gt=0)
    commit_seconds: float = Field(gt=0, le=5)
    max_batch_bytes: int = Field(ge=1 << 20)
    max_offsets_per_trigger: int = Field(gt=0)
    executor_staging_rows: int | None = Field(default=None, gt=0)
    drivers_consumer: bool
    outage_retry_seconds: int = Field(ge=0)
    restart_wait_seconds: float = Field(gt=0)
    restart_for_seconds: float | None = Field(default=None, ge=0)
    on_stream_failure: Literal["continue", "stop"]
    books_retention_days: int = Field(gt=0)


class ArchiveSettings(Section):
    """The archive of raw records; disabled without `dir`."""

    dir: str | None = Field(default=None, min_length=1, pattern=r"^[^`]*$")  # Delta cannot quote a backtick
    trigger_seconds: float = Field(gt=0)
    max_offsets_per_trigger: int = Field(gt=0)
    parallel_tasks: int = Field(gt=0)
    maintenance_minutes: float = Field(ge=0)
    compact_files: int = Field(gt=0)
    retention_days: int | None = Field(default=None, gt=0)
    vacuum_hours: float = Field(gt=0)

    def folder(self, stream: str) -> str:
        """The folder of a stream's table. Requires `dir`."""
        assert self.dir is not None
        return f"{self.dir.rstrip('/')}/{stream}"


class BackfillSettings(Section):
    chunk_records: int = Field(gt=0)
