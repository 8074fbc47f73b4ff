"""Settings of Kafka, PostgreSQL, Redis and Kerberos: addresses, credentials and timeouts."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from psycopg2.extensions import parse_dsn
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from castro_spark.security import credentials
from castro_spark.security.private_file import private_file

KAFKA_KEYTAB = "CASTRO_KAFKA_KEYTAB"  # environment variable with the keytab's path, in each JVM (kerberos/login)
_PRINCIPAL = re.compile(r"[^@/\s]+(/[^@/\s]+)?@[^@/\s]+")
_SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")  # mechanisms with user and password
_VERIFYING = ("verify-full", "verify-ca")  # the values of libpq's sslmode that look at the server's certificate


class Section(BaseModel):
    """A frozen section that rejects unknown keys; its errors do not contain input values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, values: Any) -> Any:
        """YAML reads yes and on as true, which would be the number 1."""
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields:
                annotation = cls.model_fields[name].annotation
                types = {annotation, *get_args(annotation)}
                if bool not in types and types & {int, float}:
                    raise ValueError(f"{name} must be a number, not yes or no, true or false")
        return values


class ServerSection(Section):
    """What a server's clients trust. `ca_certificates` is the content of `ca_file`, set when settings are loaded."""

    ca_file: str | None = Field(default=None, min_length=1)
    ca_certificates: str | None = None


class KerberosSettings(Section):
    """The job's user for HDFS, YARN, the metastore and, with SASL mechanism GSSAPI, Kafka.

    Without a keytab Spark uses the ticket cache of the user who starts the job (kinit), and no longer than it lasts.
    """

    method: Literal["simple", "kerberos"]
    principal: str | None = None
    keytab: str | None = Field(default=None, min_length=1)
    krb5_conf: str | None = Field(default=None, min_length=1)

    @field_validator("principal")
    @classmethod
    def _with_realm(cls, principal: str | None) -> str | None:
        if principal is not None and (not _PRINCIPAL.fullmatch(principal) or "_HOST" in principal):
            raise ValueError("must be name@REALM or name/host@REALM, as inventory-ml@CASTROLANDA.LOCAL")
        return principal

    @model_validator(mode="after")
    def _keytab_of_whom(self) -> KerberosSettings:
        if self.method == "kerberos" and self.keytab is not None and self.principal is None:
            raise ValueError("keytab: principal must name whose key in it is used")
        return self


class KafkaSettings(ServerSection):
    bootstrap_servers: str = Field(min_length=3)  # host:port, several with commas
    options: dict[str, str] = Field(default_factory=dict)
    sasl_username: str | None = Field(default=None, min_length=1)
    sasl_password: SecretStr | None = None
    secret_options: dict[str, SecretStr] = Field(default_factory=dict)  # from the options file
    options_file: str | None = None  # its path
    options_file_on_nodes: bool = False
    ledger_group: str | None = Field(default=None, min_length=1, max_length=249)  # shows the ledger to Kafka's tools
    kerberos_principal: str | None = None  # kerberos.principal, if kerberos has a keytab

    @field_validator("options")
    @classmethod
    def _no_group(cls, options: dict[str, str]) -> dict[str, str]:
        # Concurrent queries with the same group would each read only a part.
        if "group.id" in options:
            raise ValueError("must not name group.id: each query reads all partitions by itself")
        credentials.check_kafka_options(options)
        return options

    @model_validator(mode="after")
    def _sasl_whole(self) -> KafkaSettings:
        if self.options_file_on_nodes and (self.options_file is None or self.sasl_password is not None):
            raise ValueError(
                f"options_file_on_nodes: {credentials.KAFKA_OPTIONS_FILE} must name that file, with sasl.jaas.config in"
                " it where there is a password (not CASTRO_KAFKA_SASL_PASSWORD, which the nodes do not have)"
            )
        if self.options_file_on_nodes and self.options_file is not None and "://" in self.options_file:
            raise ValueError(
                f"options_file_on_nodes: the executors read {credentials.KAFKA_OPTIONS_FILE} by its path on the nodes"
                " (local:/path); only in deploy mode cluster it may be on HDFS"
            )
        if (self.sasl_username is None) != (self.sasl_password is None):
            raise ValueError("sasl_username and CASTRO_KAFKA_SASL_PASSWORD (or ..._FILE) go together")
        if self.sasl_username is None:
            return self
        if self.sasl_mechanism not in _SASL_MECHANISMS:
            known = ", ".join(_SASL_MECHANISMS)
            raise ValueError(f"options: sasl.mechanism must be one of {known} beside sasl_username")
        if not self.option("security.protocol").upper().startswith("SASL_"):
            raise ValueError("options: security.protocol must be SASL_SSL (or SASL_PLAINTEXT) beside sasl_username")
        return self

    @model_validator(mode="after")
    def _ca_is_used(self) -> KafkaSettings:
        if self.ca_file is None:
            return self
        if self.option("security.protocol").upper() not in {"SSL", "SASL_SSL"}:
            raise ValueError("options: security.protocol must be SASL_SSL or SSL beside ca_file: else there is no TLS")
        if both := [name for name in {**self.options, **self.secret_options} if name.startswith("ssl.truststore.")]:
            raise ValueError(f"options: {both[0]} and ca_file exclude each other: set one of them")
        return self

    @property
    def logs_in_by_keytab(self) -> bool:
        """Whether the options ask for Kerberos (Kafka's default mechanism), and name no login of their own."""
        sasl = self.option("security.protocol").upper().startswith("SASL_")
        return sasl and self.sasl_mechanism in {"", "GSSAPI"} and not self.option("sasl.jaas.config")

    @property
    def sasl_mechanism(self) -> str:
        """The option sasl.mechanism."""
        return self.option("sasl.mechanism")

    def option(self, name: str) -> str:
        """A client option, secret or not; "" if it is not set."""
        secret = self.secret_options.get(name)
        return secret.get_secret_value() if secret else self.options.get(name, "")


