"""What an earlier version left behind: its database, checkpoints, archive, Redis, and the records of its topics.

Each folder `vN_N_N` beside this file holds one version's, made by that version's own code (make.py) and never changed since:
whatever later versions change, they must be able to continue from it.

    database.sql      pg_dump --no-owner --no-privileges --inserts --column-inserts, without comments
    redis.json        every key with its hash or text, and when it expires (Unix time in ms; null: never)
    records.jsonl     the topics' records in the order of their offsets, key and value in base64
    topics.json       each topic's id at that time
    checkpoints/      Spark's, and archive/: the Delta tables
    settings.yaml     the settings as that version had them

v0_1_0 is of commit 6c33c55, killed between a commit and the next batch; its archive lacks the last records.
"""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient, NewTopic

from castro_spark.projection.committed import database_timeline
from castro_spark.settings import load_settings
from castro_spark.sources.kafka.ends import NativeTopics
from tests.system import PARTITIONS, System

STREAMS = {"inventory": "inventory_transactions", "sales": "sales_orders", "procurement": "purchases"}
TOPICS = {stream: f"{stream}.earlier" for stream in STREAMS}
Sent = list[tuple[tuple[int, int], dict[str, Any]]]


class Earlier:
    """The folder of a version."""

    def __init__(self, version: str) -> None:
        self.folder = Path(__file__).parent / f"v{version.replace('.', '_')}"

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream's topic: partition, offset, timestamp, and key and value as bytes."""
        lines = (self.folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
        found = [record for record in map(json.loads, lines) if record["stream"] == stream]
        for record in found:
            record.update({part: _bytes(record[part]) for part in ("key", "value")})
        return found

    def produce(self, system: System) -> None:
        """Creates the system's topics with the records, at the offsets that they had; none ages out."""
        admin = AdminClient({"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
        topics = [NewTopic(topic, PARTITIONS, config={"retention.ms": "-1"}) for topic in system.topics.values()]
        for future in admin.create_topics(topics).values():
            future.result(30)
        for stream in STREAMS:
            for record in self.records(stream):
                system.producer.produce(
                    system.topics[stream], record["value"], record["key"], record["partition"], timestamp=record["timestamp"]
                )
        assert system.producer.flush(60) == 0

    def restore(self, system: System) -> None:
        """The system becomes that version's, as after its last run. It has its topics with the records, and nothing else.

        The topics' ids are put in place of the recorded ones: in an upgrade they would be the same.
        """
        self.restore_databases(system)
        ids = json.loads((self.folder / "topics.json").read_text(encoding="utf-8"))
        now = {ids[stream]: topic_id for stream, topic_id in topic_ids(system).items()}
        for old, new in now.items():
            system.query("UPDATE castro.stream SET topic_id = %(new)s WHERE topic_id = %(old)s", {"old": old, "new": new})
        for name in ("checkpoints", "archive"):
            shutil.copytree(self.folder / name, system.folder / name)
        for log in (system.folder / "archive").glob("*/_delta_log/*.json"):
            text = log.read_text(encoding="utf-8")
            for old, new in now.items():
                text = text.replace(old, new)
            log.write_text(text, encoding="utf-8")

    def restore_databases(self, system: System) -> None:
        """PostgreSQL and Redis alone. Redis's note of its database names the system's: in an upgrade it is the same."""
        with closing(system.connect()) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute((self.folder / "database.sql").read_text(encoding="utf-8"))
            timeline = database_timeline(connection)
        self._restore_redis(system, timeline)

    def _restore_redis(self, system: System, timeline: str) -> None:
        for key, (value, expires_at) in json.loads((self.folder / "redis.json").read_text(encoding="utf-8")).items():
            if isinstance(value, dict):
                system.redis.hset(key, mapping=value)
            else:
                system.redis.set(key, timeline if value and key.startswith("castro:history:") else value)
            if expires_at is not None:
                system.redis.pexpireat(key, expires_at)  # at once, where the moment is over


def topic_ids(system: System) -> dict[str, str]:
    """The ids that Kafka gave the streams' topics."""
    topics = NativeTopics(load_settings(conf_file=system.conf, environ=system.env).kafka)
    return {stream: topics.ends(topic).id for stream, topic in system.topics.items()}


def events_of(records: list[dict[str, Any]], table: str) -> Sent:
    """The events that sound records make, for the oracle: native ones, and Debezium's by key. A delete removes its row."""
    found: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
    for record in records:
        try:
            value = json.loads(record["value"] or b"null")
        except ValueError:
            continue
        place = (record["partition"], record["offset"])
        if isinstance(value, dict) and value.get("table") == table:
            data = value["data"]
        elif isinstance(value, dict) and "op" in value and value["source"]["table"] == table:
            event_id = str(json.loads(record["key"])["id"])
            if value["op"] == "d":
                found.pop(event_id, None)
                continue
            data = {"id_evento": event_id, **value["after"]}
        else:
            continue
        if data.get("quantidade") == "?":
            continue  # rejected
        if data["id_evento"] not in found or found[data["id_evento"]][0] < place:
            found[data["id_evento"]] = (place, data)
    return list(found.values())


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
