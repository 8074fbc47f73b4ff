"""Backfill a stream's events of a range of business days, from the warehouse or the archive."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from castro_spark import cli
from castro_spark.batch.backfill import Progress, from_archive
from castro_spark.batch.history import from_warehouse
from castro_spark.errors import UsageError
from castro_spark.observe.heartbeat import reported
from castro_spark.projection.followers import following
from castro_spark.session import hive_session, spark_session
from castro_spark.streams import all_streams
from castro_spark.streams import stream as stream_named

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(help=__doc__)
@cli.settings_options
@click.option("--stream", "name", required=True, type=click.Choice(sorted(all_streams())), help="The stream.")
@click.option("--from", "first", required=True, type=_DAY, help="The first business day, in the local calendar.")
@click.option("--to", "last", required=True, type=_DAY, help="The last one.")
@click.option("--from-archive", "from_archive_", is_flag=True, help="Read the archive instead of the warehouse.")
@click.option("--restart", is_flag=True, help="Repeat the months that an earlier run of this range has done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    env: str,
    conf_file: Path | None,
    name: str,
    first: datetime,
    last: datetime,
    from_archive_: bool,
    restart: bool,
    as_json: bool,
) -> None:
    """Idempotent, and safe while the stream runs."""
    settings = cli.load_migrated(env, conf_file)
    if first > last:
        raise UsageError(f"--from {first.date()} is after --to {last.date()}", "name the earlier day first")
    stream, days = stream_named(name), (first.date(), last.date())
    if from_archive_:
        spark = spark_session("backfill", settings, delta=True)
    else:
        spark = hive_session("backfill", settings.warehouse.embedded_dir, settings)
    stopping = cli.until_signalled()  # after the session, which installs its own signal handler

    application = str(spark.sparkContext.applicationId)
    with reported(settings.postgres, "backfill", name, application) as component, following(settings, [stream]):

        def report(progress: Progress) -> None:
            component.progressed(records=progress.records, records_done=progress.done, month=progress.month)
            click.echo(progress.line(), err=True)

        if from_archive_:
            done = from_archive(spark, settings, stream, *days, stopping=stopping, report=report)
        else:
            done = from_warehouse(spark, settings, stream, *days, restart=restart, stopping=stopping, report=report)
    if as_json:
        cli.print_json({"from": first.date(), "to": last.date(), **done.as_dict()})
    else:
        click.echo(done.summary())


if __name__ == "__main__":
    cli.run(main)
