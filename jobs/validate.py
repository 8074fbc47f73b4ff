"""Check everything that a start depends on (hosts, rights, versions, clocks, executors), before anything is started."""

from __future__ import annotations

import os
from pathlib import Path

import click
from pyspark.sql import SparkSession

from castro_spark import cli
from castro_spark.session import hive_session, spark_session
from castro_spark.validation.check import State
from castro_spark.validation.client_jvm import is_on_yarn
from castro_spark.validation.plan import Validation
from castro_spark.validation.report import HEADING, document, lines, summary


@click.command(help=__doc__)
@cli.settings_options
@cli.stream_option
@click.option("--warehouse", is_flag=True, help="Also the warehouse's tables, against the mapping.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, at the end.")
def main(env: str, conf_file: Path | None, names: tuple[str, ...], warehouse: bool, as_json: bool) -> None:
    """Leaves nothing behind. Exit status 2 for invalid settings, 1 if a check failed."""
    settings = cli.load(env, conf_file)

    def session() -> SparkSession:
        if warehouse:
            return hive_session("validate", settings.warehouse.embedded_dir, settings)
        return spark_session("validate", settings)

    results = []
    if not as_json:
        click.echo(HEADING)
    validation = Validation(settings, cli.chosen(names), session, warehouse, is_on_yarn(os.environ))
    for result in validation.results():
        results.append(result)
        for line in () if as_json else lines(result):
            click.echo(line)
    if as_json:
        cli.print_json(document(results))
    else:
        click.echo(summary(results))
    if any(result.state is not State.OK for result in results):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    cli.run(main)
