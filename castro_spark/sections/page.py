"""Settings of the web page (`page`): where it listens, who may see it, with which roles it reads and acts.

Its secrets come from CASTRO_PAGE_PASSWORD, CASTRO_PAGE_POSTGRES_PASSWORD and CASTRO_PAGE_ACTIONS_POSTGRES_PASSWORD (or
the same with _FILE), never from a file of settings.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from castro_spark.sections import Section
from castro_spark.sections.servers import PostgresSettings
from castro_spark.security import credentials

_CONNECT_SECONDS = 2  # libpq's least
_ANSWER_MARGIN_SECONDS = 2.0  # beyond statement_timeout: then the server is silent

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$|^\[[0-9A-Fa-f:.]+\]$")]


class ActionSettings(Section):
    """What the page may ask of running processes: rows of castro.command, by a role that can insert these only."""

    enabled: bool  # true: the page asks for stop, replay, discard and others
    postgres_dsn: str | None = None
    postgres_password: SecretStr | None = None

    @field_validator("postgres_dsn")
    @classmethod
    def _without_password(cls, dsn: str | None) -> str | None:
        if dsn is not None:
            credentials.check_dsn(dsn)
        return dsn

    @model_validator(mode="after")
    def _by_a_role_of_their_own(self) -> ActionSettings:
        if self.enabled and self.postgres_dsn is None:
            raise ValueError(
                "postgres_dsn (or CASTRO_PAGE_ACTIONS_POSTGRES_DSN) must name the role that may insert commands and"
                " nothing else: docs/page.md has its rights"
            )
        return self


class PageSettings(Section):
    """Without a password or a proxy that knows the user, only this machine may reach the page."""

    address: str = Field(min_length=1)
    port: int = Field(ge=0, lt=65536)  # 0: a free one
    hosts: tuple[HostName, ...]  # names by which browsers call it, beside the address; any port
    password: SecretStr | None = None
    proxy_user_header: str | None = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    proxy_addresses: tuple[str, ...]  # addresses or networks whose header is believed
    language: Literal["pt_BR", "en"]  # if the browser asks for neither
    currency: str | None = Field(pattern=r"^[A-Z]{3}$")  # of values; null: plain numbers
    refresh_seconds: float = Field(ge=1, le=300)
    statement_timeout_seconds: float = Field(gt=0, le=60)  # a slower query is an error on the page
    postgres_dsn: str | None = None
    postgres_password: SecretStr | None = None
    actions: ActionSettings

    @field_validator("postgres_dsn")
    @classmethod
    def _without_password(cls, dsn: str | None) -> str | None:
        if dsn is not None:
            credentials.check_dsn(dsn)
        return dsn

    @field_validator("proxy_addresses")
    @classmethod
    def _networks(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            try:
                ip_network(address)
            except ValueError:
                raise ValueError(f"{address} is no address and no network such as 10.0.0.0/8") from None
        return addresses

    @model_validator(mode="after")
    def _not_open_to_all(self) -> PageSettings:
        if self.proxy_user_header is not None and not self.proxy_addresses:
            raise ValueError(
                "proxy_addresses must name the proxy beside proxy_user_header: anyone could send that header"
            )
        if not self.is_loopback and self.password is None and self.proxy_user_header is None:
            raise ValueError(
                f"address: {self.address} can be reached from other machines: set CASTRO_PAGE_PASSWORD (or _FILE), or"
                " proxy_user_header and proxy_addresses; else keep 127.0.0.1"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.address == "localhost":
            return True
        try:
            return ip_address(self.address).is_loopback
        except ValueError:
            return False

    def reader_remedy(self, remedy: str) -> str:
        """What to do about a refused login of the reader, in the names of its settings."""
        return remedy if self.postgres_dsn is None else _renamed(remedy, "page")

    def commander_remedy(self, remedy: str) -> str:
        """The same of the role that inserts commands."""
        return _renamed(remedy, "page.actions")

    def reader(self, postgres: PostgresSettings) -> PostgresSettings:
        """The settings of the page's sessions, which give up within seconds; without a role of their own, the jobs'."""
        return _as_role(postgres, self.postgres_dsn, self.postgres_password, self.statement_timeout_seconds)

    def commander(self, postgres: PostgresSettings) -> PostgresSettings:
        """The settings of the sessions that insert commands. Requires `actions.enabled`."""
        assert self.actions.postgres_dsn is not None
        actions = self.actions
        return _as_role(postgres, actions.postgres_dsn, actions.postgres_password, self.statement_timeout_seconds)


def _renamed(remedy: str, section: str) -> str:
    variable = f"CASTRO_{section.upper().replace('.', '_')}_POSTGRES_PASSWORD"
    return remedy.replace("postgres.dsn", f"{section}.postgres_dsn").replace("CASTRO_POSTGRES_PASSWORD", variable)


def _as_role(
    postgres: PostgresSettings, dsn: str | None, password: SecretStr | None, seconds: float
) -> PostgresSettings:
    role = {} if dsn is None else {"dsn": dsn, "password": password}
    return postgres.model_copy(
        update={
            **role,
            "connect_timeout_seconds": _CONNECT_SECONDS,
            "lock_timeout_seconds": _CONNECT_SECONDS,
            "answer_timeout_seconds": seconds + _ANSWER_MARGIN_SECONDS,
        }
    )