class PostgresSettings(ServerSection):
    dsn: str
    schema_name: str = Field(default="public", alias="schema", min_length=1, max_length=63)
    password: SecretStr | None = None
    executor_password_file: str | None = Field(default=None, min_length=1)
    connect_timeout_seconds: int = Field(gt=0)
    lock_timeout_seconds: int = Field(gt=0)
    answer_timeout_seconds: float = Field(gt=0)
    long_answer_timeout_seconds: float = Field(gt=0)
    work_mem_mb: int = Field(ge=1)

    @field_validator("dsn")
    @classmethod
    def _libpq_without_password(cls, dsn: str) -> str:
        credentials.check_dsn(dsn)
        return dsn

    @model_validator(mode="after")
    def _ca_is_used(self) -> PostgresSettings:
        if self.ca_file is None:
            return self
        parts = parse_dsn(self.dsn)
        if "sslrootcert" in parts:
            raise ValueError("dsn: sslrootcert and ca_file exclude each other: set one of them")
        if parts.get("sslmode", _VERIFYING[0]) not in _VERIFYING:
            raise ValueError(
                f"dsn: with sslmode={parts['sslmode']} nothing is verified by ca_file: take it out (verify-full is"
                " then used), or set verify-full or verify-ca"
            )
        return self

    def trust(self) -> dict[str, Any]:
        """libpq's parameters that verify the server, beside those of the DSN."""
        if self.ca_certificates is None:
            return {}
        mode = {} if "sslmode" in parse_dsn(self.dsn) else {"sslmode": _VERIFYING[0]}
        return mode | {"sslrootcert": private_file("castro_postgres_ca", self.ca_certificates)}

    def secret(self) -> str | None:
        """The password; on an executor, the content of `executor_password_file` if that is set."""
        if self.password is not None:
            return self.password.get_secret_value()
        if self.executor_password_file is None:
            return None  # a passfile, a certificate, Kerberos
        password = credentials.read_secret_file("postgres.executor_password_file", self.executor_password_file)
        return password.rstrip("\r\n")

    def __getstate__(self) -> dict[Any, Any]:
        """The pickled state for the executors: without the password if they have their own password file."""
        state = super().__getstate__()
        if self.executor_password_file is None:
            return state
        return {**state, "__dict__": {**state["__dict__"], "password": None}}


class TtlSettings(Section):
    realtime_seconds: int = Field(gt=0)
    daily_days: int = Field(gt=0)
    monthly_days: int = Field(gt=0)
    product_360_hours: int = Field(gt=24)  # every hash is rewritten once a day


class RedisSettings(ServerSection):
    url: str
    username: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = None
    timeout_seconds: float = Field(gt=0)
    ttl: TtlSettings

    @field_validator("url")
    @classmethod
    def _without_password(cls, url: str) -> str:
        credentials.check_redis_url(url)
        return url

    @model_validator(mode="after")
    def _ca_is_used(self) -> RedisSettings:
        if self.ca_file is not None and not self.uses_tls:
            raise ValueError("url must begin with rediss:// beside ca_file: else there is no TLS")
        return self

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.url.startswith("rediss://")
