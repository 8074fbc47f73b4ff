"""Whether hosts can be reached from here: name resolution and a TCP connection, with the time that each took."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from psycopg2.extensions import parse_dsn

from castro_spark.errors import CastroError
from castro_spark.hadoop.conf import Address, HadoopConf, address
from castro_spark.settings import Settings
from castro_spark.validation.check import Check

CONNECT_SECONDS = 5.0
_POSTGRES_PORT, _REDIS_PORT, _KAFKA_PORT = 5432, 6379, 9092


@dataclass(frozen=True)
class Service:
    """A service at one or several addresses, and what names them. `every`: else one that is reached is enough."""

    name: str
    addresses: tuple[Address, ...]
    setting: str
    every: bool = False

    @property
    def place(self) -> str:
        return ", ".join(f"{host}:{port}" for host, port in self.addresses)


class Unreachable(CastroError):
    """None of a service's addresses, or not all that are needed, can be reached."""


def services(settings: Settings, hadoop: HadoopConf | None) -> list[Service]:
    """All that a start needs, as settings and Hadoop's configuration name it; without sockets of this machine."""
    found = [
        Service("reach kafka", kafka_addresses(settings.kafka.bootstrap_servers), "kafka.bootstrap_servers"),
        Service("reach postgres", postgres_addresses(settings.postgres.dsn), "postgres.dsn"),
        Service("reach redis", redis_addresses(settings.redis.url), "redis.url"),
    ]
    if hadoop is not None:
        found += hadoop_services(hadoop)
    return [service for service in found if service.addresses]


def hadoop_services(hadoop: HadoopConf) -> list[Service]:
    """The services that Hadoop's configuration names."""
    return [
        Service("reach name node", hadoop.name_nodes(), "fs.defaultFS in core-site.xml, and hdfs-site.xml"),
        Service("reach resource manager", hadoop.resource_managers(), "yarn.resourcemanager.* in yarn-site.xml"),
        Service("reach metastore", hadoop.metastores(), "hive.metastore.uris in hive-site.xml"),
    ]


def reaching(service: Service) -> Check:
    """The check of a service; its addresses are tried at the same time as those of others."""
    seconds = CONNECT_SECONDS * (2 * len(service.addresses) + 1)  # a name server may take its time as well
    return Check(service.name, service.place, lambda: reach(service), seconds)


def reach(service: Service) -> str:
    """Connects to each address; returns how long each took. Raises Unreachable."""
    reached, missed = [], []
    for place in service.addresses:
        try:
            reached.append(f"{place[0]} {connect_ms(place):.1f} ms")
        except OSError as error:
            missed.append((place, error))
    if missed and (service.every or not reached):
        told = "; ".join(f"{host}:{port}: {_words(error)}" for (host, port), error in missed)
        raise Unreachable(told, _remedy(missed[0][1], service.setting))
    return ", ".join([*reached, *(f"not {host}:{port} ({_words(error)})" for (host, port), error in missed)])


def connect_ms(place: Address) -> float:
    """Milliseconds for name resolution and a TCP connection."""
    began = time.monotonic()
    with closing(socket.create_connection(place, timeout=CONNECT_SECONDS)):
        return (time.monotonic() - began) * 1000


def kafka_addresses(servers: str) -> tuple[Address, ...]:
    """host:port,..., each perhaps with a protocol before it."""
    words = [word.strip().rpartition("://")[2] for word in servers.split(",") if word.strip()]
    return tuple(address(word, _KAFKA_PORT) for word in words)


def postgres_addresses(dsn: str) -> tuple[Address, ...]:
    """libpq's hosts and ports; none for a socket of this machine and where a service file names them."""
    parts = parse_dsn(dsn)
    hosts = (parts.get("hostaddr") or parts.get("host") or os.environ.get("PGHOST", "")).split(",")
    ports = (parts.get("port") or os.environ.get("PGPORT", "")).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    pairs = zip(hosts, ports, strict=False)
    return tuple((h, int(p or _POSTGRES_PORT)) for h, p in pairs if h and not h.startswith(("/", "@")))


def redis_addresses(url: str) -> tuple[Address, ...]:
    """None for a socket of this machine."""
    parts = urlsplit(url)
    return () if parts.scheme == "unix" else ((parts.hostname or "localhost", parts.port or _REDIS_PORT),)


def _words(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "the name is unknown here"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:g} s"
    return error.strerror or str(error)


def _remedy(error: OSError, setting: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"correct {setting}, or make the name known (name server, /etc/hosts)"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on that port: start the server, or correct {setting}"
    return f"is a firewall between, or the host down? Else correct {setting}"

