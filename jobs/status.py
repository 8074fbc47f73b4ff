"""Show each stream's lag, writer, quarantine, cache and archive, and how far each warehouse table is extracted."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import click
from pyspark.sql import SparkSession

from castro_spark import cli
from castro_spark.observe.status import Status
from castro_spark.observe.status_text import lines
from castro_spark.session import spark_session


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, at the end.")
def main(env: str, conf_file: Path | None, names: tuple[str, ...], as_json: bool) -> None:
    """PostgreSQL and Redis first; then Kafka, for which a JVM starts. Exit status 1 if a part did not answer.

    Changes nothing except the record of what was reported: a new source field is reported once.
    """
    settings = cli.load(env, conf_file)
    status = Status(settings, cli.chosen(names))
    with_archive = settings.archive.dir is not None

    def session() -> SparkSession:
        return spark_session("status", settings, delta=with_archive)

    for kind, part in chain(status.stored(), status.topics(session)):
        for line in () if as_json else lines(kind, part):
            click.echo(line)
    if as_json:
        cli.print_json(status.document)
    if status.failed:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli.run(main)
