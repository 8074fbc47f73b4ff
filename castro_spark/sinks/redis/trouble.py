"""Error messages for Redis that name the fix, and a check for servers that can never work."""

from __future__ import annotations

from contextlib import closing

import redis
from redis import exceptions as errors

from castro_spark.errors import SettingsError, SinkError, first_line
from castro_spark.servers import RedisSettings
from castro_spark.sinks.redis.hashes import client

_CLUSTER = "this is a Redis Cluster, whose keys lie in several slots: a projection writes many in one step"
_CLUSTER_REMEDY = "let redis.url name a single server, or the primary of a replicated one"
# The first match counts, so a subclass comes before its class.
_MESSAGES: tuple[tuple[type[Exception], str], ...] = (
    (errors.ReadOnlyError, "it is a read-only replica: was there a failover? redis.url must name the primary"),
    (errors.OutOfMemoryError, "its memory is full: raise its maxmemory or free some"),
    (errors.BusyLoadingError, "it is loading its data"),
    (errors.NoScriptError, "its script cache was flushed"),
    (errors.AuthenticationWrongNumberOfArgsError, "the password is refused: CASTRO_REDIS_PASSWORD or ..._FILE"),
    (errors.AuthenticationError, "the password is refused: CASTRO_REDIS_PASSWORD or ..._FILE"),
    (errors.NoPermissionError, "its ACL does not grant this user what a projection needs"),
    (errors.MovedError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.AskError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.ClusterDownError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.ClusterCrossSlotError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.TimeoutError, "it does not answer within redis.timeout_seconds"),
    (errors.ConnectionError, "it cannot be reached"),
)
_FRAGMENTS = (("MOVED ", _CLUSTER), ("CROSSSLOT", _CLUSTER), ("READONLY", _MESSAGES[0][1]), ("OOM ", _MESSAGES[1][1]))


def in_words(error: redis.RedisError) -> str:
    """One line: the meaning of the error, and the message of the server or the driver."""
    error_text = first_line(error)
    for kind, message in _MESSAGES:
        if isinstance(error, kind):
            return f"Redis: {message} ({error_text})"
    for mark, message in _FRAGMENTS:  # within a script's or a pipeline's own error
        if mark in error_text:
            return f"Redis: {message} ({error_text})"
    return f"Redis: {error_text}"


def check_usable(settings: RedisSettings) -> None:
    """Raises SinkError if Redis fails to answer, SettingsError if projections cannot be written to it."""
    with closing(client(settings)) as connection:
        try:
            connection.ping()
            server = connection.info("server")
            replication = connection.info("replication")
        except errors.NoPermissionError:
            return  # an ACL hides the kind of server: the first write reveals it
        except redis.RedisError as error:
            raise SinkError(in_words(error), "is redis.url right, and the server up?") from None
    if server.get("redis_mode") == "cluster":
        raise SettingsError(f"redis.url: {_CLUSTER}", _CLUSTER_REMEDY)
    if replication.get("role") == "slave":
        raise SettingsError(f"redis.url: {_MESSAGES[0][1]}", "the primary is "
                            f"{replication.get('master_host')}:{replication.get('master_port')}")  # fmt: skip
