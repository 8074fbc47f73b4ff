"""Serves a driver's metrics at an address of its own: those of PostgreSQL, and those of the process.

In a thread of its own. What goes wrong with it is logged, and never ends a stream.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, start_http_server

from castro_spark.observe.metrics.collector import PostgresCollector
from castro_spark.settings import Settings

log = logging.getLogger(__name__)


@contextmanager
def served(settings: Settings) -> Iterator[str | None]:
    """Serves while the block runs, if `metrics.driver_address` is set; yields host:port for others, else None."""
    address = settings.metrics.driver_address
    if address is None:
        yield None
        return
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    of_postgres = PostgresCollector(settings)
    registry.register(of_postgres)
    try:
        server, thread = start_http_server(settings.metrics.driver_port, address, registry)
    except OSError as error:
        log.warning(
            "metrics are not served at %s port %s: %s; the streams go on (metrics.driver_address, metrics.driver_port)",
            address, settings.metrics.driver_port, error.strerror or error,
        )  # fmt: skip
        yield None
        return
    try:
        yield f"{_reached_by(address)}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(1)
        of_postgres.close()


def _reached_by(address: str) -> str:
    """The address as other machines name it: this machine's name where it listens everywhere."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.is_unspecified:
        return socket.getfqdn()
    return f"[{address}]" if parsed.version == 6 else address  # noqa: PLR2004
