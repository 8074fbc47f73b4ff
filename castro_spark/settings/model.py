"""All settings of a run: the sections put together, and what must hold between them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from castro_spark.sections import Section
from castro_spark.sections.alerts import AlertSettings
from castro_spark.sections.beat import BeatSettings
from castro_spark.sections.critical import CriticalSettings
from castro_spark.sections.observe import LoggingSettings, MetricsSettings
from castro_spark.sections.page import PageSettings
from castro_spark.sections.product_360 import Product360Settings
from castro_spark.sections.quality import QualitySettings
from castro_spark.sections.retraining import RetrainingSettings
from castro_spark.sections.servers import KafkaSettings, KerberosSettings, PostgresSettings, RedisSettings
from castro_spark.sections.streams import (
    ArchiveSettings,
    BackfillSettings,
    HistorySettings,
    ParseSettings,
    StreamingSettings,
    StreamSettings,
)
from castro_spark.sections.upkeep import HousekeepingSettings, ProjectionSettings, ReconcileSettings
from castro_spark.sections.warehouse import KEY_TYPES, WarehouseSettings
from castro_spark.streams.declaration import IdentityRule


class Settings(Section):
    """All settings of a run. Passwords are SecretStr: neither str() nor repr() shows them."""

    timezone: str
    logging: LoggingSettings
    kafka: KafkaSettings
    postgres: PostgresSettings
    redis: RedisSettings
    kerberos: KerberosSettings
    projection: ProjectionSettings
    checkpoint_dir: str = Field(min_length=1)
    archive: ArchiveSettings
    parse: ParseSettings
    streaming: StreamingSettings
    housekeeping: HousekeepingSettings
    product_360: Product360Settings
    backfill: BackfillSettings
    reconcile: ReconcileSettings
    quality: QualitySettings
    retraining: RetrainingSettings
    alerts: AlertSettings
    critical: CriticalSettings
    page: PageSettings
    metrics: MetricsSettings
    beat: BeatSettings
    streams: dict[str, StreamSettings] = Field(default_factory=dict)
    warehouse: WarehouseSettings

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("must be an IANA name such as America/Sao_Paulo")
        return name

    @field_validator("checkpoint_dir")
    @classmethod
    def _in_working_directory(cls, folder: str) -> str:
        """`file:NAME` is in the process's working directory: on YARN in cluster mode the container's."""
        name = folder.removeprefix("file:")
        return folder if name == folder or name.startswith("/") else Path(name).absolute().as_uri()

    @model_validator(mode="after")
    def _kafka_can_log_in(self) -> Settings:
        if self.kafka.logs_in_by_keytab and self.kafka.kerberos_principal is None:
            raise ValueError(
                "kafka.options: SASL with mechanism GSSAPI needs kerberos.method kerberos, kerberos.principal and"
                " kerberos.keytab (or name another sasl.mechanism)"
            )
        return self

    @model_validator(mode="after")
    def _view_has_its_columns(self) -> Settings:
        if problem := self.product_360.problem(self.warehouse.mapped):
            raise ValueError(f"product_360.{problem}")
        return self

    @model_validator(mode="after")
    def _histories_are_tables(self) -> Settings:
        for name, stream in self.streams.items():
            if stream.history and stream.history.table not in self.warehouse.tables:
                raise ValueError(
                    f"streams.{name}.history.table: {stream.history.table} is none of warehouse.tables"
                    f" ({', '.join(self.warehouse.mapped)})"
                )
            source = stream.history.source if stream.history else None
            if source not in (stream.sources if stream.history and len(stream.sources) > 1 else (None,)):
                raise ValueError(
                    f"streams.{name}.history.source: {source or 'not set'}: name one of several streams.{name}.sources"
                    " (each is a part of its events' identity), else none"
                )
            if problem := self._unfit_key(name):
                raise ValueError(f"streams.{name}.history.key: {problem}")
        return self

    def _unfit_key(self, stream: str) -> str | None:
        """Why history.key cannot identify the warehouse's rows; None if it can."""
        history = self.history(stream)
        if history is None:
            return None
        columns = self.warehouse.mapped[history.table].columns
        if missing := [c for c in history.key if c not in columns]:
            return f"{', '.join(missing)} is no column of {history.table}; it has {', '.join(columns)}"
        if wrong := [c for c in history.key if columns[c].type not in KEY_TYPES]:
            return (
                f"{', '.join(wrong)} is {columns[wrong[0]].type.value}, whose text form in record keys may differ;"
                f" name columns of the types {', '.join(t.value for t in KEY_TYPES)}"
            )
        if history.key == ("product_code",):
            return "a product's code alone does not distinguish its events"
        if self.streams[stream].identity is IdentityRule.ID and not history.key:
            return f"streams.{stream}.identity is id: name the columns of {history.table} that form the id"
        return None

    def history(self, stream: str) -> HistorySettings | None:
        """The settings of the stream's history in the warehouse; None if it has none, or its table is disabled here."""
        history = self.streams[stream].history if stream in self.streams else None
        return history if history and history.table in self.warehouse.mapped else None

    def fresh_from(self) -> date:
        """The first local day whose events are fresh now (critical.event_days)."""
        return datetime.now(self.zone).date() - timedelta(days=self.critical.event_days)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
