"""Check settings, PostgreSQL, Redis, Kafka, folders, and if asked for the warehouse, before a start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import psycopg2
import redis

from castro_spark import cli
from castro_spark.batch.history import check_history
from castro_spark.errors import CastroError
from castro_spark.rules import configured
from castro_spark.session import hive_session, spark_session
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.migrate import check_migrated
from castro_spark.sinks.redis.trouble import check_usable
from castro_spark.sources.hive import read_table
from castro_spark.sources.kafka import topic_state
from castro_spark.streaming.checkpoint import check_writable


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--warehouse", is_flag=True, help="Also the warehouse's tables, against the mapping.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def main(env: str, conf_file: Path | None, names: tuple[str, ...], warehouse: bool, as_json: bool) -> None:
    """Changes nothing. Exit status 2 for settings that cannot be used, 1 for a part that does not answer."""
    settings = cli.load(env, conf_file)
    streams = cli.chosen(names)
    spark = hive_session("validate", settings.warehouse.embedded_dir) if warehouse else spark_session("validate")

    def postgres() -> None:
        connection = connect(settings.postgres, "castro_spark validate")
        for stream in streams:
            check_migrated(connection, stream)
        connection.close()

    topics = [configured(s, settings).topic for s in streams]
    checks: dict[str, Callable[[], object]] = {
        "settings": lambda: None,
        "postgres": postgres,
        "redis": lambda: check_usable(settings.redis),
        "checkpoints": lambda: check_writable(spark, settings.checkpoint_dir, "checkpoint_dir"),
        **{
            f"topic {topic}": lambda topic=topic: topic_state(  # type: ignore[misc]
                spark, settings.kafka, topic
            )
            for topic in topics
        },
    }
    if archive := settings.archive.dir:
        checks["archive"] = lambda: check_writable(spark, archive, "archive.dir")
    if warehouse:
        checks |= {
            f"table {mapping.source}": lambda mapping=mapping: read_table(  # type: ignore[misc]
                spark, mapping, None, settings.zone
            )
            for mapping in settings.warehouse.mapped.values()
        }
        checks |= {
            f"history of {stream.name}": lambda stream=stream: check_history(  # type: ignore[misc]
                spark, settings, stream
            )
            for stream in streams
        }
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            check()
            found[name] = "ok"
        except (CastroError, psycopg2.Error, redis.RedisError, OSError) as error:
            found[name] = str(error).strip()
    if as_json:
        cli.print_json(found)
    else:
        for name, words in found.items():
            click.echo(f"{name:<40} {words}")
    if any(words != "ok" for words in found.values()):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli.run(main)
