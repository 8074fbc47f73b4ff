"""The mapping of Hive tables to PostgreSQL tables, column by column. Typed, no I/O."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_LONGEST_NAME = 40  # PostgreSQL allows 63 characters; staging tables and indexes add a suffix
LOADED_AT = "loaded_at"  # when the row was written; reserved for the jobs
_OWN = frozenset({LOADED_AT, "attempt"})


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ColumnType(Enum):
    """The types of a mapped column; each determines the column's type in Spark and in PostgreSQL."""

    TEXT = "text"
    DECIMAL = "decimal"  # exact decimal(18,6)
    TIMESTAMP = "timestamp"  # an instant
    DATE = "date"
    INTEGER = "integer"  # 64 bits
    BOOLEAN = "boolean"


KEY_TYPES = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN)  # types whose values have a unique text form


class PartitionDay(Enum):
    """Which day of the watermark column a partition column contains."""

    LOCAL_DATE = "local_date"
    UTC_DATE = "utc_date"


class ColumnMapping(_Section):
    """A target column: the source column `from`, or the Spark SQL expression `sql` over source columns."""

    source: str | None = Field(default=None, alias="from", min_length=1)  # a source column
    sql: str | None = Field(default=None, min_length=1)  # Spark SQL over source columns, instead of `from`
    type: ColumnType  # in Spark and PostgreSQL: decimal is decimal(18,6), integer 64 bits
    required: bool = False  # a full refresh fails if the share of nulls exceeds null_limit

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if (self.source is None) == (self.sql is None):
            raise ValueError("must have either `from` (a source column) or `sql` (an expression)")
        return self


class PartitionMapping(_Section):
    """The source's partition column, and the day it contains: an incremental run lists no older partitions."""

    column: str = Field(min_length=1)  # of the source
    holds: PartitionDay = PartitionDay.LOCAL_DATE  # which day of the watermark it is


class Limits(_Section):
    """The overlap of incremental runs, and the tolerances of a full refresh, as shares of the rows."""

    overlap_minutes: float = Field(ge=0)  # read again, so that rows committed out of order are not missed
    shrink_limit: float = Field(ge=0, le=1)
    null_limit: float = Field(ge=0, le=1)
    duplicate_limit: float = Field(ge=0, le=1)

    @property
    def overlap(self) -> timedelta:
        return timedelta(minutes=self.overlap_minutes)


class TableMapping(_Section):
    """A source table and its target. `watermark` is the target column with a row's last change: the newest row of each
    key counts."""

    source: str = Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?$")  # database.table
    key: tuple[str, ...] = Field(min_length=1)  # columns of the target
    watermark: str  # the target's column with a row's last change
    partition: PartitionMapping | None = None  # the source's partition column
    columns: dict[str, ColumnMapping]  # of the target, by name
    indexes: tuple[tuple[str, ...], ...] = ()  # beside the key's: lists of columns
    ignore: frozenset[str] = frozenset()  # source columns that are known and not extracted
    overlap_minutes: float | None = Field(default=None, ge=0)  # as in warehouse.limits
    shrink_limit: float | None = Field(default=None, ge=0, le=1)  # as in warehouse.limits
    null_limit: float | None = Field(default=None, ge=0, le=1)  # as in warehouse.limits
    duplicate_limit: float | None = Field(default=None, ge=0, le=1)  # as in warehouse.limits

    @field_validator("columns")
    @classmethod
    def _own_columns_are_free(cls, columns: dict[str, ColumnMapping]) -> dict[str, ColumnMapping]:
        if taken := sorted(_OWN & columns.keys()):
            raise ValueError(f"must not name {', '.join(taken)}: the jobs use that themselves")
        return columns

    @model_validator(mode="after")
    def _names_are_columns(self) -> TableMapping:
        wanted = {*self.key, self.watermark, *(column for index in self.indexes for column in index)}
        if missing := sorted(wanted - self.columns.keys()):
            raise ValueError(f"key, watermark and indexes name columns that are not there: {', '.join(missing)}")
        version = self.columns[self.watermark]
        if version.type is not ColumnType.TIMESTAMP or version.source is None:
            raise ValueError(f"the watermark {self.watermark} must be a timestamp, straight `from` a source column")
        if self.watermark in self.key:
            raise ValueError("the watermark cannot be part of the key: a row keeps its key when it changes")
        return self

    @property
    def never_null(self) -> tuple[str, ...]:
        """The columns that must not be null: the key and the watermark."""
        return (*self.key, self.watermark)

    @property
    def source_watermark(self) -> str:
        """The source column of the watermark."""
        source = self.columns[self.watermark].source
        assert source is not None
        return source

    def limits(self, defaults: Limits) -> Limits:
        """The table's own limits over the defaults."""
        own = {name: value for name in Limits.model_fields if (value := getattr(self, name)) is not None}
        return defaults.model_copy(update=own)


class WarehouseSettings(_Section):
    """Which tables are extracted, and how."""

    embedded_dir: str | None = None  # an embedded Hive metastore and its tables; on a cluster hive-site.xml decides
    parallel_tables: int = Field(gt=0)  # tables loaded at a time
    copies_a_table: int = Field(gt=0)  # concurrent tasks, and so connections, that load one table
    retries: int = Field(ge=0)  # per table, for transient errors
    retry_wait_seconds: float = Field(gt=0)  # before the first retry; doubled for each further one
    lock_wait_seconds: float = Field(ge=0)  # for another extract of the same table
    swap_wait_seconds: float = Field(gt=0)  # for readers that lock the table
    limits: Limits
    tables: dict[str, TableMapping | None]  # None: a table of base.yaml that is disabled here

    @field_validator("tables")
    @classmethod
    def _plain_names(cls, tables: dict[str, TableMapping | None]) -> dict[str, TableMapping | None]:
        for name, mapping in tables.items():
            for checked in (name, *(mapping.columns if mapping else ())):
                if not checked.isprintable() or not checked or len(checked) > _LONGEST_NAME:
                    raise ValueError(f"{checked!r} is not a name of 1 to {_LONGEST_NAME} characters")
        return tables

    @cached_property
    def mapped(self) -> dict[str, TableMapping]:
        """The tables to extract, by target."""
        return {name: mapping for name, mapping in self.tables.items() if mapping is not None}
