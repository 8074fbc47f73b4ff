"""Check settings, PostgreSQL, Redis, Kafka, folders and, optionally, the warehouse before a start."""

from __future__ import annotations

from pathlib import Path

import click
from pyspark.sql import SparkSession

from castro_spark import cli
from castro_spark.batch.validate import checks, outcome
from castro_spark.session import hive_session, spark_session


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--warehouse", is_flag=True, help="Also the warehouse's tables, against the mapping.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, at the end.")
def main(env: str, conf_file: Path | None, names: tuple[str, ...], warehouse: bool, as_json: bool) -> None:
    """Changes nothing. Exit status 2 for invalid settings, 1 if a part does not answer."""
    settings = cli.load(env, conf_file)
    streams = cli.chosen(names)

    def session() -> SparkSession:
        if warehouse:
            return hive_session("validate", settings.warehouse.embedded_dir, settings)
        return spark_session("validate", settings)

    results = {}
    for name, check in checks(settings, streams, session, warehouse=warehouse):
        results[name] = outcome(check)
        if not as_json:
            click.echo(f"{name:<40} {results[name]}")
    if as_json:
        cli.print_json(results)
    if any(result != "ok" for result in results.values()):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli.run(main)
