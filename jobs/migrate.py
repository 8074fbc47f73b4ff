"""Create or upgrade tables and topics; safe to repeat."""

from __future__ import annotations

from pathlib import Path

import click

from castro_spark import cli
from castro_spark.rules import configured, stream_settings
from castro_spark.session import spark_session
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from castro_spark.sources.kafka.topics import create_topics


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--skip-topics", is_flag=True, help="Tables only, if others create the topics.")
def main(env: str, conf_file: Path | None, names: tuple[str, ...], skip_topics: bool) -> None:
    """First PostgreSQL, in one transaction; then missing topics, for which a JVM starts."""
    settings = cli.load(env, conf_file)
    streams = cli.chosen(names)
    connection = connect(settings.postgres, "castro_spark migrate", long=True)
    try:
        done = [*migrate(connection, streams), *migrate_warehouse(connection, settings.warehouse.mapped)]
        for name in done or ["nothing to do"]:
            click.echo(f"tables: {name}")
    finally:
        connection.close()
    if skip_topics:
        return
    partitions = {configured(s, settings).topic: stream_settings(s, settings).partitions for s in streams}
    created = create_topics(spark_session("migrate", settings), settings.kafka, partitions)
    for topic, outcome in created.items():
        click.echo(f"topic {topic}: {outcome}")
    if any(isinstance(outcome, Exception) for outcome in created.values()):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli.run(main)
