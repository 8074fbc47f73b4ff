"""What is wrong with Redis, in words that say what to do; and what can never work."""

from __future__ import annotations

from contextlib import closing

import redis
from redis import exceptions as errors

from castro_spark.errors import SettingsError, SinkError, first_line
from castro_spark.servers import RedisSettings
from castro_spark.sinks.redis.hashes import client

_CLUSTER = "this is a Redis Cluster, whose keys lie in several slots: a projection writes many in one step"
_CLUSTER_REMEDY = "let redis.url name a single server, or the primary of a replicated one"
# The first that fits; a subclass stands before its class.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (errors.ReadOnlyError, "it is a read-only replica: was there a failover? redis.url must name the primary"),
    (errors.OutOfMemoryError, "its memory is full: raise its maxmemory or free some"),
    (errors.BusyLoadingError, "it is loading its data"),
    (errors.NoScriptError, "it has forgotten the script"),
    (errors.AuthenticationWrongNumberOfArgsError, "the password is refused: CASTRO_REDIS_PASSWORD or ..._FILE"),
    (errors.AuthenticationError, "the password is refused: CASTRO_REDIS_PASSWORD or ..._FILE"),
    (errors.NoPermissionError, "its ACL does not let this user do what a projection needs"),
    (errors.MovedError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.AskError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.ClusterDownError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.ClusterCrossSlotError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.TimeoutError, "it does not answer within redis.timeout_seconds"),
    (errors.ConnectionError, "it cannot be reached"),
)
_MARKS = (("MOVED ", _CLUSTER), ("CROSSSLOT", _CLUSTER), ("READONLY", _WORDS[0][1]), ("OOM ", _WORDS[1][1]))


def in_words(error: redis.RedisError) -> str:
    """One line: what it means, and what the server or the driver said."""
    said = first_line(error)
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return f"Redis: {words} ({said})"
    for mark, words in _MARKS:  # within a script's or a pipeline's own error
        if mark in said:
            return f"Redis: {words} ({said})"
    return f"Redis: {said}"


def check_usable(settings: RedisSettings) -> None:
    """Raises where Redis does not answer, or is one that projections cannot be written to."""
    with closing(client(settings)) as connection:
        try:
            connection.ping()
            server = connection.info("server")
            replication = connection.info("replication")
        except errors.NoPermissionError:
            return  # an ACL that hides what kind of server this is: the first write tells
        except redis.RedisError as error:
            raise SinkError(in_words(error), "is redis.url right, and the server up?") from None
    if server.get("redis_mode") == "cluster":
        raise SettingsError(f"redis.url: {_CLUSTER}", _CLUSTER_REMEDY)
    if replication.get("role") == "slave":
        raise SettingsError(f"redis.url: {_WORDS[0][1]}", "the primary is "
                            f"{replication.get('master_host')}:{replication.get('master_port')}")  # fmt: skip
