"""Settings: conf/base.yaml, the environment's file, then CASTRO_... variables; frozen and validated at load."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationError, field_validator, model_validator

from castro_spark.errors import SettingsError
from castro_spark.kerberos.login import hadoop_login
from castro_spark.mapping import KEY_TYPES, WarehouseSettings
from castro_spark.properties_file import parse
from castro_spark.resources import resource
from castro_spark.sections.alerts import AlertSettings
from castro_spark.sections.beat import BeatSettings
from castro_spark.sections.critical import CriticalSettings
from castro_spark.sections.metrics import MetricsSettings
from castro_spark.sections.page import PageSettings
from castro_spark.sections.product_360 import Product360Settings
from castro_spark.sections.quality import QualitySettings
from castro_spark.sections.retraining import RetrainingSettings
from castro_spark.sections.streams import HistorySettings, StreamSettings
from castro_spark.security import certificates, credentials
from castro_spark.servers import KafkaSettings, KerberosSettings, PostgresSettings, RedisSettings, Section
from castro_spark.settings_errors import invalid_settings
from castro_spark.settings_tree import at, merged, put, read_tree
from castro_spark.streams.declaration import IdentityRule

# Environment variable -> path of the key it overrides.
OVERRIDES: dict[str, tuple[str, ...]] = {
    "CASTRO_KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "CASTRO_KAFKA_SASL_USERNAME": ("kafka", "sasl_username"),
    "CASTRO_POSTGRES_DSN": ("postgres", "dsn"),
    "CASTRO_REDIS_URL": ("redis", "url"),
    "CASTRO_REDIS_USERNAME": ("redis", "username"),
    "CASTRO_CHECKPOINT_DIR": ("checkpoint_dir",),
    "CASTRO_ARCHIVE_DIR": ("archive", "dir"),
    "CASTRO_TIMEZONE": ("timezone",),
    "CASTRO_LOG_FORMAT": ("logging", "format"),
    "CASTRO_WAREHOUSE_DIR": ("warehouse", "embedded_dir"),
    "CASTRO_KERBEROS_METHOD": ("kerberos", "method"),
    "CASTRO_KERBEROS_PRINCIPAL": ("kerberos", "principal"),
    "CASTRO_KERBEROS_KEYTAB": ("kerberos", "keytab"),
    "CASTRO_PAGE_POSTGRES_DSN": ("page", "postgres_dsn"),
    "CASTRO_PAGE_ACTIONS_POSTGRES_DSN": ("page", "actions", "postgres_dsn"),
    "CASTRO_POSTGRES_EXECUTOR_PASSWORD_FILE": ("postgres", "executor_password_file"),
    **certificates.CA_FILES,
}
VARIABLES = tuple(OVERRIDES)
EXECUTOR_PASSWORD_FILE = "CASTRO_POSTGRES_EXECUTOR_PASSWORD_FILE"
VARIABLES_FILE = "CASTRO_VARIABLES_FILE"  # a file of variables, for a driver that runs on the cluster (deploy/shipping)


class LoggingSettings(Section):
    format: Literal["text", "json"]
    level: Literal["debug", "info", "warning"]  # of castro_spark's own messages


class ProjectionSettings(Section):
    """The projection of PostgreSQL's committed state to Redis."""

    poll_seconds: float = Field(gt=0)
    products_per_chunk: int = Field(gt=0)
    wait_seconds: float = Field(ge=0)
    takeover_seconds: float = Field(ge=5)  # the heartbeat's interval is two seconds


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


class HousekeepingSettings(Section):
    """Retention of everything that would otherwise grow without limit (sinks/postgres/operations/pruning)."""

    every_minutes: float = Field(gt=0)
    rows_per_step: int = Field(gt=0)
    delete_notes_days: int | None = Field(default=None, gt=0)
    quarantine_closed_days: int = Field(gt=0)
    quarantine_max_records: int = Field(gt=0)
    quarantine_max_megabytes: int = Field(gt=0)
    repairs_days: int = Field(gt=0)


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


class ReconcileSettings(Section):
    in_flight_minutes: float = Field(ge=0)  # more recent changes are not compared yet
    change_limit: float = Field(ge=0, le=1)  # share of a day's events that a run may change, unless forced
    repairs_per_commit: int = Field(gt=0)

    @property
    def in_flight(self) -> timedelta:
        return timedelta(minutes=self.in_flight_minutes)


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


def load_settings(
    env: str = "local", conf_file: Path | str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Merges conf/base.yaml, the file of environment `env` or `conf_file`, and the variables; later ones override.

    Raises SettingsError, which names the file, the key and the valid values.
    """
    environ = _with_file(os.environ if environ is None else environ)
    path = Path(conf_file) if conf_file else resource(f"conf/{env}.yaml")
    above = read_tree(path)
    credentials.refuse_in_file(above, path)
    tree = merged(read_tree(resource("conf/base.yaml")), above)
    origins: dict[str, str] = {}
    for variable, key in OVERRIDES.items():
        if environ.get(variable):
            put(tree, key, environ[variable])
            origins[".".join(key)] = variable

    def login() -> Sequence[str]:
        try:
            kerberos = KerberosSettings.model_validate(tree.get("kerberos"))
        except ValidationError as error:
            raise invalid_settings(error, path, origins, "kerberos") from None
        return hadoop_login(kerberos, environ)

    for variable, key in credentials.SECRETS.items():
        secret = credentials.read_secret(variable, environ, login)
        if secret is not None:
            put(tree, key, secret)
            origins[".".join(key)] = variable
    for variable, key in credentials.alert_secrets(environ).items():
        if isinstance(at(tree, key[:-1]), dict):  # else a channel of other settings
            put(tree, key, credentials.read_secret(variable, environ, login))
            origins[".".join(key)] = variable
    if file := environ.get(credentials.KAFKA_OPTIONS_FILE):
        put(tree, ("kafka", "secret_options"), credentials.read_options_file(file, login))
        put(tree, ("kafka", "options_file"), _as_nodes_see(file, environ))
    certificates.put_certificates(tree, lambda key: origins.get(key, f"{path}: {key}"), login)
    kerberos = tree.get("kerberos")
    if isinstance(kerberos, dict) and kerberos.get("method") == "kerberos" and kerberos.get("keytab"):
        put(tree, ("kafka", "kerberos_principal"), kerberos.get("principal"))
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise invalid_settings(error, path, origins) from None


def _as_nodes_see(file: str, environ: Mapping[str, str]) -> str:
    """A file's path for clients on the nodes too. YARN puts a file that was sent into each container's own folder."""
    path = file.removeprefix("local:")
    return path if VARIABLES_FILE in environ or "://" in path else str(Path(path).resolve())


def _with_file(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, and those in the file that VARIABLES_FILE names."""
    path = environ.get(VARIABLES_FILE)
    if not path:
        return environ
    try:
        return {**parse(credentials.read_secret_file(VARIABLES_FILE, path)), **environ}
    except ValueError as error:
        raise SettingsError(f"{VARIABLES_FILE}: {path}, {error}", "write one NAME=value per line") from None
