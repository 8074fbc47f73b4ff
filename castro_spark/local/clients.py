"""Clients of a folder's embedded servers, for people who look and try: psql, redis-cli, and a producer of lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from confluent_kafka import KafkaException, Message, Producer

from castro_spark.local import postgres, redis
from castro_spark.local.process import LocalServiceError
from castro_spark.local.stack import Stack

_SECONDS = 15


def psql(stack: Stack, arguments: Sequence[str]) -> NoReturn:
    """Becomes psql, connected to the database. Raises LocalServiceError if PostgreSQL was never started."""
    server = stack.postgres
    password = server.password_file.read_text(encoding="utf-8").strip()
    settings = {
        "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": postgres.USER, "PGDATABASE": postgres.DATABASE,
        "PGPASSWORD": password,
    }  # fmt: skip
    program = postgres.program("psql")
    os.execve(program, [program, *arguments], {**os.environ, **settings})


def redis_cli(stack: Stack, arguments: Sequence[str]) -> NoReturn:
    """Becomes redis-cli, connected to the database of the hashes. Raises LocalServiceError as psql does."""
    server = stack.redis
    password = server.password_file.read_text(encoding="utf-8").strip()
    program = str(Path(redis.program()).with_name("redis-cli"))
    command = [program, "-p", str(server.port), "-n", str(redis.DATABASE), *arguments]
    os.execve(program, command, {**os.environ, "REDISCLI_AUTH": password})


def produce(stack: Stack, topic: str, lines: Iterable[str]) -> int:
    """Sends each line that is not blank as one record, without a key; returns their number.

    Raises LocalServiceError if the broker does not take them, as of a topic that does not exist.
    """
    errors: list[str] = []

    def delivered(error: object, _: Message) -> None:
        if error is not None:
            errors.append(str(error))

    brokers = stack.kafka.env()["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]
    settings = {"enable.idempotence": True, "message.timeout.ms": _SECONDS * 1000, "log_level": 0}
    producer = Producer({"bootstrap.servers": brokers, **settings})
    sent = 0
    try:
        for line in filter(None, map(str.strip, lines)):
            producer.produce(topic, line.encode(), on_delivery=delivered)
            producer.poll(0)
            sent += 1
        left = producer.flush(2 * _SECONDS)
    except (KafkaException, BufferError) as error:
        raise LocalServiceError(f"kafka: {error}") from error
    if errors or left:
        raise LocalServiceError(
            f"kafka: {len(errors) + left} of {sent} records were not taken by topic {topic}"
            f" ({errors[0] if errors else 'no answer'})",
            "does the broker run (local status), and is there such a topic (migrate creates those of the streams)?",
        )
    return sent
