"""The rights of docs/security.md are enough, and each of them is needed. Without Kafka and Spark, so without a JVM."""

from __future__ import annotations

import random
from contextlib import closing

import psycopg2
import pytest
import redis
from psycopg2 import sql

from castro_spark.errors import with_class
from castro_spark.observe.status import Status
from castro_spark.projection.rebuild import rebuild
from castro_spark.settings import load_settings
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.sinks.redis.trouble import in_words
from castro_spark.streaming.product_360 import Product360
from castro_spark.streams import all_streams
from tests import oracle
from tests.builders import native, random_events
from tests.consumer import INVENTORY, Consumer
from tests.secured.rights import USER, of_docs
from tests.secured.servers import SecuredRedis
from tests.secured.system import SecuredSystem
from tests.statements import composed

pytestmark = pytest.mark.cluster


def test_they_are_enough(tables: SecuredSystem) -> None:
    settings = load_settings(conf_file=tables.conf, environ=tables.env)
    consumer = Consumer(tables)
    sent = []
    for number, by_executors in enumerate((False, True)):
        events = random_events(random.Random(number), 60)
        first = consumer.positions[0]
        consumer.consume(number, [(0, first + n, native(e)) for n, e in enumerate(events)], by_executors=by_executors, twice=True)
        sent += [((0, first + n), e) for n, e in enumerate(events)]
        oracle.assert_agrees(tables, sent)
    consumer.close()
    with closing(Product360(settings)) as view:
        assert view.refresh() > 0
        tables.redis.flushdb()
        assert rebuild(settings, INVENTORY).problem == ""
        assert view.rebuild() > 0
    oracle.assert_redis_agrees(tables, sent)
    status = Status(settings, list(all_streams().values()))
    assert list(status.stored())
    assert not status.failed


@pytest.mark.parametrize("right", ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"])
def test_a_right_that_lacks_is_told(tables: SecuredSystem, right: str) -> None:
    revoke = "REVOKE {right} ON ALL TABLES IN SCHEMA castro, public FROM {user}"
    tables.query(composed(revoke, right=sql.SQL(right), user=USER))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege) as raised:
        consumer = Consumer(tables)
        event = random_events(random.Random(1), 1)
        consumer.consume(0, [(0, 0, native(event[0])), (0, 1, b"{")], by_executors=True, twice=False)
    assert "permission denied for " in with_class(raised.value)
    assert "grant the role what docs/security.md lists" in with_class(raised.value)


COMMANDS = [word[1:] for word in of_docs("text", "ACL SETUSER").split() if word.startswith("+")]
_ELSEWHERE = {"ping", "info", "mset"}  # of `validate`, and of last_sync


@pytest.mark.parametrize("command", sorted({*COMMANDS} - _ELSEWHERE))
def test_redis_needs_each_command(tables: SecuredSystem, redis_server: SecuredRedis, command: str) -> None:
    settings = load_settings(conf_file=tables.conf, environ=tables.env).redis
    key, other = "inventory:realtime:P1", "inventory:realtime:P2"
    with closing(redis_server.client()) as admin, closing(VersionedHashes(settings, "test", ["inventory:realtime:*"])) as hashes:
        admin.script_flush()
        admin.execute_command("ACL", "SETUSER", USER, f"-{command}")
        try:
            with pytest.raises(redis.RedisError) as raised:
                hashes.write([(key, 4102444800, {"a": "b"}), (other, 4102444800, {"a": "b"})], 1, 1)
                hashes.mark(1, 1)
                assert hashes.published() == (1, 1)
                assert hashes.read([key])[0][0]["a"] == "b"
                hashes.remove_others((1, 2), (1, 2))
                pytest.fail(f"{command} is not needed")
        finally:
            admin.execute_command("ACL", "SETUSER", USER, f"+{command}")
    assert "its ACL denies this user a command or a key" in in_words(raised.value)
